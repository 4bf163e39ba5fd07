// SPDX-License-Identifier: MIT
// A value of a configuration file as the key table reads it, whatever the file's language is.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace isthmus::gateway {

struct ConfigValue {
  struct Other {};  // a float, a date, a table: no key takes one
  std::variant<Other, std::string, int64_t, bool, std::vector<ConfigValue>> is;

  const std::string* text() const { return std::get_if<std::string>(&is); }
  const int64_t* number() const { return std::get_if<int64_t>(&is); }
  const bool* flag() const { return std::get_if<bool>(&is); }
  const std::vector<ConfigValue>* list() const { return std::get_if<std::vector<ConfigValue>>(&is); }
};

}  // namespace isthmus::gateway
