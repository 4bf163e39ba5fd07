// SPDX-License-Identifier: MIT
// Rows D2 to D10 and F1 to F5: 2xx and its ACK, BYE and its neighbours (RFC 3261 13, 15; RFC 5407 3.1, 3.2, appendices
// D and E; RFC 6026).
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
  EXPECT_TRUE(flow.a.has("200 BYE"));
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowD, D2ARepeated200GetsItsAckAndCausesNoSecond200) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.ack();
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, ACK, ACK");
  for (const auto& heard : flow.b.heard) {
    if (heard.line == "ACK") EXPECT_EQ(heard.message.cseq().number, flow.b.last("INVITE").cseq().number);
  }
  EXPECT_EQ(flow.a.count("200 INVITE"), 1u);
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed") << "no new event";
  hang_up(flow);
}

TEST(RowD, D3TheInitialInviteRepeatedAfterTheAnswerIsAbsorbed) {
  Flow flow;
  flow.establish();
  flow.a.repeat_invite();
  flow.run();
  EXPECT_EQ(flow.a.count("482 INVITE"), 0u);
  EXPECT_EQ(flow.b.log(), "") << "one INVITE only";
  EXPECT_EQ(flow.bed.exchange.census()[Census::calls], 1u);
  hang_up(flow);
}

TEST(RowD, D4ASecond2xxWithAnotherTagIsAcknowledgedAndEnded) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.ack();
  flow.b.reply("INVITE", 200, phone_sdp(5002), {}, "another-tag");
  flow.run();
  ASSERT_EQ(flow.b.log(), "INVITE, ACK, ACK, BYE");
  EXPECT_EQ(flow.b.heard[2].message.to_tag(), "another-tag");
  EXPECT_EQ(flow.b.heard[3].message.to_tag(), "another-tag");
  flow.b.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed) << "the first dialog lives";
  flow.forget();
  hang_up(flow);
  EXPECT_EQ(flow.b.last("BYE").to_tag(), "tag-of-b");
}

// What the unwanted dialog of D4 says concerns the session in no way.
TEST(RowD, D4TheUnwantedDialogEndsAndChangesOnlyItself) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.ack();
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5002), {}, "another-tag");
  flow.run();
  flow.forget();
  flow.b.call.local_tag = "another-tag";
  flow.b.reinvite(phone_sdp(5004, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  EXPECT_EQ(flow.b.log(), "100 INVITE, 481 INVITE");
  flow.b.ack_failure("481 INVITE");
  flow.b.request("BYE");
  flow.run();
  EXPECT_EQ(flow.b.log(), "100 INVITE, 481 INVITE, 200 BYE");
  EXPECT_EQ(flow.a.log(), "");
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  flow.run(seconds(40));
  flow.b.forget();
  flow.b.call.local_tag = "tag-of-b";
  flow.b.request("BYE");
  flow.run();
  EXPECT_EQ(flow.b.log(), "200 BYE");
  EXPECT_EQ(flow.a.log(), "BYE");
  flow.a.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

// 13.2.2.4, 16.7: who forked the INVITE cancels the other branches; they get no BYE from here unless they answer.
TEST(RowD, D4AnEarlyDialogBesideTheSessionGetsAByeOnlyWhenItAnswers) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 180, {}, {}, "another-tag");
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  ASSERT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  EXPECT_EQ(flow.b.last("BYE").to_tag(), "tag-of-b");
  flow.b.reply("BYE", 200);
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5002), {}, "another-tag");
  flow.run();
  ASSERT_EQ(flow.b.log(), "INVITE, ACK, BYE, ACK, BYE");
  EXPECT_EQ(flow.b.last("BYE").to_tag(), "another-tag");
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowD, D6ByeComesWhileTheAckIsLost) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.request("BYE");  // A's ACK was lost
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 200 INVITE, 200 BYE");
  flow.run(seconds(3));
  EXPECT_EQ(flow.a.count("200 INVITE"), 1u) << "the repeats stop";
  flow.a.ack();  // late, absorbed
  EXPECT_TRUE(flow.b.has("BYE"));
  flow.b.reply("BYE", 200);
  flow.run();
  const size_t acks = flow.b.count("ACK");
  flow.b.reply("INVITE", 200, phone_sdp(5000));  // our ACK to B was lost too
  flow.run();
  EXPECT_EQ(flow.b.count("ACK"), acks + 1) << "acknowledged, the session is not revived";
  EXPECT_EQ(flow.bed.last().state, CallState::dropped);
  expect_rest(flow);
}

