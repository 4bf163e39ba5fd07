// SPDX-License-Identifier: MIT
// An HTTP/1.1 server (RFC 9110, 9112) for API, page and WebSocket upgrade (RFC 6455). A handler may answer later. Every
// size, time and number has a limit. Errors of its own are JSON, echo nothing of the request and forbid sniffing. Host
// and Origin are checked against lists before anything else happens, also on loopback (DNS rebinding, cross-site
// WebSocket hijack).
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
  // Allowed Origin headers beside the server's own ("http://" or "https://" + Host).
  std::vector<std::string> origins;
  bool websocket_needs_origin = false;  // clients that are no browsers send none
  std::vector<HttpHeader> headers;      // of every response, beside X-Content-Type-Options: nosniff
  size_t header_bytes = 16 << 10;
  size_t body_bytes = 64 << 10;
  Duration header_limit = std::chrono::seconds(10);  // from the first byte waited for to the end of the header
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
  late_reply,  // the client had gone
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

  size_t connections() const;  // upgraded ones too
  const Counters<HttpDrop>& drops() const;

  struct Impl;  // the inside, for its own file

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace isthmus::gateway
