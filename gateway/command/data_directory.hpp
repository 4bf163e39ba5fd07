// SPDX-License-Identifier: MIT
// The data directory as a command that root may give sees it: what the gateway's user can change is touched with the
// rights of that user alone, so that no link made there leads to files of root.
#pragma once

#include <string>

#include "base/result.hpp"
#include "gateway/config.hpp"

namespace isthmus::gateway {

// Makes the data directory where it is not there yet (whom a new one of root's belongs to is told on the standard
// error), and goes on as its owner, for good. What is read with the rights of the caller is read before.
Result<void, std::string> enter_data_directory(const Config& config);

// Tells that `data` is root's, where this process is and it is; "" otherwise.
std::string note_of_root(const std::string& data);

}  // namespace isthmus::gateway
