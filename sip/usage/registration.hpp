// SPDX-License-Identifier: MIT
// A registration of ours at an upstream server (RFC 3261 section 10.2): one Call-ID, CSeq + 1 each time, credentials,
// 423 answered with the wanted interval, refreshed before it expires. The registrar's side is gateway/module/registrar.
#pragma once

#include <chrono>
#include <string>

#include "base/deadlines.hpp"
#include "sip/usage/events.hpp"

namespace isthmus::sip {

struct RegistrationSpec {
  std::string registrar;  // Request-URI: sip:example.org
  std::string address;    // address of record as a name-addr: <sip:alice@example.org>
  std::string contact_user;
  Target target;
  std::chrono::seconds expires{600};
  std::vector<Credential> credentials;
};

class Registration {
 public:
  static constexpr std::chrono::seconds kRetryFirst{30};  // after a failure, doubling
  static constexpr std::chrono::seconds kRetryLongest{1800};
  static constexpr int kRefreshPercent = 60;

  Registration(Pass& pass, Endpoint& endpoint, RegistrationId id, RegistrationSpec spec, const Digests& digests);

  void withdraw(Pass& pass, Endpoint& endpoint);
  // What came of the REGISTER in hand: when to act next (kNever: not by time). `status` 0: provisional, nothing
  // happened.
  struct Outcome {
    uint16_t status = 0;
    bool changed = false;
    TimePoint next = kNever;
  };
  Outcome response(Pass& pass, Endpoint& endpoint);
  Outcome failed(Pass& pass, uint16_t status);
  void refresh(Pass& pass, Endpoint& endpoint);
  bool is_over() const { return over_; }
  TimerId& timer() { return timer_; }  // of its next refresh, kept for the owner

 private:
  void send(Pass& pass, Endpoint& endpoint);
  Outcome settle(Pass& pass, uint16_t status, Duration next);

  RegistrationId id_;
  RegistrationSpec spec_;
  ClientAuth auth_;
  std::string call_id_;
  std::string tag_;
  uint32_t cseq_ = 0;
  uint32_t wanted_ = 0;
  bool running_ = false;  // 10.2: one REGISTER at a time
  bool withdrawing_ = false;
  bool withdrawn_ = false;  // the REGISTER that says so was sent
  bool over_ = false;
  std::chrono::seconds backoff_ = kRetryFirst;
  TimerId timer_;
};

}  // namespace isthmus::sip
