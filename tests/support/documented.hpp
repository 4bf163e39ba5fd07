// SPDX-License-Identifier: MIT
// What docs/api.md section 1 says about the codes of each reason for which a call is dropped.
#pragma once

#include <cstdint>
#include <string_view>

namespace isthmus::test {

// May a call be dropped with this reason and this code? `code` < 1: it carries none.
bool is_documented(std::string_view reason, int64_t code);

}  // namespace isthmus::test
