// SPDX-License-Identifier: MIT
// The endpoint: framing, parsing, transactions (RFC 3261 section 17), targets (RFC 3263) and Via, for one shard. It may
// be embedded alone. A request is a Draft until flow and size are known: the endpoint writes Via and Contact last (RFC
// 3261 18.1.1). It knows no dialog and no call. A copyable value; it reads no clock and no socket.
//
// One step handles one message: after receive(), poll events until none is left, then call proceed() until it says
// false. So an INVITE is admitted before a CANCEL of the same chunk is looked at. message() and path() belong to the
// step in hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/counters.hpp"
#include "base/deadlines.hpp"
#include "base/machine.hpp"
#include "base/random.hpp"
#include "sip/attempt.hpp"
#include "sip/keepalive.hpp"
#include "sip/message/framer.hpp"
#include "sip/message/message.hpp"
#include "sip/message/writer.hpp"
#include "sip/transaction/table.hpp"

namespace isthmus::sip {

// Where we are reached: `host`:`port` is written as sent-by of Via and as Contact for flows of this protocol.
struct Listener {
  Protocol protocol = Protocol::udp;
  SocketAddress bound;
  std::string host;
  uint16_t port = 5060;
};

// Is `local` an address of the socket that is bound to `bound`: the same, or one of all?
bool has_address(const SocketAddress& bound, const SocketAddress& local);

struct EndpointConfig {
  TimerConfig timers;
  std::vector<Listener> listeners;
  size_t max_flows = 20000;
  size_t max_requests = 100000;        // requests on their way, ours
  size_t max_waiting_responses = 256;  // responses that wait for a new connection (18.2.2)
  // How long the edge may take over what it is asked for; afterwards it has failed. The edge's own limits are longer.
  Duration lookup_limit = std::chrono::seconds(5);
  Duration open_limit = std::chrono::seconds(5);
  Duration message_limit = std::chrono::seconds(20);  // for one message of a stream to be whole (advisory G10)
  uint8_t shard = 0;
};

enum class EndpointEventKind : uint8_t {
  request,    // a request of no transaction: respond_stateless() or admit(), in this step
  ack,        // an ACK for a 2xx (or for nothing we know)
  cancelled,  // an admitted INVITE was cancelled before its final response; 200(CANCEL) is sent, the owner answers 487
  response,   // `request` got a response; 2xx to INVITE come each time, also repeated ones
  failed,     // `request` ended without a final response: status 408 or 503
  cancel_done,     // the CANCEL of `request` got its final response (status), or timed out (408)
  stray_response,  // a 2xx to an INVITE whose transaction is gone
  server_gone      // an admitted INVITE's transaction ended: `status` 0 in order, 408 no ACK came, 503 response
                   // undeliverable
};

struct EndpointEvent {
  EndpointEventKind kind = EndpointEventKind::request;
  ServerId server;
  RequestId request;
  Cookie cookie;
  uint16_t status = 0;
};

enum class SipDrop : uint8_t {
  malformed,         // not parseable and not answerable
  not_sip,           // another protocol on the SIP port
  stray_response,    // a response of no transaction
  stray_ack,         // an ACK of no transaction and no dialog
  unknown_flow,      // bytes of a flow that was never announced
  overload,          // a table is full: answered 503 statelessly or dropped
  undeliverable,     // a response that could not be sent anywhere
  forbidden_target,  // broadcast, multicast or unspecified address in Via, Contact or Route
  rate_limited,      // more OPTIONS than the named limits
  late_answer,       // an answer to an ask nobody waits for
  unanswered,        // a lookup or connection that did not come in time
  unfinished,        // a stream was closed: its message did not become whole in time
  kCount
};
std::string_view describe(SipDrop drop);

class Endpoint {
 public:
  Endpoint(EndpointConfig config, const Seed& seed);

  void receive(Pass& pass, const Path& path, Bytes bytes);  // bytes may be reused when it returns
  bool proceed(Pass& pass);  // the next whole message of the last chunk; false: none is left
  void flow_up(Pass& pass, const FlowFacts& facts);
  void flow_down(Pass& pass, FlowId flow, Fault why);
  void unreachable(Pass& pass, const Path& path, Fault why);
  void answer(Pass& pass, AskId ask, const Answer& reply);
  void expire(Pass& pass);
  TimePoint next_deadline() const;
  std::optional<EndpointEvent> poll_event();
  Census census() const;

