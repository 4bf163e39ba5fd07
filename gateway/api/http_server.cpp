// SPDX-License-Identifier: MIT
// Beast parses; responses are written by hand, they need no serializer. A connection is a HttpConnection: wait, header,
// checks, body, handler, response, and again.
#include "gateway/api/http_server.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <map>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "transport/byte_stream.hpp"
#include "transport/listener.hpp"
#include "transport/tls_stream.hpp"

namespace isthmus::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using transport::ByteStream;
using transport::IoError;

constexpr size_t kReadAtOnce = 4096;
constexpr size_t kFramingAllowance = 64 << 10;     // chunk headers and the like, beside header and body of a request
constexpr auto kLinger = std::chrono::seconds(2);  // after an error: for the client to read the response

std::string_view text_of(beast::string_view text) {
  return {text.data(), text.size()};
}

HttpResponse error_of(IoError error, HttpDrop& drop) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    drop = HttpDrop::header_too_large;
    return HttpResponse::error(431, "too_large", "The header is too large.");
  }
  if (error == http::error::body_limit || error == asio::error::message_size) {
    drop = HttpDrop::body_too_large;
    return HttpResponse::error(413, "too_large", "The body is too large.");
  }
  drop = HttpDrop::malformed;
  return HttpResponse::error(400, "bad_request", "The request does not follow RFC 9112.");
}

HttpDrop drop_of(IoError error) {
  using transport::TlsFault;
  switch (transport::tls_fault(error).value_or(TlsFault::broken)) {
    case TlsFault::plain_http: return HttpDrop::tls_plain_http;
    case TlsFault::not_tls: return HttpDrop::tls_not_tls;
    case TlsFault::no_common: return HttpDrop::tls_no_common;
    case TlsFault::refused: return HttpDrop::tls_refused;
    case TlsFault::too_large: return HttpDrop::tls_too_large;
    default: return HttpDrop::tls_broken;
  }
}

bool ends_quietly(IoError error) {  // the client went away; there is nobody to answer
  return error == http::error::end_of_stream || error == http::error::partial_message ||
         (error.category() != http::make_error_code(http::error::bad_method).category() &&
          error != asio::error::message_size);
}

}  // namespace

class HttpConnection;

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(transport::Shard& the_shard, HttpConfig the_config, Handler the_handler)
      : shard(the_shard),
        config(std::move(the_config)),
        handler(std::move(the_handler)),
        limits(std::make_shared<transport::SourceLimits>(config.max_connections, config.max_per_source)) {
    limits->share(config.trusted_proxies);
  }

  // This machine itself may always: commands speak to the gateway that way.
  bool may_come(const transport::StreamBody& peer) const {
    const IpAddress ip = peer.remote().ip;
    return !config.proxies_only || ip == peer.local().ip ||
           std::any_of(config.trusted_proxies.begin(), config.trusted_proxies.end(),
                       [&](const Prefix& each) { return each.contains(ip); });
  }

  transport::Shard& shard;
  HttpConfig config;
  Handler handler;
  std::shared_ptr<transport::SourceLimits> limits;
  transport::TlsContext::Ptr tls;      // none: plain
  std::vector<std::string> tls_hosts;  // that its certificate names, as in a Host header
  std::vector<std::shared_ptr<transport::Listener>> listeners;
  std::map<std::string, HttpFile, std::less<>> files;
  std::map<std::string, WsRoute, std::less<>> routes;
  std::set<HttpConnection*> open;
  Counters<HttpDrop> drops;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Server = HttpServer::Impl;
  using Parser = http::request_parser<http::string_body>;
  using Place = transport::SourceLimits::Admission;

  HttpConnection(const std::shared_ptr<Server>& server, ByteStream stream, std::shared_ptr<Place> place)
      : server_(server),
        stream_(std::move(stream)),
        place_(std::move(place)),
        is_secure_(server->tls != nullptr),
        remote_(stream_.body().remote()),
        timer_(stream_.get_executor()),
        buffer_(server->config.header_bytes + kFramingAllowance) {
    stream_.keep(place_);
    server->open.insert(this);
  }
  ~HttpConnection() {
    if (const auto server = server_.lock()) server->open.erase(this);
  }
  void run();
  void close() {
    const auto self = std::exchange(waiting_, nullptr);
    closed_ = true;
    timer_.cancel();
    stream_.body().close();
  }

 private:
  void shaken(IoError error);
  void wait();
  void read_header();
  void header_done(IoError error);
  std::optional<HttpResponse> refusal(Server& server);
  void read_body();
  void dispatch(Server& server);
  void reply(uint64_t turn, HttpResponse response);
  void serve(const HttpFile& file);
  bool wants_upgrade() const;
  void upgrade(Server& server, const WsRoute& route);
  void fail(IoError error);
  void write(HttpResponse response);
  void write(const HttpResponse& response, std::string_view body);
  void written(IoError error);
  void linger();
  void arm(Duration limit, std::function<void()> late = {});
  HttpRequest take_request();
  std::string_view field(http::field name) const { return text_of(parser_->get()[name]); }

  std::weak_ptr<Server> server_;
  ByteStream stream_;
  std::shared_ptr<Place> place_;
  bool is_secure_;
  SocketAddress remote_;
  std::vector<HttpHeader> headers_;  // of the request
  Sender sender_;                    // of it
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::string head_, body_;  // of the response being written
  uint64_t turn_ = 0;        // counts requests, so that a late reply finds no other request
  size_t discarded_ = 0;
  std::shared_ptr<HttpConnection> waiting_;  // itself, while the handler thinks and nothing else keeps it
  bool head_only_ = false;
  bool keep_alive_ = true;
  bool closed_ = false;
};

