// SPDX-License-Identifier: MIT
#include "media/leg_table.hpp"

namespace isthmus::media {

void LegTable::close(Leg& leg) {
  if (const RtpLeg* rtp = leg.plain()) {
    ports_.erase(rtp->ports().rtp);
    ports_.erase(rtp->ports().rtcp);
  } else {
    mux_.remove(mux_name(leg.handle));
  }
  by_id_.erase(leg.id);
  legs_.erase(LegHandle(leg.handle));
}

const Leg* LegTable::find(LegId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : legs_.find(found->second);
}

void LegTable::add_shared(FlowId flow, const SocketAddress& local) {
  if (ports_.emplace(flow, Port{PortUse::shared, {}}).second) shared_locals_.push_back(local);
}

void LegTable::add_ports(const Leg& leg, const PortFacts& ports) {
  ports_.emplace(ports.rtp, Port{PortUse::rtp, leg.handle});
  if (ports.rtcp) ports_.emplace(ports.rtcp, Port{PortUse::rtcp, leg.handle});
}

LegTable::Port LegTable::port(FlowId flow) const {
  const auto found = ports_.find(flow);
  return found == ports_.end() ? Port{} : found->second;
}

}  // namespace isthmus::media
