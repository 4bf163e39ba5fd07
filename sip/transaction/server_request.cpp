// SPDX-License-Identifier: MIT
// Non-INVITE server transaction, RFC 3261 section 17.2.2 and RFC 4320 section 4. Each line is "next state, action".
#include "sip/transaction/server_request.hpp"

namespace isthmus::sip {

Step ServerRequest::to(State next, Step action) {
  state_ = next;
  action.ended = next == State::terminated;
  if (action.ended) action.repeat = action.limit = stop();
  return action;
}

Step ServerRequest::start(const TimerConfig& timers, bool reliable) {
  reliable_ = hundred_allowed_ = reliable;
  return to(State::trying, {.tell = Tell::message, .repeat = set(Timer::hundred, timers.hundred_after())});
}

Step ServerRequest::request() {
  switch (state_) {
    case State::proceeding:
    case State::completed: return {.emit = Emit::response};
    case State::trying:
    case State::terminated: return {};
  }
  return {};
}

bool ServerRequest::takes(int status) const {
  if (!is_running() || status < 100 || status > 699) return false;
  return status < 200 ? status == 100 && hundred_allowed_ : true;
}

Step ServerRequest::respond(const TimerConfig& timers, int status) {
  if (!takes(status)) return {};
  if (status < 200) return to(State::proceeding, {.emit = Emit::response, .repeat = stop()});
  // RFC 4320 section 4.2: the peer has timed out by itself; a 408 would only come too late.
  const Emit emit = status == 408 ? Emit::nothing : Emit::response;
  if (reliable_) return to(State::terminated, {.emit = emit});  // timer J is zero
  return to(State::completed, {.emit = emit, .repeat = stop(), .limit = set(Timer::j, timers.limit())});
}

Step ServerRequest::timer(const TimerConfig&, Timer which) {
  switch (which) {
    case Timer::hundred:
      hundred_allowed_ = true;
      return state_ == State::trying ? Step{.tell = Tell::hundred_due} : Step{};
    case Timer::j: return state_ == State::completed ? to(State::terminated, {}) : Step{};
    default: return {};
  }
}

// RFC 3261 section 17.2.4: the user is told; the response may go by another way (18.2.2), so the state stays.
Step ServerRequest::transport_error() {
  return state_ == State::terminated ? Step{} : Step{.tell = Tell::transport_error};
}

}  // namespace isthmus::sip
