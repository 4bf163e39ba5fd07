// SPDX-License-Identifier: MIT
// SipHash-2-4: the keyed hash of tables that strangers can fill. Its key comes from the machine's seed.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace isthmus {

struct HashKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
  friend bool operator==(const HashKey&, const HashKey&) = default;
};

uint64_t keyed_hash(const HashKey& key, Bytes bytes);
inline uint64_t keyed_hash(const HashKey& key, std::string_view text) {
  return keyed_hash(key, as_bytes(text));
}

// Hasher for std::unordered_map over text keys, with lookup by string_view.
struct TextHash {
  using is_transparent = void;
  HashKey key;
  size_t operator()(std::string_view text) const { return keyed_hash(key, text); }
};

}  // namespace isthmus