// One timer for whatever is under way; it ends the connection unless told otherwise.
void HttpConnection::arm(Duration limit, std::function<void()> late) {
  timer_.expires_after(limit);
  timer_.async_wait([weak = weak_from_this(), late = std::move(late)](IoError error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) return;
    if (late) return late();
    if (const auto server = self->server_.lock()) server->drops.add(HttpDrop::too_slow);
    self->close();
  });
}

void HttpConnection::run() {
  const auto server = server_.lock();
  if (!server) return;
  arm(server->config.handshake_limit, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (const auto owner = self ? self->server_.lock() : nullptr) owner->drops.add(HttpDrop::tls_too_slow);
    if (self) self->close();
  });
  stream_.body().handshake([self = shared_from_this()](IoError error) { self->shaken(error); });
}

void HttpConnection::shaken(IoError error) {
  const auto server = server_.lock();
  if (!server || closed_) return;
  if (!error) return wait();
  server->drops.add(drop_of(error));
  if (drop_of(error) != HttpDrop::tls_plain_http) return close();
  keep_alive_ = false;
  write(HttpResponse::error(400, "https_needed", "This port speaks HTTPS: the address begins with https://."));
}

void HttpConnection::wait() {
  const auto server = server_.lock();
  if (!server || closed_) return;
  stream_.allow(server->config.header_bytes + 2 * server->config.body_bytes + kFramingAllowance);
  if (buffer_.size() > 0) return read_header();
  arm(turn_ == 0 ? server->config.header_limit : server->config.idle_limit, [self = weak_from_this()] {
    if (const auto connection = self.lock()) connection->close();
  });
  stream_.async_read_some(buffer_.prepare(kReadAtOnce), [self = shared_from_this()](IoError error, size_t size) {
    if (self->closed_) return;
    if (error) return self->close();
    self->buffer_.commit(size);
    self->read_header();
  });
}

void HttpConnection::read_header() {
  const auto server = server_.lock();
  if (!server) return;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(server->config.header_bytes));
  parser_->body_limit(server->config.body_bytes);
  arm(server->config.header_limit);
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](IoError error, size_t) { self->header_done(error); });
}

void HttpConnection::header_done(IoError error) {
  const auto server = server_.lock();
  if (!server || closed_) return;
  ++turn_;
  head_only_ = parser_->get().method() == http::verb::head;
  keep_alive_ = !error && parser_->get().keep_alive() && parser_->get().version() == 11;
  if (error) {
    if (ends_quietly(error)) return close();
    return fail(error);
  }
  if (auto refused = refusal(*server)) {
    keep_alive_ = false;  // its body was not read
    return write(std::move(*refused));
  }
  const std::string_view target = text_of(parser_->get().target());
  const auto route = server->routes.find(target.substr(0, target.find('?')));
  if (route != server->routes.end() && wants_upgrade()) return upgrade(*server, route->second);
  if (parser_->get().version() == 11 && equals_ignore_case(field(http::field::expect), "100-continue")) {
    head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(head_), [self = shared_from_this()](IoError failed, size_t) {
      if (!failed && !self->closed_) self->read_body();
    });
    return;
  }
  read_body();
}

