// SPDX-License-Identifier: MIT
#include "ice/mux.hpp"

#include <algorithm>

namespace isthmus::ice {
namespace {

constexpr size_t kFirstCapacity = 64;

uint64_t number_of(MuxLeg leg) {
  return (uint64_t{leg.slot} << 32) | leg.generation;
}

}  // namespace

Mux::Mux(const HashKey& key) : key_(key), ufrags_(0, TextHash{key}, std::equal_to<>{}), table_(kFirstCapacity) {}

bool Mux::add(MuxLeg leg, std::string_view ufrag) {
  if (!leg || ufrag.empty()) return false;
  if (!ufrags_.emplace(ufrag, leg).second) return false;
  legs_[number_of(leg)].ufrags.emplace_back(ufrag);
  return true;
}

void Mux::remove(MuxLeg leg) {
  const auto found = legs_.find(number_of(leg));
  if (found == legs_.end()) return;
  for (const std::string& ufrag : found->second.ufrags) ufrags_.erase(ufrag);
  for (const SocketAddress& address : found->second.addresses) erase(address);
  legs_.erase(found);
}

MuxLeg Mux::find_username(std::string_view username) const {
  const size_t colon = username.find(':');
  if (colon == std::string_view::npos) return {};
  const auto found = ufrags_.find(username.substr(0, colon));
  return found == ufrags_.end() ? MuxLeg{} : found->second;
}

MuxLeg Mux::find_address(const SocketAddress& source) const {
  return table_[index_of(source)].leg;
}

Mux::Learned Mux::learn(MuxLeg leg, const SocketAddress& source) {
  const auto entry = legs_.find(number_of(leg));
  if (entry == legs_.end() || !source.is_set()) return Learned::no_such_leg;
  Place& place = table_[index_of(source)];
  Learned learned = Learned::added;
  if (place.leg == leg) {
    place.confirmed = ++serial_;
    return Learned::known;
  }
  if (place.leg) {
    std::erase(legs_.at(number_of(place.leg)).addresses, source);
    erase(source);
    learned = Learned::moved;
  }
  if (entry->second.addresses.size() == kMaxAddressesPerLeg) displace_oldest(entry->second);
  entry->second.addresses.push_back(source);
  insert({source, leg, ++serial_});
  return learned;
}

void Mux::displace_oldest(LegEntry& entry) {
  const auto confirmed = [this](const SocketAddress& a) { return table_[index_of(a)].confirmed; };
  const auto oldest = std::min_element(entry.addresses.begin(), entry.addresses.end(),
                                       [&](const auto& a, const auto& b) { return confirmed(a) < confirmed(b); });
  erase(*oldest);
  entry.addresses.erase(oldest);
}

size_t Mux::home(const SocketAddress& address) const {
  std::array<std::byte, 18> bytes;
  write_u16(bytes.data(), address.port);
  std::copy_n(reinterpret_cast<const std::byte*>(address.ip.octets.data()), 16, bytes.data() + 2);
  const size_t size = address.ip.is_v4() ? 6 : 18;
  return keyed_hash(key_, Bytes{bytes}.first(size)) & (table_.size() - 1);
}

// The place of this address, or the free one where it belongs; there is always a free one.
size_t Mux::index_of(const SocketAddress& address) const {
  size_t index = home(address);
  while (table_[index].leg && table_[index].address != address) index = (index + 1) & (table_.size() - 1);
  return index;
}

void Mux::insert(const Place& place) {
  if ((used_ + 1) * 2 > table_.size()) grow();
  table_[index_of(place.address)] = place;
  ++used_;
}

// Linear probing without tombstones: what follows in the same run moves back into the gap.
void Mux::erase(const SocketAddress& address) {
  const size_t mask = table_.size() - 1;
  size_t gap = index_of(address);
  if (!table_[gap].leg) return;
  for (size_t next = (gap + 1) & mask; table_[next].leg; next = (next + 1) & mask) {
    const size_t wanted = home(table_[next].address);
    if (((next - wanted) & mask) < ((next - gap) & mask)) continue;
    table_[gap] = table_[next];
    gap = next;
  }
  table_[gap] = {};
  --used_;
}

void Mux::grow() {
  std::vector<Place> old(table_.size() * 2);
  old.swap(table_);
  for (const Place& place : old) {
    if (place.leg) table_[index_of(place.address)] = place;
  }
}

bool SourceFilter::admits(const IpAddress& address) const {
  return permitted_.empty() ||
         std::any_of(permitted_.begin(), permitted_.end(), [&](const Prefix& p) { return p.contains(address); });
}

}  // namespace isthmus::ice
