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

struct Restart {
  World world;
  Settings settings = keeping_settings();
  std::unique_ptr<CallBed> bed = std::make_unique<CallBed>(world, settings);
  SipPeer a{world, "1000", kA, kGateway};
  SipPeer b{world, "2000", kB, kGateway};
  Phone phone{world, "alice", kStranger};
  CallBed::KeptState store;
  size_t runs = 0;

  void run(Duration time = milliseconds(20)) { world.run_for(time); }
  void kill() {
    for (const auto& [binding, removed] : bed->changed) {
      std::erase_if(store.bindings, [&](const KeptBinding& known) { return known.contact == binding.contact; });
      if (!removed) store.bindings.push_back(binding);
    }
    store.ringing.clear();
    for (const auto& [call, leg] : bed->ringing) store.ringing.push_back(leg);
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
  void ring(int status = 180) {
    a.invite("2000", phone_sdp(4000));
    run();
    b.reply("INVITE", status);
    run();
  }
  uint64_t drops(sip::SipDrop reason) const { return bed->exchange.user_agent().endpoint().drops()[reason]; }
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

// A socket that is bound to all addresses tells of each datagram to which of them it came.
TEST(Restart, G15_APhoneOfASocketOnAllAddressesIsReachedAtOnceToo) {
  Restart flow;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.kill();
  const auto status_with = [&](const SocketAddress& bound) {
    Exchange exchange(flow.settings, Seed::of(1));
    exchange.restore(flow.world.now(), flow.store.bindings);
    Outbox out;
    Pass pass{flow.world.now(), out};
    exchange.flow_up(pass, {Path{{1, 1}, {}, bound}, Protocol::udp, Framing::datagram, false});
    const auto table = exchange.registrations(flow.world.now());
    return table.size() == 1 ? std::string(table[0].status) : "not one";
  };
  EXPECT_EQ(status_with({IpAddress::v4(0, 0, 0, 0), kGateway.port}), "active");
  EXPECT_EQ(status_with(kGateway), "active");
  EXPECT_EQ(status_with({IpAddress::v4(0, 0, 0, 0), 5070}), "restored");
  EXPECT_EQ(status_with({IpAddress::v4(192, 0, 2, 7), kGateway.port}), "restored");
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
  flow.store.bindings.push_back(kept);
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

// A phone that picks up before it is called off: no ACK comes, so after 64*T1 it ends the session by itself (13.3.1.4),
// and its BYE is answered. The caller that waits gives up: its CANCEL is answered, too.
TEST(Restart, G15_BothSidesOfALostCallThatRangAreAnswered) {
  Restart flow;
  flow.ring();
  EXPECT_EQ(flow.b.last("INVITE").header(sip::Header::expires), "60") << "13.3.1: it stops ringing by itself then";
  flow.kill();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.start();
  ASSERT_TRUE(flow.b.has("CANCEL"));
  flow.b.reply("CANCEL", 481);
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL") << "nothing is sent on the word of a stray response (D10)";
  flow.b.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.b.has("481 BYE")) << flow.b.log();
  flow.a.cancel();
  flow.run();
  EXPECT_TRUE(flow.a.has("481 CANCEL")) << flow.a.log();
  flow.run(seconds(40));
  EXPECT_TRUE(flow.bed->is_empty());
}

// ---- phones that rang for calls that were lost

TEST(Restart, G15_APhoneThatMovedWhileItRangIsCalledOffWhereItIs) {
  Restart flow;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.call_alice();
  flow.phone.reply("INVITE", 180);
  flow.run();
  Phone moved(flow.world, "alice", {IpAddress::v4(203, 0, 113, 7), 7777});
  moved.contact = flow.phone.own_contact();
  moved.register_cseq = 50;
  ASSERT_EQ(moved.enroll(), "200 REGISTER");
  flow.phone.forget(), moved.forget();
  flow.restart();
  EXPECT_EQ(moved.log(), "CANCEL");
  EXPECT_EQ(flow.phone.log(), "");
  EXPECT_TRUE(flow.bed->ringing.empty());
}

TEST(Restart, G15_APhoneThatRangForALostCallIsCalledOffAtTheStart) {
  Restart flow;
  flow.ring();
  flow.kill();
  ASSERT_EQ(flow.store.ringing.size(), 1u);
  flow.run(seconds(3));
  const TimePoint started = flow.world.now().steady;
  flow.start();
  EXPECT_EQ(flow.bed->lost, 1u);
  ASSERT_EQ(flow.b.log(), "INVITE, CANCEL");
  EXPECT_LE(flow.b.last_heard("CANCEL").at - started, milliseconds(2));
  // 9.1: with these the peer finds the INVITE.
  const sip::Message& invite = flow.b.last("INVITE");
  const sip::Message& cancel = flow.b.last("CANCEL");
  EXPECT_EQ(cancel.request_uri(), invite.request_uri());
  EXPECT_EQ(cancel.header(sip::Header::via), invite.header(sip::Header::via)) << "branch and sent-by";
  EXPECT_EQ(cancel.header(sip::Header::from), invite.header(sip::Header::from));
  EXPECT_EQ(cancel.header(sip::Header::to), invite.header(sip::Header::to));
  EXPECT_EQ(cancel.call_id(), invite.call_id());
  EXPECT_EQ(cancel.cseq().number, invite.cseq().number);
  EXPECT_EQ(flow.b.last_heard("CANCEL").path.remote, kGateway);
  EXPECT_TRUE(flow.bed->ringing.empty()) << "and the store is told";
  EXPECT_EQ(flow.bed->exchange.census()[Census::lingering_transactions], 1u) << "it is nobody's any more";
  EXPECT_TRUE(flow.bed->is_free());
  flow.b.reply("CANCEL", 200);
  flow.run();
  for (int repeat = 0; repeat < 3; ++repeat) {  // timer G: nobody is left to acknowledge it
    flow.b.reply("INVITE", 487);
    flow.run(milliseconds(500));
  }
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
  EXPECT_EQ(flow.drops(sip::SipDrop::stray_response), 3u);
  flow.run(seconds(6));
  EXPECT_TRUE(flow.bed->is_empty());
  flow.restart();
  flow.run(seconds(1));
  EXPECT_EQ(flow.b.count("CANCEL"), 1u) << "once";
}

TEST(Restart, G15_TheCancelOfALostCallIsRepeatedUntilItIsAnswered) {
  Restart flow;
  flow.ring();
  flow.kill();
  size_t sent = 0;
  flow.world.fate = [&](const Datagram& datagram) {
    const bool cancel = datagram.bytes.starts_with("CANCEL");
    sent += cancel ? 1u : 0u;
    return cancel && sent <= 3 ? Fate::lost() : Fate{};
  };
  flow.start();
  flow.run(milliseconds(3600));  // 0, 0.5, 1.5 and 3.5 s: timer E
  EXPECT_EQ(sent, 4u);
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
  flow.b.reply("CANCEL", 200);
  flow.run(seconds(40));
  EXPECT_EQ(sent, 4u);
  EXPECT_TRUE(flow.bed->is_empty());
}

TEST(Restart, G15_APhoneThatIsGoneEndsTheCancelOfALostCall) {
  Restart flow;
  flow.ring();
  flow.kill();
  flow.world.fate = [](const Datagram&) { return Fate::lost(); };
  flow.start();
  flow.run(seconds(33));
  EXPECT_EQ(flow.drops(sip::SipDrop::undeliverable), 1u) << "timer F";
  EXPECT_TRUE(flow.bed->is_empty());
}

TEST(Restart, G15_ATrunkThatRangOverOurConnectionIsCalledOffOverANewOne) {
  Restart flow;
  flow.settings.trunks[1].transport = "tcp";
  flow.restart();
  flow.ring();
  const Path before = flow.b.last_heard("INVITE").path;
  flow.restart();
  ASSERT_EQ(flow.b.log(), "INVITE, CANCEL");
  const sip::Message& cancel = flow.b.last("CANCEL");
  EXPECT_TRUE(flow.b.last_heard("CANCEL").path.flow != before.flow);
  EXPECT_EQ(cancel.header(sip::Header::via), flow.b.last("INVITE").header(sip::Header::via));
  EXPECT_EQ(cancel.header(sip::Header::content_length), "0") << "a stream is framed by it";
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
  EXPECT_TRUE(flow.bed->ringing.empty());
  EXPECT_TRUE(flow.bed->is_empty());
}

TEST(Restart, G15_ATrunkThatTakesNoConnectionAnyMoreIsGivenUp) {
  Restart flow;
  flow.settings.trunks[1].transport = "tcp";
  flow.restart();
  flow.ring();
  flow.kill();
  flow.b.host.refuse_streams(true);
  flow.start();
  EXPECT_EQ(flow.b.log(), "INVITE");
  EXPECT_EQ(flow.drops(sip::SipDrop::undeliverable), 1u);
  EXPECT_TRUE(flow.bed->ringing.empty());
  EXPECT_TRUE(flow.bed->is_empty());
  flow.kill();
  RingingLeg rubbish;
  rubbish.call = "c_1";
  rubbish.remote = kB;
  rubbish.local = kGateway;
  rubbish.cancel = "INVITE sip:2000@192.0.2.20 SIP/2.0\r\n\r\n";
  rubbish.since = flow.world.now().wall;
  flow.store.ringing.push_back(rubbish);
  flow.start();
  EXPECT_EQ(flow.drops(sip::SipDrop::malformed), 1u) << "what is no CANCEL of ours goes to nobody";
  EXPECT_TRUE(flow.bed->is_empty());
}

// Nobody can reach it: its own loss of the connection and Expires are left.
TEST(Restart, G15_APhoneThatOpenedItsConnectionItselfIsNotKept) {
  Restart flow;
  flow.phone.connect();
  flow.run();
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.call_alice();
  ASSERT_TRUE(flow.phone.has("INVITE"));
  flow.phone.reply("INVITE", 180);
  flow.run();
  ASSERT_TRUE(flow.a.has("180 INVITE"));
  EXPECT_TRUE(flow.bed->rang.empty());
}

TEST(Restart, G15_APhoneThatOnlySaid100IsCalledOffToo) {
  Restart flow;
  flow.a.invite("2000", phone_sdp(4000));
  flow.run();
  EXPECT_TRUE(flow.bed->ringing.empty()) << "9.1: before a 1xx nothing may be cancelled";
  flow.b.reply("INVITE", 100);
  flow.run();
  EXPECT_EQ(flow.bed->ringing.size(), 1u) << "its 180 may have got lost";
  flow.b.reply("INVITE", 180);
  flow.b.reply("INVITE", 183);
  flow.run();
  EXPECT_EQ(flow.bed->rang.size(), 1u) << "told once";
  flow.restart();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
}

TEST(Restart, G15_OfAnInviteThatWasSentAgainTheLastOneIsCalledOff) {
  Restart flow;
  flow.settings.trunks[1].user = "u";
  flow.settings.trunks[1].password = "p";
  flow.settings.trunks[1].realm = "right";
  flow.restart();
  flow.a.invite("2000", phone_sdp(4000));
  flow.run();
  flow.b.reply("INVITE", 100);
  flow.run();
  flow.b.reply("INVITE", 407, {},
               "Proxy-Authenticate: Digest realm=\"right\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n");
  flow.run();
  ASSERT_EQ(flow.b.count("INVITE"), 2u);
  flow.b.reply("INVITE", 180);
  flow.run();
  flow.restart();
  ASSERT_EQ(flow.b.count("CANCEL"), 1u);
  EXPECT_EQ(flow.b.last("CANCEL").branch(), flow.b.last("INVITE").branch());
  EXPECT_EQ(flow.b.last("CANCEL").cseq().number, flow.b.last("INVITE").cseq().number);
  EXPECT_FALSE(flow.b.last("CANCEL").header(sip::Header::proxy_authorization)) << "no credentials lie in the file";
}

TEST(Restart, G15_WhatMayNoLongerRingIsNotCalledOff) {
  Restart flow;
  flow.ring();
  flow.kill();
  flow.run(seconds(60 + 31));  // the ring limit and 64*T1
  const CallBed::KeptState kept = flow.store;
  flow.start();
  EXPECT_EQ(flow.b.count("CANCEL"), 1u);
  flow.kill();
  flow.store = kept;
  flow.run(seconds(2));
  flow.start();
  EXPECT_EQ(flow.bed->lost, 0u);
  EXPECT_EQ(flow.b.count("CANCEL"), 1u);
  EXPECT_TRUE(flow.bed->ringing.empty()) << "and the store is told";
}

// Each way in which ringing ends takes back what was told, once (CallBed counts).
TEST(Restart, G15_ACallThatRingsNoLongerLeavesNothing) {
  using End = std::pair<const char*, std::function<void(Restart&)>>;
  const End ends[] = {
      {"answered", [](Restart& flow) { flow.b.reply("INVITE", 200, phone_sdp(5000)); }},
      {"answered by what cannot be used", [](Restart& flow) { flow.b.reply("INVITE", 200, "rubbish"); }},
      {"refused", [](Restart& flow) { flow.b.reply("INVITE", 486); }},
      {"the caller gives up", [](Restart& flow) { flow.a.cancel(); }},
      {"nobody picks up", [](Restart& flow) { flow.run(seconds(61)); }},
      {"commanded", [](Restart& flow) { flow.bed->command(DropCall{0, {}, flow.bed->last().id}); }},
      {"the gateway ends in order",
       [](Restart& flow) { flow.bed->host.with([&](Pass& pass) { flow.bed->exchange.drop_all(pass); }); }},
      {"the media fails",
       [](Restart& flow) {
         flow.bed->host.with([&](Pass& pass) {
           flow.bed->exchange.media(pass, media::LegFailed{flow.bed->last().callee_leg, media::LegFault{}});
         });
       }},
  };
  for (const auto& [name, end] : ends) {
    Restart flow;
    flow.ring();
    ASSERT_EQ(flow.bed->ringing.size(), 1u) << name;
    end(flow);
    flow.run();
    EXPECT_EQ(flow.bed->rang.size(), 2u) << name;
    EXPECT_TRUE(flow.bed->ringing.empty()) << name;
    flow.b.forget();
    flow.restart();
    EXPECT_FALSE(flow.b.has("CANCEL")) << name;
  }
}

TEST(Restart, WhoKeepsNoStateIsToldOfNothingThatRings) {
  Restart flow;
  flow.settings.keeps_state = false;
  flow.restart();
  flow.ring();
  EXPECT_TRUE(flow.bed->rang.empty());
}

// ---- what is told of a renewal, one change after the other

std::vector<std::string> told(const CallBed& bed) {
  std::vector<std::string> out;
  for (const auto& [binding, removed] : bed.changed)
    out.push_back((removed ? "-" : "+") + binding.contact + " " + std::to_string(binding.cseq));
  return out;
}

// A kill between "gone" and "there again" would lose a phone that was told 200.
TEST(Restart, G15_ARenewalIsOneChange) {
  Restart flow;
  flow.phone.register_cseq = 100;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.bed->changed.clear();
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  ASSERT_EQ(told(*flow.bed).size(), 1u);
  EXPECT_EQ(told(*flow.bed)[0][0], '+');
}

TEST(Restart, G15_AnotherContactOfTheSameInstanceIsThereBeforeTheOldOneGoes) {
  const std::string id =
      ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1\r\nExpires: 600\r\n";
  Restart flow;
  ASSERT_EQ(flow.phone.enroll("Contact: <sip:alice@198.51.100.66:1>" + id), "200 REGISTER");
  ASSERT_EQ(flow.phone.enroll("Contact: <sip:alice@198.51.100.66:2>" + id), "200 REGISTER");
  const auto changes = told(*flow.bed);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_TRUE(changes[1].starts_with("+sip:alice@198.51.100.66:2")) << changes[1];
  EXPECT_TRUE(changes[2].starts_with("-sip:alice@198.51.100.66:1")) << changes[2];
  // Killed right between the two: the next start knows the newer one alone, and has the other forgotten.
  flow.bed->changed.pop_back();
  flow.restart();
  ASSERT_EQ(flow.table().size(), 1u);
  EXPECT_EQ(flow.table()[0].contact, "sip:alice@198.51.100.66:2");
  ASSERT_EQ(told(*flow.bed).size(), 1u);
  EXPECT_TRUE(told(*flow.bed)[0].starts_with("-sip:alice@198.51.100.66:1")) << told(*flow.bed)[0];
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
