// SPDX-License-Identifier: MIT
// An HTTP request and response as plain values, and the checks of Host and Origin (RFC 9110 section 7.2, RFC 6454). No
// socket, no library.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "gateway/api/forwarded.hpp"

namespace isthmus::gateway {

struct HttpRequest {
  std::string method;  // as sent; methods are case-sensitive
  std::string path;    // of the target, as sent: percent signs are not decoded
  std::string query;   // behind the first '?', without it
  std::vector<HttpHeader> headers;
  std::string body;
  SocketAddress remote;  // the peer of the connection, perhaps a proxy
  Sender sender;         // who counts as having sent it

  std::string_view header(std::string_view name) const;  // the first of that name, without case; "" when absent
  std::optional<std::string> parameter(std::string_view name) const;  // of the query, percent-decoded
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<HttpHeader> headers;  // beside those that every response has; control characters drop a header

  // {"error":{"code":"not_found","message":"..."}}; both are texts of ours, never of the peer.
  static HttpResponse error(int status, std::string_view code, std::string_view message);
};

// %41 and '+'; nothing for a broken escape.
std::optional<std::string> percent_decoded(std::string_view text);

// Is this Host header on the list? Without case; an entry without port allows every port.
bool host_is_allowed(std::string_view host, const std::vector<std::string>& list);
// An Origin is allowed when it is on the list or is the server's own: the (allowed) Host behind https:// or http://, as
// the sender's connection is secure or not.
bool origin_is_allowed(std::string_view origin, std::string_view host, bool secure,
                       const std::vector<std::string>& list);
// The first of ours that was offered, a comma-separated list (RFC 6455 section 4.2.2); empty when there is none.
std::string choose_subprotocol(std::string_view offered, const std::vector<std::string>& ours);
// Is the token in this comma-separated list, without case?
bool has_token(std::string_view list, std::string_view token);
// No control character inside: it may stand in a header.
bool is_header_text(std::string_view text);

}  // namespace isthmus::gateway
