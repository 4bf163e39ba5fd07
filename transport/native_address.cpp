// SPDX-License-Identifier: MIT
#include "transport/native_address.hpp"

#include <netinet/in.h>

#include <cstring>

namespace isthmus::transport {

socklen_t to_native(const SocketAddress& address, sockaddr_storage& out) {
  if (address.ip.family == Family::v4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.octets.data(), 4);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  if (address.ip.family == Family::v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.ip.octets.data(), 16);
    std::memcpy(&out, &v6, sizeof v6);
    return sizeof v6;
  }
  return 0;
}

SocketAddress from_native(const sockaddr_storage& native) {
  SocketAddress out;
  if (native.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &native, sizeof v4);
    out.ip.family = Family::v4;
    std::memcpy(out.ip.octets.data(), &v4.sin_addr, 4);
    out.port = ntohs(v4.sin_port);
  } else if (native.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &native, sizeof v6);
    out.ip.family = Family::v6;
    std::memcpy(out.ip.octets.data(), &v6.sin6_addr, 16);
    out.port = ntohs(v6.sin6_port);
  }
  return out;
}

SocketAddress local_address(int descriptor) {
  sockaddr_storage native{};
  socklen_t length = sizeof native;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&native), &length) != 0) return {};
  return from_native(native);
}

}  // namespace isthmus::transport
