// SPDX-License-Identifier: MIT
// Typed readings of a= lines, each a pure function from its value to a small struct, and back where we write them. What
// does not parse is nothing, never an error: the caller knows whether it can do without. ICE candidates stay text for
// everybody but tests and logs; this room knows nothing of ICE.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "sdp/description.hpp"

namespace isthmus::sdp {

inline constexpr uint8_t kMaxPayload = 127;
inline constexpr size_t kMinUfrag = 4;  // RFC 8839 section 5.4
inline constexpr size_t kMinPassword = 22;
inline constexpr size_t kMaxIceText = 256;
inline constexpr size_t kMaxMid = 64;
inline constexpr uint16_t kMaxPtime = 1000;  // milliseconds

struct Rtpmap {  // RFC 8866 section 6.6
  uint8_t payload = 0;
  std::string encoding;
  uint32_t clock = 0;
  uint16_t channels = 1;
  friend bool operator==(const Rtpmap&, const Rtpmap&) = default;
};
std::optional<Rtpmap> parse_rtpmap(std::string_view value);
std::string write_rtpmap(const Rtpmap& rtpmap);  // channels only when there is more than one

struct Fmtp {  // RFC 8866 section 6.15
  uint8_t payload = 0;
  std::string parameters;
  friend bool operator==(const Fmtp&, const Fmtp&) = default;
};
std::optional<Fmtp> parse_fmtp(std::string_view value);

// Packet time in whole milliseconds, 1..kMaxPtime (RFC 8866 section 6.4; a fraction is cut).
std::optional<uint16_t> parse_ptime(std::string_view value);

enum class Direction : uint8_t {
  inactive = 0,
  sendonly = 1,
  recvonly = 2,
  sendrecv = 3
};  // bit 0 sends, bit 1 receives
std::string_view name_of(Direction direction);
std::optional<Direction> parse_direction(std::string_view attribute_name);
// RFC 8866 section 6.7: the section's attribute, else the session's, else sendrecv.
Direction direction_of(const Description& session, const Media& media);

enum class Setup : uint8_t { actpass, active, passive, holdconn };  // RFC 4145, RFC 8842
std::string_view name_of(Setup setup);
std::optional<Setup> parse_setup(std::string_view value);

enum class HashName : uint8_t { sha1, sha224, sha256, sha384, sha512 };
struct Fingerprint {  // RFC 8122 section 5; the first `size` octets count
  HashName hash = HashName::sha256;
  std::array<uint8_t, 64> octets{};
  uint8_t size = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
size_t octets_of(HashName hash);
std::optional<Fingerprint> parse_fingerprint(std::string_view value);  // the length must be the hash's own
std::string write_fingerprint(const Fingerprint& fingerprint);
// Of several lines the SHA-256 one, else the first that parses (RFC 8122 section 5).
std::optional<Fingerprint> fingerprint_of(const Description& session, const Media& media);

struct IceCredentials {
  std::string ufrag;
  std::string password;
  friend bool operator==(const IceCredentials&, const IceCredentials&) = default;
};
bool is_ice_text(std::string_view text, size_t least);  // ice-char only, least..kMaxIceText of them
// Both attributes present and in their limits (RFC 8839 section 5.4), section before session.
std::optional<IceCredentials> ice_credentials_of(const Description& session, const Media& media);

struct Candidate {  // RFC 8839 section 5.1, the fixed fields; the address may be a name (".local")
  std::string foundation;
  uint16_t component = 1;
  std::string transport;
  uint32_t priority = 0;
  std::string address;
  uint16_t port = 0;
  std::string type;
  friend bool operator==(const Candidate&, const Candidate&) = default;
};
std::optional<Candidate> parse_candidate(std::string_view value);
// Host candidates of component 1 over UDP, the first address preferred (RFC 8445 section 5.1.2): values of a=candidate.
std::vector<std::string> host_candidates(const std::vector<SocketAddress>& addresses);

struct RtcpPort {  // RFC 3605
  uint16_t port = 0;
  std::optional<Connection> connection;
  friend bool operator==(const RtcpPort&, const RtcpPort&) = default;
};
std::optional<RtcpPort> parse_rtcp(std::string_view value);

struct Group {  // RFC 5888
  std::string semantics;
  std::vector<std::string> mids;
  friend bool operator==(const Group&, const Group&) = default;
};
std::optional<Group> parse_group(std::string_view value);
std::vector<std::string> bundle_mids(const Description& session);  // of the first BUNDLE group
bool is_mid(std::string_view text);                                // a token of at most kMaxMid characters

struct Extmap {  // RFC 8285 section 5; read only, never forwarded
  uint16_t id = 0;
  std::string uri;
  friend bool operator==(const Extmap&, const Extmap&) = default;
};
std::optional<Extmap> parse_extmap(std::string_view value);

struct SsrcAttribute {  // RFC 5576 section 4.1; read only, never forwarded
  uint32_t ssrc = 0;
  std::string name;
  std::string value;
  friend bool operator==(const SsrcAttribute&, const SsrcAttribute&) = default;
};
std::optional<SsrcAttribute> parse_ssrc(std::string_view value);

struct Msid {  // RFC 8830 section 2; read only, never forwarded
  std::string stream;
  std::string track;
  friend bool operator==(const Msid&, const Msid&) = default;
};
std::optional<Msid> parse_msid(std::string_view value);

}  // namespace isthmus::sdp
