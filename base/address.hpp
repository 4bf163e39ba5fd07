// SPDX-License-Identifier: MIT
// IP addresses and socket addresses as small trivially copyable values, with their text forms (RFC 4291, RFC 5952).
// No name is ever resolved here.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus {

enum class Family : uint8_t { none, v4, v6 };

// IPv4 uses the first four octets; the others stay zero, so comparison and hashing are plain.
struct IpAddress {
  Family family = Family::none;
  std::array<uint8_t, 16> octets{};

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  static IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
  static std::optional<IpAddress> parse(std::string_view text);  // "192.0.2.1", "2001:db8::1", "[2001:db8::1]"

  bool is_v4() const { return family == Family::v4; }
  bool is_v6() const { return family == Family::v6; }
  bool is_loopback() const;     // 127/8, ::1
  bool is_unspecified() const;  // 0.0.0.0, ::
  bool is_multicast() const;    // 224/4, ff00::/8
  bool is_broadcast() const;    // 255.255.255.255
  bool is_link_local() const;   // 169.254/16, fe80::/10
  bool is_private() const;      // RFC 1918, RFC 4193, RFC 6598
  std::string text() const;     // RFC 5952 for IPv6, without brackets; "" for none
};

struct SocketAddress {
  IpAddress ip;
  uint16_t port = 0;

  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;

  // "192.0.2.1:5060", "[2001:db8::1]:5060"; a missing port gives `default_port`.
  static std::optional<SocketAddress> parse(std::string_view text, uint16_t default_port = 0);
  bool is_set() const { return ip.family != Family::none; }
  std::string text() const;
};

// "192.0.2.0/24"; an address alone is a prefix of full length.
struct Prefix {
  IpAddress ip;
  uint8_t length = 0;

  static std::optional<Prefix> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  friend bool operator==(const Prefix&, const Prefix&) = default;
};

}  // namespace isthmus
