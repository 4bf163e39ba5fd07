// SPDX-License-Identifier: MIT
// Calls to a client and calls within the house (R0.21, R0.23, X7): a phone calls a browser, a browser calls a browser,
// anybody calls echo.
#include <gtest/gtest.h>

#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct IncomingCall : Flow {
  ClientId w;

  explicit IncomingCall(Settings settings = bed_settings(), bool decides = true) : Flow(std::move(settings)) {
    if (!decides) bed.decide = nullptr;
    w = bed.sign_in("alice", 1);
    a.invite("alice", phone_sdp(4000));
    run();
  }
  std::string id() const { return bed.server.front().id; }
  void rings() {
    bed.command(ClientRings{1, w, id()});
    run();
  }
  void accept() {
    bed.command(AcceptCall{2, w, id(), browser_sdp()});
    run();
  }
  void finish(const char* line) {
    a.ack_failure(line);
    run();
    expect_rest(*this);
  }
};

TEST(Incoming, R0_21TheClientAccepts) {
  IncomingCall flow;
  ASSERT_EQ(flow.bed.asked.size(), 1u);
  EXPECT_EQ(flow.bed.asked[0].kind, PolicyKind::incoming);
  EXPECT_EQ(flow.bed.asked[0].call.from, "1000");
  EXPECT_EQ(flow.bed.asked[0].call.to, "alice");
  EXPECT_EQ(flow.a.log(), "100 INVITE");
  ASSERT_EQ(flow.bed.client_states(), "calling") << "pending is nothing for the client";
  const CallFacts offered = flow.bed.client[0].call;
  EXPECT_EQ(offered.direction, CallDirection::incoming);
  EXPECT_NE(offered.sdp.find("UDP/TLS/RTP/SAVPF"), std::string::npos);
  flow.rings();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE");
  flow.accept();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 200 INVITE");
  EXPECT_EQ(flow.bed.client_states(), "calling, ringing, confirmed");
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed");
  flow.a.ack();
  flow.run();
  const auto legs = flow.bed.media.legs();
  ASSERT_EQ(legs.size(), 2u);
  EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[1]));
  EXPECT_TRUE(flow.bed.media.flows(legs[1], legs[0]));
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(flow.bed.client_states(), "calling, ringing, confirmed, dropped");
  EXPECT_TRUE(flow.a.has("200 BYE"));
  expect_rest(flow);
}

TEST(Incoming, R0_21TheClientHangsUpLater) {
  IncomingCall flow;
  flow.accept();
  EXPECT_EQ(flow.bed.states(), "pending, calling, confirmed");
  flow.a.ack();
  flow.run();
  flow.bed.command(DropCall{3, flow.w, flow.id()});
  flow.run();
  EXPECT_TRUE(flow.a.has("BYE"));
  flow.a.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.client_states(), "calling, confirmed") << "X8";
  expect_rest(flow);
}

TEST(Incoming, R0_21X7TheClientRejects) {
  for (const uint16_t code : {603, 486, 480}) {
    IncomingCall flow;
    flow.rings();
    flow.bed.command(RejectCall{2, flow.w, flow.id(), code});
    flow.run();
    const std::string line = std::to_string(code) + " INVITE";
    ASSERT_TRUE(flow.a.has(line)) << flow.a.log();
    EXPECT_EQ(flow.bed.last().code, code);
    EXPECT_EQ(flow.bed.last().reason, DropReason::rejected);
    flow.finish(line.c_str());
  }
}

TEST(Incoming, R0_21TheClientDoesNotPickUp) {
  for (const bool rings : {false, true}) {
    Settings settings = bed_settings();
    settings.ring_limit = seconds(20);
    IncomingCall flow(settings);
    if (rings) flow.rings();
    ASSERT_TRUE(flow.world.run_until([&] { return flow.a.has("480 INVITE"); }, seconds(21)));
    EXPECT_EQ(flow.bed.last().reason, DropReason::invite_timeout);
    EXPECT_EQ(flow.bed.client.back().call.state, CallState::dropped);
    flow.finish("480 INVITE");
  }
}

