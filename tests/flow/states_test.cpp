// SPDX-License-Identifier: MIT
// A client's call in all its states (R0.1 to R0.3, R0.8 to R0.16, R0.19; X3, X8, X15; traps 10, 11 and 14): what the
// client, the web server and the callee see, and in which order.
#include <gtest/gtest.h>

#include <set>

#include "tests/flow/client_call.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A leg's ports are bound where its signalling is: also for a trunk that is called by an IPv6 address.
TEST(States, R0_19ATrunkOverIPv6GetsPortsOfThatFamily) {
  Settings settings = bed_settings();
  const SocketAddress v6{*IpAddress::parse("2001:db8::1"), 5060};
  settings.user_agent.endpoint.listeners.push_back({Protocol::udp, v6, "[2001:db8::1]", 5060});
  settings.trunks[1].host = "[2001:db8::2]";
  ClientCall call(settings);
  call.make("2000");
  std::vector<IpAddress> interfaces;
  for (const media::Order& order : call.bed.media.orders()) {
    if (const auto* open = std::get_if<media::OpenLeg>(&order)) interfaces.push_back(open->local);
  }
  ASSERT_EQ(interfaces.size(), 2u);
  EXPECT_EQ(interfaces[0], IpAddress{}) << "the browser's leg has no port of its own";
  EXPECT_EQ(interfaces[1], v6.ip);
}

TEST(States, R0_2TheFiveWords) {
  EXPECT_EQ(word(CallState::pending), "pending");
  EXPECT_EQ(word(CallState::calling), "calling");
  EXPECT_EQ(word(CallState::ringing), "ringing");
  EXPECT_EQ(word(CallState::confirmed), "confirmed");
  EXPECT_EQ(word(CallState::dropped), "dropped");
}

TEST(States, R0_3OnlyTheseEdges) {
  const std::vector<std::pair<std::optional<CallState>, CallState>> legal = {
      {std::nullopt, CallState::pending},         {CallState::pending, CallState::calling},
      {CallState::pending, CallState::dropped},   {CallState::calling, CallState::ringing},
      {CallState::calling, CallState::confirmed}, {CallState::calling, CallState::dropped},
      {CallState::ringing, CallState::confirmed}, {CallState::ringing, CallState::dropped},
      {CallState::confirmed, CallState::dropped},
  };
  constexpr CallState kAll[] = {CallState::pending, CallState::calling, CallState::ringing, CallState::confirmed,
                                CallState::dropped};
  std::vector<std::optional<CallState>> begins(std::begin(kAll), std::end(kAll));
  begins.emplace_back(std::nullopt);
  for (const auto& from : begins) {
    for (const CallState to : kAll) {
      const bool is_legal = std::find(legal.begin(), legal.end(), std::pair{from, to}) != legal.end();
      EXPECT_EQ(is_edge(from, to), is_legal);
    }
  }
}

TEST(States, R0_8BothAreToldInTheSameInstant) {
  ClientCall flow;
  flow.make();
  flow.b.reply("INVITE", 180);
  flow.world.run_until([&] { return flow.bed.last().state == CallState::ringing; });
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, ringing") << "in the pass that told the web server";
  EXPECT_EQ(flow.bed.client.back().call.changed, flow.bed.last().changed);
  EXPECT_EQ(flow.bed.client.back().call.sequence, flow.bed.last().sequence);
  flow.answer();
  flow.finish();
}

TEST(States, R0_10RingingIsToldOnceHoweverOftenItRings) {
  ClientCall flow;
  flow.make();
  EXPECT_EQ(flow.bed.client_states(), "pending, calling") << "X3: when the INVITE is sent";
  flow.b.reply("INVITE", 100);
  flow.run();
  EXPECT_EQ(flow.bed.client_states(), "pending, calling");
  for (const int status : {180, 181, 182, 183, 189, 180}) flow.b.reply("INVITE", status);
  flow.run();
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, ringing");
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing");
  EXPECT_FALSE(flow.bed.last().early_media);
  flow.answer();
  flow.finish();
}

