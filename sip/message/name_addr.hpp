// SPDX-License-Identifier: MIT
// name-addr and addr-spec with header parameters (RFC 3261 20.10, 20.20, 20.39): From, To, Contact, Route and their
// like as views. The URI is checked for illegal octets; it is taken apart when somebody asks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/message/flaw.hpp"
#include "sip/message/uri.hpp"

namespace isthmus::sip {

inline constexpr size_t kMaxParams = 64;  // of one address or Via

struct NameAddr {
  std::string_view display;  // as it stands, with quotes if it has them
  std::string_view uri;      // without the angle brackets
  std::string_view params;   // behind the first ';' after the address, without it
  std::string_view tag;      // value of the tag parameter, "" without
  bool has_brackets = false;

  std::string display_name() const;  // quotes and quoted pairs resolved
  Result<Uri, Flaw> parsed_uri() const { return parse_uri(uri); }
  std::optional<std::string_view> param(std::string_view name) const;
};

// The whole text must be one address. Without angle brackets ';' begins the header parameters, and '?' and ',' may not
// stand in the URI (RFC 3261 20.10).
Result<NameAddr, Flaw> parse_name_addr(std::string_view text);

}  // namespace isthmus::sip
