// SPDX-License-Identifier: MIT
// The configuration of the gateway as one value with safe defaults, read from TOML. Pure: text in, a Config or a list
// of mistakes out, each with its line, its key and the nearest known key. It opens no file and reads no environment.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "gateway/call/settings.hpp"
#include "gateway/config_value.hpp"
#include "gateway/log_rules.hpp"

namespace isthmus::gateway {

struct ConfigAccount {
  std::string name;
  std::optional<Private<std::string>> password;  // or one HA1 per algorithm
  std::string ha1_md5;
  std::string ha1_sha256;
};

struct Config {
  std::string data = "data";  // state, generated secrets, demo accounts
  std::string domain = "localhost";
  std::vector<std::string> domains;
  std::vector<IpAddress> advertise;  // at most one of each family
  std::string realm = "isthmus";
  std::string echo = "echo";
  std::optional<Admission> admission;  // not written: the web server when there is one, else closed

  struct Sip {
    std::vector<SocketAddress> udp{{IpAddress::v4(127, 0, 0, 1), 5060}};
    std::vector<SocketAddress> tcp{{IpAddress::v4(127, 0, 0, 1), 5060}};
    std::string host;  // what Via and Contact name; empty: the listening address
    friend bool operator==(const Sip&, const Sip&) = default;
  } sip;

  struct Web {
    SocketAddress listen{IpAddress::v4(127, 0, 0, 1), 8080};
    std::string certificate;  // PEM files; empty: without TLS
    std::string key;
    std::vector<Prefix> trusted_proxies;
    std::vector<std::string> hosts;    // beside the listener's own address and localhost
    std::vector<std::string> origins;  // beside the Host itself behind https:// or http://
    bool require_origin = false;       // of a WebSocket

    bool has_tls() const { return !certificate.empty(); }
    friend bool operator==(const Web&, const Web&) = default;
  } web;

  struct Media {
    std::vector<IpAddress> listen;      // of the port that browsers share; empty: all addresses of this machine
    uint16_t port = 0;                  // the same on all of them; 0: a free one
    std::vector<IpAddress> advertised;  // told to browsers instead of those
    std::vector<Prefix> stun_sources;   // who may send checks; empty: this machine's addresses
    bool any_stun_source = false;       // "any" was written
    IpAddress rtp_bind;                 // not set: the address of the first SIP listener
    IpAddress rtp_advertised;
    uint16_t rtp_first_port = 20000;
    uint16_t rtp_last_port = 29999;
    friend bool operator==(const Media&, const Media&) = default;
  } media;

  std::string webhook_url;
  bool allow_on_failure = false;                      // of the web server (R0.7)
  std::string webhook_ca;                             // a PEM file; empty: the system's authorities
  std::vector<Private<std::string>> webhook_secrets;  // one, or two while they are being changed
  Private<std::string> api_secret;                    // empty: a generated one

  std::vector<ConfigAccount> accounts;
  std::vector<TrunkSettings> trunks;
  std::vector<RouteRow> routes;
  std::vector<std::string> allowed_targets;
  CodecPolicy codecs;

  LogRules log;

  struct Timers {
    std::chrono::milliseconds t1{500};
    std::chrono::milliseconds t2{4000};
    std::chrono::milliseconds t4{5000};
    std::chrono::seconds ring{60};
    std::chrono::seconds policy{5};
    std::chrono::seconds decision{30};
    std::chrono::seconds client_grace{10};
    std::chrono::seconds silence{30};
    std::chrono::seconds shutdown{5};
    std::chrono::seconds min_expires{60};
    std::chrono::seconds max_expires{3600};
    friend bool operator==(const Timers&, const Timers&) = default;
  } timers;

  struct Limits {
    size_t calls = 5000;
    size_t calls_per_client = 8;
    size_t calls_per_account = 32;
    size_t bindings_per_account = 8;
    size_t sip_connections = 4096;
    size_t sip_connections_per_source = 256;
    size_t web_connections = 1024;
    size_t web_connections_per_source = 64;
    friend bool operator==(const Limits&, const Limits&) = default;
  } limits;

  Admission effective_admission() const {
    if (admission) return *admission;
    return webhook_url.empty() ? Admission::closed : Admission::web_server;
  }
};

bool is_https(std::string_view url);

struct ConfigError {
  std::string file;
  unsigned line = 0;  // 0: of the file as a whole
  std::string key;    // with its table, "sip.udp"; empty: a mistake of syntax
  std::string text;

  std::string message() const;  // "isthmus.toml:12: sip.udpp: no such key; did you mean \"udp\"?"
};

Result<Config, std::vector<ConfigError>> read_config(std::string_view toml, std::string_view file);

// What is wrong with a configuration as a whole, whoever wrote its parts. `complete`: command line and environment have
// been added, so what is missing now is missing.
std::vector<ConfigError> check_config(const Config& config, std::string_view file, bool complete);

// One value of TOML, as it stands behind a key; nothing when it is none.
std::optional<ConfigValue> read_config_value(std::string_view toml);

}  // namespace isthmus::gateway
