// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.hpp"
#include "gateway/api/webhook.hpp"

namespace isthmus::gateway {

std::string_view describe(WebhookFault fault) {
  switch (fault) {
    case WebhookFault::bad_url: return "not a URL of the form http://host[:port][/path]";
    case WebhookFault::https_unsupported: return "https is not supported yet";
    case WebhookFault::bad_header: return "a header holds a control character";
    case WebhookFault::no_such_host: return "the host has no address";
    case WebhookFault::refused: return "no connection";
    case WebhookFault::timed_out: return "timed out";
    case WebhookFault::broken: return "the connection ended before the reply was complete";
    case WebhookFault::malformed: return "the reply is not HTTP";
    case WebhookFault::too_large: return "the reply is too large";
    case WebhookFault::overload: return "too many posts are waiting";
  }
  return "unknown";
}

// RFC 3986, the part that an owner's own configuration needs: no user information, no fragment.
Result<WebhookUrl, WebhookFault> parse_webhook_url(std::string_view url) {
  const bool strange = std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c >= 0x7f || c == '#'; });
  if (equals_ignore_case(url.substr(0, 8), "https://")) return fail(WebhookFault::https_unsupported);
  if (strange || !equals_ignore_case(url.substr(0, 7), "http://")) return fail(WebhookFault::bad_url);
  url.remove_prefix(7);
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  const std::string_view target = url.substr(authority.size());
  WebhookUrl out;
  out.authority = authority;
  out.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  if (authority.find('@') != std::string_view::npos) return fail(WebhookFault::bad_url);
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = std::min(authority.find(']'), authority.size());
    const auto ip = IpAddress::parse(authority.substr(1, end - 1));
    if (!ip || !ip->is_v6() || end == authority.size()) return fail(WebhookFault::bad_url);
    out.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    out.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (out.host.empty()) return fail(WebhookFault::bad_url);
  if (port.empty()) return out;
  const auto number = port.front() == ':' ? parse_number(port.substr(1), 65535) : std::nullopt;
  if (!number || *number == 0) return fail(WebhookFault::bad_url);
  out.port = static_cast<uint16_t>(*number);
  return out;
}

}  // namespace isthmus::gateway
