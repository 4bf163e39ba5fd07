// SPDX-License-Identifier: MIT
// Why nothing was heard, told at the end of a call from what its media legs have seen, and while it lasts when a side
// falls silent; what else the line of an ended call needs: route, SIP status, times. Media by fake_media.
#include <gtest/gtest.h>

#include "tests/support/call_bed.hpp"

namespace isthmus::test {
namespace media_verdict_test {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct PhoneCall : Flow {
  PhoneCall() { establish(), legs = bed.media.legs(); }
  void hear(uint64_t caller, uint64_t callee) {
    bed.media.hear(legs.at(0), caller), bed.media.hear(legs.at(1), callee);
  }
  const CallFacts& end(seconds after = seconds(10)) {
    run(after);
    a.request("BYE");
    run();
    return bed.ended.at(0).call;
  }
  std::vector<media::LegId> legs;
};

TEST(MediaVerdict, AllWellWithPacketsOfEachDirection) {
  PhoneCall call;
  call.hear(250, 248);
  const CallFacts& facts = call.end();
  EXPECT_EQ(facts.media_verdict, MediaVerdict::well);
  EXPECT_EQ(facts.media_text, "");
  EXPECT_EQ(facts.caller_media->received, 250u);
  EXPECT_EQ(facts.callee_media->received, 248u);
  EXPECT_EQ(facts.sip_code, 200);
  EXPECT_EQ(facts.route, 0u);
  ASSERT_TRUE(facts.confirmed);
  EXPECT_GE(facts.changed - *facts.confirmed, seconds(10));
  // The web server heard the same in the same pass (R0.8).
  EXPECT_EQ(call.bed.last().media_verdict, MediaVerdict::well);
}

TEST(MediaVerdict, NoRtpFromThePhoneNamesTheSide) {
  PhoneCall call;
  call.hear(250, 0);
  const CallFacts& facts = call.end();
  EXPECT_EQ(facts.media_verdict, MediaVerdict::no_rtp_from_phone);
  EXPECT_EQ(facts.media_text, "no RTP from the phone (callee)");
  PhoneCall both;
  EXPECT_EQ(both.end().media_text, "no RTP from the phone (caller), no RTP from the phone (callee)");
}

TEST(MediaVerdict, ACallOfAMomentIsNotJudged) {
  PhoneCall call;
  EXPECT_EQ(call.end(seconds(1)).media_verdict, MediaVerdict::none);
}

TEST(MediaVerdict, ACallThatNobodyAnsweredIsNotJudged) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 486);
  flow.run(seconds(5));
  ASSERT_EQ(flow.bed.ended.size(), 1u);
  const CallFacts& facts = flow.bed.ended[0].call;
  EXPECT_EQ(facts.media_verdict, MediaVerdict::none);
  EXPECT_EQ(facts.sip_code, 486);
  EXPECT_FALSE(facts.confirmed);
}

struct BrowserCall : Flow {
  explicit BrowserCall(MediaScript script) {
    bed.media.script() = script;
    w = bed.sign_in("alice");
    bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), "tab"});
    EXPECT_TRUE(world.run_until([&] { return b.has("INVITE"); }));
    b.reply("INVITE", 200, phone_sdp(5000));
    run();
    legs = bed.media.legs();
    bed.media.hear(legs.at(1), 100);
  }
  const CallFacts& hang_up() {
    run(seconds(5));
    b.request("BYE");
    run();
    return bed.ended.at(0).call;
  }
  ClientId w;
  std::vector<media::LegId> legs;
};

TEST(MediaVerdict, NoIcePairIsToldToTheClientToo) {
  BrowserCall call({.connects = false});
  const CallFacts& facts = call.hang_up();
  EXPECT_EQ(facts.media_verdict, MediaVerdict::no_ice_pair);
  EXPECT_EQ(facts.media_text, "no ICE pair (caller)");
  EXPECT_EQ(call.bed.client.back().call.state, CallState::dropped);
  EXPECT_EQ(call.bed.client.back().call.media_text, "no ICE pair (caller)");
}

