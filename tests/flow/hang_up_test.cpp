// SPDX-License-Identifier: MIT
// Rows C22, C24, C26 to C30: hanging up by other means than CANCEL, limits, lost flows, held answers and lost ACKs
// (R1.25 to R1.27).
#include <gtest/gtest.h>

#include "tests/support/phone.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RowC, C22TheCallerSendsByeInTheEarlyDialog) {
  for (const int cancel_answer : {200, 481}) {
    Flow flow;
    flow.ring();
    flow.a.request("BYE");
    flow.run(milliseconds(4));
    EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 200 BYE, 487 INVITE");
    EXPECT_TRUE(flow.bed.is_free());
    flow.a.ack_failure("487 INVITE");
    EXPECT_EQ(flow.b.log(), "INVITE, CANCEL") << "CANCEL, not BYE";
    flow.b.reply("CANCEL", cancel_answer);
    flow.b.reply("INVITE", 487);
    flow.run();
    EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK") << cancel_answer;
    expect_rest(flow);
  }
}

TEST(RowC, C24TheRingLimitExpires) {
  Settings settings = bed_settings();
  settings.ring_limit = seconds(20);
  Flow flow(settings);
  flow.ring();
  const TimePoint placed = flow.b.last_heard("INVITE").at;
  ASSERT_TRUE(flow.world.run_until([&] { return flow.a.has("480 INVITE"); }, seconds(25)));
  EXPECT_NEAR(std::chrono::duration<double>(flow.world.now().steady - placed).count(), 20, 0.1);
  flow.a.ack_failure("480 INVITE");
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
  EXPECT_EQ(flow.bed.last().reason, DropReason::invite_timeout);
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK");
  expect_rest(flow);
}

TEST(RowC, C24AClientIsToldInviteTimeout) {
  Settings settings = bed_settings();
  settings.ring_limit = seconds(20);
  Flow flow(settings);
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("INVITE"); }));
  flow.b.reply("INVITE", 180);
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("CANCEL"); }, seconds(21)));
  ASSERT_EQ(flow.bed.client_states(), "pending, calling, ringing, dropped");
  EXPECT_EQ(flow.bed.client.back().call.reason, DropReason::invite_timeout);
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK");
  expect_rest(flow);
}

