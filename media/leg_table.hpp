// SPDX-License-Identifier: MIT
// All legs of an engine: by the owner's id for orders, by socket and by proved browser address for packets. Lookups do
// not allocate. Sizes are those of the containers.
#pragma once

#include <unordered_map>
#include <vector>

#include "ice/mux.hpp"
#include "media/leg.hpp"

namespace isthmus::media {

enum class PortUse : uint8_t { none, shared, rtp, rtcp };

class LegTable {
 public:
  LegTable(uint8_t shard, const HashKey& mux_key) : legs_(shard), mux_(mux_key) {}

  // The id must be free.
  template <class... Args>
  Leg& open(LegId id, Args&&... args) {
    const LegHandle handle = legs_.insert(id, std::forward<Args>(args)...);
    by_id_.emplace(id, handle);
    Leg& leg = *legs_.find(handle);
    leg.handle = handle;
    return leg;
  }
  void close(Leg& leg);  // with its ports, fragments and addresses; the reference is void afterwards

  Leg* find(LegId id) { return const_cast<Leg*>(std::as_const(*this).find(id)); }
  const Leg* find(LegId id) const;
  Leg* find(LegHandle handle) { return legs_.find(handle); }
  template <class F>
  void for_each(F&& f) {
    legs_.for_each([&](LegHandle, Leg& leg) { f(leg); });
  }
  size_t size() const { return legs_.size(); }

  // Sockets.
  struct Port {
    PortUse use = PortUse::none;
    LegHandle leg;
  };
  void add_shared(FlowId flow, const SocketAddress& local);
  void add_ports(const Leg& leg, const PortFacts& ports);
  Port port(FlowId flow) const;
  const std::vector<SocketAddress>& shared_locals() const { return shared_locals_; }
  size_t leg_ports() const { return ports_.size() - shared_locals_.size(); }

  // The shared port.
  bool add_fragment(const Leg& leg, std::string_view ufrag) { return mux_.add(mux_name(leg.handle), ufrag); }
  void learn(const Leg& leg, const SocketAddress& source) { mux_.learn(mux_name(leg.handle), source); }
  Leg* by_username(std::string_view username) { return legs_.find(handle_of(mux_.find_username(username))); }
  Leg* by_address(const SocketAddress& source) { return legs_.find(handle_of(mux_.find_address(source))); }

 private:
  struct IdHash {
    template <class Tag>
    size_t operator()(const Id<Tag>& id) const {  // ids are our own: no key is needed
      return (uint64_t{id.slot} << 32 | id.generation) * 0x9e3779b97f4a7c15ULL;
    }
  };
  static ice::MuxLeg mux_name(LegHandle handle) { return {handle.slot, handle.generation}; }
  static LegHandle handle_of(ice::MuxLeg name) { return {name.slot, name.generation}; }

  Slots<Leg> legs_;
  std::unordered_map<LegId, LegHandle, IdHash> by_id_;
  std::unordered_map<FlowId, Port, IdHash> ports_;
  std::vector<SocketAddress> shared_locals_;
  ice::Mux mux_;
};

}  // namespace isthmus::media
