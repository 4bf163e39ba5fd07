// SPDX-License-Identifier: MIT
#include "gateway/api/forwarded.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxHops = 32;  // looked at, from the last one on

struct Hop {
  std::optional<IpAddress> ip;
  std::string proto;  // lower case; empty: not said
};

bool is_forwarding(std::string_view name) {
  constexpr std::string_view kPrefix = "x-forwarded-";
  return equals_ignore_case(name, "forwarded") || equals_ignore_case(name.substr(0, kPrefix.size()), kPrefix);
}

bool is_trusted(const IpAddress& ip, const std::vector<Prefix>& trusted) {
  return std::any_of(trusted.begin(), trusted.end(), [&](const Prefix& each) { return each.contains(ip); });
}

// An address with or without a port; IPv6 in brackets, or bare and without one.
std::optional<IpAddress> node_address(std::string_view node) {
  if (const auto ip = IpAddress::parse(node)) return unmapped(*ip);
  const auto address = SocketAddress::parse(node);
  return address ? std::optional(unmapped(address->ip)) : std::nullopt;
}

// ---- Forwarded (RFC 7239 section 4): for="[2001:db8::1]:4711";proto=https, for=192.0.2.1

class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view text) : rest_(text) {}

  // Nothing when the line does not follow the grammar: then none of it counts.
  std::optional<std::vector<Hop>> read() {
    std::vector<Hop> out(1);
    while (true) {
      skip_space();
      if (!at_end() && rest_.front() != ',' && rest_.front() != ';' && !read_pair(out.back())) return std::nullopt;
      skip_space();
      if (at_end()) return out;
      const char separator = rest_.front();
      if (separator != ',' && separator != ';') return std::nullopt;
      rest_.remove_prefix(1);
      if (separator == ',') out.emplace_back();
    }
  }

 private:
  bool at_end() const { return rest_.empty(); }
  void skip_space() {
    while (!at_end() && is_space(rest_.front())) rest_.remove_prefix(1);
  }
  std::string_view read_token() {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), [&](char c) {
      return is_alpha(c) || is_digit(c) || kOthers.find(c) != std::string_view::npos;
    });
    const std::string_view out = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    rest_.remove_prefix(out.size());
    return out;
  }
  std::optional<std::string> read_quoted() {
    std::string out;
    for (rest_.remove_prefix(1); !at_end(); rest_.remove_prefix(1)) {
      if (rest_.front() == '"') {
        rest_.remove_prefix(1);
        return out;
      }
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (at_end()) break;
      out += rest_.front();
    }
    return std::nullopt;
  }
  bool read_pair(Hop& hop) {
    const std::string_view name = read_token();
    if (name.empty() || at_end() || rest_.front() != '=') return false;
    rest_.remove_prefix(1);
    std::string value;
    if (!at_end() && rest_.front() == '"') {
      const auto quoted = read_quoted();
      if (!quoted) return false;
      value = *quoted;
    } else {
      value = read_token();
      if (value.empty()) return false;
    }
    if (equals_ignore_case(name, "for")) hop.ip = node_address(value);
    if (equals_ignore_case(name, "proto")) hop.proto = lowered(value);
    return true;
  }

  std::string_view rest_;
};

std::vector<Hop> forwarded_hops(const std::vector<HttpHeader>& headers) {
  std::vector<Hop> out;
  for (const HttpHeader& each : headers) {
    if (!equals_ignore_case(each.first, "forwarded")) continue;
    const auto hops = ForwardedReader(each.second).read();
    if (hops) {
      out.insert(out.end(), hops->begin(), hops->end());
    } else {
      out.emplace_back();
    }
  }
  return out;
}

// ---- X-Forwarded-For, X-Forwarded-Proto

std::vector<std::string_view> elements(const std::vector<HttpHeader>& headers, std::string_view name) {
  std::vector<std::string_view> out;
  for (const HttpHeader& each : headers) {
    if (!equals_ignore_case(each.first, name)) continue;
    std::string_view rest = each.second;
    while (true) {
      const size_t comma = rest.find(',');
      out.push_back(trim(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return out;
}

// The scheme stands once for the whole way, or once a hop; https only when no hop says otherwise.
std::vector<Hop> x_forwarded_hops(const std::vector<HttpHeader>& headers) {
  std::vector<Hop> out;
  for (const std::string_view node : elements(headers, "x-forwarded-for")) out.push_back({node_address(node), {}});
  const auto schemes = elements(headers, "x-forwarded-proto");
  if (schemes.empty()) return out;
  const bool https = std::all_of(schemes.begin(), schemes.end(),
                                 [](std::string_view each) { return equals_ignore_case(each, "https"); });
  for (Hop& hop : out) hop.proto = https ? "https" : "http";
  return out;
}

// From the last hop, which the peer itself has written, to the first that is not trusted.
std::optional<Hop> first_untrusted(const std::vector<Hop>& hops, const std::vector<Prefix>& trusted) {
  std::optional<Hop> found;
  size_t looked = 0;
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (!hop->ip || ++looked > kMaxHops) return std::nullopt;
    found = *hop;
    if (!is_trusted(*hop->ip, trusted)) break;
  }
  return found;
}

}  // namespace

IpAddress unmapped(const IpAddress& ip) {
  static constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!ip.is_v6() || !std::equal(kMapped.begin(), kMapped.end(), ip.octets.begin())) return ip;
  return IpAddress::v4(ip.octets[12], ip.octets[13], ip.octets[14], ip.octets[15]);
}

Sender sender_of(const std::vector<HttpHeader>& headers, const IpAddress& peer, bool secure,
                 const std::vector<Prefix>& trusted) {
  Sender out{peer, secure, false};
  if (std::none_of(headers.begin(), headers.end(), [](const HttpHeader& each) { return is_forwarding(each.first); }))
    return out;
  out.disbelieved = true;
  if (!is_trusted(peer, trusted)) return out;
  const auto standard = forwarded_hops(headers);
  const auto usual = x_forwarded_hops(headers);
  const auto by_standard = first_untrusted(standard, trusted);
  const auto by_usual = first_untrusted(usual, trusted);
  std::optional<Hop> hop = standard.empty() ? by_usual : by_standard;
  if (!standard.empty() && !usual.empty() && (!by_usual || !by_standard || by_usual->ip != by_standard->ip))
    hop.reset();
  if (!hop) return out;
  out.ip = *hop->ip;
  if (!hop->proto.empty()) out.is_secure = hop->proto == "https";
  out.disbelieved = false;
  return out;
}

}  // namespace isthmus::gateway
