// SPDX-License-Identifier: MIT
// The INVITE usage: one session, from the INVITE to the last BYE, with all dialogs that its INVITE made (RFC 3261
// sections 13 to 15, RFC 6026). Offers and answers are opaque bodies: the rules here need only whose offer is open (RFC
// 3264, RFC 3261 section 14). The machine is spread over four files by what happens: invite_client (our INVITE),
// invite_server (the peer's), invite_modify (re-INVITE and UPDATE), invite_end (BYE, CANCEL and the law of hanging up).
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadlines.hpp"
#include "sip/auth/client_auth.hpp"
#include "sip/dialog/dialog.hpp"
#include "sip/endpoint.hpp"
#include "sip/usage/events.hpp"

namespace isthmus::sip {

enum class SessionTimer : uint8_t {
  repeat_2xx,  // 13.3.1.4
  ack_limit,   // 13.3.1.4: 64*T1 without an ACK
  fast_abort,  // R1.27
  reap_limit,  // R1.26
  glare,       // 14.1: the re-INVITE again after 491
  modify,      // our re-INVITE has had a 1xx and no final response for 64*T1: it is cancelled
  expiry       // RFC 4028: the peer did not refresh
};
struct SessionAlarm {
  SessionId session;
  SessionTimer timer = SessionTimer::reap_limit;
};

// What a session's requests are for; travels in Cookie::purpose.
enum class Purpose : uint32_t { invite, modify, bye, registration };

// What the usage works with during one verb; never stored.
struct UsageContext {
  Pass& pass;
  Endpoint& endpoint;
  Deadlines<SessionAlarm>& timers;
  std::deque<UserAgentEvent>& events;
  const UserAgentConfig& config;
};

class InviteUsage {
 public:
  enum class State : uint8_t {
    calling,   // our INVITE has no final response
    ringing,   // the peer's INVITE has none
    accepted,  // our 2xx waits for its ACK
    confirmed,
    over  // nobody is to be told anything any more
  };

  // Our INVITE.
  InviteUsage(UsageContext& context, SessionId id, InviteSpec spec, uint64_t cookie, const Digests& digests);
  // The peer's INVITE, admitted: the message in hand.
  InviteUsage(UsageContext& context, SessionId id, ServerId server, const AdmitSpec& spec, const Digests& digests);
  // What is left of a session that is gone already: a 2xx that nobody wants (D4, D10). ACK and BYE only.
  InviteUsage(UsageContext& context, SessionId id, RequestId invite, const Digests& digests);

  // Verbs of the owner.
  void ring(UsageContext& context, int status, std::string_view body);
  void accept(UsageContext& context, std::string_view body);
  void modify(UsageContext& context, std::string body);
  void answer(UsageContext& context, std::string_view body);
  void reject(UsageContext& context, int status, const std::vector<HeaderLine>& headers);
  void end(UsageContext& context, const EndReason& reason);
  void move_flow(UsageContext& context, const Path& path);

  // What comes in. A message is the endpoint's message in hand.
  void response(UsageContext& context, Purpose purpose, uint32_t detail, RequestId request);
  void failed(UsageContext& context, Purpose purpose, uint32_t detail, uint16_t status);
  void cancel_done(UsageContext& context, uint16_t status);
  void stray_2xx(UsageContext& context);
  void cancelled(UsageContext& context, ServerId server);
  void acknowledged(UsageContext& context);
  void server_gone(UsageContext& context, ServerId server, uint16_t status);
  void request(UsageContext& context);  // within the dialog, from a source that is believed
  void expired(UsageContext& context, SessionTimer timer);

  // Is the message in hand of a dialog of this session, and from where its peer was seen before?
  bool is_dialog_of(const Message& message) const;
  bool is_known_source(const Endpoint& endpoint) const;
  void believe_source(const Endpoint& endpoint);

  bool is_done() const;
  bool is_ending() const { return ending_; }
  bool was_forced() const { return forced_; }
  bool is_orphan() const { return orphan_; }  // made for a 2xx of a session that was gone
  uint64_t cookie() const { return cookie_; }
  const std::string& local_tag() const { return local_tag_; }
  const std::string& call_id() const { return call_id_; }
  const Dialog* dialog() const;  // the chosen one, or the first
  bool is_caller() const { return caller_; }
  LegState leg_state() const;
  const InviteSpec& spec() const { return spec_; }               // of our INVITE
  RequestId invite() const { return invite_; }                   // ours, while it runs
  const std::string& peer_agent() const { return peer_agent_; }  // User-Agent or Server of the peer, cut
  void clear_timers(UsageContext& context);

