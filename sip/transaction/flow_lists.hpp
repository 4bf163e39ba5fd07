// SPDX-License-Identifier: MIT
// Which transactions use a flow, and which of them one remote address of it: doubly linked lists through the entries of
// the table, so that a lost flow or an unreachable address costs what it touches and nothing else. Order is that of
// insertion.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>

#include "base/hash.hpp"
#include "base/outbox.hpp"

namespace isthmus::sip {

enum class Side : uint8_t { none, client, server };

// A transaction of either side.
struct TransactionRef {
  Side side = Side::none;
  uint32_t slot = 0;
  uint32_t generation = 0;
  explicit operator bool() const { return side != Side::none; }
  friend bool operator==(const TransactionRef&, const TransactionRef&) = default;
};

struct FlowLinks {
  TransactionRef previous;
  TransactionRef next;
};

class FlowLists {
 public:
  explicit FlowLists(const HashKey& key) : lists_(0, PeerHash{key}) {}

  // `links_of(ref)` gives FlowLinks& of a transaction.
  template <class F>
  void add(FlowId flow, const SocketAddress& remote, TransactionRef ref, F&& links_of) {
    Ends& ends = lists_[Peer{flow, remote}];
    links_of(ref) = {ends.last, {}};
    (ends.last ? links_of(ends.last).next : ends.first) = ref;
    ends.last = ref;
  }
  template <class F>
  void remove(FlowId flow, const SocketAddress& remote, TransactionRef ref, F&& links_of) {
    const auto at = lists_.find(Peer{flow, remote});
    if (at == lists_.end()) return;
    const FlowLinks links = links_of(ref);
    (links.previous ? links_of(links.previous).next : at->second.first) = links.next;
    (links.next ? links_of(links.next).previous : at->second.last) = links.previous;
    if (!at->second.first) lists_.erase(at);
  }
  TransactionRef first(FlowId flow, const SocketAddress& remote) const {
    const auto at = lists_.find(Peer{flow, remote});
    return at == lists_.end() ? TransactionRef{} : at->second.first;
  }
  size_t size() const { return lists_.size(); }

 private:
  struct Peer {
    FlowId flow;
    SocketAddress remote;
    friend bool operator==(const Peer&, const Peer&) = default;
  };
  struct PeerHash {  // strangers choose their addresses
    HashKey key;
    size_t operator()(const Peer& peer) const {
      std::array<std::byte, 26> text;
      write_u32(text.data(), peer.flow.slot);
      write_u32(text.data() + 4, peer.flow.generation);
      write_u16(text.data() + 8, peer.remote.port);
      for (size_t i = 0; i < 16; ++i) text[10 + i] = static_cast<std::byte>(peer.remote.ip.octets[i]);
      return keyed_hash(key, text);
    }
  };
  struct Ends {
    TransactionRef first;
    TransactionRef last;
  };
  std::unordered_map<Peer, Ends, PeerHash> lists_;
};

}  // namespace isthmus::sip
