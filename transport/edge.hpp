// SPDX-License-Identifier: MIT
// The edge of a shard: owns sockets, connections, port range, resolver and the wake-up timer, turns what happens on
// them into inputs of machines, and executes the outbox of a pass. It never reads SIP and decides nothing about calls.
// All functions are called from the shard's thread.
//
// What a machine may rely on:
// - flow_up comes once for each listening datagram socket and each stream that is up, accepted or opened, before any of
//   its bytes; flow_down once for each stream, after its last bytes, whoever ended it. Ports of a Bind and media
//   sockets have neither: the PortFacts are all there is to know.
// - Each ask is answered at most once, in a later pass than the one that asked; a forgotten one not at all.
// - A send on a flow that is gone, full or broken is dropped and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/counters.hpp"
#include "base/outbox.hpp"
#include "base/packet.hpp"
#include "base/result.hpp"
#include "transport/shard.hpp"
#include "transport/system.hpp"

namespace isthmus::transport {

struct PortRange {  // both ends belong to it; RTP takes even ports, RTCP the odd one above (RFC 3550 section 11)
  uint16_t first = 20000;
  uint16_t last = 29999;
};

struct EdgeConfig {
  PortRange rtp_ports;
  size_t max_connections = 4096;                          // streams, accepted and opened together
  size_t max_per_source = 256;                            // accepted streams per address (IPv6: per /64)
  size_t max_asks = 65536;                                // opens and lookups under way
  size_t write_queue_bytes = 256 << 10;                   // per stream; a peer that does not read is cut there
  Duration connect_limit = std::chrono::seconds(20);      // longer than any machine waits
  Duration first_bytes_limit = std::chrono::seconds(30);  // an accepted stream that stays silent is closed
  std::vector<SocketAddress> name_servers;                // empty: those of the system
};

enum class EdgeDrop : uint8_t {
  truncated,         // a datagram larger than its slot
  send_blocked,      // the socket's send buffer was full
  send_failed,       // the system refused the datagram
  unreachable,       // an ICMP error came back
  no_such_flow,      // a send or close on a flow that is gone
  write_queue_full,  // a stream was closed: its peer does not read
  connection_limit,
  source_limit,
  accept_failed,  // out of descriptors or memory; accepting goes on after a pause
  silent_stream,  // closed: no byte within the limit
  ask_limit,
  forgotten_answer,  // an answer came for an ask that was forgotten
  kCount
};
std::string_view describe(EdgeDrop reason);

// Read from the containers when asked, never counted up and down.
struct EdgeGauges {
  size_t datagram_sockets = 0;  // listening ones
  size_t ports = 0;             // bound by Bind
  size_t streams = 0;
  size_t opening = 0;
  size_t lookups = 0;
};

enum class Use : uint8_t { signalling, media };

class Edge {
 public:
  // Inputs of one pass, in the order of the contract.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void packets(std::span<PacketSlot> batch) = 0;  // media flows; what has a flow afterwards is sent
    virtual void received(const Path& path, Bytes bytes) = 0;
    virtual void flow_up(const FlowFacts& facts) = 0;
    virtual void flow_down(FlowId flow, Fault why) = 0;
    virtual void unreachable(const Path& path, Fault why) = 0;
    virtual void answer(AskId ask, const Answer& reply) = 0;
  };

  Edge(Shard& shard, EdgeConfig config);
  ~Edge();
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  // Port 0 takes a free one: ask local(). Datagrams of a media socket arrive through Handler::packets.
  Result<FlowId, SystemError> listen_udp(const SocketAddress& local, Use use = Use::signalling);
  Result<SocketAddress, SystemError> listen_tcp(const SocketAddress& local);  // returns where it listens
  SocketAddress local(FlowId flow) const;                                     // not set for an unknown flow
  void stop_listening();  // accepts no more streams; those that are up stay up

  // Called whenever there is something to do; set by the driver. wake() asks for one more pass.
  void drive(std::function<void()> pass);
  void wake();

  // The parts of a pass; used by transport/driver.hpp.
  void deliver_bytes(Handler& handler);
  void deliver_answers(Handler& handler);
  void execute(const Outbox& outbox);
  void arm(TimePoint deadline);  // kNever: no wake-up

  void observe(std::function<void(const Note&, Bytes)> observer);        // gets each Note of the outbox
  void observe_sends(std::function<void(const Path&, Bytes)> observer);  // gets each Send, whatever becomes of it
  EdgeGauges gauges() const;
  const Counters<EdgeDrop>& drops() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace isthmus::transport
