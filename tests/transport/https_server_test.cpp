// SPDX-License-Identifier: MIT
// The HTTP server with TLS over real loopback sockets: requests and WebSockets through it, who is turned away, the
// change of the certificate, and what differs behind a trusted proxy.
#include <gtest/gtest.h>

#include "gateway/api/http_server.hpp"
#include "tests/support/tls_files.hpp"
#include "tests/transport/bed.hpp"
#include "transport/tls_stream.hpp"

namespace isthmus::gateway::test {

using namespace std::chrono_literals;
using isthmus::test::TlsFiles;
using transport::IoError;
using transport::TlsFault;
using transport::test::Client;
using transport::test::kPatience;
using transport::test::loopback;

namespace {

// One connection with TLS that says one thing and listens.
struct TlsClient : std::enable_shared_from_this<TlsClient> {
  explicit TlsClient(transport::ByteStream the_stream) : stream(std::move(the_stream)) {}
  void start(std::string text) {
    sending = std::move(text);
    stream.body().handshake([self = shared_from_this()](IoError error) {
      self->fault = transport::tls_fault(error);
      self->over = bool(error);
      self->ready = !error;
      if (error) return;
      self->read();
      if (!self->sending.empty()) self->write();
    });
  }
  void say(std::string text) {
    sending = std::move(text);
    write();
  }
  void write() {
    stream.async_write_some(boost::asio::buffer(sending), [self = shared_from_this()](IoError, size_t) {});
  }
  void read() {
    stream.async_read_some(boost::asio::buffer(chunk), [self = shared_from_this()](IoError error, size_t size) {
      self->received.append(self->chunk.data(), size);
      self->over = bool(error);
      self->orderly = error == boost::asio::error::eof;
      if (!error) self->read();
    });
  }

  transport::ByteStream stream;
  std::array<char, 16384> chunk{};
  std::string sending, received;
  std::optional<TlsFault> fault;
  bool ready = false, over = false, orderly = false;
};

struct TlsHttpBed {
  explicit TlsHttpBed(HttpConfig config = {})
      : server(shard, std::move(config), [this](HttpRequest&& request, HttpReply reply) {
          requests.push_back(std::move(request));
          reply({200, "text/plain", "fine", {}});
        }) {
    server.use_tls(files.server());
    address = *server.listen(loopback());
  }
  bool until(const std::function<bool()>& done) { return shard.run_until(done, kPatience); }

  std::shared_ptr<TlsClient> dial(std::string text, const std::string& host = "localhost") {
    boost::asio::ip::tcp::socket socket(shard.io().context);
    socket.connect(transport::to_endpoint(address));
    auto out = std::make_shared<TlsClient>(transport::make_tls_client_stream(std::move(socket), files.client(), host));
    out->start(std::move(text));
    return out;
  }
  std::string exchange(std::string text) {
    const auto client = dial(std::move(text));
    EXPECT_TRUE(until([&] { return client->over; })) << client->received;
    EXPECT_TRUE(client->orderly) << client->received;
    return client->received;
  }
  std::string status_of(std::string text) { return exchange(std::move(text)).substr(0, 12); }

  TlsFiles files;
  transport::Shard shard;
  std::vector<HttpRequest> requests;
  HttpServer server;
  SocketAddress address;
};

std::string get(std::string_view headers) {
  return "GET / HTTP/1.1\r\nConnection: close\r\n" + std::string(headers) + "\r\n";
}

std::string upgrade(std::string_view headers) {
  return "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(headers) + "\r\n";
}

}  // namespace

TEST(HttpsServer, RequestsAreServedAndTheEndIsOrderly) {
  TlsHttpBed bed;
  const std::string got = bed.exchange(get("Host: localhost\r\n"));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200")) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\nfine"));
  // Decided: none. There is no plain twin to protect, and it would lock out who uses an authority of his own.
  EXPECT_EQ(got.find("Strict-Transport-Security"), std::string::npos);
  ASSERT_EQ(bed.requests.size(), 1U);
  EXPECT_TRUE(bed.requests[0].sender.is_secure);
  static const std::string huge(4 << 20, 'f');
  bed.server.serve_file({"/huge", "text/plain", huge, {}});
  const std::string all = bed.exchange("GET /huge HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(all.ends_with("\r\n\r\n" + huge));
}

