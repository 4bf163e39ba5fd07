// SPDX-License-Identifier: MIT
// Who holds a port that could not be had: read from /proc, for an error message and nothing else.
#pragma once

#include <string>

#include "base/address.hpp"
#include "base/outbox.hpp"

namespace isthmus::transport {

// "baresip (process 4711)", "a process of another user" when /proc does not tell more, "" when nobody holds it.
std::string port_owner(Protocol protocol, const SocketAddress& address);

}  // namespace isthmus::transport
