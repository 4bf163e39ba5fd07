// SPDX-License-Identifier: MIT
// The edge under a driver: datagrams, ports, asks, timers and the order of a pass, over real loopback sockets.
#include "transport/edge.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <set>

#include "tests/transport/bed.hpp"

namespace isthmus::transport::test {

TEST(Edge, AUdpEchoMachineAnswersFromWhereItWasAsked) {
  Bed bed;
  const auto flow = bed.edge.listen_udp(loopback());
  ASSERT_TRUE(flow);
  bed.signalling.on_bytes = [](Pass& pass, const Path& path, Bytes bytes) { pass.out.send(path, bytes); };
  auto peer = UdpSocket::bind(loopback());
  for (int i = 0; i < 5; ++i) send_datagram(*peer, bed.edge.local(*flow), "ping " + std::to_string(i));
  std::vector<std::string> echoes;
  ASSERT_TRUE(bed.until([&] {
    for (auto& each : receive_datagrams(*peer)) echoes.push_back(each);
    return echoes.size() == 5;
  }));
  EXPECT_EQ(echoes.front(), "ping 0");
  EXPECT_EQ(echoes.back(), "ping 4");
  EXPECT_EQ(bed.signalling.last_path, (Path{*flow, peer->local(), bed.edge.local(*flow)}));
  ASSERT_EQ(bed.signalling.ups.size(), 1U);
  EXPECT_EQ(bed.signalling.log.front(), "up");
  EXPECT_EQ(bed.signalling.ups[0].protocol, Protocol::udp);
}

// Its machine was told that it is up, and would send by it for ever.
TEST(Edge, ASocketThatIsClosedAgainIsDown) {
  Bed bed;
  const auto flow = bed.edge.listen_udp(loopback());
  ASSERT_TRUE(flow);
  Outbox out;
  out.close(*flow, CloseReason::done);
  bed.edge.execute(out);
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.downs.empty(); }));
  EXPECT_EQ(bed.signalling.log, (std::vector<std::string>{"up", "down"}));
  EXPECT_EQ(bed.signalling.downs.front(), *flow);
}

TEST(Edge, ALargeDatagramArrivesWhole) {  // RFC 3261 section 18.1.1
  Bed bed;
  const auto flow = bed.edge.listen_udp(loopback());
  auto peer = UdpSocket::bind(loopback());
  send_datagram(*peer, bed.edge.local(*flow), std::string(60000, 'z'));
  ASSERT_TRUE(bed.until([&] { return bed.signalling.bytes.size() == 60000; }));
}

TEST(Edge, PacketsOfAMediaSocketAreTurnedInPlaceAndSent) {
  Bed bed;
  const auto a = bed.edge.listen_udp(loopback(), Use::media);
  const auto b = bed.edge.listen_udp(loopback(), Use::media);
  ASSERT_TRUE(a && b);
  auto left = UdpSocket::bind(loopback());
  auto right = UdpSocket::bind(loopback());
  bed.media.on_packets = [&](Pass&, std::span<PacketSlot> batch) {
    for (PacketSlot& each : batch) {
      if (as_text(each.bytes()) == "drop") {
        each.drop();
        continue;
      }
      each.at -= 2;  // headroom and tailroom are there to be used
      each.size += 4;
      each.bytes()[0] = each.bytes()[1] = each.bytes()[each.size - 1U] = each.bytes()[each.size - 2U] = std::byte{'#'};
      const bool from_left = each.path.flow == *a;
      each.path = from_left ? Path{*b, right->local(), {}} : Path{*a, left->local(), {}};
    }
  };
  for (int i = 0; i < 3; ++i) send_datagram(*left, bed.edge.local(*a), "to right");
  send_datagram(*left, bed.edge.local(*a), "drop");
  send_datagram(*right, bed.edge.local(*b), "to left");
  std::vector<std::string> at_left, at_right;
  ASSERT_TRUE(bed.until([&] {
    for (auto& each : receive_datagrams(*left)) at_left.push_back(each);
    for (auto& each : receive_datagrams(*right)) at_right.push_back(each);
    return at_left.size() == 1 && at_right.size() == 3;
  }));
  EXPECT_EQ(at_left[0], "##to left##");
  EXPECT_EQ(at_right[2], "##to right##");
  EXPECT_EQ(bed.media.packets, 5U);
  EXPECT_TRUE(bed.signalling.bytes.empty());
  EXPECT_TRUE(bed.signalling.ups.empty());
}

