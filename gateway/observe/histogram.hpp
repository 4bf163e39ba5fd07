// SPDX-License-Identifier: MIT
// How long things take, counted in buckets: a plain value of bounded size. It reads no clock; who observes says how
// long it took.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/time.hpp"

namespace isthmus::gateway {

class Histogram {
 public:
  using Bound = std::chrono::milliseconds;
  static constexpr size_t kMaxBounds = 16;

  // Upper bounds, rising, at most kMaxBounds; what is longer than the last one counts in none of them.
  Histogram(std::initializer_list<Bound> bounds) : size_(std::min(bounds.size(), kMaxBounds)) {
    std::copy_n(bounds.begin(), size_, bounds_.begin());
  }

  // A negative time counts as none: clocks of a caller's own are no reason to lose an observation.
  void observe(Duration took) {
    took = std::max(took, Duration{});
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.begin() + size_, took);
    if (bucket != bounds_.begin() + size_) ++counts_[static_cast<size_t>(bucket - bounds_.begin())];
    ++count_;
    sum_ += took;
  }

  std::span<const Bound> bounds() const { return {bounds_.data(), size_}; }
  // How many took no longer than bounds()[bound].
  uint64_t up_to(size_t bound) const {
    uint64_t sum = 0;
    for (size_t i = 0; i <= bound; ++i) sum += counts_[i];
    return sum;
  }
  uint64_t count() const { return count_; }
  Duration sum() const { return sum_; }

 private:
  std::array<Bound, kMaxBounds> bounds_{};
  std::array<uint64_t, kMaxBounds> counts_{};
  size_t size_;
  uint64_t count_ = 0;
  Duration sum_{};
};

}  // namespace isthmus::gateway
