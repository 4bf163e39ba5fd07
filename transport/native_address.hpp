// SPDX-License-Identifier: MIT
// Socket addresses between our values and those of the system calls.
#pragma once

#include <sys/socket.h>

#include "base/address.hpp"

namespace isthmus::transport {

// Fills `out` and returns its length; 0 for an address that is not set.
socklen_t to_native(const SocketAddress& address, sockaddr_storage& out);
SocketAddress from_native(const sockaddr_storage& native);  // not set for foreign families
SocketAddress local_address(int descriptor);

}  // namespace isthmus::transport
