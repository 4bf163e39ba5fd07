// SPDX-License-Identifier: MIT
// What is told about a call, to clients, to the web server and to whoever lists calls: values, rendered by gateway/api.
// The five states and their edges are R0.2 and R0.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/outbox.hpp"
#include "base/slots.hpp"
#include "base/time.hpp"
#include "media/order.hpp"

namespace isthmus::gateway {

using CallId = Id<struct CallTag>;
using ClientId = Id<struct ClientTag>;  // a signed-in client; survives a lost socket for the grace time (R0.20)

enum class CallState : uint8_t { pending, calling, ringing, confirmed, dropped };
std::string_view word(CallState state);
bool is_edge(std::optional<CallState> from, CallState to);  // R0.3; none: begin

enum class CallDirection : uint8_t { outgoing, incoming };  // as the web server sees it: outgoing begins at a client
std::string_view word(CallDirection direction);

// Why a call was dropped, as clients and web server read it.
enum class DropReason : uint8_t {
  none,
  hung_up,
  cancelled,
  rejected,
  refused,
  no_web_server,
  web_server_unreachable,
  web_server_error,
  web_server_malformed,
  web_server_timeout,
  not_found,
  unavailable,
  invite_timeout,
  media_failed,
  connection_lost,
  commanded,
  shutdown,
  error
};
std::string_view word(DropReason reason);
std::string_view sentence(DropReason reason);  // in words, for people

// What the media legs of a call make of each other (gateway/call/media_verdict).
enum class MediaVerdict : uint8_t {
  none,                 // not judged: no media was expected, or not for long enough
  well,                 // each side that should be heard was
  no_ice_pair,          // no check of the browser came
  dtls_failed,          // checks came, keys did not
  address_refused,      // the phone's SDP names an address where nothing is sent
  no_rtp_from_phone,    //
  no_rtp_from_browser,  //
};
std::string_view word(MediaVerdict verdict);
std::string_view sentence(MediaVerdict verdict);

struct CallFacts {
  CallId call;
  std::string id;  // the public name, unguessable
  CallDirection direction = CallDirection::outgoing;
  CallState state = CallState::pending;
  std::optional<CallState> prior;
  uint32_t sequence = 0;  // of the notifications of this call, from 1, gapless (R0.17)
  std::string from;       // user part or account name
  std::string to;
  std::string target;     // the URI or client that is dialled
  std::string client;     // account of the client that made or takes the call; empty: none
  std::string module;     // that takes the call
  std::string origin;     // module that let the caller in
  std::string reference;  // the client's own name for the call
  DropReason reason = DropReason::none;
  uint16_t code = 0;      // dropped: the SIP status that tells why, B's true code (X15); 0: none
  std::string text;       // dropped: in words, for people
  std::string sdp;        // for the client: our answer or offer
  std::string from_name;  // incoming: the caller's display name, without control characters
  bool early_media = false;
  WallTime started;
  std::optional<WallTime> confirmed;
  WallTime changed;
  uint32_t route = 0;        // row of the route table that matched, from 1; 0: none did
  uint16_t sip_code = 0;     // the last SIP status of the call's INVITEs, sent or received; 0: none was
  uint8_t reaping_legs = 0;  // dropped: legs for which the gateway still owes the far side a message
  media::LegId caller_leg;   // none: that side has no media leg
  media::LegId callee_leg;
  // Filled by MediaLedger for whoever shows the call.
  std::optional<media::LegReport> caller_media;
  std::optional<media::LegReport> callee_media;
  MediaVerdict media_verdict = MediaVerdict::none;
  std::string media_text;
};

std::string_view word(Protocol protocol);  // "udp", "tcp", "tls", "ws", "wss"

// A contact that the registrar knows (R4.7).
struct RegistrationFacts {
  std::string user;  // of the address of record
  std::string host;
  std::string contact;      // URI as the phone wrote it
  std::string_view status;  // a word of binding_status()
  WallTime expires;
  uint32_t expires_in = 0;  // seconds from now
  std::string user_agent;
  std::string call_id;
  SocketAddress source;
  Protocol transport = Protocol::udp;
};

// The SIP dialog of one leg of a call (R4.8). A leg of a browser has none.
struct DialogFacts {
  std::string call;  // CallFacts::id
  std::string uuid;  // of this leg
  std::string call_id;
  bool inbound = false;    // the peer sent the INVITE
  std::string_view state;  // a word of R4.12 or R4.13
  std::string from_user, from_host;
  std::string to_user, to_host;
  std::string contact_user, contact_host;  // of the peer
  std::string user_agent;                  // of the peer
};

}  // namespace isthmus::gateway
