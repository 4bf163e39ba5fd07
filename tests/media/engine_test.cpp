// SPDX-License-Identifier: MIT
// The media engine as a machine: a browser with real ICE, DTLS and SRTP on one side, a plain phone on the other.
#include "media/engine.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/media_bed.hpp"

namespace isthmus::test {
namespace engine_test {

using namespace media;
using std::chrono::milliseconds;
using std::chrono::seconds;

class BothRoles : public ::testing::TestWithParam<DtlsRole> {};
INSTANTIATE_TEST_SUITE_P(Engine, BothRoles, ::testing::Values(DtlsRole::active, DtlsRole::passive));

TEST_P(BothRoles, R0_19MediaFlowsBothWaysBetweenBrowserAndPhone) {
  Call call(GetParam());
  EXPECT_EQ(call.page.facts.addresses[0], call.bed.shared_address);
  EXPECT_EQ(call.page.facts.fingerprint, gateway_certificate().fingerprint());
  call.up();
  EXPECT_EQ(call.page.successes, 1);
  ASSERT_EQ(call.bed.events<LegConnected>().size(), 1u);
  EXPECT_EQ(call.bed.events<LegConnected>()[0].remote, kBrowserAddress);
  ASSERT_TRUE(call.page.srtp);

  for (uint16_t i = 0; i < 50; ++i) {
    EXPECT_TRUE(call.page.say(call.bed, from_page(i)));
    EXPECT_TRUE(call.phone_says(from_phone(i)));
    call.bed.pass_time(milliseconds(20));
  }
  ASSERT_EQ(call.phone.heard.size(), 50u);
  ASSERT_EQ(call.page.heard.size(), 50u);
  EXPECT_EQ(call.phone.heard[7].payload, "from the page");
  EXPECT_EQ(call.phone.heard[7].type, 0) << "the phone's own payload type";
  EXPECT_EQ(call.phone.heard[7].to, call.ready.addresses[0]) << "from the port it was told";
  EXPECT_EQ(call.page.heard[7].payload, "from the phone");
  EXPECT_EQ(call.page.heard[7].type, 100);
  for (size_t i = 1; i < 50; ++i) {
    for (const auto* heard : {&call.phone.heard, &call.page.heard}) {
      EXPECT_EQ((*heard)[i].ssrc, (*heard)[0].ssrc);
      EXPECT_EQ(static_cast<uint16_t>((*heard)[i].sequence - (*heard)[i - 1].sequence), 1);
      EXPECT_EQ((*heard)[i].timestamp - (*heard)[i - 1].timestamp, 160u);
    }
  }
  EXPECT_NE(call.phone.heard[0].ssrc, 0x11112222u);
  EXPECT_EQ(call.bed.engine.drops().total(), 0u);
}

TEST(Engine, R4_18ClosingLeavesNothingAndHandsThePortsBackInTheSamePass) {
  Call call;
  call.up();
  for (uint16_t i = 0; i < 5; ++i) call.page.say(call.bed, from_page(i));
  EXPECT_EQ(call.bed.bound.size(), 2u);
  call.bed.obey(CloseLeg{kPhone});
  EXPECT_TRUE(call.bed.bound.empty());
  const auto gone = call.bed.events<LegGone>();
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].last.sent, 5u);
  EXPECT_FALSE(call.page.say(call.bed, from_page(5)));
  EXPECT_EQ(call.bed.engine.drops()[Drop::unjoined], 1u);
  call.bed.obey(CloseLeg{kPage});
  EXPECT_EQ(call.bed.events<LegGone>().back().last.received, 6u);
  EXPECT_TRUE(call.bed.engine.census().empty());
  call.page.check(call.bed);
  EXPECT_EQ(call.page.successes, 1) << "a closed leg answers nobody";
  call.bed.obey(CloseLeg{kPage});
  EXPECT_EQ(call.bed.events<LegGone>().size(), 3u) << "closing is always answered";
}

TEST(Engine, OrdersToStrangersFailAndLimitsHold) {
  Bed bed([](EngineConfig& config) { config.max_legs = 1; });
  bed.obey(SwitchLeg{kPhone, false, false});
  EXPECT_EQ(bed.events<LegFailed>().back().why, LegFault::no_such_leg);
  bed.open_phone(kPhone);
  bed.obey(OpenLeg{kPage, LegKind::webrtc, {}});
  EXPECT_EQ(bed.events<LegFailed>().back().why, LegFault::limit);
  EXPECT_EQ(bed.engine.census()[Census::media_legs], 1u);
}

