// SPDX-License-Identifier: MIT
// Rows E1 to E3, E5 to E8, S4 and S6: changes of a running session (RFC 3261 14, RFC 3264 8, RFC 3311, RFC 4028; RFC
// 5407 3.3).
#include <gtest/gtest.h>

#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

void hang_up(Flow& flow) {
  flow.a.request("BYE");
  flow.run();
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowE, E1AChangeOfDirectionIsCarriedToB) {
  Flow flow;
  flow.establish();
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  ASSERT_EQ(flow.b.log(), "INVITE");
  EXPECT_NE(flow.b.last("INVITE").body().find("a=sendonly"), std::string_view::npos);
  EXPECT_NE(flow.b.last("INVITE").to_tag(), "");
  EXPECT_EQ(flow.a.log(), "100 INVITE");
  flow.b.reply("INVITE", 200, phone_sdp(5000, "0 8", 2, "a=recvonly\r\n"));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  EXPECT_EQ(flow.a.log(), "100 INVITE, 200 INVITE");
  EXPECT_NE(flow.a.last("200 INVITE").body().find("a=recvonly"), std::string_view::npos);
  flow.a.ack();
  flow.run();
  const auto legs = flow.bed.media.legs();
  EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[1]));
  EXPECT_FALSE(flow.bed.media.flows(legs[1], legs[0])) << "held: nothing goes to A";
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed");
  hang_up(flow);
}

TEST(RowE, E1ANewAddressOnlyReTargetsTheRelay) {
  Flow flow;
  flow.establish();
  const auto legs = flow.bed.media.legs();
  const unsigned armed = flow.bed.media.find(legs[0])->armed;
  flow.a.reinvite(phone_sdp(4100, "0 8", 2));
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 200 INVITE");
  EXPECT_EQ(flow.b.log(), "") << "the other leg hears nothing";
  EXPECT_EQ(flow.bed.media.find(legs[0])->armed, armed + 1);
  EXPECT_EQ(flow.bed.media.find(legs[0])->rtp->remote.port, 4100);
  flow.a.ack();
  flow.run();
  hang_up(flow);
}

TEST(RowE, E2R1_20ARefreshIsAnsweredWithOurLastSdpUnchanged) {
  Flow flow;
  flow.a.invite("2000", phone_sdp(4000));
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  const std::string first(flow.a.last("200 INVITE").body());
  flow.a.ack();
  flow.run();
  flow.forget();
  const auto legs = flow.bed.media.legs();
  const unsigned armed = flow.bed.media.find(legs[0])->armed;
  for (const uint32_t version : {1u, 2u}) {  // the o= line is left out of the comparison
    flow.a.reinvite(phone_sdp(4000, "0 8", version));
    flow.run();
    flow.a.ack();
    flow.run();
    EXPECT_EQ(flow.a.last("200 INVITE").body(), first);
  }
  EXPECT_EQ(flow.b.log(), "");
  EXPECT_EQ(flow.bed.media.find(legs[0])->armed, armed) << "media uninterrupted";
  EXPECT_EQ(flow.bed.exchange.census()[Census::calls], 1u);
  EXPECT_EQ(flow.bed.exchange.reoffers_of_same_version(), 0u);
  hang_up(flow);
}

// B's 2xx has its ACK, so B is on a session that A cannot have: the call is over (as in D7).
TEST(RowE, E1AnAnswerToAReinviteThatCannotBeUsedEndsBothLegs) {
  for (const std::string& body : {std::string(), std::string("v=0\r\nnonsense"), phone_sdp(0, "0 8", 2),
                                  phone_sdp(5000, "96", 2, "a=rtpmap:96 speex/8000\r\n")}) {
    for (const bool from_a : {true, false}) {
      Flow flow;
      flow.establish();
      SipPeer& origin = from_a ? flow.a : flow.b;
      SipPeer& far = from_a ? flow.b : flow.a;
      origin.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
      flow.run();
      far.reply("INVITE", 200, body);
      flow.run();
      EXPECT_EQ(far.log(), "INVITE, ACK, BYE") << body;
      EXPECT_EQ(origin.log(), "100 INVITE, 488 INVITE, BYE") << body;
      origin.ack_failure("488 INVITE");
      origin.reply("BYE", 200);
      far.reply("BYE", 200);
      flow.run();
      EXPECT_EQ(flow.bed.last().state, CallState::dropped);
      EXPECT_EQ(flow.bed.last().reason, DropReason::media_failed);
      EXPECT_EQ(flow.bed.last().text, "the answer to the re-INVITE cannot be used");
      expect_rest(flow);
    }
  }
}

