// SPDX-License-Identifier: MIT
// The line of an ended call, and what a log shows of strangers and secrets.
#include <gtest/gtest.h>

#include <sstream>

#include "base/log.hpp"
#include "gateway/observe/call_log.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace observe_test {

CallFacts ended_call() {
  CallFacts call;
  call.id = "c_1";
  call.from = "alice\n2026 forged line";
  call.to = "1002";
  call.module = "registrar";
  call.client = "alice";
  call.started = WallTime(std::chrono::seconds(100));
  call.confirmed = WallTime(std::chrono::milliseconds(102500));
  call.state = CallState::dropped;
  call.reason = DropReason::hung_up;
  call.sip_code = 200;
  call.route = 2;
  call.changed = WallTime(std::chrono::seconds(110));
  call.caller_media = media::LegReport{.kind = media::LegKind::webrtc, .received = 250, .sent = 0};
  call.callee_media = media::LegReport{.received = 0, .sent = 248, .dropped = 12};
  call.media_verdict = MediaVerdict::no_rtp_from_phone;
  call.media_text = "no RTP from the phone (callee)";
  return call;
}

struct Rules {
  explicit Rules(const LogRules& rules) { set_log(rules); }
  ~Rules() { set_log({}); }
};

TEST(CallLog, ALineSaysEverythingThatIsKnownOfTheCall) {
  CallFacts call = ended_call();
  EXPECT_EQ(call_ended(call).text,
            "call c_1 outgoing from alice?2026 forged line to 1002 by registrar client alice ended: hung_up 200 (one "
            "side hung up), route 2, set up 2.5 s, talked 7.5 s, packets caller 250 in 0 out, callee 0 in 248 out 12 "
            "dropped, media: no RTP from the phone (callee)");
  call.reason = DropReason::rejected;
  call.code = 486;
  call.text = "Busy \x1b[31mHere";
  call.confirmed.reset();
  call.route = 0;
  call.caller_media.reset(), call.callee_media.reset();
  call.media_verdict = MediaVerdict::none;
  call.media_text.clear();
  EXPECT_NE(call_ended(call).text.find(
                "ended: rejected 486 (the callee said no) \"Busy ?[31mHere\", route none, set up 10.0 s, talked 0.0 s, "
                "packets caller none, callee none, media: not judged"),
            std::string::npos)
      << call_ended(call).text;
}

TEST(CallLog, AJsonLineHasTheSameInMembers) {
  const auto json = parse_json("{" + written(call_ended(ended_call()), LogFormat::json) + "}");
  ASSERT_TRUE(json);
  EXPECT_EQ(*json->find("call")->text(), "c_1");
  EXPECT_EQ(*json->find("route")->integer(), 2);
  EXPECT_EQ(*json->find("code")->integer(), 200);
  EXPECT_EQ(*json->find("media")->text(), "no_rtp_from_phone");
  EXPECT_EQ(*json->find("callee_packets")->find("dropped")->integer(), 12);
}

TEST(CallLog, MaskedLinesShowEndsAndNetworksOnlyAndAlwaysTheSame) {
  const Rules rules({.mask = true});
  CallFacts call = ended_call();
  call.from = "+4930123467";
  call.to = "4711";
  call.client = "alice.cooper";
  call.text = "call +4930123467 instead";
  const LogLine line = call_ended(call);
  EXPECT_NE(line.text.find("from ***67 to *** by registrar client ***er ended"), std::string::npos) << line.text;
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    for (const char* shown : {"4930123467", "4711", "alice", "cooper"})
      EXPECT_EQ(written(line, format).find(shown), std::string::npos) << shown << " in " << written(line, format);
  }
  EXPECT_EQ(shown_address({IpAddress::v4(192, 0, 2, 77), 5060}), "192.0.2.x");
  EXPECT_EQ(shown_address({*IpAddress::parse("2001:db8:7:1::9"), 5060}), "2001:db8:7:x");
  const LogLine refused = call_refused({"+4930123467", "4711", {IpAddress::v4(192, 0, 2, 77), 5060}, 488, "no codec"});
  EXPECT_EQ(refused.text, "no call from ***67 at 192.0.2.x to ***: refused with 488 (no codec)");
}

TEST(CallLog, WhatAnOperatorCanChangeIsSaidAndOnlyThere) {
  const auto advice = [](DropReason reason, uint16_t code, std::string module) {
    CallFacts call = ended_call();
    call.reason = reason;
    call.code = call.sip_code = code;
    call.module = std::move(module);
    const auto json = parse_json("{" + written(call_ended(call), LogFormat::json) + "}");
    const Json* out = json->find("advice");
    const std::string text = out == nullptr ? std::string{} : *out->text();
    EXPECT_NE(
        call_ended(call).text.find(" (" + std::string(sentence(reason)) + (text.empty() ? "" : "; ") + text + ")"),
        std::string::npos)
        << call_ended(call).text;
    return text;
  };
  using enum DropReason;
  EXPECT_EQ(advice(not_found, 404, ""), "give it to an account, to trunk.numbers or to a route");
  EXPECT_EQ(advice(no_web_server, 403, ""), "webhook.url names one, admission = \"allow-all\" does without");
  EXPECT_EQ(advice(web_server_unreachable, 403, "echo"), "is it running at webhook.url?");
  EXPECT_EQ(advice(web_server_timeout, 403, "echo"), "timers.policy_s and timers.decision_s are its limits");
  EXPECT_EQ(advice(unavailable, 408, "carrier").substr(0, 37), "no answer at all: check trunk.host, t");
  EXPECT_EQ(advice(unavailable, 503, "carrier").substr(0, 37), "it cannot be reached: check trunk.hos");
  EXPECT_EQ(advice(unavailable, 408, "registrar").substr(0, 37), "no answer at all: is the phone on, do");
  EXPECT_EQ(advice(unavailable, 503, "registrar").substr(0, 37), "it cannot be reached: is the phone on");
  EXPECT_EQ(advice(rejected, 407, "carrier"), "trunk.user, trunk.password and trunk.realm must be what it asks for");
  for (const uint16_t code : {408, 503}) EXPECT_EQ(advice(unavailable, code, "target"), "");
  EXPECT_EQ(advice(unavailable, 480, "client"), "");
  EXPECT_EQ(advice(unavailable, 486, "registrar"), "limits.calls_per_account is reached");
  EXPECT_EQ(advice(rejected, 407, "registrar"), "");
  EXPECT_EQ(advice(rejected, 486, "carrier"), "");
  EXPECT_EQ(advice(hung_up, 200, "carrier"), "");
}