TEST(RowD, D7AnUnusableAnswer) {
  for (const std::string& body : {std::string(), std::string("v=0\r\nnonsense"), phone_sdp(0),
                                  phone_sdp(5000, "96", 1, "a=rtpmap:96 speex/8000\r\n")}) {
    Flow flow;
    flow.ring();
    flow.b.reply("INVITE", 200, body);
    flow.run();
    EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE") << body;
    EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 488 INVITE") << body;
    flow.a.ack_failure("488 INVITE");
    flow.b.reply("BYE", 200);
    flow.run();
    EXPECT_EQ(flow.bed.last().reason, DropReason::media_failed);
    expect_rest(flow);
  }
}

TEST(RowD, D8Bs200AfterLegAHasFailed) {
  Settings settings = bed_settings();
  settings.ring_limit = seconds(20);
  Flow flow(settings);
  flow.ring();
  flow.run(seconds(21));
  flow.a.ack_failure("480 INVITE");
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_TRUE(flow.b.has("ACK"));
  EXPECT_EQ(flow.b.count("BYE"), 1u);
  flow.b.reply("BYE", 200);
  flow.b.reply("CANCEL", 481);
  flow.run();
  EXPECT_EQ(flow.a.count("200 INVITE"), 0u);
  expect_rest(flow);
}

TEST(RowD, D9HangUpBeforeTheAckWaitsForIt) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.b.request("BYE");  // B hangs up before A's ACK is there
  flow.run();
  EXPECT_TRUE(flow.b.has("200 BYE"));
  EXPECT_TRUE(flow.bed.is_free());
  EXPECT_EQ(flow.a.count("BYE"), 0u) << "the callee sends no BYE before the ACK (15)";
  flow.a.ack(phone_sdp(4444));
  flow.run();
  EXPECT_EQ(flow.a.count("BYE"), 1u);
  flow.a.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowD, D9AClientThatHangsUpBeforeTheAckIsFreeAndTheByeWaitsForIt) {
  for (const bool acknowledged : {true, false}) {
    Flow flow;
    const ClientId w = flow.bed.sign_in("alice");
    flow.a.invite("alice", phone_sdp(4000));
    flow.run();
    flow.bed.command(AcceptCall{1, w, flow.bed.last().id, browser_sdp()});
    flow.run();
    ASSERT_EQ(flow.a.log(), "100 INVITE, 200 INVITE");
    flow.bed.command(DropCall{2, w, flow.bed.last().id});
    EXPECT_EQ(flow.bed.done.back().token, 2u);
    EXPECT_EQ(flow.bed.done.back().error, CommandError::none);
    EXPECT_TRUE(flow.bed.is_free());
    flow.run(milliseconds(400));
    EXPECT_EQ(flow.a.count("BYE"), 0u) << "the callee sends no BYE before the ACK (15)";
    const size_t orders = flow.bed.media.orders().size();
    if (acknowledged) flow.a.ack(phone_sdp(4444));
    flow.run(seconds(31));
    EXPECT_EQ(flow.a.has("BYE"), acknowledged);
    flow.run(seconds(2));
    EXPECT_TRUE(flow.a.has("BYE")) << "64*T1";
    EXPECT_EQ(flow.bed.media.orders().size(), orders) << "what the ACK says is ignored";
    flow.a.reply("BYE", 200);
    flow.run();
    EXPECT_EQ(flow.bed.states(), "pending, calling, confirmed, dropped");
    EXPECT_EQ(flow.bed.client_states(), "calling, confirmed") << "X8";
    expect_rest(flow);
  }
}