// Other content under the same o= line, which RFC 3264 8 forbids: what it says counts, and it is counted.
TEST(RowE, E2OtherContentUnderTheSameVersionIsTreatedAsE1AndCounted) {
  Flow flow;
  flow.establish();
  flow.a.reinvite(phone_sdp(4000, "0 8", 1, "a=sendonly\r\n"));
  flow.run();
  ASSERT_EQ(flow.b.log(), "INVITE");
  flow.b.reply("INVITE", 200, phone_sdp(5000, "0 8", 2, "a=recvonly\r\n"));
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 200 INVITE");
  flow.a.ack();
  flow.run();
  EXPECT_EQ(flow.bed.exchange.reoffers_of_same_version(), 1u);
  hang_up(flow);
}

// Our re-INVITE to A and A's own cross on A's leg.
TEST(RowE, E3CrossingReinvitesGet491OnBothSidesAndOursIsTriedAgain) {
  Flow flow;
  flow.establish();
  flow.b.reinvite(phone_sdp(5000, "0 8", 2, "a=sendonly\r\n"));
  ASSERT_TRUE(flow.world.run_until([&] { return flow.a.has("INVITE"); }));
  const auto ours = flow.a.last("INVITE").cseq().number;
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=inactive\r\n"));
  flow.run();
  ASSERT_TRUE(flow.a.has("491 INVITE"));
  flow.a.ack_failure("491 INVITE");
  flow.a.reply("INVITE", 491);
  flow.run();
  EXPECT_TRUE(flow.a.has("ACK"));
  const TimePoint refused = flow.world.now().steady;
  ASSERT_TRUE(flow.world.run_until([&] { return flow.a.count("INVITE") == 2; }, seconds(5)));
  EXPECT_LE(flow.world.now().steady - refused, seconds(2) + milliseconds(10)) << "14.1: not the owner of the Call-ID";
  EXPECT_EQ(flow.a.last("INVITE").cseq().number, ours + 1);
  flow.a.reply("INVITE", 200, phone_sdp(4000, "0 8", 3, "a=recvonly\r\n"));
  flow.run();
  EXPECT_TRUE(flow.b.has("200 INVITE")) << "the result is relayed after success";
  flow.b.ack();
  flow.run();
  hang_up(flow);
}

// RFC 3261 14.2, RFC 6337 2.3: A holds an offer of ours and has not answered it, so no other offer passes through.
TEST(RowE, NoOfferOfOneSideReachesTheOtherWhileThatOneHasAnOpenOffer) {
  for (const bool in_first_invite : {true, false}) {
    Flow flow;
    if (in_first_invite) {  // E9
      flow.a.invite("2000");
      flow.run();
      flow.b.reply("INVITE", 200, phone_sdp(5000));
      flow.run();
      flow.forget();
      flow.a.call.target = "sip:2000@192.0.2.1:5060";
    } else {  // trap 17
      flow.establish();
      flow.a.reinvite();
      flow.run();
      ASSERT_EQ(flow.a.log(), "100 INVITE, 200 INVITE");
    }
    flow.b.reinvite(phone_sdp(5000, "0 8", 2, "a=sendonly\r\n"));
    flow.run();
    EXPECT_EQ(flow.b.log(), "100 INVITE, 491 INVITE") << in_first_invite;
    EXPECT_EQ(flow.a.count("INVITE"), 0u);
    flow.b.ack_failure("491 INVITE");
    flow.a.ack(phone_sdp(4444, "0 8", 2));
    flow.run();
    EXPECT_EQ(flow.bed.media.find(flow.bed.last().caller_leg)->rtp->remote.port, 4444);
    EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
    flow.forget();
    flow.b.reinvite(phone_sdp(5000, "0 8", 3, "a=sendonly\r\n"));
    flow.run();
    ASSERT_EQ(flow.a.log(), "INVITE");
    flow.a.reply("INVITE", 200, phone_sdp(4444, "0 8", 3, "a=recvonly\r\n"));
    flow.run();
    EXPECT_EQ(flow.b.log(), "100 INVITE, 200 INVITE") << "now it passes";
    flow.b.ack();
    flow.run();
    hang_up(flow);
  }
}

TEST(RowE, E5ASecondReinviteWhileTheFirstIsUnansweredGets500) {
  Flow flow;
  flow.establish();
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  flow.a.reinvite(phone_sdp(4000, "0 8", 3, "a=inactive\r\n"));
  flow.run();
  const auto& refused = flow.a.last("500 INVITE");
  const auto after = refused.header(sip::Header::retry_after);
  ASSERT_TRUE(after);
  EXPECT_LE(std::stoi(std::string(*after)), 10);
  flow.a.ack_failure("500 INVITE");
  EXPECT_EQ(flow.b.count("INVITE"), 1u);
  flow.b.reply("INVITE", 200, phone_sdp(5000, "0 8", 2, "a=recvonly\r\n"));
  flow.run();
  EXPECT_TRUE(flow.a.has("200 INVITE")) << "the first is unaffected";
  flow.a.call.invite_cseq = flow.a.last("200 INVITE").cseq().number;
  flow.a.ack();
  flow.run();
  hang_up(flow);
}

