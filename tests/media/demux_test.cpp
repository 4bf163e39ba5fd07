// SPDX-License-Identifier: MIT
#include "media/demux.hpp"

#include <gtest/gtest.h>

#include <array>

namespace isthmus::media {
namespace {

PacketClass class_of(int first, int second = 0) {
  const std::array<std::byte, 2> packet{static_cast<std::byte>(first), static_cast<std::byte>(second)};
  return classify(packet);
}

TEST(Demux, RFC7983_7_first_octets_have_their_classes) {
  for (int first = 0; first < 256; ++first) {
    PacketClass wanted = PacketClass::unknown;
    if (first <= 3) wanted = PacketClass::stun;
    if (first >= 16 && first <= 19) wanted = PacketClass::zrtp;
    if (first >= 20 && first <= 63) wanted = PacketClass::dtls;
    if (first >= 64 && first <= 79) wanted = PacketClass::turn_channel;
    if (first >= 128 && first <= 191) wanted = PacketClass::rtp;
    EXPECT_EQ(class_of(first), wanted) << first;
  }
}

TEST(Demux, RFC5761_4_RTCP_types_are_told_from_payload_types) {
  for (int second = 0; second < 256; ++second) {
    EXPECT_EQ(class_of(0x80, second), second >= 192 && second <= 223 ? PacketClass::rtcp : PacketClass::rtp) << second;
  }
}

TEST(Demux, empty_and_one_octet_datagrams_are_no_trouble) {
  EXPECT_EQ(classify({}), PacketClass::unknown);
  const std::array<std::byte, 1> one{std::byte{0x80}};
  EXPECT_EQ(classify(one), PacketClass::rtp);
  for (uint8_t i = 0; i < static_cast<uint8_t>(PacketClass::kCount); ++i) {
    EXPECT_FALSE(describe(static_cast<PacketClass>(i)).empty());
  }
}

}  // namespace
}  // namespace isthmus::media
