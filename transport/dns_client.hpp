// SPDX-License-Identifier: MIT
// Plain DNS look-ups (RFC 1035, 2782, 3403, 3596) on c-ares, which gets its sockets watched by the shard's loop.
// Answers come as values of base/dns.hpp. Addresses written as text, "localhost" (RFC 6761 section 6.3) and names in
// the hosts file are answered without a query. No cache, no order of preference, no failover: those belong to who asks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.hpp"
#include "base/outbox.hpp"
#include "base/result.hpp"
#include "transport/shard.hpp"

namespace isthmus::transport {

struct DnsConfig {
  std::vector<SocketAddress> servers;  // empty: those of the system
  std::string hosts_file = "/etc/hosts";
  Duration try_limit = std::chrono::seconds(2);  // first try; the second one waits longer
  int tries = 3;                                 // per server
};

class DnsClient {
 public:
  using Done = std::function<void(Result<Records, Fault>)>;
  static constexpr size_t kMaxName = 253;  // octets of a name as text (RFC 1035 section 2.3.4)

  DnsClient(Shard& shard, const DnsConfig& config);
  ~DnsClient();  // what is under way is not answered any more

  // `done` is called exactly once from the loop, never from inside lookup().
  void lookup(RecordType type, std::string_view name, Done done);
  size_t under_way() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace isthmus::transport