TEST(RowE, E6ALowerCSeqGets500) {
  Flow flow;
  flow.establish();
  flow.a.request("OPTIONS");
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 OPTIONS");
  flow.a.call.cseq -= 1;  // the same number again, in a new transaction
  flow.a.request("OPTIONS");
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 OPTIONS, 500 OPTIONS");
  const uint32_t newest = flow.a.call.cseq;
  for (const char* method : {"OPTIONS", "UPDATE", "BYE"}) {
    flow.a.forget();
    flow.a.call.cseq = 0;  // a lower one
    flow.a.request(method);
    flow.run();
    EXPECT_EQ(flow.a.log(), std::string("500 ") + method);
  }
  flow.a.call.cseq = newest;
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  EXPECT_EQ(flow.b.log(), "");
  hang_up(flow);
}

TEST(RowE, E7ARefusedReinviteLeavesTheSessionAsItWas) {
  Flow flow;
  flow.establish();
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  flow.b.reply("INVITE", 488);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  EXPECT_EQ(flow.a.log(), "100 INVITE, 488 INVITE");
  flow.a.ack_failure("488 INVITE");
  flow.run();
  const auto legs = flow.bed.media.legs();
  EXPECT_TRUE(flow.bed.media.flows(legs[0], legs[1]));
  EXPECT_TRUE(flow.bed.media.flows(legs[1], legs[0]));
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  hang_up(flow);
}

TEST(RowE, E8A481OrSilenceToTheReinviteEndsTheCall) {
  for (const int status : {481, 408, 0}) {
    for (const bool bye_crosses : {false, true}) {
      Flow flow;
      flow.establish();
      flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
      flow.run();
      if (status != 0) flow.b.reply("INVITE", status);
      // The last moment before anything of it reaches A.
      if (status == 0) flow.run(seconds(32) - milliseconds(20) - milliseconds(18));
      ASSERT_EQ(flow.a.log(), "100 INVITE");
      ASSERT_TRUE(flow.world.run_until([&] { return flow.bed.last().state == CallState::dropped; }));
      if (bye_crosses) flow.a.request("BYE");
      flow.run(milliseconds(4));
      EXPECT_EQ(flow.a.log().substr(0, 27), "100 INVITE, 500 INVITE, BYE") << status;
      if (bye_crosses) EXPECT_TRUE(flow.a.has("200 BYE") || flow.a.has("481 BYE")) << flow.a.log();
      flow.a.ack_failure("500 INVITE");
      EXPECT_EQ(flow.b.count("BYE"), 1u) << "best effort";
      flow.a.reply("BYE", bye_crosses ? 481 : 200);
      flow.b.reply("BYE", 481);
      flow.run();
      EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed, dropped");
      expect_rest(flow);
    }
  }
}

