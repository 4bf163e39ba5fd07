// SPDX-License-Identifier: MIT
#include "sip/source_limit.hpp"

#include <chrono>
#include <span>

namespace isthmus::sip {
namespace {

constexpr size_t kNetwork = 8;  // octets of an IPv6 /64; an IPv4 address has fewer

}  // namespace

bool SourceLimit::Second::allows(uint32_t now, uint32_t limit) {
  if (now != at) *this = {now, 0};
  return count < limit;
}

bool SourceLimit::allows(const IpAddress& source, TimePoint now) {
  const auto second = static_cast<uint32_t>(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
  const Bytes network = std::as_bytes(std::span(source.octets)).first(kNetwork);
  Second& own = places_[keyed_hash(key_, network) % kPlaces];
  if (!own.allows(second, rates_.per_source)) return false;
  if (rates_.together > 0 && !all_.allows(second, rates_.together)) return false;
  ++own.count;
  ++all_.count;
  return true;
}

}  // namespace isthmus::sip