  const Message& message() const { return message_; }
  const Path& path() const { return path_; }
  Protocol protocol() const { return protocol_; }

  // Client side. A RequestId stays the same over all attempts (next targets). After cancel() only the running attempt
  // goes on.
  RequestId send(Pass& pass, Outgoing request, Cookie cookie);
  void cancel(Pass& pass, RequestId request,
              std::string_view reason = {});  // 9.1: waits for a 1xx; before any datagram it ends at once
  // Nobody waits for the outcome any more: no further target is tried and nothing is cancelled; what runs ends within
  // 64*T1.
  void abandon(Pass& pass, RequestId request);
  // Ends at once, without a word to anybody: its transactions are gone when this returns.
  void drop(Pass& pass, RequestId request);
  // Its peer is reached by another way from now on: repeats, CANCEL and the ACK of a 3xx-6xx go there, with the Via
  // that the request had (9.1, 17.1.1.3). A CANCEL that found no way, or was lost with it, goes once more.
  void move(Pass& pass, RequestId request, const Path& path);
  // ACK for a 2xx with this To tag; repeated by itself for each repeat of the 2xx while the INVITE's transaction lives
  // (13.2.2.4). Without a request (its transaction is gone): sent once.
  void acknowledge(Pass& pass, RequestId request, std::string_view to_tag, Outgoing ack);
  // Notes each message that comes (NoteKind::sip_received, `subject` the protocol), framed and before it is parsed.
  void trace(bool on) { tracing_ = on; }
  // Keep the NAT mapping or connection of this path alive (R1.33, RFC 5626 4.4).
  void keep_alive(Pass& pass, const Path& path, bool wanted);
  bool keeps_alive(const Path& path) const { return keepalive_.keeps(path); }
  // The path that the request's last attempt used; none before it was sent.
  std::optional<Path> path_of(RequestId request) const;
  // 9.1: how a later run may call off this INVITE, should this one die. None: no 1xx allows a CANCEL yet, the final
  // response is there, or the peer has opened the connection, and nobody but the peer can open it again.
  std::optional<CallOff> cancel_of(RequestId invite) const;
  // What cancel_of() told an earlier run: from the same socket, or over a new connection, with its own transaction of
  // whose outcome nobody hears. What is no CANCEL, or has no way to go, is dropped and counted.
  void call_off(Pass& pass, const CallOff& lost);

  // Server side.
  ServerId admit(Pass& pass);  // the request in hand gets a transaction; INVITE: 100 at once (R4.3). None: table full,
                               // answered 503.
  void respond_stateless(Pass& pass, int status, const Draft* extra = nullptr, std::string_view reason = {});
  // A response to an admitted request, with its Via, From, To (+ our tag), Call-ID, CSeq and Record-Route; the caller
  // adds the rest.
  Draft response(ServerId server, int status, std::string_view reason = {}) const;
  void respond(Pass& pass, ServerId server, const Draft& response);  // again with a 2xx: the repeat of 13.3.1.4
  // Its peer is reached by another way from now on; a response that waits for a connection goes there (C26).
  void move(Pass& pass, ServerId server, const Path& path);
  std::string to_tag(ServerId server) const;
  ServerId last_admitted() const { return last_admitted_; }
  // The request in hand was answered statelessly with this tag, should its ACK come.
  std::string stateless_tag() const;

  bool is_up(const Path& path) const;
  std::optional<FlowFacts> facts(FlowId flow) const;
  // "<sip:user@host:port;transport=tcp>" for the listener that serves the path's flow.
  std::string contact(const Path& path, std::string_view user) const;
  bool is_own_host(std::string_view host, uint16_t port) const;

  const Counters<SipDrop>& drops() const { return drops_; }
  const Counters<TransactionTable::Drop>& transaction_drops() const { return table_.drops(); }
  void count(SipDrop drop) { drops_.add(drop); }  // what the owner let go
  const TimerConfig& timers() const { return config_.timers; }
  Random& random() { return random_; }

