// SPDX-License-Identifier: MIT
#include "transport/byte_stream.hpp"

#include <cstring>

#include "transport/native_address.hpp"

namespace isthmus::transport {
namespace {

using Tcp = asio::ip::tcp;

class TcpBody final : public StreamBody {
 public:
  explicit TcpBody(Tcp::socket socket) : socket_(std::move(socket)), local_(local_address(socket_.native_handle())) {
    IoError ignored;
    ignored = socket_.set_option(Tcp::no_delay(true), ignored);
    remote_ = to_address(socket_.remote_endpoint(ignored));
  }

  asio::io_context& context() override {
    return static_cast<asio::io_context&>(asio::query(socket_.get_executor(), asio::execution::context));
  }
  void handshake(Shaken done) override {
    asio::post(context(), [done = std::move(done)]() mutable { done({}); });
  }
  void read_some(const ReadBuffers& buffers, Done done) override { socket_.async_read_some(buffers, std::move(done)); }
  void write_some(const WriteBuffers& buffers, Done done) override {
    socket_.async_write_some(buffers, std::move(done));
  }
  void finish() override {
    IoError ignored;
    ignored = socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }
  void close() override { close_quietly(socket_); }
  SocketAddress remote() const override { return remote_; }
  SocketAddress local() const override { return local_; }

 private:
  Tcp::socket socket_;
  SocketAddress remote_;
  SocketAddress local_;
};

}  // namespace

void ByteStream::read(const ReadBuffers& buffers, StreamBody::Done done) {
  if (*allowance_ == 0) {
    asio::post(get_executor(), [done = std::move(done)]() mutable {
      done(asio::error::make_error_code(asio::error::message_size), 0);
    });
    return;
  }
  body_->read_some(buffers, [allowance = allowance_, done = std::move(done)](IoError error, size_t size) mutable {
    if (*allowance != UINT64_MAX) *allowance -= std::min<uint64_t>(*allowance, size);
    done(error, size);
  });
}

ByteStream make_tcp_stream(Tcp::socket socket) {
  return ByteStream(std::make_unique<TcpBody>(std::move(socket)));
}

Tcp::endpoint to_endpoint(const SocketAddress& address) {
  Tcp::endpoint out;
  sockaddr_storage native{};
  const socklen_t length = to_native(address, native);
  if (length == 0) return out;
  std::memcpy(out.data(), &native, length);
  out.resize(length);
  return out;
}

SocketAddress to_address(const Tcp::endpoint& endpoint) {
  sockaddr_storage native{};
  std::memcpy(&native, endpoint.data(), endpoint.size());
  return from_native(native);
}

}  // namespace isthmus::transport
