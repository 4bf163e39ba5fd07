// SPDX-License-Identifier: MIT
// Streams of the edge: accepting, opening, ending, and their limits.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/transport/bed.hpp"
#include "transport/edge.hpp"

namespace isthmus::transport::test {
namespace {

SocketAddress refused_address() {  // a port that nobody listens on, held so that nobody will
  static Descriptor holder(socket(AF_INET, SOCK_STREAM, 0));
  static const SocketAddress address = [] {
    sockaddr_storage native{};
    const socklen_t length = to_native(loopback(), native);
    bind(holder.number(), reinterpret_cast<sockaddr*>(&native), length);
    return local_address(holder.number());
  }();
  return address;
}

}  // namespace

TEST(Stream, AnAcceptedStreamComesUpBringsBytesAndGoesDown) {
  Bed bed;
  const auto at = bed.edge.listen_tcp(loopback());
  ASSERT_TRUE(at);
  bed.signalling.on_bytes = [](Pass& pass, const Path& path, Bytes bytes) { pass.out.send(path, bytes); };
  Client client(*at);
  ASSERT_TRUE(client.connected());
  ASSERT_TRUE(client.send("hello"));
  ASSERT_TRUE(bed.until([&] { return client.pump() && client.received == "hello"; }));
  ASSERT_EQ(bed.signalling.ups.size(), 1U);
  const FlowFacts facts = bed.signalling.ups[0];
  EXPECT_TRUE(facts.inbound);
  EXPECT_EQ(facts.framing, Framing::stream);
  EXPECT_EQ(facts.path.remote, client.local());
  EXPECT_EQ(facts.path.local, *at);
  EXPECT_EQ(bed.signalling.last_path, facts.path);
  client.send("last words");
  client.close();
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.downs.empty(); }));
  EXPECT_EQ(bed.signalling.bytes, "hellolast words");
  EXPECT_EQ(bed.signalling.downs[0], facts.path.flow);
  EXPECT_EQ(bed.signalling.log.back(), "down");
  EXPECT_EQ(bed.edge.gauges().streams, 0U);
}

TEST(Stream, AResetIsToldAsOne) {
  Bed bed;
  const auto at = bed.edge.listen_tcp(loopback());
  Client client(*at);
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.ups.empty(); }));
  client.reset();
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.downs.empty(); }));
  EXPECT_EQ(bed.signalling.down_reasons[0].code, FaultCode::reset);
}

TEST(Stream, OpenAnswersWithAFlowAndUsesItAgain) {
  Bed server;
  const auto at = server.edge.listen_tcp(loopback());
  Bed bed;
  const AskId first = bed.new_ask();
  const AskId twin = bed.new_ask();
  bed.command([&](Pass& pass) {
    pass.out.open(first, Protocol::tcp, *at);
    pass.out.open(twin, Protocol::tcp, *at);
  });
  ASSERT_TRUE(bed.until([&] { return bed.signalling.answers.size() == 2; }));
  const auto* facts = bed.answer_to<FlowFacts>(first, bed.signalling);
  ASSERT_NE(facts, nullptr);
  EXPECT_EQ(bed.signalling.log, (std::vector<std::string>{"up", "answer", "answer"}));
  EXPECT_FALSE(facts->inbound);
  EXPECT_EQ(facts->path.remote, *at);
  ASSERT_NE(bed.answer_to<FlowFacts>(twin, bed.signalling), nullptr);
  EXPECT_EQ(bed.answer_to<FlowFacts>(twin, bed.signalling)->path, facts->path);
  const AskId later = bed.new_ask();
  bed.command([&](Pass& pass) { pass.out.open(later, Protocol::tcp, *at); });
  ASSERT_TRUE(bed.until([&] { return bed.signalling.answers.size() == 3; }));
  EXPECT_EQ(bed.answer_to<FlowFacts>(later, bed.signalling)->path, facts->path);
  EXPECT_EQ(bed.edge.gauges().streams, 1U);
  bed.command([&](Pass& pass) { pass.out.send(facts->path, as_bytes("over the stream")); });
  bed.settle();
  ASSERT_TRUE(server.until([&] { return server.signalling.bytes == "over the stream"; }));
}

