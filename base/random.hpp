// SPDX-License-Identifier: MIT
// A deterministic random generator as a value: ChaCha20 (RFC 8439) keyed by an injected seed. Each machine owns one,
// forked from its owner's by name, so that one more draw in one room changes nothing in another and a copied machine
// goes on alike.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace isthmus {

struct Seed {
  std::array<uint8_t, 32> octets{};
  static Seed of(uint64_t number);  // for tests and simulators only
  friend bool operator==(const Seed&, const Seed&) = default;
};

class Random {
 public:
  explicit Random(const Seed& seed) : key_(seed) {}

  Seed fork(std::string_view name) const;  // depends on the seed and the name only, not on what was drawn
  uint64_t next();
  uint64_t below(uint64_t bound);  // uniform in [0, bound), bound > 0
  void fill(MutableBytes out);
  // `bits` of randomness (a multiple of 4) as lower-case hexadecimal digits: tags, branches, ufrags.
  std::string token(size_t bits);

  friend bool operator==(const Random&, const Random&) = default;

 private:
  void refill();

  Seed key_;
  uint64_t block_ = 0;
  size_t used_ = 64;
  std::array<uint8_t, 64> buffer_{};
};

}  // namespace isthmus
