// SPDX-License-Identifier: MIT
// A phone that rings, as it outlives the program: enough to call it off at the next start, should this run die (G15).
// What is told of it and handed back then; the store keeps exactly this.
#pragma once

#include <string>

#include "base/address.hpp"
#include "base/outbox.hpp"
#include "base/time.hpp"

namespace isthmus::gateway {

struct RingingLeg {
  std::string call;  // CallFacts::id; names it
  Protocol protocol = Protocol::udp;
  SocketAddress remote;  // where the INVITE went,
  SocketAddress local;   // and our side of its path
  std::string cancel;    // RFC 3261 9.1, as it goes over the wire
  WallTime since;
  friend bool operator==(const RingingLeg&, const RingingLeg&) = default;
};

// A phone rings (again with the same `call`: what is known of it changed), or no longer does. Each call that was told
// is taken back once.
struct RingingChanged {
  RingingLeg leg;
  bool removed = false;
};

}  // namespace isthmus::gateway
