// SPDX-License-Identifier: MIT
// The packet path of the media machine: from a socket to a leg, opened, judged, and on to the partner. HOT PATH:
// between two legs that are up nothing here allocates or touches the outbox.
#include "media/demux.hpp"
#include "media/engine.hpp"
#include "media/relay.hpp"

namespace isthmus::media {

namespace {

constexpr Drop kConsumed = Drop::kCount;  // the packet was for us: no drop, and nothing to send

}  // namespace

void Engine::receive(Pass& pass, std::span<Packet> packets) {
  received_ += packets.size();
  for (Packet& packet : packets) receive_one(pass, packet);
}

void Engine::receive_one(Pass& pass, Packet& packet) {
  const LegTable::Port port = legs_.port(packet.path.flow);
  Leg* leg = legs_.find(port.leg);
  std::optional<Drop> reason;
  if (port.use == PortUse::shared) {
    reason = at_shared_port(pass, packet, leg);
  } else if (leg == nullptr) {
    reason = Drop::unknown_flow;
  } else {
    reason = port.use == PortUse::rtp ? at_rtp_port(pass, packet, *leg) : at_rtcp_port(pass, packet, *leg);
  }
  if (!reason) return;
  packet.drop();
  if (*reason == kConsumed) return;
  drops_.add(*reason);
  if (leg != nullptr) ++leg->dropped;
}

std::optional<Drop> Engine::at_shared_port(Pass& pass, Packet& packet, Leg*& leg) {
  const PacketClass kind = classify(packet.bytes());
  if (kind == PacketClass::stun) return stun(pass, packet, leg);
  if (kind != PacketClass::dtls && kind != PacketClass::rtp && kind != PacketClass::rtcp) return Drop::unclassified;
  leg = legs_.by_address(packet.path.remote);
  if (leg == nullptr) return kind == PacketClass::dtls ? Drop::foreign_dtls : Drop::unknown_source;
  if (kind == PacketClass::dtls) return dtls(pass, packet, *leg);
  return secure_media(pass, packet, *leg, kind == PacketClass::rtcp);
}

std::optional<Drop> Engine::stun(Pass& pass, const Packet& packet, Leg*& leg) {
  if (!stun_filter_.admits(packet.path.remote.ip)) return Drop::stun_source_refused;
  const auto message = isthmus::stun::parse(packet.bytes());
  if (!message) return Drop::malformed_stun;
  leg = message->username ? legs_.by_username(*message->username) : nullptr;
  if (leg == nullptr) return Drop::stun_refused;
  const ice::Verdict verdict = leg->webrtc()->check(pass, packet.path, *message);
  if (verdict == ice::Verdict::valid) legs_.learn(*leg, packet.path.remote);
  tell_webrtc(pass, *leg);
  settle(*leg);
  return verdict <= ice::Verdict::unknown_attribute ? kConsumed : Drop::stun_refused;
}

std::optional<Drop> Engine::dtls(Pass& pass, const Packet& packet, Leg& leg) {
  if (!leg.webrtc()->dtls(pass, packet.path, packet.bytes())) return Drop::dtls_refused;
  tell_webrtc(pass, leg);
  settle(leg);
  return kConsumed;
}

std::optional<Drop> Engine::secure_media(Pass& pass, Packet& packet, Leg& leg, bool rtcp) {
  WebrtcLeg& browser = *leg.webrtc();
  if (!browser.has_keys()) return Drop::plain_on_secure;
  const auto size = rtcp ? browser.open_rtcp(packet.bytes()) : browser.open_rtp(packet.bytes());
  if (!size) {
    const bool repeated = size.error() == SrtpFault::replayed || size.error() == SrtpFault::too_old;
    return repeated ? Drop::srtp_replayed : Drop::srtp_refused;
  }
  packet.size = static_cast<uint16_t>(*size);
  if (rtcp) return control(pass, packet.bytes(), leg);
  const auto rtp = parse_rtp(packet.bytes());
  if (!rtp) return Drop::malformed_rtp;
  const Payload* payload = leg.payloads.find(rtp->header.payload_type);
  if (payload == nullptr) return Drop::unknown_payload;
  return media(pass, *rtp, *payload, packet, leg);
}

std::optional<Drop> Engine::at_rtp_port(Pass& pass, Packet& packet, Leg& leg) {
  RtpLeg& plain = *leg.plain();
  if (!plain.is_armed()) return Drop::unarmed;
  const PacketClass kind = classify(packet.bytes());
  if (kind == PacketClass::rtcp) {
    return plain.is_peer(packet.path.remote) ? control(pass, packet.bytes(), leg) : Drop::foreign_source;
  }
  if (kind != PacketClass::rtp) return Drop::unclassified;
  const auto rtp = parse_rtp(packet.bytes());
  if (!rtp) return Drop::malformed_rtp;
  const Payload* payload = leg.payloads.find(rtp->header.payload_type);
  // What the peer never agreed to must not lock the latch either.
  if (payload == nullptr) return Drop::unknown_payload;
  switch (plain.admit_rtp(packet.path.remote, pass.now.steady)) {
    case Latch::Admission::foreign: return Drop::foreign_source;
    case Latch::Admission::locked: tell(LegConnected{leg.id, packet.path.remote}); break;
    case Latch::Admission::accepted:
    case Latch::Admission::previous: break;
  }
  return media(pass, *rtp, *payload, packet, leg);
}

std::optional<Drop> Engine::at_rtcp_port(Pass& pass, const Packet& packet, Leg& leg) {
  RtpLeg& plain = *leg.plain();
  if (!plain.is_armed()) return Drop::unarmed;
  if (classify(packet.bytes()) != PacketClass::rtcp) return Drop::unclassified;
  if (check_rtcp(packet.bytes(), RtcpReader::Rules::reduced_size) != RtcpFault::none) return Drop::malformed_rtcp;
  if (plain.admit_rtcp(packet.path.remote, pass.now.steady) == Latch::Admission::foreign) return Drop::foreign_source;
  return control(pass, packet.bytes(), leg);
}

std::optional<Drop> Engine::control(Pass& pass, Bytes compound, Leg& leg) {
  return leg.rtcp.receive(compound, pass.now) ? kConsumed : Drop::malformed_rtcp;
}

std::optional<Drop> Engine::media(Pass& pass, const RtpPacket& rtp, const Payload& payload, Packet& packet, Leg& leg) {
  const TimePoint now = pass.now.steady;
  ++leg.received;
  leg.quiet_since = now;
  leg.rtcp.received(rtp.header, payload.clock, now);
  if (leg.silent) {
    leg.silent = false;
    settle(leg);
  }
  if (leg.receive && payload.codec == Codec::telephone_event) hear_event(pass, rtp, payload, leg);
  Leg* partner = legs_.find(leg.partner);
  if (partner == nullptr) return leg.receive ? Drop::unjoined : Drop::receive_gate;
  const auto reason = relay(leg, rtp, payload, *partner, packet, now);
  if (!reason) ++relayed_;
  return reason;
}

void Engine::hear_event(Pass& pass, const RtpPacket& rtp, const Payload& payload, Leg& leg) {
  if (leg.heard_ssrc != rtp.header.ssrc) {
    leg.heard = {};
    leg.heard_ssrc = rtp.header.ssrc;
  }
  const auto digit = leg.heard.receive(rtp.header.timestamp, payload.clock, rtp.payload, pass.now.steady);
  if (digit) tell(DtmfReceived{leg.id, digit->digit, digit->milliseconds});
  settle(leg);
}

}  // namespace isthmus::media
