// SPDX-License-Identifier: MIT
// What a datagram on a media port is, by its first octet (RFC 7983) and, between RTP and RTCP, its second (RFC 5761
// section 4). A class is a guess that costs nothing; the codec behind it decides.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace isthmus::media {

enum class PacketClass : uint8_t { stun, zrtp, dtls, turn_channel, rtp, rtcp, unknown, kCount };

inline constexpr uint8_t kFirstRtcpType = 192;  // RFC 5761: RTCP types 192..223, so payload types 64..95 are not RTP
inline constexpr uint8_t kLastRtcpType = 223;

inline PacketClass classify(Bytes datagram) {
  if (datagram.empty()) return PacketClass::unknown;
  const uint8_t first = octet(datagram[0]);
  if (first <= 3) return PacketClass::stun;
  if (first >= 128 && first <= 191) {
    const bool rtcp =
        datagram.size() > 1 && octet(datagram[1]) >= kFirstRtcpType && octet(datagram[1]) <= kLastRtcpType;
    return rtcp ? PacketClass::rtcp : PacketClass::rtp;
  }
  if (first >= 20 && first <= 63) return PacketClass::dtls;
  if (first >= 64 && first <= 79) return PacketClass::turn_channel;
  if (first >= 16 && first <= 19) return PacketClass::zrtp;
  return PacketClass::unknown;
}

std::string_view describe(PacketClass kind);

}  // namespace isthmus::media
