// SPDX-License-Identifier: MIT
// The parser's own entrances to the typed headers, for text that lies in a message's Buffer and is stopped there (see
// Ends): the same grammar and the same results as the public functions, with fewer bounds to look at.
#pragma once

#include <string_view>

#include "sip/message/name_addr.hpp"
#include "sip/message/names.hpp"
#include "sip/message/uri.hpp"
#include "sip/message/via.hpp"

namespace isthmus::sip::stopped {

Result<Via, Flaw> parse_via(std::string_view value, size_t& size);
Result<NameAddr, Flaw> parse_name_addr(std::string_view text);
Result<Uri, Flaw> parse_uri(std::string_view text);
Header header_of(std::string_view name);

}  // namespace isthmus::sip::stopped
