// SPDX-License-Identifier: MIT
// The contract of an ICE agent for one leg (one component; RTP and RTCP are multiplexed). The owner parses a STUN
// datagram, finds the leg by `ice/mux`, and hands the message in; the agent answers through the outbox and tells what
// it learned by its verdict and by events. An agent opens no socket and owns no path: it chooses among those it is
// shown.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/machine.hpp"
#include "base/stun_message.hpp"
#include "ice/credentials.hpp"

namespace isthmus::ice {

inline constexpr Duration kConsentTimeout = std::chrono::seconds(30);  // RFC 7675 section 5.1
inline constexpr size_t kMaxPaths = 8;                                 // of one leg that are kept; the stalest yields

// What became of one STUN message. Only `valid` proves that its sender knows our password: only then may the owner take
// its source address for the leg's.
enum class Verdict : uint8_t {
  valid,              // a check with good integrity, answered with success
  role_conflict,      // good integrity, answered 487 (RFC 8445 section 7.3.1.1)
  unknown_attribute,  // good integrity, answered 420 (RFC 8489 section 6.3.1)
  bad_fingerprint,    // the rest is not answered
  no_integrity,
  bad_integrity,
  wrong_username,  // not "ours:theirs"
  not_a_check,     // an indication, a response nobody asked for, or another method
  kCount
};
std::string_view describe(Verdict verdict);

struct Event {
  enum class Kind : uint8_t {
    selected,     // `path` is the one to send on now: the first that works, a nominated one, or what is left
    consent_lost  // no valid check for kConsentTimeout: nothing may be sent any more
  };
  Kind kind = Kind::selected;
  Path path;
  friend bool operator==(const Event&, const Event&) = default;
};

template <class A>
concept Agent =
    requires(A a, const A& c, Pass& pass, const Path& path, const stun::Message& message, Credentials credentials) {
      { c.local() } -> std::same_as<const Credentials&>;
      a.set_remote(credentials);
      { a.receive(pass, path, message) } -> std::same_as<Verdict>;
      a.expire(pass);
      { c.next_deadline() } -> std::same_as<TimePoint>;
      { a.poll_event() } -> std::same_as<std::optional<Event>>;
      { c.selected() } -> std::same_as<std::optional<Path>>;
    };

}  // namespace isthmus::ice
