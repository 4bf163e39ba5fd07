// SPDX-License-Identifier: MIT
// Time as an argument: machines are handed a Now, read once per pass of the loop; no core reads a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace isthmus {

using Duration = std::chrono::nanoseconds;

struct SteadyClock {  // a tag, never read: time points of the driver's monotonic clock
  using rep = int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<SteadyClock>;
  static constexpr bool is_steady = true;
};

using TimePoint = SteadyClock::time_point;
using WallTime = std::chrono::sys_time<Duration>;  // for stamps and nonces; may jump

inline constexpr TimePoint kNever = TimePoint::max();

struct Now {
  TimePoint steady;
  WallTime wall;
};

inline int64_t unix_seconds(WallTime t) {
  return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}
inline int64_t unix_milliseconds(WallTime t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

}  // namespace isthmus
