// SPDX-License-Identifier: MIT
// Symmetric RTP with a bounded latch (RFC 4961, RFC 7362): where a plain RTP peer is, and whether a source may be it.
// The peer's description aims the latch; the first admissible packet locks it, once; after that nothing but a new
// description moves it. Admissible: the described address, or another port or address whose IP is the described or the
// signalling one. It never sends and never reads packets.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "base/time.hpp"

namespace isthmus::media {

// How long after a description a source other than the described one may lock the latch: as long as a call may ring
// after a provisional answer has described its media (RFC 3261 16.6: timer C, three minutes).
inline constexpr Duration kLatchWindow = std::chrono::minutes(3);
// So long after a new description the old source is still heard, but cannot lock.
inline constexpr Duration kOldSourceGrace = std::chrono::seconds(2);

// False for what nobody outside may make us send to: unspecified, multicast, broadcast, link-local, port 0; loopback
// unless allowed; IPv4-mapped forms are judged as IPv4.
bool may_send_to(const SocketAddress& target, bool allow_loopback);

class Latch {
 public:
  enum class Admission : uint8_t {
    accepted,  // from the locked source
    locked,    // from now on this is the source
    previous,  // the source from before the last description: to be heard, not sent to
    foreign    // not the peer
  };

  // A new description; one equal to the last changes nothing, but gives a latch that has not locked yet its time anew.
  // `described` may be unset (hold): nothing is sent, the
  // locked source is still heard, and the same description afterwards finds everything as it was.
  void aim(const SocketAddress& described, const IpAddress& signalling, TimePoint now);
  // For a packet that is well-formed media of a known payload type.
  Admission admit(const SocketAddress& source, TimePoint now);

  bool is_aimed() const { return aimed_; }
  bool is_locked() const { return locked_; }
  bool is_held() const { return held_; }
  const SocketAddress& target() const { return target_; }  // where to send; meaningless while held or not aimed

 private:
  bool is_admissible(const SocketAddress& source, TimePoint now) const;

  SocketAddress described_;
  IpAddress signalling_;
  SocketAddress target_;
  SocketAddress previous_;
  TimePoint aimed_at_{};
  bool aimed_ = false;
  bool locked_ = false;
  bool held_ = false;
};

}  // namespace isthmus::media
