// SPDX-License-Identifier: MIT
// What the owner of calls tells the media engine and what the engine tells back: values only, no pointers, no SDP. Leg
// ids are the owner's. Walk of a leg: OpenLeg -> LegReady (or LegFailed) -> ArmLeg -> JoinLegs -> ... -> CloseLeg ->
// LegGone. Opening is an ask: ports are bound before LegReady, so that the owner writes its SDP with addresses that
// exist. The engine never knows what a call is.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/address.hpp"
#include "base/slots.hpp"

namespace isthmus::media {

using LegId = Id<struct MediaLegTag>;

enum class LegKind : uint8_t {
  webrtc,  // ICE-lite on the shared UDP port, DTLS-SRTP, RTCP multiplexed (RFC 8834)
  rtp      // plain RTP/AVP on a port pair of its own, symmetric (RFC 4961)
};

// Formats the relay knows by name; it never decodes them. telephone_event: RFC 4733, one payload type per clock rate.
enum class Codec : uint8_t { none, pcmu, pcma, g722, opus, telephone_event, comfort_noise };

struct Payload {
  uint8_t number = 0;  // payload type on this leg, 0..127
  Codec codec = Codec::none;
  uint32_t clock = 8000;
  friend bool operator==(const Payload&, const Payload&) = default;
};
inline constexpr size_t kMaxPayloads = 16;
struct PayloadMap {
  std::array<Payload, kMaxPayloads> entries{};
  uint8_t count = 0;
  friend bool operator==(const PayloadMap&, const PayloadMap&) = default;
};

template <size_t N>
struct SmallText {  // trivially copyable text of bounded length; longer input is cut by the caller's own check, never
                    // here
  std::array<char, N> chars{};
  uint16_t size = 0;
  static SmallText of(std::string_view text) {
    SmallText out;
    for (; out.size < N && out.size < text.size(); ++out.size) out.chars[out.size] = text[out.size];
    return out;
  }
  std::string_view view() const { return {chars.data(), size}; }
  friend bool operator==(const SmallText& a, const SmallText& b) { return a.view() == b.view(); }
};
using Ufrag = SmallText<256>;     // RFC 8839: 4..256 ice-chars
using Password = SmallText<256>;  // RFC 8839: 22..256 ice-chars

struct IceCredentials {
  Ufrag ufrag;
  Password password;
};

enum class HashName : uint8_t { sha1, sha224, sha256, sha384, sha512 };
struct Fingerprint {  // RFC 8122; `size` octets of `octets` count
  HashName hash = HashName::sha256;
  std::array<uint8_t, 64> octets{};
  uint8_t size = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
enum class DtlsRole : uint8_t { active, passive };  // ours: active sends the ClientHello (RFC 8842)

// Orders.
struct OpenLeg {
  LegId leg;
  LegKind kind = LegKind::rtp;
  IpAddress local;  // rtp: the interface to bind on; unspecified family: the engine's default
};
struct ArmWebrtc {
  LegId leg;
  IceCredentials remote;
  Fingerprint fingerprint;
  DtlsRole role = DtlsRole::passive;
  PayloadMap payloads;
};
struct ArmRtp {
  LegId leg;
  SocketAddress remote;       // from the SDP; not set: hold (RFC 3264 8.4), nothing is sent
  SocketAddress remote_rtcp;  // a=rtcp or remote + 1
  IpAddress signalling;  // the latch admits only this address and the SDP's (advisory ES2017-04); not set: SDP only
  PayloadMap payloads;
};
struct JoinLegs {  // both ways; joining a leg to itself is an echo; a former partner is released
  LegId a;
  LegId b;
};
struct SwitchLeg {  // gates, seen from the engine: `receive` false drops what the peer of the leg sends, `send` false
                    // what would go to it
  LegId leg;
  bool receive = true;
  bool send = true;
};
inline constexpr size_t kMaxDigits = 32;  // of one order
using Digits = SmallText<kMaxDigits>;     // 0-9 * # A-D
struct SendDtmf {  // RFC 4733 events into the leg, paced by the engine: all of them or none. Always answered by
                   // DtmfTaken
  LegId leg;
  uint64_t token = 0;  // the owner's, comes back
  Digits digits;
  uint16_t milliseconds = 160;  // of each
};
struct CloseLeg {  // always answered by LegGone, also for a leg that is not there (any other order but SendDtmf:
                   // LegFailed{no_such_leg})
  LegId leg;
};
using Order = std::variant<OpenLeg, ArmWebrtc, ArmRtp, JoinLegs, SwitchLeg, SendDtmf, CloseLeg>;
static_assert(std::is_trivially_copyable_v<Order>);

// Events.
enum class LegFault : uint8_t {
  no_ports,
  no_such_leg,
  ice_timeout,
  dtls_failed,
  fingerprint_mismatch,
  consent_lost,
  limit
};
std::string_view describe(LegFault fault);

inline constexpr size_t kMaxLocalAddresses = 8;
struct LegReady {
  LegId leg;
  std::array<SocketAddress, kMaxLocalAddresses>
      addresses{};  // webrtc: host candidates, best first; rtp: [0] is RTP, [1] RTCP
  uint8_t address_count = 0;
  IceCredentials local;     // webrtc
  Fingerprint fingerprint;  // webrtc: of our certificate
};
struct LegFailed {  // before LegReady: the leg is no more; after it: the leg stays until CloseLeg
  LegId leg;
  LegFault why = LegFault::no_ports;
};
struct LegConnected {  // webrtc: ICE and DTLS are up; rtp: the first packet came and the latch holds
  LegId leg;
  SocketAddress remote;
};
struct LegSilent {  // no RTP from the peer for the configured time while receiving is on; once until it speaks again
  LegId leg;
};
struct DtmfReceived {  // once per RFC 4733 event, at its first end packet or time-out
  LegId leg;
  char digit = '0';
  uint16_t milliseconds = 0;
};
enum class DtmfFault : uint8_t {
  none,
  no_format,  // the leg has no telephone_event payload, or one of the digits is none
  no_path,    // nothing is sent to the peer now: its gate is shut (hold), or no path is there
  no_room     // too many wait
};
struct DtmfTaken {  // answer to SendDtmf; with a fault none of its digits is sent
  LegId leg;
  uint64_t token = 0;
  DtmfFault fault = DtmfFault::none;
};
struct DtmfUnsendable {  // those that were taken and still wait are thrown away: path or payload is gone
  LegId leg;
};
// What a leg has seen since it was opened.
struct LegReport {
  LegKind kind = LegKind::rtp;
  bool armed = false;      // the peer's description is known
  bool listening = false;  // media of the peer is wanted: the gate is open, and it does not hold
  SocketAddress refused;   // rtp: where the peer wants its media and nothing is sent (loopback, link-local, multicast)
  bool had_pair = false;   // webrtc: a valid check came
  bool had_keys = false;   // webrtc: DTLS was complete
  uint64_t received = 0;   // RTP of the peer, of an agreed payload type
  uint64_t sent = 0;       // RTP to the peer
  uint64_t dropped = 0;    // of what came, for any reason
  friend bool operator==(const LegReport&, const LegReport&) = default;
};
struct LegGone {  // answer to CloseLeg: sockets are handed back; final counters of the leg
  LegId leg;
  LegReport last;
};
using Event =
    std::variant<LegReady, LegFailed, LegConnected, LegSilent, DtmfReceived, DtmfTaken, DtmfUnsendable, LegGone>;
static_assert(std::is_trivially_copyable_v<Event>);

}  // namespace isthmus::media
