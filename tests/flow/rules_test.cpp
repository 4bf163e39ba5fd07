// SPDX-License-Identifier: MIT
// What every SIP peer of the gateway may count on: methods, classes, required extensions, transactions, routes, order
// of messages, delayed offers, and which module takes a call (R1.7 to R1.12, R1.19, R3.4, R3.6, R3.11, R3.12, R3.14,
// R4.6, R4.14, R4.15, row E9, trap 17).
#include <gtest/gtest.h>

#include "tests/support/auto_agent.hpp"
#include "tests/support/phone.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Raw {
  std::string method = "INVITE";
  std::string uri = "sip:2000@192.0.2.1";
  std::string via_host = kA.text();
  std::string branch;
  std::string call_id = "raw";
  std::string lines;
  int forwards = 70;

  std::string text() const {
    return method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + via_host + ";branch=" + branch +
           ";rport\r\nMax-Forwards: " + std::to_string(forwards) + "\r\nFrom: <sip:1000@192.0.2.10>;tag=raw\r\nTo: <" +
           uri + ">\r\nCall-ID: " + call_id + "\r\nCSeq: 1 " + method + "\r\nContact: <sip:1000@" + kA.text() +
           ">\r\n" + lines + "Content-Length: 0\r\n\r\n";
  }
};

struct Rules : Flow {
  std::string say(Raw raw) {
    a.forget();
    if (raw.branch.empty()) raw.branch = a.new_branch();
    a.send(raw.text());
    run();
    return a.log();
  }
};

TEST(Methods, R3_4SupportedOnesActAndOthersSayWhatIsAllowed) {
  Rules flow;
  for (const char* method : {"INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH"}) {
    EXPECT_EQ(flow.say({.method = method}), std::string("405 ") + method);
    const auto allow = flow.a.heard.back().message.header(sip::Header::allow);
    ASSERT_TRUE(allow) << method;
    for (const char* known : {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "REGISTER"})
      EXPECT_NE(allow->find(known), std::string_view::npos);
  }
  for (const char* method : {"FOO", "invite", "Bye"})
    EXPECT_EQ(flow.say({.method = method}), std::string("501 ") + method) << "names have their case (7.1)";
  for (const char* method : {"BYE", "PRACK", "UPDATE"})
    EXPECT_EQ(flow.say({.method = method}), std::string("481 ") + method);
  EXPECT_EQ(flow.say({.method = "OPTIONS", .uri = "sip:192.0.2.1"}), "200 OPTIONS");
  EXPECT_EQ(flow.say({.method = "REGISTER", .uri = "sip:192.0.2.1"}), "401 REGISTER") << "a trunk is no account";
  EXPECT_EQ(flow.b.log(), "");
  EXPECT_TRUE(flow.bed.is_empty());
}

TEST(Methods, R3_4WithinADialog) {
  Flow flow;
  flow.establish();
  for (const char* method : {"INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE"}) {
    flow.a.request(method);
    flow.run();
    EXPECT_EQ(flow.a.heard.back().line, std::string("405 ") + method);
    EXPECT_TRUE(flow.a.heard.back().message.has(sip::Header::allow));
  }
  flow.a.request("FOO");
  flow.run();
  EXPECT_EQ(flow.a.heard.back().line, "501 FOO");
  flow.a.request("PRACK");
  flow.run();
  EXPECT_EQ(flow.a.heard.back().line, "481 PRACK") << "P5";
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  EXPECT_EQ(flow.b.log(), "");
}

