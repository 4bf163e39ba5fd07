// SPDX-License-Identifier: MIT
#include "gateway/observe/histogram.hpp"

#include <gtest/gtest.h>

namespace isthmus::gateway {
namespace histogram_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Histogram, BucketsAreCumulativeAndTheirBoundBelongsToThem) {
  Histogram times({milliseconds(100), seconds(1), seconds(10)});
  for (const auto took : {milliseconds(1), milliseconds(100), milliseconds(101), milliseconds(1000)})
    times.observe(took);
  times.observe(seconds(11));
  times.observe(-seconds(1));  // counts as none
  ASSERT_EQ(times.bounds().size(), 3u);
  EXPECT_EQ(times.up_to(0), 3u);
  EXPECT_EQ(times.up_to(1), 5u);
  EXPECT_EQ(times.up_to(2), 5u);
  EXPECT_EQ(times.count(), 6u);
  EXPECT_EQ(times.sum(), milliseconds(1 + 100 + 101 + 1000 + 11000));
}

TEST(Histogram, NeverHoldsMoreThanItsBounds) {
  const Histogram many({milliseconds(1), milliseconds(2), milliseconds(3), milliseconds(4), milliseconds(5),
                        milliseconds(6), milliseconds(7), milliseconds(8), milliseconds(9), milliseconds(10),
                        milliseconds(11), milliseconds(12), milliseconds(13), milliseconds(14), milliseconds(15),
                        milliseconds(16), milliseconds(17)});
  EXPECT_EQ(many.bounds().size(), Histogram::kMaxBounds);
  Histogram none({});
  none.observe(seconds(1));
  EXPECT_EQ(none.count(), 1u);
}

}  // namespace histogram_test
}  // namespace isthmus::gateway