TEST(Edge, AnIcmpErrorTellsTheSignallingMachineWhichPathIsDead) {
  Bed bed;
  const auto flow = bed.edge.listen_udp(loopback());
  SocketAddress nobody;
  {
    auto gone = UdpSocket::bind(loopback());
    nobody = gone->local();
  }
  bed.command([&](Pass& pass) { pass.out.send({*flow, nobody, {}}, as_bytes("hello")); });
  ASSERT_TRUE(bed.until([&] { return !bed.signalling.lost.empty(); }));
  EXPECT_EQ(bed.signalling.lost[0].remote, nobody);
  EXPECT_EQ(bed.signalling.lost[0].flow, *flow);
  EXPECT_EQ(bed.edge.drops()[EdgeDrop::unreachable], 1U);
  // The error of one path does not cost another its datagram.
  auto peer = UdpSocket::bind(loopback());
  bed.command([&](Pass& pass) {
    for (int i = 0; i < 4; ++i) {
      pass.out.send({*flow, nobody, {}}, as_bytes("lost"));
      pass.out.send({*flow, peer->local(), {}}, as_bytes("kept"));
    }
  });
  size_t kept = 0;
  EXPECT_TRUE(bed.until([&] {
    kept += receive_datagrams(*peer).size();
    return kept == 4;
  }));
}

TEST(Edge, ADatagramThatTheSystemRefusesIsToldAndTheRestGoesOut) {
  Bed bed;
  const auto flow = bed.edge.listen_udp(loopback());
  auto peer = UdpSocket::bind(loopback());
  const SocketAddress six{*IpAddress::parse("::1"), 9};
  bed.command([&](Pass& pass) {
    pass.out.send({*flow, six, {}}, as_bytes("wrong family"));
    pass.out.send({*flow, peer->local(), {}}, as_bytes("right"));
    pass.out.send({{99, 7}, peer->local(), {}}, as_bytes("no such flow"));
  });
  std::vector<std::string> got;
  ASSERT_TRUE(bed.until([&] {
    for (auto& each : receive_datagrams(*peer)) got.push_back(each);
    return !got.empty() && !bed.signalling.lost.empty();
  }));
  EXPECT_EQ(bed.signalling.lost[0].remote, six);
  EXPECT_EQ(bed.edge.drops()[EdgeDrop::send_failed], 1U);
  EXPECT_EQ(bed.edge.drops()[EdgeDrop::no_such_flow], 1U);
}