TEST(Responses, R3_6TheClassDrivesTheMachine) {
  Flow flow;
  flow.call();
  flow.b.reply("INVITE", 189);
  flow.run();
  EXPECT_EQ(flow.bed.last().state, CallState::ringing);
  flow.b.reply("INVITE", 299, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  EXPECT_TRUE(flow.a.has("200 INVITE"));

  Flow second;
  second.call();
  second.b.reply("INVITE", 499);
  second.run();
  EXPECT_EQ(second.b.log(), "INVITE, ACK");
  EXPECT_EQ(second.bed.last().code, 499);
}

// The phrase may be empty (7.2), and still somebody has answered.
TEST(Responses, R3_6ThePhraseChangesNothing) {
  for (const int status : {408, 486, 503}) {
    const std::string ours(sip::reason_phrase(status));
    for (const std::string& said : {std::string(), std::string("OK"), ours}) {
      Flow flow;
      flow.call();
      flow.b.phrase = said;
      flow.b.reply("INVITE", status);
      flow.run();
      EXPECT_EQ(flow.b.log(), "INVITE, ACK") << status << said;
      EXPECT_EQ(flow.bed.last().reason, DropReason::rejected) << status << said;
      EXPECT_EQ(flow.bed.last().code, status);
      EXPECT_EQ(flow.bed.last().text, said.empty() ? ours : said);
      const std::string to_a = std::to_string(status == 503 ? 500 : status) + " INVITE";
      EXPECT_EQ(flow.a.log(), "100 INVITE, " + to_a);
      flow.a.ack_failure(to_a);
      flow.run();
      expect_rest(flow);
    }
  }
}

// Nobody has answered: unavailable, whatever we call the status.
TEST(Responses, R3_6SilenceIsNoAnswer) {
  Flow flow;
  flow.call();
  flow.run(seconds(33));
  EXPECT_EQ(flow.bed.last().reason, DropReason::unavailable);
  EXPECT_EQ(flow.bed.last().code, 408);
  flow.a.ack_failure("408 INVITE");
  flow.run();
  expect_rest(flow);
}

// R4.9: refused before there is a call: nobody is asked, nobody is called, no media leg is opened.
TEST(Offers, R4_9WithoutACommonCodecThereIsA488AndNoOtherLeg) {
  for (const char* to : {"2000", "alice", "echo"}) {
    for (const std::string& offer :
         {phone_sdp(4000, "96", 1, "a=rtpmap:96 speex/8000\r\n"),
          phone_sdp(4000, "101", 1, "a=rtpmap:101 telephone-event/8000\r\n"), phone_sdp(0)}) {
      Flow flow;
      flow.bed.sign_in("alice");
      flow.a.invite(to, offer);
      flow.run(seconds(1));
      EXPECT_EQ(flow.a.log(), "488 INVITE") << to << offer;
      EXPECT_EQ(flow.b.log(), "");
      EXPECT_TRUE(flow.bed.asked.empty()) << "no question to the web server";
      EXPECT_EQ(flow.bed.states() + flow.bed.client_states(), "");
      EXPECT_TRUE(flow.bed.media.orders().empty());
      ASSERT_EQ(flow.bed.refused.size(), 1u);
      EXPECT_EQ(flow.bed.refused[0].status, 488);
      flow.a.ack_failure("488 INVITE");
      flow.run();
      EXPECT_TRUE(flow.bed.is_empty()) << "stateless";
      expect_rest(flow);
    }
  }
}

// Tags that are missing are tagless_test.cpp's.
TEST(Requests, R3_11ForwardsRequireAndAMergedRequest) {
  Rules flow;
  EXPECT_EQ(flow.say({.forwards = 0}), "483 INVITE");
  EXPECT_EQ(flow.say({.lines = "Require: 100rel, timer, x-unknown\r\n"}), "420 INVITE");
  const sip::Message& refused = flow.a.last("420 INVITE");
  std::string unsupported;
  for (const auto value : refused.values(sip::Header::unsupported)) unsupported += std::string(value) + ";";
  EXPECT_NE(unsupported.find("x-unknown"), std::string::npos);
  EXPECT_NE(unsupported.find("100rel"), std::string::npos);
  EXPECT_EQ(unsupported.find("timer"), std::string::npos);
  EXPECT_EQ(flow.b.log(), "");

  EXPECT_EQ(flow.say({.call_id = "merged", .forwards = 1}), "100 INVITE");
  EXPECT_EQ(flow.b.last("INVITE").max_forwards(), 0);
  EXPECT_EQ(flow.say({.call_id = "merged"}), "482 INVITE") << "the same request over another way (8.2.2.2)";
  EXPECT_EQ(flow.b.count("INVITE"), 1u);
}

TEST(Requests, R3_12TheSameBranchOfAnotherSenderIsAnotherTransaction) {
  Rules flow;
  EXPECT_EQ(flow.say({.branch = "z9hG4bK-same", .call_id = "one"}), "100 INVITE");
  EXPECT_EQ(flow.say({.branch = "z9hG4bK-same", .call_id = "one"}), "100 INVITE") << "a repeat";
  EXPECT_EQ(flow.b.count("INVITE"), 1u);
  EXPECT_EQ(flow.say({.via_host = "other.example", .branch = "z9hG4bK-same", .call_id = "two"}), "100 INVITE");
  EXPECT_EQ(flow.b.count("INVITE"), 2u);
}

// ---- routes

const SocketAddress kProxy{IpAddress::v4(192, 0, 2, 30), 5060};

TEST(Routes, R3_14WithoutRecordRouteAckAndByeGoStraightToTheContact) {
  Flow flow;
  SipPeer phone(flow.world, "2000", {IpAddress::v4(192, 0, 2, 40), 5060}, kGateway);
  flow.call();
  flow.b.contact = "sip:2000@192.0.2.40";
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(phone.log(), "ACK");
  EXPECT_EQ(phone.last("ACK").request_uri(), "sip:2000@192.0.2.40");
  EXPECT_FALSE(phone.last("ACK").has(sip::Header::route));
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(phone.log(), "ACK, BYE");
  EXPECT_EQ(flow.b.log(), "INVITE");
}

TEST(Routes, R3_14WithRecordRouteOfTheCalleeTheyGoAlongTheRouteSet) {
  Flow flow;
  SipPeer proxy(flow.world, "proxy", kProxy, kGateway);
  flow.call();
  flow.b.contact = "sip:2000@10.0.0.9";
  flow.b.reply("INVITE", 200, phone_sdp(5000),
               "Record-Route: <sip:far.example;lr>\r\nRecord-Route: <sip:192.0.2.30;lr;x=1>\r\n");
  flow.run();
  ASSERT_EQ(proxy.log(), "ACK");
  flow.a.ack();
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  flow.a.request("BYE");
  flow.run();
  ASSERT_EQ(proxy.log(), "ACK, INVITE, BYE");
  for (const auto& heard : proxy.heard) {
    EXPECT_EQ(heard.message.request_uri(), "sip:2000@10.0.0.9");
    std::string routes;
    for (const auto route : heard.message.elements(sip::Header::route)) routes += std::string(route);
    EXPECT_EQ(routes, "<sip:192.0.2.30;lr;x=1><sip:far.example;lr>") << "in reverse (12.1.2)";
  }
  EXPECT_EQ(flow.b.log(), "INVITE");
}

TEST(Routes, R3_14WithRecordRouteOfTheCallerInItsOrder) {
  Flow flow;
  SipPeer proxy(flow.world, "proxy", kProxy, kGateway);
  flow.a.contact = "sip:1000@10.0.0.8";
  flow.a.invite("2000", phone_sdp(4000), "Record-Route: <sip:192.0.2.30;lr>\r\nRecord-Route: <sip:far.example;lr>\r\n");
  flow.run();
  EXPECT_FALSE(flow.b.last("INVITE").has(sip::Header::record_route)) << "a leg of its own";
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  std::string recorded;
  for (const auto one : flow.a.last("200 INVITE").elements(sip::Header::record_route)) recorded += std::string(one);
  EXPECT_EQ(recorded, "<sip:192.0.2.30;lr><sip:far.example;lr>") << "copied into the answer (12.1.1)";
  flow.a.ack();
  flow.b.request("BYE");
  flow.run();
  ASSERT_EQ(proxy.log(), "BYE");
  EXPECT_EQ(proxy.last("BYE").request_uri(), "sip:1000@10.0.0.8");
  std::string routes;
  for (const auto route : proxy.last("BYE").elements(sip::Header::route)) routes += std::string(route);
  EXPECT_EQ(routes, "<sip:192.0.2.30;lr><sip:far.example;lr>");
}

TEST(Routes, R3_14AStrictRouterGetsTheRequestInItsName) {
  Flow flow;
  SipPeer proxy(flow.world, "proxy", kProxy, kGateway);
  flow.call();
  flow.b.contact = "sip:2000@10.0.0.9";
  flow.b.reply("INVITE", 200, phone_sdp(5000), "Record-Route: <sip:192.0.2.30>\r\n");
  flow.run();
  ASSERT_EQ(proxy.log(), "ACK");
  EXPECT_EQ(proxy.last("ACK").request_uri(), "sip:192.0.2.30");
  EXPECT_EQ(proxy.last("ACK").header(sip::Header::route), "<sip:2000@10.0.0.9>");
}

// ---- the order of a call

TEST(Order, R1_19TheAckOfA2xxIsARequestOfItsOwn) {
  Flow flow;
  flow.ring();
  const auto& ringing = flow.a.last("180 INVITE");
  EXPECT_NE(ringing.to_tag(), "");
  ASSERT_TRUE(ringing.contact());
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  const auto& invite = flow.b.last("INVITE");
  const auto& ack = flow.b.last("ACK");
  EXPECT_NE(ack.branch(), invite.branch());
  EXPECT_EQ(ack.cseq().number, invite.cseq().number);
  EXPECT_EQ(ack.cseq().method, sip::Method::ack);
  EXPECT_EQ(ack.request_uri(), "sip:2000@192.0.2.20:5060");
  EXPECT_EQ(ack.from_tag(), invite.from_tag());
  EXPECT_EQ(ack.to_tag(), "tag-of-b");
  EXPECT_EQ(ack.call_id(), invite.call_id());
  EXPECT_NE(invite.call_id(), flow.a.call.call_id) << "X11: legs of their own";
  EXPECT_EQ(flow.a.last("200 INVITE").to_tag(), ringing.to_tag());
  EXPECT_NE(flow.a.last("200 INVITE").contact()->uri.find("192.0.2.1"), std::string_view::npos) << "R1.16";
}

TEST(Order, R4_6A180GoesToAWhenBHasRung) {
  Flow flow;
  flow.call();
  flow.run(seconds(3));
  EXPECT_EQ(flow.a.log(), "100 INVITE");
  flow.b.reply("INVITE", 100);
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE");
  flow.b.reply("INVITE", 180);
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE");
}

TEST(Order, R4_14TheAckDoesNotWaitForA) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run(milliseconds(2));
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  flow.run(seconds(3));
  EXPECT_EQ(flow.b.count("ACK"), 1u) << "though A's ACK never comes";
  EXPECT_GT(flow.a.count("200 INVITE"), 1u);
}

