// SPDX-License-Identifier: MIT
#include "transport/port_range.hpp"

#include <cerrno>
#include <utility>

namespace isthmus::transport {

Result<BoundPorts, Fault> PortAllocator::bind(const IpAddress& local, bool pair) {
  if (local.family == Family::none) return fail(Fault{FaultCode::malformed});
  const uint32_t first = (uint32_t{range_.first} + 1) & ~1U;
  const uint32_t end = uint32_t{range_.last} + 1;
  const uint32_t places = end > first ? (end - first + (pair ? 0U : 1U)) / 2 : 0;
  if (places == 0) return fail(Fault{FaultCode::no_ports});
  const auto start = static_cast<uint32_t>(random_.below(places));
  for (uint32_t i = 0; i < places; ++i) {
    const auto port = static_cast<uint16_t>(first + 2 * ((start + i) % places));
    auto rtp = UdpSocket::bind({local, port});
    if (!rtp) {
      if (rtp.error().number == EADDRINUSE || rtp.error().number == EACCES) continue;
      const bool exhausted = rtp.error().number == EMFILE || rtp.error().number == ENFILE;
      return fail(Fault{exhausted ? FaultCode::limit : FaultCode::unreachable});
    }
    if (!pair) return BoundPorts{std::move(*rtp), std::nullopt};
    auto rtcp = UdpSocket::bind({local, static_cast<uint16_t>(port + 1)});
    if (rtcp) return BoundPorts{std::move(*rtp), std::move(*rtcp)};
    if (rtcp.error().number == EMFILE || rtcp.error().number == ENFILE) return fail(Fault{FaultCode::limit});
  }
  return fail(Fault{FaultCode::no_ports});
}

}  // namespace isthmus::transport
