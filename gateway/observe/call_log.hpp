// SPDX-License-Identifier: MIT
// One line for each call that ended: who called whom, by which module, how it ended and how long it took. It remembers
// when a call was confirmed, nothing else.
#pragma once

#include <map>
#include <string>

#include "gateway/call/facts.hpp"

namespace isthmus::gateway {

class CallLog {
 public:
  void changed(const CallFacts& call);       // each transition
  std::string ended(const CallFacts& call);  // the line; the call is forgotten
  size_t size() const { return confirmed_.size(); }

 private:
  std::map<std::string, WallTime, std::less<>> confirmed_;
};

}  // namespace isthmus::gateway
