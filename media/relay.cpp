// SPDX-License-Identifier: MIT
#include "media/relay.hpp"

namespace isthmus::media {

namespace {

// What stands in the way before the outgoing stream has counted the packet.
std::optional<Drop> obstacle(const Leg& from, const Leg& to, uint8_t number, const Payload& payload) {
  if (!from.receive) return Drop::receive_gate;
  if (!to.send) return Drop::send_gate;
  if (to.media_path() == nullptr) return to.why_not();
  if (number == PayloadBridge::kUnknown) return Drop::unknown_payload;
  if (number == PayloadBridge::kOtherClock) return Drop::event_clock_mismatch;
  if (to.said.is_sounding() || (payload.codec == Codec::telephone_event && to.said.is_busy())) return Drop::own_event;
  return std::nullopt;
}

std::optional<Drop> reason_of(Rewrite::Verdict verdict) {
  switch (verdict) {
    case Rewrite::Verdict::pass: return std::nullopt;
    case Rewrite::Verdict::late: return Drop::late;
    case Rewrite::Verdict::duplicate: return Drop::duplicate;
    case Rewrite::Verdict::jump: return Drop::sequence_jump;
  }
  return Drop::late;
}

}  // namespace

std::optional<Drop> relay(const Leg& from, const RtpPacket& rtp, const Payload& payload, Leg& to, Packet& packet,
                          TimePoint now) {
  const Rewrite::Source source{from.handle.slot, rtp.header.ssrc};
  const uint8_t number = from.bridge[rtp.header.payload_type];
  if (const auto reason = obstacle(from, to, number, payload)) {
    to.out.skip(source, rtp.header.sequence);
    return reason;
  }
  Rewrite::Heading heading{rtp.header.sequence, rtp.header.timestamp, rtp.header.marker};
  if (const auto reason = reason_of(to.out.map(source, payload.clock, now, heading))) return reason;

  change_law(from.bridge.change(rtp.header.payload_type),
             {packet.room + packet.at + rtp.header.header_size, rtp.payload.size()});

  // A fresh fixed header is written right before the payload; whatever lay between belongs to the other leg.
  const auto payload_at = static_cast<uint16_t>(packet.at + rtp.header.header_size);
  packet.at = static_cast<uint16_t>(payload_at - kRtpHeaderSize);
  packet.size = static_cast<uint16_t>(kRtpHeaderSize + rtp.payload.size());
  write_rtp_header(packet.bytes(), number, heading.marker, heading.sequence, heading.timestamp, to.out.ssrc());
  to.rtcp.sent(rtp.payload.size());
  return to.seal(packet);
}

}  // namespace isthmus::media
