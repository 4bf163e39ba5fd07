// SPDX-License-Identifier: MIT
// A gateway that is killed and starts again (G15): bindings go on where they were, what was a call is answered 481, and
// a phone that was told 200 was kept before. Two beds one after the other in one world, joined by what the first told.
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/phone.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

Settings keeping_settings() {
  Settings out = bed_settings();
  out.keeps_bindings = true;
  return out;
}

struct Restart {
  World world;
  Settings settings = keeping_settings();
  std::unique_ptr<CallBed> bed = std::make_unique<CallBed>(world, settings);
  SipPeer a{world, "1000", kA, kGateway};
  SipPeer b{world, "2000", kB, kGateway};
  Phone phone{world, "alice", kStranger};
  std::vector<KeptBinding> store;
  size_t runs = 0;

  void run(Duration time = milliseconds(20)) { world.run_for(time); }
  void kill() {
    for (const auto& [binding, removed] : bed->changed) {
      std::erase_if(store, [&](const KeptBinding& known) { return known.contact == binding.contact; });
      if (!removed) store.push_back(binding);
    }
    bed->host.break_streams();  // what the dying program is told of that it tells nobody
    run();
    bed.reset();
  }
  void start() {
    bed = std::make_unique<CallBed>(world, settings, store, 100 + ++runs);
    run();
  }
  void restart() { kill(), start(); }
  void call_alice() {
    a.invite("alice", phone_sdp(4000));
    run();
  }
  std::vector<RegistrationFacts> table() const { return bed->exchange.registrations(world.now()); }
  std::string status() const { return table().size() == 1 ? std::string(table()[0].status) : "not one"; }
};

TEST(Restart, G15_APhoneIsReachedByItsFlowRightAfterTheRestart) {
  Restart flow;
  flow.phone.contact = "sip:alice@10.0.0.5:5062";  // behind a NAT
  ASSERT_EQ(flow.phone.enroll("Contact: <sip:alice@10.0.0.5:5062>\r\nUser-Agent: test\r\nExpires: 600\r\n"),
            "200 REGISTER");
  flow.run(seconds(100));
  flow.restart();
  ASSERT_EQ(flow.status(), "active");
  EXPECT_EQ(flow.table()[0].expires_in, 500u);
  EXPECT_EQ(flow.table()[0].user_agent, "test");
  EXPECT_EQ(flow.table()[0].source, kStranger);
  flow.call_alice();
  ASSERT_TRUE(flow.phone.has("INVITE"));
  EXPECT_EQ(flow.phone.last("INVITE").request_uri(), "sip:alice@10.0.0.5:5062");
}

TEST(Restart, G15_TheWayThroughTheNatIsKeptOpenAfterTheRestart) {
  Restart flow;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.restart();
  size_t pings = 0;
  flow.world.tap = [&](const Datagram& datagram) { pings += datagram.to == kStranger && datagram.bytes == "\r\n\r\n"; };
  flow.run(seconds(60));
  EXPECT_EQ(pings, 2u);
}

// RFC 3261 10.3 step 7, R1.18.
TEST(Restart, G15_AnOldCSeqOfTheSameCallIdIsStillRefused) {
  Restart flow;
  flow.phone.register_cseq = 100;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.restart();
  flow.phone.register_cseq = 50;
  EXPECT_EQ(flow.phone.enroll("Contact: <" + flow.phone.own_contact() + ">\r\nExpires: 0\r\n"), "500 REGISTER");
  EXPECT_EQ(flow.status(), "active");
  flow.phone.register_cseq = 200;
  EXPECT_EQ(flow.phone.enroll("Contact: <" + flow.phone.own_contact() + ">\r\nExpires: 0\r\n"), "200 REGISTER");
  flow.restart();
  EXPECT_TRUE(flow.table().empty());
}

TEST(Restart, G15_ExpiryGoesOnByTheWallClock) {
  Restart flow;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.kill();
  flow.run(seconds(590));
  flow.start();
  EXPECT_EQ(flow.status(), "active");
  flow.kill();
  flow.run(seconds(20));
  flow.start();
  EXPECT_TRUE(flow.table().empty());
  ASSERT_EQ(flow.bed->changed.size(), 1u);
  EXPECT_TRUE(flow.bed->changed[0].removed) << "and the store is told";
}

