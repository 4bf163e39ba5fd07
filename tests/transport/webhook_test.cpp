// SPDX-License-Identifier: MIT
// The webhook client against servers of the test's own that behave, refuse, hang, fail and overdo it.
#include "gateway/api/webhook.hpp"

#include <gtest/gtest.h>

#include "tests/support/tls_files.hpp"
#include "tests/transport/bed.hpp"
#include "transport/byte_stream.hpp"
#include "transport/listener.hpp"
#include "transport/tls_stream.hpp"

namespace isthmus::gateway::test {

using namespace std::chrono_literals;
using transport::ByteStream;
using transport::IoError;
using transport::test::kPatience;
using transport::test::loopback;

namespace {

// Answers the n-th request with whatever `answer` says; nothing: it stays silent. "" closes the connection.
struct HookServer {
  struct Peer {
    explicit Peer(ByteStream&& the_stream) : stream(std::move(the_stream)) {}
    ByteStream stream;
    std::array<char, 4096> chunk{};
    std::string text;
    std::string reply;
  };

  explicit HookServer(transport::Shard& shard, transport::TlsContext::Ptr tls = {}) {
    listener = *transport::Listener::open(
        shard, loopback(), std::make_shared<transport::SourceLimits>(100, 100),
        [this](ByteStream&& stream, transport::SourceLimits::Admission&&) {
          ++accepted;
          peers.push_back(std::make_shared<Peer>(std::move(stream)));
          peers.back()->stream.body().handshake([this, peer = peers.back()](IoError error) {
            if (!error) read(peer);
          });
        },
        [](transport::Listener::Refusal) {},
        [tls](boost::asio::ip::tcp::socket socket) {
          return tls ? transport::make_tls_server_stream(std::move(socket), tls)
                     : transport::make_tcp_stream(std::move(socket));
        });
  }
  ~HookServer() { listener->close(); }

  void read(std::shared_ptr<Peer> peer) {
    peer->stream.async_read_some(boost::asio::buffer(peer->chunk), [=, this](IoError error, size_t size) {
      if (error) return;
      peer->text.append(peer->chunk.data(), size);
      const size_t head = peer->text.find("\r\n\r\n");
      const size_t at = peer->text.find("Content-Length: ");
      if (head == std::string::npos || peer->text.size() < head + 4 + std::stoul(peer->text.substr(at + 16))) {
        return read(peer);
      }
      requests.push_back(std::exchange(peer->text, {}));
      const auto reply = answer(requests.size());
      if (!reply) return read(peer);
      if (reply->empty()) return peer->stream.body().close();
      peer->reply = *reply;
      write(peer, 0);
    });
  }
  void write(std::shared_ptr<Peer> peer, size_t from) {
    peer->stream.async_write_some(boost::asio::buffer(peer->reply) + from, [=, this](IoError error, size_t size) {
      if (error) return;
      if (from + size < peer->reply.size()) return write(peer, from + size);
      if (close_after) return peer->stream.body().close();
      read(peer);
    });
  }

  std::shared_ptr<transport::Listener> listener;
  std::function<std::optional<std::string>(size_t number)> answer = [](size_t) { return ok("fine"); };
  std::vector<std::string> requests;
  std::vector<std::shared_ptr<Peer>> peers;
  size_t accepted = 0;
  bool close_after = false;

  static std::string ok(std::string_view body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }
};

using Outcome = Result<WebhookReply, WebhookFault>;

struct HookBed {
  explicit HookBed(WebhookConfig config = {}, transport::TlsContext::Ptr tls = {})
      : is_secure(tls != nullptr), server(shard, std::move(tls)), client(shard, config) {}
  std::string url(std::string_view target = "/hook", std::string_view host = "127.0.0.1") const {
    return (is_secure ? "https://" : "http://") + std::string(host) + ":" +
           std::to_string(server.listener->local().port) + std::string(target);
  }
  void post(WebhookPost what) {
    client.post(std::move(what), [this](Outcome outcome) { outcomes.push_back(std::move(outcome)); });
  }
  bool until(const std::function<bool()>& done) { return shard.run_until(done, kPatience); }
  Outcome outcome_of(WebhookPost what) {
    const size_t before = outcomes.size();
    post(std::move(what));
    EXPECT_EQ(outcomes.size(), before) << "told from inside the call";
    EXPECT_TRUE(until([&] { return outcomes.size() > before; }));
    return outcomes.size() > before ? outcomes.back() : isthmus::fail(WebhookFault::overload);
  }

