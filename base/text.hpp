// SPDX-License-Identifier: MIT
// Small text operations over ASCII: comparison without case, numbers that never wrap, trimming. Locale is never
// consulted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}
constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char l = to_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// RFC 3261 section 25: unreserved, and of user-unreserved what people write in names and numbers.
constexpr bool is_user_character(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("-_.!~*'()&=+$,").find(c) != std::string_view::npos;
}

constexpr bool equals_ignore_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

inline std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

// Digits only, no sign, at least one digit, value <= limit; anything else is no number. Never wraps.
constexpr std::optional<uint64_t> parse_number(std::string_view digits, uint64_t limit = UINT64_MAX) {
  if (digits.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (digit > limit || value > (limit - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

inline void append_number(std::string& out, uint64_t value) {
  char digits[20];
  char* at = digits + sizeof digits;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  out.append(at, static_cast<size_t>(digits + sizeof digits - at));
}

inline void append_hex(std::string& out, uint64_t value) {  // lower case, no leading zeros
  char digits[16];
  char* at = digits + sizeof digits;
  do {
    *--at = "0123456789abcdef"[value & 15];
    value >>= 4;
  } while (value > 0);
  out.append(at, static_cast<size_t>(digits + sizeof digits - at));
}

// Edit distance, for "did you mean"; texts longer than 64 characters are cut.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace isthmus
