// SPDX-License-Identifier: MIT
#include "transport/tcp_connection.hpp"

#include <utility>

namespace isthmus::transport {

TcpConnection::TcpConnection(ByteStream stream, size_t queue_limit, Events events)
    : stream_(std::move(stream)),
      queue_limit_(queue_limit),
      events_(std::move(events)),
      linger_(stream_.get_executor()) {}

void TcpConnection::read() {
  if (closed_ || reading_) return;
  reading_ = true;
  stream_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](IoError error, size_t size) {
    self->reading_ = false;
    if (self->closed_) return;
    if (error) return self->end(error);
    if (self->finishing_) return self->read();  // what still comes is thrown away
    self->events_.chunk({self->chunk_.data(), size});
  });
}

bool TcpConnection::write(Bytes data) {
  if (closed_ || finishing_) return true;  // its end has been told or will be
  if (data.size() > queue_limit_ || queued() > queue_limit_ - data.size()) return false;
  waiting_.insert(waiting_.end(), data.begin(), data.end());
  if (writing_.empty()) write_next();
  return true;
}

void TcpConnection::finish() {
  if (closed_ || std::exchange(finishing_, true)) return;
  linger_.expires_after(kLinger);
  linger_.async_wait([self = shared_from_this()](IoError error) {
    if (!error) self->close();
  });
  if (queued() == 0) drain();
}

// A close with unread input would reset the connection and could destroy what was just written (RFC 9112 section 9.6
// describes the same for HTTP): so our end first, then the peer's.
void TcpConnection::drain() {
  stream_.body().finish();
  read();
}

void TcpConnection::close() {
  if (std::exchange(closed_, true)) return;
  linger_.cancel();
  stream_.body().close();
}

void TcpConnection::write_next() {
  if (writing_.empty()) {
    std::swap(writing_, waiting_);
    written_ = 0;
  }
  if (writing_.empty()) {
    if (finishing_) drain();
    return;
  }
  stream_.async_write_some(asio::buffer(writing_.data() + written_, writing_.size() - written_),
                           [self = shared_from_this()](IoError error, size_t size) {
                             if (self->closed_) return;
                             if (error) return self->end(error);
                             self->written_ += size;
                             if (self->written_ == self->writing_.size()) self->writing_.clear();
                             self->write_next();
                           });
}

void TcpConnection::end(IoError error) {
  close();
  if (!finishing_) events_.over(to_fault(error));
}

Fault to_fault(IoError error) {
  if (error == asio::error::connection_refused) return {FaultCode::refused};
  if (error == asio::error::timed_out || error == asio::error::operation_aborted) return {FaultCode::timed_out};
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe) return {FaultCode::reset};
  if (error == asio::error::eof) return {FaultCode::closed};
  if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
      error == asio::error::no_memory || error == asio::error::message_size) {
    return {FaultCode::limit};
  }
  return {FaultCode::unreachable};
}

}  // namespace isthmus::transport
