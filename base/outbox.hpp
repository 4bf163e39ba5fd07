// SPDX-License-Identifier: MIT
// What a machine wants done: a list of small trivially copyable actions and one byte arena, owned and reused by the
// driver, cleared per pass. Bytes are named by offset, never by pointer, because the arena grows. An action that
// carries an AskId is an ask: it is answered at most once, never from inside the verb that asked; failure is an answer
// too.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/dns.hpp"
#include "base/slots.hpp"
#include "base/time.hpp"

namespace isthmus {

using FlowId = Id<struct FlowTag>;  // datagrams: the bound socket; streams: the connection

enum class Protocol : uint8_t { udp, tcp, tls, ws, wss };
enum class Framing : uint8_t { datagram, message, stream };  // message: one WebSocket message is one chunk

inline bool is_reliable(Protocol protocol) {
  return protocol != Protocol::udp;
}

struct Path {
  FlowId flow;
  SocketAddress remote;
  SocketAddress local;
  friend bool operator==(const Path&, const Path&) = default;
};

struct FlowFacts {
  Path path;
  Protocol protocol = Protocol::udp;
  Framing framing = Framing::datagram;
  bool inbound = false;  // accepted by us, not opened
  friend bool operator==(const FlowFacts&, const FlowFacts&) = default;
};

// Answer to a Bind: one socket or an RTP/RTCP pair, each a flow of its own.
struct PortFacts {
  FlowId rtp;
  SocketAddress rtp_local;
  FlowId rtcp;  // none unless a pair was asked for
  SocketAddress rtcp_local;
};

enum class FaultCode : uint8_t {
  refused,
  unreachable,
  timed_out,
  closed,
  reset,
  tls,
  no_such_name,
  no_servers,
  no_ports,
  limit,
  malformed
};
struct Fault {
  FaultCode code = FaultCode::closed;
  friend bool operator==(const Fault&, const Fault&) = default;
};
std::string_view describe(FaultCode code);

enum class Room : uint8_t {
  none,
  endpoint,
  user_agent,
  exchange,
  engine
};  // which part of a composite machine waits for an answer
struct AskId {
  Room room = Room::none;
  Id<struct AskTag> ask;
  friend bool operator==(const AskId&, const AskId&) = default;
};

enum class CloseReason : uint8_t { done, idle, protocol_error, limit, shutdown };

struct Range {
  uint32_t at = 0;
  uint32_t size = 0;
};

// Kinds of notes; rendered by gateway/observe, never by a core. `subject` is the call, leg or transaction they belong
// to.
enum class NoteKind : uint16_t {
  none,
  sip_received,
  sip_sent,
  sip_dropped,
  sip_malformed,
  auth_failed,
  call_event,
  media_event,
  limit_reached
};

struct Send {
  Path path;
  Range bytes;
};
struct Open {  // may be answered with a flow that is up already
  AskId ask;
  Protocol protocol = Protocol::tcp;
  SocketAddress remote;
  Range tls_name;
};
struct Bind {
  AskId ask;
  IpAddress local;
  bool pair = false;
};
struct Lookup {
  AskId ask;
  RecordType type = RecordType::a;
  Range name;
};
struct Close {
  FlowId flow;
  CloseReason why = CloseReason::done;
};
struct Forget {
  AskId ask;
};
struct Note {
  NoteKind kind = NoteKind::none;
  uint64_t subject = 0;
  Path path;
  Range bytes;
};

using Action = std::variant<Send, Open, Bind, Lookup, Close, Forget, Note>;
static_assert(std::is_trivially_copyable_v<Action> && sizeof(Action) <= 112);

using Answer = std::variant<FlowFacts, PortFacts, Records, Fault>;

struct Outbox {
  static constexpr size_t kMaxBytes = size_t{16} << 20;  // per pass; what does not fit is dropped and counted
  static constexpr size_t kMaxActions = 65536;

  std::vector<Action> actions;
  std::vector<std::byte> bytes;
  uint64_t dropped = 0;  // actions that did not fit, since the start

  void send(const Path& path, Bytes payload);
  void open(AskId ask, Protocol protocol, const SocketAddress& remote, std::string_view tls_name = {});
  void bind(AskId ask, const IpAddress& local, bool pair);
  void lookup(AskId ask, RecordType type, std::string_view name);
  void close(FlowId flow, CloseReason why);
  void forget(AskId ask);
  void note(NoteKind kind, uint64_t subject, const Path& path, Bytes text);

  Bytes view(Range range) const { return {bytes.data() + range.at, range.size}; }
  void clear() {
    actions.clear();
    bytes.clear();
  }

 private:
  bool put(Bytes payload, Range& range);
  void add(const Action& action);
};

}  // namespace isthmus
