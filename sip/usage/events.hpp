// SPDX-License-Identifier: MIT
// The values that pass between a user agent and its owner: configuration, what a session is made of, and events. Events
// are small and carry ids; the message they speak of is UserAgent::message(), valid in the step in hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/auth/client_auth.hpp"
#include "sip/endpoint.hpp"

namespace isthmus::sip {

using SessionId = Id<struct SessionTag>;
using RegistrationId = Id<struct RegistrationTag>;

struct UserAgentConfig {
  EndpointConfig endpoint;
  std::string product = "Isthmus";  // Server and User-Agent
  size_t max_sessions = 20000;
  size_t max_orphans = 1000;  // sessions made only to end what a late 2xx began
  // OPTIONS outside dialogs that are answered in a second: of each source, and of all strangers together.
  uint32_t max_options_per_source = 50;
  uint32_t max_options_of_strangers = 1000;
  Digests digests;                           // from base/crypto, handed in
  std::chrono::milliseconds fast_abort{-1};  // R1.27; negative: 8*T1, zero: off
  std::chrono::seconds max_session_expires{86400};
};

enum class UserAgentEventKind : uint8_t {
  request,      // a request outside dialogs: refuse(), respond() or admit(), in this step
  verify,       // a request within `session` from a source not seen before: vouch() or refuse(), in this step
  trying,       // 100 to our INVITE
  ringing,      // 101-199 to our INVITE; message() may carry a body
  answered,     // the first 2xx to our INVITE; its ACK is sent
  failed,       // our INVITE ended without a session: `status` (408 no answer in time, 503 unreachable)
  cancelled,    // the caller gave up; 487 is sent
  confirmed,    // the ACK to our 2xx came; message() may carry an answer
  offer,        // a re-INVITE: answer() or reject(), now or later
  offer_gone,   // that re-INVITE was cancelled; it is answered
  modified,     // our re-INVITE came to its end with `status`
  ended,        // the peer ended the session, or it died (`status`: 0 BYE, 408 no ACK or session timer, 481, 503)
  gone,         // nothing is left of the session
  registration  // `registration` changed: `status` of the last answer, see expires
};

struct UserAgentEvent {
  UserAgentEventKind kind = UserAgentEventKind::request;
  SessionId session;
  uint64_t cookie = 0;  // of the session's owner
  uint16_t status = 0;
  bool has_message = false;
  RegistrationId registration;
};

// Where the session of one INVITE stands, as who is called (received, early, completed) and as who calls (calling,
// proceeding): R4.12, R4.13. The ACK goes out in the step that reads the 2xx (R4.14), so no `completing` lies between
// proceeding and ready; a session that is over is gone, not `terminated`.
enum class LegState : uint8_t {
  received,     // the INVITE is admitted, its 100 sent
  early,        // a 101-199 of ours was sent
  completed,    // our 2xx waits for its ACK
  calling,      // our INVITE is on its way
  proceeding,   // a 101-199 came
  ready,        // the ACK came, or went out
  terminating,  // BYE, CANCEL or a final response is what is left to do
};
std::string_view word(LegState state);

// A header line for a message to be written.
struct HeaderLine {
  std::string name;
  std::string value;
};

struct InviteSpec {
  std::string request_uri;
  std::string from;  // name-addr without tag: "Alice" <sip:alice@example.org>
  std::string to;    // name-addr without tag
  std::string contact_user;
  Target target;
  bool keep_flow =
      false;  // in-dialog requests stay on the flow of the INVITE (R1.33); otherwise Contact and Record-Route decide
  std::string body;  // SDP; empty: none
  std::vector<HeaderLine> headers;
  std::vector<Credential> credentials;  // each bound to its realm
  uint8_t max_forwards = 70;
  std::optional<std::chrono::milliseconds> fast_abort;  // R1.27, per trunk
};

struct AdmitSpec {
  std::string contact_user;
  bool keep_flow = false;
  uint64_t cookie = 0;
};

// Why a session is ended: the status a waiting INVITE is answered with, and an optional Reason (RFC 3326) for CANCEL
// and BYE.
struct EndReason {
  uint16_t status = 480;
  std::string reason;
};

}  // namespace isthmus::sip
