// SPDX-License-Identifier: MIT
#include "gateway/api/attempts.hpp"

namespace isthmus::gateway {

std::string Attempts::source(const IpAddress& ip) {
  IpAddress network = ip;
  if (network.is_v6()) {
    for (size_t i = 8; i < network.octets.size(); ++i) network.octets[i] = 0;
  }
  return network.text();
}

void Attempts::forget(TimePoint now) {
  while (!order_.empty() && (order_.front().first + limits_.within <= now || order_.size() > limits_.keys)) {
    const auto found = keys_.find(order_.front().second);
    if (found != keys_.end()) {
      found->second.pop_front();
      if (found->second.empty()) keys_.erase(found);
    }
    order_.pop_front();
  }
}

void Attempts::failed(TimePoint now, const std::string& key) {
  keys_[key].push_back(now);
  order_.emplace_back(now, key);
  forget(now);
}

std::chrono::seconds Attempts::wait(TimePoint now, const std::string& key) {
  forget(now);
  const auto found = keys_.find(key);
  if (found == keys_.end() || found->second.size() < limits_.failures) return {};
  const TimePoint free = found->second[found->second.size() - limits_.failures] + limits_.within;
  return std::max(std::chrono::ceil<std::chrono::seconds>(free - now), std::chrono::seconds(1));
}

}  // namespace isthmus::gateway