TEST(Stream, ARefusedConnectIsAFaultAnswer) {
  Bed bed;
  const AskId ask = bed.new_ask();
  const AskId odd = bed.new_ask();
  bed.command([&](Pass& pass) {
    pass.out.open(ask, Protocol::tcp, refused_address());
    pass.out.open(odd, Protocol::tcp, {});
  });
  ASSERT_TRUE(bed.until([&] { return bed.signalling.answers.size() == 2; }));
  ASSERT_NE(bed.answer_to<Fault>(ask, bed.signalling), nullptr);
  EXPECT_EQ(bed.answer_to<Fault>(ask, bed.signalling)->code, FaultCode::refused);
  EXPECT_EQ(bed.answer_to<Fault>(odd, bed.signalling)->code, FaultCode::unreachable);
  EXPECT_TRUE(bed.signalling.ups.empty());
  EXPECT_EQ(bed.edge.gauges().opening, 0U);
}

TEST(Stream, AConnectThatHangsTimesOutAndAForgottenOneIsGivenUp) {
  // A listener whose backlog is full lets a connect hang.
  Descriptor listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_storage native{};
  const socklen_t length = to_native(loopback(), native);
  bind(listener.number(), reinterpret_cast<sockaddr*>(&native), length);
  listen(listener.number(), 0);
  const SocketAddress at = local_address(listener.number());
  std::vector<Descriptor> fill;
  const socklen_t full = to_native(at, native);
  for (int i = 0; i < 4; ++i) {
    fill.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    connect(fill.back().number(), reinterpret_cast<sockaddr*>(&native), full);
  }
  EdgeConfig config;
  config.connect_limit = 50ms;
  Bed bed(config);
  const AskId ask = bed.new_ask();
  bed.command([&](Pass& pass) { pass.out.open(ask, Protocol::tcp, at); });
  ASSERT_TRUE(bed.until([&] { return bed.answer_to<Fault>(ask, bed.signalling) != nullptr; }));
  EXPECT_EQ(bed.answer_to<Fault>(ask, bed.signalling)->code, FaultCode::timed_out);
  bed.command([&](Pass& pass) {
    const AskId given_up = bed.new_ask();
    pass.out.open(given_up, Protocol::tcp, at);
    pass.out.forget(given_up);
  });
  bed.settle();
  EXPECT_EQ(bed.edge.gauges().opening, 0U);
  EXPECT_EQ(bed.signalling.answers.size(), 1U);
}

TEST(Stream, APeerThatDoesNotReadIsCutAtTheQueueLimit) {
  EdgeConfig config;
  config.write_queue_bytes = 256 << 10;
  Bed bed(config);
  const auto at = bed.edge.listen_tcp(loopback());
  Client client(*at, 4096);
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.ups.empty(); }));
  const Path path = bed.signalling.ups[0].path;
  const std::string block(32 << 10, 'b');
  for (int i = 0; i < 2000 && bed.signalling.downs.empty(); ++i) {
    bed.command([&](Pass& pass) { pass.out.send(path, as_bytes(block)); });
    bed.settle();
  }
  ASSERT_EQ(bed.signalling.downs.size(), 1U);
  EXPECT_EQ(bed.signalling.down_reasons[0].code, FaultCode::limit);
  EXPECT_EQ(bed.edge.drops()[EdgeDrop::write_queue_full], 1U);
  EXPECT_EQ(bed.edge.gauges().streams, 0U);
}

