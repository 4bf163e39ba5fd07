// SPDX-License-Identifier: MIT
// The text format of metrics, and the line of an ended call.
#include <gtest/gtest.h>

#include <sstream>

#include "base/log.hpp"
#include "gateway/observe/call_log.hpp"
#include "gateway/observe/exposition.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace observe_test {

TEST(Exposition, FamiliesSamplesAndEscapes) {
  Exposition out;
  out.family("isthmus_x_total", "counter", "Things by reason.");
  out.sample({{"reason", "a\"b\\c\nd"}, {"kind", "k"}}, 18446744073709551615u);
  out.gauge("isthmus_y", "One thing.", 0);
  out.counter("isthmus_z_total", "Another.", 7);
  EXPECT_EQ(out.text(),
            "# HELP isthmus_x_total Things by reason.\n# TYPE isthmus_x_total counter\n"
            "isthmus_x_total{reason=\"a\\\"b\\\\c\\nd\",kind=\"k\"} 18446744073709551615\n"
            "# HELP isthmus_y One thing.\n# TYPE isthmus_y gauge\nisthmus_y 0\n"
            "# HELP isthmus_z_total Another.\n# TYPE isthmus_z_total counter\nisthmus_z_total 7\n");
}

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
