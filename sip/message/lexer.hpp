// SPDX-License-Identifier: MIT
// Character classes of the SIP grammar (RFC 3261 25.1) as one table, and the few scans that everything here is made of.
// A class says which octets may stand; that '%' begins a complete escape is checked by whoever reads URIs.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/text.hpp"

namespace isthmus::sip {

enum CharClass : uint16_t {
  kToken = 1 << 0,      // token
  kWord = 1 << 1,       // word: Call-ID
  kUser = 1 << 2,       // user, with '%'; also '#', which phones send unescaped in feature codes
  kPassword = 1 << 3,   // password, with '%'
  kUriParam = 1 << 4,   // paramchar, with '%'
  kUriHeader = 1 << 5,  // hname and hvalue, with '%'
  kHost = 1 << 6,       // hostname and IPv4address
  kUriChar = 1 << 7,    // whatever may stand in a URI of any scheme (RFC 3986), with '%'
  kParamValue = 1 << 8  // token or host, IPv6 with or without brackets
};

namespace detail {
constexpr std::array<uint16_t, 256> make_char_classes() {
  std::array<uint16_t, 256> table{};
  auto add = [&table](std::string_view chars, int bits) {
    for (const char c : chars)
      table[static_cast<uint8_t>(c)] = static_cast<uint16_t>(table[static_cast<uint8_t>(c)] | bits);
  };
  for (int c = 0; c < 128; ++c) {
    const char ch = static_cast<char>(c);
    if (is_digit(ch) || is_alpha(ch)) table[static_cast<size_t>(c)] = 0x1ff;
  }
  add("-.!%*_+`'~", kToken | kWord | kParamValue);
  add("()<>:\\\"/[]?{}", kWord);
  constexpr int kUnreserved = kUser | kPassword | kUriParam | kUriHeader | kUriChar;
  add("-_.!~*'()%", kUnreserved);
  add("&=+$,;?/#", kUser);
  add("&=+$,", kPassword);
  add("[]/:&+$", kUriParam);
  add("[]/?:+$", kUriHeader);
  add("-._", kHost);
  add(":/?#[]@!$&'()*+,;=-._~%|{}^`\\", kUriChar);
  add("[]:", kParamValue);
  return table;
}
}  // namespace detail

inline constexpr std::array<uint16_t, 256> kCharClasses = detail::make_char_classes();

constexpr bool is(char c, CharClass wanted) {
  return (kCharClasses[static_cast<uint8_t>(c)] & wanted) != 0;
}

constexpr bool is_scheme_char(char c) {
  return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

// What is known about the octet behind a text: nothing, or that it is readable and belongs to no class, as behind each
// value in a message's Buffer. Scans of a stopped text need no bound.
enum class Ends : bool { anywhere, stopped };

template <Ends kEnds>
constexpr size_t skip(std::string_view text, size_t at, CharClass wanted) {
  if constexpr (kEnds == Ends::stopped) {
    const char* p = text.data() + at;
    while (is(*p, wanted)) ++p;
    return static_cast<size_t>(p - text.data());
  } else {
    while (at < text.size() && is(text[at], wanted)) ++at;
    return at;
  }
}
// The first position at or behind `at` whose octet is not of the class.
constexpr size_t skip(std::string_view text, size_t at, CharClass wanted) {
  return skip<Ends::anywhere>(text, at, wanted);
}
// The first position at or behind `at` that is neither SP nor HTAB.
constexpr size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}
constexpr bool all(std::string_view text, CharClass wanted) {
  return skip(text, 0, wanted) == text.size();
}
constexpr bool is_token(std::string_view text) {
  return !text.empty() && all(text, kToken);
}

// True when the text is this word of letters in any case; `lower` is in lower case.
template <size_t kSize>
constexpr bool is_word(std::string_view text, const char (&lower)[kSize]) {
  if (text.size() != kSize - 1) return false;
  unsigned differ = 0;
  for (size_t i = 0; i + 1 < kSize; ++i) differ |= static_cast<unsigned>((text[i] | 0x20) ^ lower[i]);
  return differ == 0;
}

// `at` stands on the opening quote; gives the position behind the closing one, or npos when it is never closed.
constexpr size_t skip_quoted(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return std::string_view::npos;
}

// True when every '%' begins an escape of two hexadecimal digits.
constexpr bool escapes_are_whole(std::string_view text) {
  for (size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (at + 2 >= text.size() || hex_digit(text[at + 1]) < 0 || hex_digit(text[at + 2]) < 0) return false;
  }
  return true;
}

}  // namespace isthmus::sip
