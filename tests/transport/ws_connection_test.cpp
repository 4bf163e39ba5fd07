// SPDX-License-Identifier: MIT
// WebSocket connections: our client against our server, and hand-made frames (RFC 6455 section 5) against the server.
#include "transport/ws_connection.hpp"

#include <gtest/gtest.h>

#include "tests/transport/bed.hpp"
#include "transport/byte_stream.hpp"
#include "transport/listener.hpp"

namespace isthmus::transport::test {
namespace {

// Accepts every upgrade on a port of its own; reads the request by hand, as the HTTP server does it with a parser.
struct WsServer {
  explicit WsServer(WsLimits the_limits = {}) : limits(the_limits) {
    listener = *Listener::open(
        shard, loopback(), std::make_shared<SourceLimits>(100, 100),
        [this](ByteStream&& stream, SourceLimits::Admission&&) {
          read(std::make_shared<ByteStream>(std::move(stream)), std::make_shared<std::string>());
        },
        [](Listener::Refusal) {});
  }
  ~WsServer() { listener->close(); }

  void read(std::shared_ptr<ByteStream> stream, std::shared_ptr<std::string> text) {
    const auto chunk = std::make_shared<std::array<char, 1>>();
    stream->async_read_some(asio::buffer(*chunk), [=, this](IoError error, size_t size) {
      if (error) return;
      text->append(chunk->data(), size);
      if (!text->ends_with("\r\n\r\n")) return read(stream, text);
      const std::string_view mark = "Sec-WebSocket-Key: ";
      const size_t at = text->find(mark) + mark.size();
      const WsUpgrade upgrade{"/", "here", text->substr(at, text->find('\r', at) - at), "isthmus.v1"};
      accept_websocket(std::move(*stream), upgrade, limits, [this](std::shared_ptr<WsConnection> made) {
        if (!made) return;
        connection = made;
        connection->start({[this](Bytes message, bool text_frame) {
                             messages.emplace_back(as_text(message));
                             text_seen = text_frame;
                             if (echo) connection->send(messages.back());
                           },
                           [this](WsEnd why) { end = why; }});
      });
    });
  }
  bool until(const std::function<bool()>& done) { return shard.run_until(done, kPatience); }

