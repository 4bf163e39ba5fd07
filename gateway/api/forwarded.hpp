// SPDX-License-Identifier: MIT
// Who sent a request: the peer of the connection, or, behind a proxy that the owner trusts, whom that proxy names
// (Forwarded, RFC 7239; X-Forwarded-For and X-Forwarded-Proto). Whoever else writes such headers is not believed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"

namespace isthmus::gateway {

using HttpHeader = std::pair<std::string, std::string>;

// ::ffff:192.0.2.1 as 192.0.2.1 (RFC 4291 section 2.5.5.2); any other address as it is.
IpAddress unmapped(const IpAddress& ip);

struct Sender {
  IpAddress ip;
  bool is_secure = false;    // the sender's own connection has TLS: its Origin begins with https
  bool disbelieved = false;  // forwarding headers were there and did not count
};

// `secure`: this connection has TLS. The sender is the last hop, seen from here, that is not trusted itself: what
// stands before it could have been written by anybody. When that hop has no address ("unknown", a name, nonsense), or
// when Forwarded and X-Forwarded-For are both there and differ (a proxy writes one of them and passes the other on),
// the sender is the proxy.
Sender sender_of(const std::vector<HttpHeader>& headers, const IpAddress& peer, bool secure,
                 const std::vector<Prefix>& trusted);

}  // namespace isthmus::gateway
