// SPDX-License-Identifier: MIT
// How many answers each source gets in a second: the hosts of one IPv4 address or of one IPv6 /64. A table of fixed
// size with a keyed hash: who sends from many addresses neither makes it grow nor chooses whom to take answers from,
// and a flood takes them from nobody but those who share its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "base/hash.hpp"
#include "base/time.hpp"

namespace isthmus::sip {

class SourceLimit {
 public:
  static constexpr size_t kPlaces = 4096;
  struct Rates {
    uint32_t per_source = 0;
    uint32_t together = 0;  // of all sources; 0: no such limit
  };

  SourceLimit(const Rates& rates, const HashKey& key) : rates_(rates), key_(key), places_(kPlaces) {}

  // Counts one more; false: not in this second.
  bool allows(const IpAddress& source, TimePoint now);

 private:
  struct Second {  // what was allowed in it
    uint32_t at = 0;
    uint32_t count = 0;
    bool allows(uint32_t now, uint32_t limit);
  };

  Rates rates_;
  HashKey key_;
  Second all_;
  std::vector<Second> places_;
};

}  // namespace isthmus::sip
