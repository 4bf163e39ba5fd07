// SPDX-License-Identifier: MIT
// Who a datagram on the shared port of all browsers belongs to: STUN by our user name fragment, everything else by the
// source address that a valid integrity check has proved. Lookups do not allocate; only `learn`, after such a check,
// inserts or moves an address. Addresses are bounded per leg and go with the leg.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"
#include "base/hash.hpp"
#include "base/slots.hpp"

namespace isthmus::ice {

// The owner's name for a leg. media::LegId and any other Id of the same form is copied into it by its two numbers.
using MuxLeg = Id<struct MuxLegTag>;

inline constexpr size_t kMaxAddressesPerLeg = 8;

class Mux {
 public:
  explicit Mux(const HashKey& key);

  // False when the fragment is taken, or the leg is none. A leg may have several fragments (ICE restart).
  bool add(MuxLeg leg, std::string_view ufrag);
  // Forgets the leg: its fragments and its addresses.
  void remove(MuxLeg leg);

  // USERNAME of a check, "ours:theirs"; the text before the first colon decides.
  MuxLeg find_username(std::string_view username) const;
  MuxLeg find_address(const SocketAddress& source) const;

  // What a valid integrity check proved. An address of another leg moves; a ninth address of a leg displaces the one
  // that was learned or confirmed longest ago.
  enum class Learned : uint8_t { known, added, moved, no_such_leg };
  Learned learn(MuxLeg leg, const SocketAddress& source);

  size_t leg_count() const { return legs_.size(); }
  size_t address_count() const { return used_; }

 private:
  struct Place {  // of the open-addressing table; an unset address is free
    SocketAddress address;
    MuxLeg leg;
    uint64_t confirmed = 0;  // serial number of the last learn()
  };
  struct LegEntry {
    std::vector<std::string> ufrags;
    std::vector<SocketAddress> addresses;
  };

  size_t home(const SocketAddress& address) const;
  size_t index_of(const SocketAddress& address) const;
  void insert(const Place& place);
  void erase(const SocketAddress& address);
  void grow();
  void displace_oldest(LegEntry& entry);

  HashKey key_;
  std::unordered_map<std::string, MuxLeg, TextHash, std::equal_to<>> ufrags_;
  std::unordered_map<uint64_t, LegEntry> legs_;  // never iterated
  std::vector<Place> table_;                     // a power of two, at most half full
  size_t used_ = 0;
  uint64_t serial_ = 0;
};

// Source addresses that are listened to at all. Empty: every address.
class SourceFilter {
 public:
  SourceFilter() = default;
  explicit SourceFilter(std::vector<Prefix> permitted) : permitted_(std::move(permitted)) {}
  bool admits(const IpAddress& address) const;

 private:
  std::vector<Prefix> permitted_;
};

}  // namespace isthmus::ice
