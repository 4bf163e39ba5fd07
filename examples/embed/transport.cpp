// SPDX-License-Identifier: MIT
// isthmus::transport alone: a machine that sends each datagram back, driven over a UDP socket of this machine. The
// layer knows nothing of SIP (R4.20, R5.4): the same would carry any protocol.

#include <chrono>
#include <iostream>
#include <span>
#include <string>

#include "base/machine.hpp"
#include "base/packet.hpp"
#include "transport/driver.hpp"
#include "transport/edge.hpp"
#include "transport/shard.hpp"
#include "transport/udp_socket.hpp"

namespace {

// What every machine under a driver answers to; Echo wants none of it.
struct Quiet {
  void flow_up(isthmus::Pass&, const isthmus::FlowFacts&) {}
  void flow_down(isthmus::Pass&, isthmus::FlowId, isthmus::Fault) {}
  void unreachable(isthmus::Pass&, const isthmus::Path&, isthmus::Fault) {}
  void answer(isthmus::Pass&, isthmus::AskId, const isthmus::Answer&) {}
  void expire(isthmus::Pass&) {}
  isthmus::TimePoint next_deadline() const { return isthmus::kNever; }
};

struct Echo : Quiet {
  void receive(isthmus::Pass& pass, const isthmus::Path& path, isthmus::Bytes bytes) { pass.out.send(path, bytes); }
};

struct NoMedia : Quiet {
  void receive(isthmus::Pass&, std::span<isthmus::PacketSlot> batch) {
    for (auto& packet : batch) packet.drop();
  }
};

}  // namespace

int main() {
  namespace transport = isthmus::transport;
  const isthmus::SocketAddress any_port{isthmus::IpAddress::v4(127, 0, 0, 1), 0};

  transport::Shard shard;
  transport::Edge edge(shard, {});
  Echo echo;
  NoMedia media;
  const transport::Driver<Echo, NoMedia> driver(edge, echo, media, [](isthmus::Pass&) {}, [](isthmus::Pass&) {});
  const auto flow = edge.listen_udp(any_port);
  auto client = transport::UdpSocket::bind(any_port);
  if (!flow || !client) return 1;

  const std::string question = "is anybody there?";
  const transport::Datagram datagram{edge.local(*flow), {}, isthmus::as_bytes(question)};
  client->send({&datagram, 1});

  transport::PacketPool pool(1, 1500);
  bool answered = false;
  shard.run_until(
      [&] {
        pool.reset(pool.slots()[0]);
        answered = client->receive(pool.slots(), {}).received == 1;
        return answered;
      },
      std::chrono::seconds(5));
  if (!answered) return 1;
  const auto& packet = pool.slots()[0];
  std::cout << "came back: " << isthmus::as_text(packet.bytes()) << "\n"
            << "from where it was sent to: " << std::boolalpha << (packet.path.remote == edge.local(*flow)) << "\n";
}
