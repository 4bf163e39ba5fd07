// SPDX-License-Identifier: MIT
// TLS streams over real loopback sockets: both ends ours, and peers that speak something else, too slowly or too much.
#include <gtest/gtest.h>

#include "tests/support/tls_files.hpp"
#include "tests/transport/bed.hpp"
#include "transport/listener.hpp"
#include "transport/tls_stream.hpp"

namespace isthmus::transport::test {
namespace {

using isthmus::test::TlsFiles;
using isthmus::test::today;

// One end of a stream: what it was told, and what came.
struct End : std::enable_shared_from_this<End> {
  explicit End(ByteStream the_stream) : stream(std::move(the_stream)) {}
  void shake() {
    stream.body().handshake([self = shared_from_this()](IoError error) {
      self->shaken = true;
      self->failure = error;
    });
  }
  void read() {
    stream.async_read_some(asio::buffer(chunk), [self = shared_from_this()](IoError error, size_t size) {
      self->received.append(self->chunk.data(), size);
      self->end = error;
      if (!error) self->read();
    });
  }
  void write(std::string text) {
    sending = std::move(text);
    write_from(0);
  }
  void write_from(size_t at) {
    stream.async_write_some(asio::buffer(sending) + at, [self = shared_from_this(), at](IoError error, size_t size) {
      if (error) {
        self->end = error;
      } else if (at + size < self->sending.size()) {
        self->write_from(at + size);
      } else {
        self->sent = true;
      }
    });
  }
  std::optional<TlsFault> fault() const { return tls_fault(failure); }

  ByteStream stream;
  std::array<char, 50000> chunk{};
  std::string received, sending;
  IoError failure, end;
  bool shaken = false;
  bool sent = false;
};

struct TlsBed {
  explicit TlsBed(std::vector<std::string> hosts = {"localhost", "127.0.0.1"})
      : files(std::move(hosts)), server_context(files.server()), client_context(files.client()) {
    listener = *Listener::open(
        shard, loopback(), std::make_shared<SourceLimits>(100, 100),
        [this](ByteStream&& stream, SourceLimits::Admission&&) {
          server = std::make_shared<End>(std::move(stream));
          server->shake();
        },
        [](Listener::Refusal) {},
        [this](asio::ip::tcp::socket socket) { return make_tls_server_stream(std::move(socket), server_context); });
  }
  ~TlsBed() { listener->close(); }
  bool until(const std::function<bool()>& done) { return shard.run_until(done, kPatience); }

  void dial(const std::string& host = "localhost") {
    asio::ip::tcp::socket socket(shard.io().context);
    socket.connect(to_endpoint(listener->local()));
    descriptor = socket.native_handle();
    client = std::make_shared<End>(make_tls_client_stream(std::move(socket), client_context, host));
    client->shake();
  }
  void join(const std::string& host = "localhost") {
    dial(host);
    ASSERT_TRUE(until([&] { return client->shaken && server && server->shaken; }));
  }
  // A raw peer says this to the server, whose verdict is the result.
  std::optional<TlsFault> verdict_on(std::string_view bytes, bool then_close = false) {
    server.reset();
    Client raw(listener->local());
    EXPECT_TRUE(raw.send(bytes));
    if (then_close) raw.close();
    EXPECT_TRUE(until([&] { return server && server->shaken; })) << bytes;
    return server->fault();
  }

