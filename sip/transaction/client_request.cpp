// SPDX-License-Identifier: MIT
// Non-INVITE client transaction, RFC 3261 section 17.1.2. Each line is "next state, action".
#include "sip/transaction/client_request.hpp"

namespace isthmus::sip {

Step ClientRequest::to(State next, Step action) {
  state_ = next;
  action.ended = next == State::terminated;
  if (action.ended) action.repeat = action.limit = stop();
  return action;
}

Step ClientRequest::start(const TimerConfig& timers, bool reliable) {
  reliable_ = reliable;
  interval_ = timers.t1;
  const Alarm repeat = reliable ? stop() : set(Timer::e, interval_);
  return to(State::trying, {.emit = Emit::request, .repeat = repeat, .limit = set(Timer::f, timers.limit())});
}

Step ClientRequest::response(const TimerConfig& timers, int status) {
  switch (state_) {
    case State::trying:
    case State::proceeding:
      if (status < 200) return to(State::proceeding, {.tell = Tell::message});
      if (reliable_) return to(State::terminated, {.tell = Tell::message});  // timer K is zero
      return to(State::completed, {.tell = Tell::message, .repeat = stop(), .limit = set(Timer::k, timers.t4)});
    case State::completed:
    case State::terminated: return {};
  }
  return {};
}

Step ClientRequest::timer(const TimerConfig& timers, Timer which) {
  switch (which) {
    case Timer::e:
      if (!is_running()) return {};
      interval_ = state_ == State::proceeding ? timers.t2 : timers.doubled(interval_);
      return {.emit = Emit::request, .repeat = set(Timer::e, interval_)};
    case Timer::f: return is_running() ? to(State::terminated, {.tell = Tell::timeout}) : Step{};
    case Timer::k: return state_ == State::completed ? to(State::terminated, {}) : Step{};
    default: return {};
  }
}

Step ClientRequest::transport_error() {
  return is_running() ? to(State::terminated, {.tell = Tell::transport_error}) : Step{};
}

}  // namespace isthmus::sip