TEST(RowC, C26TheFinalGoesByANewConnectionWhenTheOldOneIsLost) {
  Flow flow;
  flow.a.connect();
  flow.ring();
  flow.bed.host.break_streams();
  flow.run();
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing") << "dialogs do not belong to connections";
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  ASSERT_TRUE(flow.a.has("200 INVITE"));
  flow.a.connect();
  flow.a.ack();
  flow.run();
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  flow.b.request("BYE");
  flow.run();
  flow.a.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

// A registered phone behind NAT calls by a stream and loses it: no new connection could reach it, but the final goes by
// the one over which the same instance has registered again.
TEST(RowC, C26TheFinalGoesByTheLiveFlowOfTheSameInstance) {
  for (const bool answered_meanwhile : {false, true}) {
    Flow flow;
    Phone phone(flow.world, "alice", kStranger);
    phone.connect();
    phone.contact = "sip:alice@10.0.0.5:5062;transport=tcp";
    ASSERT_EQ(phone.enroll(), "200 REGISTER");
    phone.place("2000", phone_sdp(4000));
    flow.b.reply("INVITE", 180);
    flow.run();
    ASSERT_TRUE(phone.has("180 INVITE"));
    phone.host.break_streams();
    flow.run();
    EXPECT_EQ(flow.bed.states(), "pending, calling, ringing");
    flow.bed.host.answer_asks(false);  // a SYN into a NAT: nothing comes back
    if (answered_meanwhile) flow.b.reply("INVITE", 200, phone_sdp(5000));
    flow.run();
    flow.bed.host.answer_asks(true);
    phone.connect();
    phone.forget();
    phone.enroll();
    ASSERT_TRUE(phone.has("200 REGISTER"));
    if (!answered_meanwhile) flow.b.reply("INVITE", 200, phone_sdp(5000));
    flow.run();
    ASSERT_TRUE(phone.has("200 INVITE")) << answered_meanwhile << ": " << phone.log();
    phone.ack();
    flow.run(seconds(40));
    EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed");
    flow.b.request("BYE");
    flow.run();
    ASSERT_TRUE(phone.has("BYE"));
    phone.reply("BYE", 200);
    flow.run();
    expect_rest(flow);
  }
}

TEST(RowC, C26WhenNoConnectionCanBeMadeBIsEndedAsInC1) {
  Flow flow;
  flow.a.connect();
  flow.ring();
  flow.a.host.refuse_streams(true);
  flow.bed.host.break_streams();
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  EXPECT_EQ(flow.bed.last().state, CallState::dropped);
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowC, C26R0_20AClientThatIsLostHasItsGraceInEachState) {
  for (int state = 0; state < 4; ++state) {  // pending, calling, ringing, confirmed
    for (const bool comes_back : {false, true}) {
      Flow flow;
      const ClientId w = flow.bed.sign_in("alice");
      if (state == 0) flow.bed.decide = nullptr;
      flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
      flow.run();
      if (state >= 2) flow.b.reply("INVITE", 180);
      flow.run();
      if (state >= 3) flow.b.reply("INVITE", 200, phone_sdp(5000));
      if (state == 1) flow.b.reply("INVITE", 100);
      flow.run();
      const std::string before = flow.bed.states();
      flow.bed.command(ClientLost{w});
      flow.run(seconds(4));
      EXPECT_EQ(flow.bed.states(), before) << "the grace";
      if (comes_back) flow.bed.command(ClientBack{w});
      flow.run(seconds(10));
      if (state == 0) {
        EXPECT_EQ(flow.bed.last().state, CallState::dropped) << "by the web server's limit";
        EXPECT_EQ(flow.b.log(), "");
      } else if (comes_back) {
        EXPECT_EQ(flow.bed.states(), before) << "the page may come back and keep the call";
        flow.bed.command(DropCall{2, w, flow.bed.last().id});
      } else {
        EXPECT_EQ(flow.bed.last().reason, DropReason::connection_lost);
      }
      flow.run();
      EXPECT_EQ(flow.bed.last().state, CallState::dropped);
      if (state == 1 || state == 2) flow.b.reply("CANCEL", 200), flow.b.reply("INVITE", 487);
      if (state == 3) flow.b.reply("BYE", 200);
      flow.run();
      expect_rest(flow);
    }
  }
}

Settings held() {
  Settings settings = bed_settings();
  settings.ask_before_answer = true;
  return settings;
}

// B has answered, A's 200 waits for the web server.
struct Held : Flow {
  Held() : Flow(held()) {
    bed.decide = nullptr;
    ring();
    b.reply("INVITE", 200, phone_sdp(5000));
    run();
    EXPECT_EQ(b.log(), "INVITE, ACK") << "R4.14: the ACK does not wait for A's answer";
    EXPECT_FALSE(a.has("200 INVITE"));
    EXPECT_EQ(bed.asked.size(), 1u);
  }
};

TEST(RowC, C27TheCallerCancelsWhileItsAnswerIsHeld) {
  for (const int bye_answer : {200, 481}) {
    Held flow;
    flow.a.cancel();
    flow.run(milliseconds(4));
    EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 200 CANCEL, 487 INVITE");
    EXPECT_TRUE(flow.bed.is_free());
    flow.a.ack_failure("487 INVITE");
    EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE");
    flow.b.reply("BYE", bye_answer);
    flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
    flow.run(seconds(1));
    EXPECT_FALSE(flow.a.has("200 INVITE")) << "the held 200 is never sent";
    EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE") << bye_answer;
    EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, dropped");
    expect_rest(flow);
  }
}

TEST(RowD, D11TheCalleeHangsUpWhileTheAnswerIsHeld) {
  Held flow;
  flow.b.request("BYE");
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, 200 BYE");
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 480 INVITE");
  flow.a.ack_failure("480 INVITE");
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, dropped") << "confirmed was never seen";
  EXPECT_EQ(flow.bed.last().reason, DropReason::hung_up);
  EXPECT_EQ(flow.bed.last().code, 480);
  EXPECT_EQ(flow.bed.last().text, "the callee hung up");
  expect_rest(flow);
}

TEST(RowD, D11TheCalleeHangsUpWhileAClientsAnswerIsHeld) {
  Flow flow(held());
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.decide = [](const AskPolicy& ask) -> std::optional<Reply> {
    if (ask.kind == PolicyKind::answer) return std::nullopt;
    return Policy{Policy::allow, DropReason::none, {}, {}, {}};
  };
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  ASSERT_EQ(flow.bed.asked.size(), 2u);
  flow.b.request("BYE");
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, 200 BYE");
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, dropped") << "confirmed was never seen";
  EXPECT_EQ(flow.bed.client.back().call.reason, DropReason::hung_up);
  EXPECT_EQ(flow.bed.client.back().call.code, 480);
  expect_rest(flow);
}

// No command could release it, so `later` is no answer here.
TEST(RowD, AHeldAnswerCannotBeDecidedLater) {
  Held flow;
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::later, DropReason::none, {}, {}, {}});
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 480 INVITE");
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  EXPECT_EQ(flow.bed.last().reason, DropReason::web_server_malformed);
  EXPECT_EQ(flow.bed.last().text, "a held answer cannot be decided later");
  flow.a.ack_failure("480 INVITE");
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowD, D11HoldingHasALimit) {
  Held flow;
  flow.run(seconds(5));
  EXPECT_EQ(flow.a.last("500 INVITE").status(), 500);
  flow.a.ack_failure("500 INVITE");
  EXPECT_TRUE(flow.b.has("BYE"));
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowD, AHeldAnswerIsReleased) {
  Held flow;
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
  flow.run();
  ASSERT_TRUE(flow.a.has("200 INVITE"));
  flow.a.ack();
  flow.run();
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed");
  flow.a.request("BYE");
  flow.run();
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowC, C28HangUpWhileTheNextTargetIsBeingChosen) {
  Settings settings = bed_settings();
  settings.trunks[1].host = "trunk.example";
  Flow flow(settings);
  flow.a.invite("2000", phone_sdp(4000));
  ASSERT_TRUE(flow.world.run_until([&] { return flow.bed.states() == "pending, calling"; }));
  flow.a.cancel();
  flow.run(milliseconds(1));
  Records found;
  found.list.push_back({RecordType::a, 60, kB.ip, {}, 0, 0, 0, {}});
  flow.bed.host.set_zone("trunk.example", found);
  flow.run(seconds(2));
  EXPECT_TRUE(flow.a.has("487 INVITE"));
  flow.a.ack_failure("487 INVITE");
  EXPECT_EQ(flow.b.log(), "") << "no INVITE: the attempt ended without a datagram";
  expect_rest(flow);
}

