// SPDX-License-Identifier: MIT
// Timers of the SIP transactions (RFC 3261 section 17 and table 4, RFC 6026, RFC 4320) and the Step in which a machine
// says what is to be done. A transaction has at most two timers at once: one that repeats a message (A, E, G) and one
// that limits its stay in a state (B, D, F, H, I, J, K, L, M). Nothing here knows the time of day.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/time.hpp"

namespace isthmus::sip {

enum class Timer : uint8_t {
  none,
  a,        // INVITE client: repeat the request, doubling
  b,        // INVITE client: no answer
  d,        // INVITE client: absorb repeated 3xx-6xx
  e,        // non-INVITE client: repeat the request, doubling up to T2
  f,        // non-INVITE client: no final answer
  g,        // INVITE server: repeat the 3xx-6xx, doubling up to T2
  h,        // INVITE server: no ACK
  i,        // INVITE server: absorb repeated ACKs
  j,        // non-INVITE server: answer repeated requests
  k,        // non-INVITE client: absorb repeated responses
  l,        // INVITE server after a 2xx (RFC 6026)
  m,        // INVITE client after a 2xx (RFC 6026)
  give_up,  // INVITE client: no final answer after a CANCEL (RFC 3261 section 9.1)
  hundred,  // non-INVITE server: a 100 is due (RFC 4320 section 4.1)
};
std::string_view describe(Timer timer);

// The defaults are the RFC's. What is derived is computed, so a changed T1 carries through; timer D does not depend on
// our T1, because the peer's T1 is not known (17.1.1.2: at least 32 s).
struct TimerConfig {
  Duration t1 = std::chrono::milliseconds(500);
  Duration t2 = std::chrono::seconds(4);
  Duration t4 = std::chrono::seconds(5);
  Duration d = std::chrono::milliseconds(32500);

  // For peers that are known to use the same T1: all the rest in proportion, timer D too.
  static TimerConfig scaled(Duration t1) { return {.t1 = t1, .t2 = 8 * t1, .t4 = 10 * t1, .d = 65 * t1}; }

  Duration limit() const { return 64 * t1; }  // B, F, H, J, L, M, and the wait after a CANCEL
  Duration doubled(Duration interval) const { return std::min(2 * interval, t2); }
  // When the peer's timer E has grown to T2 (RFC 4320 section 4.1): 3.5 s with the defaults.
  Duration hundred_after() const {
    Duration sum{};
    for (Duration interval = t1; interval < t2; interval *= 2) sum += interval;
    return sum;
  }
};

// What to send: the request again, the ACK that the caller prepared, or the last response.
enum class Emit : uint8_t { nothing, request, ack, response };

// What the transaction user is told: the message just fed in is for it, or an event.
enum class Tell : uint8_t { nothing, message, timeout, transport_error, hundred_due };

struct Alarm {
  enum class What : uint8_t { keep, stop, set } what = What::keep;
  Timer timer = Timer::none;
  Duration in{};
};
inline Alarm set(Timer timer, Duration in) {
  return {Alarm::What::set, timer, in};
}
inline Alarm stop() {
  return {Alarm::What::stop, Timer::none, {}};
}

// The outcome of one input. `ended`: the machine is Terminated and wants nothing more.
struct Step {
  Emit emit = Emit::nothing;
  Tell tell = Tell::nothing;
  Alarm repeat;
  Alarm limit;
  bool ended = false;
};

}  // namespace isthmus::sip
