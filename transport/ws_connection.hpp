// SPDX-License-Identifier: MIT
// One WebSocket connection (RFC 6455), server side and client side; one message is one chunk. Nothing here knows what
// the messages mean: JSON-RPC and SIP (RFC 7118) both ride on it. Bounded in every direction: message size, bytes of
// unfinished fragments, bytes queued for a peer that does not read, silence.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/outbox.hpp"
#include "base/result.hpp"
#include "transport/shard.hpp"

namespace isthmus::transport {

class ByteStream;

struct WsLimits {
  size_t message_bytes = 64 << 10;  // one message, all fragments together
  size_t queue_bytes = 256 << 10;   // waiting for the peer to read; beyond, it is cut
  Duration ping_every = std::chrono::seconds(25);
  Duration silence = std::chrono::seconds(60);  // without a byte, not even a pong: the connection is cut
  Duration handshake = std::chrono::seconds(10);
};

enum class WsEnd : uint8_t {
  closed_by_peer,
  closed_by_us,
  lost,            // the connection broke
  silent,          // no byte, not even a pong
  slow_reader,     // more than queue_bytes were waiting
  too_big,         // a message or its fragments exceeded the limit
  protocol_error,  // not RFC 6455
};
std::string_view describe(WsEnd end);

class WsConnection {
 public:
  struct Events {
    std::function<void(Bytes message, bool text)> message;  // the bytes are gone when it returns
    std::function<void(WsEnd why)> closed;                  // once, and nothing after it
  };

  virtual ~WsConnection() = default;
  virtual void start(Events events) = 0;            // reading begins; to be called once
  virtual bool send(std::string_view message) = 0;  // as text; false: the connection is closed, now or already
  virtual void close(uint16_t code, std::string_view reason) = 0;  // RFC 6455 section 7.4; reason at most 123 octets
  virtual void cut(WsEnd why) = 0;                                 // at once, without a close frame
  virtual void abandon() = 0;         // at once, and no event comes any more: for an owner that ends first
  virtual size_t queued() const = 0;  // bytes waiting for the peer
  virtual bool is_open() const = 0;
  virtual const SocketAddress& remote() const = 0;
  virtual const std::string& subprotocol() const = 0;
};

// What the HTTP server read from an upgrade request; it has checked Host, Origin and the handshake headers.
struct WsUpgrade {
  std::string target;
  std::string host;
  std::string key;          // Sec-WebSocket-Key
  std::string subprotocol;  // the one to accept; empty: none
};
using WsReady = std::function<void(std::shared_ptr<WsConnection>)>;  // null: the handshake failed

// Answers the upgrade with 101 and gives the connection, not yet started.
void accept_websocket(ByteStream&& stream, const WsUpgrade& upgrade, const WsLimits& limits, WsReady ready);

struct WsClientRequest {
  SocketAddress remote;
  std::string host;  // the Host header
  std::string target = "/";
  std::string origin;        // empty: none is sent
  std::string subprotocols;  // as the header: "a, b"; empty: none is offered
};
void connect_websocket(Shard& shard, const WsClientRequest& request, const WsLimits& limits, WsReady ready);

}  // namespace isthmus::transport