TEST(Order, R1_21ByeFromEitherSideHasItsOwnSequence) {
  Flow flow;
  flow.establish();
  flow.b.call.cseq = 7000;
  flow.b.request("BYE");
  flow.run();
  const auto& done = flow.b.last("200 BYE");
  EXPECT_EQ(done.cseq().number, 7001u);
  EXPECT_EQ(done.from_tag(), "tag-of-b");
  const auto& bye = flow.a.last("BYE");
  EXPECT_EQ(bye.to_tag(), "tag-of-a");
  EXPECT_EQ(bye.from_tag(), flow.a.call.remote_tag);
  flow.a.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

// ---- delayed offers (E9)

TEST(RowE, E9ADelayedOfferIsMadeHereOnBothSides) {
  Flow flow;
  flow.a.invite("2000");
  flow.run();
  ASSERT_TRUE(flow.b.has("INVITE"));
  EXPECT_NE(flow.b.last("INVITE").body().find("m=audio"), std::string_view::npos);
  flow.b.reply("INVITE", 180);
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK") << "at once";
  ASSERT_TRUE(flow.a.has("200 INVITE"));
  EXPECT_NE(flow.a.last("200 INVITE").body().find("m=audio"), std::string_view::npos);
  const auto legs = flow.bed.media.legs();
  EXPECT_FALSE(flow.bed.media.flows(legs[1], legs[0])) << "A has not answered yet";
  flow.a.ack(phone_sdp(4000));
  flow.run();
  EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[1]));
  EXPECT_TRUE(flow.bed.media.flows(legs[1], legs[0]));
  EXPECT_EQ(flow.bed.media.find(legs[0])->rtp->remote.port, 4000);
  flow.a.request("BYE");
  flow.run();
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowE, E9AnAckWithoutAUsableAnswerEndsTheCall) {
  for (const std::string& answer : {std::string(), std::string("v=0\r\n"), phone_sdp(4000, "98")}) {
    Flow flow;
    flow.a.invite("2000");
    flow.run();
    flow.b.reply("INVITE", 200, phone_sdp(5000));
    flow.run();
    flow.a.ack(answer);
    flow.run();
    EXPECT_TRUE(flow.a.has("BYE")) << answer;
    EXPECT_TRUE(flow.b.has("BYE"));
    EXPECT_EQ(flow.bed.last().reason, DropReason::media_failed);
    flow.a.reply("BYE", 200);
    flow.b.reply("BYE", 200);
    flow.run();
    expect_rest(flow);
  }
}

