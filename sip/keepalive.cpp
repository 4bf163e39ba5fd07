// SPDX-License-Identifier: MIT
// One timer per path; its next one is set when it fires.
#include "sip/keepalive.hpp"

namespace isthmus::sip {

bool Keepalive::add(const Path& path, Protocol protocol, TimePoint now) {
  const Key key{path.flow, path.remote};
  const auto at = paths_.find(key);
  if (at != paths_.end()) {
    ++at->second.users;
    return true;
  }
  if (paths_.size() >= config_.max_paths) {
    ++refused_;
    return false;
  }
  Kept& kept = paths_[key];
  kept.path = path;
  kept.period = is_reliable(protocol) ? config_.stream_period : config_.datagram_period;
  kept.users = 1;
  kept.timer = timers_.set(now + kept.period, key);
  return true;
}

void Keepalive::remove(const Path& path) {
  const auto at = paths_.find(Key{path.flow, path.remote});
  if (at == paths_.end() || --at->second.users > 0) return;
  timers_.cancel(at->second.timer);
  paths_.erase(at);
}

void Keepalive::flow_down(FlowId flow) {
  auto at = paths_.lower_bound(Key{flow, {}});
  while (at != paths_.end() && at->first.flow == flow) {
    timers_.cancel(at->second.timer);
    at = paths_.erase(at);
  }
}

void Keepalive::expire(Pass& pass) {
  while (const auto key = timers_.take_due(pass.now.steady)) {
    Kept& kept = paths_.at(*key);
    pass.out.send(kept.path, as_bytes(kKeepalivePing));
    kept.timer = timers_.set(pass.now.steady + kept.period, *key);
  }
}

}  // namespace isthmus::sip
