// SPDX-License-Identifier: MIT
// Keeps the ways to registered parties open through NATs (R1.33; RFC 5626 sections 3.5.1 and 4.4.1): every path that a
// binding uses gets a few bytes regularly - CRLF CRLF, which every SIP peer ignores in front of a message (RFC 3261
// section 7.5) and in a datagram of its own. Bounded; it expects no answer and decides nothing.
#pragma once

#include <cstdint>
#include <map>

#include "base/deadlines.hpp"
#include "base/machine.hpp"

namespace isthmus::sip {

inline constexpr std::string_view kKeepalivePing = "\r\n\r\n";  // RFC 5626 section 3.5.1
inline constexpr std::string_view kKeepalivePong = "\r\n";      // the answer to a ping on a stream

struct KeepaliveConfig {
  Duration datagram_period = std::chrono::seconds(25);  // below the 30 s after which NATs forget UDP
  Duration stream_period = std::chrono::seconds(95);    // RFC 5626 section 4.4.1: at most 120 s
  size_t max_paths = 100000;
};

class Keepalive {
 public:
  explicit Keepalive(const KeepaliveConfig& config = {}) : config_(config) {}

  // One more binding uses this path. False: the limit is reached; counted, the path is not kept alive.
  bool add(const Path& path, Protocol protocol, TimePoint now);
  void remove(const Path& path);  // one binding less
  void flow_down(FlowId flow);    // all its paths are forgotten, whatever their users
  void expire(Pass& pass);
  TimePoint next_deadline() const { return timers_.next(); }

  bool keeps(const Path& path) const { return paths_.contains(Key{path.flow, path.remote}); }

  size_t paths() const { return paths_.size(); }
  size_t timers() const { return timers_.size(); }
  uint64_t refused() const { return refused_; }

 private:
  struct Key {  // ordered by flow first, so that a flow's paths lie together
    FlowId flow;
    SocketAddress remote;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Kept {
    Path path;
    Duration period{};
    uint32_t users = 0;
    TimerId timer;
  };

  KeepaliveConfig config_;
  std::map<Key, Kept> paths_;
  Deadlines<Key> timers_;
  uint64_t refused_ = 0;
};

}  // namespace isthmus::sip
