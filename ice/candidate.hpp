// SPDX-License-Identifier: MIT
// ICE candidates as values (RFC 8445 section 5.1): priority, foundation, and the host candidates of one component. The
// text form a=candidate lives in sdp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"

namespace isthmus::ice {

enum class CandidateType : uint8_t { host, peer_reflexive, server_reflexive, relayed };

// 5.1.2.2
inline constexpr uint8_t kHostPreference = 126;
inline constexpr uint8_t kPeerReflexivePreference = 110;
inline constexpr uint8_t kServerReflexivePreference = 100;
inline constexpr uint8_t kRelayedPreference = 0;
inline constexpr uint8_t kRtpComponent = 1;
inline constexpr size_t kMaxHostCandidates = 8;  // more addresses of one machine add checks, not reach

struct Candidate {
  CandidateType type = CandidateType::host;
  uint8_t component = kRtpComponent;
  uint32_t priority = 0;
  SocketAddress address;
  SocketAddress base;  // equals `address` for a host candidate
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// 5.1.2.1: 2^24 * type preference + 2^8 * local preference + (256 - component).
uint32_t priority(CandidateType type, uint16_t local_preference, uint8_t component);

// 5.1.1.3: equal for candidates of equal type and base address. Decimal digits, so ice-chars, at most 10.
std::string foundation(const Candidate& candidate);

// One host candidate for each address that can be spoken to, in the given order, best first. Unspecified, multicast and
// broadcast addresses are left out, doubles too; at most kMaxHostCandidates.
std::vector<Candidate> host_candidates(std::span<const SocketAddress> addresses, uint8_t component = kRtpComponent);

}  // namespace isthmus::ice