TEST(Engine, ABindThatFailsOrNeverComesEndsTheLeg) {
  Bed bed;
  bed.refuse_binds = true;
  bed.obey(OpenLeg{kPhone, LegKind::rtp, {}});
  ASSERT_EQ(bed.events<LegFailed>().size(), 1u);
  EXPECT_EQ(bed.events<LegFailed>()[0].why, LegFault::no_ports);
  EXPECT_TRUE(bed.engine.census().empty());

  bed.answer_binds = false;
  bed.obey(OpenLeg{kPhone, LegKind::rtp, {}});
  EXPECT_EQ(bed.engine.census()[Census::asks], 1u);
  bed.pass_time(kBindLimit);
  EXPECT_EQ(bed.events<LegFailed>().size(), 2u);
  EXPECT_EQ(bed.forgotten.size(), 1u);
  EXPECT_TRUE(bed.engine.census().empty());

  // An answer that comes all the same gives its ports back at once; a second one is only counted.
  bed.answer(bed.unanswered[0].ask, bed.new_ports());
  EXPECT_TRUE(bed.bound.empty());
  EXPECT_EQ(bed.engine.late_answers(), 1u);
  bed.answer(bed.unanswered[0].ask, Fault{});
  EXPECT_EQ(bed.engine.late_answers(), 2u);
}

TEST(Engine, ClosingWhilePortsAreBeingBoundForgetsThem) {
  Bed bed;
  bed.answer_binds = false;
  bed.obey(OpenLeg{kPhone, LegKind::rtp, {}});
  bed.obey(CloseLeg{kPhone});
  EXPECT_EQ(bed.events<LegGone>().size(), 1u);
  EXPECT_EQ(bed.forgotten.size(), 1u);
  EXPECT_TRUE(bed.engine.census().empty());
}

TEST(Engine, EchoSendsTheBrowserItsOwnMediaInAStreamOfTheGateway) {
  Bed bed;
  Browser page(bed, kPage, kBrowserAddress);
  page.connect(bed);
  bed.obey(JoinLegs{kPage, kPage});
  for (uint16_t i = 0; i < 10; ++i) EXPECT_TRUE(page.say(bed, from_page(i, "tone " + std::to_string(i))));
  ASSERT_EQ(page.heard.size(), 10u);
  EXPECT_EQ(page.heard[3].payload, "tone 3");
  EXPECT_EQ(page.heard[3].type, 100);
  EXPECT_NE(page.heard[3].ssrc, from_page(0).ssrc);
}

TEST(Engine, R0_12GatesHoldBackEachDirectionAloneAndOpenWithoutAHole) {
  Call call;
  call.up();
  call.bed.obey(SwitchLeg{kPage, false, true});  // early media: the page hears, but is not heard
  EXPECT_TRUE(call.phone_says(from_phone(0)));
  for (uint16_t i = 0; i < 200; ++i) {
    EXPECT_FALSE(call.page.say(call.bed, from_page(i)));
    call.bed.now.steady += milliseconds(20);
  }
  EXPECT_EQ(call.phone.heard.size(), 0u);
  EXPECT_EQ(call.bed.engine.drops()[Drop::receive_gate], 200u);
  call.bed.obey(SwitchLeg{kPage, true, true});
  EXPECT_TRUE(call.page.say(call.bed, from_page(200)));
  call.bed.obey(SwitchLeg{kPhone, true, false});
  for (uint16_t i = 201; i < 211; ++i) EXPECT_FALSE(call.page.say(call.bed, from_page(i)));
  EXPECT_EQ(call.bed.engine.drops()[Drop::send_gate], 10u);
  call.bed.obey(SwitchLeg{kPhone, true, true});
  EXPECT_TRUE(call.page.say(call.bed, from_page(211)));
  ASSERT_EQ(call.phone.heard.size(), 2u);
  EXPECT_EQ(static_cast<uint16_t>(call.phone.heard[1].sequence - call.phone.heard[0].sequence), 1);
  EXPECT_EQ(call.phone.heard[1].timestamp - call.phone.heard[0].timestamp, 11u * 160);
}

TEST(Engine, Trap10MediaBeforeTheAnswerIsDroppedAndCountedNeverLeaked) {
  Call call;
  call.bed.obey(JoinLegs{kPage, kPhone});
  EXPECT_FALSE(call.phone_says(from_phone(0)));
  EXPECT_EQ(call.bed.engine.drops()[Drop::unarmed], 1u);
  call.bed.obey(call.bed.description(kPhone, kPhoneAddress));
  EXPECT_FALSE(call.phone_says(from_phone(1))) << "the page has no keys yet";
  EXPECT_EQ(call.bed.engine.drops()[Drop::partner_not_ready], 1u);
  call.page.connect(call.bed);
  EXPECT_TRUE(call.phone_says(from_phone(2)));
  EXPECT_EQ(call.page.heard.size(), 1u);
  EXPECT_TRUE(call.bed.nowhere.empty());
}

