// SPDX-License-Identifier: MIT
// INVITE server transaction: every transition of RFC 3261 figure 7 with RFC 6026, with exact times.
#include "sip/transaction/server_invite.hpp"

#include <gtest/gtest.h>

#include "tests/sip/transaction/runner.hpp"

namespace isthmus::sip {
namespace {

using testing::Log;
using ServerInviteRunner = testing::Runner<ServerInvite>;

// C29: the 487 or its ACK is lost; timer G repeats, timer H ends it.
TEST(ServerInvite, Section17_2_1_TimerGDoublesUpToT2UntilTimerH_C29) {
  ServerInviteRunner run;
  run.take(run.machine.respond(run.timers, 487));
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 tell", "0 response", "500 response", "1500 response", "3500 response", "7500 response",
                          "11500 response", "15500 response", "19500 response", "23500 response", "27500 response",
                          "31500 response", "32000 timeout", "32000 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ServerInvite, Section17_2_1_ARepeatedInviteInCompletedIsAnsweredAgain_C29) {
  ServerInviteRunner run;
  run.take(run.machine.respond(run.timers, 487));
  run.log.clear();
  run.run_to(400);
  run.take(run.machine.request());
  run.take(run.machine.request());
  run.run_to(500);
  EXPECT_EQ(run.log, (Log{"400 response", "400 response", "500 response"}));
}

TEST(ServerInvite, Section17_2_1_TheAckStopsTheRepeatsAndTimerIAbsorbsFurtherOnes) {
  ServerInviteRunner run;
  run.take(run.machine.respond(run.timers, 486));
  run.run_to(600);
  run.take(run.machine.ack(run.timers));
  run.log.clear();
  run.run_to(1'000);
  run.take(run.machine.ack(run.timers));
  run.take(run.machine.request());
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"5600 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ServerInvite, Section17_2_1_OnReliableTransportsNoTimerGTimerHRunsAndTimerIIsZero) {
  ServerInviteRunner run(true);
  run.take(run.machine.respond(run.timers, 486));
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 tell", "0 response", "32000 timeout", "32000 end"}));

  ServerInviteRunner acked(true);
  acked.take(acked.machine.respond(acked.timers, 486));
  acked.take(acked.machine.ack(acked.timers));
  EXPECT_EQ(acked.log, (Log{"0 tell", "0 response", "0 end"}));
}

TEST(ServerInvite, Section17_2_1_ARepeatedInviteInProceedingGetsTheLastProvisional) {
  ServerInviteRunner run;
  run.take(run.machine.request());
  run.take(run.machine.respond(run.timers, 100));
  run.take(run.machine.respond(run.timers, 180));
  run.take(run.machine.request());
  run.run_to(1'000'000);  // no timer runs: the ring limit is the user's
  EXPECT_EQ(run.log, (Log{"0 tell", "0 response", "0 response", "0 response", "0 response"}));
}

TEST(ServerInvite, Rfc6026Section7_1_AcceptedAbsorbsInvitesPassesAcksAndSends2xxUntilTimerL_D3) {
  for (const bool reliable : {false, true}) {
    ServerInviteRunner run(reliable);
    run.take(run.machine.respond(run.timers, 200));
    run.log.clear();
    run.run_to(500);
    run.take(run.machine.request());
    run.take(run.machine.respond(run.timers, 200));  // the user repeats it
    run.take(run.machine.ack(run.timers));
    run.take(run.machine.ack(run.timers));
    run.run_to(100'000);
    EXPECT_EQ(run.log, (Log{"500 response", "500 tell", "500 tell", "32000 end"}));
  }
}

// C10, C27: once a final response is given, nothing else is sent in its place.
TEST(ServerInvite, AFinalResponseIsTheLastWord_C10) {
  ServerInviteRunner refused;
  refused.take(refused.machine.respond(refused.timers, 486));
  EXPECT_FALSE(refused.machine.takes(487));
  EXPECT_FALSE(refused.machine.takes(200));
  EXPECT_FALSE(refused.machine.takes(180));
  refused.log.clear();
  refused.take(refused.machine.respond(refused.timers, 487));
  EXPECT_EQ(refused.log, Log{});

  ServerInviteRunner accepted;
  accepted.take(accepted.machine.respond(accepted.timers, 200));
  EXPECT_TRUE(accepted.machine.takes(200));
  EXPECT_FALSE(accepted.machine.takes(487));
  EXPECT_FALSE(accepted.machine.takes(180));
}

TEST(ServerInvite, Rfc6026Section7_1_ATransportErrorIsToldAndTheStateStays) {
  const auto after = [](std::initializer_list<int> statuses, bool ack) {
    ServerInviteRunner run;
    for (const int status : statuses) run.take(run.machine.respond(run.timers, status));
    if (ack) run.take(run.machine.ack(run.timers));
    run.log.clear();
    run.take(run.machine.transport_error());
    return run.log;
  };
  EXPECT_EQ(after({}, false), (Log{"0 transport error"}));
  EXPECT_EQ(after({180}, false), (Log{"0 transport error"}));
  EXPECT_EQ(after({200}, false), (Log{"0 transport error"}));
  EXPECT_EQ(after({486}, false), (Log{"0 transport error"}));
  EXPECT_EQ(after({486}, true), Log{});
}

TEST(ServerInvite, AnAckBeforeAnyFinalResponseMeansNothing) {
  ServerInviteRunner run;
  run.take(run.machine.ack(run.timers));
  EXPECT_EQ(run.log, (Log{"0 tell"}));
  EXPECT_EQ(run.machine.state(), ServerInvite::State::proceeding);
}

}  // namespace
}  // namespace isthmus::sip
