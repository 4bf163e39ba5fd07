// SPDX-License-Identifier: MIT
// The hot path between two legs: one opened RTP packet of `from` becomes, in its own slot, the next packet of `to`'s
// outgoing stream: payload type of that leg, its SSRC, sequence and timestamp, no CSRC list, no header extension, no
// padding of the other side. No allocation, lock or log.
#pragma once

#include <optional>

#include "media/leg.hpp"

namespace isthmus::media {

// `rtp` is the parsed view of the slot, `payload` the entry of `from`'s table. Afterwards the slot goes to `to`'s peer;
// otherwise the reason it does not. `from` and `to` may be one leg (echo).
std::optional<Drop> relay(const Leg& from, const RtpPacket& rtp, const Payload& payload, Leg& to, Packet& packet,
                          TimePoint now);

}  // namespace isthmus::media