TEST(Stream, ConnectionsAreLimitedPerSourceAndInAll) {
  EdgeConfig config;
  config.max_per_source = 3;
  config.max_connections = 4;
  Bed bed(config);
  const auto at = bed.edge.listen_tcp(loopback());
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(*at);
  ASSERT_TRUE(bed.until([&] { return bed.edge.drops()[EdgeDrop::source_limit] == 2; }));
  EXPECT_EQ(bed.edge.gauges().streams, 3U);
  // Another source still gets in, until the total is reached.
  Bed other;
  const auto elsewhere = other.edge.listen_tcp(loopback());
  const AskId fits = bed.new_ask();
  const AskId beyond = bed.new_ask();
  bed.command([&](Pass& pass) { pass.out.open(fits, Protocol::tcp, *elsewhere); });
  ASSERT_TRUE(bed.until([&] { return bed.answer_to<FlowFacts>(fits, bed.signalling) != nullptr; }));
  bed.command([&](Pass& pass) { pass.out.open(beyond, Protocol::tcp, refused_address()); });
  ASSERT_TRUE(bed.until([&] { return bed.answer_to<Fault>(beyond, bed.signalling) != nullptr; }));
  EXPECT_EQ(bed.answer_to<Fault>(beyond, bed.signalling)->code, FaultCode::limit);
  Client late(*at);
  ASSERT_TRUE(bed.until([&] { return bed.edge.drops()[EdgeDrop::connection_limit] == 2; }));
  // A place is free again as soon as one has gone.
  clients[0].close();
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.downs.empty(); }));
  Client next(*at);
  ASSERT_TRUE(bed.until([&] { return bed.signalling.ups.size() == 5; }));
}

TEST(Stream, CloseSendsWhatIsQueuedAndEndsInOrder) {
  Bed bed;
  const auto at = bed.edge.listen_tcp(loopback());
  Client client(*at);
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.ups.empty(); }));
  const Path path = bed.signalling.ups[0].path;
  const std::string block(200 << 10, 'q');
  client.send("unread input");
  bed.command([&](Pass& pass) {
    pass.out.send(path, as_bytes(block));
    pass.out.close(path.flow, CloseReason::done);
    pass.out.send(path, as_bytes("too late"));
  });
  ASSERT_TRUE(bed.until([&] {
    client.pump();
    return client.over;
  }));
  EXPECT_EQ(client.received, block);
  EXPECT_EQ(bed.signalling.downs.size(), 1U);
  EXPECT_EQ(bed.edge.drops()[EdgeDrop::no_such_flow], 1U);
}

TEST(Stream, ASilentAcceptedStreamIsClosed) {
  EdgeConfig config;
  config.first_bytes_limit = 20ms;
  Bed bed(config);
  const auto at = bed.edge.listen_tcp(loopback());
  Client silent(*at);
  Client speaking(*at);
  speaking.send("x");
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.downs.empty(); }));
  EXPECT_EQ(bed.edge.drops()[EdgeDrop::silent_stream], 1U);
  EXPECT_EQ(bed.edge.gauges().streams, 1U);
  ASSERT_TRUE(bed.until([&] { return !silent.pump(); }));
  EXPECT_TRUE(speaking.pump());
}

TEST(Stream, AcceptingGoesOnAfterDescriptorsRanOut) {
  Bed bed;
  const auto at = bed.edge.listen_tcp(loopback());
  bed.settle();
  Client client(*at);  // waits in the backlog: nobody has run the loop yet
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int lowest_free = dup(0);
  close(lowest_free);
  const rlimit tight{static_cast<rlim_t>(lowest_free), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  const bool failed = bed.until([&] { return bed.edge.drops()[EdgeDrop::accept_failed] > 0; });
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(failed);
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.ups.empty(); }));
}

TEST(Stream, NoMoreAreAcceptedAfterListeningStopped) {
  Bed bed;
  const auto at = bed.edge.listen_tcp(loopback());
  Client early(*at);
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.ups.empty(); }));
  bed.edge.stop_listening();
  bed.settle();
  EXPECT_FALSE(Client(*at).connected());
  EXPECT_TRUE(early.pump());
}

TEST(Stream, ThreeHundredConnectionsThatResetLeaveNothing) {  // advisory 10
  EdgeConfig config;
  config.max_per_source = 1000;
  Bed bed(config);
  const auto at = bed.edge.listen_tcp(loopback());
  for (int i = 0; i < 300; ++i) {
    Client client(*at);
    client.send("INVITE sip:x@y SIP/2.0\r\n");
    if (i % 3 == 0) bed.settle();
    client.reset();
  }
  ASSERT_TRUE(bed.until(
      [&] { return bed.signalling.ups.size() == bed.signalling.downs.size() && bed.edge.gauges().streams == 0; }));
  Client fine(*at);
  fine.send("still here");
  ASSERT_TRUE(bed.until([&] { return bed.signalling.bytes.ends_with("still here"); }));
}

}  // namespace isthmus::transport::test