// What must hold for every request (RFC 9112 sections 3.2, 6.1, 6.3): one Host, on the list; an Origin, if any, on the
// list; framing that no other reader of the same bytes could understand differently.
std::optional<HttpResponse> HttpConnection::refusal(Server& server) {
  const auto& request = parser_->get();
  const auto malformed = [&](std::string_view message) {
    server.drops.add(HttpDrop::malformed);
    return HttpResponse::error(400, "bad_request", message);
  };
  if (request.version() != 10 && request.version() != 11) return malformed("Only HTTP/1.1 is spoken here.");
  if (request.count(http::field::host) != 1) return malformed("There must be one Host header.");
  if (request.count(http::field::content_length) > 1 ||
      field(http::field::content_length).find(',') != std::string_view::npos) {
    return malformed("There may be one Content-Length.");
  }
  if (request.count(http::field::transfer_encoding) > 0 &&
      (request.count(http::field::transfer_encoding) > 1 || request.version() != 11 ||
       !equals_ignore_case(field(http::field::transfer_encoding), "chunked") ||
       request.count(http::field::content_length) > 0)) {
    return malformed("The only transfer coding is chunked, and without Content-Length.");
  }
  if (!text_of(request.target()).starts_with('/')) return malformed("The target must be a path.");
  const std::string_view host = field(http::field::host);
  const bool is_ours = host_is_allowed(host, server.config.hosts) || host_is_allowed(host, server.tls_hosts);
  if (!is_ours) {
    server.drops.add(HttpDrop::foreign_host);
    return HttpResponse::error(403, "forbidden_host", "This Host is not served here.");
  }
  headers_.clear();
  for (const auto& each : request) headers_.emplace_back(text_of(each.name_string()), text_of(each.value()));
  sender_ = sender_of(headers_, remote_.ip, is_secure_, server.config.trusted_proxies);
  if (sender_.disbelieved) server.drops.add(HttpDrop::forwarding_ignored);
  const size_t origins = request.count(http::field::origin);
  const std::string_view origin = field(http::field::origin);
  if (origins > 1 || (origins == 1 && !origin_is_allowed(origin, host, sender_.is_secure, server.config.origins))) {
    server.drops.add(HttpDrop::foreign_origin);
    return HttpResponse::error(403, "forbidden_origin",
                               "This Origin may not speak to this server (web.origins, web.trusted_proxies).");
  }
  return std::nullopt;
}

void HttpConnection::read_body() {
  const auto server = server_.lock();
  if (!server) return;
  arm(server->config.body_limit);
  http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](IoError error, size_t) {
    const auto owner = self->server_.lock();
    if (!owner || self->closed_) return;
    if (!error) return self->dispatch(*owner);
    if (ends_quietly(error)) return self->close();
    self->fail(error);
  });
}

HttpRequest HttpConnection::take_request() {
  auto& message = parser_->get();
  HttpRequest out;
  out.method = text_of(message.method_string());
  const std::string_view target = text_of(message.target());
  const size_t question = std::min(target.find('?'), target.size());
  out.path = target.substr(0, question);
  out.query = target.substr(std::min(target.size(), question + 1));
  out.headers = std::move(headers_);
  out.body = std::move(message.body());
  out.remote = remote_;
  out.sender = sender_;
  return out;
}

void HttpConnection::dispatch(Server& server) {
  HttpRequest request = take_request();
  const auto file = server.files.find(request.path);
  if (file != server.files.end()) return serve(file->second);
  waiting_ = shared_from_this();
  arm(server.config.reply_limit, [weak = weak_from_this(), turn = turn_] {
    const auto self = weak.lock();
    if (self) self->reply(turn, HttpResponse::error(503, "overloaded", "The answer took too long."));
  });
  server.handler(std::move(request), [weak = weak_from_this(), owner = server_, turn = turn_](HttpResponse response) {
    if (const auto self = weak.lock()) return self->reply(turn, std::move(response));
    if (const auto gone = owner.lock()) gone->drops.add(HttpDrop::late_reply);
  });
}

void HttpConnection::reply(uint64_t turn, HttpResponse response) {
  const auto server = server_.lock();
  if (!server) return;
  const auto self = turn == turn_ ? std::exchange(waiting_, nullptr) : nullptr;
  if (!self) return server->drops.add(HttpDrop::late_reply);
  write(std::move(response));
}

void HttpConnection::serve(const HttpFile& file) {
  const http::verb method = parser_->get().method();
  if (method != http::verb::get && method != http::verb::head) {
    HttpResponse refused = HttpResponse::error(405, "method_not_allowed", "A file can be read only.");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return write(std::move(refused));
  }
  write({200, file.content_type, {}, file.headers}, file.bytes);
}

