// SPDX-License-Identifier: MIT
// Counters by reason: every drop is counted. Reason is an enum whose last value is `kCount`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace isthmus {

template <class Reason>
class Counters {
 public:
  static constexpr size_t kSize = static_cast<size_t>(Reason::kCount);

  void add(Reason reason, uint64_t amount = 1) { counts_[static_cast<size_t>(reason)] += amount; }
  uint64_t operator[](Reason reason) const { return counts_[static_cast<size_t>(reason)]; }
  uint64_t total() const {
    uint64_t sum = 0;
    for (const uint64_t count : counts_) sum += count;
    return sum;
  }
  friend bool operator==(const Counters&, const Counters&) = default;

 private:
  std::array<uint64_t, kSize> counts_{};
};

}  // namespace isthmus
