// SPDX-License-Identifier: MIT
// Where the sources lie, for tests that read files.
#pragma once

#include <string>

namespace isthmus {

std::string source_dir();  // without a slash at its end

}  // namespace isthmus
