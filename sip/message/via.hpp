// SPDX-License-Identifier: MIT
// One Via element as views (RFC 3261 20.42, 18.2; rport of RFC 3581). Whitespace around '/', ':' and ';' is taken as
// the grammar allows it; empty
// fields and ports out of range are refused (advisory 33).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sip/message/flaw.hpp"

namespace isthmus::sip {

inline constexpr std::string_view kMagicCookie = "z9hG4bK";  // RFC 3261 8.1.1.7

struct Via {
  std::string_view transport;  // UDP, TCP, TLS, WS, WSS or another token, as written
  std::string_view host;       // of sent-by; an IPv6 reference keeps its brackets
  std::string_view branch;     // "" without
  std::string_view received;   // "" without
  std::string_view maddr;      // "" without
  std::string_view params;     // behind the first ';', without it
  std::string_view text;       // the element
  uint16_t port = 0;           // of sent-by; 0: none was written
  uint16_t rport_value = 0;    // 0: flag only or none
  bool rport = false;          // the parameter is there, with or without value
  std::optional<uint8_t> ttl;

  bool has_cookie() const { return branch.starts_with(kMagicCookie); }
};

// Reads one element from the begin of `value`; `size` becomes its length including a following comma, so that a list
// can be read on from there.
Result<Via, Flaw> parse_via(std::string_view value, size_t& size);
// The whole text must be one element.
Result<Via, Flaw> parse_via(std::string_view text);

}  // namespace isthmus::sip