  bool is_secure;
  transport::Shard shard;
  HookServer server;
  WebhookClient client;
  std::vector<Outcome> outcomes;
};

}  // namespace

TEST(WebhookUrl, IsTakenApartOrRefused) {
  const auto url = parse_webhook_url("HTTP://Hooks.example:8090/a/b?c=d");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "Hooks.example");
  EXPECT_EQ(url->port, 8090);
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(url->authority, "Hooks.example:8090");
  EXPECT_EQ(parse_webhook_url("http://h")->target, "/");
  EXPECT_EQ(parse_webhook_url("http://h")->port, 80);
  EXPECT_EQ(parse_webhook_url("http://h?q")->target, "/?q");
  EXPECT_EQ(parse_webhook_url("http://[2001:db8::1]:81/")->host, "2001:db8::1");
  EXPECT_EQ(parse_webhook_url("http://[2001:db8::1]")->port, 80);
  EXPECT_FALSE(url->is_secure);
  const auto secure = parse_webhook_url("HTTPS://h/x");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->is_secure);
  EXPECT_EQ(secure->port, 443);
  EXPECT_EQ(secure->authority, "h");
  EXPECT_EQ(secure->target, "/x");
  EXPECT_EQ(parse_webhook_url("https://h:8443")->port, 8443);
  // Advisory 49: nothing of a URL can begin a header of its own.
  for (const std::string_view bad : {"",
                                     "h",
                                     "ftp://h/",
                                     "http://",
                                     "http:///x",
                                     "http://h:0/",
                                     "http://h:65536/",
                                     "http://h:1x/",
                                     "http://u@h/",
                                     "http://h/#f",
                                     "http://h/ x",
                                     "http://h/\r\nX: y",
                                     "http://[::1",
                                     "https://",
                                     "https://h/\nX: y",
                                     "https://u:p@h/",
                                     "http://h\tx/",
                                     "http://h/\x7f",
                                     "http://[::1]x/",
                                     "http://[h]/",
                                     "http://:80/"}) {
    const auto refused = parse_webhook_url(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error(), WebhookFault::bad_url) << bad;
  }
}

TEST(Webhook, PostsTheBytesWithTheirHeadersAndGivesTheReply) {
  HookBed bed;
  bed.server.answer = [](size_t) {
    return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\nyes\r\n0\r\n\r\n";
  };
  const std::string body("{\"a\":\0}", 7);
  const Outcome outcome =
      bed.outcome_of({.url = bed.url("/hook?x=1"), .headers = {{"Isthmus-Signature", "t=1,v1=ab"}}, .body = body});
  ASSERT_TRUE(outcome) << describe(outcome.error());
  EXPECT_EQ(outcome->status, 202);
  EXPECT_EQ(outcome->body, "yes");
  ASSERT_EQ(bed.server.requests.size(), 1U);
  const std::string& request = bed.server.requests[0];
  EXPECT_TRUE(request.starts_with("POST /hook?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")) << request;
  EXPECT_NE(request.find("Isthmus-Signature: t=1,v1=ab\r\n"), std::string::npos);
  EXPECT_NE(request.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\n" + body));
  EXPECT_EQ(bed.client.under_way(), 0U);
}

TEST(Webhook, AConnectionIsUsedAgainAndTheirNumberIsBounded) {
  HookBed bed({.connections = 2});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bed.outcome_of({.url = bed.url()}));
  EXPECT_EQ(bed.server.accepted, 1U);
  bed.outcomes.clear();
  for (int i = 0; i < 10; ++i) bed.post({.url = bed.url()});
  EXPECT_EQ(bed.client.open_connections(), 2U);
  ASSERT_TRUE(bed.until([&] { return bed.outcomes.size() == 10; }));
  EXPECT_EQ(bed.server.accepted, 2U);
  for (int i = 0; i < 10; ++i) bed.post({.url = bed.url(), .is_question = i % 2 == 0});
  ASSERT_TRUE(bed.until([&] { return bed.outcomes.size() == 20; }));
  EXPECT_EQ(bed.server.accepted, 4U) << "two of the same, and two for questions";
  // Another server gets the place of a resting connection.
  HookServer second(bed.shard);
  const auto outcome = bed.outcome_of({.url = "http://localhost:" + std::to_string(second.listener->local().port)});
  EXPECT_TRUE(outcome);
  EXPECT_EQ(second.accepted, 1U);
  EXPECT_EQ(bed.client.open_connections(), 4U);
}

