// SPDX-License-Identifier: MIT
// Settings of the Exchange: plain values with safe defaults; gateway/config fills them from the configuration file.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "gateway/call/sdp_bridge.hpp"
#include "gateway/route/router.hpp"
#include "sip/user_agent.hpp"

namespace isthmus::gateway {

enum class Admission : uint8_t {
  closed,      // no web server: every call of a client is refused (fail closed)
  web_server,  // the web server is asked
  allow_all    // must be written out in the configuration; warns
};

struct Account {
  std::string name;
  sip::StoredHa1 secret;  // one HA1 per algorithm, never the password
};

struct TrunkSettings {
  std::string name;
  int weight = 50;
  std::vector<Prefix> sources;       // callin: exactly these addresses (advisory 41)
  std::vector<std::string> numbers;  // callout: patterns of the route table: exact, `*`, a-b
  std::string host;                  // where calls go: host or address
  uint16_t port = 0;                 // 0: as the SRV records of the host say, else 5060 (RFC 3263 4.2)
  std::string transport = "udp";
  std::string user;  // digest credentials, optional
  std::string password;
  std::string realm;  // the only realm they are sent to (advisory 5)
  std::chrono::milliseconds fast_abort{-1};
  friend bool operator==(const TrunkSettings&, const TrunkSettings&) = default;
};

struct Settings {
  sip::UserAgentConfig user_agent;
  std::string domain = "localhost";  // of our accounts; From and To we write
  std::vector<std::string> domains;  // further names that mean us
  std::string realm = "isthmus";
  std::vector<Account> accounts;
  std::vector<TrunkSettings> trunks;
  std::vector<RouteRow> routes;
  std::string echo_number = "echo";  // empty: no echo application
  Admission admission = Admission::closed;
  bool allow_on_failure = false;  // R0.7: without a usable answer of the web server the call goes on
  // Asked once more before the caller's 200 (PolicyKind::answer), for whoever embeds isthmus::exchange and must have
  // something ready before the call is heard, a recorder for instance. On purpose no configuration key sets it.
  bool ask_before_answer = false;
  std::vector<std::string> allowed_targets;  // host names a client's `target` may name (R0.4); empty: none
  CodecPolicy codecs;
  std::chrono::milliseconds policy_limit{5000};     // the web server's answer (the edge has a longer one)
  std::chrono::milliseconds decision_limit{30000};  // allow, switch or drop by command after `later`
  std::chrono::milliseconds setup_limit{5000};      // media legs open before this, or the call ends
  std::chrono::milliseconds ring_limit{60000};      // C24
  std::chrono::milliseconds answer_limit{4000};     // A's 200 held by an ask (D11)
  std::chrono::milliseconds client_grace{10000};    // R0.20
  std::chrono::seconds min_expires{60};
  std::chrono::seconds max_expires{3600};
  bool keeps_state = false;  // somebody keeps bindings and what rings over a restart: AskKept is replied to
  std::chrono::milliseconds keep_limit{300};  // a REGISTER's 200 waits for that; below T1, after which it is repeated
  size_t max_calls = 5000;
  size_t max_calls_per_client = 8;
  size_t max_calls_per_account = 32;  // that a SIP account makes and takes
  size_t max_bindings_per_account = 8;
  uint8_t shard = 0;
};

}  // namespace isthmus::gateway
