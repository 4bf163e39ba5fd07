// SPDX-License-Identifier: MIT
// The log of the program: lines on the standard error, with time and level. What a stranger wrote is made printable.
// Secrets are Private values (base/log.hpp) and never get here; packets and messages are not logged at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace isthmus::gateway {

enum class LogLevel : uint8_t { debug, info, warning, error, off };

void set_log_level(LogLevel least);
void log(LogLevel level, std::string_view text);

// Control characters and bytes that are no ASCII become `?`; at most 512 octets.
std::string printable(std::string_view text);

}  // namespace isthmus::gateway
