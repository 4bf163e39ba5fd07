// SPDX-License-Identifier: MIT
// A binding of the registrar as it outlives the program: values, with times of the wall clock. What is told of it and
// handed back at the next start; the store keeps exactly this.
#pragma once

#include <cstdint>
#include <string>

#include "base/address.hpp"
#include "base/outbox.hpp"
#include "base/time.hpp"

namespace isthmus::gateway {

struct KeptBinding {
  std::string account;
  std::string contact;   // account, contact, instance and reg_id together name a binding
  std::string instance;  // RFC 5626
  uint32_t reg_id = 0;
  std::string call_id;  // RFC 3261 10.3 step 7 goes on over the restart
  uint32_t cseq = 0;
  Protocol protocol = Protocol::udp;
  SocketAddress remote;  // its flow: where the REGISTER came from,
  SocketAddress local;   // and our socket
  WallTime expires;
  WallTime updated;
  std::string user_agent;
  friend bool operator==(const KeptBinding&, const KeptBinding&) = default;
};

inline bool is_same_name(const KeptBinding& a, const KeptBinding& b) {
  return a.account == b.account && a.contact == b.contact && a.instance == b.instance && a.reg_id == b.reg_id;
}

// A binding came or was renewed, or went.
struct BindingChanged {
  KeptBinding binding;
  bool removed = false;
};

}  // namespace isthmus::gateway
