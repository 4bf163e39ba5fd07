// SPDX-License-Identifier: MIT
// RFC 4733 events: trap 28 (constant timestamp, rising duration, three end packets, each event reported once).
#include "media/dtmf.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace isthmus::media {
namespace dtmf_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(100)};

std::array<std::byte, 4> event(uint8_t number, bool end, uint16_t duration) {
  std::array<std::byte, 4> out{};
  out[0] = static_cast<std::byte>(number);
  out[1] = static_cast<std::byte>((end ? 0x80 : 0) | 10);
  write_u16(out.data() + 2, duration);
  return out;
}

std::vector<DtmfSender::Step> play(DtmfSender& sender, uint32_t clock, TimePoint now = kStart) {
  std::vector<DtmfSender::Step> out;
  uint32_t starts = 0;
  while (sender.is_busy()) {
    if (auto step = sender.step(now, clock, [&] { return 1000 + 5000 * starts++; })) out.push_back(*step);
    if (sender.next() != kNever) now = std::max(now, sender.next());
  }
  return out;
}

TEST(DtmfSender, Trap28SendsOneConstantTimestampRisingDurationAndThreeEnds) {
  DtmfSender sender;
  ASSERT_TRUE(sender.queue('5', 160));
  const auto steps = play(sender, 8000);
  ASSERT_EQ(steps.size(), 10u);
  uint16_t last = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i].timestamp, 1000u);
    EXPECT_EQ(octet(steps[i].payload[0]), 5);
    EXPECT_EQ(steps[i].marker, i == 0);
    const uint16_t duration = read_u16(steps[i].payload.data() + 2);
    EXPECT_EQ((octet(steps[i].payload[1]) & 0x80) != 0, i >= 7) << i;
    EXPECT_TRUE(i > 7 ? duration == last : duration > last);
    last = duration;
  }
  EXPECT_EQ(last, 1280);
}

TEST(DtmfSender, PacesItsPacketsAndPausesBetweenDigits) {
  DtmfSender sender;
  sender.queue('1', 40);
  sender.queue('2', 40);
  EXPECT_TRUE(sender.step(kStart, 8000, [] { return 0U; }));
  EXPECT_FALSE(sender.step(kStart + milliseconds(19), 8000, [] { return 0U; }));
  EXPECT_EQ(sender.next(), kStart + kEventPace);
  EXPECT_TRUE(sender.step(kStart + milliseconds(20), 8000, [] { return 0U; }));
  EXPECT_TRUE(sender.step(kStart + milliseconds(40), 8000, [] { return 0U; }));
  EXPECT_TRUE(sender.step(kStart + milliseconds(60), 8000, [] { return 0U; }));
  EXPECT_FALSE(sender.is_sounding());
  EXPECT_EQ(sender.next(), kStart + milliseconds(60) + kEventPause);
}

TEST(DtmfSender, RefusesWhatIsNoDigitAndMoreThanItsQueue) {
  DtmfSender sender;
  EXPECT_FALSE(sender.queue('x', 100));
  for (size_t i = 0; i < kMaxQueuedDigits; ++i) EXPECT_TRUE(sender.queue('#', 100));
  EXPECT_FALSE(sender.queue('#', 100));
}

TEST(DtmfReceiver, Trap28ReportsAnEventOnceHoweverOftenItsEndComes) {
  DtmfReceiver receiver;
  EXPECT_FALSE(receiver.receive(5000, 8000, event(7, false, 160), kStart));
  EXPECT_FALSE(receiver.receive(5000, 8000, event(7, false, 320), kStart));
  EXPECT_EQ(receiver.receive(5000, 8000, event(7, true, 800), kStart), (Digit{'7', 100}));
  EXPECT_FALSE(receiver.receive(5000, 8000, event(7, true, 800), kStart));
  EXPECT_FALSE(receiver.receive(5000, 8000, event(7, true, 800), kStart));
  EXPECT_EQ(receiver.deadline(), kNever);
  EXPECT_EQ(receiver.receive(9000, 8000, event(7, true, 800), kStart), (Digit{'7', 100})) << "the same key again";
  EXPECT_FALSE(receiver.receive(5000, 8000, event(7, true, 800), kStart)) << "a late packet of the first";
}

TEST(DtmfReceiver, ReportsAnEventWhoseEndIsLostAtTheNextOneOrByTime) {
  DtmfReceiver receiver;
  receiver.receive(5000, 8000, event(1, false, 400), kStart);
  EXPECT_EQ(receiver.receive(9000, 8000, event(2, false, 160), kStart), (Digit{'1', 50}));
  EXPECT_FALSE(receiver.expire(kStart + kEventTimeout - milliseconds(1)));
  EXPECT_EQ(receiver.expire(kStart + kEventTimeout), (Digit{'2', 20}));
  EXPECT_FALSE(receiver.expire(kStart + kEventTimeout));
}

TEST(DtmfReceiver, CountsALongEventInSegmentsAsOne) {
  DtmfReceiver receiver;
  receiver.receive(1000, 8000, event(0, false, 0xffff), kStart);
  EXPECT_FALSE(receiver.receive(1000 + 0xffff, 8000, event(0, false, 160), kStart));
  EXPECT_EQ(receiver.receive(1000 + 0xffff, 8000, event(0, true, 465), kStart), (Digit{'0', 8250}));
}

TEST(DtmfReceiver, IgnoresShortPacketsAndEventsThatAreNoDigits) {
  DtmfReceiver receiver;
  const auto flash = event(16, true, 800);
  EXPECT_FALSE(receiver.receive(1, 8000, flash, kStart));
  EXPECT_FALSE(receiver.receive(1, 8000, Bytes(flash).first(3), kStart));
  EXPECT_EQ(receiver.deadline(), kNever);
}

TEST(Dtmf, WhatTheSenderSaysTheReceiverHears) {
  for (const uint32_t clock : {8000U, 48000U}) {
    DtmfSender sender;
    for (const char digit : std::string_view("0123456789*#ABCD")) sender.queue(digit, 100);
    DtmfReceiver receiver;
    std::string heard;
    for (const auto& step : play(sender, clock)) {
      if (const auto digit = receiver.receive(step.timestamp, clock, step.payload, kStart)) {
        heard += digit->digit;
        EXPECT_EQ(digit->milliseconds, 100);
      }
    }
    EXPECT_EQ(heard, "0123456789*#ABCD");
  }
}

}  // namespace dtmf_test
}  // namespace isthmus::media