 private:
  struct Branch {  // one dialog of the set
    Dialog dialog;
    bool confirmed = false;
    bool bye_running = false;
    bool bye_done = false;
    uint8_t bye_attempts = 0;
    RequestId bye;                         // the last one sent
    bool proved_hop = false;               // its requests go to the host that our INVITE went to
    std::vector<AuthLine> reinvite_lines;  // credentials of the last re-INVITE, for its ACK
  };
  struct Unacked {  // a 2xx of ours that is repeated until its ACK
    ServerId server;
    uint32_t cseq = 0;
    Draft response;
    Duration interval{};
    bool carried_offer = false;
  };

  // invite_client.cpp
  void send_invite(UsageContext& context);
  void provisional(UsageContext& context);
  void success(UsageContext& context, RequestId request);
  void refusal(UsageContext& context);
  std::string_view auth_host() const;
  bool retry_with_credentials(UsageContext& context);
  bool retry_in_dialog(UsageContext& context, Branch& branch);
  bool is_own_hop(const Branch& branch) const;
  std::vector<AuthLine> dialog_credentials(const Branch& branch, const Draft& draft);
  void acknowledge(UsageContext& context, RequestId request, Branch& branch, uint32_t cseq,
                   const std::vector<AuthLine>& credentials);
  Branch& branch_of_response(UsageContext& context);

  // invite_server.cpp
  void repeat_2xx(UsageContext& context);
  void send_2xx(UsageContext& context, ServerId server, uint32_t cseq, std::string_view body, bool carries_offer);
  void no_ack(UsageContext& context);
  void stop_repeating(UsageContext& context);

  // invite_modify.cpp
  void reinvite(UsageContext& context);
  void update(UsageContext& context);
  void try_modify(UsageContext& context);
  void modify_response(UsageContext& context, RequestId request);
  void modify_failed(UsageContext& context, uint16_t status);
  void note_expiry(UsageContext& context, const Message& message);
  void watch_expiry(UsageContext& context);
  void answer_what_waits(UsageContext& context, int status);

  // invite_end.cpp
  void bye(UsageContext& context, Branch& branch);
  void bye_response(UsageContext& context, uint32_t branch);
  void bye_failed(UsageContext& context, uint32_t branch, uint16_t status);
  void bye_received(UsageContext& context);
  void bye_all(UsageContext& context);
  void end_for_peer(UsageContext& context,
                    uint16_t status);  // the peer or the network ended it: the owner hears of it once
  void abandon_modify(UsageContext& context);
  void start_reaping(UsageContext& context);
  void force(UsageContext& context);

  void note_agent(const Message& message);
  void emit(UsageContext& context, UserAgentEventKind kind, uint16_t status, bool has_message);
  void arm(UsageContext& context, TimerId& timer, SessionTimer what, Duration in);
  Outgoing outgoing(Branch& branch, Draft draft) const;
  Branch* branch_of(std::string_view remote_tag);
  bool is_unwanted(const Branch& branch) const;
  void respond_once(UsageContext& context, int status, const std::vector<HeaderLine>& headers = {});

  SessionId id_;
  uint64_t cookie_ = 0;
  State state_ = State::calling;
  bool caller_ = true;
  bool ending_ = false;  // the owner said end()
  bool told_ = false;    // the owner was told that the session is over
  bool forced_ = false;
  std::string call_id_;
  std::string local_tag_;
  std::string contact_user_;
  bool keep_flow_ = false;
  bool rang_ = false;  // a 101-199 was sent, or came
  std::string peer_agent_;
  std::vector<Branch> branches_;
  std::optional<size_t> chosen_;

  // caller
  InviteSpec spec_;
  ClientAuth auth_;
  RequestId invite_;  // running
  bool cancel_answered_ = false;
  uint32_t invite_cseq_ = 0;
  std::vector<AuthLine> invite_lines_;  // credentials of the INVITE, repeated in its ACK (22.1)
  IpAddress invite_peer_;               // who answered it
  std::string end_reason_;

  // callee
  ServerId server_;  // of the INVITE without a final response
  uint32_t server_cseq_ = 0;
  bool offer_in_invite_ = false;
  std::optional<Unacked> unacked_;

  // offers within the session
  bool local_offer_ = false;   // our re-INVITE is running, or waits after a 491
  bool remote_offer_ = false;  // the peer's re-INVITE waits for answer() or reject()
  RequestId modify_;           // our re-INVITE on its way
  ServerId modify_server_;
  uint32_t modify_cseq_ = 0;
  uint8_t modify_attempts_ = 0;
  std::string modify_body_;
  std::optional<std::string> queued_modify_;
  bool modify_has_offer_ = false;  // of the peer's re-INVITE

  std::string session_expires_;  // what our 2xx says; empty: no timer
  std::chrono::seconds session_interval_{};
  bool orphan_ = false;  // see is_orphan()
  TimerId repeat_timer_, ack_timer_, abort_timer_, reap_timer_, glare_timer_, modify_timer_, expiry_timer_;
};

}  // namespace isthmus::sip