TEST(States, R0_11AnAnswerWithoutRingingMakesNoRinging) {
  ClientCall flow;
  flow.make();
  flow.answer();
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, confirmed");
  EXPECT_EQ(flow.bed.states(), "pending, calling, confirmed");
  EXPECT_FALSE(flow.bed.last().sdp.empty()) << "R0.12: confirmed carries the SDP to H, too";
  flow.finish();
}

TEST(States, R0_12EarlyMediaIsHeardAndTheClientsVoiceIsHeldBack) {
  ClientCall flow;
  flow.make();
  flow.b.reply("INVITE", 183, phone_sdp(5000));
  flow.run();
  ASSERT_EQ(flow.bed.client_states(), "pending, calling, ringing");
  const CallFacts ringing = flow.bed.client.back().call;
  EXPECT_TRUE(ringing.early_media);
  EXPECT_TRUE(flow.bed.media.find(flow.leg_of_w())->connected) << "ICE and DTLS start before pick-up";
  EXPECT_TRUE(flow.bed.media.flows(flow.leg_of_b(), flow.leg_of_w()));
  EXPECT_FALSE(flow.bed.media.flows(flow.leg_of_w(), flow.leg_of_b())) << "held back until confirmed";
  flow.answer();
  EXPECT_EQ(flow.bed.client.back().call.sdp, ringing.sdp) << "byte-identical in both";
  EXPECT_NE(ringing.sdp.find("a=fingerprint:"), std::string::npos);
  EXPECT_TRUE(flow.bed.media.flows(flow.leg_of_w(), flow.leg_of_b()));
  EXPECT_TRUE(flow.bed.media.flows(flow.leg_of_b(), flow.leg_of_w()));
  flow.finish();
}

TEST(States, R0_12ADtlsAssociationIsUpBeforePickUpEvenWithoutEarlyMedia) {
  ClientCall flow;
  flow.make();
  flow.b.reply("INVITE", 180);
  flow.run();
  EXPECT_TRUE(flow.bed.media.find(flow.leg_of_w())->connected);
  EXPECT_FALSE(flow.bed.media.flows(flow.leg_of_w(), flow.leg_of_b()));
  EXPECT_FALSE(flow.bed.media.flows(flow.leg_of_b(), flow.leg_of_w()));
  flow.answer();
  flow.finish();
}

TEST(States, Trap10TheCalleesLegIsOpenBeforeItIsCalled) {
  ClientCall flow;
  bool ready = false;
  flow.world.tap = [&](const Datagram& datagram) {
    if (!datagram.bytes.starts_with("INVITE")) return;
    const auto legs = flow.bed.media.legs();
    ready = legs.size() == 2 && flow.bed.media.find(legs[1])->ready;
  };
  flow.bed.media.script().ready_after = milliseconds(200);
  flow.make();
  EXPECT_EQ(flow.b.log(), "") << "the ports are not known yet";
  flow.run(milliseconds(300));
  EXPECT_TRUE(ready) << "the first packet may come before the 200";
  flow.answer();
  flow.finish();
}

TEST(States, Trap11ADifferentSdpInThe200ReTargetsTheRelayAndTheClientKeepsItsAnswer) {
  ClientCall flow;
  flow.make();
  flow.b.reply("INVITE", 183, phone_sdp(5000));
  flow.run();
  const std::string first = flow.bed.client.back().call.sdp;
  EXPECT_EQ(flow.bed.media.find(flow.leg_of_b())->rtp->remote.port, 5000);
  flow.b.reply("INVITE", 200, phone_sdp(5100));
  flow.run();
  EXPECT_EQ(flow.bed.media.find(flow.leg_of_b())->rtp->remote.port, 5100);
  EXPECT_EQ(flow.bed.client.back().call.sdp, first);
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, ringing, confirmed");
  flow.finish();
}