TEST(RowE, E9NoAckAtAll) {
  Flow flow;
  flow.a.invite("2000");
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run(seconds(33));
  EXPECT_TRUE(flow.a.has("BYE"));
  EXPECT_TRUE(flow.b.has("BYE"));
  flow.a.reply("BYE", 200);
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowE, E9ADelayedOfferToAClientAndToEcho) {
  for (const char* to : {"alice", "echo"}) {
    Flow flow;
    const ClientId w = flow.bed.sign_in("alice");
    flow.a.invite(to);
    flow.run();
    if (std::string_view(to) == "alice") flow.bed.command(AcceptCall{1, w, flow.bed.last().id, browser_sdp()});
    flow.run();
    ASSERT_TRUE(flow.a.has("200 INVITE")) << to << ": " << flow.a.log();
    flow.a.ack(phone_sdp(4000));
    flow.run();
    const auto legs = flow.bed.media.legs();
    EXPECT_TRUE(flow.bed.media.flows(legs.front(), legs.back())) << to;
    EXPECT_TRUE(flow.bed.media.flows(legs.back(), legs.front())) << to;
    flow.a.request("BYE");
    flow.run();
    expect_rest(flow);
  }
}

TEST(RowE, E9Trap17AReinviteWithoutAnOfferGetsAFullOne) {
  for (const bool from_a : {true, false}) {
    Flow flow;
    flow.establish();
    SipPeer& side = from_a ? flow.a : flow.b;
    SipPeer& far = from_a ? flow.b : flow.a;
    side.reinvite();
    flow.run();
    ASSERT_TRUE(side.has("200 INVITE")) << side.log();
    EXPECT_NE(side.last("200 INVITE").body().find("m=audio"), std::string_view::npos);
    EXPECT_EQ(far.log(), "");
    side.ack(phone_sdp(4444));
    flow.run();
    const auto legs = flow.bed.media.legs();
    EXPECT_EQ(flow.bed.media.find(legs[from_a ? 0 : 1])->rtp->remote.port, 4444);
    EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[1]));
    EXPECT_TRUE(flow.bed.media.flows(legs[1], legs[0]));
    EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
    flow.a.request("BYE");
    flow.run();
    flow.b.reply("BYE", 200);
    flow.run();
    expect_rest(flow);
  }
}