TEST(Restart, AClockThatWasPutBackMakesNoBindingLastLongerThanItMay) {
  Restart flow;
  KeptBinding kept;
  kept.account = "alice";
  kept.contact = "sip:alice@198.51.100.66:5060";
  kept.remote = kStranger;
  kept.local = kGateway;
  kept.expires = flow.world.now().wall + std::chrono::hours(10000);
  kept.updated = flow.world.now().wall + std::chrono::hours(9999);
  flow.store.push_back(kept);
  flow.restart();
  ASSERT_EQ(flow.status(), "active");
  EXPECT_LE(flow.table()[0].expires_in, 3600u);
}

TEST(Restart, BindingsOfAnAccountThatIsGoneAreForgotten) {
  Restart flow;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.kill();
  flow.settings.accounts.erase(flow.settings.accounts.begin());
  flow.start();
  EXPECT_TRUE(flow.table().empty());
  ASSERT_EQ(flow.bed->changed.size(), 1u);
  EXPECT_TRUE(flow.bed->changed[0].removed);
}

// ---- flows that end with the program

TEST(Restart, G15_AStreamsPhoneBehindANatWaitsUntilItComesBack) {
  Restart flow;
  flow.phone.contact = "sip:alice@10.0.0.5:5062;transport=tcp";
  flow.phone.connect();
  flow.run();
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.restart();
  EXPECT_EQ(flow.status(), "waiting");
  const size_t before = flow.bed->host.executed.size();
  flow.call_alice();
  EXPECT_TRUE(flow.a.has("480 INVITE")) << "at once: " << flow.a.log();
  EXPECT_EQ(flow.bed->host.executed.size(), before) << "no connection to what the Contact names is tried";
  flow.a.ack_failure("480 INVITE");
  flow.phone.connect();
  flow.run();
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  EXPECT_EQ(flow.status(), "active");
  flow.call_alice();
  EXPECT_TRUE(flow.phone.has("INVITE"));
}

TEST(Restart, G15_AStreamsPhoneThatGaveItsOwnAddressIsTriedThere) {
  Restart flow;
  flow.phone.connect();
  flow.run();
  ASSERT_EQ(flow.phone.enroll("Contact: <sip:alice@198.51.100.66:5060;transport=tcp>\r\nExpires: 600\r\n"),
            "200 REGISTER");
  flow.restart();
  EXPECT_EQ(flow.status(), "restored");
  flow.call_alice();
  ASSERT_TRUE(flow.phone.has("INVITE")) << "RFC 3263, by a new connection";
  EXPECT_TRUE(flow.phone.last_heard("INVITE").path.flow != flow.phone.host.udp());
}

TEST(Restart, WhatWaitsForAPhoneMakesRoomWhenItComesBackByAnotherContact) {
  Restart flow;
  flow.settings.max_bindings_per_account = 1;
  flow.restart();
  flow.phone.connect();
  flow.run();
  ASSERT_EQ(flow.phone.enroll("Contact: <sip:a@10.0.0.5:1;transport=tcp>\r\nExpires: 600\r\n"), "200 REGISTER");
  flow.restart();
  flow.phone.connect();
  flow.run();
  ASSERT_EQ(flow.phone.enroll("Contact: <sip:a@10.0.0.5:2;transport=tcp>\r\nExpires: 600\r\n"), "200 REGISTER");
  ASSERT_EQ(flow.status(), "active");
  EXPECT_EQ(flow.table()[0].contact, "sip:a@10.0.0.5:2;transport=tcp");
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@10.0.0.5:3;transport=tcp>\r\nExpires: 600\r\n"), "403 REGISTER");
}

// ---- calls that were lost

