// SPDX-License-Identifier: MIT
// FlowId -> what is behind it: a datagram socket or a stream; and the streams by where they lead to. Generational: a
// stale id finds nothing. For the edge alone.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/outbox.hpp"
#include "transport/edge.hpp"
#include "transport/listener.hpp"
#include "transport/tcp_connection.hpp"
#include "transport/udp_socket.hpp"

namespace isthmus::transport {

struct Flow {
  enum class Kind : uint8_t { datagram, media, port, stream };  // port: bound by a Bind, media too
  Kind kind = Kind::datagram;
  std::optional<UdpSocket> socket;            // all kinds but stream
  std::shared_ptr<TcpConnection> connection;  // stream
  SourceLimits::Admission admission;          // accepted streams
  FlowFacts facts;                            // datagram and stream
  bool spoke = false;                         // a stream whose peer has sent something

  bool is_media() const { return kind == Kind::media || kind == Kind::port; }
};

class FlowTable {
 public:
  explicit FlowTable(uint8_t shard = 0) : flows_(shard) {}

  FlowId insert(Flow flow);  // completes facts.path.flow
  Flow* find(FlowId id) { return flows_.find(id); }
  const Flow* find(FlowId id) const { return flows_.find(id); }
  std::optional<Flow> take(FlowId id);  // out of the table
  // A stream that is up to that address, accepted or opened.
  const Flow* stream_to(Protocol protocol, const SocketAddress& remote) const;
  size_t count(Flow::Kind kind) const;  // walks the table

  template <class F>
  void for_each(F&& f) {
    flows_.for_each(std::forward<F>(f));
  }

 private:
  Slots<Flow, FlowTag> flows_;
  std::map<std::pair<Protocol, SocketAddress>, FlowId> streams_;
};

}  // namespace isthmus::transport
