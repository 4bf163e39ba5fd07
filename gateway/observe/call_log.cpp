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
