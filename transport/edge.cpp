// SPDX-License-Identifier: MIT
// What comes in: sockets, connections and timers become inputs of a pass.
#include "transport/edge.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "transport/edge_impl.hpp"

namespace isthmus::transport {
namespace {

constexpr size_t kChunkSlots = 32;
constexpr uint16_t kChunkCapacity = 65535;   // with head- and tailroom off, still above any datagram an MTU lets pass
constexpr uint16_t kPacketCapacity = 2048;   // media: an Ethernet frame with room on both sides
constexpr size_t kPortBatch = 8;             // datagrams taken at once from a port of one call: seldom more wait
constexpr int kListenBuffer = 4 << 20;       // of the kernel: a burst of a flood fits
constexpr size_t kDatagramsPerInput = 1024;  // ICMP errors read at once

std::chrono::steady_clock::time_point to_steady(TimePoint time) {
  return std::chrono::steady_clock::time_point(time.time_since_epoch());
}

Fault fault_of(int error) {
  return {error == ECONNREFUSED ? FaultCode::refused : error == EMSGSIZE ? FaultCode::limit : FaultCode::unreachable};
}

}  // namespace

std::string_view describe(EdgeDrop reason) {
  switch (reason) {
    case EdgeDrop::truncated: return "truncated";
    case EdgeDrop::send_blocked: return "send_blocked";
    case EdgeDrop::send_failed: return "send_failed";
    case EdgeDrop::unreachable: return "unreachable";
    case EdgeDrop::no_such_flow: return "no_such_flow";
    case EdgeDrop::write_queue_full: return "write_queue_full";
    case EdgeDrop::connection_limit: return "connection_limit";
    case EdgeDrop::source_limit: return "source_limit";
    case EdgeDrop::accept_failed: return "accept_failed";
    case EdgeDrop::silent_stream: return "silent_stream";
    case EdgeDrop::ask_limit: return "ask_limit";
    case EdgeDrop::forgotten_answer: return "forgotten_answer";
    case EdgeDrop::kCount: break;
  }
  return "unknown";
}

Edge::Edge(Shard& shard, EdgeConfig config) : impl_(std::make_shared<Impl>(shard, std::move(config))) {}
Edge::~Edge() {
  impl_->shut();
}

Edge::Impl::Impl(Shard& the_shard, EdgeConfig the_config)
    : shard(the_shard),
      context(the_shard.io().context),
      config(std::move(the_config)),
      watched(context, dup(ready.descriptor())),
      timer(context),
      silence_timer(context),
      ports(config.rtp_ports, random_seed()),
      dns(the_shard, DnsConfig{.servers = config.name_servers}),
      chunks(kChunkSlots, kChunkCapacity),
      packets(kDatagramBatch, kPacketCapacity),
      limits(std::make_shared<SourceLimits>(config.max_connections, config.max_per_source)) {}

void Edge::Impl::shut() {
  pass = {};
  for (const auto& listener : listeners) listener->close();
  for (const auto& [key, attempt] : opening) {
    close_quietly(attempt->socket);
    attempt->limit.cancel();
  }
  flows.for_each([](FlowId, Flow& flow) {
    if (flow.connection) flow.connection->close();
  });
  close_quietly(watched);
  timer.cancel();
  silence_timer.cancel();
}

// Listening.

Result<FlowId, SystemError> Edge::listen_udp(const SocketAddress& local, Use use) {
  const bool media = use == Use::media;
  auto socket = UdpSocket::bind(local, {.report_errors = !media, .buffer_bytes = kListenBuffer});
  if (!socket) return fail(socket.error());
  Flow flow;
  flow.kind = media ? Flow::Kind::media : Flow::Kind::datagram;
  flow.facts = {{{}, {}, socket->local()}, Protocol::udp, Framing::datagram, false};
  flow.socket = std::move(*socket);
  const int descriptor = flow.socket->descriptor();
  const FlowId id = impl_->flows.insert(std::move(flow));
  impl_->ready.add(descriptor, id);
  if (!media) impl_->input(Impl::Up{impl_->flows.find(id)->facts});
  impl_->wake();
  return id;
}

Result<SocketAddress, SystemError> Edge::listen_tcp(const SocketAddress& local) {
  const std::weak_ptr<Impl> weak = impl_;
  const auto accepted = [weak](ByteStream&& stream, SourceLimits::Admission&& admission) {
    if (const auto impl = weak.lock()) impl->add_stream(std::move(stream), std::move(admission), true, {});
  };
  const auto refused = [weak](Listener::Refusal refusal) {
    const auto impl = weak.lock();
    if (!impl) return;
    impl->drops.add(refusal == Listener::Refusal::connection_limit ? EdgeDrop::connection_limit
                    : refusal == Listener::Refusal::source_limit   ? EdgeDrop::source_limit
                                                                   : EdgeDrop::accept_failed);
  };
  auto listener = Listener::open(impl_->shard, local, impl_->limits, accepted, refused);
  if (!listener) return fail(listener.error());
  impl_->listeners.push_back(*listener);
  return (*listener)->local();
}

void Edge::stop_listening() {
  for (const auto& listener : impl_->listeners) listener->close();
  impl_->listeners.clear();
}

SocketAddress Edge::local(FlowId flow) const {
  const Flow* const found = impl_->flows.find(flow);
  return found == nullptr ? SocketAddress{} : found->facts.path.local;
}

// Passes.

void Edge::drive(std::function<void()> pass) {
  impl_->pass = std::move(pass);
}

void Edge::wake() {
  impl_->wake();
}

void Edge::Impl::wake() {
  if (std::exchange(scheduled, true)) return;
  asio::post(context, [weak = weak_from_this()] {
    const auto impl = weak.lock();
    if (!impl) return;
    impl->scheduled = false;
    if (!impl->pass) return;
    impl->pass();
    impl->watch();
  });
}

// The set is level-triggered: what a pass left unread wakes the next one.
void Edge::Impl::watch() {
  if (!watched.is_open() || std::exchange(watching, true)) return;
  watched.async_wait(asio::posix::stream_descriptor::wait_read, [weak = weak_from_this()](IoError error) {
    const auto impl = weak.lock();
    if (!impl) return;
    impl->watching = false;
    if (!error) impl->wake();
  });
}

void Edge::arm(TimePoint deadline) {
  if (deadline == impl_->armed) return;
  impl_->armed = deadline;
  impl_->timer.cancel();
  if (deadline == kNever) return;
  impl_->timer.expires_at(to_steady(deadline));
  impl_->timer.async_wait([weak = impl_->weak_from_this(), deadline](IoError error) {
    const auto impl = weak.lock();
    if (error || !impl) return;
    if (impl->armed == deadline) impl->armed = kNever;
    impl->wake();
  });
}

void Edge::Impl::input(Input what) {
  inputs.push_back(std::move(what));
  wake();
}

// Streams.

void Edge::Impl::add_stream(ByteStream stream, SourceLimits::Admission admission, bool inbound,
                            const std::vector<AskId>& askers) {
  Flow flow;
  flow.kind = Flow::Kind::stream;
  flow.admission = std::move(admission);
  flow.facts = {{{}, stream.body().remote(), stream.body().local()}, Protocol::tcp, Framing::stream, inbound};
  const FlowId id = flows.insert(std::move(flow));
  Flow& kept = *flows.find(id);
  const auto weak = weak_from_this();
  kept.connection = std::make_shared<TcpConnection>(
      std::move(stream), config.write_queue_bytes,
      TcpConnection::Events{[weak, id](Bytes bytes) {
                              const auto impl = weak.lock();
                              Flow* const found = impl ? impl->flows.find(id) : nullptr;
                              if (found == nullptr) return;
                              found->spoke = true;
                              impl->input(Chunk{found->facts.path, found->connection, bytes});
                            },
                            [weak, id](Fault why) {
                              if (const auto impl = weak.lock()) impl->stream_over(id, why);
                            }});
  if (inbound) {
    silent.emplace_back(read_clocks().steady + config.first_bytes_limit, id);
    if (silent.size() == 1) watch_silence();
  }
  for (const AskId ask : askers) reply(ask, kept.facts);
  input(Up{kept.facts});
}

void Edge::Impl::stream_over(FlowId id, Fault why) {
  const std::optional<Flow> flow = flows.take(id);
  if (!flow) return;
  flow->connection->close();
  input(Down{id, why});
}

void Edge::Impl::watch_silence() {
  silence_timer.expires_at(to_steady(silent.front().first));
  silence_timer.async_wait([weak = weak_from_this()](IoError error) {
    const auto impl = weak.lock();
    if (error || !impl) return;
    const TimePoint now = read_clocks().steady;
    while (!impl->silent.empty() && impl->silent.front().first <= now) {
      const FlowId id = impl->silent.front().second;
      impl->silent.pop_front();
      const Flow* const flow = impl->flows.find(id);
      if (flow == nullptr || flow->spoke) continue;
      impl->drops.add(EdgeDrop::silent_stream);
      impl->stream_over(id, {FaultCode::timed_out});
    }
    if (!impl->silent.empty()) impl->watch_silence();
  });
}

// The parts of a pass.

void Edge::deliver_bytes(Handler& handler) {
  // What a step adds is for the next pass. In place, because a queue made anew takes memory even when it stays empty.
  for (size_t left = impl_->inputs.size(); left > 0; --left) {
    Impl::Input each = std::move(impl_->inputs.front());
    impl_->inputs.pop_front();
    impl_->deliver(handler, each);
  }
  std::array<FlowId, kDatagramBatch> ready;
  const size_t count = impl_->ready.ready(ready);
  const std::span<PacketSlot> slots = impl_->packets.slots();
  size_t filled = 0;
  for (const FlowId id : std::span(ready).first(count)) {
    Flow* const flow = impl_->flows.find(id);
    if (flow == nullptr) continue;
    if (!flow->is_media()) {
      impl_->receive_datagrams(handler, id, *flow);
      continue;
    }
    const size_t most = flow->kind == Flow::Kind::port ? kPortBatch : kDatagramBatch;
    const std::span<PacketSlot> room = slots.subspan(filled, std::min(most, slots.size() - filled));
    const ReceiveOutcome outcome = flow->socket->receive(room, id);
    impl_->check_receive(id, *flow, outcome);
    filled += outcome.received;
    if (filled == slots.size()) impl_->pass_packets(handler, slots.first(std::exchange(filled, 0)));
  }
  if (filled > 0) impl_->pass_packets(handler, slots.first(filled));
}

void Edge::Impl::deliver(Handler& handler, Input& what) {
  if (const auto* up = std::get_if<Up>(&what)) {
    handler.flow_up(up->facts);
    const Flow* const flow = flows.find(up->facts.path.flow);
    if (flow != nullptr && flow->connection) flow->connection->read();
  } else if (const auto* chunk = std::get_if<Chunk>(&what)) {
    handler.received(chunk->path, chunk->bytes);
    chunk->connection->read();
  } else if (const auto* down = std::get_if<Down>(&what)) {
    handler.flow_down(down->flow, down->why);
  } else if (const auto* lost = std::get_if<Unreachable>(&what)) {
    handler.unreachable(lost->path, lost->why);
  }
}

void Edge::Impl::receive_datagrams(Handler& handler, FlowId id, Flow& flow) {
  const std::span<PacketSlot> slots = chunks.slots();
  const ReceiveOutcome outcome = flow.socket->receive(slots, id);
  check_receive(id, flow, outcome);
  for (const PacketSlot& slot : slots.first(outcome.received)) handler.received(slot.path, slot.bytes());
}

void Edge::Impl::check_receive(FlowId id, Flow& flow, const ReceiveOutcome& outcome) {
  if (outcome.truncated > 0) drops.add(EdgeDrop::truncated, outcome.truncated);
  if (outcome.error != 0) drain_errors(id, flow);
}

// ICMP errors of a signalling socket become inputs; those of media sockets are not asked for.
size_t Edge::Impl::drain_errors(FlowId id, Flow& flow) {
  size_t count = 0;
  while (count < kDatagramsPerInput) {
    const std::optional<DatagramError> error = flow.socket->read_error();
    if (!error) break;
    ++count;
    drops.add(EdgeDrop::unreachable);
    input(Unreachable{{id, error->remote, flow.facts.path.local}, fault_of(error->error)});
  }
  return count;
}

// Hands a batch to the media machine and sends what it turned, one system call per socket.
void Edge::Impl::pass_packets(Handler& handler, std::span<PacketSlot> batch) {
  handler.packets(batch);
  std::array<Datagram, kDatagramBatch> group;
  for (size_t i = 0; i < batch.size(); ++i) {
    const FlowId id = batch[i].path.flow;
    if (!id) continue;
    size_t size = 0;
    for (size_t j = i; j < batch.size(); ++j) {
      if (batch[j].path.flow != id) continue;
      group[size++] = {batch[j].path.remote, batch[j].path.local, std::as_const(batch[j]).bytes()};
      batch[j].drop();
    }
    send_datagrams(id, std::span(group).first(size));
  }
  for (PacketSlot& slot : batch) packets.reset(slot);
}

void Edge::Impl::send_datagrams(FlowId id, std::span<const Datagram> batch) {
  Flow* const flow = flows.find(id);
  if (flow == nullptr || !flow->socket) return drops.add(EdgeDrop::no_such_flow, batch.size());
  bool again = false;
  while (!batch.empty()) {
    const SendOutcome outcome = flow->socket->send(batch);
    batch = batch.subspan(outcome.sent);
    if (batch.empty()) return;
    if (outcome.sent > 0) again = false;
    if (outcome.error == EAGAIN || outcome.error == ENOBUFS) return drops.add(EdgeDrop::send_blocked, batch.size());
    // An ICMP error of an earlier datagram is told to whichever call comes next, which then has not sent anything.
    if (!flow->is_media() && drain_errors(id, *flow) > 0 && !std::exchange(again, true)) continue;
    drops.add(EdgeDrop::send_failed);
    if (!flow->is_media()) input(Unreachable{{id, batch[0].remote, flow->facts.path.local}, fault_of(outcome.error)});
    batch = batch.subspan(1);
    again = false;
  }
}

EdgeGauges Edge::gauges() const {
  const FlowTable& flows = impl_->flows;
  return {flows.count(Flow::Kind::datagram) + flows.count(Flow::Kind::media), flows.count(Flow::Kind::port),
          flows.count(Flow::Kind::stream), impl_->opening.size(), impl_->dns.under_way()};
}
const Counters<EdgeDrop>& Edge::drops() const {
  return impl_->drops;
}
void Edge::observe_sends(std::function<void(const Path&, Bytes)> observer) {
  impl_->send_observer = std::move(observer);
}
void Edge::observe(std::function<void(const Note&, Bytes)> observer) {
  impl_->observer = std::move(observer);
}

}  // namespace isthmus::transport
