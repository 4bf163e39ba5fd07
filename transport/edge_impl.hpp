// SPDX-License-Identifier: MIT
// The inside of the edge, shared by edge.cpp (what comes in) and edge_actions.cpp (what goes out). For these two alone.
#pragma once

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "transport/dns_client.hpp"
#include "transport/edge.hpp"
#include "transport/flow_table.hpp"
#include "transport/port_range.hpp"

namespace isthmus::transport {

struct Edge::Impl : std::enable_shared_from_this<Edge::Impl> {
  struct Up {
    FlowFacts facts;
  };
  struct Chunk {  // the connection keeps the bytes until it is told to read on
    Path path;
    std::shared_ptr<TcpConnection> connection;
    Bytes bytes;
  };
  struct Down {
    FlowId flow;
    Fault why;
  };
  struct Unreachable {
    Path path;
    Fault why;
  };
  using Input = std::variant<Up, Chunk, Down, Unreachable>;

  using AskKey = std::pair<Room, Id<AskTag>>;
  using StreamKey = std::pair<Protocol, SocketAddress>;
  struct Opening {
    explicit Opening(asio::io_context& context) : socket(context), limit(context) {}
    asio::ip::tcp::socket socket;
    asio::steady_timer limit;
    SourceLimits::Admission admission;
    std::vector<AskId> askers;
  };
  // Datagrams to one flow, collected from consecutive actions.
  struct Batch {
    FlowId flow;
    std::array<Datagram, kDatagramBatch> datagrams;
    size_t size = 0;
  };

  Impl(Shard& shard, EdgeConfig config);
  void shut();  // the edge is being destroyed

  // What comes in.
  void wake();
  void watch();
  void input(Input what);
  void add_stream(ByteStream stream, SourceLimits::Admission admission, bool inbound, const std::vector<AskId>& askers);
  void stream_over(FlowId flow, Fault why);
  void watch_silence();
  void deliver(Handler& handler, Input& what);
  void receive_datagrams(Handler& handler, FlowId id, Flow& flow);
  void pass_packets(Handler& handler, std::span<PacketSlot> batch);
  size_t drain_errors(FlowId id, Flow& flow);
  void check_receive(FlowId id, Flow& flow, const ReceiveOutcome& outcome);

  // What goes out.
  void send_datagrams(FlowId id, std::span<const Datagram> batch);
  void flush(Batch& batch);
  void send(const Outbox& outbox, const Send& action, Batch& batch);
  void open(const Open& action);
  void connect(const StreamKey& key);
  void connected(const StreamKey& key, IoError error);
  void bind(const Bind& action);
  void lookup(const Outbox& outbox, const Lookup& action);
  void close(const Close& action);
  void forget(const Forget& action);
  bool begin(AskId ask);
  void reply(AskId ask, Answer answer);
  void release(FlowId port);

  static AskKey key_of(AskId ask) { return {ask.room, ask.ask}; }

  Shard& shard;
  asio::io_context& context;
  EdgeConfig config;
  FlowTable flows;
  ReadySet ready;
  asio::posix::stream_descriptor watched;  // a second name of the ready set
  asio::steady_timer timer;
  asio::steady_timer silence_timer;
  PortAllocator ports;
  DnsClient dns;
  PacketPool chunks;   // signalling datagrams, of any size (RFC 3261 section 18.1.1)
  PacketPool packets;  // media
  std::shared_ptr<SourceLimits> limits;
  std::vector<std::shared_ptr<Listener>> listeners;

  std::deque<Input> inputs;
  std::deque<std::pair<AskId, Answer>> answers;
  std::set<AskKey> asks;  // wait for an answer
  std::map<StreamKey, std::shared_ptr<Opening>> opening;
  std::deque<std::pair<TimePoint, FlowId>> silent;  // accepted streams, by the time they must have spoken

  std::function<void()> pass;
  std::function<void(const Note&, Bytes)> observer;
  std::function<void(const Path&, Bytes)> send_observer;
  Counters<EdgeDrop> drops;
  TimePoint armed = kNever;
  bool scheduled = false;
  bool watching = false;
};

}  // namespace isthmus::transport
