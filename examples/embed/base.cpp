// SPDX-License-Identifier: MIT
// isthmus::base alone: addresses and a timer wheel driven by a time of our own (R5.4).

#include <chrono>
#include <iostream>
#include <string>

#include "base/address.hpp"
#include "base/deadlines.hpp"

int main() {
  using namespace std::chrono_literals;

  const auto phone = isthmus::SocketAddress::parse("[2001:DB8:0:0::1]:5060");
  const auto office = isthmus::Prefix::parse("2001:db8::/32");
  if (!phone || !office) return 1;
  std::cout << phone->text() << (office->contains(phone->ip) ? " is in the office\n" : " is elsewhere\n");

  // Time is an argument: the wheel never reads a clock.
  const isthmus::TimePoint start{};
  isthmus::Deadlines<std::string> timers;
  timers.set(start + 500ms, "resend");
  isthmus::TimerId give_up = timers.set(start + 32s, "give up");
  timers.set(start + 500ms, "after it, for it was set later");

  for (auto now = start; now <= start + 1s; now += 100ms) {
    while (const auto due = timers.take_due(now)) std::cout << *due << " at " << (now - start) / 1ms << " ms\n";
  }
  std::cout << (timers.cancel(give_up) ? "cancelled in time" : "too late") << ", " << timers.size() << " timers left\n";
}