TEST(Incoming, R0_21TheClientIsNotThere) {
  {
    Flow flow;
    flow.a.invite("alice", phone_sdp(4000));
    flow.run();
    EXPECT_EQ(flow.a.log(), "480 INVITE") << "known, but offline";
    EXPECT_TRUE(flow.bed.is_empty());
  }
  Flow flow;  // its socket is lost: within the grace it keeps its calls but gets no new ones
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(ClientLost{w});
  flow.a.invite("alice", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(flow.a.log(), "480 INVITE");
  flow.bed.command(ClientBack{w});
  flow.a.invite("alice", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(flow.bed.client_states(), "calling");
}

TEST(Incoming, R0_21TheWebServerDropsTheCall) {
  IncomingCall flow(bed_settings(), false);
  EXPECT_EQ(flow.bed.states(), "pending");
  flow.bed.command(DropCall{9, {}, flow.id()});
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 403 INVITE");
  EXPECT_EQ(flow.bed.client_states(), "") << "the client never heard of it";
  EXPECT_EQ(flow.bed.last().reason, DropReason::commanded);
  flow.finish("403 INVITE");
}

// What ends between the web server's word and `calling` is nothing for the client that would have been called: it has
// heard of no call that could be dropped.
TEST(Incoming, R0_21ACallThatEndsBeforeCallingIsNeverToldToTheCallee) {
  for (const bool gives_up : {false, true}) {
    Flow flow;
    flow.bed.media.script().ready_after = milliseconds(500);
    if (!gives_up) flow.bed.media.script().open_fails = media::LegFault::no_ports;
    flow.bed.sign_in("alice");
    flow.a.invite("alice", phone_sdp(4000));
    flow.run();
    if (gives_up) flow.a.cancel();
    flow.run(seconds(1));
    EXPECT_EQ(flow.bed.states(), "pending, dropped");
    EXPECT_EQ(flow.bed.last().reason, gives_up ? DropReason::cancelled : DropReason::media_failed);
    EXPECT_EQ(flow.bed.client_states(), "");
    const char* answer = gives_up ? "487 INVITE" : "488 INVITE";
    EXPECT_TRUE(flow.a.has(answer));
    flow.a.ack_failure(answer);
    flow.run();
    expect_rest(flow);
  }
}

TEST(Incoming, R0_21TheWebServerRefuses) {
  IncomingCall flow(bed_settings(), false);
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::refuse, DropReason::refused, "no", {}, {}});
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 403 INVITE");
  flow.finish("403 INVITE");
}

TEST(Incoming, R0_21TheWebServerSwitchesToAnotherClient) {
  for (const bool by_command : {false, true}) {
    IncomingCall flow(bed_settings(), false);
    const ClientId bob = flow.bed.sign_in("bob", 2);
    if (by_command) {
      flow.bed.reply(flow.bed.asked[0], Policy{Policy::later, DropReason::none, {}, {}, {}});
      flow.bed.command(AllowCall{8, flow.id(), {}, {}});
      EXPECT_EQ(flow.bed.done.back().error, CommandError::wrong_direction) << "R0.23: allow is for outgoing calls";
      flow.bed.command(SwitchCall{9, flow.id(), "bob"});
    } else {
      flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, "bob"});
    }
    flow.run();
    EXPECT_EQ(flow.bed.client_states(bob), "calling");
    EXPECT_EQ(flow.bed.client_states(flow.w), "");
    EXPECT_EQ(flow.bed.last().client, "bob");
    flow.bed.command(AcceptCall{2, flow.w, flow.id(), browser_sdp()});
    EXPECT_EQ(flow.bed.done.back().error, CommandError::unknown_call) << "it is not alice's call";
    flow.bed.command(AcceptCall{3, bob, flow.id(), browser_sdp()});
    flow.run();
    ASSERT_TRUE(flow.a.has("200 INVITE"));
    flow.a.ack();
    flow.a.request("BYE");
    flow.run();
    expect_rest(flow);
  }
}

TEST(Incoming, R0_21ASwitchToSomebodyOfflineIs480) {
  IncomingCall flow(bed_settings(), false);
  flow.bed.command(SwitchCall{9, flow.id(), "bob"});
  EXPECT_EQ(flow.bed.done.back().error, CommandError::client_offline);
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 480 INVITE");
  flow.finish("480 INVITE");
}

TEST(Incoming, R0_21ASilentWebServerIs480) {
  IncomingCall flow(bed_settings(), false);
  ASSERT_TRUE(flow.world.run_until([&] { return flow.a.has("480 INVITE"); }, seconds(6)));
  EXPECT_EQ(flow.a.log(), "100 INVITE, 480 INVITE");
  EXPECT_EQ(flow.bed.last().reason, DropReason::web_server_timeout);
  flow.finish("480 INVITE");
}

TEST(Incoming, AnUnusableAnswerOfTheClientEndsTheCall) {
  std::string no_codec = browser_sdp();
  no_codec.replace(no_codec.find("111 9 0 8 110 126"), 17, "97");
  no_codec.erase(no_codec.find("a=rtpmap:111"));
  no_codec += "a=rtpmap:97 unheard/8000\r\n";
  for (const std::string& answer : {std::string("v=0\r\n"), no_codec}) {
    IncomingCall flow;
    flow.bed.command(AcceptCall{2, flow.w, flow.id(), answer});
    EXPECT_EQ(flow.bed.done.back().error, CommandError::unusable_sdp);
    flow.run();
    EXPECT_TRUE(flow.a.has("488 INVITE"));
    EXPECT_EQ(flow.bed.last().reason, DropReason::media_failed);
    flow.finish("488 INVITE");
  }
}

TEST(Incoming, R3_4TheCallerGivesUpWhileTheClientRings) {
  IncomingCall flow;
  flow.rings();
  flow.a.cancel();
  flow.run();
  EXPECT_EQ(flow.bed.client_states(), "calling, ringing, dropped");
  flow.bed.command(AcceptCall{2, flow.w, flow.id(), browser_sdp()});
  EXPECT_EQ(flow.bed.done.back().error, CommandError::unknown_call) << "too late";
  flow.finish("487 INVITE");
}

