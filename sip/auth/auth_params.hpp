// SPDX-License-Identifier: MIT
// The value of an Authorization, WWW-Authenticate, Proxy-Authorization or Proxy-Authenticate header: a scheme and
// auth-params (RFC 7616 section 3.3, RFC 3261 section 25.1). Strict, with named limits; it owns nothing: all views are
// into the text that was parsed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace isthmus::sip {

inline constexpr size_t kMaxAuthHeader = 8192;
inline constexpr size_t kMaxAuthParam = 1024;  // characters of one value
inline constexpr size_t kMaxAuthParams = 24;

enum class AuthFlaw : uint8_t {
  empty,          // nothing there
  too_long,       // beyond one of the limits above
  no_scheme,      // does not begin with a token
  not_digest,     // another scheme
  bad_parameter,  // not name=value, or a control character
  duplicate,      // a parameter twice
  missing         // a parameter that must be there is not, or has an impossible value
};
std::string_view describe(AuthFlaw flaw);

struct DigestParam {
  std::string_view name;
  std::string_view value;  // between the quotes, escapes as written
  bool quoted = false;
};

class DigestParams {
 public:
  // Digest only; the error for any other scheme is not_digest.
  static Result<DigestParams, AuthFlaw> parse(std::string_view header_value);

  // Names are compared without case.
  std::optional<std::string_view> find(std::string_view name) const;
  size_t size() const { return size_; }

 private:
  std::array<DigestParam, kMaxAuthParams> list_{};
  size_t size_ = 0;
};

// "\" escapes taken out, and put in before quotes and backslashes.
std::string unescaped(std::string_view quoted);
std::string escaped(std::string_view text);

}  // namespace isthmus::sip