TEST(Webhook, AConnectionClosedWhileRestingCostsNoPost) {
  HookBed bed;
  bed.server.close_after = true;
  ASSERT_TRUE(bed.outcome_of({.url = bed.url()}));
  ASSERT_TRUE(bed.outcome_of({.url = bed.url()}));
  EXPECT_EQ(bed.server.accepted, 2U);
  EXPECT_EQ(bed.server.requests.size(), 2U);
}

TEST(Webhook, FailuresAreValues) {  // R0.7
  HookBed bed;
  bed.server.answer = [](size_t) { return "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"; };
  const Outcome error = bed.outcome_of({.url = bed.url()});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->status, 500);
  bed.server.answer = [](size_t) { return "nonsense\r\n\r\n"; };
  EXPECT_EQ(bed.outcome_of({.url = bed.url()}).error(), WebhookFault::malformed);
  bed.server.answer = [](size_t) { return ""; };
  EXPECT_EQ(bed.outcome_of({.url = bed.url()}).error(), WebhookFault::broken);
  bed.server.answer = [](size_t) { return "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nshort"; };
  bed.server.close_after = true;
  EXPECT_EQ(bed.outcome_of({.url = bed.url()}).error(), WebhookFault::broken);
  bed.server.close_after = false;
  bed.server.answer = [](size_t) { return std::nullopt; };
  EXPECT_EQ(bed.outcome_of({.url = bed.url(), .total_limit = 20ms}).error(), WebhookFault::timed_out);
  bed.server.answer = [](size_t) { return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"; };  // and then nothing
  EXPECT_EQ(bed.outcome_of({.url = bed.url(), .total_limit = 20ms}).error(), WebhookFault::timed_out);
  EXPECT_EQ(bed.client.under_way(), 0U);
  const std::string gone = bed.url();
  bed.server.listener->close();
  EXPECT_EQ(bed.outcome_of({.url = gone}).error(), WebhookFault::refused);
  EXPECT_EQ(bed.client.open_connections(), 0U);
}

TEST(Webhook, AReplyIsBounded) {  // advisory 51
  HookBed bed;
  const std::string large(65537, 'r');
  bed.server.answer = [&](size_t) { return HookServer::ok(large); };
  EXPECT_EQ(bed.outcome_of({.url = bed.url()}).error(), WebhookFault::too_large);
  bed.server.answer = [&](size_t) { return "HTTP/1.1 200 OK\r\n\r\n" + large + large; };  // until the end
  EXPECT_EQ(bed.outcome_of({.url = bed.url()}).error(), WebhookFault::too_large);
  bed.server.answer = [&](size_t) { return "HTTP/1.1 200 OK\r\nX: " + large; };
  EXPECT_EQ(bed.outcome_of({.url = bed.url()}).error(), WebhookFault::too_large);
  bed.server.answer = [&](size_t) {
    std::string out = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 200; ++i) out += "1;" + std::string(2000, 'e') + "\r\nx\r\n";
    return out;
  };
  EXPECT_EQ(bed.outcome_of({.url = bed.url()}).error(), WebhookFault::too_large);
  bed.server.answer = [&](size_t) { return HookServer::ok(large.substr(1)); };
  EXPECT_EQ(bed.outcome_of({.url = bed.url()})->body.size(), 65536U);
}

