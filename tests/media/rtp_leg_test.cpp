// SPDX-License-Identifier: MIT
// The plain side of a leg on a live engine: bleed and injection (advisory 2, advisory 3), symmetric RTP (trap 20), hold
// (trap 16), targets nobody may give us (advisory 52), RTCP on the second port.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "tests/support/media_bed.hpp"

namespace isthmus::test {
namespace rtp_leg_test {

using namespace media;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RtpLeg, Advisory2ASprayerGetsNothingAndInjectsNothing) {
  Call call;
  call.up();
  Random random(Seed::of(2));
  for (int tick = 0; tick < 1500; ++tick) {  // 30 s of spraying, before, during and after the latch
    const auto i = static_cast<uint16_t>(tick);
    for (const FlowId flow : {call.phone_flow, call.control_flow, call.bed.shared_flow}) {
      RtpSent injected = from_phone(i, "injected");
      injected.ssrc = random.below(2) == 0 ? injected.ssrc : 0xdeadbeef;
      EXPECT_FALSE(call.bed.deliver(flow, kStranger, rtp_bytes(injected)));
    }
    if (tick >= 100) {
      EXPECT_TRUE(call.phone_says(from_phone(i)));
    }
    EXPECT_TRUE(call.page.say(call.bed, from_page(i)));
    call.bed.now.steady += milliseconds(20);
    if (tick % 250 == 0) call.page.check(call.bed);
  }
  EXPECT_TRUE(call.stranger.received.empty());
  EXPECT_EQ(call.phone.heard.size(), 1500u);
  ASSERT_EQ(call.page.heard.size(), 1400u);
  for (const RtpSent& packet : call.page.heard) EXPECT_EQ(packet.payload, "from the phone");
  EXPECT_EQ(call.bed.engine.drops()[Drop::foreign_source], 1500u);
}

TEST(RtpLeg, Advisory3TheLatchMovesOnceToTheSignallingAddressAndStays) {
  Call call;
  const SocketAddress nat = socket_address("203.0.113.9:31000");
  Phone behind_nat;
  call.bed.peers[nat] = &behind_nat;
  call.page.connect(call.bed);
  ArmRtp arm = call.bed.description(kPhone, socket_address("10.0.0.5:4000"));
  arm.signalling = nat.ip;
  call.bed.obey(arm);
  call.bed.obey(JoinLegs{kPage, kPhone});
  EXPECT_TRUE(call.page.say(call.bed, from_page(0)));
  EXPECT_EQ(call.bed.nowhere.size(), 1u) << "sent where the SDP said";
  EXPECT_TRUE(call.bed.deliver(call.phone_flow, nat, rtp_bytes(from_phone(0))));
  EXPECT_EQ(call.bed.events<LegConnected>().back().remote, nat);
  EXPECT_TRUE(call.page.say(call.bed, from_page(1)));
  EXPECT_EQ(behind_nat.heard.size(), 1u);
  for (const char* other : {"203.0.113.9:31002", "10.0.0.5:4000", "198.51.100.66:4444"}) {
    EXPECT_FALSE(call.bed.deliver(call.phone_flow, socket_address(other), rtp_bytes(from_phone(1)))) << other;
  }
  call.bed.obey(arm);
  EXPECT_FALSE(call.bed.deliver(call.phone_flow, socket_address("203.0.113.9:31002"), rtp_bytes(from_phone(2))));
  EXPECT_TRUE(call.page.say(call.bed, from_page(2)));
  EXPECT_EQ(behind_nat.heard.size(), 2u);
}

TEST(RtpLeg, ReportsToAPeerBehindNatWaitUntilItsOwnHaveShownWhereTo) {
  Call call;
  const SocketAddress nat = socket_address("203.0.113.9:31000");
  const SocketAddress nat_control = socket_address("203.0.113.9:31007");
  Phone behind_nat;
  call.bed.peers[nat] = &behind_nat;
  call.bed.peers[nat_control] = &behind_nat;
  ArmRtp arm = call.bed.description(kPhone, socket_address("10.0.0.5:4000"));
  arm.signalling = nat.ip;
  call.bed.obey(arm);
  call.bed.deliver(call.phone_flow, nat, rtp_bytes(from_phone(0)));
  call.bed.pass_time(seconds(10));
  EXPECT_TRUE(call.bed.nowhere.empty());
  EXPECT_TRUE(behind_nat.control.empty());
  std::array<std::byte, 64> room;
  RtcpWriter writer(room);
  writer.receiver_report(from_phone(0).ssrc, {});
  call.bed.deliver(call.control_flow, nat_control, writer.bytes());
  call.bed.pass_time(seconds(10));
  EXPECT_FALSE(behind_nat.control.empty());
  EXPECT_TRUE(call.bed.nowhere.empty());
}

TEST(RtpLeg, RtcpOnTheRtpPortIsReadFromThePeerAlone) {
  Call call;
  call.up();
  call.phone_says(from_phone(0));
  std::array<std::byte, 64> room;
  RtcpWriter writer(room);
  writer.receiver_report(from_phone(0).ssrc, {});
  EXPECT_FALSE(call.bed.deliver(call.phone_flow, kPhoneAddress, writer.bytes()));
  EXPECT_EQ(call.bed.engine.drops().total(), 0u);
  EXPECT_FALSE(call.bed.deliver(call.phone_flow, kStranger, writer.bytes()));
  EXPECT_EQ(call.bed.engine.drops()[Drop::foreign_source], 1u);
}

TEST(RtpLeg, SilenceCountsFromTheDescriptionWhenNothingEverComes) {
  Call call;
  call.bed.pass_time(seconds(5));
  call.bed.obey(call.bed.description(kPhone, kPhoneAddress));
  call.bed.pass_time(kSilenceLimit - milliseconds(10));
  EXPECT_TRUE(call.bed.events<LegSilent>().empty());
  call.bed.pass_time(milliseconds(20));
  EXPECT_EQ(call.bed.events<LegSilent>().size(), 1u);
}

TEST(RtpLeg, APacketOfAnUnknownPayloadTypeDoesNotLockTheLatch) {
  Call call;
  call.page.connect(call.bed);
  ArmRtp arm = call.bed.description(kPhone, kPhoneAddress);
  arm.signalling = kStranger.ip;
  call.bed.obey(arm);
  RtpSent odd = from_phone(0);
  odd.type = 96;
  EXPECT_FALSE(call.bed.deliver(call.phone_flow, kStranger, rtp_bytes(odd)));
  EXPECT_FALSE(call.bed.deliver(call.phone_flow, kStranger, Datagram(5, std::byte{0x80})));
  EXPECT_EQ(call.bed.events<LegConnected>().size(), 1u) << "the page alone";
  call.bed.obey(JoinLegs{kPage, kPhone});
  EXPECT_TRUE(call.phone_says(from_phone(1)));
}

TEST(RtpLeg, Trap16OnHoldNothingIsSentAndTheResumeFindsTheTargetAgain) {
  Call call;
  call.up();
  uint16_t next = 0;
  call.phone_says(from_phone(next));
  for (const char* hold : {"", "0.0.0.0:4000"}) {
    ArmRtp arm = call.bed.description(kPhone, SocketAddress::parse(hold).value_or(SocketAddress{}));
    call.bed.obey(arm);
    const size_t before = call.phone.heard.size();
    EXPECT_FALSE(call.page.say(call.bed, from_page(++next)));
    EXPECT_EQ(call.phone.heard.size(), before);
    EXPECT_TRUE(call.phone_says(from_phone(next))) << "music on hold may still come";
    call.bed.obey(call.bed.description(kPhone, kPhoneAddress));
    EXPECT_TRUE(call.page.say(call.bed, from_page(++next)));
    EXPECT_TRUE(call.phone_says(from_phone(next)));
  }
  EXPECT_EQ(call.bed.engine.drops()[Drop::held], 2u);
  EXPECT_EQ(call.bed.events<LegConnected>().size(), 2u) << "the latch was kept";
}

TEST(RtpLeg, Advisory52NothingIsSentToTargetsNobodyMayName) {
  for (const char* target : {"0.0.0.0:4000", "127.0.0.1:4000", "224.0.1.1:4000", "255.255.255.255:4000",
                             "169.254.9.9:4000", "[::1]:4000", "[ff02::1]:4000", "[::ffff:127.0.0.1]:4000"}) {
    Call call;
    call.page.connect(call.bed);
    call.bed.obey(call.bed.description(kPhone, socket_address(target)));
    call.bed.obey(JoinLegs{kPage, kPhone});
    EXPECT_FALSE(call.page.say(call.bed, from_page(0))) << target;
    // It is told, except where it means hold (RFC 3264 8.4).
    const auto told = call.bed.engine.report(kPhone);
    const bool holds = target == std::string_view("0.0.0.0:4000");
    EXPECT_EQ(told->refused, holds ? SocketAddress{} : socket_address(target)) << target;
    EXPECT_EQ(told->listening, !holds) << "silence is to be told, too: " << target;
    call.bed.obey(SendDtmf{kPhone, 1, Digits::of("1"), 100});
    call.bed.pass_time(seconds(20));
    EXPECT_TRUE(call.bed.nowhere.empty()) << target;
    ASSERT_EQ(call.bed.events<DtmfTaken>().size(), 1u);
    EXPECT_EQ(call.bed.events<DtmfTaken>()[0].fault, DtmfFault::no_path);
  }
  Bed bed([](EngineConfig& config) { config.allow_loopback_targets = true; });
  bed.open_phone(kPhone);
  bed.obey(bed.description(kPhone, socket_address("127.0.0.1:4000")));
  bed.pass_time(seconds(20));
  EXPECT_FALSE(bed.nowhere.empty()) << "reports go to loopback when it is allowed";
}

TEST(RtpLeg, Trap15AReInviteWithANewPortIsFollowed) {
  Call call;
  call.up();
  call.phone_says(from_phone(0));
  const SocketAddress moved = socket_address("192.0.2.77:5000");
  call.bed.peers[moved] = &call.phone;
  call.bed.obey(call.bed.description(kPhone, moved));
  EXPECT_TRUE(call.phone_says(from_phone(1))) << "packets that were under way";
  EXPECT_TRUE(call.bed.deliver(call.phone_flow, moved, rtp_bytes(from_phone(2))));
  EXPECT_FALSE(call.phone_says(from_phone(3)));
  EXPECT_EQ(call.page.heard.size(), 3u);
}

TEST(RtpLeg, R3_17OwnReportsGoToTheSecondPortWithWhatWasHeardAndEndWithBye) {
  Call call;
  call.up();
  for (uint16_t i = 0; i < 30; ++i) {
    if (i % 10 != 3) call.phone_says(from_phone(i));
    call.page.say(call.bed, from_page(i));
    call.bed.pass_time(seconds(1));
  }
  ASSERT_GE(call.phone.control.size(), 4u) << "one in 2.5 to 7.5 s";
  RtcpReader reader(call.phone.control.back());
  const auto report = as_report(*reader.next());
  ASSERT_TRUE(report && report->info && report->size() == 1);
  EXPECT_EQ(report->block(0).ssrc, from_phone(0).ssrc);
  EXPECT_GE(report->block(0).lost, 2);
  EXPECT_LE(report->info->packets, 30u);
  EXPECT_GE(report->info->packets, 20u);

  // A report of the phone about our stream is read, and goes nowhere.
  std::array<std::byte, 128> room;
  RtcpWriter writer(room);
  const ReportBlock block{report->sender, 5, 1, 10, 3, 0, 0};
  writer.receiver_report(from_phone(0).ssrc, std::span(&block, 1));
  const size_t before = call.page.control.size();
  EXPECT_FALSE(call.bed.deliver(call.control_flow, Call::control_address(), writer.bytes()));
  EXPECT_EQ(call.bed.engine.drops().total(), 0u);
  EXPECT_FALSE(call.bed.deliver(call.control_flow, kStranger, writer.bytes()));
  EXPECT_EQ(call.bed.engine.drops()[Drop::foreign_source], 1u);
  EXPECT_FALSE(call.bed.deliver(call.control_flow, Call::control_address(), Bytes(writer.bytes()).first(6)));
  EXPECT_EQ(call.bed.engine.drops()[Drop::malformed_rtcp], 1u);
  EXPECT_EQ(call.page.control.size(), before);

  call.bed.obey(CloseLeg{kPhone});
  RtcpReader last(call.phone.control.back());
  bool bye = false;
  while (const auto packet = last.next()) bye = bye || packet->type == RtcpType::bye;
  EXPECT_TRUE(bye);
}

TEST(RtpLeg, JunkOnEveryPortKillsNothingAndIsAnsweredByNothing) {
  Call call;
  call.up();
  call.phone_says(from_phone(0));
  Random random(Seed::of(5));
  const size_t sends = call.bed.outbox_sends;
  const Datagram seeds[] = {call.page.seal(from_page(1)), rtp_bytes(from_phone(1)), Datagram(40, std::byte{0})};
  for (int i = 0; i < 30000; ++i) {
    Datagram junk = seeds[random.below(3)];
    const uint64_t changes = 1 + random.below(8);
    for (uint64_t c = 0; c < changes; ++c) junk[random.below(junk.size())] = static_cast<std::byte>(random.next());
    junk.resize(random.below(junk.size() + 1));
    const FlowId flows[] = {call.phone_flow, call.control_flow, call.bed.shared_flow, FlowId{999, 1}};
    const SocketAddress sources[] = {kStranger, kBrowserAddress};
    call.bed.deliver(flows[random.below(4)], sources[random.below(2)], junk);
  }
  EXPECT_EQ(call.bed.outbox_sends, sends);
  EXPECT_TRUE(call.stranger.received.empty());
  EXPECT_TRUE(call.phone_says(from_phone(2)));
  EXPECT_TRUE(call.page.say(call.bed, from_page(2)));
  EXPECT_TRUE(call.bed.events<LegFailed>().empty());
}

}  // namespace rtp_leg_test
}  // namespace isthmus::test
