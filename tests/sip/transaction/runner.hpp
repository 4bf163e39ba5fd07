// SPDX-License-Identifier: MIT
// Runs one transaction machine in virtual time and writes down what it wants, as lines "milliseconds what".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sip/transaction/timers.hpp"

namespace isthmus::sip::testing {

template <class Machine>
class Runner {
 public:
  explicit Runner(bool reliable = false, TimerConfig config = {}) : timers(config) {
    take(machine.start(timers, reliable));
  }

  void take(const Step& step) {
    if (step.emit == Emit::request) note("request");
    if (step.emit == Emit::ack) note("ack");
    if (step.emit == Emit::response) note("response");
    if (step.tell == Tell::message) note("tell");
    if (step.tell == Tell::timeout) note("timeout");
    if (step.tell == Tell::transport_error) note("transport error");
    if (step.tell == Tell::hundred_due) note("100 due");
    arm(repeat, step.repeat);
    arm(limit, step.limit);
    if (step.ended) note("end");
    if (step.ended) ended = true;
  }
  // Lets time pass to `ms` after the start; timers of that very moment fire.
  void run_to(int64_t ms) {
    const TimePoint until{std::chrono::milliseconds(ms)};
    for (;;) {
      std::optional<Alarmed>& first = !repeat || (limit && limit->at < repeat->at) ? limit : repeat;
      if (!first || first->at > until) break;
      const Alarmed due = *first;
      first.reset();
      now = due.at;
      take(machine.timer(timers, due.timer));
    }
    now = until;
  }
  bool has_timers() const { return repeat || limit; }
  std::vector<std::string> log_taken() { return std::exchange(log, {}); }

  struct Alarmed {
    Timer timer;
    TimePoint at;
  };
  TimerConfig timers;
  Machine machine;
  TimePoint now{};
  std::optional<Alarmed> repeat;
  std::optional<Alarmed> limit;
  std::vector<std::string> log;
  bool ended = false;

 private:
  void note(const char* what) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
    log.push_back(std::to_string(ms) + " " + what);
  }
  void arm(std::optional<Alarmed>& alarmed, const Alarm& alarm) {
    if (alarm.what != Alarm::What::keep) alarmed.reset();
    if (alarm.what == Alarm::What::set) alarmed = Alarmed{alarm.timer, now + alarm.in};
  }
};

using Log = std::vector<std::string>;

}  // namespace isthmus::sip::testing
