// SPDX-License-Identifier: MIT
// SIP messages of a running gateway, for whoever looks for a fault: while it is on, the messages that pass are kept in
// a ring of bounded size, without their secrets (sip_secrets), to be read by sequence number or as a pcapng file for
// Wireshark, with IP and UDP or TCP headers made for them. Pure: no clock, no socket.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/outbox.hpp"
#include "base/time.hpp"

namespace isthmus::gateway {

struct TraceEntry {
  uint64_t sequence = 0;  // from 1; gaps are messages that were pushed out
  WallTime at;
  bool sent = false;  // by the gateway
  Protocol protocol = Protocol::udp;
  SocketAddress from;
  SocketAddress to;
  std::string message;
};

class Trace {
 public:
  static constexpr size_t kRingBytes = 8 << 20;  // of messages; the oldest go first
  static constexpr size_t kEntryBytes = 256;     // what a message costs beside its text
  static constexpr size_t kMaxMessage = 64 << 10;

  // The Call-IDs of the call that is looked for, as far as it has some now.
  using OfCall = std::function<std::vector<std::string>()>;

  // `wanted`: nothing (everything), an IP address, a SIP Call-ID, or the id of a call that `of_call` knows: its
  // messages are still known when the call is over. What was kept before is forgotten.
  void start(std::string wanted, OfCall of_call);
  void stop() { on_ = false; }  // what is kept can still be read
  bool is_on() const { return on_; }
  const std::string& wanted() const { return wanted_; }

  void add(WallTime now, bool sent, Protocol protocol, const Path& path, Bytes message);

  const std::deque<TraceEntry>& entries() const { return entries_; }
  size_t bytes() const { return bytes_; }
  uint64_t pushed_out() const { return pushed_out_; }
  uint64_t last() const { return last_; }

 private:
  bool is_wanted(const Path& path, std::string_view message);
  void learn();

  bool on_ = false;
  std::string wanted_;
  std::optional<IpAddress> address_;
  OfCall of_call_;
  std::set<std::string, std::less<>> call_ids_;
  std::deque<TraceEntry> entries_;
  size_t bytes_ = 0;
  uint64_t last_ = 0;
  uint64_t pushed_out_ = 0;
};

// The messages as a pcapng file (draft-ietf-opsawg-pcapng): raw IP packets (link type 101), streams in order.
std::string pcapng(const std::deque<TraceEntry>& entries);

// The value of the Call-ID header, also in its compact form; "" for none.
std::string_view sip_call_id(std::string_view message);

}  // namespace isthmus::gateway
