// SPDX-License-Identifier: MIT
// The HTTP client behind webhooks: posts bytes to a URL and gives the result as a value. It knows nothing of events,
// signatures or retries. Bounded: connections, waiting posts, time, bytes of the reply. Only http:// for now; any other
// scheme is refused with a fault of its own. Redirects are not followed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/dns.hpp"
#include "base/result.hpp"
#include "transport/dns_client.hpp"
#include "transport/shard.hpp"

namespace isthmus::gateway {

struct WebhookConfig {
  size_t connections = 8;  // to all servers together
  size_t waiting = 4096;   // posts that wait for a connection; beyond, they fail with `overload`
  size_t reply_bytes = 64 << 10;
  Duration connect_limit = std::chrono::seconds(3);
  Duration idle_limit = std::chrono::seconds(20);  // an unused connection is closed
};

struct WebhookPost {
  std::string url;  // http://host[:port][/path][?query]
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Duration total_limit = std::chrono::seconds(5);  // from post() to the last byte of the reply
};

struct WebhookReply {
  int status = 0;
  std::string body;
};

enum class WebhookFault : uint8_t {
  bad_url,
  https_unsupported,  // https comes with TLS
  bad_header,         // a control character in a header of ours
  no_such_host,
  refused,
  timed_out,
  broken,     // the connection ended before the reply was complete
  malformed,  // the reply is not HTTP
  too_large,  // the reply exceeds its limit
  overload
};
std::string_view describe(WebhookFault fault);

struct WebhookUrl {
  std::string host;  // without brackets
  uint16_t port = 80;
  std::string target = "/";
  std::string authority;  // as it goes into the Host header
};
Result<WebhookUrl, WebhookFault> parse_webhook_url(std::string_view url);

class WebhookClient {
 public:
  using Done = std::function<void(Result<WebhookReply, WebhookFault>)>;

  explicit WebhookClient(transport::Shard& shard, const WebhookConfig& config = {},
                         const transport::DnsConfig& dns = {});
  ~WebhookClient();  // what is under way is not answered any more
  WebhookClient(const WebhookClient&) = delete;
  WebhookClient& operator=(const WebhookClient&) = delete;

  // `done` is called exactly once from the loop, never from inside post(). Posts over several connections may overtake
  // each other: who needs an order posts the next when the last is done.
  void post(WebhookPost post, Done done);
  size_t under_way() const;
  size_t open_connections() const;

  struct Impl;  // the inside, for its own file

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace isthmus::gateway
