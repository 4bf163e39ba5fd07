// SPDX-License-Identifier: MIT
// Binds RTP ports, or RTP/RTCP pairs (even and the odd one above, RFC 3550 section 11), from a configured range. The
// search starts at a random place, so that strangers cannot guess the next port. The kernel is the only book-keeper: a
// port is free when it can be bound.
#pragma once

#include <optional>

#include "base/random.hpp"
#include "base/result.hpp"
#include "transport/edge.hpp"
#include "transport/udp_socket.hpp"

namespace isthmus::transport {

struct BoundPorts {
  UdpSocket rtp;
  std::optional<UdpSocket> rtcp;
};

class PortAllocator {
 public:
  PortAllocator(PortRange range, const Seed& seed) : range_(range), random_(seed) {}
  Result<BoundPorts, Fault> bind(const IpAddress& local, bool pair);

 private:
  PortRange range_;
  Random random_;
};

}  // namespace isthmus::transport
