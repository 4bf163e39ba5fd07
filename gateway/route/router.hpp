// SPDX-License-Identifier: MIT
// The route table (R1.11 to R1.13): columns in_from, in_to, out_from, out_to; the first row whose in-columns match
// rewrites the numbers. Patterns: `*`, a number or name, comma lists of those, and numeric ranges a-b. Nothing matches:
// all stays as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace isthmus::gateway {

struct RouteRow {
  std::string in_from = "*";
  std::string in_to = "*";
  std::string out_from = "*";  // `*`: as it came
  std::string out_to = "*";
  friend bool operator==(const RouteRow&, const RouteRow&) = default;
};

// True when the pattern covers the number.
bool pattern_matches(std::string_view pattern, std::string_view number);

struct Numbers {
  std::string from;
  std::string to;
  friend bool operator==(const Numbers&, const Numbers&) = default;
};

class Router {
 public:
  Router() = default;
  explicit Router(std::vector<RouteRow> rows) : rows_(std::move(rows)) {}
  Numbers route(const Numbers& numbers) const;
  uint32_t row(const Numbers& numbers) const;  // that matches, from 1; 0: none

 private:
  std::vector<RouteRow> rows_;
};

}  // namespace isthmus::gateway
