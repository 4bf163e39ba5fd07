// SPDX-License-Identifier: MIT
#include "media/rtp_leg.hpp"

namespace isthmus::media {

void RtpLeg::arm(const ArmRtp& order, TimePoint now, bool allow_loopback) {
  const auto acceptable = [&](const SocketAddress& target) {
    return may_send_to(target, allow_loopback) ? target : SocketAddress{};
  };
  allow_loopback_ = allow_loopback;
  armed_ = true;
  rtp_.aim(acceptable(order.remote), order.signalling, now);
  const bool names_a_place = order.remote.is_set() && order.remote.port != 0 && !order.remote.ip.is_unspecified();
  refused_ = names_a_place && rtp_.is_held() ? order.remote : SocketAddress{};
  SocketAddress control = order.remote_rtcp;
  if (!control.is_set() && order.remote.is_set() && order.remote.port < 0xffff) {
    control = {order.remote.ip, static_cast<uint16_t>(order.remote.port + 1)};
  }
  rtcp_.aim(rtp_.is_held() ? SocketAddress{} : acceptable(control), order.signalling, now);
  refresh();
}

Latch::Admission RtpLeg::admit_rtp(const SocketAddress& source, TimePoint now) {
  const Latch::Admission admission = rtp_.admit(source, now);
  if (admission == Latch::Admission::locked) refresh();
  return admission;
}

void RtpLeg::refresh() {
  rtp_path_ = {ports_.rtp, rtp_.target(), ports_.rtp_local};
  can_send_ = is_bound() && rtp_.is_aimed() && !rtp_.is_held() && may_send_to(rtp_.target(), allow_loopback_);
}

// A peer behind a NAT is not where it says; until its RTCP has come too, nobody knows where that goes.
std::optional<Path> RtpLeg::rtcp_path() const {
  if (!can_send_ || !rtcp_.is_aimed() || rtcp_.is_held()) return std::nullopt;
  if (!rtcp_.is_locked() && rtp_.is_locked() && rtp_.target().ip != rtcp_.target().ip) return std::nullopt;
  if (!may_send_to(rtcp_.target(), allow_loopback_)) return std::nullopt;
  return Path{ports_.rtcp, rtcp_.target(), ports_.rtcp_local};
}

}  // namespace isthmus::media
