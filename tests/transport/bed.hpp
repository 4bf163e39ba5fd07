// SPDX-License-Identifier: MIT
// What the transport tests share: a shard run until a condition holds, machines that write down what they are told and
// do what the test asks, and plain blocking-free client sockets on loopback.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/driver.hpp"
#include "transport/edge.hpp"
#include "transport/native_address.hpp"
#include "transport/shard.hpp"
#include "transport/udp_socket.hpp"

namespace isthmus::transport::test {

using namespace std::chrono_literals;

inline constexpr auto kPatience = 10s;  // a bound for a broken test, never a wait

inline SocketAddress loopback(uint16_t port = 0) {
  return {IpAddress::v4(127, 0, 0, 1), port};
}

// A machine of either kind: keeps a record, and calls the hooks a test has set.
struct Scripted {
  std::vector<std::string> log;
  std::vector<FlowFacts> ups;
  std::vector<FlowId> downs;
  std::vector<Fault> down_reasons;
  std::vector<Path> lost;
  std::deque<std::pair<AskId, Answer>> answers;  // addresses stay
  std::string bytes;                             // all that was received
  Path last_path;
  size_t packets = 0;
  size_t expiries = 0;
  TimePoint deadline = kNever;
  std::function<void(Pass&, const Path&, Bytes)> on_bytes;
  std::function<void(Pass&, std::span<PacketSlot>)> on_packets;

  void receive(Pass& pass, const Path& path, Bytes chunk) {
    log.emplace_back("bytes");
    bytes += as_text(chunk);
    last_path = path;
    if (on_bytes) on_bytes(pass, path, chunk);
  }
  void receive(Pass& pass, std::span<PacketSlot> batch) {
    log.emplace_back("packets");
    packets += batch.size();
    if (on_packets) return on_packets(pass, batch);
    for (PacketSlot& each : batch) each.drop();
  }
  void flow_up(Pass&, const FlowFacts& facts) { log.emplace_back("up"), ups.push_back(facts); }
  void flow_down(Pass&, FlowId flow, Fault why) {
    log.emplace_back("down"), downs.push_back(flow), down_reasons.push_back(why);
  }
  void unreachable(Pass&, const Path& path, Fault) { log.emplace_back("unreachable"), lost.push_back(path); }
  void answer(Pass&, AskId ask, const Answer& reply) { log.emplace_back("answer"), answers.emplace_back(ask, reply); }
  void expire(Pass&) {
    log.emplace_back("expire");
    ++expiries;
    deadline = kNever;
  }
  TimePoint next_deadline() const { return deadline; }
};

// A shard with an edge, a driver and two scripted machines.
struct Bed {
  explicit Bed(EdgeConfig config = {}) : edge(shard, std::move(config)) {}

  Shard shard;
  Edge edge;
  Scripted signalling;
  Scripted media;
  std::vector<std::function<void(Pass&)>> commands;  // done in the next pass
  Driver<Scripted, Scripted> driver{edge, signalling, media, [](Pass&) {},
                                    [this](Pass& pass) {
                                      const auto now = std::exchange(commands, {});
                                      for (const auto& each : now) each(pass);
                                    }};
  uint32_t next_ask = 0;

  void command(std::function<void(Pass&)> work) {
    commands.push_back(std::move(work));
    edge.wake();
  }
  AskId new_ask(Room room = Room::endpoint) { return {room, {++next_ask, 1}}; }
  bool until(const std::function<bool()>& done) { return shard.run_until(done, kPatience); }
  // Lets everything that is ready happen.
  void settle() {
    bool passed = false;
    for (int i = 0; i < 3; ++i) {
      passed = false;
      command([&](Pass&) { passed = true; });
      until([&] { return passed; });
    }
  }
  template <class T>
  const T* answer_to(AskId ask, const Scripted& machine) const {
    for (const auto& [id, reply] : machine.answers) {
      if (id == ask) return std::get_if<T>(&reply);
    }
    return nullptr;
  }
};

// A TCP client whose calls do not block.
class Client {
 public:
  Client(const SocketAddress& to, const IpAddress& from) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_storage native{};
    const socklen_t length = to_native({from, 0}, native);
    bind(descriptor_.number(), reinterpret_cast<sockaddr*>(&native), length);
    open(to);
  }
  explicit Client(const SocketAddress& to, int receive_buffer = 0) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      setsockopt(descriptor_.number(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    open(to);
  }
  bool connected() const { return connected_; }
  SocketAddress local() const { return local_address(descriptor_.number()); }
  bool send(std::string_view text) {
    return ::send(descriptor_.number(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
           static_cast<ssize_t>(text.size());
  }
  // Takes what is there; true while the connection is open.
  bool pump() {
    char buffer[65536];
    const ssize_t got = recv(descriptor_.number(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) received.append(buffer, static_cast<size_t>(got));
    if (got == 0 || (got < 0 && errno != EAGAIN)) over = true;
    return !over;
  }
  void reset() {  // RST instead of FIN
    const linger hard{1, 0};
    setsockopt(descriptor_.number(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    descriptor_ = Descriptor();
  }
  void close() { descriptor_ = Descriptor(); }

  std::string received;
  bool over = false;

 private:
  void open(const SocketAddress& to) {
    sockaddr_storage native{};
    const socklen_t length = to_native(to, native);
    connected_ = connect(descriptor_.number(), reinterpret_cast<sockaddr*>(&native), length) == 0;
  }

  Descriptor descriptor_;
  bool connected_ = false;
};

// Sends one datagram from a socket of the test.
inline void send_datagram(UdpSocket& from, const SocketAddress& to, std::string_view text) {
  const Datagram datagram{to, {}, as_bytes(text)};
  ASSERT_EQ(from.send({&datagram, 1}).sent, 1U);
}
inline std::vector<std::string> receive_datagrams(UdpSocket& socket) {
  PacketPool pool(kDatagramBatch, 2048);
  std::vector<std::string> out;
  const ReceiveOutcome outcome = socket.receive(pool.slots(), {});
  for (const PacketSlot& slot : pool.slots().first(outcome.received)) out.emplace_back(as_text(slot.bytes()));
  return out;
}

}  // namespace isthmus::transport::test
