// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.hpp"
#include "gateway/api/forwarded.hpp"
#include "gateway/api/webhook.hpp"

namespace isthmus::gateway {

std::string_view describe(WebhookFault fault) {
  switch (fault) {
    case WebhookFault::bad_url: return "not a URL of the form http://host[:port][/path] or https://...";
    case WebhookFault::no_tls: return "https, and no authorities are known";
    case WebhookFault::bad_header: return "a header holds a control character";
    case WebhookFault::no_such_host: return "the host has no address";
    case WebhookFault::forbidden_address:
      return "the host has an address that is not called: link-local, multicast, or loopback behind a name";
    case WebhookFault::untrusted: return "its certificate is of no authority that is trusted (webhook.ca)";
    case WebhookFault::wrong_name: return "its certificate is for another host";
    case WebhookFault::expired: return "its certificate is out of date";
    case WebhookFault::tls_failed: return "it does not speak TLS as we do";
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
  const bool is_secure = equals_ignore_case(url.substr(0, 8), "https://");
  if (strange || (!is_secure && !equals_ignore_case(url.substr(0, 7), "http://"))) return fail(WebhookFault::bad_url);
  url.remove_prefix(is_secure ? 8 : 7);
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  const std::string_view target = url.substr(authority.size());
  WebhookUrl out;
  out.is_secure = is_secure;
  out.port = is_secure ? 443 : 80;
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

bool is_callable(const IpAddress& address, std::string_view host) {
  const IpAddress ip = unmapped(address);
  const bool is_this_network = ip.is_v4() && ip.octets[0] == 0;  // RFC 1122 section 3.2.1.3
  if (ip.is_unspecified() || is_this_network || ip.is_multicast() || ip.is_broadcast() || ip.is_link_local())
    return false;
  if (!ip.is_loopback()) return true;
  constexpr std::string_view kLocalhost = "localhost";
  if (host.ends_with('.')) host.remove_suffix(1);
  return IpAddress::parse(host).has_value() || equals_ignore_case(host, kLocalhost);
}

}  // namespace isthmus::gateway
