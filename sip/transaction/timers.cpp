// SPDX-License-Identifier: MIT
// Names of the timers, for notes and test output.
#include "sip/transaction/timers.hpp"

namespace isthmus::sip {

std::string_view describe(Timer timer) {
  constexpr std::string_view kNames[] = {"none", "A", "B", "D", "E", "F",       "G",      "H",
                                         "I",    "J", "K", "L", "M", "give up", "hundred"};
  return kNames[static_cast<size_t>(timer)];
}

}  // namespace isthmus::sip
