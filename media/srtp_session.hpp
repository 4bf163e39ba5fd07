// SPDX-License-Identifier: MIT
// The SRTP contract of one leg (RFC 3711, RFC 7714; keys by RFC 5764): protect what we send, unprotect what the peer
// sends, RTP and RTCP, in place in the caller's buffer. An implementation is a class behind this small interface:
// media/srtp_libsrtp today; another one is one more file and one more make function. A session keeps roll-over counters
// and replay windows; it is used from one thread, allocates only while it meets a new SSRC, and never lets a packet
// that it could not prove reach the caller.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/order.hpp"

namespace isthmus::media {

enum class SrtpProfile : uint8_t { aes128_cm_sha1_80, aes128_cm_sha1_32, aead_aes_128_gcm, aead_aes_256_gcm };
std::string_view describe(SrtpProfile profile);

struct SrtpSizes {
  size_t key = 0;
  size_t salt = 0;
  size_t rtp_tag = 0;
  size_t rtcp_tag = 0;  // without the 4 octets of E and index
};
SrtpSizes sizes_of(SrtpProfile profile);

inline constexpr size_t kMaxSrtpKey = 32;
inline constexpr size_t kMaxSrtpSalt = 14;
inline constexpr size_t kMaxSrtpGrowth = 20;         // tailroom that fits every profile: 16 of tag, 4 of SRTCP index
inline constexpr uint32_t kSrtpReplayWindow = 1024;  // packets; RFC 3711 section 3.3.2 wants 64 at least
inline constexpr size_t kMaxSrtpSources = 16;        // SSRCs taken from the peer per leg; only proved packets count

struct SrtpMaster {  // key and salt of one direction; sizes by the profile
  std::array<std::byte, kMaxSrtpKey> key{};
  std::array<std::byte, kMaxSrtpSalt> salt{};
};
struct SrtpKeys {
  SrtpProfile profile = SrtpProfile::aes128_cm_sha1_80;
  SrtpMaster ours;    // what we send
  SrtpMaster theirs;  // what we receive
};

// Octets to ask of the DTLS exporter (RFC 5764 section 4.2), and their meaning. `role` is ours: the active side is the
// DTLS client. Nothing when the size is not the profile's.
size_t exporter_size(SrtpProfile profile);
std::optional<SrtpKeys> keys_from_exporter(SrtpProfile profile, Bytes material, DtlsRole role);

enum class SrtpFault : uint8_t {
  malformed,         // no RTP or RTCP packet of this profile
  bad_tag,           // the peer did not make it
  replayed,          // was there before
  too_old,           // behind the replay window
  no_room,           // tailroom below the growth of the profile
  too_many_sources,  // beyond kMaxSrtpSources
  key_exhausted,     // 2^48 or 2^31 packets
  internal,
  kCount
};
std::string_view describe(SrtpFault fault);

class SrtpSession {
 public:
  virtual ~SrtpSession() = default;
  SrtpSession() = default;
  SrtpSession(const SrtpSession&) = delete;
  SrtpSession& operator=(const SrtpSession&) = delete;

  // The packet is room.first(size); the rest of `room` is tailroom, at least kMaxSrtpGrowth to protect. The result is
  // the new size. After a fault the packet's octets are unspecified and must not be used.
  virtual Result<size_t, SrtpFault> protect_rtp(MutableBytes room, size_t size) = 0;
  virtual Result<size_t, SrtpFault> protect_rtcp(MutableBytes room, size_t size) = 0;
  virtual Result<size_t, SrtpFault> unprotect_rtp(MutableBytes packet) = 0;
  virtual Result<size_t, SrtpFault> unprotect_rtcp(MutableBytes packet) = 0;
};

// On libsrtp 2. Null when the library refuses the keys.
std::unique_ptr<SrtpSession> make_libsrtp_session(const SrtpKeys& keys);

}  // namespace isthmus::media
