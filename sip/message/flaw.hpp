// SPDX-License-Identifier: MIT
// What can be wrong with received SIP text: one enum for the whole message layer, a sentence for each value, and where
// it was found. Peer faults are values; nothing in this folder throws or asserts on input.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace isthmus::sip {

enum class ParseCode : uint8_t {
  none,
  empty_message,
  bad_start_line,
  bad_method,
  bad_request_uri,
  unsupported_scheme,
  bad_version,
  unsupported_version,
  not_sip,
  bad_status,
  status_out_of_class,
  bad_reason,
  bad_line_end,
  bad_character,
  bad_header_name,
  missing_colon,
  unfinished_headers,
  missing_header,
  repeated_header,
  bad_via,
  bad_name_addr,
  bad_uri,
  bad_call_id,
  bad_cseq,
  cseq_method_differs,
  bad_max_forwards,
  bad_content_length,
  body_shorter_than_declared,
  missing_content_length,
  missing_content_type,
  bad_value,
  header_block_too_large,
  body_too_large,
  too_many_headers,
  uri_too_long,
  too_many_params,
  kCount
};

// One sentence, fit for a log line or a Warning text; it never contains received bytes.
std::string_view describe(ParseCode code);

// `offset` counts octets from the begin of the text that was handed to the function.
struct Flaw {
  ParseCode code = ParseCode::none;
  uint32_t offset = 0;
  friend bool operator==(const Flaw&, const Flaw&) = default;
};

inline std::unexpected<Flaw> flaw(ParseCode code, size_t offset) {
  return std::unexpected(Flaw{code, static_cast<uint32_t>(offset)});
}

}  // namespace isthmus::sip
