// SPDX-License-Identifier: MIT
// Text to Description (RFC 8866 section 9). Strict about what would be misread, lenient about what real peers send:
// bare LF, no line end at the end, blank lines, unknown line types, s= or t= left out, lines in another order. k= is
// read over. Never reads past the text, never throws, and every limit of description.hpp is an error of its own.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "sdp/description.hpp"

namespace isthmus::sdp {

enum class ParseFault : uint8_t {
  too_long,             // the whole text is beyond kMaxDescriptionBytes
  line_too_long,        // beyond kMaxLineBytes
  too_many_lines,       // beyond kMaxLines
  control_octet,        // NUL, or CR inside a line
  line,                 // not "x=..."
  version,              // the first line is not v=0, or a second v=
  origin,               // o= missing or not six fields
  connection,           // c= not "IN IP4|IP6 address"
  time,                 // t= not two numbers, or too many
  media,                // m= not "kind port[/count] protocol ..."
  attribute,            // a= without a name
  too_many_media,       // beyond kMaxMediaSections
  too_many_attributes,  // beyond kMaxAttributes
  too_many_formats,     // beyond kMaxFormats
  too_many_bandwidths   // beyond kMaxBandwidths
};
std::string_view describe(ParseFault fault);

struct ParseError {
  ParseFault code = ParseFault::line;
  uint32_t line = 0;    // from 1
  uint32_t offset = 0;  // octet at which that line begins
  friend bool operator==(const ParseError&, const ParseError&) = default;
};

Result<Description, ParseError> parse(std::string_view text);

}  // namespace isthmus::sdp
