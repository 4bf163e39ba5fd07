// SPDX-License-Identifier: MIT
// Hides what must not be shown of a SIP message that somebody looks at: credentials (RFC 8760, RFC 3261 section 22.4),
// passwords in URIs, keys in SDP (RFC 4568), ICE passwords (RFC 8839), and digits in INFO. It works on the text, not on
// a parsed message, so that malformed ones are safe too; each hidden octet becomes a star, so that lengths stay true.
#pragma once

#include <string>
#include <string_view>

namespace isthmus::gateway {

std::string without_secrets(std::string_view message);

}  // namespace isthmus::gateway
