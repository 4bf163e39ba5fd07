// SPDX-License-Identifier: MIT
// What goes out: the actions of an outbox, in their order, and the answers to asks.
#include <boost/asio/ip/tcp.hpp>

#include "transport/edge.hpp"
#include "transport/edge_impl.hpp"

namespace isthmus::transport {

void Edge::execute(const Outbox& outbox) {
  Impl::Batch batch;
  for (const Action& action : outbox.actions) {
    if (const auto* send = std::get_if<Send>(&action)) {
      if (impl_->send_observer) impl_->send_observer(send->path, outbox.view(send->bytes));
      impl_->send(outbox, *send, batch);
      continue;
    }
    if (const auto* note = std::get_if<Note>(&action)) {
      if (impl_->observer) impl_->observer(*note, outbox.view(note->bytes));
      continue;
    }
    impl_->flush(batch);
    if (const auto* open = std::get_if<Open>(&action)) impl_->open(*open);
    if (const auto* bind = std::get_if<Bind>(&action)) impl_->bind(*bind);
    if (const auto* lookup = std::get_if<Lookup>(&action)) impl_->lookup(outbox, *lookup);
    if (const auto* close = std::get_if<Close>(&action)) impl_->close(*close);
    if (const auto* forget = std::get_if<Forget>(&action)) impl_->forget(*forget);
  }
  impl_->flush(batch);
}

void Edge::deliver_answers(Handler& handler) {
  for (size_t left = impl_->answers.size(); left > 0; --left) {
    const auto [ask, answer] = std::move(impl_->answers.front());
    impl_->answers.pop_front();
    if (impl_->asks.erase(Impl::key_of(ask)) > 0) {
      handler.answer(ask, answer);
      continue;
    }
    impl_->drops.add(EdgeDrop::forgotten_answer);
    if (const auto* ports = std::get_if<PortFacts>(&answer)) {  // nobody will ever close them
      impl_->release(ports->rtp);
      impl_->release(ports->rtcp);
    }
  }
}

// An ask beyond the limit is answered with a fault at once, so it counts for that long.
bool Edge::Impl::begin(AskId ask) {
  const bool full = asks.size() >= config.max_asks;
  asks.insert(key_of(ask));
  if (!full) return true;
  drops.add(EdgeDrop::ask_limit);
  reply(ask, Fault{FaultCode::limit});
  return false;
}

void Edge::Impl::reply(AskId ask, Answer answer) {
  answers.emplace_back(ask, std::move(answer));
  wake();
}

void Edge::Impl::send(const Outbox& outbox, const Send& action, Batch& batch) {
  const FlowId id = action.path.flow;
  Flow* const flow = flows.find(id);
  if (flow == nullptr) return drops.add(EdgeDrop::no_such_flow);
  const Bytes bytes = outbox.view(action.bytes);
  if (flow->connection) {
    if (flow->connection->write(bytes)) return;
    drops.add(EdgeDrop::write_queue_full);
    return stream_over(id, {FaultCode::limit});
  }
  if (batch.flow != id || batch.size == batch.datagrams.size()) flush(batch);
  batch.flow = id;
  batch.datagrams[batch.size++] = {action.path.remote, action.path.local, bytes};
}

void Edge::Impl::flush(Batch& batch) {
  if (batch.size == 0) return;
  send_datagrams(batch.flow, std::span(batch.datagrams).first(std::exchange(batch.size, 0)));
}

void Edge::Impl::open(const Open& action) {
  if (!begin(action.ask)) return;
  const StreamKey key{action.protocol, action.remote};
  if (const Flow* const up = flows.stream_to(action.protocol, action.remote)) return reply(action.ask, up->facts);
  const auto at = opening.find(key);
  if (at != opening.end()) {
    at->second->askers.push_back(action.ask);
    return;
  }
  if (action.protocol != Protocol::tcp || !action.remote.is_set() || action.remote.port == 0) {
    return reply(action.ask, Fault{FaultCode::unreachable});
  }
  const auto attempt = std::make_shared<Opening>(context);
  if (limits->admit_own(attempt->admission) != SourceLimits::Verdict::admitted) {
    drops.add(EdgeDrop::connection_limit);
    return reply(action.ask, Fault{FaultCode::limit});
  }
  attempt->askers.push_back(action.ask);
  opening.emplace(key, attempt);
  connect(key);
}

void Edge::Impl::connect(const StreamKey& key) {
  const std::shared_ptr<Opening> attempt = opening.at(key);
  const auto weak = weak_from_this();
  attempt->limit.expires_after(config.connect_limit);
  attempt->limit.async_wait([attempt](IoError error) {
    if (!error) close_quietly(attempt->socket);
  });
  attempt->socket.async_connect(to_endpoint(key.second), [weak, key, attempt](IoError error) {
    attempt->limit.cancel();
    const auto impl = weak.lock();
    if (!impl) return;
    const auto at = impl->opening.find(key);
    if (at != impl->opening.end() && at->second == attempt) impl->connected(key, error);
  });
}

void Edge::Impl::connected(const StreamKey& key, IoError error) {
  const std::shared_ptr<Opening> attempt = opening.at(key);
  opening.erase(key);
  if (!error) {
    return add_stream(make_tcp_stream(std::move(attempt->socket)), std::move(attempt->admission), false,
                      attempt->askers);
  }
  for (const AskId ask : attempt->askers) reply(ask, to_fault(error));
}

void Edge::Impl::bind(const Bind& action) {
  if (!begin(action.ask)) return;
  auto bound = ports.bind(action.local, action.pair);
  if (!bound) return reply(action.ask, bound.error());
  const auto add = [this](UdpSocket socket) {
    Flow flow;
    flow.kind = Flow::Kind::port;
    flow.facts = {{{}, {}, socket.local()}, Protocol::udp, Framing::datagram, false};
    const int descriptor = socket.descriptor();
    flow.socket = std::move(socket);
    const FlowId id = flows.insert(std::move(flow));
    ready.add(descriptor, id);
    return id;
  };
  PortFacts facts;
  facts.rtp_local = bound->rtp.local();
  facts.rtp = add(std::move(bound->rtp));
  if (bound->rtcp) {
    facts.rtcp_local = bound->rtcp->local();
    facts.rtcp = add(std::move(*bound->rtcp));
  }
  reply(action.ask, facts);
}

void Edge::Impl::release(FlowId port) {
  const std::optional<Flow> flow = flows.take(port);
  if (flow && flow->socket) ready.remove(flow->socket->descriptor());
}

void Edge::Impl::lookup(const Outbox& outbox, const Lookup& action) {
  if (!begin(action.ask)) return;
  const auto answered = [weak = weak_from_this(), ask = action.ask](Result<Records, Fault> result) {
    const auto impl = weak.lock();
    if (!impl) return;
    impl->reply(ask, result ? Answer(std::move(*result)) : Answer(result.error()));
  };
  dns.lookup(action.type, as_text(outbox.view(action.name)), answered);
}

void Edge::Impl::close(const Close& action) {
  Flow* const flow = flows.find(action.flow);
  if (flow == nullptr) return drops.add(EdgeDrop::no_such_flow);
  if (!flow->connection) {
    const bool was_told = flow->kind == Flow::Kind::datagram;
    release(action.flow);
    if (was_told) input(Down{action.flow, {FaultCode::closed}});
    return;
  }
  const std::shared_ptr<TcpConnection> connection = flow->connection;
  flows.take(action.flow);
  connection->finish();
  std::erase_if(inputs, [&](const Input& each) {
    const auto* chunk = std::get_if<Chunk>(&each);
    return chunk != nullptr && chunk->path.flow == action.flow;
  });
  input(Down{action.flow, {FaultCode::closed}});
}

// An attempt that nobody waits for any more is given up.
void Edge::Impl::forget(const Forget& action) {
  if (asks.erase(key_of(action.ask)) == 0) return;
  for (auto at = opening.begin(); at != opening.end(); ++at) {
    std::vector<AskId>& askers = at->second->askers;
    if (std::erase(askers, action.ask) == 0) continue;
    if (askers.empty()) {
      close_quietly(at->second->socket);
      opening.erase(at);
    }
    return;
  }
}

}  // namespace isthmus::transport