TEST(Webhook, WhatCannotBeSentIsRefused) {
  HookBed bed({.connections = 1, .waiting = 2});
  EXPECT_EQ(bed.outcome_of({.url = "https://127.0.0.1/"}).error(), WebhookFault::no_tls);
  // Advisory 49: a header with a line end would be two.
  EXPECT_EQ(bed.outcome_of({.url = bed.url(), .headers = {{"X", "a\r\nY: b"}}}).error(), WebhookFault::bad_header);
  EXPECT_EQ(bed.outcome_of({.url = bed.url(), .headers = {{"X: y", "a"}}}).error(), WebhookFault::bad_header);
  EXPECT_EQ(bed.outcome_of({.url = "http://no..such/"}).error(), WebhookFault::no_such_host);
  EXPECT_TRUE(bed.server.requests.empty());
  bed.server.answer = [](size_t) { return std::nullopt; };
  bed.outcomes.clear();
  for (int i = 0; i < 4; ++i) bed.post({.url = bed.url(), .total_limit = 30ms});
  ASSERT_TRUE(bed.until([&] { return bed.outcomes.size() == 4; }));
  EXPECT_EQ(bed.outcomes[0].error(), WebhookFault::overload);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(bed.outcomes[static_cast<size_t>(i)].error(), WebhookFault::timed_out);
}

// R0.5, R0.8: a web server that hangs at all else answers a question at once, and the other way round.
TEST(Webhook, QuestionsAndOtherPostsDoNotWaitForEachOther) {
  for (const bool question_hangs : {false, true}) {
    HookBed bed({.connections = 2, .waiting = 3});
    bed.server.answer = [&](size_t) {
      const bool is_question = bed.server.requests.back().ends_with("question");
      return is_question == question_hangs ? std::nullopt : std::optional(HookServer::ok("at once"));
    };
    const auto make = [&](bool question) {
      return WebhookPost{.url = bed.url(), .body = question ? "question" : "event", .is_question = question};
    };
    for (int i = 0; i < 6; ++i) bed.post(make(question_hangs));
    ASSERT_TRUE(bed.until([&] { return bed.server.requests.size() == 2 && bed.outcomes.size() == 1; }));
    EXPECT_EQ(bed.outcomes[0].error(), WebhookFault::overload) << "two under way, three wait";
    for (int i = 0; i < 4; ++i) {
      const Outcome outcome = bed.outcome_of(make(!question_hangs));
      ASSERT_TRUE(outcome) << describe(outcome.error());
      EXPECT_EQ(outcome->body, "at once");
    }
    EXPECT_EQ(bed.client.under_way(), 5U) << "of the others none has ended";
    EXPECT_EQ(bed.client.open_connections(), 3U);
    for (int i = 0; i < 4; ++i) bed.post(make(!question_hangs));
    EXPECT_EQ(bed.client.open_connections(), 4U) << "both are bounded";
    ASSERT_TRUE(bed.until([&] { return bed.outcomes.size() == 9; }));
    EXPECT_EQ(bed.server.accepted, 4U);
  }
}

TEST(Webhook, ARedirectIsAnAnswerAndNothingElse) {  // advisory 51
  HookBed bed;
  HookServer other(bed.shard);
  bed.server.answer = [&](size_t) {
    return "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:" +
           std::to_string(other.listener->local().port) + "/\r\nContent-Length: 0\r\n\r\n";
  };
  const Outcome outcome = bed.outcome_of({.url = bed.url()});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 307);
  EXPECT_EQ(other.accepted, 0U);
}