TEST(Edge, ABoundPairIsEvenAndOddAndFreeAgainAtOnce) {  // R4.18
  EdgeConfig config;
  config.rtp_ports = {21000, 21003};  // two pairs; other programs may hold them, then the next test ports are tried
  for (; config.rtp_ports.first < 29000; config.rtp_ports.first += 4) {
    config.rtp_ports.last = static_cast<uint16_t>(config.rtp_ports.first + 3);
    bool free = true;
    for (uint16_t port = config.rtp_ports.first; port <= config.rtp_ports.last; ++port) {
      free = free && UdpSocket::bind(loopback(port));
    }
    if (free) break;
  }
  Bed bed(config);
  for (int round = 0; round < 50; ++round) {
    const AskId first = bed.new_ask(Room::engine);
    const AskId second = bed.new_ask(Room::engine);
    const AskId third = bed.new_ask(Room::engine);
    bed.command([&](Pass& pass) {
      for (const AskId ask : {first, second, third}) pass.out.bind(ask, loopback().ip, true);
    });
    ASSERT_TRUE(bed.until([&] { return bed.media.answers.size() == 3; }));
    const auto* one = bed.answer_to<PortFacts>(first, bed.media);
    const auto* two = bed.answer_to<PortFacts>(second, bed.media);
    const auto* none = bed.answer_to<Fault>(third, bed.media);
    ASSERT_TRUE(one != nullptr && two != nullptr && none != nullptr);
    EXPECT_EQ(none->code, FaultCode::no_ports);
    EXPECT_EQ(one->rtp_local.port % 2, 0);
    EXPECT_EQ(one->rtcp_local.port, one->rtp_local.port + 1);
    EXPECT_NE(one->rtp_local.port, two->rtp_local.port);
    EXPECT_EQ(bed.edge.gauges().ports, 4U);
    EXPECT_TRUE(bed.signalling.answers.empty());
    bed.command([one = *one, two = *two](Pass& pass) {
      for (const FlowId id : {one.rtp, one.rtcp, two.rtp, two.rtcp}) pass.out.close(id, CloseReason::done);
    });
    ASSERT_TRUE(bed.until([&] { return bed.edge.gauges().ports == 0; }));
    bed.media.answers.clear();
  }
  EXPECT_TRUE(UdpSocket::bind(loopback(config.rtp_ports.first)));
}

TEST(Edge, ASinglePortIsEvenAndCarriesMedia) {
  Bed bed;
  const AskId ask = bed.new_ask(Room::engine);
  bed.command([&](Pass& pass) { pass.out.bind(ask, loopback().ip, false); });
  ASSERT_TRUE(bed.until([&] { return !bed.media.answers.empty(); }));
  const auto* facts = bed.answer_to<PortFacts>(ask, bed.media);
  ASSERT_NE(facts, nullptr);
  EXPECT_EQ(facts->rtp_local.port % 2, 0);
  EXPECT_FALSE(facts->rtcp);
  auto peer = UdpSocket::bind(loopback());
  send_datagram(*peer, facts->rtp_local, "rtp");
  ASSERT_TRUE(bed.until([&] { return bed.media.packets == 1; }));
  bed.command([&](Pass& pass) { pass.out.send({facts->rtp, peer->local(), {}}, as_bytes("own words")); });
  std::vector<std::string> got;
  ASSERT_TRUE(bed.until([&] { return !(got = receive_datagrams(*peer)).empty(); }));
  EXPECT_EQ(got[0], "own words");
}

TEST(Edge, AForgottenBindGivesItsPortsBack) {
  Bed bed;
  const AskId ask = bed.new_ask(Room::engine);
  bed.command([&](Pass& pass) {
    pass.out.bind(ask, loopback().ip, true);
    pass.out.forget(ask);
  });
  ASSERT_TRUE(bed.until([&] { return bed.edge.drops()[EdgeDrop::forgotten_answer] == 1; }));
  EXPECT_EQ(bed.edge.gauges().ports, 0U);
  EXPECT_TRUE(bed.media.answers.empty());
}