TEST(Engine, ForeignHeaderExtensionsAndPaddingStayOnTheirLeg) {
  Call call;
  call.up();
  const std::string mid = {0x10, '0', 0x00, 0x00};
  EXPECT_TRUE(call.page.say(call.bed, from_page(0), as_bytes(mid)));
  ASSERT_EQ(call.phone.heard.size(), 1u);
  EXPECT_FALSE(call.phone.heard[0].extension);
  EXPECT_EQ(call.phone.heard[0].payload, "from the page");

  Datagram padded = rtp_bytes(from_phone(0, "padded"));
  padded[0] |= std::byte{0x20};
  padded.insert(padded.end(), {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{4}});
  EXPECT_TRUE(call.bed.deliver(call.phone_flow, kPhoneAddress, padded));
  EXPECT_EQ(call.page.heard.back().payload, "padded");
}

TEST(Engine, PayloadTypesWithoutACounterpartAreDroppedAndLeaveNoHole) {
  Call call;
  call.up();
  RtpSent opus = from_page(1);
  opus.type = 111;
  RtpSent unknown = from_page(2);
  unknown.type = 77;
  RtpSent event = from_page(3);
  event.type = 110;
  call.page.say(call.bed, from_page(0));
  EXPECT_FALSE(call.page.say(call.bed, opus));
  EXPECT_EQ(call.bed.engine.drops()[Drop::unknown_payload], 1u);
  EXPECT_FALSE(call.page.say(call.bed, event)) << "48000 has no counterpart at the phone";
  EXPECT_EQ(call.bed.engine.drops()[Drop::event_clock_mismatch], 1u);
  call.page.say(call.bed, from_page(4));
  ASSERT_EQ(call.phone.heard.size(), 2u);
  EXPECT_EQ(static_cast<uint16_t>(call.phone.heard[1].sequence - call.phone.heard[0].sequence), 2)
      << "only 502, which never came, is missing";
  EXPECT_FALSE(call.page.say(call.bed, unknown));
}

TEST(Engine, Trap29OneStreamGoesOnWhenTheOtherLegIsReplaced) {
  Call call;
  call.up();
  for (uint16_t i = 0; i < 3; ++i) call.phone_says(from_phone(i));
  call.bed.obey(CloseLeg{kPhone});
  constexpr LegId kOther{3, 1};
  const SocketAddress other_address = socket_address("192.0.2.88:6000");
  call.bed.open_phone(kOther);
  const FlowId other_flow = call.bed.bound.begin()->first;
  call.bed.obey(call.bed.description(kOther, other_address));
  call.bed.obey(JoinLegs{kPage, kOther});
  call.bed.now.steady += milliseconds(500);
  RtpSent other = from_phone(0, "somebody else");
  other.ssrc = 0x55556666;
  other.sequence = 4;
  other.timestamp = 4000000;
  EXPECT_TRUE(call.bed.deliver(other_flow, other_address, rtp_bytes(other)));
  ASSERT_EQ(call.page.heard.size(), 4u);
  EXPECT_EQ(call.page.heard[3].ssrc, call.page.heard[2].ssrc);
  EXPECT_EQ(static_cast<uint16_t>(call.page.heard[3].sequence - call.page.heard[2].sequence), 1);
  EXPECT_EQ(call.page.heard[3].timestamp - call.page.heard[2].timestamp, 4000u);
  EXPECT_TRUE(call.page.heard[3].marker);
}

TEST(Engine, Advisory58AThousandReInvitesHoldsAndReplacementsWithMediaRunning) {
  Call call;
  call.up();
  uint16_t next = 0;
  for (int cycle = 0; cycle < 1000; ++cycle) {
    call.page.arm(call.bed);
    call.bed.obey(SwitchLeg{kPage, cycle % 3 != 0, cycle % 5 != 0});
    call.bed.obey(call.bed.description(kPhone, cycle % 4 == 0 ? SocketAddress{} : kPhoneAddress));
    if (cycle % 7 == 0) call.bed.obey(JoinLegs{kPage, kPage});
    if (cycle % 50 == 49) {
      call.bed.obey(CloseLeg{kPhone});
      call.bed.open_phone(kPhone);
      call.phone_flow = call.bed.bound.begin()->first;
    }
    call.page.say(call.bed, from_page(++next));
    call.phone_says(from_phone(next));
    if (cycle % 10 == 0) call.page.check(call.bed);
    call.bed.pass_time(milliseconds(20));
    call.bed.obey(JoinLegs{kPhone, kPage});
  }
  call.bed.obey(SwitchLeg{kPage, true, true});
  call.bed.obey(call.bed.description(kPhone, kPhoneAddress));
  EXPECT_TRUE(call.page.say(call.bed, from_page(++next)));
  EXPECT_TRUE(call.phone_says(from_phone(next)));
  std::set<uint16_t> sequences;
  for (const RtpSent& packet : call.page.heard) EXPECT_TRUE(sequences.insert(packet.sequence).second);
  EXPECT_TRUE(call.bed.events<LegFailed>().empty());
  call.bed.obey(CloseLeg{kPhone});
  call.bed.obey(CloseLeg{kPage});
  EXPECT_TRUE(call.bed.engine.census().empty());
}

