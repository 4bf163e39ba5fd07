// SPDX-License-Identifier: MIT
#include "gateway/ports.hpp"

#include <algorithm>
#include <vector>

namespace isthmus::gateway {
namespace {

constexpr size_t kPortColumn = 18;

std::string line(std::string port, const std::string& what) {
  port.resize(std::max(port.size() + 1, kPortColumn), ' ');
  return "  " + port + what + "\n";
}

// The ports of those that others can reach, each once, in order.
std::string listeners(const std::vector<SocketAddress>& addresses, const char* protocol, const std::string& what) {
  std::vector<uint16_t> ports;
  for (const SocketAddress& address : addresses) {
    if (!address.ip.is_loopback()) ports.push_back(address.port);
  }
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  std::string out;
  for (const uint16_t port : ports)
    out += line((port == 0 ? "a free one" : std::to_string(port)) + "/" + protocol, what);
  return out;
}

bool phones_come_from_outside(const Config& config) {
  const auto outside = [](const SocketAddress& address) { return !address.ip.is_loopback(); };
  return std::any_of(config.sip.udp.begin(), config.sip.udp.end(), outside) ||
         std::any_of(config.sip.tcp.begin(), config.sip.tcp.end(), outside);
}

bool browsers_come_from_outside(const Config& config) {
  return config.media.any_stun_source || !config.media.stun_sources.empty();
}

}  // namespace

std::string ports_to_open(const Config& config) {
  std::string out = listeners(config.sip.udp, "udp", "SIP of phones and trunks");
  out += listeners(config.sip.tcp, "tcp", "SIP of phones and trunks");
  out += listeners({config.web.listen}, "tcp", "page, clients, HTTP API");
  if (browsers_come_from_outside(config)) {
    out += config.media.port == 0
               ? line("a free one/udp", "media of browsers: write media.port, so that it can be opened")
               : line(std::to_string(config.media.port) + "/udp", "media of browsers");
  }
  if (phones_come_from_outside(config)) {
    out += line(std::to_string(config.media.rtp_first_port) + "-" + std::to_string(config.media.rtp_last_port) + "/udp",
                "media of phones and trunks");
  }
  if (out.empty()) return "No port has to be opened: everything is for this machine alone.\n";
  return "Ports to open:\n" + out;
}

}  // namespace isthmus::gateway
