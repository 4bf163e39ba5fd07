// SPDX-License-Identifier: MIT
// What is remembered of calls: set-up times, failures, trunks.
#include "gateway/observe/call_watch.hpp"

#include <gtest/gtest.h>

namespace isthmus::gateway {
namespace call_watch_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Bed {
 public:
  CallWatch watch{std::vector<std::string>{"carrier", "spare"}};

  // A call walks through these states, a second for each step; `reason` when the last one is dropped.
  void call(const std::string& id, std::initializer_list<CallState> states, DropReason reason = DropReason::hung_up,
            uint16_t code = 0) {
    CallFacts facts;
    facts.id = id;
    facts.module = module;
    facts.origin = origin;
    facts.direction = direction;
    for (const CallState state : states) {
      facts.state = state;
      if (state == CallState::dropped) {
        facts.reason = reason;
        facts.code = code;
      }
      watch.changed(now, facts);
      watch.changed(now, facts);  // a question and a notification of the same state count once
      if (state == CallState::dropped) watch.ended(now, facts);
      now.steady += seconds(1);
      now.wall += seconds(1);
    }
  }

  Now now{TimePoint(seconds(50)), WallTime(seconds(1000))};
  std::string module = "carrier";
  std::string origin = "client";
  CallDirection direction = CallDirection::outgoing;
};

constexpr auto kPending = CallState::pending;
constexpr auto kCalling = CallState::calling;
constexpr auto kRinging = CallState::ringing;
constexpr auto kConfirmed = CallState::confirmed;
constexpr auto kDropped = CallState::dropped;

TEST(CallWatch, TimesBeginWithTheCall) {
  Bed bed;
  bed.call("a", {kPending, kCalling, kRinging, kConfirmed, kDropped});
  bed.direction = CallDirection::incoming;
  bed.call("b", {kPending, kCalling, kConfirmed, kDropped});
  bed.call("c", {kPending, kDropped}, DropReason::refused);
  const SetupTimes& out = bed.watch.times(CallDirection::outgoing);
  EXPECT_EQ(out.ringing.sum(), seconds(2));
  EXPECT_EQ(out.answered.sum(), seconds(3));
  EXPECT_EQ(out.talked.sum(), seconds(1));
  const SetupTimes& in = bed.watch.times(CallDirection::incoming);
  EXPECT_EQ(in.ringing.count(), 0u);
  EXPECT_EQ(in.answered.sum(), seconds(2));
  EXPECT_EQ(in.talked.count(), 1u);
  EXPECT_EQ(bed.watch.size(), 0u);
}

TEST(CallWatch, FailuresKeepTheirReasonNewestFirstAndAreBounded) {
  Bed bed;
  for (const auto reason : {DropReason::hung_up, DropReason::cancelled, DropReason::commanded, DropReason::shutdown})
    bed.call("fine", {kPending, kCalling, kDropped}, reason);
  EXPECT_TRUE(bed.watch.failures().empty());
  bed.call("refused", {kPending, kDropped}, DropReason::refused);
  bed.call("busy", {kPending, kCalling, kRinging, kDropped}, DropReason::rejected, 486);
  ASSERT_EQ(bed.watch.failures().size(), 2u);
  EXPECT_EQ(bed.watch.failures()[0].call.id, "busy");
  EXPECT_EQ(bed.watch.failures()[0].call.code, 486);
  EXPECT_EQ(bed.watch.failures()[0].reached, CallState::ringing);
  EXPECT_EQ(bed.watch.failures()[1].call.reason, DropReason::refused);
  for (size_t i = 0; i < CallWatch::kFailures; ++i)
    bed.call(std::to_string(i), {kPending, kDropped}, DropReason::not_found);
  EXPECT_EQ(bed.watch.failures().size(), CallWatch::kFailures);
  EXPECT_EQ(bed.watch.failures().back().call.id, "0");
}

TEST(CallWatch, ATrunkThatHasHadNoCallHasNoResult) {
  Bed bed;
  bed.module = "registrar";
  bed.call("a", {kPending, kCalling, kDropped}, DropReason::unavailable, 408);
  for (const TrunkFacts& trunk : bed.watch.trunks()) {
    EXPECT_EQ(trunk.placed + trunk.came + trunk.failed, 0u);
    EXPECT_FALSE(trunk.last_success || trunk.last_failure || trunk.last_came);
  }
}

TEST(CallWatch, ATrunkIsJudgedByWhatItDidItself) {
  Bed bed;
  bed.call("refused", {kPending, kDropped}, DropReason::refused);  // never sent there
  const TrunkFacts& trunk = bed.watch.trunks().front();
  EXPECT_EQ(trunk.placed, 0u);
  EXPECT_FALSE(trunk.last_failure);
  bed.call("busy", {kPending, kCalling, kDropped}, DropReason::rejected, 486);
  EXPECT_EQ(trunk.failed, 0u);
  ASSERT_TRUE(trunk.last_success);
  EXPECT_EQ(trunk.last_success->code, 486);
  bed.call("given_up", {kPending, kCalling, kDropped}, DropReason::cancelled);
  EXPECT_EQ(trunk.failed, 0u);
  uint64_t failed = 0;
  for (const uint16_t code : {401, 403, 407, 408, 500, 503, 599}) {
    bed.call("f" + std::to_string(code), {kPending, kCalling, kDropped}, DropReason::rejected, code);
    EXPECT_EQ(trunk.failed, ++failed);
    EXPECT_EQ(trunk.last_failure->code, code);
  }
  bed.call("gone", {kPending, kCalling, kDropped}, DropReason::unavailable, 408);
  EXPECT_EQ(trunk.last_failure->call, "gone");
  bed.call("up", {kPending, kCalling, kRinging, kConfirmed, kDropped}, DropReason::connection_lost);
  EXPECT_EQ(trunk.failed, failed + 1);  // a call that stood and fell says nothing of the set-up
  EXPECT_EQ(trunk.last_success->call, "up");
  EXPECT_EQ(trunk.placed, 11u);
  EXPECT_EQ(bed.watch.trunks()[1].placed, 0u);
}

TEST(CallWatch, TrunksThatStayKeepWhatIsKnownOfThem) {
  Bed bed;
  bed.call("a", {kPending, kCalling, kDropped}, DropReason::unavailable);
  bed.watch.set_trunks({"new", "carrier"});
  ASSERT_EQ(bed.watch.trunks().size(), 2u);
  EXPECT_EQ(bed.watch.trunks()[0].name, "new");
  EXPECT_EQ(bed.watch.trunks()[0].failed, 0u);
  EXPECT_EQ(bed.watch.trunks()[1].failed, 1u);
  bed.call("b", {kPending, kCalling, kDropped}, DropReason::unavailable);
  EXPECT_EQ(bed.watch.trunks()[1].failed, 2u);
}

TEST(CallWatch, CallsFromATrunkCountOnce) {
  Bed bed;
  bed.origin = "spare";
  bed.module = "registrar";
  bed.direction = CallDirection::incoming;
  bed.call("a", {kPending, kCalling, kRinging, kDropped}, DropReason::cancelled);
  EXPECT_EQ(bed.watch.trunks()[1].came, 1u);
  EXPECT_EQ(bed.watch.trunks()[1].last_came, WallTime(seconds(1000)));
}

}  // namespace call_watch_test
}  // namespace isthmus::gateway
