// SPDX-License-Identifier: MIT
// What stood on the command line, read by gateway/main.cpp (the one file of CLI11) along the table of commands. Names
// are those of the table: "--config", "FILE".
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace isthmus::gateway {

class Arguments {
 public:
  void put(std::string_view name, std::string value) { given_.emplace_back(name, std::move(value)); }

  bool has(std::string_view name) const {
    return std::any_of(given_.begin(), given_.end(), [&](const auto& each) { return each.first == name; });
  }
  // The value; "" when it was not given.
  std::string text(std::string_view name) const {
    for (const auto& [known, value] : given_) {
      if (known == name) return value;
    }
    return {};
  }
  std::vector<std::string> all(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& [known, value] : given_) {
      if (known == name) out.push_back(value);
    }
    return out;
  }

 private:
  std::vector<std::pair<std::string, std::string>> given_;
};

}  // namespace isthmus::gateway