// ---- who takes a call

TEST(Modules, R1_7R1_8WhoTakesACall) {
  struct Row {
    const char* from;
    const char* to;
    const char* module;  // nullptr: nobody
  };
  constexpr Row kTable[] = {
      {"1000", "2000", "right"},   {"1000", "1500", "left"},     {"1000", "echo", "echo"},
      {"1000", "alice", "client"}, {"1000", "bob", "registrar"}, {"1000", "3000", nullptr},
      {"2000", "1999", "left"},    {"2000", "2999", "right"},    {"2000", "echo", "echo"},
      {"2000", "alice", "client"}, {"2000", "bob", "registrar"}, {"2000", "20000", nullptr},
  };
  for (const Row& row : kTable) {
    Flow flow;
    flow.bed.sign_in("alice");
    Phone alice(flow.world, "alice", kStranger);  // registered as well: the heavier module wins
    Phone bob(flow.world, "bob", {IpAddress::v4(203, 0, 113, 9), 6060});
    ASSERT_EQ(alice.enroll(), "200 REGISTER");
    ASSERT_EQ(bob.enroll(), "200 REGISTER");
    SipPeer& caller = row.from[0] == '1' ? flow.a : flow.b;
    caller.invite(row.to, phone_sdp(4000));
    flow.run();
    if (row.module == nullptr) {
      EXPECT_EQ(caller.log(), "404 INVITE") << row.to;
      EXPECT_TRUE(flow.bed.server.empty());
      continue;
    }
    ASSERT_FALSE(flow.bed.server.empty()) << row.to << ": " << caller.log();
    EXPECT_EQ(flow.bed.last().module, row.module) << row.from << " calls " << row.to;
    EXPECT_FALSE(alice.has("INVITE"));
    EXPECT_EQ(bob.has("INVITE"), std::string_view(row.to) == "bob");
  }
}

