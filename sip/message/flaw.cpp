// SPDX-License-Identifier: MIT
#include "sip/message/flaw.hpp"

namespace isthmus::sip {

std::string_view describe(ParseCode code) {
  switch (code) {
    case ParseCode::none: return "Nothing is wrong.";
    case ParseCode::empty_message: return "The message holds nothing but line ends.";
    case ParseCode::bad_start_line: return "The start line is neither a Request-Line nor a Status-Line.";
    case ParseCode::bad_method: return "The method is not a token.";
    case ParseCode::bad_request_uri: return "The Request-URI breaks the grammar.";
    case ParseCode::unsupported_scheme: return "The scheme of the Request-URI is not sip, sips or tel.";
    case ParseCode::bad_version: return "The SIP-Version breaks the grammar.";
    case ParseCode::unsupported_version: return "The SIP version is not 2.0.";
    case ParseCode::not_sip: return "The message belongs to another protocol.";
    case ParseCode::bad_status: return "The status code is not three digits.";
    case ParseCode::status_out_of_class: return "The status code lies outside the classes 1xx to 6xx.";
    case ParseCode::bad_reason: return "The reason phrase contains characters that are not allowed.";
    case ParseCode::bad_line_end: return "A line ends in something else than CRLF.";
    case ParseCode::bad_character: return "A header line contains a control character.";
    case ParseCode::bad_header_name: return "A header name is not a token.";
    case ParseCode::missing_colon: return "A header line has no colon.";
    case ParseCode::unfinished_headers: return "The empty line after the headers is missing.";
    case ParseCode::missing_header: return "A mandatory header is missing.";
    case ParseCode::repeated_header: return "A header that may stand once stands twice with different values.";
    case ParseCode::bad_via: return "The top Via breaks the grammar.";
    case ParseCode::bad_name_addr: return "An address with display name and parameters breaks the grammar.";
    case ParseCode::bad_uri: return "A URI breaks the grammar.";
    case ParseCode::bad_call_id: return "The Call-ID breaks the grammar.";
    case ParseCode::bad_cseq: return "The CSeq breaks the grammar or its number is 2^31 or more.";
    case ParseCode::cseq_method_differs: return "The method in CSeq differs from that of the request.";
    case ParseCode::bad_max_forwards: return "Max-Forwards is not a number from 0 to 255.";
    case ParseCode::bad_content_length: return "Content-Length is not a number that can be.";
    case ParseCode::body_shorter_than_declared: return "The body is shorter than Content-Length says.";
    case ParseCode::missing_content_length: return "Content-Length is missing on a stream.";
    case ParseCode::missing_content_type: return "The body has no Content-Type.";
    case ParseCode::bad_value: return "A header value breaks the grammar.";
    case ParseCode::header_block_too_large: return "The headers are longer than the limit.";
    case ParseCode::body_too_large: return "The body is longer than the limit.";
    case ParseCode::too_many_headers: return "There are more header lines than the limit.";
    case ParseCode::uri_too_long: return "A URI is longer than the limit.";
    case ParseCode::too_many_params: return "There are more parameters than the limit.";
    case ParseCode::kCount: break;
  }
  return "Unknown.";
}

}  // namespace isthmus::sip
