// SPDX-License-Identifier: MIT
// What the Exchange wants from the world (asks, each with an AskId and answered by Exchange::reply) and what it tells
// (one-way). The world is gateway/{api,store,observe} or, in tests, the call bed.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/outbox.hpp"
#include "gateway/call/binding.hpp"
#include "gateway/call/facts.hpp"
#include "gateway/call/ringing_leg.hpp"
#include "media/order.hpp"

namespace isthmus::gateway {

// May this call go on? Asked of the owner's web server (R0.5, R0.21). `Policy::later` (X5) means that a command will
// decide.
enum class PolicyKind : uint8_t {
  outgoing,  // a client calls
  incoming,  // a call for a client
  answer     // B has answered; A's answer is held until the reply (only with Settings::ask_before_answer)
};
struct AskPolicy {
  AskId ask;
  PolicyKind kind = PolicyKind::outgoing;
  CallFacts call;
};

struct OrderMedia {
  media::Order order;
};

struct TellServer {  // a state change, for the web server; delivery, order and retries are the edge's
  CallFacts call;
};
struct TellClient {  // on_call_state_changed; an incoming call's first one (calling) carries the gateway's offer
  ClientId client;
  CallFacts call;
};

// What is wrong with a command; gateway/api renders it as a JSON-RPC or HTTP error.
enum class CommandError : uint8_t {
  none,
  refused,           // the call was not allowed, or ended before it was: see call.reason
  foreign_identity,  // `from` is not the client's
  bad_number,        // `to` is neither a user nor a URI of ours
  foreign_target,    // `target` does not fall under the allow-list (R0.4)
  unusable_sdp,
  unknown_call,
  unknown_client,
  wrong_state,
  wrong_direction,
  client_offline,
  too_many_calls,
  no_dtmf,        // the far side has not agreed on telephone events
  no_media_path,  // nothing is sent to the far side now: it holds, or its media path is not up
  unavailable     // no room, or ending
};

// The end of a command that carried a token.
struct CommandDone {
  uint64_t token = 0;
  CommandError error = CommandError::none;
  CallFacts call;
};

// An INVITE of somebody who may call that did not become a call: for the log. Those of strangers are counted only.
struct CallRefused {
  std::string from;
  std::string to;
  SocketAddress source;
  uint16_t status = 0;
  std::string_view why;  // a literal
};
// A side that should be heard has sent nothing for Timers::silence; told once until it speaks again.
struct MediaSilent {
  CallFacts call;
  bool is_caller = true;
};

// Told only while Exchange::explain() is on, for the log.
struct LegEnded {  // of a call; `gone` comes later, when nothing is owed to that side any more
  std::string call;
  bool is_caller = true;
  bool is_client = false;  // a browser's, else of SIP
  enum class How : uint8_t { by_itself, by_gateway, gone } how = How::by_itself;
};
// A SIP request outside dialogs that was answered with a refusal, a stranger's too.
struct RequestRefused {
  std::string method;
  SocketAddress source;
  uint16_t status = 0;
  std::string why;
};

// Somebody who said who he is and was not believed, or not for this: a phone with an old password, or a guess.
struct CredentialsRefused {
  std::string user;         // as it was given, by a stranger
  std::string_view why;     // a literal
  std::string_view method;  // a literal: SIP's, or "sign_in" of a client
  IpAddress source;
};

struct CallEnded {  // one per call, after `dropped`: for log and records
  CallFacts call;
};

// Are the bindings that were told before this kept over a restart? A phone's 200 waits for the reply, Kept or a Fault,
// for a limited time (Settings::keep_limit).
struct AskKept {
  AskId ask;
};

using Request =
    std::variant<AskPolicy, AskKept, OrderMedia, TellServer, TellClient, CommandDone, CallEnded, CallRefused, LegEnded,
                 RequestRefused, CredentialsRefused, MediaSilent, BindingChanged, RingingChanged>;

struct Policy {
  enum Verdict : uint8_t { allow, refuse, later };
  Verdict verdict = refuse;
  DropReason reason = DropReason::refused;  // refuse
  std::string text;                         // refuse: the web server's explanation
  std::string from;                         // allow: replaces From, when not empty
  std::string target;  // allow: a SIP URI to dial instead; incoming: the account of the client to switch to
};
struct Kept {};
using Reply = std::variant<Policy, Kept, Fault>;

// Commands from clients (JSON-RPC) and from the web server (HTTP API). `token` comes back in CommandDone; 0: nobody
// waits.
struct ClientUp {  // signed in
  ClientId client;
  std::string account;                  // its name in facts and webhooks
  std::vector<std::string> identities;  // users it may call as and is called by; the first is the default
};
struct ClientLost {  // its socket closed; calls live on for the grace time
  ClientId client;
};
struct ClientBack {  // the same client has a socket again
  ClientId client;
};
struct ClientGone {  // signed out or removed: its calls end now
  ClientId client;
};
struct MakeCall {
  uint64_t token = 0;
  ClientId client;
  std::string from;  // empty: the account
  std::string to;
  std::string target;  // empty: route by `to`
  std::string sdp;
  std::string reference;
};
struct ClientRings {  // it has the offer of an incoming call and alerts its user
  uint64_t token = 0;
  ClientId client;
  std::string call;
};
struct AcceptCall {
  uint64_t token = 0;
  ClientId client;
  std::string call;
  std::string sdp;
};
struct RejectCall {
  uint64_t token = 0;
  ClientId client;
  std::string call;
  uint16_t code = 603;  // 603, 486 or 480 (X7)
};
struct DropCall {
  uint64_t token = 0;
  ClientId client;  // none: the web server or the operator
  std::string call;
};
struct SendDigits {
  uint64_t token = 0;
  ClientId client;
  std::string call;
  std::string digits;
  uint16_t milliseconds = 160;
};
struct AllowCall {  // outgoing only (R0.23)
  uint64_t token = 0;
  std::string call;
  std::string from;
  std::string target;
};
struct SwitchCall {  // incoming only (R0.23)
  uint64_t token = 0;
  std::string call;
  std::string account;
};
using Command = std::variant<ClientUp, ClientLost, ClientBack, ClientGone, MakeCall, ClientRings, AcceptCall,
                             RejectCall, DropCall, SendDigits, AllowCall, SwitchCall>;

}  // namespace isthmus::gateway
