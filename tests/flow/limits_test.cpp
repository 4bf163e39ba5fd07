// SPDX-License-Identifier: MIT
// Limits of our own: calls of one account, and everything that a call waits for though nobody ever answers - the edge,
// the media engine (docs/house.md: the asking machine owns the time limit). What a call was told at its beginning may
// be old when it is placed (R1.33).
#include <gtest/gtest.h>

#include "tests/support/phone.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

const SocketAddress kElsewhere{IpAddress::v4(203, 0, 113, 7), 7777};

// ---- calls of one account

Settings two_calls() {
  Settings settings = bed_settings();
  settings.max_calls_per_account = 2;
  return settings;
}

TEST(AccountLimit, AnAccountMakesSoManyCallsAndIsRefusedOneMoreWithoutAnyOtherLeg) {
  Flow flow(two_calls());
  Phone phone(flow.world, "alice", kStranger);
  Phone second(flow.world, "alice", kElsewhere);
  phone.place("2000", phone_sdp(4000));
  second.place("2001", phone_sdp(4002));
  ASSERT_EQ(flow.b.count("INVITE"), 2u);
  phone.place("2002", phone_sdp(4004));
  ASSERT_EQ(phone.log(), "403 INVITE") << "not 503, which would keep the phone away altogether";
  EXPECT_TRUE(phone.last("403 INVITE").has(sip::Header::warning));
  EXPECT_EQ(flow.b.count("INVITE"), 2u);
  EXPECT_EQ(flow.bed.exchange.census()[Census::calls], 2u);
  EXPECT_EQ(flow.bed.exchange.drops()[CallDrop::account_limit], 1u);
  // Others are not touched by it, and what has ended does not count.
  flow.a.invite("2000", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE");
  second.cancel();
  flow.run(milliseconds(5));
  phone.place("2003", phone_sdp(4004));
  EXPECT_EQ(phone.log(), "100 INVITE") << "free at once, though B has not answered the CANCEL yet";
}

TEST(AccountLimit, AnAccountTakesSoManyCallsAndOneMoreFindsItBusy) {
  Flow flow(two_calls());
  Phone phone(flow.world, "alice", kStranger);
  ASSERT_EQ(phone.enroll(), "200 REGISTER");
  phone.forget();
  flow.a.invite("alice", phone_sdp(4000));
  flow.run();
  phone.place("2000", phone_sdp(4002));  // the second one: either side counts
  ASSERT_EQ(phone.log(), "100 INVITE");
  phone.forget();
  flow.b.forget();
  flow.b.invite("alice", phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "100 INVITE, 486 INVITE");
  EXPECT_EQ(phone.log(), "");
  EXPECT_EQ(flow.bed.last().code, 486);
  EXPECT_EQ(flow.bed.last().reason, DropReason::unavailable);
  EXPECT_EQ(flow.bed.exchange.drops()[CallDrop::account_limit], 1u);
  EXPECT_EQ(flow.bed.exchange.census()[Census::calls], 2u);
}

// ---- an edge that never answers

TEST(Unanswered, ALookupThatNeverComesBackEndsTheCallAtOurOwnLimit) {
  Settings settings = bed_settings();
  settings.trunks[1].host = "trunk.example";
  Flow flow(settings);
  flow.bed.host.answer_asks(false);
  flow.a.invite("2000", phone_sdp(4000));
  ASSERT_TRUE(flow.world.run_until([&] { return flow.a.has("500 INVITE"); }, seconds(30))) << flow.a.log();
  EXPECT_EQ(flow.a.last("500 INVITE").header(sip::Header::reason), "SIP ;cause=503");
  flow.a.ack_failure("500 INVITE");
  EXPECT_EQ(flow.bed.states(), "pending, calling, dropped");
  EXPECT_EQ(flow.bed.last().reason, DropReason::unavailable);
  EXPECT_GE(flow.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::unanswered], 1u);
  EXPECT_EQ(flow.b.log(), "");
  expect_rest(flow);
}

TEST(Unanswered, AConnectionThatNeverComesUpEndsTheCallAtOurOwnLimit) {
  Settings settings = bed_settings();
  settings.trunks[1].transport = "tcp";
  Flow flow(settings);
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.host.answer_asks(false);
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
  flow.run(seconds(4));
  EXPECT_EQ(flow.bed.client_states(), "pending, calling");
  flow.run(seconds(2));
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, dropped");
  EXPECT_EQ(flow.bed.client.back().call.code, 503) << "X15: the client hears the true code";
  expect_rest(flow);
}

TEST(Unanswered, C28AnOpenAttemptEndsWithTheHangUpWithoutADatagram) {
  Settings settings = bed_settings();
  settings.trunks[1].transport = "tcp";
  Flow flow(settings);
  flow.bed.host.answer_asks(false);
  flow.a.invite("2000", phone_sdp(4000));
  ASSERT_TRUE(flow.world.run_until([&] { return flow.bed.states() == "pending, calling"; }));
  flow.a.cancel();
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 200 CANCEL, 487 INVITE");
  flow.a.ack_failure("487 INVITE");
  flow.run(seconds(1));
  EXPECT_EQ(flow.b.log(), "");
  expect_rest(flow);
}

