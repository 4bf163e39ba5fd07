// SPDX-License-Identifier: MIT
#include "tests/support/source_dir.hpp"

namespace isthmus {

std::string source_dir() {
  return ISTHMUS_SOURCE_DIR;
}

}  // namespace isthmus
