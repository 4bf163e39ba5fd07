// SPDX-License-Identifier: MIT
#include "ice/candidate.hpp"

#include <algorithm>

namespace isthmus::ice {
namespace {

uint8_t type_preference(CandidateType type) {
  switch (type) {
    case CandidateType::host: return kHostPreference;
    case CandidateType::peer_reflexive: return kPeerReflexivePreference;
    case CandidateType::server_reflexive: return kServerReflexivePreference;
    case CandidateType::relayed: return kRelayedPreference;
  }
  return kRelayedPreference;
}

bool can_be_spoken_to(const SocketAddress& address) {
  return address.is_set() && address.port != 0 && !address.ip.is_unspecified() && !address.ip.is_multicast() &&
         !address.ip.is_broadcast();
}

}  // namespace

uint32_t priority(CandidateType type, uint16_t local_preference, uint8_t component) {
  return (uint32_t{type_preference(type)} << 24) | (uint32_t{local_preference} << 8) | (256U - component);
}

std::string foundation(const Candidate& candidate) {
  // FNV-1a over type, family and base address; only equality counts.
  uint32_t hash = 2166136261U;
  const auto mix = [&hash](uint8_t value) { hash = (hash ^ value) * 16777619U; };
  mix(static_cast<uint8_t>(candidate.type));
  mix(static_cast<uint8_t>(candidate.base.ip.family));
  for (const uint8_t value : candidate.base.ip.octets) mix(value);
  return std::to_string(hash);
}

std::vector<Candidate> host_candidates(std::span<const SocketAddress> addresses, uint8_t component) {
  std::vector<Candidate> made;
  uint16_t preference = 65535;
  for (const SocketAddress& address : addresses) {
    if (made.size() == kMaxHostCandidates) break;
    const bool seen = std::any_of(made.begin(), made.end(), [&](const Candidate& c) { return c.address == address; });
    if (seen || !can_be_spoken_to(address)) continue;
    made.push_back(
        {CandidateType::host, component, priority(CandidateType::host, preference, component), address, address});
    --preference;
  }
  return made;
}

}  // namespace isthmus::ice
