// SPDX-License-Identifier: MIT
#include "tests/support/dtls_clock.hpp"

#include <sys/time.h>

namespace isthmus::test {
TimePoint dtls_time{std::chrono::seconds(1'000'000)};
}  // namespace isthmus::test

extern "C" int gettimeofday(timeval* now, void*) noexcept {
  const auto since = isthmus::test::dtls_time.time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
  now->tv_sec = microseconds / 1'000'000;
  now->tv_usec = microseconds % 1'000'000;
  return 0;
}
