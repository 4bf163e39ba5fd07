// SPDX-License-Identifier: MIT
// How often a wrong secret was shown lately, by name and address: a sliding window, bounded in memory. When the table
// is full the oldest entry makes room: strangers can at most make it forget, never make it grow.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "base/address.hpp"
#include "base/time.hpp"

namespace isthmus::gateway {

class Attempts {
 public:
  struct Limits {
    size_t failures = 5;
    Duration within = std::chrono::seconds(60);
    size_t keys = 10000;  // remembered at once
  };
  explicit Attempts(Limits limits) : limits_(limits) {}

  void failed(TimePoint now, const std::string& key);
  // Zero: another attempt is allowed. Otherwise how long to wait, in whole seconds, at least one.
  std::chrono::seconds wait(TimePoint now, const std::string& key);
  size_t size() const { return keys_.size(); }

  // IPv4 address or IPv6 /64: who has one of a network has them all.
  static std::string source(const IpAddress& ip);

 private:
  Limits limits_;
  std::map<std::string, std::deque<TimePoint>, std::less<>> keys_;
  std::deque<std::pair<TimePoint, std::string>> order_;  // of all failures, oldest first
  void forget(TimePoint now);
};

}  // namespace isthmus::gateway
