// SPDX-License-Identifier: MIT
// Description to text (RFC 8866 section 5): CRLF, the fixed order of lines, s= always, at least one t=, never k=. What
// parse() gave is written so that parsing it again gives the same Description, apart from lines that were ignored.
#pragma once

#include <string>

#include "sdp/description.hpp"

namespace isthmus::sdp {

void write(std::string& out, const Description& description);  // appends
std::string write(const Description& description);

}  // namespace isthmus::sdp