  Shard shard;
  TlsFiles files;
  TlsContext::Ptr server_context, client_context;
  std::shared_ptr<Listener> listener;
  std::shared_ptr<End> server, client;
  int descriptor = -1;  // of the client
};

constexpr std::string_view kRecordHead("\x16\x03\x01", 3);

}  // namespace

TEST(TlsStream, BytesGoBothWaysAndTheEndIsOrderly) {
  TlsBed bed;
  bed.join();
  EXPECT_FALSE(bed.client->failure);
  EXPECT_FALSE(bed.server->failure);
  EXPECT_EQ(bed.server->stream.body().remote().ip, loopback().ip);
  bed.server->read();
  bed.client->read();
  bed.client->write("question");
  ASSERT_TRUE(bed.until([&] { return bed.server->received == "question"; }));
  bed.server->write("answer");
  ASSERT_TRUE(bed.until([&] { return bed.client->received == "answer"; }));
  bed.client->stream.body().finish();
  ASSERT_TRUE(bed.until([&] { return bool(bed.server->end); }));
  EXPECT_EQ(bed.server->end, asio::error::eof);
  bed.server->write(" and more");  // its own direction is still open
  ASSERT_TRUE(bed.until([&] { return bed.client->received == "answer and more"; }));
  bed.server->stream.body().finish();
  ASSERT_TRUE(bed.until([&] { return bool(bed.client->end); }));
  EXPECT_EQ(bed.client->end, asio::error::eof);
}

TEST(TlsStream, MuchGoesThroughWhateverTheSocketTakes) {
  TlsBed bed;
  bed.join();
  std::string much;
  for (int i = 0; much.size() < (8U << 20); ++i) much += std::to_string(i);
  bed.client->write(much);
  ASSERT_FALSE(bed.shard.run_until([&] { return bed.client->sent; }, 50ms)) << "nobody reads yet";
  bed.server->read();
  ASSERT_TRUE(bed.until([&] { return bed.server->received.size() == much.size(); }));
  EXPECT_EQ(bed.server->received, much);
  EXPECT_TRUE(bed.client->sent);
}

TEST(TlsStream, AnEndWithoutCloseNotifyIsNoOrderlyOne) {  // RFC 8446 section 6.1: truncation
  TlsBed bed;
  bed.join();
  bed.server->read();
  ASSERT_EQ(::shutdown(bed.descriptor, SHUT_WR), 0);  // behind the back of TLS
  ASSERT_TRUE(bed.until([&] { return bool(bed.server->end); }));
  EXPECT_EQ(bed.server->end, asio::error::connection_reset);
}

TEST(TlsStream, TheCertificateMustBeForTheHostThatIsMeant) {
  TlsBed bed({"pbx.example.org", "*.wild.example", "127.0.0.1"});
  const auto fault_for = [&](const std::string& host) {
    bed.server.reset();
    bed.join(host);
    return bed.client->fault();
  };
  EXPECT_EQ(fault_for("pbx.example.org"), std::nullopt);
  EXPECT_EQ(fault_for("127.0.0.1"), std::nullopt);
  EXPECT_EQ(fault_for("a.wild.example"), std::nullopt);
  EXPECT_EQ(fault_for("other.example.org"), TlsFault::wrong_name);
  EXPECT_EQ(fault_for("127.0.0.2"), TlsFault::wrong_name);
  EXPECT_EQ(fault_for("a.b.wild.example"), TlsFault::wrong_name);
  EXPECT_EQ(fault_for("localhost"), TlsFault::wrong_name);
}

TEST(TlsStream, AnUnknownAuthorityAndAnOldCertificateAreNotTrusted) {
  TlsBed bed;
  const TlsFiles stranger;
  bed.client_context = stranger.client();
  bed.join();
  EXPECT_EQ(bed.client->fault(), TlsFault::untrusted);
  EXPECT_EQ(bed.server->fault(), TlsFault::refused);
  bed.client_context = *TlsContext::client();  // the system's
  bed.join();
  EXPECT_EQ(bed.client->fault(), TlsFault::untrusted);
  bed.client_context = bed.files.client();
  bed.files.issue({"localhost"}, today() - std::chrono::days(500));
  bed.server_context =
      *TlsContext::server(bed.files.certificate_file, bed.files.key_file, today() - std::chrono::days(400));
  bed.join();
  EXPECT_EQ(bed.client->fault(), TlsFault::expired);
}

TEST(TlsStream, WhoSpeaksSomethingElseIsTold) {
  TlsBed bed;
  EXPECT_EQ(bed.verdict_on("GET / HTTP/1.1\r\nHost: here\r\n\r\n"), TlsFault::plain_http);
  EXPECT_EQ(bed.verdict_on("POST /api HTTP/1.1\r\n\r\n"), TlsFault::plain_http);
  EXPECT_EQ(bed.verdict_on("SSH-2.0-OpenSSH_9.2\r\n"), TlsFault::not_tls);
  EXPECT_EQ(bed.verdict_on(std::string("\0\1\2\3\4garbage", 12)), TlsFault::not_tls);
  EXPECT_EQ(bed.verdict_on(std::string(kRecordHead) + "\xff\xff"), TlsFault::not_tls) << "a record beyond every size";
  EXPECT_EQ(bed.verdict_on("\x16", true), TlsFault::closed);
  EXPECT_EQ(bed.verdict_on("", true), TlsFault::closed);
}

TEST(TlsStream, AfterPlainHttpTheStreamSpeaksPlainForOneAnswer) {
  TlsBed bed;
  Client raw(bed.listener->local());
  raw.send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(bed.until([&] { return bed.server && bed.server->shaken; }));
  bed.server->write("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_TRUE(bed.until([&] { return raw.pump() && raw.received == "HTTP/1.1 400 Bad Request\r\n\r\n"; }));
}

TEST(TlsStream, TheBytesOfAHandshakeAreLimited) {
  TlsBed bed;
  // A ClientHello just within what OpenSSL itself would take.
  const std::string hello("\x01\x02\x01\x30", 4);
  std::string record(16000, 'a');
  const auto framed = [](const std::string& body) {
    std::string out(kRecordHead);
    out += static_cast<char>(body.size() >> 8);
    out += static_cast<char>(body.size() & 0xff);
    return out + body;
  };
  Client raw(bed.listener->local());
  raw.send(framed(hello + record));
  ASSERT_TRUE(bed.until([&] {
    raw.send(framed(record));
    return bed.server && bed.server->shaken;
  }));
  EXPECT_EQ(bed.server->fault(), TlsFault::too_large);
}

TEST(TlsStream, WhatIsUnderWayEndsWithTheStream) {
  TlsBed bed;
  bed.join();
  bed.client->read();
  bed.client->stream.body().close();
  ASSERT_TRUE(bed.until([&] { return bool(bed.client->end); }));
  EXPECT_EQ(bed.client->end, asio::error::operation_aborted);
  bed.dial();
  bed.client->stream.body().close();  // in the middle of the handshake
  ASSERT_TRUE(bed.until([&] { return bed.client->shaken; }));
  EXPECT_EQ(bed.client->failure, asio::error::operation_aborted);
}

TEST(TlsStream, NothingLeaksWhenTheLoopEndsInTheMiddle) {
  TlsBed bed;
  bed.join();
  bed.client->read();
  bed.server->read();
  bed.dial();
  SUCCEED() << "the sanitizer looks for what is left";
}

TEST(TlsStream, ANewContextIsForNewConnections) {
  TlsBed bed;
  bed.join();
  bed.server->read();
  const std::shared_ptr<End> before_server = std::move(bed.server);
  const std::shared_ptr<End> before = std::move(bed.client);
  bed.files.issue({"renewed.example"});
  bed.server_context = bed.files.server();
  bed.join("localhost");
  EXPECT_EQ(bed.client->fault(), TlsFault::wrong_name);
  bed.server.reset();
  bed.join("renewed.example");
  EXPECT_EQ(bed.client->fault(), std::nullopt);
  before->write("still here");
  EXPECT_TRUE(bed.until([&] { return before_server->received == "still here"; }));
}

}  // namespace isthmus::transport::test
