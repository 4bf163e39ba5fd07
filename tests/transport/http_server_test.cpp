// SPDX-License-Identifier: MIT
// The HTTP server over real loopback sockets, spoken to octet by octet.
#include "gateway/api/http_server.hpp"

#include <gtest/gtest.h>

#include "tests/transport/bed.hpp"

namespace isthmus::gateway::test {

using namespace std::chrono_literals;
using namespace std::string_literals;
using transport::test::Client;
using transport::test::kPatience;
using transport::test::loopback;

namespace {

struct HttpBed {
  explicit HttpBed(HttpConfig config = {})
      : server(shard, with_hosts(std::move(config)), [this](HttpRequest&& request, HttpReply reply) {
          requests.push_back(std::move(request));
          replies.push_back(std::move(reply));
          if (answer_at_once)
            replies.back()({200, "text/plain", "seen " + requests.back().method + " " + requests.back().body, {}});
        }) {
    address = *server.listen(loopback());
  }
  static HttpConfig with_hosts(HttpConfig config) {
    config.hosts = {"127.0.0.1", "here"};
    config.origins = {"http://friend.example"};
    return config;
  }
  bool until(const std::function<bool()>& done) { return shard.run_until(done, kPatience); }
  // Sends the text, waits until the connection is over, gives all that came.
  std::string exchange(std::string_view text) {
    Client client(address);
    client.send(text);
    EXPECT_TRUE(until([&] { return !client.pump(); })) << client.received;
    return client.received;
  }
  std::string status_of(std::string_view text) { return exchange(text).substr(0, 12); }

