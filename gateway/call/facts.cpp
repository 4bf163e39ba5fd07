// SPDX-License-Identifier: MIT
#include "gateway/call/facts.hpp"

namespace isthmus::gateway {

std::string_view word(CallState state) {
  switch (state) {
    case CallState::pending: return "pending";
    case CallState::calling: return "calling";
    case CallState::ringing: return "ringing";
    case CallState::confirmed: return "confirmed";
    case CallState::dropped: return "dropped";
  }
  return "";
}

bool is_edge(std::optional<CallState> from, CallState to) {
  if (!from) return to == CallState::pending;
  switch (*from) {
    case CallState::pending: return to == CallState::calling || to == CallState::dropped;
    case CallState::calling: return to == CallState::ringing || to == CallState::confirmed || to == CallState::dropped;
    case CallState::ringing: return to == CallState::confirmed || to == CallState::dropped;
    case CallState::confirmed: return to == CallState::dropped;
    case CallState::dropped: return false;
  }
  return false;
}

std::string_view word(CallDirection direction) {
  return direction == CallDirection::outgoing ? "outgoing" : "incoming";
}

std::string_view word(Protocol protocol) {
  switch (protocol) {
    case Protocol::udp: return "udp";
    case Protocol::tcp: return "tcp";
    case Protocol::tls: return "tls";
    case Protocol::ws: return "ws";
    case Protocol::wss: return "wss";
  }
  return "";
}

std::string_view word(DropReason reason) {
  switch (reason) {
    case DropReason::none: return "";
    case DropReason::hung_up: return "hung_up";
    case DropReason::cancelled: return "cancelled";
    case DropReason::rejected: return "rejected";
    case DropReason::refused: return "refused";
    case DropReason::no_web_server: return "no_web_server";
    case DropReason::web_server_unreachable: return "web_server_unreachable";
    case DropReason::web_server_error: return "web_server_error";
    case DropReason::web_server_malformed: return "web_server_malformed";
    case DropReason::web_server_timeout: return "web_server_timeout";
    case DropReason::not_found: return "not_found";
    case DropReason::unavailable: return "unavailable";
    case DropReason::invite_timeout: return "invite_timeout";
    case DropReason::media_failed: return "media_failed";
    case DropReason::connection_lost: return "connection_lost";
    case DropReason::commanded: return "commanded";
    case DropReason::shutdown: return "shutdown";
    case DropReason::error: return "error";
  }
  return "";
}

std::string_view sentence(DropReason reason) {
  switch (reason) {
    case DropReason::none: return "not over";
    case DropReason::hung_up: return "one side hung up";
    case DropReason::cancelled: return "the caller gave up";
    case DropReason::rejected: return "the callee said no";
    case DropReason::refused: return "the web server refused it";
    case DropReason::no_web_server: return "no web server is configured that could allow it";
    case DropReason::web_server_unreachable: return "the web server could not be reached";
    case DropReason::web_server_error: return "the web server answered with an error";
    case DropReason::web_server_malformed: return "the web server's answer could not be understood";
    case DropReason::web_server_timeout: return "the web server did not decide in time";
    case DropReason::not_found: return "nobody takes calls to this number";
    case DropReason::unavailable: return "the callee is not there now";
    case DropReason::invite_timeout: return "nobody picked up";
    case DropReason::media_failed: return "no media path or no common codec";
    case DropReason::connection_lost: return "the connection was lost";
    case DropReason::commanded: return "the web server ended it";
    case DropReason::shutdown: return "the gateway is ending";
    case DropReason::error: return "the gateway failed";
  }
  return "";
}

}  // namespace isthmus::gateway