TEST(Unanswered, AByeWhoseWayIsNeverFoundIsGivenUp) {
  Flow flow;
  flow.call();
  flow.b.contact = "sip:2000@far.example";
  Records found;
  found.list.push_back({RecordType::a, 60, kB.ip, {}, 0, 0, 0, {}});
  flow.bed.host.set_zone("far.example", found);
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  ASSERT_TRUE(flow.b.has("ACK"));
  flow.a.ack();
  flow.run();
  flow.bed.host.answer_asks(false);
  flow.a.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.a.has("200 BYE"));
  EXPECT_EQ(flow.b.count("BYE"), 0u);
  EXPECT_EQ(flow.bed.exchange.census()[Census::calls], 0u) << "the users are free";
  EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 1u);
  flow.run(seconds(60));
  EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 0u);
  expect_rest(flow);
}

// ---- a media engine that never answers

TEST(Unanswered, MediaLegsThatAreNeverReadyEndTheCallAtOurOwnLimit) {
  for (const bool client : {false, true}) {
    Flow flow;
    const ClientId w = flow.bed.sign_in("alice");
    flow.bed.media.script().ready_after = std::chrono::hours(1);
    if (client) {
      flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
    } else {
      flow.a.invite("2000", phone_sdp(4000));
    }
    flow.run(seconds(4));
    EXPECT_EQ(flow.bed.states(), "pending");
    flow.run(seconds(2));
    EXPECT_EQ(flow.bed.states(), "pending, dropped");
    EXPECT_EQ(flow.bed.last().reason, DropReason::media_failed);
    EXPECT_EQ(flow.b.log(), "") << "no INVITE without a port to name in it";
    if (client) {
      EXPECT_EQ(flow.bed.client_states(), "pending, dropped");
    } else {
      EXPECT_TRUE(flow.a.has("500 INVITE")) << flow.a.log();
      flow.a.ack_failure("500 INVITE");
    }
    flow.run();
    EXPECT_TRUE(flow.bed.media.legs().empty());
    EXPECT_TRUE(flow.bed.is_free());
  }
}

// ---- R1.33: where the phone is when it is called, not when the question was asked

TEST(Nat, R1_33APhoneThatMovedWhileTheWebServerThoughtIsCalledWhereItIsNow) {
  Flow flow;
  flow.bed.decide = nullptr;
  Phone phone(flow.world, "bob", kStranger);
  ASSERT_EQ(phone.enroll(), "200 REGISTER");
  phone.forget();
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "bob", {}, browser_sdp(), {}});
  ASSERT_EQ(flow.bed.asked.size(), 1u);
  Phone moved(flow.world, "bob", kElsewhere);
  moved.contact = phone.own_contact();
  moved.register_cseq = 50;
  ASSERT_EQ(moved.enroll(), "200 REGISTER");
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
  flow.run();
  EXPECT_TRUE(moved.has("INVITE"));
  EXPECT_EQ(phone.log(), "");
}

TEST(Nat, R1_33APhoneThatLeftWhileTheWebServerThoughtIsNotCalled) {
  Flow flow;
  flow.bed.decide = nullptr;
  Phone phone(flow.world, "bob", kStranger);
  ASSERT_EQ(phone.enroll(), "200 REGISTER");
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "bob", {}, browser_sdp(), {}});
  ASSERT_EQ(phone.enroll("Contact: *\r\nExpires: 0\r\n"), "200 REGISTER");
  phone.forget();
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
  flow.run();
  EXPECT_EQ(phone.log(), "");
  EXPECT_EQ(flow.bed.client_states(), "pending, dropped");
  EXPECT_EQ(flow.bed.last().code, 480);
  EXPECT_EQ(flow.bed.last().reason, DropReason::unavailable);
  EXPECT_TRUE(flow.bed.is_free());
}

TEST(Nat, R1_30R1_33OnlyThePhoneThatCallsIsLeftOfItsAccount) {
  Flow flow;
  flow.bed.media.script().ready_after = seconds(1);
  Phone phone(flow.world, "alice", kStranger);
  Phone second(flow.world, "alice", kElsewhere);
  second.registration = "another";
  ASSERT_EQ(phone.enroll(), "200 REGISTER");
  ASSERT_EQ(second.enroll(), "200 REGISTER");
  phone.forget();
  phone.place("alice", phone_sdp(4000));
  ASSERT_EQ(phone.log(), "100 INVITE");
  ASSERT_EQ(second.enroll("Contact: <" + second.own_contact() + ">\r\nExpires: 0\r\n"), "200 REGISTER");
  second.forget();
  flow.run(seconds(1));
  EXPECT_EQ(phone.log(), "100 INVITE, 482 INVITE");
  EXPECT_EQ(second.log(), "");
  EXPECT_EQ(flow.bed.last().code, 482);
  EXPECT_EQ(flow.bed.last().reason, DropReason::unavailable);
}

}  // namespace
}  // namespace isthmus::test