 private:
  // What is kept of an admitted request until its transaction ends.
  struct Served {
    Draft base;  // Via, From, To, Call-ID, CSeq, Record-Route of its responses
    std::string to_tag;
    std::string merge_key;   // RFC 3261 8.2.2.2
    SocketAddress fallback;  // 18.2.2: where a new connection goes when the flow is lost
    Method method = Method::unknown;
    std::optional<AskId> opening;  // of that connection
  };
  struct WaitingResponse {
    ServerId server;
    int status = 0;
    std::string bytes;
  };
  struct Asked {
    RequestId request;  // none: a response waits
    std::optional<WaitingResponse> response;
    TimerId limit;
  };
  struct Flow {
    FlowFacts facts;
    Framer framer;
    TimerId unfinished;  // set while a part of a message waits
  };

  void take_message(Pass& pass, const Path& path, Bytes bytes, bool framed);
  void take_request(Pass& pass);
  void take_ack(Pass& pass);
  void take_cancel(Pass& pass);
  void take_response(Pass& pass);
  void answer_malformed(Pass& pass, const ParseError& error);
  std::string request_key(std::string_view method) const;
  std::string merge_key() const;
  Path response_path() const;
  SocketAddress response_fallback() const;
  bool is_forbidden(const SocketAddress& address) const;
  AskId new_ask(Pass& pass, Asked asked, Duration limit);
  void drop_ask(AskId ask);
  bool take_up(Pass& pass, const FlowFacts& facts);

  void drain_outcomes(Pass& pass);
  void finish_server(const Outcome& outcome);
  void open_for_response(Pass& pass, ServerId server, int status, std::string bytes);
  void opened_for_response(Pass& pass, AskId ask, const Answer& reply);

  // sip/attempt.cpp: requests of ours on their way.
  void begin(Pass& pass, RequestId id);
  void advance(Pass& pass, RequestId id);
  void start_on(Pass& pass, RequestId id, const Path& path, Protocol protocol);
  void take_hop(Pass& pass, RequestId id);
  size_t datagram_size(const Attempt& attempt, const Path& path);
  void finish_ack(Pass& pass, RequestId id);
  bool repeat_ack(Pass& pass, const Attempt& attempt);
  void finish_request(Pass& pass, RequestId id, uint16_t status);
  void forget_ask(Pass& pass, Attempt& attempt);
  void send_cancel(Pass& pass, RequestId id);
  void cancel_lost(RequestId id, Attempt& attempt);
  bool reopen(Pass& pass, RequestId id);
  void reopened(Pass& pass, RequestId id, const Answer& reply);
  void write_cancel(const Attempt& attempt, std::string& bytes) const;
  void answer_attempt(Pass& pass, RequestId id, const Answer& reply);
  void client_outcome(Pass& pass, const Outcome& outcome);
  void client_response(Pass& pass, ClientId client);
  std::string make_ack(const Attempt& attempt) const;
  const Listener* listener_for(Protocol protocol, const IpAddress& local) const;
  const Flow* datagram_flow(const SocketAddress& remote) const;
  const Flow* datagram_flow_at(const SocketAddress& local) const;
  std::optional<Path> datagram_path(const SocketAddress& remote) const;
  void write_via(const Path& path, Protocol protocol, std::string_view branch, std::string& via) const;
  void write_placed(const Outgoing& request, const Path& path, std::string_view via, std::string& bytes) const;
  EndpointConfig config_;
  Random random_;
  HashKey tag_key_;
  TransactionTable table_;
  DeadTargets dead_;
  Keepalive keepalive_;
  Slots<Attempt, RequestTag> attempts_;
  Slots<Asked, AskTag> asks_;
  Deadlines<Id<AskTag>> ask_limits_;
  Deadlines<FlowId> message_limits_;
  std::map<FlowId, Flow> flows_;
  std::vector<FlowId> datagrams_;  // the bound sockets among them, in the order of binding
  size_t waiting_responses_ = 0;
  std::unordered_map<uint64_t, Served> served_;  // by packed ServerId; never walked
  std::unordered_multimap<std::string, ServerId, TextHash, std::equal_to<>> merged_;
  std::deque<EndpointEvent> events_;
  Message message_;
  Path path_;
  Protocol protocol_ = Protocol::udp;
  FlowId stream_;  // with frames left to read
  bool tracing_ = false;
  bool in_hand_ = false;  // message_ is a request that waits for admit() or respond_stateless()
  ServerId last_admitted_;
  std::string scratch_;
  std::string via_scratch_;
  Counters<SipDrop> drops_;
};

}  // namespace isthmus::sip
