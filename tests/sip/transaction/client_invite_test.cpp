// SPDX-License-Identifier: MIT
// INVITE client transaction: every transition of RFC 3261 figure 5 with RFC 6026, with exact times.
#include "sip/transaction/client_invite.hpp"

#include <gtest/gtest.h>

#include "tests/sip/transaction/runner.hpp"

namespace isthmus::sip {
namespace {

using testing::Log;
using InviteRunner = testing::Runner<ClientInvite>;
using State = ClientInvite::State;

TEST(ClientInvite, Section17_1_1_2_TimerADoublesUntilTimerB) {
  InviteRunner run;
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "500 request", "1500 request", "3500 request", "7500 request", "15500 request",
                          "31500 request", "32000 timeout", "32000 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ClientInvite, Section17_1_1_2_ReliableTransportsHaveTimerBButNoTimerA) {
  InviteRunner run(true);
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "32000 timeout", "32000 end"}));
}

TEST(ClientInvite, Section17_1_1_2_AProvisionalStopsRetransmissionAndTheWaitForAnAnswer) {
  InviteRunner run;
  run.run_to(600);
  run.take(run.machine.response(run.timers, 180));
  run.take(run.machine.response(run.timers, 183));
  run.run_to(1'000'000);  // ringing has no limit here: the user's
  EXPECT_EQ(run.log, (Log{"0 request", "500 request", "600 tell", "600 tell"}));
  EXPECT_EQ(run.machine.state(), State::proceeding);
  EXPECT_FALSE(run.has_timers());
}

// C30, R-row: the peer repeats its 487 because our ACK was lost; each time the same ACK, until timer D.
TEST(ClientInvite, Section17_1_1_2_EachRepeatedFinalGetsTheAckAgainUntilTimerD_C30) {
  InviteRunner run;
  EXPECT_TRUE(run.machine.needs_ack(487));
  EXPECT_FALSE(run.machine.needs_ack(200));
  EXPECT_FALSE(run.machine.needs_ack(180));
  run.take(run.machine.response(run.timers, 487));
  EXPECT_FALSE(run.machine.needs_ack(487));
  for (const int64_t at : {500, 1500, 3500, 7500}) {
    run.run_to(at);
    run.take(run.machine.response(run.timers, 487));
  }
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "0 ack", "0 tell", "500 ack", "1500 ack", "3500 ack", "7500 ack", "32500 end"}));
  run.take(run.machine.response(run.timers, 487));
  EXPECT_EQ(run.log.back(), "32500 end");
}

TEST(ClientInvite, Section17_1_1_2_TimerDIsAtLeast32SecondsWhateverOurT1) {
  InviteRunner run(false, {.t1 = std::chrono::milliseconds(20)});
  run.take(run.machine.response(run.timers, 500));
  run.run_to(31'999);
  EXPECT_EQ(run.machine.state(), State::completed);
  run.run_to(33'000);
  EXPECT_TRUE(run.ended);
}

TEST(ClientInvite, Section17_1_1_2_OnReliableTransportsTimerDIsZero) {
  InviteRunner run(true);
  run.take(run.machine.response(run.timers, 404));
  EXPECT_EQ(run.log, (Log{"0 request", "0 ack", "0 tell", "0 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ClientInvite, Section17_1_1_2_NoOtherResponseMattersInCompleted) {
  InviteRunner run;
  run.take(run.machine.response(run.timers, 486));
  run.log.clear();
  run.take(run.machine.response(run.timers, 180));
  run.take(run.machine.response(run.timers, 200));
  EXPECT_EQ(run.log, Log{});
  EXPECT_EQ(run.machine.state(), State::completed);
}

// D2: the peer repeats its 200; each is the user's, who answers with an ACK and causes no new event.
TEST(ClientInvite, Rfc6026Section7_2_AcceptedPassesEveryFurther2xxUntilTimerM_D2) {
  for (const bool reliable : {false, true}) {
    InviteRunner run(reliable);
    run.take(run.machine.response(run.timers, 180));
    run.take(run.machine.response(run.timers, 200));
    run.log.clear();
    for (const int64_t at : {500, 1500, 3500}) {
      run.run_to(at);
      run.take(run.machine.response(run.timers, 200));
      run.take(run.machine.response(run.timers, 180));
      run.take(run.machine.response(run.timers, 486));
    }
    run.run_to(100'000);
    EXPECT_EQ(run.log, (Log{"500 tell", "1500 tell", "3500 tell", "32000 end"}));
  }
}

TEST(ClientInvite, Section9_1_WithoutAFinalAnswer64T1AfterTheCancelItIsDestroyed_C6) {
  InviteRunner run;
  run.take(run.machine.response(run.timers, 180));
  run.run_to(10'000);
  run.take(run.machine.cancelled(run.timers));
  run.run_to(20'000);
  run.take(run.machine.response(run.timers, 180));  // changes nothing
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "0 tell", "20000 tell", "42000 timeout", "42000 end"}));
}

TEST(ClientInvite, Section9_1_TheFinalAnswerToACancelledInviteEndsTheWait) {
  InviteRunner run;
  run.take(run.machine.response(run.timers, 180));
  run.take(run.machine.cancelled(run.timers));
  run.take(run.machine.response(run.timers, 487));
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 request", "0 tell", "0 ack", "0 tell", "32500 end"}));
}

TEST(ClientInvite, Section9_1_CancelledMeansNothingBeforeAProvisionalAndAfterAFinal) {
  InviteRunner run;
  run.take(run.machine.cancelled(run.timers));
  EXPECT_EQ(run.limit->timer, Timer::b);
  run.take(run.machine.response(run.timers, 200));
  run.take(run.machine.cancelled(run.timers));
  EXPECT_EQ(run.limit->timer, Timer::m);
}

TEST(ClientInvite, Section17_1_4_ATransportErrorEndsCallingAndCompletedButNotProceedingOrAccepted) {
  const auto after = [](std::initializer_list<int> statuses) {
    InviteRunner run;
    for (const int status : statuses) run.take(run.machine.response(run.timers, status));
    run.log.clear();
    run.take(run.machine.transport_error());
    return run.log;
  };
  EXPECT_EQ(after({}), (Log{"0 transport error", "0 end"}));
  EXPECT_EQ(after({180}), (Log{"0 transport error"}));
  EXPECT_EQ(after({180, 200}), Log{});
  EXPECT_EQ(after({486}), (Log{"0 transport error", "0 end"}));
}

TEST(ClientInvite, AnEndedTransactionWantsNothing) {
  InviteRunner run;
  run.run_to(32'000);
  run.log.clear();
  for (const int status : {100, 200, 486}) run.take(run.machine.response(run.timers, status));
  for (int timer = 0; timer <= static_cast<int>(Timer::hundred); ++timer) {
    run.take(run.machine.timer(run.timers, static_cast<Timer>(timer)));
  }
  run.take(run.machine.transport_error());
  run.take(run.machine.cancelled(run.timers));
  EXPECT_EQ(run.log, Log{});
  EXPECT_FALSE(run.has_timers());
}

}  // namespace
}  // namespace isthmus::sip
