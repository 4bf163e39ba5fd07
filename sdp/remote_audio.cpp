// SPDX-License-Identifier: MIT
#include "sdp/remote_audio.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace isthmus::sdp {
namespace {

constexpr std::array<std::string_view, 8> kBrowserProtocols{
    "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF",          "RTP/SAVP",
    "TCP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP"};
constexpr std::array<std::string_view, 2> kPhoneProtocols{"RTP/AVP", "RTP/AVPF"};

bool is_refused(const Media& media) {
  return media.port == 0 && find(media.attributes, "bundle-only") == nullptr;
}

// Two sections with one mid are seen from some PBXs: the first keeps it (RFC 5888 section 4 asks for uniqueness).
std::vector<Section> outline(const Description& description) {
  std::vector<Section> out;
  for (const Media& media : description.media) {
    Section section{media.kind, media.protocol, media.formats, {}, is_refused(media)};
    const std::string* mid = find(media.attributes, "mid");
    const bool taken =
        mid != nullptr && std::any_of(out.begin(), out.end(), [mid](const Section& s) { return s.mid == *mid; });
    if (mid != nullptr && !taken && is_mid(*mid)) section.mid = *mid;
    out.push_back(std::move(section));
  }
  return out;
}

Result<size_t, RemoteFault> choose_section(const Description& description, Profile profile) {
  std::optional<size_t> refused;
  bool foreign = false;
  for (size_t i = 0; i < description.media.size(); ++i) {
    const Media& media = description.media[i];
    if (media.kind != "audio") continue;
    if (is_refused(media)) {
      if (!refused) refused = i;
    } else if (speaks(profile, media.protocol)) {
      return i;
    } else {
      foreign = true;
    }
  }
  if (foreign) return fail(RemoteFault::protocol);
  if (refused) return *refused;
  return fail(RemoteFault::no_audio);
}

std::optional<SocketAddress> rtcp_address(const RemoteAudio& remote, const Media& media) {
  const std::string* value = find(media.attributes, "rtcp");
  const auto parsed = value != nullptr ? parse_rtcp(*value) : std::nullopt;
  if (!parsed) {
    if (media.port == 65535) return std::nullopt;
    return SocketAddress{remote.address.ip, static_cast<uint16_t>(media.port + 1)};
  }
  const auto ip = parsed->connection ? parsed->connection->ip() : std::optional(remote.address.ip);
  if (!ip || ip->is_unspecified() || ip->is_multicast() || ip->is_broadcast() || parsed->port == 0) return std::nullopt;
  return SocketAddress{*ip, parsed->port};
}

Result<void, RemoteFault> read_phone(const Description& description, const Media& media, RemoteAudio& out) {
  const auto& connection = media.connection ? media.connection : description.connection;
  const auto ip = connection ? connection->ip() : std::nullopt;
  if (!ip || ip->is_multicast() || ip->is_broadcast()) return fail(RemoteFault::address);
  if (ip->is_unspecified()) {
    out.direction =
        static_cast<Direction>(static_cast<uint8_t>(out.direction) & static_cast<uint8_t>(Direction::sendonly));
    return {};
  }
  out.address = {*ip, media.port};
  if (const auto rtcp = rtcp_address(out, media)) out.rtcp = *rtcp;
  return {};
}

// Transport attributes of a bundled section may stand in the section that carries the group's first mid (RFC 9143
// section 7.1.3).
const Media& transport_section(const Description& description, const Media& media, const RemoteAudio& out) {
  const auto& bundle = out.bundle;
  const bool has_own = find(description, media, "ice-ufrag") != nullptr;
  if (has_own || out.mid().empty() || std::find(bundle.begin(), bundle.end(), out.mid()) == bundle.end()) return media;
  for (size_t i = 0; i < out.sections.size(); ++i) {
    if (out.sections[i].mid == bundle.front()) return description.media[i];
  }
  return media;
}

Result<void, RemoteFault> read_browser(const Description& description, const Media& media, RemoteAudio& out) {
  const Media& transport = transport_section(description, media, out);
  auto ice = ice_credentials_of(description, transport);
  if (!ice) return fail(RemoteFault::ice);
  const auto fingerprint = fingerprint_of(description, transport);
  if (!fingerprint) return fail(RemoteFault::fingerprint);
  out.rtcp_mux = out.rtcp_mux || find(transport.attributes, "rtcp-mux") != nullptr;
  if (!out.rtcp_mux) return fail(RemoteFault::rtcp_mux);
  out.ice = std::move(*ice);
  out.fingerprint = *fingerprint;
  out.ice_lite = find(description.attributes, "ice-lite") != nullptr;
  const std::string* setup = find(description, transport, "setup");
  if (const auto parsed = setup != nullptr ? parse_setup(*setup) : std::nullopt) {
    out.setup = *parsed;
    out.setup_given = true;
  }
  if (const std::string* tls_id = find(description, transport, "tls-id")) out.tls_id = *tls_id;
  for (const Attribute& attribute : transport.attributes) {
    if (attribute.name == "candidate") out.candidates.push_back(attribute.value);
    if (attribute.name == "end-of-candidates") out.end_of_candidates = true;
  }
  return {};
}

}  // namespace

