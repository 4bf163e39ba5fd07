// SPDX-License-Identifier: MIT
// One outgoing stream for the life of a leg: R3.17, trap 29 (SSRC, sequence and timestamp go on across sources).
#include "media/rewrite.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/random.hpp"

namespace isthmus::media {
namespace rewrite_test {

using Heading = Rewrite::Heading;
using Source = Rewrite::Source;
using Verdict = Rewrite::Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(100)};

TEST(Rewrite, R3_17KeepsTheSourcesStepsAndStartsWithItsOwnNumbers) {
  Rewrite rewrite(0xabcd, 65534, 5000);
  const Source source{1, 77};
  Heading heading{100, 160, false};
  ASSERT_EQ(rewrite.map(source, 8000, kStart, heading), Verdict::pass);
  EXPECT_EQ(heading, (Heading{65534, 5000, true}));
  heading = {101, 320, false};
  ASSERT_EQ(rewrite.map(source, 8000, kStart, heading), Verdict::pass);
  EXPECT_EQ(heading, (Heading{65535, 5160, false}));
  heading = {103, 640, true};
  ASSERT_EQ(rewrite.map(source, 8000, kStart, heading), Verdict::pass);
  EXPECT_EQ(heading, (Heading{1, 5480, true})) << "a loss of the source stays visible, across the wrap";
  heading = {102, 480, false};
  ASSERT_EQ(rewrite.map(source, 8000, kStart, heading), Verdict::pass);
  EXPECT_EQ(heading, (Heading{0, 5320, false})) << "a reordered packet fills its place";
}

TEST(Rewrite, Trap29AChangeOfSourceGoesOnWithMarkerAndElapsedTime) {
  Rewrite rewrite(1, 10, 1000);
  Heading heading{500, 90000, false};
  rewrite.map({1, 77}, 8000, kStart, heading);
  heading = {9000, 7, false};
  ASSERT_EQ(rewrite.map({2, 88}, 8000, kStart + milliseconds(100), heading), Verdict::pass);
  EXPECT_EQ(heading, (Heading{11, 1800, true}));
  heading = {9001, 167, false};
  rewrite.map({2, 88}, 8000, kStart + milliseconds(120), heading);
  EXPECT_EQ(heading, (Heading{12, 1960, false}));
  heading = {8999, 5, false};
  EXPECT_EQ(rewrite.map({2, 88}, 8000, kStart + milliseconds(120), heading), Verdict::late);
}

TEST(Rewrite, NeverGivesOneNumberToTwoPackets) {
  Rewrite rewrite(1, 0, 0);
  Random random(Seed::of(7));
  std::set<int64_t> seen;
  int64_t extended = 0;
  uint16_t last = 0xffff;
  uint16_t next_in = 100;
  TimePoint now = kStart;
  for (int i = 0; i < 50000; ++i) {
    now += milliseconds(1);
    Heading heading{};
    Verdict verdict = Verdict::pass;
    const uint64_t dice = random.below(100);
    if (dice < 5) {
      heading = rewrite.own(rewrite.timestamp_at(8000, now), now);
    } else if (dice < 10) {
      rewrite.skip({1, 1}, next_in++);
      continue;
    } else {
      const auto jitter = static_cast<uint16_t>(random.below(8));
      heading = {static_cast<uint16_t>(next_in - jitter), static_cast<uint32_t>(i * 160), false};
      if (jitter == 0) ++next_in;
      verdict = rewrite.map({1, dice < 12 ? 2U : 1U}, 8000, now, heading);
    }
    if (verdict != Verdict::pass) continue;
    extended += static_cast<int16_t>(static_cast<uint16_t>(heading.sequence - last));
    last = heading.sequence;
    EXPECT_TRUE(seen.insert(extended).second) << i;
  }
  EXPECT_GT(seen.size(), 10000u);
}

TEST(Rewrite, AJumpIsBelievedAtItsSecondPacket) {
  Rewrite rewrite(1, 10, 0);
  Heading heading{100, 0, false};
  rewrite.map({1, 1}, 8000, kStart, heading);
  heading = {40000, 0, false};
  EXPECT_EQ(rewrite.map({1, 1}, 8000, kStart, heading), Verdict::jump);
  heading = {101, 160, false};
  EXPECT_EQ(rewrite.map({1, 1}, 8000, kStart, heading), Verdict::pass);
  heading = {40000, 0, false};
  EXPECT_EQ(rewrite.map({1, 1}, 8000, kStart, heading), Verdict::jump);
  heading = {40001, 160, false};
  ASSERT_EQ(rewrite.map({1, 1}, 8000, kStart, heading), Verdict::pass);
  EXPECT_EQ(heading.sequence, 12);
  heading = {40001, 160, false};
  EXPECT_EQ(rewrite.map({1, 1}, 8000, kStart, heading), Verdict::duplicate);
}

TEST(Rewrite, PacketsOfOurOwnAndSkippedOnesLeaveNoHole) {
  Rewrite rewrite(1, 10, 0);
  Heading heading{100, 0, false};
  rewrite.map({1, 1}, 8000, kStart, heading);
  const uint32_t timestamp = rewrite.timestamp_at(8000, kStart + milliseconds(40));
  EXPECT_EQ(timestamp, 320u);
  EXPECT_EQ(rewrite.own(timestamp, kStart + milliseconds(40)), (Heading{11, 320, false}));
  rewrite.skip({1, 1}, 101);
  EXPECT_EQ(rewrite.own(timestamp, kStart + milliseconds(60)), (Heading{12, 320, false}));
  rewrite.skip({1, 1}, 102);
  heading = {103, 480, false};
  ASSERT_EQ(rewrite.map({1, 1}, 8000, kStart + milliseconds(80), heading), Verdict::pass);
  EXPECT_EQ(heading, (Heading{13, 480, false}));
}

}  // namespace rewrite_test
}  // namespace isthmus::media