TEST(RowC, C28TheNextTargetIsNotTriedAfterTheHangUp) {
  Settings settings = bed_settings();
  settings.trunks[1].host = "trunk.example";
  Flow flow(settings);
  SipPeer second(flow.world, "second", {IpAddress::v4(192, 0, 2, 21), 5060}, kGateway);
  Records found;
  found.list.push_back({RecordType::a, 60, kB.ip, {}, 0, 0, 0, {}});
  found.list.push_back({RecordType::a, 60, IpAddress::v4(192, 0, 2, 21), {}, 0, 0, 0, {}});
  flow.bed.host.set_zone("trunk.example", found);
  flow.a.invite("2000", phone_sdp(4000));
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("INVITE") || second.has("INVITE"); }));
  SipPeer& first = flow.b.has("INVITE") ? flow.b : second;
  SipPeer& other = flow.b.has("INVITE") ? second : flow.b;
  first.reply("INVITE", 100);
  flow.run();
  flow.a.cancel();
  flow.run();
  flow.a.ack_failure("487 INVITE");
  first.reply("INVITE", 503);
  first.reply("CANCEL", 200);
  flow.run(seconds(2));
  EXPECT_EQ(other.log(), "");
  EXPECT_EQ(first.log(), "INVITE, CANCEL, ACK");
  expect_rest(flow);
}

