// SPDX-License-Identifier: MIT
// Small files that their owner alone may read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace isthmus::gateway {

// At most 64 KiB; nothing: it cannot be read, errno says why (ELOOP: the path is a link, which was not to be followed).
std::optional<std::string> read_secret_file(const std::string& path, bool through_link = true);

// A new file; never through a link, never over one that is there. Only one caller makes it.
Result<void, std::string> write_secret_file(const std::string& path, std::string_view text);

}  // namespace isthmus::gateway
