// SPDX-License-Identifier: MIT
// base: generational slots and the timer wheel, each against a simple model.
#include <gtest/gtest.h>

#include <map>

#include "base/deadlines.hpp"
#include "base/random.hpp"
#include "base/slots.hpp"

namespace isthmus {
namespace {

using std::chrono::milliseconds;

TEST(Slots, AStaleIdFindsNothing) {
  Slots<int> slots(3);
  const auto first = slots.insert(1);
  EXPECT_EQ(first.shard(), 3);
  EXPECT_TRUE(slots.erase(first));
  const auto second = slots.insert(2);
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_EQ(slots.find(first), nullptr);
  EXPECT_EQ(*slots.find(second), 2);
  EXPECT_FALSE(slots.erase(first));
  EXPECT_EQ(slots.find({}), nullptr);
  EXPECT_EQ(slots.size(), 1u);
}

TEST(Slots, AddressesAreStableOnInsertionAndCopiesAreIndependent) {
  Slots<int> slots;
  const auto id = slots.insert(7);
  int* const address = slots.find(id);
  for (int i = 0; i < 1000; ++i) slots.insert(i);
  EXPECT_EQ(slots.find(id), address);
  Slots<int> copy = slots;
  *copy.find(id) = 8;
  EXPECT_EQ(*slots.find(id), 7);
}

TimePoint at(int64_t ms) {
  return TimePoint(milliseconds(ms));
}

TEST(Deadlines, EqualTimesComeOutInTheOrderOfSetting) {
  Deadlines<int> timers;
  timers.set(at(5000), 1);
  EXPECT_FALSE(timers.take_due(at(4990)));
  timers.set(at(5000), 2);
  timers.set(at(4995), 0);
  std::vector<int> order;
  while (auto due = timers.take_due(at(6000))) order.push_back(*due);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(Deadlines, NeverFiresEarlyAndCancelIsHarmlessWhenStale) {
  Deadlines<int> timers;
  TimerId id = timers.set(TimePoint(std::chrono::microseconds(1500)), 1);
  TimerId copy = id;
  EXPECT_FALSE(timers.take_due(TimePoint(std::chrono::microseconds(1999))));
  EXPECT_TRUE(timers.cancel(id));
  EXPECT_FALSE(id);
  EXPECT_FALSE(timers.cancel(copy));
  EXPECT_EQ(timers.next(), kNever);
  EXPECT_TRUE(timers.empty());
}

TEST(Deadlines, AgreesWithASortedModelOverRandomWork) {
  Random random(Seed::of(42));
  Deadlines<int> timers;
  std::map<std::pair<int64_t, int>, TimerId> model;  // (time, order of setting)
  int64_t now = 1'000'000'000;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t dice = random.below(10);
    if (dice < 5) {
      const int64_t when = now + static_cast<int64_t>(random.below(random.below(2) == 0 ? 100 : 100000));
      model[{when, i}] = timers.set(at(when), i);
    } else if (dice < 7 && !model.empty()) {
      auto victim = std::next(model.begin(), static_cast<std::ptrdiff_t>(random.below(model.size())));
      EXPECT_TRUE(timers.cancel(victim->second));
      model.erase(victim);
    } else {
      now += static_cast<int64_t>(random.below(dice == 9 ? 5000 : 50));
      EXPECT_LE(timers.next(), model.empty() ? kNever : at(model.begin()->first.first));
      while (auto due = timers.take_due(at(now))) {
        ASSERT_FALSE(model.empty());
        EXPECT_EQ(*due, model.begin()->first.second);
        EXPECT_LE(model.begin()->first.first, now);
        model.erase(model.begin());
      }
      EXPECT_TRUE(model.empty() || model.begin()->first.first > now);
    }
    ASSERT_EQ(timers.size(), model.size());
  }
}

}  // namespace
}  // namespace isthmus
