// SPDX-License-Identifier: MIT
// A leg: what both kinds have in common (formats, partner, gates, the outgoing stream, its RTCP and events) around one
// side, plain or WebRTC. A leg never knows a call, and refers to its partner by handle only.
#pragma once

#include <variant>

#include "base/deadlines.hpp"
#include "base/packet.hpp"
#include "media/drop.hpp"
#include "media/dtmf.hpp"
#include "media/payload_table.hpp"
#include "media/rewrite.hpp"
#include "media/rtcp_session.hpp"
#include "media/rtp_leg.hpp"
#include "media/webrtc_leg.hpp"

namespace isthmus::media {

using Packet = PacketSlot;
struct Leg;
using LegHandle = Id<Leg>;  // the engine's own name of a leg

struct Leg {
  template <class... SideArgs>
  Leg(LegId name, Rewrite stream, RtcpSession control, SideArgs&&... side_args)
      : id(name), out(stream), rtcp(control), side(std::forward<SideArgs>(side_args)...) {}

  LegId id;
  LegHandle handle;
  bool ready = false;          // LegReady was said
  TimePoint open_by = kNever;  // while ports are being bound
  AskId ask;                   // the same
  PayloadTable payloads;
  LegHandle partner;     // its own handle: echo
  PayloadBridge bridge;  // to the partner's payload types
  bool receive = true;   // gates (SwitchLeg)
  bool send = true;
  Rewrite out;
  RtcpSession rtcp;
  DtmfReceiver heard;
  uint32_t heard_ssrc = 0;
  DtmfSender said;
  TimePoint quiet_since{};  // since when no RTP came while it should
  bool silent = false;      // LegSilent was said
  uint64_t received = 0;
  uint64_t sent = 0;
  uint64_t dropped = 0;
  TimerId timer;  // one for all deadlines of the leg
  TimePoint timer_at = kNever;
  std::variant<RtpLeg, WebrtcLeg> side;

  RtpLeg* plain() { return std::get_if<RtpLeg>(&side); }
  WebrtcLeg* webrtc() { return std::get_if<WebrtcLeg>(&side); }
  const RtpLeg* plain() const { return std::get_if<RtpLeg>(&side); }
  const WebrtcLeg* webrtc() const { return std::get_if<WebrtcLeg>(&side); }

  // Where RTP to its peer goes; null while nothing may be sent, and then `why_not` says why.
  const Path* media_path() const;
  Drop why_not() const;
  bool is_listening() const;  // media is expected: silence counts

  // Seals a plain RTP packet in place and addresses it; what is returned is why it was not.
  std::optional<Drop> seal(Packet& packet);
  // Packets of our own, by the outbox. False: the leg cannot send now.
  bool send_rtcp(Pass& pass, Bytes compound);
  bool send_rtp(Pass& pass, uint8_t payload_type, const Rewrite::Heading& heading, Bytes payload);

  TimePoint next_deadline(Duration silence_limit) const;
  LegReport report() const;
};

}  // namespace isthmus::media
