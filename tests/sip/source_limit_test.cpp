// SPDX-License-Identifier: MIT
// Advisory 8: what is answered to each source in a second, and that one source does not use up another's share.
#include "sip/source_limit.hpp"

#include <gtest/gtest.h>

namespace isthmus::sip {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};

size_t allowed(SourceLimit& limit, const char* source, size_t asked, TimePoint now = kStart) {
  size_t out = 0;
  for (size_t i = 0; i < asked; ++i) out += limit.allows(*IpAddress::parse(source), now) ? 1 : 0;
  return out;
}

TEST(SourceLimit, EachSourceHasItsOwnShareOfEachSecond) {
  SourceLimit limit({5, 0}, {1, 2});
  EXPECT_EQ(allowed(limit, "192.0.2.1", 100), 5u);
  EXPECT_EQ(allowed(limit, "192.0.2.2", 100), 5u);
  EXPECT_EQ(allowed(limit, "192.0.2.1", 100, kStart + milliseconds(999)), 0u);
  EXPECT_EQ(allowed(limit, "192.0.2.1", 3, kStart + seconds(1)), 3u);
  EXPECT_EQ(allowed(limit, "192.0.2.1", 100, kStart + milliseconds(1999)), 2u);
}

TEST(SourceLimit, WhoHasOneAddressOfAnIPv6NetworkHasThemAll) {
  SourceLimit limit({5, 0}, {1, 2});
  EXPECT_EQ(allowed(limit, "2001:db8:0:1::1", 3), 3u);
  EXPECT_EQ(allowed(limit, "2001:db8:0:1:ffff::9", 3), 2u);
  EXPECT_EQ(allowed(limit, "2001:db8:0:2::1", 9), 5u);
}

TEST(SourceLimit, AllTogetherHaveALimitToo) {
  SourceLimit limit({5, 12}, {1, 2});
  EXPECT_EQ(allowed(limit, "192.0.2.1", 9) + allowed(limit, "192.0.2.2", 9) + allowed(limit, "192.0.2.3", 9), 12u);
  EXPECT_EQ(allowed(limit, "192.0.2.4", 9), 0u);
  EXPECT_EQ(allowed(limit, "192.0.2.4", 9, kStart + seconds(1)), 5u);
}

// A network of 256 addresses that send without end takes answers only from those who share a place with one of them,
// and nobody without the key knows who that is.
TEST(SourceLimit, AFloodFromANetworkTakesAnswersFromFewOthers) {
  std::string starved[2];
  for (const uint64_t key : {0, 1}) {
    SourceLimit limit({5, 0}, {key, 7});
    for (uint8_t i = 0; i < 255; ++i) allowed(limit, ("198.51.100." + std::to_string(i)).c_str(), 50);
    for (int i = 0; i < 200; ++i) {
      const std::string source = "192.0.2." + std::to_string(i);
      if (allowed(limit, source.c_str(), 1) == 0) starved[key] += source + " ";
    }
    EXPECT_LT(std::ranges::count(starved[key], ' '), 30);
  }
  EXPECT_NE(starved[0], starved[1]);
}

}  // namespace
}  // namespace isthmus::sip
