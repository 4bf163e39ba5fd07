// SPDX-License-Identifier: MIT
#include "base/address.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace isthmus {
namespace {

std::optional<IpAddress> parse_v4(std::string_view text) {
  IpAddress out{Family::v4, {}};
  for (int part = 0; part < 4; ++part) {
    const size_t dot = text.find('.');
    const bool last = part == 3;
    if ((dot == std::string_view::npos) != last) return std::nullopt;
    const std::string_view digits = text.substr(0, dot);
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
    const auto value = parse_number(digits, 255);
    if (!value) return std::nullopt;
    out.octets[static_cast<size_t>(part)] = static_cast<uint8_t>(*value);
    if (!last) text.remove_prefix(dot + 1);
  }
  return out;
}

struct Groups {
  std::array<uint16_t, 8> words{};
  size_t count = 0;
};

// Parses "a:b:c" (no "::"), the last group possibly dotted IPv4; empty text is no group.
bool parse_groups(std::string_view text, Groups& out, bool allow_v4) {
  if (text.empty()) return true;
  for (;;) {
    const size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    if (colon == std::string_view::npos && allow_v4 && part.find('.') != std::string_view::npos) {
      const auto v4 = parse_v4(part);
      if (!v4 || out.count + 2 > 8) return false;
      out.words[out.count++] = static_cast<uint16_t>(v4->octets[0] << 8 | v4->octets[1]);
      out.words[out.count++] = static_cast<uint16_t>(v4->octets[2] << 8 | v4->octets[3]);
      return true;
    }
    if (part.empty() || part.size() > 4 || out.count == 8) return false;
    uint16_t word = 0;
    for (const char c : part) {
      const int digit = hex_digit(c);
      if (digit < 0) return false;
      word = static_cast<uint16_t>(word << 4 | digit);
    }
    out.words[out.count++] = word;
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 1);
  }
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  Groups head;
  Groups tail;
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, head, true) || head.count != 8) return std::nullopt;
  } else {
    if (!parse_groups(text.substr(0, gap), head, false) || !parse_groups(text.substr(gap + 2), tail, true))
      return std::nullopt;
    if (head.count + tail.count > 7) return std::nullopt;
  }
  std::array<uint16_t, 8> words{};
  std::copy_n(head.words.begin(), head.count, words.begin());
  std::copy_n(tail.words.begin(), tail.count, words.end() - static_cast<std::ptrdiff_t>(tail.count));
  IpAddress out{Family::v6, {}};
  for (size_t i = 0; i < 8; ++i) {
    out.octets[2 * i] = static_cast<uint8_t>(words[i] >> 8);
    out.octets[2 * i + 1] = static_cast<uint8_t>(words[i] & 0xff);
  }
  return out;
}

std::string text_v6(const std::array<uint8_t, 16>& octets) {
  std::array<uint16_t, 8> words{};
  for (size_t i = 0; i < 8; ++i) words[i] = static_cast<uint16_t>(octets[2 * i] << 8 | octets[2 * i + 1]);
  size_t best = 8;
  size_t best_length = 1;  // RFC 5952 4.2.2: a single zero group is not shortened
  for (size_t i = 0; i < 8;) {
    size_t run = 0;
    while (i + run < 8 && words[i + run] == 0) ++run;
    if (run > best_length) {
      best = i;
      best_length = run;
    }
    i += std::max<size_t>(run, 1);
  }
  std::string out;
  for (size_t i = 0; i < 8;) {
    if (i == best) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_hex(out, words[i]);
    ++i;
  }
  return out;
}

}  // namespace

IpAddress IpAddress::v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return {Family::v4, {a, b, c, d}};
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') return parse_v6(text.substr(1, text.size() - 2));
  if (text.find(':') != std::string_view::npos) return parse_v6(text);
  return parse_v4(text);
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return octets[0] == 127;
  if (!is_v6()) return false;
  return octets[15] == 1 && std::all_of(octets.begin(), octets.end() - 1, [](uint8_t o) { return o == 0; });
}
bool IpAddress::is_unspecified() const {
  return family != Family::none && std::all_of(octets.begin(), octets.end(), [](uint8_t o) { return o == 0; });
}
bool IpAddress::is_multicast() const {
  return is_v4() ? octets[0] >= 224 && octets[0] < 240 : is_v6() && octets[0] == 0xff;
}
bool IpAddress::is_broadcast() const {
  return is_v4() && *this == v4(255, 255, 255, 255);
}
bool IpAddress::is_link_local() const {
  if (is_v4()) return octets[0] == 169 && octets[1] == 254;
  return is_v6() && octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
}
bool IpAddress::is_private() const {
  if (is_v4()) {
    return octets[0] == 10 || (octets[0] == 172 && (octets[1] & 0xf0) == 16) ||
           (octets[0] == 192 && octets[1] == 168) || (octets[0] == 100 && (octets[1] & 0xc0) == 64);
  }
  return is_v6() && (octets[0] & 0xfe) == 0xfc;
}

std::string IpAddress::text() const {
  if (family == Family::none) return {};
  if (is_v6()) return text_v6(octets);
  std::string out;
  for (size_t i = 0; i < 4; ++i) {
    if (i > 0) out += '.';
    append_number(out, octets[i]);
  }
  return out;
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text, uint16_t default_port) {
  SocketAddress out{{}, default_port};
  std::string_view host = text;
  std::string_view port;
  const size_t colon = text.rfind(':');
  const bool bracketed = !text.empty() && text.front() == '[';
  const size_t close = bracketed ? text.find(']') : std::string_view::npos;
  if (bracketed) {
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(0, close + 1);
    if (close + 1 < text.size()) {
      if (text[close + 1] != ':') return std::nullopt;
      port = text.substr(close + 2);
      if (port.empty()) return std::nullopt;
    }
  } else if (colon != std::string_view::npos && text.find(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return std::nullopt;
  }
  const auto ip = IpAddress::parse(host);
  if (!ip) return std::nullopt;
  out.ip = *ip;
  if (!port.empty()) {
    const auto number = parse_number(port, 65535);
    if (!number) return std::nullopt;
    out.port = static_cast<uint16_t>(*number);
  }
  return out;
}

std::string SocketAddress::text() const {
  std::string out = ip.is_v6() ? "[" + ip.text() + "]" : ip.text();
  out += ':';
  append_number(out, port);
  return out;
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const uint8_t full = ip->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Prefix{*ip, full};
  const auto length = parse_number(text.substr(slash + 1), full);
  if (!length) return std::nullopt;
  return Prefix{*ip, static_cast<uint8_t>(*length)};
}

bool Prefix::contains(const IpAddress& address) const {
  if (address.family != ip.family) return false;
  const size_t whole = length / 8;
  if (!std::equal(ip.octets.begin(), ip.octets.begin() + static_cast<std::ptrdiff_t>(whole), address.octets.begin()))
    return false;
  const unsigned rest = length % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return (ip.octets[whole] & mask) == (address.octets[whole] & mask);
}

}  // namespace isthmus
