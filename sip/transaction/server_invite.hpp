// SPDX-License-Identifier: MIT
// INVITE server transaction: RFC 3261 section 17.2.1 (figure 7) with the Accepted state of RFC 6026 section 7.1. A pure
// value: it holds no message; the table repeats the last response. Repeating a 2xx is the user's business, and so is
// the 100 (sent at once after admission).
#pragma once

#include "sip/transaction/timers.hpp"

namespace isthmus::sip {

class ServerInvite {
 public:
  enum class State : uint8_t { proceeding, completed, accepted, confirmed, terminated };

  Step start(const TimerConfig& timers, bool reliable);
  Step request();  // the INVITE came again
  Step ack(const TimerConfig& timers);
  // The user answers. `takes` tells whether this state still sends a response of this status.
  Step respond(const TimerConfig& timers, int status);
  Step timer(const TimerConfig& timers, Timer which);
  Step transport_error();

  State state() const { return state_; }
  bool is_running() const { return state_ == State::proceeding; }
  bool takes(int status) const;

 private:
  Step to(State next, Step action);

  State state_ = State::proceeding;
  bool reliable_ = false;
  Duration interval_{};
};

}  // namespace isthmus::sip
