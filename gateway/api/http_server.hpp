// SPDX-License-Identifier: MIT
// An HTTP/1.1 server (RFC 9110, 9112) for API, page and WebSocket upgrade (RFC 6455). A handler may answer later. Every
// size, time and number has a limit. Errors of its own are JSON, echo nothing of the request and forbid sniffing. Host
// and Origin are checked against lists before anything else happens, also on loopback (DNS rebinding, cross-site
// WebSocket hijack). It speaks TLS or plain, on all its listeners alike.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/counters.hpp"
#include "base/result.hpp"
#include "gateway/api/http_message.hpp"
#include "transport/shard.hpp"
#include "transport/system.hpp"
#include "transport/tls_context.hpp"
#include "transport/ws_connection.hpp"

namespace isthmus::gateway {

// To be called once, from the shard's thread, at any time; when the client has gone it does nothing.
using HttpReply = std::function<void(HttpResponse)>;

struct HttpFile {
  std::string path;
  std::string content_type;
  std::string_view bytes;           // outlives the server
  std::vector<HttpHeader> headers;  // e.g. Cache-Control
};

struct WsRoute {
  std::string path;
  std::vector<std::string> subprotocols;  // ours, best first; empty: none is negotiated
  bool subprotocol_required = true;
  transport::WsLimits limits;
  std::function<std::optional<HttpResponse>(const HttpRequest&)> refuse;  // optional: a response instead of the upgrade
  std::function<void(std::shared_ptr<transport::WsConnection>, const HttpRequest&)> opened;
};

struct HttpConfig {
  // Allowed Host headers, without case; an entry without port allows every port. An empty list allows none.
  std::vector<std::string> hosts;
  // Allowed Origin headers beside the server's own: Host behind "https://" or "http://", as the sender has TLS or not.
  std::vector<std::string> origins;
  // Whose forwarding headers are believed (sender_of); their connections are limited in all, their WebSockets per
  // sender.
  std::vector<Prefix> trusted_proxies;
  bool proxies_only = false;            // nobody else is served, but for this machine itself
  bool websocket_needs_origin = false;  // clients that are no browsers send none
  std::vector<HttpHeader> headers;      // of every response, beside X-Content-Type-Options: nosniff
  size_t header_bytes = 16 << 10;
  size_t body_bytes = 64 << 10;
  Duration handshake_limit = std::chrono::seconds(10);  // of TLS; its bytes: kTlsHandshakeBytes
  Duration header_limit = std::chrono::seconds(10);     // from the first byte waited for to the end of the header
  Duration body_limit = std::chrono::seconds(30);
  Duration reply_limit = std::chrono::seconds(60);  // a handler that answers later has lost: 503
  Duration write_limit = std::chrono::seconds(30);
  Duration idle_limit = std::chrono::seconds(60);  // between requests of one connection
  size_t max_connections = 1024;
  size_t max_per_source = 256;
};

enum class HttpDrop : uint8_t {
  malformed,
  header_too_large,
  body_too_large,
  too_slow,
  foreign_host,
  foreign_origin,
  connection_limit,
  source_limit,
  accept_failed,
  late_reply,          // the client had gone
  foreign_peer,        // not a trusted proxy, where only those are served
  forwarding_ignored,  // served, but its forwarding headers did not count
  tls_plain_http,      // HTTP without TLS on a listener with it
  tls_not_tls,
  tls_no_common,  // no version, suite or protocol in common
  tls_refused,    // by the peer: it does not trust the certificate, for instance
  tls_too_large,
  tls_too_slow,
  tls_broken,  // went away or sent nonsense before the handshake was complete
  kCount
};
std::string_view describe(HttpDrop reason);

class HttpServer {
 public:
  // Handlers get all requests that are neither a file nor an upgrade.
  using Handler = std::function<void(HttpRequest&&, HttpReply)>;

  HttpServer(transport::Shard& shard, HttpConfig config, Handler handler);
  ~HttpServer();  // closes all connections but upgraded ones
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  Result<SocketAddress, transport::SystemError> listen(const SocketAddress& local);  // returns where it listens
  void serve_file(HttpFile file);  // GET and HEAD on exactly that path
  void serve_websocket(WsRoute route);
  void allow_host(std::string host);  // adds to the list, e.g. once the port is known
  // From now on new connections have TLS with this certificate, and its names are allowed as Host; what is open goes
  // on.
  void use_tls(transport::TlsContext::Ptr context);

  size_t connections() const;  // upgraded ones too
  const Counters<HttpDrop>& drops() const;

  struct Impl;  // the inside, for its own file

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace isthmus::gateway
