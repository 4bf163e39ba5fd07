// SPDX-License-Identifier: MIT
// INVITE server transaction, RFC 3261 section 17.2.1 and RFC 6026 section 7.1. Each line is "next state, action".
#include "sip/transaction/server_invite.hpp"

namespace isthmus::sip {

Step ServerInvite::to(State next, Step action) {
  state_ = next;
  action.ended = next == State::terminated;
  if (action.ended) action.repeat = action.limit = stop();
  return action;
}

Step ServerInvite::start(const TimerConfig& timers, bool reliable) {
  reliable_ = reliable;
  interval_ = timers.t1;
  return to(State::proceeding, {.tell = Tell::message});
}

Step ServerInvite::request() {
  switch (state_) {
    case State::proceeding:
    case State::completed: return {.emit = Emit::response};
    case State::accepted:  // RFC 6026: absorbed; the 2xx is repeated by the user on its own clock.
    case State::confirmed:
    case State::terminated: return {};
  }
  return {};
}

Step ServerInvite::ack(const TimerConfig& timers) {
  switch (state_) {
    case State::completed:
      if (reliable_) return to(State::terminated, {});  // timer I is zero
      return to(State::confirmed, {.repeat = stop(), .limit = set(Timer::i, timers.t4)});
    case State::accepted: return {.tell = Tell::message};
    case State::proceeding:
    case State::confirmed:
    case State::terminated: return {};
  }
  return {};
}

bool ServerInvite::takes(int status) const {
  if (state_ == State::proceeding) return status >= 100 && status < 700;
  return state_ == State::accepted && status >= 200 && status < 300;
}

Step ServerInvite::respond(const TimerConfig& timers, int status) {
  if (!takes(status)) return {};
  if (status < 200 || state_ == State::accepted) return {.emit = Emit::response};
  if (status < 300) return to(State::accepted, {.emit = Emit::response, .limit = set(Timer::l, timers.limit())});
  const Alarm repeat = reliable_ ? stop() : set(Timer::g, interval_);
  return to(State::completed, {.emit = Emit::response, .repeat = repeat, .limit = set(Timer::h, timers.limit())});
}

Step ServerInvite::timer(const TimerConfig& timers, Timer which) {
  switch (which) {
    case Timer::g:
      if (state_ != State::completed) return {};
      interval_ = timers.doubled(interval_);
      return {.emit = Emit::response, .repeat = set(Timer::g, interval_)};
    case Timer::h: return state_ == State::completed ? to(State::terminated, {.tell = Tell::timeout}) : Step{};
    case Timer::i: return state_ == State::confirmed ? to(State::terminated, {}) : Step{};
    case Timer::l: return state_ == State::accepted ? to(State::terminated, {}) : Step{};
    default: return {};
  }
}

// RFC 6026 section 7.1: the user is told and the state stays, because the response may go by another way (18.2.2).
Step ServerInvite::transport_error() {
  const bool sends = state_ == State::proceeding || state_ == State::completed || state_ == State::accepted;
  return sends ? Step{.tell = Tell::transport_error} : Step{};
}

}  // namespace isthmus::sip
