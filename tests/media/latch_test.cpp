// SPDX-License-Identifier: MIT
// The bounded latch of symmetric RTP: trap 20, advisory 2, advisory 3, and the targets nobody may give us: advisory 52.
#include "media/latch.hpp"

#include <gtest/gtest.h>

namespace isthmus::media {
namespace latch_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(100)};

SocketAddress address(std::string_view text) {
  return *SocketAddress::parse(text);
}

const SocketAddress kDescribed = address("10.0.0.5:4000");
const SocketAddress kNat = address("203.0.113.9:31000");
const SocketAddress kSprayer = address("198.51.100.66:4000");

TEST(Latch, LocksOnTheDescribedAddressAndNeverMovesAgain) {
  Latch latch;
  EXPECT_EQ(latch.admit(kDescribed, kStart), Latch::Admission::foreign);
  latch.aim(kDescribed, kNat.ip, kStart);
  EXPECT_EQ(latch.target(), kDescribed);
  EXPECT_EQ(latch.admit(kDescribed, kStart), Latch::Admission::locked);
  EXPECT_EQ(latch.admit(kDescribed, kStart), Latch::Admission::accepted);
  EXPECT_EQ(latch.admit(kNat, kStart), Latch::Admission::foreign);
  EXPECT_EQ(latch.target(), kDescribed);
}

TEST(Latch, Trap20MovesOnceToTheSignallingAddressOfAPeerBehindNat) {
  Latch latch;
  latch.aim(kDescribed, kNat.ip, kStart);
  EXPECT_EQ(latch.admit(kSprayer, kStart), Latch::Admission::foreign);
  EXPECT_EQ(latch.admit(kNat, kStart), Latch::Admission::locked);
  EXPECT_EQ(latch.target(), kNat);
  EXPECT_EQ(latch.admit(address("203.0.113.9:31002"), kStart), Latch::Admission::foreign);
  EXPECT_EQ(latch.admit(kDescribed, kStart), Latch::Admission::foreign);
}

TEST(Latch, Advisory3AStrangerNeverMovesItAndTheWindowCloses) {
  Latch latch;
  latch.aim(kDescribed, {}, kStart);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(latch.admit(kSprayer, kStart), Latch::Admission::foreign);
  EXPECT_EQ(latch.admit(kNat, kStart), Latch::Admission::foreign) << "no signalling address was given";
  EXPECT_EQ(latch.target(), kDescribed);
  const TimePoint late = kStart + kLatchWindow + milliseconds(1);
  EXPECT_EQ(latch.admit(address("10.0.0.5:4002"), late), Latch::Admission::foreign);
  EXPECT_EQ(latch.admit(kDescribed, late), Latch::Admission::locked);
}

TEST(Latch, Trap11TheAnswerAfterALongRingingGivesTheLatchItsTimeAnew) {
  Latch latch;
  latch.aim(kDescribed, kNat.ip, kStart);  // a 183
  const TimePoint answered = kStart + kLatchWindow + seconds(5);
  EXPECT_EQ(latch.admit(kNat, answered), Latch::Admission::foreign);
  latch.aim(kDescribed, kNat.ip, answered);  // the 200 with the same SDP
  EXPECT_EQ(latch.admit(kNat, answered), Latch::Admission::locked);
}

TEST(Latch, Trap15ANewDescriptionAllowsOneNewLatchAndTheOldSourceIsHeardForAMoment) {
  Latch latch;
  latch.aim(kDescribed, kNat.ip, kStart);
  latch.admit(kNat, kStart);
  latch.aim(kDescribed, kNat.ip, kStart + seconds(5));
  EXPECT_TRUE(latch.is_locked()) << "a refresh changes nothing";

  const SocketAddress moved = address("203.0.113.9:31010");
  latch.aim(address("10.0.0.5:5000"), kNat.ip, kStart + seconds(10));
  EXPECT_EQ(latch.target(), address("10.0.0.5:5000"));
  EXPECT_EQ(latch.admit(kNat, kStart + seconds(10)), Latch::Admission::previous);
  EXPECT_EQ(latch.admit(moved, kStart + seconds(11)), Latch::Admission::locked);
  EXPECT_EQ(latch.admit(kNat, kStart + seconds(11)), Latch::Admission::foreign);
  EXPECT_EQ(latch.target(), moved);
}

TEST(Latch, Trap16HoldKeepsTheTargetForTheResume) {
  Latch latch;
  latch.aim(kDescribed, kNat.ip, kStart);
  latch.admit(kNat, kStart);
  latch.aim({}, kNat.ip, kStart + seconds(1));
  EXPECT_TRUE(latch.is_held());
  EXPECT_EQ(latch.admit(kNat, kStart + seconds(1)), Latch::Admission::accepted);
  latch.aim(kDescribed, kNat.ip, kStart + seconds(90));
  EXPECT_FALSE(latch.is_held());
  EXPECT_EQ(latch.target(), kNat);
}

TEST(MaySendTo, Advisory52RefusesWhatNobodyOutsideMayAimUsAt) {
  for (const char* text : {"0.0.0.0:4000", "0.1.2.3:4000", "224.0.0.1:4000", "239.1.2.3:4000", "255.255.255.255:4000",
                           "169.254.1.1:4000", "198.51.100.1:0", "[::]:4000", "[ff02::1]:4000", "[fe80::1]:4000",
                           "[::ffff:224.0.0.1]:4000", "[::ffff:0.0.0.0]:4000", "[::ffff:169.254.1.1]:4000"}) {
    EXPECT_FALSE(may_send_to(address(text), true)) << text;
  }
  for (const char* text : {"127.0.0.1:4000", "127.9.9.9:4000", "[::1]:4000", "[::ffff:127.0.0.1]:4000"}) {
    EXPECT_FALSE(may_send_to(address(text), false)) << text;
    EXPECT_TRUE(may_send_to(address(text), true)) << text;
  }
  EXPECT_TRUE(may_send_to(address("198.51.100.1:4000"), false));
  EXPECT_TRUE(may_send_to(address("10.1.2.3:4000"), false));
  EXPECT_FALSE(may_send_to({}, true));
}

}  // namespace latch_test
}  // namespace isthmus::media
