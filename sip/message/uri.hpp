// SPDX-License-Identifier: MIT
// SIP, SIPS and tel URIs as views into their text (RFC 3261 19.1, RFC 3966), and their comparison (19.1.4). Escapes are
// kept as they stand. Other schemes are recognised and reported, never taken apart. Nothing here resolves names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/message/flaw.hpp"

namespace isthmus::sip {

inline constexpr size_t kMaxUriLength = 4096;
inline constexpr size_t kMaxUriParams = 64;

enum class Scheme : uint8_t { sip, sips, tel, other };

struct Uri {
  Scheme scheme = Scheme::other;
  bool has_password = false;
  uint16_t port = 0;  // 0: none was written
  std::string_view scheme_text;
  std::string_view user;      // for tel the number; "" when there is none
  std::string_view password;  // see has_password
  std::string_view host;      // an IPv6 reference keeps its brackets; "" for tel and other schemes
  std::string_view params;    // behind the first ';', without it
  std::string_view headers;   // behind '?', without it
  std::string_view text;      // all of it

  bool is_sip() const { return scheme == Scheme::sip || scheme == Scheme::sips; }
  bool is_secure() const { return scheme == Scheme::sips; }
  // Value of a URI parameter (lr, ob, transport, maddr ...), name without case; "" for a flag.
  std::optional<std::string_view> param(std::string_view name) const;
  bool has_param(std::string_view name) const { return param(name).has_value(); }
};

// The whole text must be one URI. `bad_uri`, `uri_too_long`, `too_many_params`; an unknown scheme is no error here.
Result<Uri, Flaw> parse_uri(std::string_view text);

// RFC 3261 19.1.4 for sip and sips; RFC 3966 5 for tel (visual separators ignored); other schemes octet by octet.
bool equivalent(const Uri& a, const Uri& b);

// %HH resolved; an incomplete escape is kept as it stands.
std::string unescape(std::string_view text);
// Octets that may not stand in the user part become %HH; '%' too.
std::string escape_user(std::string_view user);

// The same host name without case, or the same address with or without brackets.
bool is_same_host(std::string_view a, std::string_view b);
// "host" or "host:port" as it is written into a URI; an IPv6 address without brackets gets them.
std::string host_port(std::string_view host, uint16_t port);

}  // namespace isthmus::sip
