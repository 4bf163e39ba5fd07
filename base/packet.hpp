// SPDX-License-Identifier: MIT
// One datagram on the packet path: a descriptor over a slot of the caller's pool. Coming in, `path` says where it came
// from; the machine turns it in place into where it goes to, or into nothing (flow none: not sent). The bytes lie at
// room + at; there is headroom before them and tailroom behind. The slot stays the caller's; the descriptor dies with
// the call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/outbox.hpp"

namespace isthmus {

struct PacketSlot {
  Path path;
  std::byte* room = nullptr;
  uint16_t at = 0;
  uint16_t size = 0;
  uint16_t capacity = 0;  // of the room: at + size <= capacity

  Bytes bytes() const { return {room + at, size}; }
  MutableBytes bytes() { return {room + at, size}; }
  uint16_t tailroom() const { return static_cast<uint16_t>(capacity - at - size); }
  void drop() { path.flow = {}; }
};

}  // namespace isthmus
