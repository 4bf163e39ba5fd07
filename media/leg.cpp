// SPDX-License-Identifier: MIT
#include "media/leg.hpp"

#include <algorithm>
#include <cstring>

namespace isthmus::media {

namespace {

constexpr size_t kOwnPacketRoom = 512;  // of our own RTP and RTCP, with tag
static_assert(kOwnPacketRoom >= kMaxOwnRtcp + kMaxSrtpGrowth);
static_assert(kOwnPacketRoom >= kRtpHeaderSize + kEventSize + kMaxSrtpGrowth);

}  // namespace

const Path* Leg::media_path() const {
  const RtpLeg* rtp = plain();
  return rtp != nullptr ? rtp->rtp_path() : std::get<WebrtcLeg>(side).media_path();
}

Drop Leg::why_not() const {
  const RtpLeg* rtp = plain();
  const bool nowhere = rtp != nullptr && rtp->is_armed() && (rtp->is_held() || rtp->refused().is_set());
  return nowhere ? Drop::held : Drop::partner_not_ready;
}

bool Leg::is_listening() const {
  if (!receive) return false;
  const RtpLeg* rtp = plain();
  return rtp != nullptr ? rtp->is_armed() && !rtp->is_held() : std::get<WebrtcLeg>(side).has_keys();
}

std::optional<Drop> Leg::seal(Packet& packet) {
  const Path* path = media_path();
  if (path == nullptr) return why_not();
  if (WebrtcLeg* browser = webrtc()) {
    const auto size =
        browser->seal_rtp({packet.room + packet.at, static_cast<size_t>(packet.capacity - packet.at)}, packet.size);
    if (!size) return size.error() == SrtpFault::no_room ? Drop::no_room : Drop::srtp_protect;
    packet.size = static_cast<uint16_t>(*size);
  }
  packet.path = *path;
  ++sent;
  return std::nullopt;
}

bool Leg::send_rtcp(Pass& pass, Bytes compound) {
  if (compound.empty() || compound.size() > kMaxOwnRtcp) return false;
  if (const RtpLeg* rtp = plain()) {
    const auto path = rtp->rtcp_path();
    if (path) pass.out.send(*path, compound);
    return path.has_value();
  }
  const Path* path = media_path();
  if (path == nullptr) return false;
  std::array<std::byte, kOwnPacketRoom> room;
  std::copy(compound.begin(), compound.end(), room.begin());
  const auto size = webrtc()->seal_rtcp(room, compound.size());
  if (size) pass.out.send(*path, Bytes(room).first(*size));
  return size.has_value();
}

bool Leg::send_rtp(Pass& pass, uint8_t payload_type, const Rewrite::Heading& heading, Bytes payload) {
  const Path* path = media_path();
  if (path == nullptr || payload.size() > kOwnPacketRoom - kRtpHeaderSize - kMaxSrtpGrowth) return false;
  std::array<std::byte, kOwnPacketRoom> room;
  write_rtp_header(room, payload_type, heading.marker, heading.sequence, heading.timestamp, out.ssrc());
  std::copy(payload.begin(), payload.end(), room.begin() + kRtpHeaderSize);
  size_t size = kRtpHeaderSize + payload.size();
  if (WebrtcLeg* browser = webrtc()) {
    const auto sealed = browser->seal_rtp(room, size);
    if (!sealed) return false;
    size = *sealed;
  }
  pass.out.send(*path, Bytes(room).first(size));
  rtcp.sent(payload.size());
  ++sent;
  return true;
}

LegReport Leg::report() const {
  LegReport made{.received = received, .sent = sent, .dropped = dropped};
  if (const RtpLeg* rtp = plain()) {
    made.armed = rtp->is_armed();
    made.listening = receive && rtp->is_armed() && !rtp->is_held();
    made.refused = rtp->refused();
    return made;
  }
  const WebrtcLeg& browser = std::get<WebrtcLeg>(side);
  made.kind = LegKind::webrtc;
  made.armed = browser.is_armed();
  made.listening = receive && browser.is_armed();
  made.had_pair = browser.had_pair();
  made.had_keys = browser.has_keys();
  return made;
}

TimePoint Leg::next_deadline(Duration silence_limit) const {
  TimePoint next = std::min({open_by, rtcp.due(), said.next(), heard.deadline()});
  if (const WebrtcLeg* browser = webrtc()) next = std::min(next, browser->next_deadline());
  if (is_listening() && !silent) next = std::min(next, quiet_since + silence_limit);
  return next;
}

}  // namespace isthmus::media
