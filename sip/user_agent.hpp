// SPDX-License-Identifier: MIT
// The user agent: sessions (RFC 3261 sections 12 to 15), their offers and answers (RFC 3264, bodies opaque), re-INVITE,
// CANCEL, BYE and registrations, on an Endpoint that it owns. Events are call-level; bodies are in message() of the
// step in hand. It never sees SDP.
//
// The one law of hanging up: end() is irrevocable. The user agent alone then chooses between waiting, CANCEL, ACK and
// BYE, BYE or a final response; it swallows every later event of the session and reports only `gone` (R1.25, R1.26).
//
// As with the endpoint, one step handles one message: poll events until none is left, then proceed() until it says
// false.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/deadlines.hpp"
#include "sip/endpoint.hpp"
#include "sip/source_limit.hpp"
#include "sip/usage/events.hpp"
#include "sip/usage/invite.hpp"
#include "sip/usage/registration.hpp"

namespace isthmus::sip {

class UserAgent {
 public:
  UserAgent(UserAgentConfig config, const Seed& seed);

  void receive(Pass& pass, const Path& path, Bytes bytes);
  bool proceed(Pass& pass);
  void flow_up(Pass& pass, const FlowFacts& facts);
  void flow_down(Pass& pass, FlowId flow, Fault why);
  void unreachable(Pass& pass, const Path& path, Fault why);
  void answer(Pass& pass, AskId ask, const Answer& reply);
  void expire(Pass& pass);
  TimePoint next_deadline() const;
  std::optional<UserAgentEvent> poll_event();
  Census census() const;

  const Message& message() const { return endpoint_.message(); }
  const Path& path() const { return endpoint_.path(); }
  Protocol protocol() const { return endpoint_.protocol(); }

  // The request of a `request` or `verify` event.
  void refuse(Pass& pass, int status, const std::vector<HeaderLine>& headers = {});   // stateless (R4.1)
  void respond(Pass& pass, int status, const std::vector<HeaderLine>& headers = {});  // non-INVITE, with a transaction
  // The same in two steps, the answer in a later one: the transaction absorbs repeats meanwhile. None: the table was
  // full, and 503 is sent.
  ServerId hold(Pass& pass) { return endpoint_.admit(pass); }
  void respond(Pass& pass, ServerId held, int status, const std::vector<HeaderLine>& headers);
  SessionId admit(Pass& pass, const AdmitSpec& spec);  // INVITE: 100 at once; none when a table is full (503 is sent)
  void vouch(Pass& pass);  // the new source is believed; the request goes its way, the flow moves

  // Sessions.
  SessionId invite(Pass& pass, InviteSpec spec, uint64_t cookie);
  void ring(Pass& pass, SessionId session, int status, std::string_view body = {});  // 180 or 183
  void accept(Pass& pass, SessionId session, std::string_view body);                 // 200, repeated until the ACK
  void modify(Pass& pass, SessionId session, std::string body);       // re-INVITE; waits while another offer is open
  void answer(Pass& pass, SessionId session, std::string_view body);  // 200 to the peer's re-INVITE
  void reject(Pass& pass, SessionId session, int status, const std::vector<HeaderLine>& headers = {});
  void end(Pass& pass, SessionId session, const EndReason& reason);
  // Keep the way to a registered party open (R1.33).
  void keep_alive(Pass& pass, const Path& path, bool wanted) { endpoint_.keep_alive(pass, path, wanted); }
  // The flow of a peer moved (it registered again): requests and responses go there from now on.
  void move_flow(Pass& pass, SessionId session, const Path& path);

  // How a later run may call off our INVITE, and its doing so (Endpoint::cancel_of, call_off).
  std::optional<CallOff> cancel_of(SessionId session) const;
  void call_off(Pass& pass, const CallOff& lost);

  // Registrations of ours at an upstream server (RFC 3261 section 10.2).
  RegistrationId enroll(Pass& pass, RegistrationSpec spec);
  void withdraw(Pass& pass, RegistrationId registration);  // Expires: 0; then gone

  struct SessionFacts {
    std::string call_id;
    std::string local_tag;
    std::string remote_tag;
    std::string remote_target;
    Path source;
    bool reaping = false;
    bool caller = false;  // the INVITE was ours
    LegState state = LegState::terminating;
    std::string from;  // name-addr of From and To of the INVITE
    std::string to;
    std::string user_agent;  // of the peer
  };
  std::optional<SessionFacts> facts(SessionId session) const;
  // Peers known by their addresses: the pings of strangers take no answers from them.
  void know_sources(std::vector<Prefix> sources) { known_sources_ = std::move(sources); }
  Endpoint& endpoint() { return endpoint_; }
  const Endpoint& endpoint() const { return endpoint_; }
  uint64_t forced_removals() const { return forced_; }  // reaping legs cut at their bound (R1.26)

 private:
  UsageContext context(Pass& pass) { return {pass, endpoint_, timers_, events_, config_}; }
  void take(Pass& pass, const EndpointEvent& event);
  void drain(Pass& pass);
  void take_request(Pass& pass);
  void take_in_dialog(Pass& pass);
  void deliver(Pass& pass, SessionId session);
  void take_ack(Pass& pass);
  void take_response(Pass& pass, const EndpointEvent& event);
  void settle(Pass& pass, SessionId session);
  template <class Verb>
  void with(Pass& pass, SessionId session, Verb verb);
  void registration_outcome(Pass& pass, RegistrationId id, uint16_t failure);  // 0: the response in hand
  SessionId find_session(const Message& message, std::string_view local_tag) const;
  bool check_request(Pass& pass);
  bool is_of_known_source() const;

  UserAgentConfig config_;
  Endpoint endpoint_;
  Slots<InviteUsage, SessionTag> sessions_;
  Slots<Registration, RegistrationTag> registrations_;
  std::unordered_multimap<std::string, SessionId, TextHash, std::equal_to<>> by_tag_;  // our tags; never walked
  std::unordered_map<uint64_t, SessionId> by_server_;                                  // packed ServerId
  Deadlines<SessionAlarm> timers_;
  Deadlines<RegistrationId> registration_timers_;
  std::deque<UserAgentEvent> events_;
  SessionId in_hand_;  // of a `verify` event
  uint64_t forced_ = 0;
  size_t orphans_ = 0;
  std::vector<Prefix> known_sources_;
  SourceLimit known_pings_;
  SourceLimit strange_pings_;
};

}  // namespace isthmus::sip
