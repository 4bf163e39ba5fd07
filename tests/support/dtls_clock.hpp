// SPDX-License-Identifier: MIT
// OpenSSL reads the clock of its DTLS timers by gettimeofday. A program that links dtls_clock.cpp brings its own, which
// stands still until a test moves it: no flight is repeated because a busy machine held the program for a moment.
#pragma once

#include "base/time.hpp"

namespace isthmus::test {
extern TimePoint dtls_time;
}  // namespace isthmus::test
