// SPDX-License-Identifier: MIT
// Non-INVITE server transaction: every transition of RFC 3261 figure 8 with RFC 4320, with exact times.
#include "sip/transaction/server_request.hpp"

#include <gtest/gtest.h>

#include "tests/sip/transaction/runner.hpp"

namespace isthmus::sip {
namespace {

using testing::Log;
using ServerRequestRunner = testing::Runner<ServerRequest>;

TEST(ServerRequest, Section17_2_2_RepeatsAreAnsweredUntilTimerJ) {
  ServerRequestRunner run;
  run.take(run.machine.request());  // Trying: discarded
  run.run_to(200);
  run.take(run.machine.respond(run.timers, 200));
  for (const int64_t at : {500, 1500, 32'199}) {
    run.run_to(at);
    run.take(run.machine.request());
  }
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 tell", "200 response", "500 response", "1500 response", "32199 response", "32200 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ServerRequest, Section17_2_2_OnReliableTransportsTimerJIsZero) {
  ServerRequestRunner run(true);
  run.take(run.machine.respond(run.timers, 200));
  EXPECT_EQ(run.log, (Log{"0 tell", "0 response", "0 end"}));
  EXPECT_FALSE(run.has_timers());
}

TEST(ServerRequest, Rfc4320Section4_1_A100IsDueWhenThePeersTimerEHasGrownToT2AndForbiddenBefore) {
  ServerRequestRunner run;
  EXPECT_FALSE(run.machine.takes(100));
  run.run_to(3'499);
  EXPECT_EQ(run.log, (Log{"0 tell"}));
  run.run_to(3'500);
  run.take(run.machine.respond(run.timers, 100));
  run.take(run.machine.request());
  run.take(run.machine.respond(run.timers, 202));
  EXPECT_EQ(run.log, (Log{"0 tell", "3500 100 due", "3500 response", "3500 response", "3500 response"}));
}

TEST(ServerRequest, Rfc4320Section4_1_OnReliableTransportsA100MayGoAtOnce) {
  ServerRequestRunner run(true);
  run.take(run.machine.respond(run.timers, 100));
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 tell", "0 response"}));
}

TEST(ServerRequest, Rfc4320Section4_1_NoOtherProvisionalIsEverSent) {
  ServerRequestRunner run(true);
  for (const int status : {101, 180, 183, 199}) EXPECT_FALSE(run.machine.takes(status));
  run.log.clear();
  run.take(run.machine.respond(run.timers, 180));
  EXPECT_EQ(run.log, Log{});
}

TEST(ServerRequest, Rfc4320Section4_2_A408IsNeverSentButEndsTheTransaction) {
  ServerRequestRunner run;
  run.take(run.machine.respond(run.timers, 408));
  run.run_to(100'000);
  EXPECT_EQ(run.log, (Log{"0 tell", "32000 end"}));
}

TEST(ServerRequest, Section17_2_2_AFinalResponseIsTheLastWord) {
  ServerRequestRunner run;
  run.take(run.machine.respond(run.timers, 481));
  run.log.clear();
  run.take(run.machine.respond(run.timers, 200));
  EXPECT_EQ(run.log, Log{});
  EXPECT_FALSE(run.machine.takes(200));
}

TEST(ServerRequest, Section17_2_4_ATransportErrorIsToldAndTheStateStays) {
  ServerRequestRunner run;
  run.take(run.machine.transport_error());
  run.take(run.machine.respond(run.timers, 200));
  run.take(run.machine.transport_error());
  EXPECT_EQ(run.log, (Log{"0 tell", "0 transport error", "0 response", "0 transport error"}));
  EXPECT_EQ(run.machine.state(), ServerRequest::State::completed);
}

}  // namespace
}  // namespace isthmus::sip