// ---- browser to browser

struct TwoBrowsers : Flow {
  ClientId alice = bed.sign_in("alice", 1);
  ClientId bob = bed.sign_in("bob", 2);
  TwoBrowsers() {
    bed.command(MakeCall{1, alice, {}, "bob", {}, browser_sdp(), "mine"});
    run();
  }
  std::string id() const { return bed.server.front().id; }
};

TEST(Browsers, ABrowserCallsABrowser) {
  TwoBrowsers flow;
  EXPECT_EQ(flow.bed.asked.size(), 1u);
  EXPECT_EQ(flow.bed.client_states(flow.alice), "pending, calling");
  EXPECT_EQ(flow.bed.client_states(flow.bob), "calling");
  for (const auto& told : flow.bed.client) {
    EXPECT_EQ(told.call.direction, told.client == flow.bob ? CallDirection::incoming : CallDirection::outgoing);
    EXPECT_EQ(told.call.reference, told.client == flow.bob ? "" : "mine");
  }
  flow.bed.command(ClientRings{2, flow.bob, flow.id()});
  flow.bed.command(AcceptCall{3, flow.bob, flow.id(), browser_sdp()});
  flow.run();
  EXPECT_EQ(flow.bed.client_states(flow.alice), "pending, calling, ringing, confirmed");
  EXPECT_EQ(flow.bed.client_states(flow.bob), "calling, ringing, confirmed");
  const auto legs = flow.bed.media.legs();
  ASSERT_EQ(legs.size(), 2u);
  EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[1]));
  EXPECT_TRUE(flow.bed.media.flows(legs[1], legs[0]));
  flow.bed.command(DropCall{4, flow.bob, flow.id()});
  flow.run();
  EXPECT_EQ(flow.bed.client_states(flow.alice), "pending, calling, ringing, confirmed, dropped");
  EXPECT_EQ(flow.bed.client_states(flow.bob), "calling, ringing, confirmed") << "X8";
  EXPECT_EQ(flow.a.log() + flow.b.log(), "") << "no SIP at all";
  expect_rest(flow);
}

TEST(Browsers, TheCallerHangsUpWhileItRingsAndTheCalleeIsTold) {
  TwoBrowsers flow;
  flow.bed.command(ClientRings{2, flow.bob, flow.id()});
  flow.bed.command(DropCall{3, flow.alice, flow.id()});
  flow.run();
  EXPECT_EQ(flow.bed.client_states(flow.bob), "calling, ringing, dropped");
  EXPECT_EQ(flow.bed.client_states(flow.alice), "pending, calling, ringing");
  expect_rest(flow);
}

TEST(Browsers, TheCalleeRejects) {
  TwoBrowsers flow;
  flow.bed.command(RejectCall{2, flow.bob, flow.id(), 603});
  flow.run();
  EXPECT_EQ(flow.bed.client_states(flow.alice), "pending, calling, dropped");
  EXPECT_EQ(flow.bed.client.back().call.code, 603);
  expect_rest(flow);
}

// ---- echo

TEST(EchoCall, APhoneHearsItself) {
  Flow flow;
  flow.a.invite("echo", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 200 INVITE");
  flow.a.ack();
  flow.run();
  const auto legs = flow.bed.media.legs();
  ASSERT_EQ(legs.size(), 1u);
  EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[0]));
  EXPECT_EQ(flow.bed.states(), "pending, calling, confirmed");
  EXPECT_EQ(flow.bed.last().module, "echo");
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  EXPECT_NE(flow.a.last("200 INVITE").body().find("a=recvonly"), std::string_view::npos);
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.a.has("200 BYE"));
  expect_rest(flow);
}

TEST(EchoCall, ABrowserHearsItself) {
  Flow flow;
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "echo", {}, browser_sdp(), {}});
  flow.run();
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, confirmed");
  EXPECT_EQ(flow.bed.asked[0].call.target, "echo");
  EXPECT_EQ(flow.bed.asked[0].call.module, "echo");
  const auto legs = flow.bed.media.legs();
  ASSERT_EQ(legs.size(), 1u);
  EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[0]));
  EXPECT_FALSE(flow.bed.client.back().call.sdp.empty());
  flow.bed.command(DropCall{2, w, flow.bed.last().id});
  flow.run();
  expect_rest(flow);
}

TEST(Incoming, AClientThatDialsItselfRingsAtItsOtherSessionOrNowhere) {
  Flow flow;
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "alice", {}, browser_sdp(), {}});
  flow.run();
  EXPECT_EQ(flow.bed.states(), "pending, dropped");
  EXPECT_EQ(flow.bed.last().reason, DropReason::unavailable);
  const ClientId other = flow.bed.sign_in("alice", 2);
  flow.bed.command(MakeCall{2, w, {}, "alice", {}, browser_sdp(), {}});
  flow.run();
  EXPECT_EQ(flow.bed.client_states(other), "calling");
}

}  // namespace
}  // namespace isthmus::test
