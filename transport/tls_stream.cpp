// SPDX-License-Identifier: MIT
// When a step of the session wants more, the loop is asked to wait for the socket. What is to be called when an
// operation is done travels with the waiting handler, never in the connection: so nothing keeps itself alive.
#include "transport/tls_stream.hpp"

#include <algorithm>
#include <vector>

#include "transport/native_address.hpp"
#include "transport/tls_session.hpp"

namespace isthmus::transport {
namespace {

using Tcp = asio::ip::tcp;
using Socket = Tcp::socket;
using Step = TlsSession::Step;

constexpr size_t kRecord = 16 << 10;  // RFC 8446 section 5.1: the most that one record carries

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override { return std::string(describe(static_cast<TlsFault>(value))); }
};
const Category kCategory;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Done = StreamBody::Done;
  using Shaken = StreamBody::Shaken;

  Connection(Socket socket, TlsContext::Ptr context)
      : socket_(std::move(socket)), tls_(socket_.native_handle(), std::move(context)) {
    IoError ignored;
    ignored = socket_.set_option(Tcp::no_delay(true), ignored);
    ignored = socket_.native_non_blocking(true, ignored);
  }

  Socket& socket() { return socket_; }
  TlsSession& tls() { return tls_; }
  void shake(Shaken done);
  void read(const ReadBuffers& buffers, Done done);
  void write(const WriteBuffers& buffers, Done done);
  void finish();
  void close();

 private:
  template <class Again, class Done>
  void wait(Step step, Again again, Done done);
  void write_on(asio::const_buffer data, Done done);
  bool speaks_plain() const { return tls_.fault() == TlsFault::plain_http; }
  IoError failure(asio::error::basic_errors error) const {  // what failed because it was closed was not a failure
    return asio::error::make_error_code(socket_.is_open() ? error : asio::error::operation_aborted);
  }

  Socket socket_;
  TlsSession tls_;
  std::vector<std::byte> record_;  // several buffers of one write, put together
};

template <class Again, class Done>
void Connection::wait(Step step, Again again, Done done) {
  const auto what = step == Step::wants_read ? Socket::wait_read : Socket::wait_write;
  socket_.async_wait(what,
                     [self = shared_from_this(), again = std::move(again), done = std::move(done)](IoError) mutable {
                       again(*self, std::move(done));  // that the socket was closed meanwhile shows there
                     });
}

bool wants_more(Step step) {
  return step == Step::wants_read || step == Step::wants_write;
}

void Connection::shake(Shaken done) {
  if (!socket_.is_open()) return done(asio::error::operation_aborted);
  const Step step = tls_.handshake();
  if (wants_more(step))
    return wait(step, [](Connection& self, Shaken later) { self.shake(std::move(later)); }, std::move(done));
  if (step == Step::done) return done({});
  done({static_cast<int>(tls_.fault()), kCategory});
}

void Connection::read(const ReadBuffers& buffers, Done done) {
  if (!socket_.is_open()) return done(asio::error::operation_aborted, 0);
  if (speaks_plain()) return socket_.async_read_some(buffers, std::move(done));
  const auto* const room =
      std::find_if(buffers.begin(), buffers.end(), [](const asio::mutable_buffer& each) { return each.size() > 0; });
  if (room == buffers.end()) return done({}, 0);
  size_t got = 0;
  const Step step = tls_.read(room->data(), room->size(), got);
  if (wants_more(step)) {
    return wait(
        step, [buffers](Connection& self, Done later) { self.read(buffers, std::move(later)); }, std::move(done));
  }
  if (step == Step::done) return done({}, got);
  if (step == Step::ended) return done(asio::error::eof, 0);
  // Without close_notify nobody knows whether the end is the peer's own (RFC 8446 section 6.1).
  done(failure(asio::error::connection_reset), 0);
}

// What is small goes into one record instead of many.
void Connection::write(const WriteBuffers& buffers, Done done) {
  if (!socket_.is_open()) return done(asio::error::operation_aborted, 0);
  if (speaks_plain()) return socket_.async_write_some(buffers, std::move(done));
  record_.clear();
  for (const asio::const_buffer& each : buffers) {
    if (record_.empty() && each.size() >= kRecord) return write_on(each, std::move(done));
    const auto* from = static_cast<const std::byte*>(each.data());
    record_.insert(record_.end(), from, from + std::min(each.size(), kRecord - record_.size()));
  }
  if (record_.empty()) return done({}, 0);
  write_on(asio::buffer(record_), std::move(done));
}

void Connection::write_on(asio::const_buffer data, Done done) {
  if (!socket_.is_open()) return done(asio::error::operation_aborted, 0);
  size_t sent = 0;
  const Step step = tls_.write(data.data(), data.size(), sent);
  if (wants_more(step))
    return wait(step, [data](Connection& self, Done later) { self.write_on(data, std::move(later)); }, std::move(done));
  if (step == Step::done) return done({}, sent);
  done(failure(asio::error::broken_pipe), 0);
}

void Connection::finish() {
  if (!socket_.is_open()) return;
  const Step step = tls_.finish();
  if (step == Step::wants_write) return wait(step, [](Connection& self, int) { self.finish(); }, 0);
  IoError ignored;
  ignored = socket_.shutdown(Socket::shutdown_send, ignored);
}

void Connection::close() {
  if (!socket_.is_open()) return;
  tls_.finish();  // if it fits
  close_quietly(socket_);
}

// ---- the body

class TlsBody final : public StreamBody {
 public:
  explicit TlsBody(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)), local_(local_address(connection_->socket().native_handle())) {
    IoError ignored;
    remote_ = to_address(connection_->socket().remote_endpoint(ignored));
  }
  ~TlsBody() override { connection_->close(); }

  asio::io_context& context() override {
    return static_cast<asio::io_context&>(asio::query(connection_->socket().get_executor(), asio::execution::context));
  }
  void handshake(Shaken done) override {
    asio::post(context(),
               [connection = connection_, done = std::move(done)]() mutable { connection->shake(std::move(done)); });
  }
  void read_some(const ReadBuffers& buffers, Done done) override {
    asio::post(context(), [connection = connection_, buffers, done = std::move(done)]() mutable {
      connection->read(buffers, std::move(done));
    });
  }
  void write_some(const WriteBuffers& buffers, Done done) override {
    asio::post(context(), [connection = connection_, buffers, done = std::move(done)]() mutable {
      connection->write(buffers, std::move(done));
    });
  }
  void finish() override { connection_->finish(); }
  void close() override { connection_->close(); }
  SocketAddress remote() const override { return remote_; }
  SocketAddress local() const override { return local_; }

 private:
  std::shared_ptr<Connection> connection_;
  SocketAddress remote_;
  SocketAddress local_;
};

}  // namespace

std::optional<TlsFault> tls_fault(IoError error) {
  if (error.category() != kCategory) return std::nullopt;
  return static_cast<TlsFault>(error.value());
}

ByteStream make_tls_server_stream(Socket socket, TlsContext::Ptr context) {
  const auto connection = std::make_shared<Connection>(std::move(socket), std::move(context));
  connection->tls().serve();
  return ByteStream(std::make_unique<TlsBody>(connection));
}

ByteStream make_tls_client_stream(Socket socket, TlsContext::Ptr context, const std::string& host) {
  const auto connection = std::make_shared<Connection>(std::move(socket), std::move(context));
  connection->tls().visit(host);
  return ByteStream(std::make_unique<TlsBody>(connection));
}

}  // namespace isthmus::transport
