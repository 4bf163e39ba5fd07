// SPDX-License-Identifier: MIT
// INVITE client transaction, RFC 3261 section 17.1.1 and RFC 6026 section 7.2. Each line is "next state, action".
#include "sip/transaction/client_invite.hpp"

namespace isthmus::sip {

Step ClientInvite::to(State next, Step action) {
  state_ = next;
  action.ended = next == State::terminated;
  if (action.ended) action.repeat = action.limit = stop();
  return action;
}

Step ClientInvite::start(const TimerConfig& timers, bool reliable) {
  reliable_ = reliable;
  interval_ = timers.t1;
  const Alarm repeat = reliable ? stop() : set(Timer::a, interval_);
  return to(State::calling, {.emit = Emit::request, .repeat = repeat, .limit = set(Timer::b, timers.limit())});
}

Step ClientInvite::response(const TimerConfig& timers, int status) {
  switch (state_) {
    case State::calling:
      if (status < 200) return to(State::proceeding, {.tell = Tell::message, .repeat = stop(), .limit = stop()});
      [[fallthrough]];
    case State::proceeding:
      if (status < 200) return to(State::proceeding, {.tell = Tell::message});
      if (status >= 300) return complete(timers);
      return to(State::accepted, {.tell = Tell::message, .repeat = stop(), .limit = set(Timer::m, timers.limit())});
    case State::completed:  // Our ACK was lost: the same again, the user hears nothing.
      return status >= 300 ? Step{.emit = Emit::ack} : Step{};
    case State::accepted:  // RFC 6026: every further 2xx, repeated or of another branch, is the user's.
      return status >= 200 && status < 300 ? Step{.tell = Tell::message} : Step{};
    case State::terminated: return {};
  }
  return {};
}

Step ClientInvite::complete(const TimerConfig& timers) {
  if (reliable_) return to(State::terminated, {.emit = Emit::ack, .tell = Tell::message});  // timer D is zero
  return to(State::completed,
            {.emit = Emit::ack, .tell = Tell::message, .repeat = stop(), .limit = set(Timer::d, timers.d)});
}

Step ClientInvite::timer(const TimerConfig&, Timer which) {
  switch (which) {
    case Timer::a:
      if (state_ != State::calling) return {};
      interval_ *= 2;
      return {.emit = Emit::request, .repeat = set(Timer::a, interval_)};
    case Timer::b: return state_ == State::calling ? to(State::terminated, {.tell = Tell::timeout}) : Step{};
    case Timer::give_up: return state_ == State::proceeding ? to(State::terminated, {.tell = Tell::timeout}) : Step{};
    case Timer::d: return state_ == State::completed ? to(State::terminated, {}) : Step{};
    case Timer::m: return state_ == State::accepted ? to(State::terminated, {}) : Step{};
    default: return {};
  }
}

// Proceeding sends nothing, so a lost connection is told but ends nothing: the peer may answer on a new one (18.2.2).
Step ClientInvite::transport_error() {
  switch (state_) {
    case State::calling:
    case State::completed: return to(State::terminated, {.tell = Tell::transport_error});
    case State::proceeding: return {.tell = Tell::transport_error};
    case State::accepted:
    case State::terminated: return {};
  }
  return {};
}

Step ClientInvite::cancelled(const TimerConfig& timers) {
  return state_ == State::proceeding ? Step{.limit = set(Timer::give_up, timers.limit())} : Step{};
}

}  // namespace isthmus::sip
