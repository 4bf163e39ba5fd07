// SPDX-License-Identifier: MIT
// The only instantiation of Beast's WebSocket, over the type-erased stream and without compression (RFC 7692 is never
// negotiated: it would let a small frame become a large message).
#include "transport/ws_connection.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <utility>

#include "transport/byte_stream.hpp"
#include "transport/system.hpp"

namespace isthmus::transport {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

// Beast's hooks for a stream that is no socket of Asio's.
void beast_close_socket(ByteStream& stream) {
  stream.body().close();
}
template <class Handler>
void async_teardown(beast::role_type, ByteStream& stream, Handler&& handler) {
  stream.body().finish();
  asio::post(stream.get_executor(), [handler = std::forward<Handler>(handler)]() mutable { handler(IoError()); });
}

namespace {

constexpr size_t kMaxReason = 123;  // RFC 6455 section 5.5: a control frame has at most 125 octets, two are the code
// Bytes on the wire per message beyond its size, for frame headers and control frames: many small fragments are in
// order, endless empty ones are not.
constexpr size_t kFrameAllowance = 64 << 10;

WsEnd end_of(IoError error, bool by_us) {
  if (error == websocket::error::closed) return by_us ? WsEnd::closed_by_us : WsEnd::closed_by_peer;
  if (error == beast::error::timeout) return WsEnd::silent;
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow ||
      error == asio::error::message_size) {
    return WsEnd::too_big;
  }
  if (error == websocket::condition::protocol_violation) return WsEnd::protocol_error;
  return by_us ? WsEnd::closed_by_us : WsEnd::lost;
}

class Connection final : public WsConnection, public std::enable_shared_from_this<Connection> {
 public:
  Connection(ByteStream stream, const WsLimits& limits)
      : limits_(limits),
        remote_(stream.body().remote()),
        ws_(std::move(stream)),
        closing_(ws_.get_executor()),
        ping_(ws_.get_executor()),
        silence_(ws_.get_executor()) {
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = limits.handshake;
    timeout.idle_timeout = websocket::stream_base::none();  // ours counts pongs, too
    timeout.keep_alive_pings = false;
    ws_.set_option(timeout);
    ws_.read_message_max(limits.message_bytes);
    ws_.auto_fragment(false);
    ws_.control_callback([this](websocket::frame_type, beast::string_view) { heard(); });
    heard();
  }

  void accept(const WsUpgrade& upgrade, WsReady ready);
  void handshake(const WsClientRequest& request, WsReady ready);

  void start(Events events) override;
  bool send(std::string_view message) override;
  void close(uint16_t code, std::string_view reason) override;
  void cut(WsEnd why) override;
  void abandon() override;
  size_t queued() const override { return queued_; }
  bool is_open() const override { return !ended_ && !closed_by_us_; }
  const SocketAddress& remote() const override { return remote_; }
  const std::string& subprotocol() const override { return subprotocol_; }

 private:
  void heard();  // a whole message or control frame
  void read_next();
  void write_next();
  void close_now();
  void ping_later();
  void watch_silence();

  WsLimits limits_;
  SocketAddress remote_;
  std::string subprotocol_;
  websocket::stream<ByteStream, false> ws_;
  asio::steady_timer closing_;
  asio::steady_timer ping_;
  asio::steady_timer silence_;
  TimePoint heard_at_;
  websocket::close_reason reason_;
  std::shared_ptr<const Events> events_ = std::make_shared<Events>();
  beast::flat_buffer buffer_;
  std::deque<std::string> queue_;  // the front is being written
  size_t queued_ = 0;              // bytes in it
  bool closed_by_us_ = false;
  bool ended_ = false;
};

void Connection::accept(const WsUpgrade& upgrade, WsReady ready) {
  http::request<http::empty_body> request(http::verb::get, upgrade.target, 11);
  request.set(http::field::host, upgrade.host);
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::connection, "upgrade");
  request.set(http::field::sec_websocket_key, upgrade.key);
  request.set(http::field::sec_websocket_version, "13");
  subprotocol_ = upgrade.subprotocol;
  ws_.set_option(websocket::stream_base::decorator([this](websocket::response_type& response) {
    response.erase(http::field::server);
    if (!subprotocol_.empty()) response.set(http::field::sec_websocket_protocol, subprotocol_);
  }));
  ws_.async_accept(request, [self = shared_from_this(), ready = std::move(ready)](IoError error) {
    if (error) self->ended_ = true;
    ready(error ? nullptr : self);
  });
}

void Connection::handshake(const WsClientRequest& request, WsReady ready) {
  ws_.set_option(websocket::stream_base::decorator([request](websocket::request_type& out) {
    out.erase(http::field::user_agent);
    if (!request.origin.empty()) out.set(http::field::origin, request.origin);
    if (!request.subprotocols.empty()) out.set(http::field::sec_websocket_protocol, request.subprotocols);
  }));
  const auto response = std::make_shared<websocket::response_type>();
  ws_.async_handshake(*response, request.host, request.target,
                      [self = shared_from_this(), response, ready = std::move(ready)](IoError error) {
                        const auto chosen = (*response)[http::field::sec_websocket_protocol];
                        self->subprotocol_.assign(chosen.data(), chosen.size());
                        if (error) self->ended_ = true;
                        ready(error ? nullptr : self);
                      });
}

