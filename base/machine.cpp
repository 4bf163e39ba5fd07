// SPDX-License-Identifier: MIT
#include "base/machine.hpp"

namespace isthmus {

std::string_view describe(Census::Kind kind) {
  switch (kind) {
    case Census::calls: return "calls";
    case Census::legs: return "legs";
    case Census::sessions: return "sessions";
    case Census::transactions: return "transactions";
    case Census::media_legs: return "media_legs";
    case Census::ports: return "ports";
    case Census::asks: return "asks";
    case Census::registrations: return "registrations";
    case Census::reaping: return "reaping";
    case Census::lingering_transactions: return "lingering_transactions";
    case Census::timers: return "timers";
    case Census::kKinds: break;
  }
  return "unknown";
}

}  // namespace isthmus
