// SPDX-License-Identifier: MIT
#include "gateway/observe/call_watch.hpp"

#include <algorithm>

namespace isthmus::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A final response that says something about the trunk itself, not about the callee.
bool blames_trunk(const CallFacts& call) {
  if (call.reason == DropReason::unavailable || call.reason == DropReason::invite_timeout) return true;
  if (call.reason != DropReason::rejected) return false;
  return call.code == 401 || call.code == 403 || call.code == 407 || call.code == 408 ||
         (call.code >= 500 && call.code < 600);
}

TrunkResult result_of(Now now, const CallFacts& call) {
  return {now.wall, call.id, call.reason, call.code, call.text};
}

}  // namespace

bool is_failure(DropReason reason) {
  switch (reason) {
    case DropReason::none:
    case DropReason::hung_up:
    case DropReason::cancelled:
    case DropReason::commanded:
    case DropReason::shutdown: return false;
    default: return true;
  }
}

SetupTimes::SetupTimes()
    : ringing({milliseconds(50), milliseconds(100), milliseconds(250), milliseconds(500), seconds(1), seconds(2),
               seconds(4), seconds(8), seconds(16), seconds(32), seconds(64)}),
      answered({milliseconds(100), milliseconds(250), milliseconds(500), seconds(1), seconds(2), seconds(4), seconds(8),
                seconds(16), seconds(32), seconds(64)}),
      talked({seconds(1), seconds(5), seconds(15), seconds(30), seconds(60), seconds(180), seconds(600), seconds(1800),
              seconds(3600), seconds(7200)}) {}

void CallWatch::set_trunks(const std::vector<std::string>& names) {
  std::vector<TrunkFacts> next;
  for (const std::string& name : names) {
    TrunkFacts* known = trunk(name);
    if (known != nullptr) {
      next.push_back(std::move(*known));
    } else {
      next.emplace_back().name = name;
    }
  }
  trunks_ = std::move(next);
}

TrunkFacts* CallWatch::trunk(std::string_view name) {
  const auto found =
      std::find_if(trunks_.begin(), trunks_.end(), [&](const TrunkFacts& it) { return it.name == name; });
  return found == trunks_.end() ? nullptr : &*found;
}

void CallWatch::changed(Now now, const CallFacts& call) {
  if (call.state == CallState::dropped) return;
  const auto [entry, is_new] = calls_.try_emplace(call.id);
  Known& known = entry->second;
  if (is_new) {
    known.began = now.steady;
    if (TrunkFacts* from = trunk(call.origin)) {
      ++from->came;
      from->last_came = now.wall;
    }
  } else if (call.state == known.state) {
    return;
  }
  known.state = call.state;
  SetupTimes& times = times_[static_cast<size_t>(call.direction)];
  if (call.state == CallState::ringing) times.ringing.observe(now.steady - known.began);
  if (call.state == CallState::confirmed) {
    times.answered.observe(now.steady - known.began);
    known.confirmed = now.steady;
  }
  note_trunks(now, call);
}

void CallWatch::note_trunks(Now now, const CallFacts& call) {
  TrunkFacts* to = trunk(call.module);
  if (to == nullptr) return;
  if (call.state == CallState::calling) ++to->placed;
  if (call.state == CallState::ringing || call.state == CallState::confirmed) to->last_success = result_of(now, call);
}

void CallWatch::note_end_at_trunk(Now now, const CallFacts& call, CallState reached) {
  TrunkFacts* to = trunk(call.module);
  if (to == nullptr || reached == CallState::pending || reached == CallState::confirmed) return;
  if (blames_trunk(call)) {
    ++to->failed;
    to->last_failure = result_of(now, call);
  } else if (call.reason == DropReason::rejected) {
    to->last_success = result_of(now, call);
  }
}

void CallWatch::ended(Now now, const CallFacts& call) {
  CallState reached = CallState::pending;
  if (const auto found = calls_.find(call.id); found != calls_.end()) {
    reached = found->second.state;
    if (reached == CallState::confirmed)
      times_[static_cast<size_t>(call.direction)].talked.observe(now.steady - found->second.confirmed);
    calls_.erase(found);
  }
  note_end_at_trunk(now, call, reached);
  if (!is_failure(call.reason)) return;
  failures_.push_front({call, reached});
  failures_.front().call.sdp.clear();
  if (failures_.size() > kFailures) failures_.pop_back();
}

}  // namespace isthmus::gateway
