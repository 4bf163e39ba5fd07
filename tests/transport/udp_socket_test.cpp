// SPDX-License-Identifier: MIT
#include "transport/udp_socket.hpp"

#include <gtest/gtest.h>

#include "tests/transport/bed.hpp"

namespace isthmus::transport::test {

TEST(UdpSocket, ABatchGoesOutAndComesInWithHeadAndTailroom) {
  auto a = UdpSocket::bind(loopback());
  auto b = UdpSocket::bind(loopback());
  ASSERT_TRUE(a && b);
  std::vector<std::string> texts;
  std::vector<Datagram> batch;
  for (int i = 0; i < 100; ++i) texts.push_back("datagram " + std::to_string(i));
  for (const std::string& text : texts) batch.push_back({b->local(), {}, as_bytes(text)});
  EXPECT_EQ(a->send(batch).sent, 100U);
  PacketPool pool(kDatagramBatch, 2048);
  const ReceiveOutcome first = b->receive(pool.slots(), {7, 1});
  ASSERT_EQ(first.received, kDatagramBatch);
  for (size_t i = 0; i < first.received; ++i) {
    const PacketSlot& slot = pool.slots()[i];
    EXPECT_EQ(as_text(slot.bytes()), texts[i]);
    EXPECT_EQ(slot.path, (Path{{7, 1}, a->local(), b->local()}));
    EXPECT_GE(slot.at, PacketPool::kHeadroom);
    EXPECT_GE(slot.tailroom(), PacketPool::kTailroom);
  }
  EXPECT_EQ(b->receive(pool.slots(), {7, 1}).received, 100 - kDatagramBatch);
  EXPECT_EQ(b->receive(pool.slots(), {7, 1}).error, EAGAIN);
}

TEST(UdpSocket, ATruncatedDatagramIsDroppedAndItsNeighboursKept) {
  auto a = UdpSocket::bind(loopback());
  auto b = UdpSocket::bind(loopback());
  ASSERT_TRUE(a && b);
  send_datagram(*a, b->local(), "before");
  send_datagram(*a, b->local(), std::string(3000, 'x'));
  send_datagram(*a, b->local(), "after");
  PacketPool pool(8, 2048);
  const ReceiveOutcome outcome = b->receive(pool.slots(), {});
  EXPECT_EQ(outcome.received, 2U);
  EXPECT_EQ(outcome.truncated, 1U);
  EXPECT_EQ(as_text(pool.slots()[0].bytes()), "before");
  EXPECT_EQ(as_text(pool.slots()[1].bytes()), "after");
}

TEST(UdpSocket, AWildcardSocketTellsAndChoosesTheLocalAddress) {
  auto client = UdpSocket::bind(loopback());
  auto server = UdpSocket::bind({IpAddress::v4(0, 0, 0, 0), 0});
  ASSERT_TRUE(client && server);
  const SocketAddress second{IpAddress::v4(127, 0, 0, 2), server->local().port};
  send_datagram(*client, second, "question");
  PacketPool pool(8, 2048);
  ASSERT_EQ(server->receive(pool.slots(), {}).received, 1U);
  EXPECT_EQ(pool.slots()[0].path.local, second);
  const Datagram answer{client->local(), second, as_bytes("answer")};
  ASSERT_EQ(server->send({&answer, 1}).sent, 1U);
  ASSERT_EQ(client->receive(pool.slots(), {}).received, 1U);
  EXPECT_EQ(pool.slots()[0].path.remote, second);  // it leaves from where the question arrived
}

TEST(UdpSocket, WorksOverIpv6) {
  auto a = UdpSocket::bind({*IpAddress::parse("::1"), 0});
  auto b = UdpSocket::bind({*IpAddress::parse("::"), 0});
  ASSERT_TRUE(a && b) << "the machine needs an IPv6 loopback address";
  send_datagram(*a, {*IpAddress::parse("::1"), b->local().port}, "six");
  PacketPool pool(8, 2048);
  ASSERT_EQ(b->receive(pool.slots(), {}).received, 1U);
  EXPECT_EQ(pool.slots()[0].path.remote, a->local());
  EXPECT_EQ(pool.slots()[0].path.local.ip, *IpAddress::parse("::1"));
  const Datagram answer{a->local(), pool.slots()[0].path.local, as_bytes("answer")};
  EXPECT_EQ(b->send({&answer, 1}).sent, 1U);
}

TEST(UdpSocket, ABusyPortIsAnErrorWithItsNumber) {
  auto a = UdpSocket::bind(loopback());
  ASSERT_TRUE(a);
  const auto again = UdpSocket::bind(a->local());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().number, EADDRINUSE);
  EXPECT_FALSE(UdpSocket::bind({}));
}

}  // namespace isthmus::transport::test
