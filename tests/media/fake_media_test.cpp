// SPDX-License-Identifier: MIT
// The stand-in for the media engine keeps the contract of media/order.hpp, so that call tests can lean on it.
#include "tests/support/fake_media.hpp"

#include <gtest/gtest.h>

namespace isthmus::test {
namespace {

using namespace media;
using std::chrono::milliseconds;

constexpr LegId kPage{1, 1};
constexpr LegId kPhone{2, 1};

struct Bed {
  Outbox out;
  Now now{TimePoint(milliseconds(1000)), {}};
  FakeMedia media;

  void obey(const Order& order) {
    Pass pass{now, out};
    media.obey(pass, order);
  }
  void run_to(int64_t ms) {
    now.steady = TimePoint(milliseconds(ms));
    Pass pass{now, out};
    media.expire(pass);
  }
  template <class T>
  std::optional<T> next() {
    const auto event = media.poll_event();
    if (!event || !std::holds_alternative<T>(*event)) return std::nullopt;
    return std::get<T>(*event);
  }
  ArmRtp arm_phone() {
    ArmRtp arm;
    arm.leg = kPhone;
    arm.remote = {IpAddress::v4(198, 51, 100, 7), 4000};
    return arm;
  }
};

TEST(FakeMedia, WalksALegFromOpenToGoneAndLeavesNothing) {
  Bed bed;
  bed.obey(OpenLeg{kPage, LegKind::webrtc, {}});
  bed.obey(OpenLeg{kPhone, LegKind::rtp, {}});
  const auto page = bed.next<LegReady>();
  const auto phone = bed.next<LegReady>();
  ASSERT_TRUE(page && phone);
  EXPECT_GE(page->local.ufrag.size, 4);
  EXPECT_GE(page->local.password.size, 22);
  EXPECT_EQ(phone->addresses[1].port, phone->addresses[0].port + 1);
  EXPECT_EQ(bed.media.census()[Census::ports], 2u);
  bed.obey(ArmWebrtc{kPage, {}, {}, DtlsRole::passive, {}});
  bed.obey(bed.arm_phone());
  EXPECT_TRUE(bed.next<LegConnected>());
  EXPECT_EQ(bed.next<LegConnected>()->remote.port, 4000);
  bed.obey(JoinLegs{kPage, kPhone});
  EXPECT_TRUE(bed.media.flows(kPage, kPhone) && bed.media.flows(kPhone, kPage));
  bed.obey(SwitchLeg{kPage, false, true});
  EXPECT_FALSE(bed.media.flows(kPage, kPhone));
  EXPECT_TRUE(bed.media.flows(kPhone, kPage));
  bed.obey(CloseLeg{kPhone});
  EXPECT_TRUE(bed.next<LegGone>());
  EXPECT_FALSE(bed.media.find(kPage)->partner);
  bed.obey(CloseLeg{kPage});
  EXPECT_TRUE(bed.next<LegGone>());
  EXPECT_TRUE(bed.media.census().empty());
}

TEST(FakeMedia, FollowsItsScriptInVirtualTime) {
  Bed bed;
  bed.media.script().ready_after = milliseconds(50);
  bed.media.script().connects = false;
  bed.obey(OpenLeg{kPhone, LegKind::rtp, {}});
  EXPECT_FALSE(bed.media.poll_event());
  EXPECT_LE(bed.media.next_deadline(), TimePoint(milliseconds(1050)));
  bed.run_to(1050);
  EXPECT_TRUE(bed.next<LegReady>());
  bed.obey(bed.arm_phone());
  EXPECT_FALSE(bed.media.poll_event());
  bed.media.connect(kPhone);
  EXPECT_TRUE(bed.next<LegConnected>());
  bed.media.digit(kPhone, '5');
  EXPECT_EQ(bed.next<DtmfReceived>()->digit, '5');
  bed.media.fail(kPhone, LegFault::consent_lost);
  EXPECT_EQ(bed.next<LegFailed>()->why, LegFault::consent_lost);
  EXPECT_TRUE(bed.media.find(kPhone));
}

TEST(FakeMedia, FailsToOpenAndAnswersOrdersToStrangers) {
  Bed bed;
  bed.media.script().open_fails = LegFault::no_ports;
  bed.obey(OpenLeg{kPhone, LegKind::rtp, {}});
  EXPECT_EQ(bed.next<LegFailed>()->why, LegFault::no_ports);
  EXPECT_TRUE(bed.media.census().empty());
  bed.obey(bed.arm_phone());
  EXPECT_EQ(bed.next<LegFailed>()->why, LegFault::no_such_leg);
  bed.obey(CloseLeg{kPhone});
  EXPECT_EQ(bed.next<LegGone>()->leg, kPhone);
}

}  // namespace
}  // namespace isthmus::test
