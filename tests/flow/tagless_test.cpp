// SPDX-License-Identifier: MIT
// R3.11: peers of RFC 2543 give no tag. RFC 3261 12.1.1 and 12.1.2: a From tag of a request, a To tag of a response
// that is missing counts as null, and 12.2.1.1: what is null is left out of what is sent. Such calls are calls like any
// other.
#include <gtest/gtest.h>

#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool names_a_tag(const sip::Message& message, sip::Header header) {
  return message.header(header).value_or("").find("tag") != std::string_view::npos;
}

struct OldCaller : Flow {
  OldCaller() { a.tag.clear(); }
};

TEST(Tagless, R3_11ACallerWithoutAFromTagHangsUp) {
  OldCaller flow;
  flow.call();
  EXPECT_NE(flow.b.last("INVITE").from_tag(), "") << "8.1.1.3: ours has one";
  flow.b.reply("INVITE", 180);
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_NE(flow.a.last("180 INVITE").to_tag(), "") << "8.2.6.2";
  EXPECT_EQ(flow.a.last("200 INVITE").to_tag(), flow.a.last("180 INVITE").to_tag());
  EXPECT_FALSE(names_a_tag(flow.a.last("200 INVITE"), sip::Header::from));
  flow.a.ack();
  flow.run(seconds(5));
  EXPECT_EQ(flow.a.count("200 INVITE"), 1u) << "its ACK was taken";
  flow.forget();
  flow.a.reinvite(phone_sdp(4002, "0 8", 2));
  flow.run();
  ASSERT_EQ(flow.a.log(), "100 INVITE, 200 INVITE");
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.a.has("200 BYE"));
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(Tagless, R3_11ACallerWithoutAFromTagIsHungUpOn) {
  OldCaller flow;
  flow.establish();
  flow.b.request("BYE");
  flow.run();
  ASSERT_EQ(flow.a.log(), "BYE");
  const sip::Message& bye = flow.a.last("BYE");
  EXPECT_FALSE(names_a_tag(bye, sip::Header::to)) << "null is left out (12.2.1.1)";
  EXPECT_EQ(bye.from_tag(), flow.a.call.remote_tag);
  flow.a.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(Tagless, R3_11ACallerWithoutAFromTagCancels) {
  OldCaller flow;
  flow.ring();
  flow.a.cancel();
  flow.run();
  EXPECT_TRUE(flow.a.has("200 CANCEL"));
  ASSERT_TRUE(flow.a.has("487 INVITE"));
  flow.a.ack_failure("487 INVITE");
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  expect_rest(flow);
}

// Null is a tag like any other: with another one it is another dialog.
TEST(Tagless, R3_11NoTagIsNotAnyTag) {
  OldCaller flow;
  flow.establish();
  flow.a.call.local_tag = "new";
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(flow.a.log(), "481 BYE");
  EXPECT_EQ(flow.b.log(), "");
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);

  OldCaller merged;
  merged.call();
  const std::string second = "INVITE " + merged.a.call.invite_uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + kA.text() +
                             ";branch=" + merged.a.new_branch() + "\r\nMax-Forwards: 70\r\nFrom: <" +
                             merged.a.call.local_uri + ">\r\nTo: <" + merged.a.call.remote_uri +
                             ">\r\nCall-ID: " + merged.a.call.call_id +
                             "\r\nCSeq: 1 INVITE\r\nContact: <sip:1000@192.0.2.10>\r\nContent-Length: 0\r\n\r\n";
  merged.a.forget();
  merged.a.send(second);
  merged.run();
  EXPECT_EQ(merged.a.log(), "482 INVITE") << "the same INVITE over another way (8.2.2.2)";
  EXPECT_EQ(merged.b.count("INVITE"), 1u);
  // A tag that is begun and not given is no null, but broken: nobody could be answered.
  const size_t tag = second.find(">\r\nTo") + 1;
  merged.a.forget();
  for (const char* broken : {";tag=", ";tag=;x", ";=x"}) merged.a.send(std::string(second).insert(tag, broken));
  merged.run();
  EXPECT_EQ(merged.a.log(), "");
  EXPECT_EQ(merged.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::malformed], 3u);
}

// ---- the callee

struct OldCallee : Flow {
  OldCallee() { b.tag.clear(); }
};

TEST(Tagless, R3_11AnAnswerWithoutAToTagMakesACall) {
  OldCallee flow;
  flow.ring();
  EXPECT_EQ(flow.bed.last().state, CallState::ringing);
  EXPECT_TRUE(flow.a.has("180 INVITE"));
  for (int i = 0; i < 3; ++i) {
    flow.b.reply("INVITE", 200, phone_sdp(5000));
    flow.run();
  }
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, ACK, ACK") << "the same answer again, acknowledged each time (13.2.2.4)";
  EXPECT_FALSE(names_a_tag(flow.b.last("ACK"), sip::Header::to));
  EXPECT_EQ(flow.a.count("200 INVITE"), 1u);
  EXPECT_NE(flow.a.last("200 INVITE").to_tag(), "") << "legs of their own";
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  ASSERT_EQ(flow.b.count("BYE"), 1u);
  EXPECT_FALSE(names_a_tag(flow.b.last("BYE"), sip::Header::to));
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(Tagless, R3_11ACalleeWithoutATagHangsUp) {
  OldCallee flow;
  flow.establish();
  flow.b.request("BYE");
  flow.run();
  EXPECT_EQ(flow.b.log(), "200 BYE");
  ASSERT_TRUE(flow.a.has("BYE"));
  flow.a.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(Tagless, R3_11AnAnswerWithoutAToTagBehindARingingWithOne) {
  for (const bool callee_ends : {false, true}) {
    Flow flow;
    flow.ring();
    flow.b.tag.clear();
    flow.b.reply("INVITE", 200, phone_sdp(5000));
    flow.run();
    EXPECT_EQ(flow.b.log(), "INVITE, ACK");
    flow.a.ack();
    flow.run();
    EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
    if (callee_ends) {
      flow.b.call.local_tag.clear();
      flow.b.request("BYE");
    } else {
      flow.a.request("BYE");
    }
    flow.run();
    EXPECT_TRUE(callee_ends ? flow.b.has("200 BYE") : flow.a.has("200 BYE"));
    SipPeer& other = callee_ends ? flow.a : flow.b;
    EXPECT_EQ(other.count("BYE"), 1u);
    other.reply("BYE", 200);
    flow.run();
    expect_rest(flow);
  }
}

TEST(Tagless, R3_11ARefusalWithoutAToTagIsAcknowledgedAndPassedOn) {
  OldCallee flow;
  flow.ring();
  flow.b.reply("INVITE", 486);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  EXPECT_FALSE(names_a_tag(flow.b.last("ACK"), sip::Header::to));
  ASSERT_TRUE(flow.a.has("486 INVITE"));
  EXPECT_NE(flow.a.last("486 INVITE").to_tag(), "") << "8.2.6.2";
  flow.a.ack_failure("486 INVITE");
  flow.run();
  expect_rest(flow);
}

// Called off while it rings, and the answer comes all the same (C5): also without a tag it gets its ACK and its BYE.
TEST(Tagless, R3_11ALateAnswerWithoutAToTagIsEnded) {
  OldCallee flow;
  flow.ring();
  flow.a.cancel();
  flow.run();
  flow.a.ack_failure("487 INVITE");
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK, BYE");
  EXPECT_FALSE(names_a_tag(flow.b.last("BYE"), sip::Header::to));
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