TEST(RowD, D9WithoutAnAckTheByeComesAfter64T1) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.b.request("BYE");
  flow.run(seconds(31));
  EXPECT_EQ(flow.a.count("BYE"), 0u);
  flow.run(seconds(2));
  EXPECT_GE(flow.a.count("BYE"), 1u);
  flow.a.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowD, D10A2xxOfNothingIsDroppedSilentlyAndCounted) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 486);
  flow.run();
  flow.a.ack_failure("486 INVITE");
  flow.run(seconds(40));
  flow.forget();
  const std::string text =
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnothing;rport\r\nFrom: "
      "<sip:1000@192.0.2.1>;tag=1\r\n"
      "To: <sip:2000@192.0.2.20>;tag=2\r\nCall-ID: nothing\r\nCSeq: 1 INVITE\r\nContact: "
      "<sip:2000@192.0.2.20>\r\nContent-Length: 0\r\n\r\n";
  const auto& drops = flow.bed.exchange.user_agent().endpoint().drops();
  EXPECT_EQ(drops[sip::SipDrop::stray_response], 0u);
  flow.b.send(text);
  flow.run();
  EXPECT_EQ(drops[sip::SipDrop::stray_response], 1u);
  EXPECT_EQ(flow.b.log(), "") << "answering would make us a reflector";
  EXPECT_EQ(flow.a.log(), "") << "and it is never forwarded";
  expect_rest(flow);
}

TEST(RowF, F1ByeCrossesBye) {
  Flow flow;
  flow.establish();
  flow.a.request("BYE");
  flow.b.request("BYE");
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 BYE");
  EXPECT_EQ(flow.b.log(), "BYE, 200 BYE");
  flow.b.reply("BYE", 200);
  flow.run();
  EXPECT_EQ(flow.bed.states(), "pending, calling, ringing, confirmed, dropped");
  expect_rest(flow);
}

TEST(RowF, F2BChallengesTheBye) {
  Settings settings = bed_settings();
  settings.trunks[1].user = "us";
  settings.trunks[1].password = "secret";
  settings.trunks[1].realm = "right";
  Flow flow(settings);
  flow.establish();
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 BYE");
  const uint32_t first = flow.b.last("BYE").cseq().number;
  flow.b.reply("BYE", 407, {},
               "Proxy-Authenticate: Digest realm=\"right\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n");
  flow.run();
  ASSERT_EQ(flow.b.count("BYE"), 2u);
  EXPECT_EQ(flow.b.last("BYE").cseq().number, first + 1);
  EXPECT_TRUE(flow.b.last("BYE").has(sip::Header::proxy_authorization));
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowF, F3R4_15AnUnansweredOrRefusedByeEndsTheLeg) {
  for (const int status : {0, 481, 408, 500}) {
    Flow flow;
    flow.establish();
    flow.a.request("BYE");
    flow.run();
    EXPECT_EQ(flow.a.log(), "200 BYE") << "at once, B has not answered";
    EXPECT_TRUE(flow.bed.is_free());
    if (status != 0) flow.b.reply("BYE", status);
    flow.run(seconds(33));
    EXPECT_EQ(flow.b.count("BYE"), status == 0 ? 11u : 1u);
    EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 0u);
    expect_rest(flow);
  }
}

TEST(RowF, F4AByeWithoutADialogGets481) {
  Flow flow;
  flow.a.call.call_id = "unknown";
  flow.a.call.local_tag = "x";
  flow.a.call.remote_tag = "y";
  flow.a.call.local_uri = "sip:1000@192.0.2.10";
  flow.a.call.remote_uri = flow.a.call.target = "sip:2000@192.0.2.1";
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(flow.a.log(), "481 BYE");
  EXPECT_EQ(flow.b.log(), "");
  EXPECT_TRUE(flow.bed.is_empty()) << "stateless";
  expect_rest(flow);
}

TEST(RowF, F5ARepeatedByeGetsTheSame200) {
  Flow flow;
  flow.establish();
  std::string bye;
  flow.world.tap = [&](const Datagram& datagram) {
    if (datagram.from == kA && datagram.bytes.starts_with("BYE")) bye = datagram.bytes;
  };
  flow.a.request("BYE");
  flow.run();
  flow.a.send(bye);
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 BYE, 200 BYE");
  EXPECT_EQ(flow.a.heard[0].message.bytes(), flow.a.heard[1].message.bytes());
  EXPECT_EQ(flow.b.log(), "BYE") << "one BYE";
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
