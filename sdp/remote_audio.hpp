// SPDX-License-Identifier: MIT
// What a peer's description says about the one audio stream that a leg carries, as one value: addresses, direction,
// codecs, and for browsers ICE, DTLS and BUNDLE. It also keeps the outline of every m= line, because an answer must
// have them all in the same order (RFC 3264 section 6). Nothing of it is ever sent to another leg.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "sdp/attributes.hpp"
#include "sdp/codec.hpp"
#include "sdp/description.hpp"
#include "sdp/parser.hpp"

namespace isthmus::sdp {

enum class Profile : uint8_t {
  browser,  // RFC 8829, 8834: ICE, DTLS-SRTP, rtcp-mux, BUNDLE
  phone     // RTP/AVP on a port of its own (RFC 3551)
};

struct Section {  // outline of one m= line
  std::string kind;
  std::string protocol;
  std::vector<std::string> formats;
  std::string mid;       // empty when there is none, or when an earlier section had the same
  bool refused = false;  // port 0 and not bundle-only
  friend bool operator==(const Section&, const Section&) = default;
};

struct RemoteAudio {
  Profile profile = Profile::phone;
  Origin origin;
  std::vector<Section> sections;
  std::vector<std::string> bundle;  // mids of the BUNDLE group
  size_t section = 0;               // which of the sections this is
  bool refused = false;             // port 0: no media at all; nothing below counts then

  SocketAddress address;  // phone: where it wants RTP; not set while it holds by c=0.0.0.0 (RFC 3264 section 8.4)
  SocketAddress rtcp;     // phone: a=rtcp, else the next port; not set when there is none
  Direction direction = Direction::sendrecv;  // as the peer sees it, its hold taken in
  std::vector<Format> formats;                // in its order, unknown ones too
  uint16_t ptime = 0;                         // 0: not said
  bool rtcp_mux = false;

  IceCredentials ice;  // browser, as all below
  bool ice_lite = false;
  Fingerprint fingerprint;
  Setup setup = Setup::actpass;
  bool setup_given = false;
  std::string tls_id;                   // RFC 8842; empty when not said
  std::vector<std::string> candidates;  // values of a=candidate, never looked into
  bool end_of_candidates = false;

  const std::string& mid() const { return sections[section].mid; }
  const std::string& protocol() const { return sections[section].protocol; }
  friend bool operator==(const RemoteAudio&, const RemoteAudio&) = default;
};

enum class RemoteFault : uint8_t {
  syntax,       // the text is no session description
  no_audio,     // no audio section
  protocol,     // audio, but over a protocol that this kind of leg does not speak
  address,      // phone: no c=, a host name, multicast or broadcast
  ice,          // browser: credentials missing or outside their limits
  fingerprint,  // browser: missing or not understood
  rtcp_mux      // browser: not offered
};
std::string_view describe(RemoteFault fault);

struct RemoteError {
  RemoteFault code = RemoteFault::syntax;
  ParseError parse;  // with RemoteFault::syntax: what and where
};

// UDP/TLS/RTP/SAVPF, RTP/SAVPF, TCP/TLS/RTP/SAVPF, TCP/DTLS/RTP/SAVPF and their SAVP kin are equal from a browser (RFC
// 8829 section 5.1.2); RTP/AVP and RTP/AVPF from a phone.
bool speaks(Profile profile, std::string_view protocol);
// Which profile the first audio section with a known protocol belongs to.
std::optional<Profile> profile_of(const Description& description);

// The first audio section that the profile speaks; candidate lists of any kind, `.local` names and unknown attributes
// never make it fail.
Result<RemoteAudio, RemoteError> read_remote(const Description& description, Profile profile);
Result<RemoteAudio, RemoteError> parse_remote(std::string_view text, Profile profile);

}  // namespace isthmus::sdp
