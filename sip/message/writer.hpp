// SPDX-License-Identifier: MIT
// Messages to bytes (RFC 3261 7, 8.2.6, 17.1.1.3). Via of a request comes from the endpoint, when flow and size are
// known; Content-Length is written last and always. Answers copy raw ranges of the request. `out` is filled anew; its
// capacity is kept, so steady state allocates nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sip/message/draft.hpp"
#include "sip/message/message.hpp"

namespace isthmus::sip {

// `via` is the value of the top Via line: "SIP/2.0/UDP host:port;branch=...;rport".
void write_request(const Draft& request, std::string_view via, std::string& out);
void write_response(const Draft& response, std::string& out);
// The length that write_request would give, for the 1300 octets of RFC 3261 18.1.1.
size_t request_size(const Draft& request, std::string_view via);

// RFC 3261 8.2.6.2: all Via (the top one as mark_source left it), From, To (with `to_tag` added when it has none and
// the status is not 100), Call-ID, CSeq; Record-Route for 101-299 to requests that form or use dialogs (12.1.1);
// Timestamp for 100.
Draft respond_to(const Message& request, int status, std::string_view reason = {}, std::string_view to_tag = {});

struct HeaderValue {
  Header header;
  std::string_view value;
};

struct Reply {
  int status = 200;
  std::string_view reason;  // empty: the standard phrase
  std::string_view to_tag;
  std::span<const HeaderValue> headers;  // written behind the copied ones
  std::string_view content_type;         // with a body only
  std::string_view body;
};

// The same answer straight to bytes.
void write_response(const Message& request, const Reply& reply, std::string& out);

// A received message as a Draft, Via, Content-Length and body included or not as a Draft has them: Via lines are kept
// for responses and left out of requests.
Draft draft_of(const Message& message);

}  // namespace isthmus::sip