TEST(MediaVerdict, ChecksWithoutKeysAreAFailureOfDtls) {
  BrowserCall call({.connects = false});
  call.bed.media.pair(call.legs.at(0));
  EXPECT_EQ(call.hang_up().media_text, "DTLS failed (caller)");
}

TEST(MediaVerdict, ConnectedWithoutAPacketIsNoRtpFromTheBrowser) {
  BrowserCall call({});
  EXPECT_EQ(call.hang_up().media_text, "no RTP from the browser (caller)");
  BrowserCall well({});
  well.bed.media.hear(well.legs.at(0), 1);
  EXPECT_EQ(well.hang_up().media_verdict, MediaVerdict::well);
}

TEST(MediaVerdict, ACallThatItsMediaEndedIsJudgedWhateverItsState) {
  Flow flow;
  flow.bed.media.script().connects = false;
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), "tab"});
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("INVITE"); }));
  flow.b.reply("INVITE", 180);
  flow.run();
  flow.bed.media_event([&] { flow.bed.media.fail(flow.bed.media.legs().at(0), media::LegFault::ice_timeout); });
  flow.run();
  ASSERT_EQ(flow.bed.ended.size(), 1u);
  EXPECT_EQ(flow.bed.ended[0].call.reason, DropReason::media_failed);
  EXPECT_EQ(flow.bed.ended[0].call.media_text, "no ICE pair (caller)");
}

TEST(MediaVerdict, ASilentSideIsToldWhileTheCallLasts) {
  PhoneCall call;
  call.hear(100, 0);
  call.run(seconds(30));
  call.bed.media_event([&] { call.bed.media.silence(call.legs.at(1)); });
  call.run();
  ASSERT_EQ(call.bed.silences.size(), 1u);
  EXPECT_FALSE(call.bed.silences[0].is_caller);
  EXPECT_EQ(call.bed.silences[0].call.media_text, "no RTP from the phone (callee)");
  EXPECT_EQ(call.bed.silences[0].call.id, call.bed.last().id);
  EXPECT_EQ(call.bed.last().state, CallState::confirmed);
}

TEST(MediaVerdict, TheLedgerIsBounded) {
  MediaLedger ledger;
  for (uint32_t i = 0; i < MediaLedger::kKept + 100; ++i) ledger.closing({i, 1}, media::LegReport{.received = i});
  EXPECT_EQ(ledger.size(), MediaLedger::kKept);
  CallFacts call;
  call.caller_leg = {5, 1};
  call.callee_leg = {MediaLedger::kKept + 5, 1};
  ledger.fill(call, {}, [](media::LegId) { return std::optional<media::LegReport>{}; });
  EXPECT_FALSE(call.caller_media);
  EXPECT_EQ(call.callee_media->received, MediaLedger::kKept + 5);
}

TEST(MediaVerdict, TheRowThatRoutedACallIsNamed) {
  auto settings = bed_settings();
  settings.routes = {{"*", "77", "*", "78"}, {"*", "2005", "*", "2000"}};
  Flow flow(settings);
  flow.bed.command(MakeCall{1, flow.bed.sign_in("alice"), {}, "2005", {}, browser_sdp(), ""});
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("INVITE"); }));
  EXPECT_EQ(flow.bed.last().route, 2u);
}

TEST(MediaVerdict, AnInviteToNobodyIsTold) {
  Flow flow;
  flow.a.invite("4711", phone_sdp(4000));
  flow.run();
  ASSERT_EQ(flow.bed.refused.size(), 1u);
  EXPECT_EQ(flow.bed.refused[0].status, 404);
  EXPECT_EQ(flow.bed.refused[0].to, "4711");
  EXPECT_EQ(flow.bed.refused[0].why, "nobody takes calls to this number");
}

}  // namespace media_verdict_test
}  // namespace isthmus::test