TEST(Modules, R1_8OfTwoTrunksTheHeavierOneIsCalled) {
  for (const int weight : {40, 90}) {
    Settings settings = bed_settings();
    settings.trunks[0].numbers = {"*"};
    settings.trunks[0].weight = weight;
    Flow flow(settings);
    SipPeer& expected = weight == 90 ? flow.a : flow.b;
    Phone phone(flow.world, "alice", kStranger);
    phone.place("2000", phone_sdp(4000));
    EXPECT_EQ(expected.count("INVITE"), 1u);
  }
}

TEST(Modules, R1_12TheRouteTableRewritesWhoCallsWhom) {
  Settings settings = bed_settings();
  settings.routes = {{"*", "2005", "2005", "1001"}, {"*", "221", "221", "2231"}};
  Flow flow(settings);
  flow.b.invite("2005", phone_sdp(4000));
  flow.run();
  ASSERT_TRUE(flow.a.has("INVITE"));
  EXPECT_EQ(flow.a.last("INVITE").from().uri, "sip:2005@192.0.2.1");
  EXPECT_EQ(flow.a.last("INVITE").request_uri(), "sip:1001@192.0.2.10");
  flow.a.invite("221", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(flow.b.last("INVITE").from().uri, "sip:221@192.0.2.1");
  EXPECT_EQ(flow.b.last("INVITE").request_uri(), "sip:2231@192.0.2.20");
}

TEST(Modules, R1_3NothingIsCalledByItself) {
  Flow flow;
  flow.run(seconds(3600));
  EXPECT_EQ(flow.a.log() + flow.b.log(), "");
  EXPECT_TRUE(flow.bed.is_empty());
}

// ---- many at once

TEST(Many, HundredCallsAtOnce) {
  World world(3);
  CallBed bed(world);
  AutoAgent a(world, "1000", kA, kGateway, 1);
  AutoAgent b(world, "2000", kB, kGateway, 2);
  b.on_call = [&](size_t leg) {
    world.later(milliseconds(5), [&b, leg] { b.ring(leg); });
    world.later(milliseconds(20), [&b, leg] { b.answer(leg); });
  };
  constexpr size_t kCalls = 100;
  for (size_t i = 0; i < kCalls; ++i) a.call("2000");
  world.run_for(seconds(1));
  EXPECT_EQ(bed.exchange.census()[Census::calls], kCalls);
  EXPECT_EQ(bed.media.legs().size(), 2 * kCalls);
  for (const AutoAgent* agent : {&a, &b}) {
    ASSERT_EQ(agent->legs.size(), kCalls);
    for (const auto& leg : agent->legs) EXPECT_EQ(leg.phase, AutoAgent::Phase::up);
  }
  for (size_t i = 0; i < kCalls; ++i) (i % 2 == 0 ? a : b).hang_up(i);
  world.run_for(milliseconds(50));
  EXPECT_TRUE(bed.is_free());
  world.run_for(seconds(110));
  EXPECT_TRUE(bed.is_empty());
  EXPECT_EQ(a.machine.census(), Census{});
  EXPECT_EQ(b.machine.census(), Census{});
  EXPECT_EQ(bed.exchange.user_agent().forced_removals(), 0u);
}

}  // namespace
}  // namespace isthmus::test