TEST(RowS, S4ThePeerDoesNotRefresh) {
  Flow flow;
  flow.a.invite("2000", phone_sdp(4000), "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.a.last("200 INVITE").header(sip::Header::session_expires), "90;refresher=uac");
  flow.a.ack();
  flow.run();
  const TimePoint start = flow.a.last_heard("100 INVITE").at;
  ASSERT_TRUE(flow.world.run_until([&] { return flow.a.has("BYE"); }, seconds(100)));
  EXPECT_NEAR(std::chrono::duration<double>(flow.world.now().steady - start).count(), 60, 0.1) << "SE - min(32, SE/3)";
  EXPECT_TRUE(flow.world.run_until([&] { return flow.b.has("BYE"); }, milliseconds(5)));
  flow.a.reply("BYE", 200);
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

// RFC 4028 9: a 2xx never names a longer interval than was asked for.
TEST(RowS, S4AnIntervalIsNeverRaised) {
  Flow flow;
  flow.a.invite("2000", phone_sdp(4000), "Supported: timer\r\nSession-Expires: 60\r\n");
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.a.last("200 INVITE").header(sip::Header::session_expires), "60;refresher=uac");
  flow.a.ack();
  flow.run(seconds(45));
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  flow.a.request("UPDATE", {}, "Supported: timer\r\nSession-Expires: 60;refresher=uac\r\n");
  flow.run(seconds(45));
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  hang_up(flow);
}

// RFC 4028 9: nor is it lowered below Min-SE.
TEST(RowS, S4AnIntervalIsNotBelowMinSe) {
  for (const auto& [least, said] : {std::pair{"", "86400"}, {"Min-SE: 90000\r\n", "90000"}}) {
    Flow flow;
    flow.a.invite("2000", phone_sdp(4000), "Supported: timer\r\nSession-Expires: 100000\r\n" + std::string(least));
    flow.run();
    flow.b.reply("INVITE", 200, phone_sdp(5000));
    flow.run();
    EXPECT_EQ(flow.a.last("200 INVITE").header(sip::Header::session_expires), std::string(said) + ";refresher=uac");
  }
}

// RFC 4028 9: a proxy asked for a timer that the caller knows nothing of. Only we could refresh, and we do not.
TEST(RowS, S4ACallerWithoutTimersHasNone) {
  Flow flow;
  const auto expect_no_timer = [](const sip::Message& answer) {
    EXPECT_FALSE(answer.has(sip::Header::session_expires));
    EXPECT_FALSE(answer.has(sip::Header::require));
  };
  flow.a.invite("2000", phone_sdp(4000), "Supported: 100rel, timers\r\nSession-Expires: 90\r\nMin-SE: 90\r\n");
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  expect_no_timer(flow.a.last("200 INVITE"));
  flow.a.ack();
  flow.run(seconds(200));
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  flow.forget();
  flow.a.request("UPDATE", {}, "Session-Expires: 90;refresher=uac\r\n");
  flow.run();
  expect_no_timer(flow.a.last("200 UPDATE"));
  flow.run(seconds(200));
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  EXPECT_EQ(flow.b.log(), "");
  hang_up(flow);
}

// RFC 4028 10: with its 2xx to a re-INVITE of ours the peer counts anew, and so do we.
TEST(RowS, S4A2xxToOurReinviteStartsTheTimerAnew) {
  for (const bool goes_on : {true, false}) {
    Flow flow;
    const std::string expires = "Session-Expires: 90;refresher=uas\r\n";
    flow.call();
    flow.b.reply("INVITE", 200, phone_sdp(5000), expires);
    flow.run();
    flow.a.ack();
    flow.run(seconds(44));  // B would refresh at 45 s, and we would give up at 60 s
    ASSERT_EQ(flow.bed.last().state, CallState::confirmed);
    flow.forget();
    flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
    flow.run();
    flow.b.reply("INVITE", 200, phone_sdp(5000, "0 8", 2, "a=recvonly\r\n"), goes_on ? expires : "");
    const TimePoint anew = flow.world.now().steady;
    flow.run();
    flow.a.ack();
    flow.run(seconds(44));
    EXPECT_EQ(flow.bed.last().state, CallState::confirmed) << "88 s after the first 2xx";
    EXPECT_EQ(flow.b.log(), "INVITE, ACK");
    if (!goes_on) {  // without an interval in it there is none any more
      flow.run(seconds(600));
      EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
      hang_up(flow);
      continue;
    }
    ASSERT_TRUE(flow.world.run_until([&] { return flow.b.has("BYE"); }, seconds(100)));
    EXPECT_NEAR(std::chrono::duration<double>(flow.world.now().steady - anew).count(), 60, 0.1);
    flow.run();
    flow.a.reply("BYE", 200);
    flow.b.reply("BYE", 200);
    flow.run();
    expect_rest(flow);
  }
}

TEST(RowS, S6AnUpdateRefreshesTheTarget) {
  Flow flow;
  flow.establish();
  SipPeer moved(flow.world, "1000", {kA.ip, 5099}, kGateway);
  flow.a.request("UPDATE", {}, "Contact: <sip:1000@192.0.2.10:5099>\r\n");
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 UPDATE");
  ASSERT_TRUE(flow.a.last("200 UPDATE").contact());
  flow.b.request("BYE");
  flow.run();
  EXPECT_EQ(moved.log(), "BYE");
  EXPECT_EQ(flow.a.log(), "200 UPDATE");
  moved.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowS, S6AnUpdateWithoutABodyIsAnsweredAndRefreshesTheTimer) {
  Flow flow;
  flow.a.invite("2000", phone_sdp(4000), "Supported: timer\r\nSession-Expires: 90\r\n");
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_TRUE(flow.a.last("200 INVITE").lists(sip::Header::allow, "UPDATE"));
  flow.a.ack();
  for (int i = 0; i < 4; ++i) {
    flow.run(seconds(45));
    flow.forget();
    flow.a.request("UPDATE", {},
                   "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\nContact: <sip:1000@192.0.2.10:5060>\r\n");
    flow.run();
    ASSERT_EQ(flow.a.log(), "200 UPDATE");
    EXPECT_EQ(flow.a.last("200 UPDATE").header(sip::Header::session_expires), "90;refresher=uac");
    EXPECT_EQ(flow.b.log(), "") << "per leg: B hears nothing";
  }
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  flow.run(seconds(70));
  EXPECT_EQ(flow.bed.last().state, CallState::dropped) << "no more refreshes: as S4";
  flow.a.reply("BYE", 200);
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