TEST(CallLog, ASilentSideIsNamedWithTheCall) {
  const LogLine line = media_silent(ended_call(), false, std::chrono::seconds(30));
  EXPECT_EQ(line.level, LogLevel::warning);
  EXPECT_EQ(
      line.text,
      "call c_1 silent for 30 s: no RTP from the phone (callee), packets caller 250 in 0 out, callee 0 in 248 out "
      "12 dropped");
  EXPECT_NE(
      media_silent(ended_call(), true, std::chrono::seconds(30)).text.find("no more RTP from the browser (caller)"),
      std::string::npos);
}

TEST(CallLog, Advisory42NoControlCharacterReachesTheLogAndJsonStaysJson) {
  CallFacts call;
  call.id = "c_1";
  call.from = std::string("ev\x1b[31mil\r\n\0\xff\"\\<script>\xe2\x80\xa8", 24);
  call.to = call.module = call.client = call.text = call.from_name = call.origin = call.from;
  call.reason = DropReason::rejected;
  const LogLine line = call_ended(call);
  const std::string json = "{" + written(line, LogFormat::json) + "}";
  EXPECT_TRUE(parse_json(json)) << json;
  for (const std::string& out : {written(line, LogFormat::text), json}) {
    for (const char c : out) {
      EXPECT_GE(c, 0x20);
      EXPECT_LT(c, 0x7f);
    }
  }
  // Whoever forgets to ask for printable() still writes one line.
  EXPECT_EQ(written({LogLevel::info, "one\ntwo\x1b"}, LogFormat::text), "one?two?");
}

TEST(MediaVerdict, EveryVerdictHasAWordAndASentence) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(MediaVerdict::no_rtp_from_browser); ++i) {
    EXPECT_FALSE(word(static_cast<MediaVerdict>(i)).empty());
    EXPECT_FALSE(sentence(static_cast<MediaVerdict>(i)).empty());
  }
}

TEST(CallLog, EveryReasonHasASentence) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(DropReason::error); ++i)
    EXPECT_FALSE(sentence(static_cast<DropReason>(i)).empty());
}

TEST(CallLog, WhoeverIsNotBelievedIsNamedWithWhatIsWrong) {
  const CredentialsRefused refused{"10\r\n00", "wrong password", "REGISTER", IpAddress::v4(192, 0, 2, 7)};
  EXPECT_EQ(written(credentials_refused(refused, 0), LogFormat::text),
            "refused 10??00 from 192.0.2.7: wrong password (REGISTER)");
  EXPECT_EQ(written(credentials_refused(refused, 7), LogFormat::text),
            "refused 10??00 from 192.0.2.7: wrong password (REGISTER); 7 more before it were not told");
  const CredentialsRefused forger{"1 from 203.0.113.9: x", "no such account", "REGISTER", IpAddress::v4(192, 0, 2, 7)};
  EXPECT_EQ(written(credentials_refused(forger, 0), LogFormat::text),
            "refused 1?from?203.0.113.9??x from 192.0.2.7: no such account (REGISTER)");
}

// Strangers can guess as often as they like: the log does not grow with them.
TEST(Log, LinesThatStrangersProvokeAreLimitedAndTheRestIsCounted) {
  LineLimit limit(2, std::chrono::seconds(6));
  TimePoint now = TimePoint(std::chrono::hours(1));
  EXPECT_EQ(limit.admit(now), 0u);
  EXPECT_EQ(limit.admit(now), 0u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limit.admit(now), std::nullopt);
  now += std::chrono::seconds(6);
  EXPECT_EQ(limit.admit(now), 5u) << "and it says how many were passed over";
  EXPECT_EQ(limit.admit(now), std::nullopt);
  now += std::chrono::hours(1);
  EXPECT_EQ(limit.admit(now), 1u);
  EXPECT_EQ(limit.admit(now), 0u);
  EXPECT_EQ(limit.admit(now), std::nullopt) << "never more in a row than the limit";
}

TEST(Log, SecretsPrintAsStars) {
  std::ostringstream out;
  out << Private<std::string>("correct horse");
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(printable("a\x7f\xc3\xa4\r\n"), "a?????");
  EXPECT_EQ(printable(std::string(1000, 'x')).size(), 512u);
}

}  // namespace observe_test
}  // namespace isthmus::gateway