TEST(RowC, AnAnswer503MovesTheCallToTheNextTarget) {
  Settings settings = bed_settings();
  settings.trunks[1].host = "trunk.example";
  Flow flow(settings);
  SipPeer second(flow.world, "second", {IpAddress::v4(192, 0, 2, 21), 5060}, kGateway);
  Records found;
  found.list.push_back({RecordType::a, 60, kB.ip, {}, 0, 0, 0, {}});
  found.list.push_back({RecordType::a, 60, IpAddress::v4(192, 0, 2, 21), {}, 0, 0, 0, {}});
  flow.bed.host.set_zone("trunk.example", found);
  flow.a.invite("2000", phone_sdp(4000));
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("INVITE") || second.has("INVITE"); }));
  SipPeer& first = flow.b.has("INVITE") ? flow.b : second;
  SipPeer& other = flow.b.has("INVITE") ? second : flow.b;
  first.reply("INVITE", 503);
  ASSERT_TRUE(flow.world.run_until([&] { return other.has("INVITE"); }));
  EXPECT_EQ(first.log(), "INVITE, ACK");
  EXPECT_NE(other.last("INVITE").branch(), first.last("INVITE").branch());
  other.reply("INVITE", 486);
  flow.run();
  EXPECT_TRUE(flow.a.has("486 INVITE"));
  flow.a.ack_failure("486 INVITE");
  expect_rest(flow);
}

TEST(RowC, C29The487IsRepeatedUntilItsAckAndTheUserIsUntouched) {
  Flow flow;
  flow.ring();
  flow.a.cancel();
  flow.b.reply("INVITE", 100);
  flow.run(milliseconds(4));
  EXPECT_TRUE(flow.bed.is_free());
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run(milliseconds(3700));
  EXPECT_EQ(flow.a.count("487 INVITE"), 4u) << "0, .5, 1.5, 3.5 s";
  flow.a.repeat_invite();
  flow.run();
  EXPECT_EQ(flow.a.count("487 INVITE"), 5u) << "and on each repeated INVITE";
  flow.a.ack_failure("487 INVITE");
  flow.run(seconds(10));
  EXPECT_EQ(flow.a.count("487 INVITE"), 5u);
  EXPECT_EQ(flow.b.count("INVITE"), 1u);
  expect_rest(flow);
}

TEST(RowC, C29WithoutAnAckTimerHEndsIt) {
  Flow flow;
  flow.ring();
  flow.a.cancel();
  flow.run();
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run(seconds(40));
  EXPECT_EQ(flow.a.count("487 INVITE"), 11u);
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, dropped");
  expect_rest(flow);
}

TEST(RowC, C30ARepeated487GetsItsAckAgainUntilTimerD) {
  Flow flow;
  flow.ring();
  flow.a.cancel();
  flow.run();
  flow.a.ack_failure("487 INVITE");
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  flow.b.reply("INVITE", 487);
  flow.run();
  ASSERT_EQ(flow.b.count("ACK"), 2u);
  EXPECT_EQ(flow.b.heard[flow.b.heard.size() - 1].message.branch(), flow.b.last("INVITE").branch());
  flow.run(seconds(40));
  flow.b.reply("INVITE", 487);
  flow.run();
  EXPECT_EQ(flow.b.count("ACK"), 2u) << "later ones are dropped";
  expect_rest(flow);
}

TEST(RowC, R1_25WhoeverHangsUpIsFreeAndMayCallAtOnce) {
  Flow flow;
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("INVITE"); }));
  // B is silent for ever.
  flow.bed.command(DropCall{2, w, flow.bed.last().id});
  EXPECT_TRUE(flow.bed.is_free());
  EXPECT_TRUE(flow.bed.media.legs().empty());
  const size_t told = flow.bed.client.size();
  flow.bed.command(MakeCall{3, w, {}, "2001", {}, browser_sdp(), {}});
  flow.run(seconds(1));
  EXPECT_GT(flow.bed.client.size(), told);
  const std::string second = flow.bed.client.back().call.id;
  for (size_t i = told; i < flow.bed.client.size(); ++i)
    EXPECT_EQ(flow.bed.client[i].call.id, second) << "nothing of the old call any more";
  flow.bed.command(DropCall{4, w, second});
  flow.run(seconds(40));
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
