// SPDX-License-Identifier: MIT
#include "sdp/description.hpp"

namespace isthmus::sdp {

Connection Connection::of(const IpAddress& ip) {
  return {ip.is_v6() ? Family::v6 : Family::v4, ip.text()};
}

std::optional<IpAddress> Connection::ip() const {
  const auto parsed = IpAddress::parse(address);
  if (!parsed || parsed->family != family) return std::nullopt;
  return parsed;
}

const std::string* find(const std::vector<Attribute>& attributes, std::string_view name) {
  for (const Attribute& attribute : attributes) {
    if (attribute.name == name) return &attribute.value;
  }
  return nullptr;
}

const std::string* find(const Description& session, const Media& media, std::string_view name) {
  const std::string* own = find(media.attributes, name);
  return own != nullptr ? own : find(session.attributes, name);
}

}  // namespace isthmus::sdp