  Shard shard;
  WsLimits limits;
  std::shared_ptr<Listener> listener;
  std::shared_ptr<WsConnection> connection;
  std::vector<std::string> messages;
  bool text_seen = false;
  bool echo = false;
  std::optional<WsEnd> end;
};

std::string frame(bool fin, int opcode, std::string_view payload) {  // masked with zeros, as a client's must be
  std::string out;
  out += static_cast<char>((fin ? 0x80 : 0) | opcode);
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
  }
  return out + std::string(4, '\0') + std::string(payload);
}
std::string declared(uint64_t length) {  // a binary frame's header that promises so much
  std::string out = "\x82\xff";
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((length >> shift) & 0xff);
  return out + std::string(4, '\0');
}

struct RawClient : Client {
  explicit RawClient(WsServer& server, int receive_buffer = 0) : Client(server.listener->local(), receive_buffer) {
    send(
        "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    server.until([&] { return pump() && received.find("\r\n\r\n") != std::string::npos && server.connection; });
  }
};

}  // namespace

TEST(WsConnection, MessagesGoBothWaysAndTheSubprotocolIsTold) {
  WsServer server;
  server.echo = true;
  std::shared_ptr<WsConnection> client;
  std::vector<std::string> got;
  std::optional<WsEnd> end;
  connect_websocket(server.shard, {server.listener->local(), "here", "/", "", "isthmus.v1, other"}, {},
                    [&](std::shared_ptr<WsConnection> made) { client = made; });
  ASSERT_TRUE(server.until([&] { return client && server.connection; }));
  EXPECT_EQ(client->subprotocol(), "isthmus.v1");
  EXPECT_EQ(server.connection->subprotocol(), "isthmus.v1");
  client->start({[&](Bytes message, bool) { got.emplace_back(as_text(message)); }, [&](WsEnd why) { end = why; }});
  const std::string large(60000, 'l');
  EXPECT_TRUE(client->send("one"));
  EXPECT_TRUE(client->send(large));
  ASSERT_TRUE(server.until([&] { return got.size() == 2; }));
  EXPECT_EQ(got, (std::vector<std::string>{"one", large}));
  EXPECT_TRUE(server.text_seen);
  client->close(1000, "enough");
  EXPECT_FALSE(client->send("after the end"));
  ASSERT_TRUE(server.until([&] { return end && server.end; }));
  EXPECT_EQ(*end, WsEnd::closed_by_us);
  EXPECT_EQ(*server.end, WsEnd::closed_by_peer);
}

TEST(WsConnection, QueuedMessagesGoOutBeforeTheCloseFrame) {
  WsServer server;
  RawClient client(server);
  client.received.clear();
  for (int i = 0; i < 3; ++i) server.connection->send("m" + std::to_string(i));
  server.connection->close(1001, "going away");
  ASSERT_TRUE(server.until([&] {
    client.pump();
    return client.received.find("going away") != std::string::npos;
  }));
  EXPECT_EQ(client.received.substr(0, 12), std::string("\x81\x02m0\x81\x02m1\x81\x02m2", 12));
  client.send(frame(true, 8, std::string_view("\x03\xe9", 2)));
  ASSERT_TRUE(server.until([&] { return server.end.has_value(); }));
  EXPECT_EQ(*server.end, WsEnd::closed_by_us);
}

TEST(WsConnection, AFrameThatDeclaresTooMuchIsCutBeforeItsPayload) {  // advisory 13
  for (const uint64_t length :
       {uint64_t{1} << 20, uint64_t{1} << 24, uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 62, UINT64_MAX}) {
    WsServer server;
    RawClient client(server);
    client.send(declared(length));
    ASSERT_TRUE(server.until([&] { return server.end.has_value(); })) << length;
    EXPECT_TRUE(*server.end == WsEnd::too_big || *server.end == WsEnd::protocol_error) << describe(*server.end);
    EXPECT_TRUE(server.messages.empty());
  }
}

TEST(WsConnection, FragmentsWithoutEndAreCutAtTheMessageLimit) {  // advisory 14
  WsServer server;
  RawClient client(server);
  const std::string piece(4096, 'f');
  client.send(frame(false, 2, piece));
  size_t sent = piece.size();
  for (int i = 0; i < 16384 && !server.end; ++i) {  // 64 MiB are on offer
    if (client.send(frame(false, 0, piece))) sent += piece.size();
    bool turned = false;
    server.shard.post([&] { turned = true; });
    server.until([&] { return turned; });
  }
  ASSERT_TRUE(server.until([&] { return server.end.has_value(); }));
  EXPECT_EQ(*server.end, WsEnd::too_big);
  EXPECT_LT(sent, size_t{1} << 20);
}

TEST(WsConnection, EndlessEmptyFragmentsAreCutToo) {  // advisory 14
  WsServer server;
  RawClient client(server);
  client.send(frame(false, 2, ""));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += frame(false, 0, "");
  size_t rounds = 0;
  for (; rounds < 2000 && !server.end; ++rounds) {  // two million are on offer
    client.send(many);
    bool turned = false;
    server.shard.post([&] { turned = true; });
    server.until([&] { return turned; });
  }
  ASSERT_TRUE(server.end.has_value());
  EXPECT_EQ(*server.end, WsEnd::too_big);
  EXPECT_LT(rounds, 200U);
}

TEST(WsConnection, ManySmallMessagesAndPingsAreInOrder) {
  WsServer server;
  RawClient client(server);
  std::string many;
  for (int i = 0; i < 100; ++i) many += frame(true, 1, "hello") + frame(true, 9, "ping");
  for (size_t round = 1; round <= 300; ++round) {
    ASSERT_TRUE(client.send(many));
    ASSERT_TRUE(server.until([&] {
      client.pump();
      return server.messages.size() == round * 100;
    }));
  }
  EXPECT_FALSE(server.end);
}

TEST(WsConnection, WhatIsNotRfc6455EndsTheConnection) {
  for (const std::string& bytes : {std::string("\x81\x02hi", 4) /* unmasked */, frame(true, 3, "reserved opcode"),
                                   frame(true, 0, "continues nothing"), frame(false, 9, "fragmented ping"),
                                   frame(true, 1, "\xff\xfe") /* not UTF-8 */}) {
    WsServer server;
    RawClient client(server);
    client.send(bytes);
    ASSERT_TRUE(server.until([&] { return server.end.has_value(); }));
    EXPECT_EQ(*server.end, WsEnd::protocol_error) << describe(*server.end);
    EXPECT_TRUE(server.messages.empty());
  }
}

TEST(WsConnection, AClientThatDoesNotReadIsCutAtTheQueueLimit) {  // R0.8
  WsServer server;
  RawClient client(server, 4096);
  const std::string message(8 << 10, 'n');
  size_t most = 0;
  bool sending = true;
  for (int i = 0; i < 10000 && sending; ++i) {
    sending = server.connection->send(message);
    most = std::max(most, server.connection->queued());
    bool turned = false;
    server.shard.post([&] { turned = true; });
    server.until([&] { return turned; });
  }
  EXPECT_FALSE(sending);
  EXPECT_LE(most, server.limits.queue_bytes);
  EXPECT_GT(most, server.limits.queue_bytes - 2 * message.size());
  ASSERT_TRUE(server.until([&] { return server.end.has_value(); }));
  EXPECT_EQ(*server.end, WsEnd::slow_reader);
  EXPECT_FALSE(server.connection->is_open());
}

TEST(WsConnection, SilenceIsPingedThenCutAndAPongKeepsItAlive) {
  WsLimits limits;
  limits.ping_every = 20ms;
  limits.silence = 100ms;
  {
    WsServer server(limits);
    RawClient client(server);
    client.received.clear();
    ASSERT_TRUE(server.until([&] { return server.end.has_value(); }));
    EXPECT_EQ(*server.end, WsEnd::silent);
    client.pump();
    EXPECT_EQ(client.received.substr(0, 1), "\x89");
  }
  WsServer server(limits);
  RawClient client(server);
  size_t pings = 0;
  ASSERT_TRUE(server.until([&] {
    client.received.clear();
    client.pump();
    if (client.received.starts_with("\x89")) ++pings, client.send(frame(true, 10, ""));
    return pings == 5;
  }));
  EXPECT_FALSE(server.end);
}

TEST(WsConnection, AnAbandonedOneTellsNothingMore) {
  WsServer server;
  RawClient client(server);
  client.send(frame(true, 1, "never seen"));
  server.connection->abandon();
  EXPECT_FALSE(server.connection->send("x"));
  ASSERT_TRUE(server.until([&] { return !client.pump(); }));
  EXPECT_TRUE(server.messages.empty());
  EXPECT_FALSE(server.end);
}

TEST(WsConnection, ALostConnectionIsTold) {
  WsServer server;
  RawClient client(server);
  client.reset();
  ASSERT_TRUE(server.until([&] { return server.end.has_value(); }));
  EXPECT_EQ(*server.end, WsEnd::lost);
}

TEST(WsConnection, ARefusedConnectGivesNothing) {
  Shard shard;
  const SocketAddress nobody = [] {
    Descriptor holder(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_storage native{};
    const socklen_t length = to_native(loopback(), native);
    bind(holder.number(), reinterpret_cast<sockaddr*>(&native), length);
    return local_address(holder.number());
  }();
  bool told = false;
  connect_websocket(shard, {nobody, "here", "/", "", ""}, {}, [&](std::shared_ptr<WsConnection> made) {
    EXPECT_EQ(made, nullptr);
    told = true;
  });
  EXPECT_TRUE(shard.run_until([&] { return told; }, kPatience));
}

}  // namespace isthmus::transport::test