TEST(States, Trap11A200WithoutSdpTakesThatOfThe183) {
  ClientCall flow;
  flow.make();
  flow.b.reply("INVITE", 183, phone_sdp(5000));
  flow.run();
  flow.b.reply("INVITE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  EXPECT_TRUE(flow.bed.media.flows(flow.leg_of_w(), flow.leg_of_b()));
  flow.finish();
}

struct Mapping {
  int from_b;
  int to_a;
};
constexpr Mapping kMappings[] = {{486, 486}, {404, 404}, {480, 480}, {503, 500}, {603, 603}, {410, 410}, {484, 484},
                                 {488, 488}, {600, 600}, {604, 604}, {606, 606}, {408, 408}, {487, 480}, {482, 500},
                                 {483, 500}, {401, 500}, {407, 500}, {420, 500}, {421, 500}, {423, 500}, {481, 500},
                                 {491, 500}, {494, 500}, {500, 500}, {504, 500}, {302, 480}, {499, 500}, {699, 500}};

TEST(States, R0_13X15TheClientHearsTheTrueCode) {
  for (const bool rings : {false, true}) {
    for (const Mapping& row : kMappings) {
      ClientCall flow;
      flow.make();
      if (rings) flow.b.reply("INVITE", 180);
      flow.run();
      flow.b.reply("INVITE", row.from_b);
      flow.run();
      EXPECT_EQ(flow.b.log(), "INVITE, ACK") << row.from_b;
      EXPECT_EQ(flow.bed.last().state, CallState::dropped);
      EXPECT_EQ(flow.bed.last().code, row.from_b);
      EXPECT_EQ(flow.bed.client.back().call.code, row.from_b);
      EXPECT_EQ(flow.bed.client.back().call.state, CallState::dropped);
      expect_rest(flow);
    }
  }
}

TEST(States, R0_13X15ASipCallerHearsWhatConcernsIt) {
  for (const Mapping& row : kMappings) {
    Flow flow;
    flow.ring();
    flow.b.reply("INVITE", row.from_b);
    flow.run();
    const std::string line = std::to_string(row.to_a) + " INVITE";
    ASSERT_TRUE(flow.a.has(line)) << row.from_b << ": " << flow.a.log();
    EXPECT_EQ(flow.bed.last().code, row.from_b);
    const auto reason = flow.a.last(line).header(sip::Header::reason);
    EXPECT_EQ(reason.has_value(), row.from_b == 503);
    if (reason) EXPECT_NE(reason->find("cause=503"), std::string_view::npos);
    flow.a.ack_failure(line);
    flow.run();
    expect_rest(flow);
  }
}

TEST(States, X15ACalleeThatDoesNotAnswerAtAllIs408AndNoPortIs500) {
  Flow flow;
  flow.call();
  flow.run(seconds(33));
  ASSERT_TRUE(flow.a.has("408 INVITE")) << flow.a.log();
  flow.a.ack_failure("408 INVITE");
  flow.run();
  EXPECT_EQ(flow.bed.last().reason, DropReason::unavailable);
  expect_rest(flow);
}

TEST(States, R0_14TheCalleesByeIsAnsweredAtOnceAndBothAreTold) {
  ClientCall flow;
  flow.bed.decide = nullptr;  // the web server hangs from now on
  flow.make();
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
  flow.run();
  flow.answer();
  flow.b.request("BYE");
  flow.run(milliseconds(2));
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, 200 BYE");
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, confirmed, dropped");
  EXPECT_EQ(flow.bed.states(), "pending, calling, confirmed, dropped");
  EXPECT_EQ(flow.bed.last().reason, DropReason::hung_up);
  expect_rest(flow);
}

TEST(States, R0_15TheClientHangsUpAndWaitsForNobody) {
  ClientCall flow;
  flow.make();
  flow.answer();
  flow.drop();
  EXPECT_EQ(flow.bed.done.back().token, 2u);
  EXPECT_EQ(flow.bed.done.back().error, CommandError::none) << "before B has answered the BYE";
  EXPECT_TRUE(flow.bed.is_free());
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  flow.b.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.states(), "pending, calling, confirmed, dropped") << "H is told once";
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, confirmed") << "X8: no second event for the client";
  flow.drop();
  EXPECT_EQ(flow.bed.done.back().error, CommandError::unknown_call);
  expect_rest(flow);
}

