// SPDX-License-Identifier: MIT
// A stream of bytes whose kind is hidden behind one virtual body: plain TCP, or TLS (tls_stream.hpp). It has the shape
// of an Asio stream, so that Beast is instantiated once for all kinds. For the connection files alone. Completions
// never run from inside the call that started the operation; one read and one write may be under way at a time.
#pragma once

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/address.hpp"
#include "transport/io.hpp"

namespace isthmus::transport {

// A bounded buffer sequence; what does not fit is left for the next call, as "some" allows.
template <class Buffer>
class BufferList {
 public:
  template <class Sequence>
  explicit BufferList(const Sequence& all) {
    for (auto at = asio::buffer_sequence_begin(all); at != asio::buffer_sequence_end(all) && count_ < kMost; ++at) {
      buffers_[count_++] = *at;
    }
  }
  const Buffer* begin() const { return buffers_.data(); }
  const Buffer* end() const { return buffers_.data() + count_; }

 private:
  static constexpr size_t kMost = 16;
  std::array<Buffer, kMost> buffers_;
  size_t count_ = 0;
};
using ReadBuffers = BufferList<asio::mutable_buffer>;
using WriteBuffers = BufferList<asio::const_buffer>;

class StreamBody {
 public:
  using Done = std::move_only_function<void(IoError, size_t)>;
  using Shaken = std::move_only_function<void(IoError)>;
  virtual ~StreamBody() = default;  // ends what is under way with operation_aborted
  virtual asio::io_context& context() = 0;
  virtual void handshake(Shaken done) = 0;  // once, before anything else; its time is the owner's to limit
  virtual void read_some(const ReadBuffers& buffers, Done done) = 0;
  virtual void write_some(const WriteBuffers& buffers, Done done) = 0;
  virtual void finish() = 0;  // no more bytes from us; the peer reads an orderly end
  virtual void close() = 0;   // at once; ends what is under way
  virtual SocketAddress remote() const = 0;
  virtual SocketAddress local() const = 0;
};

class ByteStream {
 public:
  using executor_type = asio::io_context::executor_type;

  explicit ByteStream(std::unique_ptr<StreamBody> body) : body_(std::move(body)) {}

  executor_type get_executor() { return body_->context().get_executor(); }
  StreamBody& body() { return *body_; }
  const StreamBody& body() const { return *body_; }

  // After that many more bytes every read fails with message_size; unlimited until the first call. It bounds what a
  // peer can make a parser swallow between two complete messages.
  void allow(uint64_t bytes) { *allowance_ = bytes; }

  // Keeps something alive as long as the stream lives: its place in the limits of a listener.
  void keep(std::shared_ptr<void> companion) { companion_ = std::move(companion); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(IoError, size_t)>(
        [this](auto handler, const ReadBuffers& list) { read(list, std::move(handler)); }, token, ReadBuffers(buffers));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(IoError, size_t)>(
        [this](auto handler, const WriteBuffers& list) { body_->write_some(list, std::move(handler)); }, token,
        WriteBuffers(buffers));
  }

 private:
  void read(const ReadBuffers& buffers, StreamBody::Done done);

  std::shared_ptr<void> companion_;
  std::unique_ptr<StreamBody> body_;
  std::shared_ptr<uint64_t> allowance_ = std::make_shared<uint64_t>(UINT64_MAX);
};

ByteStream make_tcp_stream(asio::ip::tcp::socket socket);

asio::ip::tcp::endpoint to_endpoint(const SocketAddress& address);
SocketAddress to_address(const asio::ip::tcp::endpoint& endpoint);

}  // namespace isthmus::transport