// Answers and closes: where a request ends can no longer be known.
void HttpConnection::fail(IoError error) {
  HttpDrop drop{};
  HttpResponse response = error_of(error, drop);
  if (const auto server = server_.lock()) server->drops.add(drop);
  keep_alive_ = false;
  write(std::move(response));
}

void HttpConnection::write(HttpResponse response) {
  body_ = std::move(response.body);
  write(response, body_);
}

void HttpConnection::write(const HttpResponse& response, std::string_view body) {
  const auto server = server_.lock();
  if (!server) return;
  head_ = "HTTP/1.1 ";
  append_number(head_, static_cast<uint64_t>(response.status));
  const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  head_.append(" ").append(reason.data(), reason.size()).append("\r\n");
  const auto add = [this](std::string_view name, std::string_view value) {
    if (!is_header_text(name) || !is_header_text(value)) return;
    head_.append(name).append(": ").append(value).append("\r\n");
  };
  const bool has_body = response.status != 204 && response.status != 304;
  if (has_body) {
    add("Content-Type", response.content_type);
    add("Content-Length", std::to_string(body.size()));
  }
  add("X-Content-Type-Options", "nosniff");
  for (const HttpHeader& each : server->config.headers) add(each.first, each.second);
  for (const HttpHeader& each : response.headers) add(each.first, each.second);
  if (!keep_alive_) add("Connection", "close");
  head_ += "\r\n";
  if (head_only_ || !has_body) body = {};
  arm(server->config.write_limit);
  const std::array<asio::const_buffer, 2> parts{asio::buffer(head_), asio::buffer(body.data(), body.size())};
  asio::async_write(stream_, parts, [self = shared_from_this()](IoError error, size_t) { self->written(error); });
}

void HttpConnection::written(IoError error) {
  if (closed_) return;
  if (error) return close();
  if (keep_alive_) return wait();
  stream_.body().finish();
  arm(kLinger, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->close();
  });
  linger();
}

// A close with unread input would reset the connection and destroy the response on its way (RFC 9112 section 9.6).
void HttpConnection::linger() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(kReadAtOnce), [self = shared_from_this()](IoError error, size_t size) {
    self->discarded_ += size;
    if (error || self->closed_ || self->discarded_ > kFramingAllowance) return self->close();
    self->linger();
  });
}

// RFC 6455 section 4.2.1.
bool HttpConnection::wants_upgrade() const {
  return parser_->get().method() == http::verb::get && parser_->get().version() == 11 &&
         has_token(field(http::field::upgrade), "websocket") && has_token(field(http::field::connection), "upgrade");
}

void HttpConnection::upgrade(Server& server, const WsRoute& route) {
  const auto refuse = [&](int status, std::string_view code, std::string_view message) {
    server.drops.add(status == 403 ? HttpDrop::foreign_origin : HttpDrop::malformed);
    keep_alive_ = false;
    write(HttpResponse::error(status, code, message));
  };
  const std::string key(field(http::field::sec_websocket_key));
  if (field(http::field::sec_websocket_version) != "13" || key.empty() || buffer_.size() > 0 ||
      parser_->get().has_content_length() || parser_->chunked()) {
    return refuse(400, "bad_request", "This is not a WebSocket handshake of version 13.");
  }
  if (server.config.websocket_needs_origin && parser_->get().count(http::field::origin) == 0) {
    return refuse(403, "forbidden_origin", "An Origin is asked for here.");
  }
  const std::string subprotocol = choose_subprotocol(field(http::field::sec_websocket_protocol), route.subprotocols);
  if (subprotocol.empty() && route.subprotocol_required && !route.subprotocols.empty()) {
    return refuse(400, "bad_request", "None of the offered subprotocols is spoken here.");
  }
  const auto request = std::make_shared<HttpRequest>(take_request());
  if (route.refuse) {
    if (auto refused = route.refuse(*request)) {
      keep_alive_ = false;
      return write(std::move(*refused));
    }
  }
  const bool is_forwarded = sender_.ip != remote_.ip;
  if (is_forwarded && server.limits->move(*place_, sender_.ip) != transport::SourceLimits::Verdict::admitted) {
    server.drops.add(HttpDrop::source_limit);
    keep_alive_ = false;
    return write(HttpResponse::error(429, "too_many_connections", "Too many connections from this address."));
  }
  timer_.cancel();
  closed_ = true;  // what follows is no longer HTTP
  const transport::WsUpgrade handshake{std::string(text_of(parser_->get().target())),
                                       std::string(request->header("Host")), key, subprotocol};
  transport::accept_websocket(std::move(stream_), handshake, route.limits,
                              [opened = route.opened, request](std::shared_ptr<transport::WsConnection> connection) {
                                if (connection) opened(std::move(connection), *request);
                              });
}

