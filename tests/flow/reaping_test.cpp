// SPDX-License-Identifier: MIT
// What happens behind the user's back after a hang-up: the bound of R1.26 and the force at its end, and a 2xx that
// comes when its INVITE's transaction is gone (D10).
#include <gtest/gtest.h>

#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kBound{3 * 32 + 5};  // 3 x 64*T1 + T4

void expect_forced(Flow& flow) {
  EXPECT_EQ(flow.bed.exchange.user_agent().forced_removals(), 1u);
  const Census census = flow.bed.exchange.census();
  for (size_t kind = 0; kind < Census::kKinds; ++kind)
    EXPECT_EQ(census.counts[kind], 0u) << describe(static_cast<Census::Kind>(kind));
  flow.b.forget();
  flow.run(seconds(60));
  EXPECT_EQ(flow.b.log(), "") << "nothing goes on beyond it";
}

// Each answer of B comes just before the wait for it ends, so that one more wait begins: the third of them is cut.
TEST(Reaping, R1_26WhatIsNotDoneAtTheBoundIsRemovedByForceAndCounted) {
  Settings settings = bed_settings();
  settings.trunks[1].user = "alice";
  settings.trunks[1].password = kPassword;
  settings.trunks[1].realm = "far";
  Flow flow(settings);
  flow.call();
  flow.a.cancel();
  flow.run(milliseconds(5));
  flow.a.ack_failure("487 INVITE");
  flow.run(milliseconds(5));
  EXPECT_TRUE(flow.bed.is_free());
  const TimePoint hung_up = flow.world.now().steady;
  const auto run_to = [&](Duration since) { flow.run(hung_up + since - flow.world.now().steady); };
  run_to(seconds(31));
  EXPECT_EQ(flow.b.count("CANCEL"), 0u);
  flow.b.reply("INVITE", 180);
  run_to(seconds(62));
  EXPECT_GT(flow.b.count("CANCEL"), 0u);
  EXPECT_EQ(flow.b.count("BYE"), 0u);
  run_to(seconds(94));
  ASSERT_GT(flow.b.count("BYE"), 0u);
  flow.b.reply("BYE", 407, {}, "Proxy-Authenticate: Digest realm=\"far\", nonce=\"n\", algorithm=MD5\r\n");
  flow.run();
  EXPECT_TRUE(flow.b.last("BYE").has(sip::Header::proxy_authorization));
  EXPECT_TRUE(flow.bed.is_free()) << "the users have long been";
  run_to(kBound - milliseconds(50));
  EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 1u);
  EXPECT_EQ(flow.bed.exchange.user_agent().forced_removals(), 0u);
  run_to(kBound);
  expect_forced(flow);
}

TEST(Reaping, R1_26APeerThatOnlyEverPromisesAnAnswerIsCutAtTheBound) {
  Flow flow;
  flow.establish();
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  ASSERT_EQ(flow.b.log(), "INVITE");
  flow.a.request("BYE");
  flow.run(milliseconds(10));
  const TimePoint hung_up = flow.world.now().steady;
  flow.a.ack_failure("487 INVITE");
  flow.b.reply("BYE", 200);
  for (int i = 0; i < 5; ++i) {
    flow.b.reply("INVITE", 183);
    flow.run(seconds(20));
    EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 1u);
  }
  EXPECT_TRUE(flow.bed.is_free());
  flow.run(hung_up + kBound - flow.world.now().steady);
  expect_forced(flow);
}

// The INVITE has timed out 64*T1 after its CANCEL, the BYE of its early dialog is still on its way.
struct Zombie : Flow {
  Zombie() {
    ring();
    a.cancel();
    run(milliseconds(5));
    a.ack_failure("487 INVITE");
    b.reply("CANCEL", 200);
    run(seconds(33));
    EXPECT_GT(b.count("BYE"), 0u);
    EXPECT_EQ(bed.exchange.census()[Census::reaping], 1u);
    EXPECT_TRUE(bed.is_free());
  }
};

TEST(Reaping, D10ALate2xxOfAnotherDialogGetsItsAckAndAByeOfItsOwn) {
  Zombie flow;
  const sip::Message first = flow.b.last("BYE");
  flow.b.reply("BYE", 100);  // no repeats that would be in the way
  flow.run();
  SipPeer::Heard invite = flow.b.last_heard("INVITE");
  flow.b.forget();
  flow.b.heard.push_back(std::move(invite));
  flow.b.reply("INVITE", 200, phone_sdp(5000), {}, "tag-of-c");
  flow.run();
  ASSERT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  EXPECT_EQ(flow.b.last("ACK").to_tag(), "tag-of-c");
  EXPECT_EQ(flow.b.last("ACK").cseq().number, flow.b.last("INVITE").cseq().number);
  EXPECT_EQ(flow.b.last("BYE").to_tag(), "tag-of-c");
  flow.b.reply("INVITE", 200, phone_sdp(5000), {}, "tag-of-c");  // our ACK was lost
  flow.run();
  EXPECT_EQ(flow.b.count("ACK"), 2u);
  flow.b.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 1u) << "of the first dialog";
  expect_rest(flow);
}

TEST(Reaping, D10ALate2xxOfTheDialogThatIsBeingEndedGetsItsAck) {
  Zombie flow;
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  ASSERT_EQ(flow.b.heard.back().line, "ACK");
  EXPECT_EQ(flow.b.last("ACK").to_tag(), "tag-of-b");
  EXPECT_EQ(flow.b.last("BYE").to_tag(), "tag-of-b");
  const size_t byes = flow.b.count("BYE");
  flow.run(milliseconds(2500));
  EXPECT_GT(flow.b.count("BYE"), byes) << "its BYE is repeated until it is answered";
  flow.b.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 0u);
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
