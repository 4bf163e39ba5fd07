// SPDX-License-Identifier: MIT
// The line of an ended call, and what a log shows of strangers and secrets.
#include <gtest/gtest.h>

#include <sstream>

#include "base/log.hpp"
#include "gateway/observe/call_log.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace observe_test {

TEST(CallLog, ALineSaysWhoHowAndHowLong) {
  CallLog log;
  CallFacts call;
  call.id = "c_1";
  call.from = "alice\n2026 forged line";
  call.to = "1002";
  call.module = "registrar";
  call.client = "alice";
  call.started = WallTime(std::chrono::seconds(100));
  call.state = CallState::confirmed;
  call.changed = WallTime(std::chrono::milliseconds(102500));
  log.changed(call);
  EXPECT_EQ(log.size(), 1u);
  call.state = CallState::dropped;
  call.reason = DropReason::hung_up;
  call.changed = WallTime(std::chrono::seconds(110));
  EXPECT_EQ(log.ended(call),
            "call c_1 outgoing from alice?2026 forged line to 1002 by registrar client alice ended: hung_up (one side "
            "hung up), "
            "set up 2.5 s, talked 7.5 s");
  EXPECT_EQ(log.size(), 0u);
  call.reason = DropReason::rejected;
  call.code = 486;
  call.text = "Busy \x1b[31mHere";
  EXPECT_NE(
      log.ended(call).find("ended: rejected 486 (the callee said no) \"Busy ?[31mHere\", set up 10.0 s, talked 0.0 s"),
      std::string::npos);
}

TEST(CallLog, Advisory42NoControlCharacterReachesTheLog) {
  CallLog log;
  CallFacts call;
  call.id = "c_1";
  call.from = std::string("ev\x1b[31mil\r\n\0<script>", 20);
  call.to = call.module = call.client = call.text = call.from_name = call.from;
  call.reason = DropReason::rejected;
  for (const char c : log.ended(call)) {
    EXPECT_GE(c, 0x20);
    EXPECT_LT(c, 0x7f);
  }
}

TEST(CallLog, EveryReasonHasASentence) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(DropReason::error); ++i)
    EXPECT_FALSE(sentence(static_cast<DropReason>(i)).empty());
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
