// SPDX-License-Identifier: MIT
// Non-INVITE server transaction: RFC 3261 section 17.2.2 (figure 8) with RFC 4320: no provisional response but 100,
// that one not before the peer's timer E has grown to T2 on unreliable transports, and never a 408. A pure value: it
// holds no message.
#pragma once

#include "sip/transaction/timers.hpp"

namespace isthmus::sip {

class ServerRequest {
 public:
  enum class State : uint8_t { trying, proceeding, completed, terminated };

  Step start(const TimerConfig& timers, bool reliable);
  Step request();  // the request came again
  Step respond(const TimerConfig& timers, int status);
  Step timer(const TimerConfig& timers, Timer which);
  Step transport_error();

  State state() const { return state_; }
  bool is_running() const { return state_ == State::trying || state_ == State::proceeding; }
  // False for what RFC 4320 forbids now and for everything after the final response.
  bool takes(int status) const;

 private:
  Step to(State next, Step action);

  State state_ = State::trying;
  bool reliable_ = false;
  bool hundred_allowed_ = false;
};

}  // namespace isthmus::sip
