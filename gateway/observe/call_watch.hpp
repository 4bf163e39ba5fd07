// SPDX-License-Identifier: MIT
// Watches calls as their facts come by: how long it takes until somebody rings and answers, which calls failed lately
// and why, and what each trunk made of its calls. Nothing is measured that did not happen: a trunk that has had no call
// has no result. Pure: time is an argument. Memory: one entry for each call that is alive, the last kFailures failures,
// one entry for each configured trunk.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/call/facts.hpp"
#include "gateway/observe/histogram.hpp"

namespace isthmus::gateway {

// Did the call end because something went wrong? Not when one side hung up or gave up, nor by command or at the end of
// the program.
bool is_failure(DropReason reason);

struct Failure {
  CallFacts call;                          // as it ended
  CallState reached = CallState::pending;  // the last state before
};

struct TrunkResult {
  WallTime at;
  std::string call;  // its id
  DropReason reason = DropReason::none;
  uint16_t code = 0;
  std::string text;
};
// What is known of a trunk since the start.
struct TrunkFacts {
  std::string name;
  uint64_t placed = 0;                      // calls that were sent there
  uint64_t came = 0;                        // calls that came from there
  uint64_t failed = 0;                      // of the placed ones, those that end in last_failure
  std::optional<TrunkResult> last_success;  // it rang or answered, or said no for the callee
  std::optional<TrunkResult> last_failure;  // out of reach, silent, failing (5xx), or it refused us (401, 403, 407)
  std::optional<WallTime> last_came;
};

struct SetupTimes {
  Histogram ringing;   // from the call's begin until the callee rings: post-dial delay
  Histogram answered;  // until it is confirmed
  Histogram talked;    // from confirmed to dropped
  SetupTimes();
};

class CallWatch {
 public:
  static constexpr size_t kFailures = 200;

  explicit CallWatch(const std::vector<std::string>& trunks) { set_trunks(trunks); }

  // The trunks from now on; what is known of those that stay is kept.
  void set_trunks(const std::vector<std::string>& names);

  // Each transition, the first of a call too: its time begins there.
  void changed(Now now, const CallFacts& call);
  void ended(Now now, const CallFacts& call);

  const SetupTimes& times(CallDirection direction) const { return times_[static_cast<size_t>(direction)]; }
  const std::deque<Failure>& failures() const { return failures_; }  // newest first
  const std::vector<TrunkFacts>& trunks() const { return trunks_; }  // as configured
  size_t size() const { return calls_.size(); }

 private:
  struct Known {
    TimePoint began;
    TimePoint confirmed;
    CallState state = CallState::pending;
  };

  TrunkFacts* trunk(std::string_view name);
  void note_trunks(Now now, const CallFacts& call);
  void note_end_at_trunk(Now now, const CallFacts& call, CallState reached);

  std::map<std::string, Known, std::less<>> calls_;
  std::array<SetupTimes, 2> times_;
  std::deque<Failure> failures_;
  std::vector<TrunkFacts> trunks_;
};

}  // namespace isthmus::gateway