// Fail the n-th descriptor: whichever is refused, the ask is answered with a fault and nothing stays behind.
TEST(Edge, RunningOutOfDescriptorsIsAnAnswer) {
  Bed bed;
  bed.settle();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int lowest_free = dup(0);
  close(lowest_free);
  for (int spare = 0; spare < 2; ++spare) {
    const rlimit tight{static_cast<rlim_t>(lowest_free + spare), before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    const AskId ask = bed.new_ask(Room::engine);
    bed.command([&](Pass& pass) { pass.out.bind(ask, loopback().ip, true); });
    const bool answered = bed.until([&] { return bed.answer_to<Fault>(ask, bed.media) != nullptr; });
    setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_TRUE(answered);
    EXPECT_EQ(bed.answer_to<Fault>(ask, bed.media)->code, FaultCode::limit);
    EXPECT_EQ(bed.edge.gauges().ports, 0U);
  }
}

TEST(Edge, TimersFireOnceAndAfterBytesAndAnswers) {
  Bed bed;
  const auto flow = bed.edge.listen_udp(loopback());
  auto peer = UdpSocket::bind(loopback());
  bed.settle();
  bed.signalling.log.clear();
  // All are due in one pass: bytes on the socket, an answer that waits, a deadline that has passed.
  send_datagram(*peer, bed.edge.local(*flow), "x");
  const AskId ask = bed.new_ask();
  bed.edge.drive({});
  Outbox outbox;
  outbox.bind(ask, {}, false);
  bed.edge.execute(outbox);
  bed.signalling.deadline = read_clocks().steady;
  bed.commands.emplace_back([&](Pass&) { bed.signalling.log.emplace_back("command"); });
  bed.driver.run_pass();
  EXPECT_EQ(bed.signalling.log, (std::vector<std::string>{"bytes", "answer", "command", "expire"}));
}

TEST(Edge, ADeadlineWakesTheLoop) {
  Bed bed;
  bed.signalling.deadline = read_clocks().steady + 5ms;
  bed.media.deadline = read_clocks().steady + 10ms;
  ASSERT_TRUE(bed.until([&] { return bed.signalling.expiries == 1 && bed.media.expiries == 1; }));
}

// Level-triggered readiness, error queues and timers must not keep the loop turning once all is done.
TEST(Edge, AnIdleEdgeIsQuiet) {
  Bed bed;
  const auto flow = bed.edge.listen_udp(loopback());
  const auto tcp = bed.edge.listen_tcp(loopback());
  SocketAddress nobody;
  {
    auto gone = UdpSocket::bind(loopback());
    nobody = gone->local();
  }
  Client client(*tcp);
  client.send("x");
  const AskId ask = bed.new_ask();
  bed.command([&](Pass& pass) {
    pass.out.send({*flow, nobody, {}}, as_bytes("lost"));
    pass.out.lookup(ask, RecordType::a, "localhost");
    pass.out.bind(bed.new_ask(Room::engine), loopback().ip, true);
  });
  ASSERT_TRUE(bed.until([&] {
    return bed.signalling.bytes == "x" && !bed.signalling.lost.empty() && bed.signalling.answers.size() == 1 &&
           bed.media.answers.size() == 1;
  }));
  bed.settle();
  size_t passes = 0;
  bed.edge.drive([&] { ++passes, bed.driver.run_pass(); });
  bed.shard.run_until([] { return false; }, 20ms);
  EXPECT_LE(passes, 1U);
}

TEST(Edge, NotesGoToTheObserver) {
  Bed bed;
  std::string seen;
  bed.edge.observe([&](const Note& note, Bytes bytes) {
    EXPECT_EQ(note.kind, NoteKind::call_event);
    seen = as_text(bytes);
  });
  bed.command([](Pass& pass) { pass.out.note(NoteKind::call_event, 7, {}, as_bytes("a note")); });
  ASSERT_TRUE(bed.until([&] { return !seen.empty(); }));
  EXPECT_EQ(seen, "a note");
}

TEST(Edge, BeyondTheAskLimitTheAnswerIsAFault) {
  EdgeConfig config;
  config.max_asks = 1;
  Bed bed(config);
  const AskId first = bed.new_ask();
  const AskId second = bed.new_ask();
  bed.command([&](Pass& pass) {
    pass.out.lookup(first, RecordType::a, "localhost");
    pass.out.lookup(second, RecordType::a, "localhost");
  });
  ASSERT_TRUE(bed.until([&] { return bed.signalling.answers.size() == 2; }));
  EXPECT_NE(bed.answer_to<Records>(first, bed.signalling), nullptr);
  ASSERT_NE(bed.answer_to<Fault>(second, bed.signalling), nullptr);
  EXPECT_EQ(bed.answer_to<Fault>(second, bed.signalling)->code, FaultCode::limit);
}

}  // namespace isthmus::transport::test