TEST(WebhookUrl, SomeAddressesAreNeverCalled) {  // advisory 51
  struct Row {
    const char* address;
    const char* host;
    bool callable;
  };
  for (const Row& row : std::vector<Row>{
           {"203.0.113.5", "hooks.example", true},
           {"2001:db8::5", "hooks.example", true},
           {"10.0.0.5", "hooks.lan", true},  // the owner's web server stands in the LAN
           {"192.168.1.5", "192.168.1.5", true},
           {"fd00::5", "hooks.lan", true},
           {"127.0.0.1", "127.0.0.1", true},
           {"127.0.0.1", "localhost", true},
           {"127.0.0.1", "LOCALHOST.", true},
           {"::1", "::1", true},
           // A name that leads to this machine may be another's name.
           {"127.0.0.1", "rebound.example", false},
           {"127.0.0.1", "localhost.example", false},
           {"::1", "rebound.example", false},
           {"::ffff:127.0.0.1", "rebound.example", false},
           {"169.254.169.254", "169.254.169.254", false},
           {"169.254.169.254", "metadata.example", false},
           {"::ffff:169.254.169.254", "metadata.example", false},
           {"fe80::1", "fe80::1", false},
           {"0.0.0.0", "0.0.0.0", false},
           {"0.1.2.3", "0.1.2.3", false},
           {"::", "::", false},
           {"224.0.0.1", "224.0.0.1", false},
           {"ff02::1", "ff02::1", false},
           {"255.255.255.255", "255.255.255.255", false},
       }) {
    EXPECT_EQ(is_callable(*IpAddress::parse(row.address), row.host), row.callable) << row.host << " " << row.address;
  }
  HookBed bed;
  EXPECT_EQ(bed.outcome_of({.url = "http://169.254.169.254/latest"}).error(), WebhookFault::forbidden_address);
  EXPECT_EQ(bed.outcome_of({.url = "http://0.0.0.0:" + std::to_string(bed.server.listener->local().port)}).error(),
            WebhookFault::forbidden_address);
  EXPECT_EQ(bed.server.accepted, 0U);
}

TEST(Webhook, HttpsGoesToTheHostWhoseCertificateIsTrusted) {
  const isthmus::test::TlsFiles files({"127.0.0.1"});
  HookBed bed({.tls = files.client()}, files.server());
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = bed.outcome_of({.url = bed.url(), .body = "{}"});
    ASSERT_TRUE(outcome) << describe(outcome.error());
    EXPECT_EQ(outcome->body, "fine");
  }
  EXPECT_EQ(bed.server.accepted, 1U);
  EXPECT_EQ(bed.outcome_of({.url = bed.url("/", "localhost")}).error(), WebhookFault::wrong_name);
  const isthmus::test::TlsFiles stranger;
  bed.client.trust(stranger.client());
  bed.server.peers.front()->stream.body().close();  // the trusted connection is used as long as it lives
  EXPECT_EQ(bed.outcome_of({.url = bed.url()}).error(), WebhookFault::untrusted);
  EXPECT_EQ(bed.server.requests.size(), 3U) << "nothing was said to a host that is not trusted";
}

TEST(Webhook, HttpsFailuresAreValues) {
  const isthmus::test::TlsFiles files({"127.0.0.1"});
  HookBed plain({.connect_limit = 50ms, .tls = files.client()});
  plain.is_secure = true;  // https:// to a port without TLS
  EXPECT_EQ(plain.outcome_of({.url = plain.url()}).error(), WebhookFault::timed_out) << "it waits for a request";
  HookBed bed({.tls = files.client()}, files.server());
  bed.server.answer = [](size_t) { return "HTTP/1.1 200 OK\r\n\r\nhalf of wh"; };
  bed.server.close_after = true;
  const Outcome outcome = bed.outcome_of({.url = bed.url()});
  ASSERT_TRUE(outcome) << "an end with close_notify is an end";
  EXPECT_EQ(outcome->body, "half of wh");
}

TEST(Webhook, NothingIsToldAfterItsEnd) {
  transport::Shard shard;
  HookServer server(shard);
  bool told = false;
  {
    WebhookClient client(shard);
    client.post({.url = "http://127.0.0.1:" + std::to_string(server.listener->local().port)},
                [&](Outcome) { told = true; });
    ASSERT_TRUE(shard.run_until([&] { return server.accepted == 1; }, kPatience));
    client.post({.url = "nonsense"}, [&](Outcome) { told = true; });
  }
  bool turned = false;
  shard.after(20ms, [&] { turned = true; });
  shard.run_until([&] { return turned; }, kPatience);
  EXPECT_FALSE(told);
}

}  // namespace isthmus::gateway::test
