// SPDX-License-Identifier: MIT
// Bytes of one message -> Message (RFC 3261 7, 18.3, 21.4, 25). One pass indexes the header lines; then start line and
// routing headers are validated. After an error the message still holds what could be read, so that a request can be
// answered when the error says so. No allocation when the Message was used before.
#pragma once

#include <cstddef>

#include "sip/message/flaw.hpp"
#include "sip/message/message.hpp"

namespace isthmus::sip {

struct ParseLimits {
  size_t header_block = size_t{64} << 10;  // start line and headers
  size_t body = size_t{1} << 20;
  size_t header_lines = 256;
  size_t uri = kMaxUriLength;  // of the Request-URI
};

struct ParseError {
  ParseCode code = ParseCode::none;
  uint32_t offset = 0;            // into the bytes handed in
  Header header = Header::other;  // the header it is about, where it is about one
  uint16_t status = 0;            // what a request is answered with when it is answered: 400, 413, 414, 416, 505, 513
  bool is_request = false;        // the start line could be one
  Method method = Method::unknown;
  // The message may be answered with `status` by write_response: it is a request other than ACK, and its Via, From, To,
  // Call-ID and CSeq are usable. Otherwise it is dropped and counted.
  bool answerable = false;
};

// `framed` says that a stream framer cut the message: Content-Length is then mandatory. Octets behind Content-Length
// are left out of the body (RFC 3261 18.3).
Result<void, ParseError> parse(Bytes bytes, Message& message, const ParseLimits& limits = {}, bool framed = false);

}  // namespace isthmus::sip
