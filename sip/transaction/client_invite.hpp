// SPDX-License-Identifier: MIT
// INVITE client transaction: RFC 3261 section 17.1.1 (figure 5) with the Accepted state of RFC 6026 section 7.2 and the
// wait after a CANCEL of RFC 3261 section 9.1. A pure value: it holds no message, and the ACK to a 2xx is not its own.
#pragma once

#include "sip/transaction/timers.hpp"

namespace isthmus::sip {

class ClientInvite {
 public:
  enum class State : uint8_t { calling, proceeding, completed, accepted, terminated };

  Step start(const TimerConfig& timers, bool reliable);
  Step response(const TimerConfig& timers, int status);
  Step timer(const TimerConfig& timers, Timer which);
  Step transport_error();
  // A CANCEL for this INVITE was just sent; without a final answer the transaction ends after 64*T1 as a timeout.
  Step cancelled(const TimerConfig& timers);

  State state() const { return state_; }
  bool is_running() const { return state_ == State::calling || state_ == State::proceeding; }
  // A response with this status makes the transaction send an ACK for the first time, so one has to be prepared.
  bool needs_ack(int status) const { return is_running() && status >= 300; }

 private:
  Step to(State next, Step action);
  Step complete(const TimerConfig& timers);

  State state_ = State::calling;
  bool reliable_ = false;
  Duration interval_{};
};

}  // namespace isthmus::sip