TEST(States, R0_16TheClientHangsUpBeforeItIsAnswered) {
  for (const CallState state : {CallState::pending, CallState::calling, CallState::ringing}) {
    ClientCall flow;
    if (state == CallState::pending) flow.bed.decide = nullptr;
    flow.make();
    if (state != CallState::pending) flow.b.reply("INVITE", state == CallState::ringing ? 180 : 100);
    flow.run();
    EXPECT_EQ(flow.bed.last().state, state);
    flow.bed.done.clear();
    flow.drop();
    ASSERT_FALSE(flow.bed.done.empty());
    EXPECT_EQ(flow.bed.done[0].token, 2u);
    EXPECT_EQ(flow.bed.done[0].error, CommandError::none);
    // Undecided, make_call has not been answered yet.
    ASSERT_EQ(flow.bed.done.size(), state == CallState::pending ? 2u : 1u);
    if (state == CallState::pending) EXPECT_EQ(flow.bed.done[1].error, CommandError::refused);
    EXPECT_EQ(flow.bed.last().state, CallState::dropped);
    EXPECT_EQ(flow.bed.last().reason, DropReason::cancelled);
    EXPECT_TRUE(flow.bed.is_free());
    flow.run(seconds(1));
    if (state == CallState::pending) {
      EXPECT_EQ(flow.datagrams, 0u) << "no INVITE";
    } else {
      ASSERT_TRUE(flow.b.has("CANCEL"));
      flow.b.reply("CANCEL", 200);
      flow.b.reply("INVITE", 487);
      flow.run();
      EXPECT_EQ(flow.b.count("ACK"), 1u);
    }
    expect_rest(flow);
  }
}

TEST(States, Trap14TheClientsHangUpCrossesThe200) {
  ClientCall flow;
  flow.make();
  flow.b.reply("INVITE", 180);
  flow.run();
  flow.drop();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK, BYE");
  EXPECT_EQ(flow.bed.client_states(), "pending, calling, ringing") << "never confirmed";
  flow.b.reply("CANCEL", 481);
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(States, R0_19MediaFlowsBothWaysAndEndsWithTheCall) {
  ClientCall flow;
  flow.make();
  flow.answer();
  EXPECT_TRUE(flow.bed.media.flows(flow.leg_of_w(), flow.leg_of_b()));
  EXPECT_TRUE(flow.bed.media.flows(flow.leg_of_b(), flow.leg_of_w()));
  flow.b.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.bed.media.legs().empty());
  expect_rest(flow);
}

TEST(States, R0_19AMediaLegThatFailsEndsTheCall) {
  for (const bool confirmed : {false, true}) {
    ClientCall flow;
    if (!confirmed) flow.bed.media.script().open_fails = media::LegFault::no_ports;
    flow.make();
    if (confirmed) {
      flow.answer();
      flow.bed.media_event([&] { flow.bed.media.fail(flow.leg_of_w(), media::LegFault::dtls_failed); });
    }
    flow.run();
    EXPECT_EQ(flow.bed.last().reason, DropReason::media_failed);
    EXPECT_EQ(flow.b.log(), confirmed ? "INVITE, ACK, BYE" : "");
    if (confirmed) flow.b.reply("BYE", 200);
    flow.run();
    expect_rest(flow);
  }
}

}  // namespace
}  // namespace isthmus::test
