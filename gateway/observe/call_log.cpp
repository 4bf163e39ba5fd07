// SPDX-License-Identifier: MIT
#include "gateway/observe/call_log.hpp"

#include <algorithm>
#include <chrono>

#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace {

std::string seconds(Duration time) {
  const auto tenths = std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

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

void CallLog::changed(const CallFacts& call) {
  if (call.state == CallState::confirmed) confirmed_[call.id] = call.changed;
}

std::string CallLog::ended(const CallFacts& call) {
  std::string out = "call " + call.id + " " + std::string(word(call.direction)) + " from " + printable(call.from) +
                    " to " + printable(call.to);
  if (!call.module.empty()) out += " by " + printable(call.module);
  if (!call.client.empty()) out += " client " + printable(call.client);
  out += " ended: " + std::string(word(call.reason));
  if (call.code != 0) out += " " + std::to_string(call.code);
  out += " (" + std::string(sentence(call.reason)) + ")";
  if (!call.text.empty()) out += " \"" + printable(call.text) + "\"";
  const auto found = confirmed_.find(call.id);
  const WallTime talked = found == confirmed_.end() ? call.changed : found->second;
  out += ", set up " + seconds(talked - call.started);
  out += ", talked " + seconds(call.changed - talked);
  if (found != confirmed_.end()) confirmed_.erase(found);
  return out;
}

}  // namespace isthmus::gateway
