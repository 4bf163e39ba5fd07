// SPDX-License-Identifier: MIT
#include "gateway/assemble.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace isthmus::gateway {
namespace {

constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self' "
    "blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

bool listens_everywhere(const Config& config) {
  const auto everywhere = [](const SocketAddress& address) { return address.ip.is_unspecified(); };
  return std::any_of(config.sip.udp.begin(), config.sip.udp.end(), everywhere) ||
         std::any_of(config.sip.tcp.begin(), config.sip.tcp.end(), everywhere);
}

bool listens_on_loopback_only(const Config& config) {
  const auto loopback = [](const SocketAddress& address) { return address.ip.is_loopback(); };
  return std::all_of(config.sip.udp.begin(), config.sip.udp.end(), loopback) &&
         std::all_of(config.sip.tcp.begin(), config.sip.tcp.end(), loopback);
}

IpAddress first_of(const std::vector<IpAddress>& own, Family family) {
  const auto found = std::find_if(own.begin(), own.end(), [&](const IpAddress& ip) { return ip.family == family; });
  return found == own.end() ? IpAddress{} : *found;
}

// Under which address a socket bound there is reached from outside.
IpAddress reached_at(const Config& config, const IpAddress& bound, const std::vector<IpAddress>& own) {
  if (bound.is_loopback()) return bound;
  const IpAddress advertised = first_of(config.advertise, bound.family);
  if (advertised.family != Family::none) return advertised;
  const IpAddress first = bound.is_unspecified() ? first_of(own, bound.family) : bound;
  return first.family == Family::none ? bound : first;
}

}  // namespace

std::string uri_host(const IpAddress& ip) {
  return ip.is_v6() ? "[" + ip.text() + "]" : ip.text();
}

Settings settings_for(const Config& config, const std::vector<Bound>& bound, const std::vector<IpAddress>& own,
                      std::vector<Account> accounts) {
  Settings out;
  sip::EndpointConfig& endpoint = out.user_agent.endpoint;
  endpoint.timers.t1 = config.timers.t1;
  endpoint.timers.t2 = config.timers.t2;
  endpoint.timers.t4 = config.timers.t4;
  for (const Bound& each : bound) {
    const IpAddress& ip = each.address.ip;
    const std::string reached = uri_host(reached_at(config, ip, own));
    endpoint.listeners.push_back(
        {each.protocol, each.address, config.sip.host.empty() ? reached : config.sip.host, each.address.port});
    // Under all of these it is called by somebody.
    out.domains.push_back(reached);
    if (!ip.is_unspecified()) out.domains.push_back(uri_host(ip));
  }
  endpoint.max_flows = config.limits.sip_connections + endpoint.listeners.size() + 1;
  out.user_agent.digests = {&crypto::md5, &crypto::sha256};
  out.domain = config.domain;
  out.domains.insert(out.domains.end(), config.domains.begin(), config.domains.end());
  if (listens_everywhere(config)) {
    for (const IpAddress& ip : own) out.domains.push_back(uri_host(ip));
  }
  out.realm = config.realm;
  out.accounts = std::move(accounts);
  out.trunks = config.trunks;
  out.routes = config.routes;
  out.echo_number = config.echo;
  out.admission = config.effective_admission();
  out.allow_on_failure = config.allow_on_failure;
  out.allowed_targets = config.allowed_targets;
  out.codecs = config.codecs;
  out.policy_limit = config.timers.policy;
  out.decision_limit = config.timers.decision;
  out.ring_limit = config.timers.ring;
  out.client_grace = config.timers.client_grace;
  out.keeps_state = true;
  out.min_expires = config.timers.min_expires;
  out.max_expires = config.timers.max_expires;
  out.max_calls = config.limits.calls;
  out.max_calls_per_client = config.limits.calls_per_client;
  out.max_calls_per_account = config.limits.calls_per_account;
  out.max_bindings_per_account = config.limits.bindings_per_account;
  return out;
}

transport::EdgeConfig edge_for(const Config& config) {
  transport::EdgeConfig out;
  out.rtp_ports = {config.media.rtp_first_port, config.media.rtp_last_port};
  out.max_connections = config.limits.sip_connections;
  out.max_per_source = config.limits.sip_connections_per_source;
  return out;
}

media::EngineConfig engine_for(const Config& config, const std::vector<SocketAddress>& shared,
                               const std::vector<IpAddress>& own, const media::DtlsContext& dtls) {
  media::EngineConfig out;
  out.webrtc.dtls = &dtls;
  // Best first: the outside's view; browsers beside this machine use its own addresses.
  const bool chosen_for_browsers = !config.media.advertised.empty();
  for (const IpAddress& ip : chosen_for_browsers ? config.media.advertised : config.advertise)
    out.browser_addresses.push_back({ip, 0});
  if (!chosen_for_browsers) out.browser_addresses.insert(out.browser_addresses.end(), shared.begin(), shared.end());
  // From strangers nothing is even looked at until the owner has said who may come.
  if (!config.media.any_stun_source) {
    out.stun_sources = config.media.stun_sources;
    for (const IpAddress& ip : own) {
      if (config.media.stun_sources.empty()) out.stun_sources.push_back({ip, ip.is_v4() ? uint8_t{32} : uint8_t{128}});
    }
    if (config.media.stun_sources.empty()) out.stun_sources.push_back({IpAddress::v4(127, 0, 0, 0), 8});
  }
  const SocketAddress signalling = config.sip.udp.empty() ? config.sip.tcp.front() : config.sip.udp.front();
  const bool chosen = config.media.rtp_bind.family != Family::none;
  out.rtp_bind = chosen ? config.media.rtp_bind : signalling.ip;
  out.rtp_advertised = {first_of(config.advertise, Family::v4), first_of(config.advertise, Family::v6)};
  if (config.media.rtp_advertised.is_v4()) out.rtp_advertised.v4 = config.media.rtp_advertised;
  if (config.media.rtp_advertised.is_v6()) out.rtp_advertised.v6 = config.media.rtp_advertised;
  out.rtp_any = {first_of(own, Family::v4), first_of(own, Family::v6)};
  out.allow_loopback_targets = listens_on_loopback_only(config);
  out.silence_limit = config.timers.silence;
  out.max_legs = 2 * config.limits.calls;
  return out;
}

std::vector<std::string> trunk_names(const Config& config) {
  std::vector<std::string> out;
  out.reserve(config.trunks.size());
  for (const TrunkSettings& trunk : config.trunks) out.push_back(trunk.name);
  return out;
}

HttpConfig http_for(const Config& config) {
  HttpConfig out;
  out.hosts = config.web.hosts;
  out.origins = config.web.origins;
  out.websocket_needs_origin = config.web.require_origin;
  out.trusted_proxies = config.web.trusted_proxies;
  out.proxies_only = !config.web.has_tls() && !config.web.listen.ip.is_loopback();
  out.headers = {{"Content-Security-Policy", std::string(kContentPolicy)}, {"Referrer-Policy", "no-referrer"}};
  out.max_connections = config.limits.web_connections;
  out.max_per_source = config.limits.web_connections_per_source;
  return out;
}

}  // namespace isthmus::gateway
