// SPDX-License-Identifier: MIT
#include "tests/support/world.hpp"

#include <algorithm>

namespace isthmus::test {

using std::chrono::milliseconds;

Fate lossy_fate(Random& random) {
  Fate fate = Fate::lost();
  if (random.below(10) == 0) return fate;
  const size_t copies = random.below(10) == 0 ? 2 : 1;
  for (size_t i = 0; i < copies; ++i) {
    const bool slow = random.below(20) == 0;
    fate.arrivals.push_back(milliseconds(1 + random.below(slow ? 900 : 60)));
  }
  return fate;
}

Host::Host(World& world, Node& node, SocketAddress address, bool listens_on_tcp)
    : world_(world), node_(node), address_(address), listens_(listens_on_tcp) {
  world_.hosts_.push_back(this);
  udp_ = new_flow();
  const FlowFacts facts{Path{udp_, {}, address_}, Protocol::udp, Framing::datagram, false};
  with([&](Pass& pass) { node_.flow_up(pass, facts); });
}

// A host that leaves the world is not asked for deadlines any more.
Host::~Host() {
  std::erase(world_.hosts_, this);
}

FlowId Host::new_flow() {
  return {++flows_, 1};
}

void Host::with(const std::function<void(Pass&)>& verb) {
  Pass pass{world_.now(), out_};
  verb(pass);
  node_.after(pass);
  execute();
}

void Host::execute() {
  Outbox batch;
  std::swap(batch, out_);
  for (const Action& action : batch.actions) {
    if (const auto* said = std::get_if<Send>(&action)) {
      send(said->path, std::string(as_text(batch.view(said->bytes))));
      continue;
    }
    executed.push_back(action);
    const bool asks = std::holds_alternative<Open>(action) || std::holds_alternative<Lookup>(action);
    if (asks && !answers_) continue;
    if (const auto* wanted = std::get_if<Open>(&action)) open(*wanted);
    if (const auto* close = std::get_if<Close>(&action)) drop_stream(close->flow, {FaultCode::closed});
    if (const auto* lookup = std::get_if<Lookup>(&action)) {
      const auto zone = zone_.find(std::string(as_text(batch.view(lookup->name))));
      Records found;
      if (zone != zone_.end()) {
        for (const Record& record : zone->second.list) {
          if (record.type == lookup->type) found.list.push_back(record);
        }
      }
      world_.later(answers_in_,
                   [this, ask = lookup->ask, found] { with([&](Pass& pass) { node_.answer(pass, ask, found); }); });
    }
  }
}

void Host::send(const Path& path, std::string bytes) {
  const auto stream = streams_.find(path.flow);
  if (path.flow != udp_ && stream == streams_.end()) return;
  Datagram one{address_, path.flow == udp_ ? path.remote : stream->second.peer->address_, std::move(bytes), path};
  if (world_.meddle) one.bytes = world_.meddle(one);
  if (one.bytes.empty()) return;
  if (path.flow == udp_) return world_.carry(std::move(one));
  world_.later(milliseconds(1), [peer = stream->second.peer, flow = stream->second.peer_flow, bytes = one.bytes] {
    const auto there = peer->streams_.find(flow);
    if (there == peer->streams_.end()) return;
    const Path theirs = there->second.facts.path;
    peer->with([&](Pass& pass) { peer->node_.receive(pass, theirs, as_bytes(bytes)); });
  });
}

void Host::open(const Open& action) {
  Host* peer = world_.find(action.remote);
  if (peer == nullptr || !peer->listens_ || peer->refuses_) {
    world_.later(answers_in_, [this, ask = action.ask] {
      with([&](Pass& pass) { node_.answer(pass, ask, Fault{FaultCode::refused}); });
    });
    return;
  }
  const FlowId here = new_flow();
  const FlowId there = peer->new_flow();
  const SocketAddress local{address_.ip, static_cast<uint16_t>(40000 + flows_)};
  const FlowFacts mine{Path{here, peer->address_, local}, Protocol::tcp, Framing::stream, false};
  const FlowFacts theirs{Path{there, local, peer->address_}, Protocol::tcp, Framing::stream, true};
  world_.later(answers_in_, [=, this, ask = action.ask] {
    streams_[here] = {peer, there, mine};
    peer->streams_[there] = {this, here, theirs};
    peer->with([&](Pass& pass) { peer->node_.flow_up(pass, theirs); });
    with([&](Pass& pass) {
      node_.flow_up(pass, mine);
      node_.answer(pass, ask, mine);
    });
  });
}

void Host::drop_stream(FlowId flow, Fault why) {
  const auto found = streams_.find(flow);
  if (found == streams_.end()) return;
  const Stream stream = found->second;
  streams_.erase(found);
  world_.later(milliseconds(1), [this, flow, why] { with([&](Pass& pass) { node_.flow_down(pass, flow, why); }); });
  // What was sent before a close still arrives; a reset loses it.
  const bool flushed = why.code == FaultCode::closed;
  if (!flushed) stream.peer->streams_.erase(stream.peer_flow);
  world_.later(milliseconds(1), [peer = stream.peer, there = stream.peer_flow, why, flushed] {
    if (flushed && peer->streams_.erase(there) == 0) return;
    peer->with([&](Pass& pass) { peer->node_.flow_down(pass, there, why); });
  });
}

void Host::break_streams() {
  while (!streams_.empty()) drop_stream(streams_.begin()->first, {FaultCode::reset});
}

Host* World::find(const SocketAddress& address) {
  for (Host* host : hosts_) {
    if (host->address_ == address) return host;
  }
  return nullptr;
}

void World::carry(Datagram datagram) {
  if (tap) tap(datagram);
  const Fate what = fate ? fate(datagram) : Fate{};
  for (const Duration delay : what.arrivals) {
    later(delay, [this, datagram] {
      Host* to = find(datagram.to);
      if (to == nullptr) return;
      to->with([&](Pass& pass) { to->node_.receive(pass, to->udp_path(datagram.from), as_bytes(datagram.bytes)); });
    });
  }
}

void World::later(Duration in, std::function<void()> what) {
  happenings_.emplace(std::pair{now_.steady + in, order_++}, std::move(what));
}

bool World::step(TimePoint until) {
  TimePoint timer = kNever;
  Host* whose = nullptr;
  for (Host* host : hosts_) {
    const TimePoint deadline = std::max(host->node_.next_deadline(), now_.steady);
    if (host->node_.next_deadline() != kNever && deadline < timer) {
      timer = deadline;
      whose = host;
    }
  }
  const TimePoint event = happenings_.empty() ? kNever : happenings_.begin()->first.first;
  const TimePoint at = std::min(timer, event);
  if (at == kNever || at > until) return false;
  now_.wall += at - now_.steady;
  now_.steady = at;
  if (event <= timer) {  // received bytes before timers
    const auto what = std::move(happenings_.begin()->second);
    happenings_.erase(happenings_.begin());
    what();
  } else {
    whose->with([&](Pass& pass) { whose->node_.expire(pass); });
  }
  if (watch) watch();
  return true;
}

void World::run_for(Duration time) {
  const TimePoint until = now_.steady + time;
  while (step(until)) {
  }
  now_.wall += until - now_.steady;
  now_.steady = until;
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
  const TimePoint until = now_.steady + limit;
  while (!condition()) {
    if (!step(until)) return condition();
  }
  return true;
}

}  // namespace isthmus::test
