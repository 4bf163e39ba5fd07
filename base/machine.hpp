// SPDX-License-Identifier: MIT
// The machine contract, in five verbs: receive, answer, expire, next_deadline, poll_event. Inputs are typed per
// machine; results never return upwards through a call: actions go to the outbox of the pass, events are polled empty
// by the owner before its own verb returns. At one instant the order is: received bytes, answers, commands, timers.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string_view>

#include "base/outbox.hpp"
#include "base/time.hpp"

namespace isthmus {

// One pass of the run loop, handed down by reference, never stored.
struct Pass {
  Now now;
  Outbox& out;
};

// What is alive. `live` kinds return to zero at once when the last user is gone; `lingering` kinds within a named
// bound.
struct Census {
  enum Kind : uint8_t {
    calls,
    legs,
    sessions,      // dialogs with a usage that is not being reaped
    transactions,  // running, not yet in a waiting state
    media_legs,
    ports,
    asks,
    registrations,  // our own, as a client
    kLiveKinds,
    reaping = kLiveKinds,    // legs whose user is gone while the SIP obligation is finished
    lingering_transactions,  // Completed, Accepted, Confirmed: kept to absorb retransmissions
    timers,
    kKinds
  };
  std::array<uint32_t, kKinds> counts{};

  uint32_t& operator[](Kind kind) { return counts[kind]; }
  uint32_t operator[](Kind kind) const { return counts[kind]; }
  Census& operator+=(const Census& other) {
    for (size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    return *this;
  }
  bool no_live() const {
    for (size_t i = 0; i < kLiveKinds; ++i) {
      if (counts[i] != 0) return false;
    }
    return true;
  }
  bool empty() const { return *this == Census{}; }
  friend bool operator==(const Census&, const Census&) = default;
};
std::string_view describe(Census::Kind kind);

template <class M>
concept Machine = requires(M m, const M& c, Pass& pass, AskId ask, const Answer& reply) {
  m.answer(pass, ask, reply);
  m.expire(pass);
  m.poll_event();
  { c.next_deadline() } -> std::same_as<TimePoint>;
  { c.census() } -> std::same_as<Census>;
};

}  // namespace isthmus
