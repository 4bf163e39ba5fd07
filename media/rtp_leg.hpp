// SPDX-License-Identifier: MIT
// The plain side of a leg: a bound RTP/RTCP port pair (RFC 3550 section 11) and where its peer is, each port with a
// bounded latch of its own (RFC 4961). It says whether a source may speak and where to send; it never reads a packet.
#pragma once

#include <optional>

#include "base/outbox.hpp"
#include "media/latch.hpp"
#include "media/order.hpp"

namespace isthmus::media {

class RtpLeg {
 public:
  void bound(const PortFacts& ports) { ports_ = ports; }
  const PortFacts& ports() const { return ports_; }
  bool is_bound() const { return static_cast<bool>(ports_.rtp); }

  // The peer's description. To an address that nobody outside may give us nothing is sent, as if the peer held.
  void arm(const ArmRtp& order, TimePoint now, bool allow_loopback);
  bool is_armed() const { return armed_; }
  bool is_held() const { return rtp_.is_held() && !refused_.is_set(); }
  const SocketAddress& refused() const { return refused_; }  // that address; unset: the peer named none
  bool is_latched() const { return rtp_.is_locked(); }

  Latch::Admission admit_rtp(const SocketAddress& source, TimePoint now);
  Latch::Admission admit_rtcp(const SocketAddress& source, TimePoint now) { return rtcp_.admit(source, now); }
  // RTCP on the RTP port (a peer that multiplexes unasked): only the source that holds the latch.
  bool is_peer(const SocketAddress& source) const { return rtp_.is_locked() && rtp_.target() == source; }

  const Path* rtp_path() const { return can_send_ ? &rtp_path_ : nullptr; }
  std::optional<Path> rtcp_path() const;

 private:
  void refresh();

  PortFacts ports_;
  Latch rtp_;
  Latch rtcp_;
  Path rtp_path_;
  SocketAddress refused_;
  bool armed_ = false;
  bool allow_loopback_ = false;
  bool can_send_ = false;
};

}  // namespace isthmus::media
