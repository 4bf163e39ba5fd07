// SPDX-License-Identifier: MIT
// The configuration as a command sees it: file, then command line, then environment. Complaints go to the standard
// error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/command/arguments.hpp"
#include "gateway/config.hpp"

namespace isthmus::gateway {

// A file alone; "" gives the defaults.
Result<Config, std::vector<ConfigError>> load_file(const std::string& path);

// File, options (--webhook-url, --sip, --web, --data) and ISTHMUS_WEBHOOK_SECRET, checked as a whole.
Result<Config, std::vector<ConfigError>> load(const Arguments& arguments);

// For a command that speaks to the gateway that runs (options --config, --data, --web): nothing else need be complete.
Result<Config, std::vector<ConfigError>> load_for_client(const Arguments& arguments);

// Writes each mistake on a line of its own; returns kBadConfig.
int complain(const std::vector<ConfigError>& errors);

}  // namespace isthmus::gateway
