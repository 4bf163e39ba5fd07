// SPDX-License-Identifier: MIT
// A pass that only carries media takes nothing from the heap, from the socket to the socket: the loop, the edge and the
// driver around a media machine that does not either (tests/media/relay_test.cpp).
#include <gtest/gtest.h>

#include "tests/support/allocations.hpp"
#include "tests/transport/bed.hpp"

namespace isthmus::transport::test {
namespace packet_allocation_test {

// Sends each packet back where it came from, and counts.
struct Mirror {
  size_t packets = 0;

  void receive(Pass&, const Path&, Bytes) {}
  void receive(Pass&, std::span<PacketSlot> batch) { packets += batch.size(); }
  void flow_up(Pass&, const FlowFacts&) {}
  void flow_down(Pass&, FlowId, Fault) {}
  void unreachable(Pass&, const Path&, Fault) {}
  void answer(Pass&, AskId, const Answer&) {}
  void expire(Pass&) {}
  TimePoint next_deadline() const { return kNever; }
};

TEST(PacketAllocation, APassThatOnlyCarriesMediaAllocatesNothing) {
  constexpr size_t kWarm = 20;
  constexpr size_t kMeasured = 400;
  Shard shard;
  Edge edge(shard, {});
  const auto flow = edge.listen_udp(loopback(), Use::media);
  ASSERT_TRUE(flow);
  const SocketAddress here = edge.local(*flow);
  auto peer = UdpSocket::bind(loopback());
  ASSERT_TRUE(peer);
  const Datagram question{here, {}, as_bytes("packet")};
  PacketPool pool(1, 2048);
  size_t sent = 0, heard = 0, before = 0, passes = 0;
  Mirror signalling, media;
  Driver<Mirror, Mirror> driver{edge, signalling, media, [](Pass&) {},
                                [&](Pass&) {
                                  ++passes;
                                  heard += peer->receive(pool.slots(), {}).received;
                                  if (heard == kWarm && before == 0) before = isthmus::test::allocations;
                                  // One at a time: each packet is a pass of its own.
                                  if (heard == sent) sent += peer->send({&question, 1}).sent;
                                }};
  ASSERT_TRUE(shard.run_until([&] { return heard == kWarm + kMeasured; }, kPatience));
  EXPECT_GE(media.packets, kWarm + kMeasured);
  EXPECT_GE(passes, kMeasured);
  EXPECT_EQ(isthmus::test::allocations - before, 0u);
}

}  // namespace packet_allocation_test
}  // namespace isthmus::transport::test
