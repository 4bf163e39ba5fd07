// SPDX-License-Identifier: MIT
// The key table as texts for people. Pure; gateway/papers.cpp writes them into files, a test compares.
#pragma once

#include <string>

namespace isthmus::gateway {

std::string config_example();    // etc/isthmus.toml: every key, commented, with what counts when it is not written
std::string config_reference();  // Markdown: one table of keys for each table of the file
std::string config_manual();     // isthmus.toml(5) in man(7)

// Text as man(7) takes it: backslashes, leading dots and quotes; `code` becomes bold.
std::string roff(std::string_view text);

}  // namespace isthmus::gateway
