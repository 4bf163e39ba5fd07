// SPDX-License-Identifier: MIT
#include "transport/flow_table.hpp"

namespace isthmus::transport {

FlowId FlowTable::insert(Flow flow) {
  const FlowId id = flows_.insert(std::move(flow));
  Flow& kept = *flows_.find(id);
  kept.facts.path.flow = id;
  if (kept.kind == Flow::Kind::stream) streams_[{kept.facts.protocol, kept.facts.path.remote}] = id;
  return id;
}

std::optional<Flow> FlowTable::take(FlowId id) {
  Flow* const found = flows_.find(id);
  if (found == nullptr) return std::nullopt;
  const auto at = streams_.find({found->facts.protocol, found->facts.path.remote});
  if (at != streams_.end() && at->second == id) streams_.erase(at);
  std::optional<Flow> out(std::move(*found));
  flows_.erase(id);
  return out;
}

const Flow* FlowTable::stream_to(Protocol protocol, const SocketAddress& remote) const {
  const auto at = streams_.find({protocol, remote});
  return at == streams_.end() ? nullptr : flows_.find(at->second);
}

size_t FlowTable::count(Flow::Kind kind) const {
  size_t out = 0;
  flows_.for_each([&](FlowId, const Flow& flow) { out += flow.kind == kind ? 1 : 0; });
  return out;
}

}  // namespace isthmus::transport