TEST(Restart, G15_RequestsWithinALostCallGet481) {
  Restart flow;
  flow.a.invite("2000", phone_sdp(4000));
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.ack();
  flow.run();
  flow.restart();
  flow.a.reinvite(phone_sdp(4000));
  flow.run();
  EXPECT_TRUE(flow.a.has("481 INVITE")) << flow.a.log();
  flow.a.request("BYE");
  flow.b.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.a.has("481 BYE")) << flow.a.log();
  EXPECT_TRUE(flow.b.has("481 BYE")) << flow.b.log();
  EXPECT_TRUE(flow.bed->is_empty());
}

// The phone picks up what nobody calls any more: no ACK comes, so after 64*T1 it ends the session by itself (13.3.1.4),
// and its BYE is answered. The caller that waits gives up: its CANCEL is answered, too.
TEST(Restart, G15_BothSidesOfALostCallThatRangAreAnswered) {
  Restart flow;
  flow.a.invite("2000", phone_sdp(4000));
  flow.run();
  flow.b.reply("INVITE", 180);
  flow.run();
  EXPECT_EQ(flow.b.last("INVITE").header(sip::Header::expires), "60") << "13.3.1: it stops ringing by itself then";
  flow.restart();
  const size_t heard = flow.b.heard.size();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.heard.size(), heard) << "nothing is sent on the word of a stray response (D10)";
  flow.b.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.b.has("481 BYE")) << flow.b.log();
  flow.a.cancel();
  flow.run();
  EXPECT_TRUE(flow.a.has("481 CANCEL")) << flow.a.log();
  EXPECT_TRUE(flow.bed->is_empty());
}

// ---- the 200 waits for the store

TEST(Restart, G15_The200WaitsUntilTheBindingIsKept) {
  Restart flow;
  flow.bed->keep.reset();
  flow.phone.enroll();
  EXPECT_EQ(flow.phone.log(), "401 REGISTER");
  ASSERT_EQ(flow.bed->keeping.size(), 1u);
  ASSERT_EQ(flow.bed->changed.size(), 1u) << "told before it was asked for";
  EXPECT_EQ(flow.bed->changed[0].binding.contact, "sip:alice@198.51.100.66:5060");
  flow.bed->answer_ask(flow.bed->keeping[0].ask, Kept{});
  flow.run();
  EXPECT_EQ(flow.phone.log(), "401 REGISTER, 200 REGISTER");
  flow.bed->answer_ask(flow.bed->keeping[0].ask, Kept{});
  flow.run();
  EXPECT_EQ(flow.phone.log(), "401 REGISTER, 200 REGISTER") << "a double reply is ignored";
  EXPECT_EQ(flow.bed->exchange.unkept(), 0u);
}

TEST(Restart, G16_AStoreThatSaysNothingHoldsThe200ForItsLimitOnly) {
  Restart flow;
  flow.bed->keep.reset();
  flow.phone.enroll();
  flow.run(milliseconds(280));
  EXPECT_EQ(flow.phone.log(), "401 REGISTER");
  flow.run(milliseconds(30));
  EXPECT_EQ(flow.phone.log(), "401 REGISTER, 200 REGISTER");
  EXPECT_EQ(flow.bed->exchange.unkept(), 1u);
  flow.call_alice();
  EXPECT_TRUE(flow.phone.has("INVITE")) << "calls go on";
  flow.bed->answer_ask(flow.bed->keeping[0].ask, Kept{});
  EXPECT_EQ(flow.bed->exchange.drops()[CallDrop::late_reply], 1u);
}

TEST(Restart, G16_AStoreThatFailsHoldsNobody) {
  Restart flow;
  flow.bed->keep = Fault{FaultCode::limit};
  EXPECT_EQ(flow.phone.enroll(), "200 REGISTER");
  EXPECT_EQ(flow.bed->exchange.unkept(), 1u);
  EXPECT_EQ(flow.bed->exchange.census()[Census::asks], 0u);
}

TEST(Restart, ARegisterThatOnlyAsksWaitsForNothing) {
  Restart flow;
  flow.bed->keep.reset();
  EXPECT_EQ(flow.phone.enroll(""), "200 REGISTER");
  EXPECT_TRUE(flow.bed->keeping.empty());
}

}  // namespace
}  // namespace isthmus::test
