// SPDX-License-Identifier: MIT
// From the configuration to what each part wants to know. Pure: what the machine says of itself (its addresses, bound
// ports) is handed in.
#pragma once

#include <string>
#include <vector>

#include "gateway/api/http_server.hpp"
#include "gateway/config.hpp"
#include "media/engine.hpp"
#include "transport/edge.hpp"

namespace isthmus::gateway {

struct Bound {  // a SIP listener that is up
  Protocol protocol = Protocol::udp;
  SocketAddress address;
};

Settings settings_for(const Config& config, const std::vector<Bound>& bound, const std::vector<IpAddress>& own,
                      std::vector<Account> accounts);
transport::EdgeConfig edge_for(const Config& config);
// `shared`: the bound sockets of the port that browsers share, in the order in which they are told.
media::EngineConfig engine_for(const Config& config, const std::vector<SocketAddress>& shared,
                               const std::vector<IpAddress>& own, const media::DtlsContext& dtls);
std::vector<std::string> trunk_names(const Config& config);
HttpConfig http_for(const Config& config);

// The host as it stands in a URI or a header: an IPv6 address in brackets.
std::string uri_host(const IpAddress& ip);

}  // namespace isthmus::gateway
