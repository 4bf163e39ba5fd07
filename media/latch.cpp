// SPDX-License-Identifier: MIT
#include "media/latch.hpp"

#include <algorithm>

namespace isthmus::media {

namespace {

IpAddress unmapped(const IpAddress& ip) {
  static constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!ip.is_v6() || !std::equal(kMapped.begin(), kMapped.end(), ip.octets.begin())) return ip;
  return IpAddress::v4(ip.octets[12], ip.octets[13], ip.octets[14], ip.octets[15]);
}

// RFC 1122 3.2.1.3: all of 0/8 means "this network".
bool is_this_network(const IpAddress& ip) {
  return ip.is_unspecified() || (ip.is_v4() && ip.octets[0] == 0);
}

}  // namespace

bool may_send_to(const SocketAddress& target, bool allow_loopback) {
  if (!target.is_set() || target.port == 0) return false;
  const IpAddress ip = unmapped(target.ip);
  if (is_this_network(ip) || ip.is_multicast() || ip.is_broadcast() || ip.is_link_local()) return false;
  return allow_loopback || !ip.is_loopback();
}

void Latch::aim(const SocketAddress& described, const IpAddress& signalling, TimePoint now) {
  held_ = !described.is_set();
  if (held_) return;
  if (aimed_ && described == described_ && signalling == signalling_) {
    if (!locked_) aimed_at_ = now;
    return;
  }
  previous_ = locked_ ? target_ : SocketAddress{};
  described_ = described;
  signalling_ = signalling;
  target_ = described;
  aimed_at_ = now;
  aimed_ = true;
  locked_ = false;
}

bool Latch::is_admissible(const SocketAddress& source, TimePoint now) const {
  if (source == described_) return true;
  if (now - aimed_at_ > kLatchWindow) return false;
  return source.ip == described_.ip || (signalling_.family != Family::none && source.ip == signalling_);
}

Latch::Admission Latch::admit(const SocketAddress& source, TimePoint now) {
  if (!aimed_) return Admission::foreign;
  if (locked_) return source == target_ ? Admission::accepted : Admission::foreign;
  // Packets under way when the description changed must not lock the latch to where the peer has just left.
  if (source == previous_ && source != described_ && now - aimed_at_ <= kOldSourceGrace) return Admission::previous;
  if (!is_admissible(source, now)) return Admission::foreign;
  target_ = source;
  locked_ = true;
  return Admission::locked;
}

}  // namespace isthmus::media