TEST(HttpsServer, AWebSocketGoesThroughTls) {
  TlsHttpBed bed;
  std::shared_ptr<transport::WsConnection> connection;
  std::string message;
  bed.server.serve_websocket({"/ws", {}, false, {}, {}, [&](auto made, const HttpRequest&) {
                                connection = std::move(made);
                                connection->start({[&](Bytes bytes, bool) { message = as_text(bytes); }, {}});
                              }});
  const auto client = bed.dial(upgrade("Host: localhost\r\nOrigin: https://localhost\r\n"));
  ASSERT_TRUE(bed.until([&] { return connection && client->received.ends_with("\r\n\r\n"); })) << client->received;
  EXPECT_TRUE(client->received.starts_with("HTTP/1.1 101")) << client->received;
  client->say(std::string("\x81\x82\0\0\0\0hi", 8));
  ASSERT_TRUE(bed.until([&] { return message == "hi"; }));
  connection->send("answer");
  ASSERT_TRUE(bed.until([&] { return client->received.ends_with(std::string("\x81\x06") + "answer"); }));
  connection->cut(transport::WsEnd::closed_by_us);
  connection.reset();
  EXPECT_TRUE(bed.until([&] { return client->over && bed.server.connections() == 0; }));
}

TEST(HttpsServer, TheHostIsOfTheCertificateAndTheOriginHasHttps) {  // advisory 15
  TlsHttpBed bed;
  bed.files.issue({"pbx.example", "127.0.0.1", "2001:db8::7", "localhost"});
  bed.server.use_tls(bed.files.server());
  const auto status = [&](std::string_view headers) { return bed.status_of(get(headers)); };
  EXPECT_EQ(status("Host: pbx.example:8443\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(status("Host: [2001:db8::7]:8443\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(status("Host: 127.0.0.1\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(status("Host: rebound.example\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: pbx.example.evil.example\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: pbx.example:8443\r\nOrigin: https://pbx.example:8443\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(status("Host: pbx.example:8443\r\nOrigin: http://pbx.example:8443\r\n"), "HTTP/1.1 403")
      << "the page without TLS is another one, and anybody on the way writes it";
  EXPECT_EQ(status("Host: pbx.example:8443\r\nOrigin: https://pbx.example\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: pbx.example\r\nOrigin: https://evil.example\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: pbx.example\r\nOrigin: null\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: pbx.example\r\nOrigin: http://pbx.example\r\nX-Forwarded-Proto: http\r\n"), "HTTP/1.1 403")
      << "a stranger's header changes nothing";
  bed.server.serve_websocket({"/ws", {}, false, {}, {}, [](auto, const HttpRequest&) { FAIL(); }});
  EXPECT_EQ(bed.status_of(upgrade("Host: pbx.example\r\nOrigin: https://evil.example\r\n")), "HTTP/1.1 403");
  EXPECT_EQ(bed.status_of(upgrade("Host: pbx.example\r\nOrigin: http://pbx.example\r\n")), "HTTP/1.1 403");
}

TEST(HttpsServer, PlainHttpIsToldThatThisPortSpeaksTls) {
  TlsHttpBed bed;
  Client plain(bed.address);
  plain.send("GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(bed.until([&] { return plain.received.ends_with("}}") || !plain.pump(); }));
  EXPECT_TRUE(plain.received.starts_with("HTTP/1.1 400")) << plain.received;
  EXPECT_NE(plain.received.find("\"https_needed\""), std::string::npos);
  EXPECT_NE(plain.received.find("nosniff"), std::string::npos);
  EXPECT_EQ(plain.received.find("secret"), std::string::npos);
  EXPECT_EQ(bed.server.drops()[HttpDrop::tls_plain_http], 1U);
  EXPECT_TRUE(bed.requests.empty());
  plain.close();
  EXPECT_TRUE(bed.until([&] { return bed.server.connections() == 0; }));
}

TEST(HttpsServer, AHandshakeThatFailsIsCountedByReason) {
  HttpConfig config;
  config.handshake_limit = 50ms;
  TlsHttpBed bed(config);
  const auto counted = [&](HttpDrop drop) { return bed.until([&] { return bed.server.drops()[drop] == 1; }); };
  Client other(bed.address);
  other.send("SSH-2.0-OpenSSH_9.2\r\n");
  EXPECT_TRUE(counted(HttpDrop::tls_not_tls));
  Client(bed.address).close();
  EXPECT_TRUE(counted(HttpDrop::tls_broken));
  Client silent(bed.address);
  EXPECT_TRUE(counted(HttpDrop::tls_too_slow));
  EXPECT_TRUE(bed.until([&] { return !silent.pump(); }));
  EXPECT_TRUE(bed.until([&] { return bed.server.connections() == 0; }));
}

TEST(HttpsServer, AClientThatDripsItsHandshakeIsCutInTime) {
  HttpConfig config;
  config.handshake_limit = 100ms;
  TlsHttpBed bed(config);
  Client dripping(bed.address);
  dripping.send(std::string("\x16\x03\x01\x02\x00", 5));
  EXPECT_TRUE(bed.until([&] {
    dripping.send("a");  // each in time, the whole never
    return !dripping.pump();
  }));
  EXPECT_EQ(bed.server.drops().total(), 1U);
}

TEST(HttpsServer, OpenHandshakesAreWithinTheLimitOfTheirSource) {
  HttpConfig config;
  config.max_per_source = 2;
  TlsHttpBed bed(config);
  std::vector<Client> silent;
  for (int i = 0; i < 4; ++i) silent.emplace_back(bed.address);
  EXPECT_TRUE(bed.until([&] { return bed.server.drops()[HttpDrop::source_limit] == 2; }));
  EXPECT_EQ(bed.server.connections(), 2U);
}

TEST(HttpsServer, ANewCertificateIsForNewConnectionsAndCutsNone) {
  TlsHttpBed bed;
  const auto before = bed.dial("");
  ASSERT_TRUE(bed.until([&] { return before->ready; }));
  bed.files.issue({"renewed.example"});
  bed.server.use_tls(bed.files.server());
  const auto wrong = bed.dial("");
  ASSERT_TRUE(bed.until([&] { return wrong->over; }));
  EXPECT_EQ(wrong->fault, TlsFault::wrong_name) << "the new certificate is shown";
  const auto after = bed.dial(get("Host: renewed.example\r\n"), "renewed.example");
  ASSERT_TRUE(bed.until([&] { return after->over; }));
  EXPECT_TRUE(after->received.starts_with("HTTP/1.1 200")) << after->received;
  before->say(get("Host: renewed.example\r\n"));
  ASSERT_TRUE(bed.until([&] { return before->over; }));
  EXPECT_TRUE(before->received.starts_with("HTTP/1.1 200")) << before->received;
}

TEST(HttpsServer, ItsEndClosesHandshakesToo) {
  TlsFiles files;
  transport::Shard shard;
  auto server = std::make_unique<HttpServer>(shard, HttpConfig{}, [](HttpRequest&&, const HttpReply&) {});
  server->use_tls(files.server());
  Client silent(*server->listen(loopback()));
  ASSERT_TRUE(shard.run_until([&] { return server->connections() == 1; }, kPatience));
  server.reset();
  EXPECT_TRUE(shard.run_until([&] { return !silent.pump(); }, kPatience));
}

// ---- behind a proxy; this server speaks plain

namespace {

struct ProxiedBed {
  explicit ProxiedBed(HttpConfig config)
      : server(shard, with_host(std::move(config)), [this](HttpRequest&& request, HttpReply reply) {
          senders.push_back(request.sender);
          reply({200, "text/plain", "fine", {}});
        }) {
    address = *server.listen(loopback());
    server.serve_websocket({"/ws", {}, false, {}, {}, [this](auto made, const HttpRequest& request) {
                              senders.push_back(request.sender);
                              sockets.push_back(std::move(made));
                              sockets.back()->start({});
                            }});
  }
  static HttpConfig with_host(HttpConfig config) {
    config.hosts = {"here"};
    return config;
  }
  bool until(const std::function<bool()>& done) { return shard.run_until(done, kPatience); }
  std::string status_of(std::string_view text) {
    Client client(address);
    client.send(text);
    EXPECT_TRUE(until([&] { return !client.pump(); })) << client.received;
    return client.received.substr(0, 12);
  }

  transport::Shard shard;
  std::vector<Sender> senders;
  std::vector<std::shared_ptr<transport::WsConnection>> sockets;
  HttpServer server;
  SocketAddress address;
};

HttpConfig trusting(const char* prefix) {
  HttpConfig out;
  out.trusted_proxies = {*Prefix::parse(prefix)};
  return out;
}

const std::string kForwarded = "Host: here\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n";

}  // namespace

TEST(ProxiedServer, ATrustedProxyNamesTheSenderAndTheScheme) {
  ProxiedBed bed(trusting("127.0.0.1"));
  EXPECT_EQ(bed.status_of(get(kForwarded + "Origin: https://here\r\n")), "HTTP/1.1 200");
  ASSERT_EQ(bed.senders.size(), 1U);
  EXPECT_EQ(bed.senders[0].ip.text(), "192.0.2.1");
  EXPECT_EQ(bed.status_of(get(kForwarded + "Origin: http://here\r\n")), "HTTP/1.1 403");
  EXPECT_EQ(bed.server.drops()[HttpDrop::forwarding_ignored], 0U);
}

TEST(ProxiedServer, AnybodyElseDoesNot) {
  ProxiedBed bed(trusting("10.0.0.0/8"));
  EXPECT_EQ(bed.status_of(get(kForwarded + "Origin: https://here\r\n")), "HTTP/1.1 403");
  EXPECT_EQ(bed.status_of(get(kForwarded + "Origin: http://here\r\n")), "HTTP/1.1 200");
  ASSERT_EQ(bed.senders.size(), 1U);
  EXPECT_EQ(bed.senders[0].ip, loopback().ip);
  EXPECT_EQ(bed.server.drops()[HttpDrop::forwarding_ignored], 2U);
}

TEST(ProxiedServer, WhereOnlyProxiesAreServedNobodyElseIsHeard) {
  HttpConfig config = trusting("10.0.0.0/8");
  config.proxies_only = true;
  ProxiedBed bed(config);
  Client from_elsewhere(bed.address, IpAddress::v4(127, 0, 0, 2));
  from_elsewhere.send(get(kForwarded));
  EXPECT_TRUE(bed.until([&] { return !from_elsewhere.pump(); }));
  EXPECT_EQ(from_elsewhere.received, "");
  EXPECT_EQ(bed.server.drops()[HttpDrop::foreign_peer], 1U);
  EXPECT_EQ(bed.status_of(get("Host: here\r\n")), "HTTP/1.1 200") << "this machine itself";
  HttpConfig own = trusting("127.0.0.0/8");
  own.proxies_only = true;
  EXPECT_EQ(ProxiedBed(own).status_of(get(kForwarded)), "HTTP/1.1 200");
}

TEST(ProxiedServer, WebSocketsAreLimitedPerSenderAndNotPerProxy) {
  HttpConfig config = trusting("127.0.0.1");
  config.max_per_source = 2;
  ProxiedBed bed(config);
  std::vector<std::unique_ptr<Client>> clients;
  const auto come = [&](const std::string& ip) {
    clients.push_back(std::make_unique<Client>(bed.address));
    clients.back()->send(upgrade("Host: here\r\nX-Forwarded-For: " + ip + "\r\n"));
    Client& client = *clients.back();
    EXPECT_TRUE(bed.until([&] { return client.pump() && client.received.find("\r\n\r\n") != std::string::npos; }));
    return client.received.substr(0, 12);
  };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(come("192.0.2." + std::to_string(i)), "HTTP/1.1 101");
  EXPECT_EQ(come("198.51.100.1"), "HTTP/1.1 101");
  EXPECT_EQ(come("198.51.100.1"), "HTTP/1.1 101");
  EXPECT_EQ(come("198.51.100.1"), "HTTP/1.1 429");
  EXPECT_EQ(come("203.0.113.1"), "HTTP/1.1 101");
  EXPECT_EQ(bed.server.drops()[HttpDrop::source_limit], 1U);
  EXPECT_TRUE(bed.until([&] { return bed.sockets.size() == 8; }));
  clients.clear();
  bed.sockets.clear();
  EXPECT_TRUE(bed.until([&] { return bed.server.connections() == 0; }));
  EXPECT_EQ(come("198.51.100.1"), "HTTP/1.1 101") << "its places are free again";
}

}  // namespace isthmus::gateway::test
