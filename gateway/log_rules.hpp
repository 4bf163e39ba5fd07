// SPDX-License-Identifier: MIT
// What is logged and how: values of the configuration, obeyed by gateway/observe/log.
#pragma once

#include <cstdint>

namespace isthmus::gateway {

enum class LogLevel : uint8_t { debug, info, warning, error, off };
enum class LogFormat : uint8_t { text, json };  // json: one object a line

struct LogRules {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  bool mask = false;  // of numbers, names and addresses only the beginning or end is shown
  friend bool operator==(const LogRules&, const LogRules&) = default;
};

}  // namespace isthmus::gateway
