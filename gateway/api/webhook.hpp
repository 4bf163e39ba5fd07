// SPDX-License-Identifier: MIT
// The HTTP client behind webhooks: posts bytes to a URL and gives the result as a value. It knows nothing of events,
// signatures or retries. Bounded: connections, waiting posts, time, bytes of the reply. http:// and https://, with the
// certificate checked against the host of the URL. Redirects are not followed. A name may lead to a public or private
// address, but neither to this machine nor to an address with a meaning of its own (is_callable).
// Questions, for whose reply somebody waits, have their own number of connections and room to wait: a server that is
// slow for all else delays none of them. A connection that rests serves whatever comes next.
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
#include "transport/tls_context.hpp"

namespace isthmus::gateway {

struct WebhookConfig {
  // To all servers together: at once so many for questions, and so many for the other posts.
  size_t connections = 8;
  size_t waiting = 4096;  // that wait for a connection, likewise; beyond, they fail with `overload`
  size_t reply_bytes = 64 << 10;
  Duration connect_limit = std::chrono::seconds(3);  // with the handshake of TLS
  Duration idle_limit = std::chrono::seconds(20);    // an unused connection is closed
  transport::TlsContext::Ptr tls;                    // whom to trust; none: https:// is refused
};

struct WebhookPost {
  std::string url;  // http[s]://host[:port][/path][?query]
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool is_question = false;
  Duration total_limit = std::chrono::seconds(5);  // from post() to the last byte of the reply
};

struct WebhookReply {
  int status = 0;
  std::string body;
};

enum class WebhookFault : uint8_t {
  bad_url,
  no_tls,      // https://, and nobody said whom to trust
  bad_header,  // a control character in a header of ours
  no_such_host,
  forbidden_address,  // the host leads where no web server is called
  refused,
  untrusted,   // the certificate is of no authority that is trusted
  wrong_name,  // it is for another host
  expired,     // it is out of date
  tls_failed,
  timed_out,
  broken,     // the connection ended before the reply was complete
  malformed,  // the reply is not HTTP
  too_large,  // the reply exceeds its limit
  overload
};
std::string_view describe(WebhookFault fault);

struct WebhookUrl {
  bool is_secure = false;
  std::string host;  // without brackets
  uint16_t port = 80;
  std::string target = "/";
  std::string authority;  // as it goes into the Host header
};
Result<WebhookUrl, WebhookFault> parse_webhook_url(std::string_view url);
// May a post for this host of a URL go to this address, to which it leads? Never: unspecified, multicast, broadcast and
// link-local ones, where machines of a cloud keep their secrets. Loopback only when the URL itself says so, by address
// or as `localhost`: else whoever owns the name's zone could point it at this machine.
bool is_callable(const IpAddress& address, std::string_view host);

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
  void trust(transport::TlsContext::Ptr tls);  // for connections from now on
  size_t under_way() const;
  size_t open_connections() const;

  struct Impl;  // the inside, for its own file

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace isthmus::gateway
