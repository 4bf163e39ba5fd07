// SPDX-License-Identifier: MIT
// The first walk through all floors: a whole call, then C13, C14, D1 and a lost flow while ringing; phone to phone and
// browser to phone.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/call_bed.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

void expect_empty(Flow& flow) {
  EXPECT_TRUE(flow.bed.is_free());
  flow.run(seconds(140));
  EXPECT_TRUE(flow.bed.is_empty());
  EXPECT_EQ(flow.bed.exchange.user_agent().forced_removals(), 0u);
}

// That command was answered once, and well.
void expect_accepted(const Flow& flow, uint64_t token) {
  const auto of_token = [&](const CommandDone& done) { return done.token == token; };
  ASSERT_EQ(std::count_if(flow.bed.done.begin(), flow.bed.done.end(), of_token), 1);
  EXPECT_EQ(std::find_if(flow.bed.done.begin(), flow.bed.done.end(), of_token)->error, CommandError::none);
}

TEST(FirstWalk, APhoneCallsAPhoneAndHangsUp) {
  Flow flow;
  flow.establish();
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed");
  const auto legs = flow.bed.media.legs();
  ASSERT_EQ(legs.size(), 2u);
  EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[1]));
  EXPECT_TRUE(flow.bed.media.flows(legs[1], legs[0]));
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 BYE");
  EXPECT_EQ(flow.b.log(), "BYE");
  flow.b.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed, dropped");
  EXPECT_EQ(flow.bed.last().reason, DropReason::hung_up);
  EXPECT_TRUE(flow.bed.media.legs().empty());
  expect_empty(flow);
}

TEST(FirstWalk, ABrowserCallsAPhoneAndHangsUp) {
  Flow flow;
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), "tab"});
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("INVITE"); }));
  ASSERT_EQ(flow.bed.done.size(), 1u);
  EXPECT_EQ(flow.bed.done[0].error, CommandError::none);
  flow.b.reply("INVITE", 180);
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed");
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, ringing, confirmed");
  // R0.12: one answer, byte-identical.
  EXPECT_FALSE(flow.bed.client[2].call.sdp.empty());
  EXPECT_EQ(flow.bed.client[2].call.sdp, flow.bed.client[3].call.sdp);
  flow.bed.command(DropCall{2, w, flow.bed.last().id});
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  flow.b.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, ringing, confirmed")
      << "X8: its own hang-up is the result of the request";
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed, dropped");
  expect_empty(flow);
}

TEST(FirstWalk, C13HangUpWhileTheWebServerIsAskedMeansNoInviteEver) {
  Flow flow;
  flow.bed.decide = nullptr;
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
  flow.run();
  ASSERT_EQ(flow.bed.asked.size(), 1u);
  flow.bed.command(DropCall{2, w, flow.bed.last().id});
  expect_accepted(flow, 2);
  ASSERT_EQ(flow.bed.done.size(), 2u);
  EXPECT_EQ(flow.bed.done[1].token, 1u) << "and the call that was asked for is not made";
  EXPECT_EQ(flow.bed.done[1].error, CommandError::refused);
  EXPECT_EQ(flow.bed.done[1].call.reason, DropReason::cancelled);
  EXPECT_TRUE(flow.bed.is_free());
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
  flow.run(seconds(2));
  EXPECT_EQ(flow.b.log(), "");
  EXPECT_EQ(flow.bed.states(), "pending, dropped");
  EXPECT_EQ(flow.bed.exchange.drops()[CallDrop::late_reply], 1u);
  expect_empty(flow);
}

TEST(FirstWalk, C14DropAndThe200InTheSameTick) {
  Flow flow;
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("INVITE"); }));
  flow.b.reply("INVITE", 180);
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));  // arrives in 1 ms
  flow.world.later(milliseconds(1), [&] { flow.bed.command(DropCall{2, w, flow.bed.last().id}); });
  flow.run();
  flow.b.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE") << "no CANCEL after the 200";
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed, dropped") << "the 200 was processed first";
  expect_accepted(flow, 2);
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, ringing, confirmed")
      << "dropped once: as the result of its own request (X8)";
  expect_empty(flow);
}

TEST(FirstWalk, D1WithoutAnAckBothLegsGetByeAt64T1) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  const TimePoint first = flow.a.last_heard("200 INVITE").at;
  flow.run(seconds(40));
  std::vector<int64_t> at;
  for (const auto& heard : flow.a.heard) {
    if (heard.line == "200 INVITE") at.push_back(std::chrono::duration_cast<milliseconds>(heard.at - first).count());
  }
  EXPECT_EQ(at, (std::vector<int64_t>{0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500}));
  EXPECT_EQ(flow.a.heard[flow.a.heard.size() - flow.a.count("BYE")].at - first, seconds(32));
  EXPECT_EQ(flow.a.last_heard("BYE").message.method(), sip::Method::bye);
  const auto first_bye = [](const SipPeer& peer) {
    return std::find_if(peer.heard.begin(), peer.heard.end(), [](const auto& heard) { return heard.line == "BYE"; })
        ->at;
  };
  EXPECT_EQ(first_bye(flow.a), first_bye(flow.b)) << "BYE to both at the same moment";
  expect_empty(flow);
}

TEST(FirstWalk, C26AStreamLostWhileRingingDoesNotEndTheCall) {
  Flow flow;
  flow.a.connect();
  flow.ring();
  flow.bed.host.break_streams();
  flow.run();
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing");
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_TRUE(flow.a.has("200 INVITE")) << "by a new connection to the sent-by address (18.2.2)";
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed");
  flow.a.connect();
  flow.a.ack();
  flow.run();
  flow.b.request("BYE");
  flow.run();
  flow.a.reply("BYE", 200);
  flow.run();
  expect_empty(flow);
}

}  // namespace
}  // namespace isthmus::test
