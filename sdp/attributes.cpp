// SPDX-License-Identifier: MIT
#include "sdp/attributes.hpp"

#include "base/text.hpp"

namespace isthmus::sdp {
namespace {

std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const size_t size = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

std::optional<uint8_t> payload_number(std::string_view text) {
  const auto number = parse_number(text, kMaxPayload);
  if (!number) return std::nullopt;
  return static_cast<uint8_t>(*number);
}

constexpr bool is_ice_char(char c) {
  return is_alpha(c) || is_digit(c) || c == '+' || c == '/';
}

// token of RFC 8866 section 9.
constexpr bool is_token_char(char c) {
  return c > 0x20 && c < 0x7f && std::string_view("\"(),/:;<=>?@[\\]").find(c) == std::string_view::npos;
}

constexpr std::array<std::string_view, 4> kDirections{"inactive", "sendonly", "recvonly", "sendrecv"};
constexpr std::array<std::string_view, 4> kSetups{"actpass", "active", "passive", "holdconn"};
constexpr std::array<std::string_view, 5> kHashes{"sha-1", "sha-224", "sha-256", "sha-384", "sha-512"};
constexpr std::array<size_t, 5> kHashOctets{20, 28, 32, 48, 64};

}  // namespace

std::optional<Rtpmap> parse_rtpmap(std::string_view value) {
  const auto payload = payload_number(take_word(value));
  std::string_view format = trim(value);
  const size_t slash = format.find('/');
  if (!payload || slash == 0 || slash == std::string_view::npos) return std::nullopt;
  const std::string_view encoding = format.substr(0, slash);
  format.remove_prefix(slash + 1);
  const size_t second = format.find('/');
  const auto clock = parse_number(trim(format.substr(0, second)), UINT32_MAX);
  const auto channels = second == std::string_view::npos ? std::optional<uint64_t>(1)
                                                         : parse_number(trim(format.substr(second + 1)), 255);
  if (!clock || *clock == 0 || !channels || *channels == 0) return std::nullopt;
  return Rtpmap{*payload, std::string(encoding), static_cast<uint32_t>(*clock), static_cast<uint16_t>(*channels)};
}

std::string write_rtpmap(const Rtpmap& rtpmap) {
  std::string out;
  append_number(out, rtpmap.payload);
  out.append(" ").append(rtpmap.encoding).append("/");
  append_number(out, rtpmap.clock);
  if (rtpmap.channels > 1) {
    out.append("/");
    append_number(out, rtpmap.channels);
  }
  return out;
}

std::optional<Fmtp> parse_fmtp(std::string_view value) {
  const auto payload = payload_number(take_word(value));
  if (!payload) return std::nullopt;
  return Fmtp{*payload, std::string(trim(value))};
}

std::optional<uint16_t> parse_ptime(std::string_view value) {
  value = trim(value);
  const auto whole = parse_number(value.substr(0, value.find('.')), kMaxPtime);
  if (!whole || *whole == 0) return std::nullopt;
  return static_cast<uint16_t>(*whole);
}

std::string_view name_of(Direction direction) {
  return kDirections[static_cast<size_t>(direction)];
}

std::optional<Direction> parse_direction(std::string_view attribute_name) {
  for (size_t i = 0; i < kDirections.size(); ++i) {
    if (attribute_name == kDirections[i]) return static_cast<Direction>(i);
  }
  return std::nullopt;
}

Direction direction_of(const Description& session, const Media& media) {
  for (const auto* attributes : {&media.attributes, &session.attributes}) {
    for (const Attribute& attribute : *attributes) {
      if (const auto direction = parse_direction(attribute.name)) return *direction;
    }
  }
  return Direction::sendrecv;
}

std::string_view name_of(Setup setup) {
  return kSetups[static_cast<size_t>(setup)];
}

std::optional<Setup> parse_setup(std::string_view value) {
  for (size_t i = 0; i < kSetups.size(); ++i) {
    if (equals_ignore_case(value, kSetups[i])) return static_cast<Setup>(i);
  }
  return std::nullopt;
}

size_t octets_of(HashName hash) {
  return kHashOctets[static_cast<size_t>(hash)];
}

std::optional<Fingerprint> parse_fingerprint(std::string_view value) {
  const std::string_view name = take_word(value);
  value = trim(value);
  Fingerprint out;
  size_t hash = 0;
  while (hash < kHashes.size() && !equals_ignore_case(name, kHashes[hash])) ++hash;
  if (hash == kHashes.size() || value.size() != 3 * kHashOctets[hash] - 1) return std::nullopt;
  out.hash = static_cast<HashName>(hash);
  out.size = static_cast<uint8_t>(kHashOctets[hash]);
  for (size_t i = 0; i < out.size; ++i) {
    const int high = hex_digit(value[3 * i]);
    const int low = hex_digit(value[3 * i + 1]);
    if (high < 0 || low < 0 || (3 * i + 2 < value.size() && value[3 * i + 2] != ':')) return std::nullopt;
    out.octets[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return out;
}

std::string write_fingerprint(const Fingerprint& fingerprint) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out(kHashes[static_cast<size_t>(fingerprint.hash)]);
  for (size_t i = 0; i < fingerprint.size && i < fingerprint.octets.size(); ++i) {
    out += i == 0 ? ' ' : ':';
    out += kHex[fingerprint.octets[i] >> 4];
    out += kHex[fingerprint.octets[i] & 15];
  }
  return out;
}

std::optional<Fingerprint> fingerprint_of(const Description& session, const Media& media) {
  std::optional<Fingerprint> first;
  for (const auto* attributes : {&media.attributes, &session.attributes}) {
    for (const Attribute& attribute : *attributes) {
      if (attribute.name != "fingerprint") continue;
      const auto parsed = parse_fingerprint(attribute.value);
      if (parsed && parsed->hash == HashName::sha256) return parsed;
      if (parsed && !first) first = parsed;
    }
    if (first) return first;
  }
  return first;
}

bool is_ice_text(std::string_view text, size_t least) {
  return text.size() >= least && text.size() <= kMaxIceText && std::all_of(text.begin(), text.end(), is_ice_char);
}

std::optional<IceCredentials> ice_credentials_of(const Description& session, const Media& media) {
  const std::string* ufrag = find(session, media, "ice-ufrag");
  const std::string* password = find(session, media, "ice-pwd");
  if (ufrag == nullptr || password == nullptr) return std::nullopt;
  if (!is_ice_text(*ufrag, kMinUfrag) || !is_ice_text(*password, kMinPassword)) return std::nullopt;
  return IceCredentials{*ufrag, *password};
}

std::optional<Candidate> parse_candidate(std::string_view value) {
  Candidate out;
  out.foundation = take_word(value);
  const auto component = parse_number(take_word(value), 256);
  out.transport = take_word(value);
  const auto priority = parse_number(take_word(value), UINT32_MAX);
  out.address = take_word(value);
  const auto port = parse_number(take_word(value), 65535);
  const bool typed = take_word(value) == "typ";
  out.type = take_word(value);
  if (!component || *component == 0 || !priority || !port || !typed || out.type.empty()) return std::nullopt;
  if (out.foundation.size() > 32 || out.address.size() > 255) return std::nullopt;
  out.component = static_cast<uint16_t>(*component);
  out.priority = static_cast<uint32_t>(*priority);
  out.port = static_cast<uint16_t>(*port);
  return out;
}

std::vector<std::string> host_candidates(const std::vector<SocketAddress>& addresses) {
  constexpr uint32_t kHostPreference = 126;  // RFC 8445 section 5.1.2.2
  constexpr uint32_t kComponent = 1;         // RTP; RTCP is multiplexed with it
  std::vector<std::string> out;
  for (uint32_t i = 0; i < addresses.size(); ++i) {
    const uint32_t local_preference = 65535 - i;
    std::string line;
    append_number(line, i + 1);
    line += " 1 udp ";
    append_number(line, (kHostPreference << 24) + (local_preference << 8) + (256 - kComponent));
    line += ' ';
    line += addresses[i].ip.text();
    line += ' ';
    append_number(line, addresses[i].port);
    line += " typ host";
    out.push_back(std::move(line));
  }
  return out;
}

std::optional<RtcpPort> parse_rtcp(std::string_view value) {
  const auto port = parse_number(take_word(value), 65535);
  if (!port) return std::nullopt;
  RtcpPort out{static_cast<uint16_t>(*port), std::nullopt};
  if (trim(value).empty()) return out;
  const bool internet = equals_ignore_case(take_word(value), "IN");
  const std::string_view type = take_word(value);
  const std::string_view address = take_word(value);
  const bool v6 = equals_ignore_case(type, "IP6");
  if (!internet || (!v6 && !equals_ignore_case(type, "IP4")) || address.empty()) return std::nullopt;
  out.connection = Connection{v6 ? Family::v6 : Family::v4, std::string(address)};
  return out;
}

std::optional<Group> parse_group(std::string_view value) {
  Group out;
  out.semantics = take_word(value);
  if (out.semantics.empty()) return std::nullopt;
  for (std::string_view mid = take_word(value); !mid.empty(); mid = take_word(value)) {
    if (out.mids.size() == kMaxMediaSections) return std::nullopt;
    out.mids.emplace_back(mid);
  }
  return out;
}

std::vector<std::string> bundle_mids(const Description& session) {
  for (const Attribute& attribute : session.attributes) {
    if (attribute.name != "group") continue;
    auto group = parse_group(attribute.value);
    if (group && group->semantics == "BUNDLE") return std::move(group->mids);
  }
  return {};
}

bool is_mid(std::string_view text) {
  return !text.empty() && text.size() <= kMaxMid && std::all_of(text.begin(), text.end(), is_token_char);
}

std::optional<Extmap> parse_extmap(std::string_view value) {
  const std::string_view head = take_word(value);
  const size_t slash = head.find('/');
  const auto id = parse_number(head.substr(0, slash), 4351);  // RFC 8285 section 5: 4096-4351 are to be chosen from
  const std::string_view uri = take_word(value);
  if (!id || *id == 0 || uri.empty()) return std::nullopt;
  return Extmap{static_cast<uint16_t>(*id), std::string(uri)};
}

std::optional<SsrcAttribute> parse_ssrc(std::string_view value) {
  const auto ssrc = parse_number(take_word(value), UINT32_MAX);
  const std::string_view rest = trim(value);
  const size_t colon = std::min(rest.find(':'), rest.size());
  if (!ssrc || colon == 0) return std::nullopt;
  const std::string_view text = colon < rest.size() ? rest.substr(colon + 1) : std::string_view();
  return SsrcAttribute{static_cast<uint32_t>(*ssrc), std::string(rest.substr(0, colon)), std::string(text)};
}

std::optional<Msid> parse_msid(std::string_view value) {
  Msid out{std::string(take_word(value)), {}};
  out.track = take_word(value);
  if (out.stream.empty()) return std::nullopt;
  return out;
}

}  // namespace isthmus::sdp
