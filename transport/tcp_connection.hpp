// SPDX-License-Identifier: MIT
// One stream flow: reads chunks when asked to, queues writes up to a limit, tells once that it is over. It frames
// nothing. For the connection files alone; its owner keeps it by shared_ptr, as Asio's handlers do.
#pragma once

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "base/outbox.hpp"
#include "transport/byte_stream.hpp"

namespace isthmus::transport {

class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  struct Events {
    std::function<void(Bytes chunk)> chunk;  // what read() asked for; valid until the next read()
    std::function<void(Fault why)> over;     // once; nothing comes after it
  };

  TcpConnection(ByteStream stream, size_t queue_limit, Events events);

  void read();             // gives one chunk, or `over`
  bool write(Bytes data);  // false: the queue would exceed its limit; nothing was queued
  void finish();           // ends in order: writes the queue, then waits a moment for the peer's end; no `over`
  void close();            // at once, without `over`

  size_t queued() const { return writing_.size() + waiting_.size(); }
  SocketAddress remote() const { return stream_.body().remote(); }
  SocketAddress local() const { return stream_.body().local(); }

 private:
  void write_next();
  void drain();
  void end(IoError error);

  static constexpr auto kLinger = std::chrono::seconds(5);  // a finished connection goes on that long at most
  static constexpr size_t kChunkBytes = 16 << 10;
  ByteStream stream_;
  size_t queue_limit_;
  Events events_;
  bool closed_ = false;
  bool finishing_ = false;
  bool reading_ = false;
  asio::steady_timer linger_;
  std::array<std::byte, kChunkBytes> chunk_;
  std::vector<std::byte> writing_;  // handed to the system
  size_t written_ = 0;              // of writing_
  std::vector<std::byte> waiting_;
};

Fault to_fault(IoError error);

}  // namespace isthmus::transport
