// SPDX-License-Identifier: MIT
#include "media/demux.hpp"

namespace isthmus::media {

std::string_view describe(PacketClass kind) {
  switch (kind) {
    case PacketClass::stun: return "STUN";
    case PacketClass::zrtp: return "ZRTP";
    case PacketClass::dtls: return "DTLS";
    case PacketClass::turn_channel: return "TURN channel";
    case PacketClass::rtp: return "RTP";
    case PacketClass::rtcp: return "RTCP";
    case PacketClass::unknown:
    case PacketClass::kCount: break;
  }
  return "unknown";
}

}  // namespace isthmus::media
