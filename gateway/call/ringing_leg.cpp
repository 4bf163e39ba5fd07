// SPDX-License-Identifier: MIT
// Phones that ring when the program dies (G15): what is told of them while they ring, and how the next run calls them
// off (RFC 3261 9.1).
#include "gateway/call/exchange.hpp"

namespace isthmus::gateway {

// Any 1xx of B: a phone may ring although its 180 was lost. A next target or credentials make another INVITE of it,
// which takes the place of the one before; a phone that moves is called off where it is now (R1.33).
void Exchange::keep_ringing(Now now, Call& call) {
  if (!settings_.keeps_state || call.is_over()) return;
  auto way = user_agent_.cancel_of(call.b.session);
  if (!way) return;
  const bool same_invite = call.ringing && call.ringing->cancel == way->cancel;
  if (same_invite && call.ringing->remote == way->remote && call.ringing->local == way->local) return;
  const WallTime since = same_invite ? call.ringing->since : now.wall;
  call.ringing = RingingLeg{call.facts.id, way->protocol, way->remote, way->local, std::move(way->cancel), since};
  requests_.push_back(RingingChanged{*call.ringing, false});
}

void Exchange::forget_ringing(Call& call) {
  if (!call.ringing) return;
  requests_.push_back(RingingChanged{std::move(*call.ringing), true});
  call.ringing.reset();
}

// A phone that honours Expires has long been quiet after the ring limit.
size_t Exchange::restore_ringing(Now now, const std::vector<RingingLeg>& kept) {
  const auto limit = settings_.ring_limit + settings_.user_agent.endpoint.timers.limit();
  for (const RingingLeg& leg : kept) {
    if (now.wall - leg.since > limit) {
      requests_.push_back(RingingChanged{leg, true});
    } else {
      lost_.push_back(leg);
    }
  }
  if (!lost_.empty()) timers_.set(now.steady, Alarm{Timer::call_off, {}, {}, {}});
  return lost_.size();
}

void Exchange::call_off_lost(Pass& pass) {
  for (RingingLeg& leg : std::exchange(lost_, {})) {
    user_agent_.call_off(pass, {leg.protocol, leg.remote, leg.local, leg.cancel});
    requests_.push_back(RingingChanged{std::move(leg), true});
  }
}

}  // namespace isthmus::gateway
