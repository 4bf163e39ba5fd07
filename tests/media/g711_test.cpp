// SPDX-License-Identifier: MIT
// G.711: the laws' fixed points, and the change from one to the other.
#include "media/g711.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace isthmus::test {
namespace g711_test {

using namespace media;

TEST(G711, KnownOctets) {
  EXPECT_EQ(linear_of_mu(0xff), 0);
  EXPECT_EQ(linear_of_mu(0x00), -32124);
  EXPECT_EQ(linear_of_mu(0x80), 32124);
  EXPECT_EQ(linear_of_a(0xd5), 8);
  EXPECT_EQ(linear_of_a(0x55), -8);
  EXPECT_EQ(linear_of_a(0xaa), 32256);
  EXPECT_EQ(linear_of_a(0x2a), -32256);
  EXPECT_EQ(mu_of_linear(0), 0xff);
  EXPECT_EQ(a_of_linear(0), 0xd5);
}

TEST(G711, EveryOctetSurvivesItsOwnLaw) {
  for (int i = 0; i < 256; ++i) {
    const auto octet = static_cast<uint8_t>(i);
    if (octet != 0x7f) {  // minus zero
      EXPECT_EQ(mu_of_linear(linear_of_mu(octet)), octet) << i;
    }
    EXPECT_EQ(a_of_linear(linear_of_a(octet)), octet) << i;
  }
}

TEST(G711, ATonePassesThroughAChangeOfLaw) {
  for (const LawChange change : {LawChange::mu_to_a, LawChange::a_to_mu}) {
    const bool from_mu = change == LawChange::mu_to_a;
    double signal = 0.0;
    double noise = 0;
    for (int i = 0; i < 800; ++i) {
      const auto sample = static_cast<int16_t>(8000 * std::sin(2 * 3.14159265358979 * 440 * i / 8000));
      std::vector<std::byte> octet{static_cast<std::byte>(from_mu ? mu_of_linear(sample) : a_of_linear(sample))};
      change_law(change, octet);
      const auto value = std::to_integer<uint8_t>(octet[0]);
      const double heard = from_mu ? linear_of_a(value) : linear_of_mu(value);
      signal += static_cast<double>(sample) * sample;
      noise += (heard - sample) * (heard - sample);
    }
    EXPECT_GT(10 * std::log10(signal / noise), 30) << "dB of signal to noise";
  }
}

}  // namespace g711_test
}  // namespace isthmus::test
