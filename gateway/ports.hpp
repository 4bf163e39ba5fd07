// SPDX-License-Identifier: MIT
// Which ports a firewall must let in for a configuration. Pure.
#pragma once

#include <string>

#include "gateway/config.hpp"

namespace isthmus::gateway {

// Lines for people, each ended; what listens on loopback alone is left out.
std::string ports_to_open(const Config& config);

}  // namespace isthmus::gateway