TEST(Engine, Advisory22HangingUpInTheMiddleOfChecksAndHandshakeLeavesNothing) {
  Bed bed;
  for (uint32_t round = 0; round < 100; ++round) {
    const LegId leg{100 + round, 1};
    Browser page(bed, leg, kBrowserAddress);
    page.hold_back = true;
    page.arm(bed);
    if (round % 5 > 0) page.check(bed);
    if (round % 5 > 1) page.handshake(bed);
    for (uint32_t flight = 2; flight < round % 5; ++flight) {
      for (const Datagram& bytes : std::exchange(page.held, {})) bed.deliver(bed.shared_flow, kBrowserAddress, bytes);
    }
    bed.obey(CloseLeg{leg});
    EXPECT_TRUE(bed.engine.census().empty()) << round;
    for (const Datagram& bytes : page.held) EXPECT_FALSE(bed.deliver(bed.shared_flow, kBrowserAddress, bytes));
  }
}

// What a phone is told of a port: the address under which the world reaches it (1:1 NAT), a real one for a wildcard.
TEST(Engine, APortIsToldUnderTheAddressThatReachesIt) {
  const auto ip = [](std::string_view text) { return *IpAddress::parse(text); };
  EngineConfig behind_nat, everywhere;
  behind_nat.rtp_advertised = {ip("203.0.113.5"), {}};
  everywhere.rtp_any = {ip("192.0.2.7"), ip("2001:db8::7")};
  const auto told = [&](const EngineConfig& config, std::string_view bound) {
    Engine engine(config, Seed::of(1));
    Outbox out;
    Pass pass{{}, out};
    engine.obey(pass, OpenLeg{kPhone, LegKind::rtp, {}});
    const auto* bind = std::get_if<Bind>(&out.actions.front());
    PortFacts ports;
    ports.rtp = FlowId{1, 1};
    ports.rtcp = FlowId{2, 1};
    ports.rtp_local = {ip(bound), 20000};
    ports.rtcp_local = {ip(bound), 20001};
    engine.answer(pass, bind->ask, ports);
    const auto ready = std::get<LegReady>(*engine.poll_event());
    EXPECT_EQ(ready.addresses[0].ip, ready.addresses[1].ip);
    EXPECT_EQ(ready.addresses[1].port, 20001);
    return ready.addresses[0].ip.text();
  };
  EXPECT_EQ(told(behind_nat, "10.0.0.1"), "203.0.113.5");
  EXPECT_EQ(told(behind_nat, "127.0.0.1"), "127.0.0.1") << "a phone on this machine";
  EXPECT_EQ(told(behind_nat, "2001:db8::1"), "2001:db8::1") << "nothing of that family is advertised";
  EXPECT_EQ(told(everywhere, "0.0.0.0"), "192.0.2.7");
  EXPECT_EQ(told(everywhere, "::"), "2001:db8::7");
  EXPECT_EQ(told(everywhere, "198.51.100.1"), "198.51.100.1");
}

TEST(Engine, SilenceIsToldOnceUntilThePeerSpeaksAgain) {
  Call call;
  call.up();
  call.phone_says(from_phone(0));
  const auto silences = [&](LegId leg) {
    size_t count = 0;
    for (const LegSilent& event : call.bed.events<LegSilent>()) count += event.leg == leg ? 1 : 0;
    return count;
  };
  call.bed.pass_time(kSilenceLimit - seconds(1));
  EXPECT_EQ(silences(kPhone), 0u);
  call.phone_says(from_phone(1));
  call.bed.pass_time(kSilenceLimit - seconds(1));
  EXPECT_EQ(silences(kPhone), 0u) << "every packet starts the time anew";
  call.bed.pass_time(milliseconds(1010));
  EXPECT_EQ(silences(kPhone), 1u) << "to the moment, not at the next report";
  call.bed.pass_time(seconds(60));
  EXPECT_EQ(silences(kPhone), 1u);
  call.phone_says(from_phone(2));
  call.bed.pass_time(seconds(60));
  EXPECT_EQ(silences(kPhone), 2u);
  call.bed.obey(SwitchLeg{kPhone, false, true});
  call.phone_says(from_phone(3));
  call.bed.pass_time(seconds(60));
  EXPECT_EQ(silences(kPhone), 2u) << "nobody listens";
}

}  // namespace engine_test
}  // namespace isthmus::test