std::string_view describe(HttpDrop reason) {
  switch (reason) {
    case HttpDrop::malformed: return "malformed";
    case HttpDrop::header_too_large: return "header_too_large";
    case HttpDrop::body_too_large: return "body_too_large";
    case HttpDrop::too_slow: return "too_slow";
    case HttpDrop::foreign_host: return "foreign_host";
    case HttpDrop::foreign_origin: return "foreign_origin";
    case HttpDrop::connection_limit: return "connection_limit";
    case HttpDrop::source_limit: return "source_limit";
    case HttpDrop::accept_failed: return "accept_failed";
    case HttpDrop::late_reply: return "late_reply";
    case HttpDrop::foreign_peer: return "foreign_peer";
    case HttpDrop::forwarding_ignored: return "forwarding_ignored";
    case HttpDrop::tls_plain_http: return "tls_plain_http";
    case HttpDrop::tls_not_tls: return "tls_not_tls";
    case HttpDrop::tls_no_common: return "tls_no_common";
    case HttpDrop::tls_refused: return "tls_refused";
    case HttpDrop::tls_too_large: return "tls_too_large";
    case HttpDrop::tls_too_slow: return "tls_too_slow";
    case HttpDrop::tls_broken: return "tls_broken";
    case HttpDrop::kCount: break;
  }
  return "unknown";
}

HttpServer::HttpServer(transport::Shard& shard, HttpConfig config, Handler handler)
    : impl_(std::make_shared<Impl>(shard, std::move(config), std::move(handler))) {}

HttpServer::~HttpServer() {
  for (const auto& listener : impl_->listeners) listener->close();
  std::vector<std::shared_ptr<HttpConnection>> open;
  for (HttpConnection* const each : impl_->open) open.push_back(each->shared_from_this());
  for (const auto& each : open) each->close();
}

Result<SocketAddress, transport::SystemError> HttpServer::listen(const SocketAddress& local) {
  const std::weak_ptr<Impl> weak = impl_;
  const auto accepted = [weak](ByteStream&& stream, transport::SourceLimits::Admission&& admission) {
    const auto impl = weak.lock();
    if (!impl) return;
    if (!impl->may_come(stream.body())) return impl->drops.add(HttpDrop::foreign_peer);
    auto place = std::make_shared<transport::SourceLimits::Admission>(std::move(admission));
    std::make_shared<HttpConnection>(impl, std::move(stream), std::move(place))->run();
  };
  const auto refused = [weak](transport::Listener::Refusal refusal) {
    const auto impl = weak.lock();
    if (!impl) return;
    using Refusal = transport::Listener::Refusal;
    impl->drops.add(refusal == Refusal::connection_limit ? HttpDrop::connection_limit
                    : refusal == Refusal::source_limit   ? HttpDrop::source_limit
                                                         : HttpDrop::accept_failed);
  };
  const auto make = [weak](asio::ip::tcp::socket socket) {
    const auto impl = weak.lock();
    if (!impl || !impl->tls) return transport::make_tcp_stream(std::move(socket));
    return transport::make_tls_server_stream(std::move(socket), impl->tls);
  };
  auto listener = transport::Listener::open(impl_->shard, local, impl_->limits, accepted, refused, make);
  if (!listener) return isthmus::fail(listener.error());
  impl_->listeners.push_back(*listener);
  return (*listener)->local();
}

void HttpServer::serve_file(HttpFile file) {
  std::string path = file.path;
  impl_->files.insert_or_assign(std::move(path), std::move(file));
}
void HttpServer::serve_websocket(WsRoute route) {
  std::string path = route.path;
  impl_->routes.insert_or_assign(std::move(path), std::move(route));
}
void HttpServer::allow_host(std::string host) {
  impl_->config.hosts.push_back(std::move(host));
}
void HttpServer::use_tls(transport::TlsContext::Ptr context) {
  impl_->tls_hosts.clear();
  for (const std::string& name : context->names()) {
    const bool is_v6 = name.find(':') != std::string::npos;
    impl_->tls_hosts.push_back(is_v6 ? "[" + name + "]" : name);
  }
  impl_->tls = std::move(context);
}
size_t HttpServer::connections() const {
  return impl_->limits->open();
}
const Counters<HttpDrop>& HttpServer::drops() const {
  return impl_->drops;
}

}  // namespace isthmus::gateway
