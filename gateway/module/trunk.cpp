// SPDX-License-Identifier: MIT
#include "gateway/module/trunk.hpp"

#include <algorithm>

#include "gateway/route/router.hpp"

namespace isthmus::gateway {

bool Trunk::is_source(const IpAddress& ip) const {
  return std::any_of(settings_.sources.begin(), settings_.sources.end(),
                     [&](const Prefix& prefix) { return prefix.contains(ip); });
}

InVerdict Trunk::callin(Now, const Incoming& request) {
  if (!is_source(request.path.remote.ip)) return NotMine{};
  return Admitted{};
}

InVerdict Trunk::vouch(Now, const Incoming& request, const Party& party) {
  if (!is_source(request.path.remote.ip) && request.path.remote.ip != party.source.remote.ip) return NotMine{};
  return Admitted{};
}

OutVerdict Trunk::callout(Now, const Parties& parties) {
  const bool takes = std::any_of(settings_.numbers.begin(), settings_.numbers.end(),
                                 [&](const std::string& pattern) { return pattern_matches(pattern, parties.to); });
  if (!takes || settings_.host.empty()) return NotMine{};
  SipTarget target;
  target.request_uri = "sip:" + sip::escape_user(parties.to) + "@" + sip::host_port(settings_.host, settings_.port);
  const std::string transport = ";transport=" + settings_.transport;
  target.target.uri = target.request_uri + transport;
  if (settings_.transport != "udp") target.request_uri += transport;
  target.fast_abort = settings_.fast_abort;
  if (!settings_.user.empty()) {
    const auto uri = sip::parse_uri(target.request_uri);
    target.credentials.push_back({std::string(uri ? uri->host : settings_.host), settings_.realm, settings_.user,
                                  Private<std::string>(settings_.password)});
  }
  return Mine{target};
}

}  // namespace isthmus::gateway
