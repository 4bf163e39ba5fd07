// SPDX-License-Identifier: MIT
// Hexadecimal and Base64 (RFC 4648 sections 4, 5 and 8). Decoders are strict: foreign characters and wrong padding
// fail.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace isthmus {

std::string to_hex(Bytes bytes);  // lower case
std::optional<std::vector<std::byte>> from_hex(std::string_view text);
std::string to_base64(Bytes bytes);     // with padding
std::string to_base64url(Bytes bytes);  // section 5, without padding
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace isthmus