  transport::Shard shard;
  std::vector<HttpRequest> requests;
  std::vector<HttpReply> replies;
  bool answer_at_once = true;
  HttpServer server;
  SocketAddress address;
};

size_t count(std::string_view text, std::string_view what) {
  size_t out = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

const std::string kHead = "Host: here\r\n";
const std::string kClose = "Host: here\r\nConnection: close\r\n";
const std::string kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

}  // namespace

TEST(HttpServer, ARequestReachesTheHandlerAndItsAnswerTheClient) {
  HttpBed bed;
  const std::string got = bed.exchange("POST /api/v1/calls?page=2&name=a%20b HTTP/1.1\r\n" + kClose +
                                       "X-Twice: 1\r\nx-twice: 2\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\nseen POST hello"));
  EXPECT_NE(got.find("Content-Length: 15\r\n"), std::string::npos);
  EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
  ASSERT_EQ(bed.requests.size(), 1U);
  const HttpRequest& request = bed.requests[0];
  EXPECT_EQ(request.path, "/api/v1/calls");
  EXPECT_EQ(request.parameter("page"), "2");
  EXPECT_EQ(request.parameter("name"), "a b");
  EXPECT_FALSE(request.parameter("absent"));
  EXPECT_EQ(request.header("X-TWICE"), "1");
  EXPECT_EQ(request.remote.ip, loopback().ip);
}

TEST(HttpServer, AConnectionServesRequestAfterRequestInOrder) {
  HttpBed bed;
  const std::string got = bed.exchange("GET /1 HTTP/1.1\r\n" + kHead + "\r\nPOST /2 HTTP/1.1\r\n" + kHead +
                                       "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                                       "HEAD /3 HTTP/1.1\r\n" +
                                       kClose + "\r\n");
  EXPECT_EQ(count(got, "HTTP/1.1 200 OK"), 3U);
  ASSERT_EQ(bed.requests.size(), 3U);
  EXPECT_EQ(bed.requests[1].body, "abcde");
  EXPECT_TRUE(got.ends_with("\r\n\r\n")) << "a HEAD has no body";
  bed.until([&] { return bed.server.connections() == 0; });
  EXPECT_EQ(bed.server.connections(), 0U);
}

TEST(HttpServer, AnAnswerMayComeLaterAndALateOneIsCounted) {
  HttpConfig config;
  config.reply_limit = 30ms;
  HttpBed bed(config);
  bed.answer_at_once = false;
  Client client(bed.address);
  client.send("GET /slow HTTP/1.1\r\n" + kHead + "\r\n");
  ASSERT_TRUE(bed.until([&] { return !bed.replies.empty(); }));
  bed.shard.after(1ms, [&] { bed.replies[0]({204, "", "", {}}); });
  ASSERT_TRUE(bed.until([&] { return client.pump() && client.received.find("\r\n\r\n") != std::string::npos; }));
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 204 No Content\r\n"));
  EXPECT_EQ(client.received.find("Content-Length"), std::string::npos);
  bed.replies[0]({200, "text/plain", "twice", {}});
  EXPECT_EQ(bed.server.drops()[HttpDrop::late_reply], 1U);
  client.received.clear();
  client.send("GET /never HTTP/1.1\r\n" + kHead + "\r\n");
  ASSERT_TRUE(bed.until([&] { return client.pump() && client.received.find("overloaded") != std::string::npos; }));
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 503"));
}

TEST(HttpServer, AClientThatWaitsForContinueGetsIt) {  // RFC 9110 section 10.1.1
  HttpBed bed;
  Client client(bed.address);
  client.send("POST / HTTP/1.1\r\n" + kClose + "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  ASSERT_TRUE(bed.until([&] { return client.pump() && client.received == "HTTP/1.1 100 Continue\r\n\r\n"; }));
  client.send("ok");
  ASSERT_TRUE(bed.until([&] { return !client.pump(); }));
  EXPECT_TRUE(client.received.ends_with("seen POST ok"));
}

TEST(HttpServer, FilesAreServedFromMemory) {
  HttpBed bed;
  bed.server.serve_file({"/", "text/html; charset=utf-8", "<p>page</p>", {{"Cache-Control", "no-cache"}}});
  const std::string got = bed.exchange("GET /?x=1 HTTP/1.1\r\n" + kClose + "\r\n");
  EXPECT_TRUE(got.ends_with("<p>page</p>"));
  EXPECT_NE(got.find("Content-Type: text/html; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(got.find("Cache-Control: no-cache\r\n"), std::string::npos);
  EXPECT_TRUE(bed.exchange("HEAD / HTTP/1.1\r\n" + kClose + "\r\n").ends_with("\r\n\r\n"));
  const std::string posted = bed.exchange("POST / HTTP/1.1\r\n" + kClose + "Content-Length: 0\r\n\r\n");
  EXPECT_TRUE(posted.starts_with("HTTP/1.1 405")) << posted;
  EXPECT_NE(posted.find("Allow: GET, HEAD\r\n"), std::string::npos);
  EXPECT_TRUE(bed.requests.empty());
  bed.exchange("GET /../etc/passwd HTTP/1.1\r\n" + kClose + "\r\n");  // advisory 49: no file system behind it
  ASSERT_EQ(bed.requests.size(), 1U);
  EXPECT_EQ(bed.requests[0].path, "/../etc/passwd");
}

TEST(HttpServer, ErrorsAreJsonForbidSniffingAndEchoNothing) {  // advisory 50
  HttpConfig config;
  config.headers = {{"Referrer-Policy", "no-referrer"}};
  HttpBed bed(config);
  for (const std::string& request :
       {"GET /<script>alert(1)</script> HTTP/1.1\r\nHost: <script>alert(1)</script>\r\n\r\n",
        "GET /<script>alert(1)</script> HTTP/1.1\r\nHost: here\r\nOrigin: <script>alert(1)</script>\r\n\r\n",
        "<script>alert(1)</script>\r\n\r\n", "GET x<script> HTTP/1.1\r\nHost: here\r\n\r\n"}) {
    const std::string got = bed.exchange(request);
    EXPECT_TRUE(got.starts_with("HTTP/1.1 4")) << got;
    EXPECT_NE(got.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos) << got;
    EXPECT_NE(got.find("Content-Type: application/json\r\n"), std::string::npos) << got;
    EXPECT_NE(got.find("Referrer-Policy: no-referrer\r\n"), std::string::npos) << got;
    EXPECT_NE(got.find("{\"error\":{\"code\":\""), std::string::npos) << got;
    EXPECT_EQ(got.find("script"), std::string::npos) << got;
  }
  EXPECT_TRUE(bed.requests.empty());
}

TEST(HttpServer, AHeaderWithAControlCharacterIsNotWritten) {  // advisory 49
  HttpBed bed;
  bed.answer_at_once = false;
  Client client(bed.address);
  client.send("GET / HTTP/1.1\r\n" + kClose + "\r\n");
  ASSERT_TRUE(bed.until([&] { return !bed.replies.empty(); }));
  bed.replies[0]({200, "text/plain", "", {{"X-Bad", "a\r\nSet-Cookie: b"}, {"X-Good", "c"}}});
  bed.replies.clear();
  ASSERT_TRUE(bed.until([&] { return !client.pump(); }));
  EXPECT_EQ(client.received.find("Set-Cookie"), std::string::npos);
  EXPECT_NE(client.received.find("X-Good: c"), std::string::npos);
}

TEST(HttpServer, FramingThatTwoReadersCouldReadDifferentlyIsRefused) {  // advisory 55
  HttpBed bed;
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n";
  for (const std::string& headers :
       {std::string("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
        std::string("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
        std::string("Transfer-Encoding: gzip, chunked\r\n"), std::string("Transfer-Encoding: xchunked\r\n"),
        std::string("Transfer-Encoding: identity\r\n"), std::string("Transfer-Encoding: chunked, identity\r\n"),
        std::string("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        std::string("Transfer-Encoding : chunked\r\n"), std::string("Content-Length: 4\r\nContent-Length: 5\r\n"),
        std::string("Content-Length: 4, 4\r\n"), std::string("Content-Length: +4\r\n"),
        std::string("Content-Length: -1\r\n"), std::string("Content-Length: 0x4\r\n"),
        std::string("Content-Length: 4 4\r\n"), std::string("Content-Length: 18446744073709551620\r\n"),
        std::string("Content-Length:\r\n"), std::string("Host: other\r\n")}) {
    const std::string got = bed.exchange("POST / HTTP/1.1\r\nHost: here\r\n" + headers + "\r\n0\r\n\r\n" + hidden);
    EXPECT_EQ(count(got, "HTTP/1.1 "), 1U) << headers << got;
    EXPECT_TRUE(got.starts_with("HTTP/1.1 400") || got.starts_with("HTTP/1.1 413")) << headers << got;
  }
  for (const std::string chunk : {"10000000000000001", "ffffffffffffffffff", "-1", "0x1", "g", " 1", ""}) {
    const std::string got = bed.exchange("POST / HTTP/1.1\r\n" + kHead + "Transfer-Encoding: chunked\r\n\r\n" + chunk +
                                         "\r\na\r\n0\r\n\r\n" + hidden);
    EXPECT_EQ(count(got, "HTTP/1.1 "), 1U) << chunk << got;
    EXPECT_TRUE(got.starts_with("HTTP/1.1 4")) << chunk << got;
  }
  EXPECT_EQ(bed.status_of("POST / HTTP/1.0\r\n" + kHead + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "HTTP/1.1 400");
  EXPECT_TRUE(bed.requests.empty());
}

TEST(HttpServer, MalformedRequestLinesAndHeadersAreRefused) {
  HttpBed bed;
  for (const std::string& request :
       {std::string("GET / HTTP/2.0\r\nHost: here\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("GET http://here/ HTTP/1.1\r\nHost: here\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHo st: here\r\n\r\n"), "GET / HTTP/1.1\r\nHost: here\r\nX: a\0b\r\n\r\n"s,
        "\x16\x03\x01\x02\0\x01\r\n\r\n"s}) {
    EXPECT_EQ(bed.status_of(request), "HTTP/1.1 400") << request;
  }
  EXPECT_TRUE(bed.requests.empty());
  EXPECT_EQ(bed.server.drops()[HttpDrop::malformed], 6U);
}

TEST(HttpServer, SizesAreLimited) {
  HttpBed bed;
  const std::string large(20000, 'h');
  EXPECT_EQ(bed.status_of("GET / HTTP/1.1\r\n" + kHead + "X: " + large + "\r\n\r\n"), "HTTP/1.1 431");
  EXPECT_EQ(bed.status_of("GET /" + large + " HTTP/1.1\r\n" + kHead + "\r\n"), "HTTP/1.1 431");
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "X: yyyyyyyy\r\n";
  EXPECT_EQ(bed.status_of("GET / HTTP/1.1\r\n" + kHead + many + "\r\n"), "HTTP/1.1 431");
  EXPECT_EQ(bed.status_of("POST / HTTP/1.1\r\n" + kHead + "Content-Length: 65537\r\n\r\n"), "HTTP/1.1 413");
  EXPECT_EQ(bed.status_of("POST / HTTP/1.1\r\n" + kHead + "Content-Length: 4294967301\r\n\r\n"), "HTTP/1.1 413");
  EXPECT_EQ(bed.status_of("POST / HTTP/1.1\r\n" + kHead + "Transfer-Encoding: chunked\r\n\r\n10001\r\n"),
            "HTTP/1.1 413");
  const std::string body(65536, 'b');
  EXPECT_EQ(bed.status_of("POST / HTTP/1.1\r\n" + kClose + "Content-Length: 65536\r\n\r\n" + body), "HTTP/1.1 200");
  EXPECT_EQ(bed.requests.size(), 1U);
  EXPECT_EQ(bed.server.drops()[HttpDrop::header_too_large], 3U);
  EXPECT_EQ(bed.server.drops()[HttpDrop::body_too_large], 3U);
}

TEST(HttpServer, TwoHundredThousandBracketsAreOneRefusal) {  // advisory 55
  HttpBed bed;
  const std::string deep(200000, '[');
  const std::string got = bed.exchange("POST / HTTP/1.1\r\n" + kHead + "Content-Length: 200000\r\n\r\n" + deep);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 413")) << got;
  EXPECT_EQ(count(got, "HTTP/1.1 "), 1U);
  EXPECT_TRUE(bed.requests.empty());
}

TEST(HttpServer, ChunkExtensionsAndTrailersDoNotEatMemory) {
  HttpBed bed;
  Client client(bed.address);
  client.send("POST / HTTP/1.1\r\n" + kHead + "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1;" + std::string(4000, 'e') + "\r\nx\r\n";
  size_t sent = 0;
  ASSERT_TRUE(bed.until([&] {
    if (client.send(chunk)) sent += chunk.size();
    return !client.pump();
  }));
  EXPECT_LT(sent, size_t{4} << 20);
  EXPECT_TRUE(bed.requests.empty());
}

TEST(HttpServer, SlowHeadersAndBodiesAreClosed) {  // slow reading attacks: header, body, silence
  HttpConfig config;
  config.header_limit = 30ms;
  config.body_limit = 30ms;
  HttpBed bed(config);
  for (const std::string& start : {std::string("GET / HTTP/1.1\r\nHost: he"),
                                   "POST / HTTP/1.1\r\n" + kHead + "Content-Length: 10\r\n\r\nabc", std::string()}) {
    Client client(bed.address);
    client.send(start);
    EXPECT_TRUE(bed.until([&] { return !client.pump(); })) << start;
    EXPECT_TRUE(client.received.empty());
  }
  EXPECT_EQ(bed.server.drops()[HttpDrop::too_slow], 2U);
  Client dripping(bed.address);  // each octet in time, the header not
  dripping.send("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(bed.until([&] {
    dripping.send("X");
    return !dripping.pump();
  }));
  EXPECT_TRUE(bed.requests.empty());
}

TEST(HttpServer, AnIdleConnectionIsClosedAndOneThatDoesNotReadToo) {
  HttpConfig config;
  config.idle_limit = 30ms;
  config.write_limit = 30ms;
  HttpBed bed(config);
  Client idle(bed.address);
  idle.send("GET / HTTP/1.1\r\n" + kHead + "\r\n");
  EXPECT_TRUE(bed.until([&] { return !idle.pump(); }));
  EXPECT_TRUE(idle.received.starts_with("HTTP/1.1 200"));
  EXPECT_EQ(bed.server.drops()[HttpDrop::too_slow], 0U);
  static const std::string huge(32 << 20, 'f');
  bed.server.serve_file({"/huge", "text/plain", huge, {}});
  Client deaf(bed.address, 4096);
  deaf.send("GET /huge HTTP/1.1\r\n" + kHead + "\r\n");
  EXPECT_TRUE(bed.until([&] { return bed.server.drops()[HttpDrop::too_slow] == 1; }));
  EXPECT_TRUE(bed.until([&] { return bed.server.connections() == 0; }));
}

TEST(HttpServer, ConnectionsAreLimitedPerSourceAndInAll) {
  HttpConfig config;
  config.max_per_source = 2;
  HttpBed bed(config);
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(bed.address);
  EXPECT_TRUE(bed.until([&] { return bed.server.drops()[HttpDrop::source_limit] == 2; }));
  EXPECT_EQ(bed.server.connections(), 2U);
  clients.clear();
  EXPECT_TRUE(bed.until([&] { return bed.server.connections() == 0; }));
  EXPECT_EQ(bed.status_of("GET / HTTP/1.1\r\n" + kClose + "\r\n"), "HTTP/1.1 200");
}

TEST(HttpServer, HostAndOriginAreCheckedOnLoopbackToo) {  // advisory 15
  HttpBed bed;
  const auto status = [&](std::string_view headers) {
    return bed.status_of("GET / HTTP/1.1\r\nConnection: close\r\n" + std::string(headers) + "\r\n");
  };
  EXPECT_EQ(status("Host: rebound.example\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: here.evil.example\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host:\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: HERE:8080\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(status("Host: 127.0.0.1:1\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(status("Host: here\r\nOrigin: http://evil.example\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: here\r\nOrigin: null\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: here:1\r\nOrigin: http://here:2\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: here\r\nOrigin: http://here\r\nOrigin: http://evil.example\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(status("Host: here:1\r\nOrigin: http://here:1\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(status("Host: here\r\nOrigin: http://friend.example\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(bed.server.drops()[HttpDrop::foreign_host], 3U);
  EXPECT_EQ(bed.server.drops()[HttpDrop::foreign_origin], 4U);
}

TEST(HttpServer, AnUpgradeBecomesAWebSocketConnection) {
  HttpBed bed;
  std::shared_ptr<transport::WsConnection> connection;
  std::string path, message;
  bed.server.serve_websocket({"/ws", {"isthmus.v1"}, true, {}, {}, [&](auto made, const HttpRequest& request) {
                                connection = std::move(made);
                                path = request.path;
                                connection->start({[&](Bytes bytes, bool) { message = as_text(bytes); }, {}});
                              }});
  Client client(bed.address);
  client.send(kUpgrade + "Sec-WebSocket-Protocol: other, isthmus.v1\r\nOrigin: http://here\r\n\r\n");
  ASSERT_TRUE(bed.until([&] { return client.pump() && connection && client.received.ends_with("\r\n\r\n"); }));
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 101")) << client.received;
  EXPECT_NE(client.received.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
  EXPECT_NE(client.received.find("Sec-WebSocket-Protocol: isthmus.v1\r\n"), std::string::npos);
  EXPECT_EQ(path, "/ws");
  EXPECT_EQ(bed.server.connections(), 1U);  // it keeps its place in the limits
  client.send(std::string("\x81\x82\0\0\0\0hi", 8));
  ASSERT_TRUE(bed.until([&] { return message == "hi"; }));
  client.close();
  connection.reset();
  EXPECT_TRUE(bed.until([&] { return bed.server.connections() == 0; }));
}

TEST(HttpServer, AnUpgradeThatIsNotAllowedIsRefused) {  // advisory 15
  HttpConfig config;
  config.websocket_needs_origin = true;
  HttpBed bed(config);
  size_t opened = 0;
  bed.server.serve_websocket({"/ws",
                              {"isthmus.v1"},
                              true,
                              {},
                              [](const HttpRequest& request) -> std::optional<HttpResponse> {
                                if (request.query != "full") return std::nullopt;
                                return HttpResponse::error(503, "overloaded", "No room.");
                              },
                              [&](auto, const HttpRequest&) { ++opened; }});
  const std::string good = "Sec-WebSocket-Protocol: isthmus.v1\r\nOrigin: http://here\r\n\r\n";
  std::string elsewhere = kUpgrade;
  EXPECT_EQ(bed.status_of(kUpgrade + "Sec-WebSocket-Protocol: isthmus.v1\r\nOrigin: http://evil.example\r\n\r\n"),
            "HTTP/1.1 403");
  EXPECT_EQ(bed.status_of(kUpgrade + "Sec-WebSocket-Protocol: isthmus.v1\r\n\r\n"), "HTTP/1.1 403");
  EXPECT_EQ(bed.status_of(kUpgrade + "Sec-WebSocket-Protocol: sip\r\nOrigin: http://here\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(bed.status_of(kUpgrade + "Origin: http://here\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(bed.status_of(elsewhere.replace(elsewhere.find("/ws"), 3, "/ws?full") + good), "HTTP/1.1 503");
  std::string old = kUpgrade;
  EXPECT_EQ(bed.status_of(old.replace(old.find("13\r\n"), 4, "8\r\n") + good), "HTTP/1.1 400");
  EXPECT_EQ(bed.status_of(kUpgrade + "Content-Length: 3\r\n" + good + "abc"), "HTTP/1.1 400");
  EXPECT_EQ(opened, 0U);
  EXPECT_TRUE(bed.requests.empty());
}

TEST(HttpServer, ItsEndClosesWhatIsOpenAndLateRepliesDoNothing) {
  transport::Shard shard;
  std::vector<HttpReply> replies;
  auto server = std::make_unique<HttpServer>(
      shard, HttpBed::with_hosts({}), [&](HttpRequest&&, HttpReply reply) { replies.push_back(std::move(reply)); });
  Client client(*server->listen(loopback()));
  client.send("GET / HTTP/1.1\r\n" + kHead + "\r\n");
  ASSERT_TRUE(shard.run_until([&] { return !replies.empty(); }, kPatience));
  server.reset();
  replies[0]({200, "text/plain", "late", {}});
  EXPECT_TRUE(shard.run_until([&] { return !client.pump(); }, kPatience));
  EXPECT_TRUE(client.received.empty());
}

}  // namespace isthmus::gateway::test
