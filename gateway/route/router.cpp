// SPDX-License-Identifier: MIT
#include "gateway/route/router.hpp"

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

constexpr uint64_t kLargestNumber = 999'999'999'999'999'999;

bool range_covers(std::string_view low, std::string_view high, std::string_view number) {
  const auto from = parse_number(low, kLargestNumber);
  const auto to = parse_number(high, kLargestNumber);
  const auto value = parse_number(number, kLargestNumber);
  return from && to && value && *from <= *value && *value <= *to && number.size() >= low.size() &&
         number.size() <= high.size();
}

bool element_matches(std::string_view element, std::string_view number) {
  if (element == "*" || element == number) return true;
  const size_t dash = element.find('-');
  return dash != std::string_view::npos &&
         range_covers(trim(element.substr(0, dash)), trim(element.substr(dash + 1)), number);
}

}  // namespace

bool pattern_matches(std::string_view pattern, std::string_view number) {
  for (;;) {
    const size_t comma = pattern.find(',');
    if (element_matches(trim(pattern.substr(0, comma)), number)) return true;
    if (comma == std::string_view::npos) return false;
    pattern.remove_prefix(comma + 1);
  }
}

uint32_t Router::row(const Numbers& numbers) const {
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    const RouteRow& row = rows_[i];
    if (pattern_matches(row.in_from, numbers.from) && pattern_matches(row.in_to, numbers.to)) return i + 1;
  }
  return 0;
}

Numbers Router::route(const Numbers& numbers) const {
  const uint32_t found = row(numbers);
  if (found == 0) return numbers;
  const RouteRow& row = rows_[found - 1];
  return {row.out_from == "*" ? numbers.from : row.out_from, row.out_to == "*" ? numbers.to : row.out_to};
}

}  // namespace isthmus::gateway
