// SPDX-License-Identifier: MIT
// Non-INVITE client transaction: every transition of RFC 3261 figure 6, with exact times.
#include "sip/transaction/client_request.hpp"

#include <gtest/gtest.h>

#include "tests/sip/transaction/runner.hpp"

namespace isthmus::sip {
namespace {

using testing::Log;
using RequestRunner = testing::Runner<ClientRequest>;

// C7: a CANCEL that is never answered is sent 11 times, then timer F.
TEST(ClientRequest, Section17_1_2_2_TimerEGrowsToT2AndTimerFEndsIt_C7) {
  RequestRunner run;
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "500 request", "1500 request", "3500 request", "7500 request", "11500 request",
                          "15500 request", "19500 request", "23500 request", "27500 request", "31500 request",
                          "32000 timeout", "32000 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ClientRequest, Section17_1_2_2_ReliableTransportsHaveTimerFButNoTimerE) {
  RequestRunner run(true);
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "32000 timeout", "32000 end"}));
}

TEST(ClientRequest, Section17_1_2_2_InProceedingTimerEIsT2AndTimerFStillRuns) {
  RequestRunner run;
  run.run_to(600);
  run.take(run.machine.response(run.timers, 100));
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "500 request", "600 tell", "1500 request", "5500 request", "9500 request",
                          "13500 request", "17500 request", "21500 request", "25500 request", "29500 request",
                          "32000 timeout", "32000 end"}));
}

TEST(ClientRequest, Section17_1_2_2_RepeatedFinalsAreAbsorbedUntilTimerK) {
  RequestRunner run;
  run.run_to(200);
  run.take(run.machine.response(run.timers, 401));
  run.run_to(700);
  run.take(run.machine.response(run.timers, 401));
  run.take(run.machine.response(run.timers, 200));
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "200 tell", "5200 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ClientRequest, Section17_1_2_2_OnReliableTransportsTimerKIsZero) {
  RequestRunner run(true);
  run.take(run.machine.response(run.timers, 100));
  run.take(run.machine.response(run.timers, 200));
  EXPECT_EQ(run.log, (Log{"0 request", "0 tell", "0 tell", "0 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ClientRequest, Section17_1_4_ATransportErrorEndsTryingAndProceedingButNotCompleted) {
  const auto after = [](std::initializer_list<int> statuses) {
    RequestRunner run;
    for (const int status : statuses) run.take(run.machine.response(run.timers, status));
    run.log.clear();
    run.take(run.machine.transport_error());
    return run.log;
  };
  EXPECT_EQ(after({}), (Log{"0 transport error", "0 end"}));
  EXPECT_EQ(after({100}), (Log{"0 transport error", "0 end"}));
  EXPECT_EQ(after({200}), Log{});
}

TEST(ClientRequest, ScaledTimersKeepTheNumberOfSends) {
  RequestRunner run(false, TimerConfig::scaled(std::chrono::milliseconds(20)));
  run.run_to(10'000);
  EXPECT_EQ(run.log.size(), 13u);
  EXPECT_EQ(run.log.back(), "1280 end");
}

}  // namespace
}  // namespace isthmus::sip
