// SPDX-License-Identifier: MIT
// The controlling side of ICE for tests: builds connectivity checks with everything right, or with one thing wrong, and
// reads the answers. Never opens a socket.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "base/stun_message.hpp"

namespace isthmus::test {

inline constexpr stun::Digests kDigests{crypto::hmac_sha1, crypto::hmac_sha256, crypto::crc32};

struct Check {
  std::string username;  // "theirs:ours", seen from the peer that sends it
  std::string password;  // of the receiver
  uint64_t number = 1;   // becomes the transaction id
  uint32_t priority = 0x6e7f1eff;
  bool use_candidate = false;
  bool controlled = false;  // says ICE-CONTROLLED instead of ICE-CONTROLLING
  bool integrity = true;
  bool fingerprint = true;
  stun::Class kind = stun::Class::request;
  std::function<void(stun::Writer&)> extra;  // attributes before the integrity
};

inline stun::TransactionId transaction_id(uint64_t number) {
  stun::TransactionId id{};
  write_u64(id.data() + 4, number);
  return id;
}

inline std::vector<std::byte> build(const Check& check) {
  std::vector<std::byte> room(stun::kMaxMessageSize);
  stun::Writer writer(room, check.kind, stun::kBinding, transaction_id(check.number));
  if (!check.username.empty()) writer.text(stun::Attribute::username, check.username);
  writer.number32(stun::Attribute::priority, check.priority);
  writer.number64(check.controlled ? stun::Attribute::ice_controlled : stun::Attribute::ice_controlling, 0x1122334455);
  if (check.use_candidate) writer.flag(stun::Attribute::use_candidate);
  if (check.extra) check.extra(writer);
  if (check.integrity) writer.integrity(as_bytes(check.password), kDigests.hmac_sha1);
  if (check.fingerprint) writer.fingerprint(kDigests.crc32);
  room.resize(writer.bytes().size());
  return room;
}

}  // namespace isthmus::test
