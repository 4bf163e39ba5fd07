// SPDX-License-Identifier: MIT
// Non-INVITE client transaction: RFC 3261 section 17.1.2 (figure 6). A pure value: it holds no message.
#pragma once

#include "sip/transaction/timers.hpp"

namespace isthmus::sip {

class ClientRequest {
 public:
  enum class State : uint8_t { trying, proceeding, completed, terminated };

  Step start(const TimerConfig& timers, bool reliable);
  Step response(const TimerConfig& timers, int status);
  Step timer(const TimerConfig& timers, Timer which);
  Step transport_error();

  State state() const { return state_; }
  bool is_running() const { return state_ == State::trying || state_ == State::proceeding; }

 private:
  Step to(State next, Step action);

  State state_ = State::trying;
  bool reliable_ = false;
  Duration interval_{};
};

}  // namespace isthmus::sip