bool speaks(Profile profile, std::string_view protocol) {
  const auto same = [protocol](std::string_view other) { return equals_ignore_case(protocol, other); };
  if (profile == Profile::browser) return std::any_of(kBrowserProtocols.begin(), kBrowserProtocols.end(), same);
  return std::any_of(kPhoneProtocols.begin(), kPhoneProtocols.end(), same);
}

std::optional<Profile> profile_of(const Description& description) {
  for (const Media& media : description.media) {
    if (media.kind != "audio") continue;
    if (speaks(Profile::phone, media.protocol)) return Profile::phone;
    if (speaks(Profile::browser, media.protocol) && fingerprint_of(description, media)) return Profile::browser;
  }
  return std::nullopt;
}

Result<RemoteAudio, RemoteError> read_remote(const Description& description, Profile profile) {
  const auto chosen = choose_section(description, profile);
  if (!chosen) return fail(RemoteError{chosen.error(), {}});
  const Media& media = description.media[*chosen];
  RemoteAudio out;
  out.profile = profile;
  out.origin = description.origin;
  out.sections = outline(description);
  out.bundle = bundle_mids(description);
  out.section = *chosen;
  out.refused = is_refused(media);
  if (out.refused) {
    out.direction = Direction::inactive;
    return out;
  }
  out.direction = direction_of(description, media);
  out.formats = formats_of(media);
  out.rtcp_mux = find(media.attributes, "rtcp-mux") != nullptr;
  const std::string* ptime = find(media.attributes, "ptime");
  out.ptime = ptime != nullptr ? parse_ptime(*ptime).value_or(0) : uint16_t{0};
  const auto read =
      profile == Profile::browser ? read_browser(description, media, out) : read_phone(description, media, out);
  if (!read) return fail(RemoteError{read.error(), {}});
  return out;
}

Result<RemoteAudio, RemoteError> parse_remote(std::string_view text, Profile profile) {
  const auto description = parse(text);
  if (!description) return fail(RemoteError{RemoteFault::syntax, description.error()});
  return read_remote(*description, profile);
}

std::string_view describe(RemoteFault fault) {
  switch (fault) {
    case RemoteFault::syntax: return "not a session description";
    case RemoteFault::no_audio: return "no audio section";
    case RemoteFault::protocol: return "audio over a protocol that this leg does not speak";
    case RemoteFault::address: return "no usable media address";
    case RemoteFault::ice: return "ICE credentials are missing or malformed";
    case RemoteFault::fingerprint: return "the certificate fingerprint is missing or malformed";
    case RemoteFault::rtcp_mux: return "rtcp-mux is missing";
  }
  return "unknown";
}

}  // namespace isthmus::sdp