void Connection::start(Events events) {
  events_ = std::make_shared<const Events>(std::move(events));
  ping_later();
  watch_silence();
  read_next();
}

void Connection::heard() {
  heard_at_ = read_clocks().steady;
  ws_.next_layer().allow(limits_.message_bytes + kFrameAllowance);
}

void Connection::watch_silence() {
  const Duration left = heard_at_ + limits_.silence - read_clocks().steady;
  if (left <= Duration(0)) return cut(WsEnd::silent);
  silence_.expires_after(left);
  silence_.async_wait([weak = weak_from_this()](IoError error) {
    const auto self = weak.lock();
    if (!error && self && !self->ended_) self->watch_silence();
  });
}

void Connection::ping_later() {
  ping_.expires_after(limits_.ping_every);
  ping_.async_wait([weak = weak_from_this()](IoError error) {
    const auto self = weak.lock();
    if (error || !self || self->ended_ || self->closed_by_us_) return;
    self->ws_.async_ping({}, [self](IoError failed) {
      if (!failed) self->ping_later();
    });
  });
}

void Connection::read_next() {
  ws_.async_read(buffer_, [self = shared_from_this()](IoError error, size_t) {
    if (self->ended_) return;
    if (error) return self->cut(end_of(error, self->closed_by_us_));
    self->heard();
    const auto message = self->buffer_.cdata();
    const Bytes bytes{static_cast<const std::byte*>(message.data()), message.size()};
    const auto events = self->events_;  // lives on if the owner abandons the connection from inside
    if (!self->closed_by_us_ && events->message) events->message(bytes, self->ws_.got_text());
    self->buffer_.consume(self->buffer_.size());
    if (!self->ended_) self->read_next();
  });
}

bool Connection::send(std::string_view message) {
  if (!is_open()) return false;
  if (message.size() > limits_.queue_bytes || queued_ > limits_.queue_bytes - message.size()) {
    cut(WsEnd::slow_reader);
    return false;
  }
  queued_ += message.size();
  queue_.emplace_back(message);
  if (queue_.size() == 1) write_next();
  return true;
}

void Connection::write_next() {
  ws_.text(true);
  ws_.async_write(asio::buffer(queue_.front()), [self = shared_from_this()](IoError error, size_t) {
    if (self->ended_) return;
    if (error) return self->cut(end_of(error, self->closed_by_us_));
    self->queued_ -= self->queue_.front().size();
    self->queue_.pop_front();
    if (!self->queue_.empty()) return self->write_next();
    if (self->closed_by_us_) self->close_now();
  });
}

void Connection::close(uint16_t code, std::string_view reason) {
  if (!is_open()) return;
  closed_by_us_ = true;
  reason = reason.substr(0, kMaxReason);
  reason_ = {static_cast<websocket::close_code>(code), beast::string_view(reason.data(), reason.size())};
  closing_.expires_after(limits_.handshake);  // for the queue and the peer's close frame together
  closing_.async_wait([self = shared_from_this()](IoError error) {
    if (!error) self->cut(WsEnd::closed_by_us);
  });
  if (queue_.empty()) close_now();
}

void Connection::close_now() {
  ws_.async_close(reason_, [self = shared_from_this()](IoError) { self->cut(WsEnd::closed_by_us); });
}

void Connection::cut(WsEnd why) {
  if (std::exchange(ended_, true)) return;
  closing_.cancel();
  ping_.cancel();
  silence_.cancel();
  ws_.next_layer().body().close();
  asio::post(ws_.get_executor(), [self = shared_from_this(), why] {
    const auto events = std::exchange(self->events_, std::make_shared<Events>());
    if (events->closed) events->closed(why);
  });
}

void Connection::abandon() {
  events_ = std::make_shared<Events>();
  cut(WsEnd::closed_by_us);
}

}  // namespace

std::string_view describe(WsEnd end) {
  switch (end) {
    case WsEnd::closed_by_peer: return "closed_by_peer";
    case WsEnd::closed_by_us: return "closed_by_us";
    case WsEnd::lost: return "lost";
    case WsEnd::silent: return "silent";
    case WsEnd::slow_reader: return "slow_reader";
    case WsEnd::too_big: return "too_big";
    case WsEnd::protocol_error: return "protocol_error";
  }
  return "unknown";
}

void accept_websocket(ByteStream&& stream, const WsUpgrade& upgrade, const WsLimits& limits, WsReady ready) {
  std::make_shared<Connection>(std::move(stream), limits)->accept(upgrade, std::move(ready));
}

void connect_websocket(Shard& shard, const WsClientRequest& request, const WsLimits& limits, WsReady ready) {
  const auto socket = std::make_shared<asio::ip::tcp::socket>(shard.io().context);
  const auto timer = std::make_shared<asio::steady_timer>(shard.io().context, limits.handshake);
  timer->async_wait([socket](IoError error) {
    if (!error) close_quietly(*socket);
  });
  socket->async_connect(to_endpoint(request.remote),
                        [socket, timer, request, limits, ready = std::move(ready)](IoError error) mutable {
                          timer->cancel();
                          if (error) return ready(nullptr);
                          auto connection = std::make_shared<Connection>(make_tcp_stream(std::move(*socket)), limits);
                          connection->handshake(request, std::move(ready));
                        });
}

}  // namespace isthmus::transport
