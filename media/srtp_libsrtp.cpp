// SPDX-License-Identifier: MIT
// SrtpSession on libsrtp 2; the only file that names it. One libsrtp session per direction, each with a template that
// makes a stream for every SSRC. Our own limit on the peer's SSRCs stands in front, since libsrtp has none.
#include <srtp2/srtp.h>

#include <algorithm>
#include <cstring>

#include "media/rtp_packet.hpp"
#include "media/srtp_session.hpp"

namespace isthmus::media {
namespace {

constexpr size_t kRtcpFixedSize = 8;  // header and SSRC

struct LibsrtpOwner {  // srtp_shutdown is never called: sessions may live until the program's end
  srtp_err_status_t status = srtp_init();
};

srtp_profile_t library_profile(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aes128_cm_sha1_80: return srtp_profile_aes128_cm_sha1_80;
    case SrtpProfile::aes128_cm_sha1_32: return srtp_profile_aes128_cm_sha1_32;
    case SrtpProfile::aead_aes_128_gcm: return srtp_profile_aead_aes_128_gcm;
    case SrtpProfile::aead_aes_256_gcm: return srtp_profile_aead_aes_256_gcm;
  }
  return srtp_profile_reserved;
}

SrtpFault fault_of(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_auth_fail: return SrtpFault::bad_tag;
    case srtp_err_status_replay_fail: return SrtpFault::replayed;
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old: return SrtpFault::too_old;
    case srtp_err_status_key_expired: return SrtpFault::key_exhausted;
    case srtp_err_status_bad_param:
    case srtp_err_status_cant_check:
    case srtp_err_status_parse_err: return SrtpFault::malformed;
    default: return SrtpFault::internal;
  }
}

class Direction {  // owns one srtp_t
 public:
  Direction(SrtpProfile profile, const SrtpMaster& master, srtp_ssrc_type_t direction) {
    const SrtpSizes sizes = sizes_of(profile);
    std::array<unsigned char, kMaxSrtpKey + kMaxSrtpSalt> key{};
    std::memcpy(key.data(), master.key.data(), sizes.key);
    std::memcpy(key.data() + sizes.key, master.salt.data(), sizes.salt);
    srtp_policy_t policy{};
    const srtp_profile_t name = library_profile(profile);
    if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, name) != srtp_err_status_ok ||
        srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, name) != srtp_err_status_ok) {
      return;
    }
    policy.ssrc.type = direction;
    policy.key = key.data();
    policy.window_size = kSrtpReplayWindow;
    // A second seal of one sequence number would reuse its key stream (RFC 3711 section 9.1), so it stays forbidden.
    policy.allow_repeat_tx = 0;
    if (srtp_create(&session_, &policy) != srtp_err_status_ok) session_ = nullptr;
    key.fill(0);
  }
  ~Direction() {
    if (session_ != nullptr) srtp_dealloc(session_);
  }
  Direction(const Direction&) = delete;
  Direction& operator=(const Direction&) = delete;

  srtp_t session() const { return session_; }

 private:
  srtp_t session_ = nullptr;
};

class LibsrtpSession final : public SrtpSession {
 public:
  explicit LibsrtpSession(const SrtpKeys& keys)
      : sizes_(sizes_of(keys.profile)),
        out_(keys.profile, keys.ours, ssrc_any_outbound),
        in_(keys.profile, keys.theirs, ssrc_any_inbound) {}

  bool is_usable() const { return out_.session() != nullptr && in_.session() != nullptr; }

  Result<size_t, SrtpFault> protect_rtp(MutableBytes room, size_t size) override {
    if (!parse_rtp_header(Bytes{room}.first(size))) return fail(SrtpFault::malformed);
    if (room.size() - size < sizes_.rtp_tag) return fail(SrtpFault::no_room);
    int length = static_cast<int>(size);
    const srtp_err_status_t status = srtp_protect(out_.session(), room.data(), &length);
    return finish(status, length);
  }

  Result<size_t, SrtpFault> protect_rtcp(MutableBytes room, size_t size) override {
    if (size < kRtcpFixedSize) return fail(SrtpFault::malformed);
    if (room.size() - size < sizes_.rtcp_tag + 4) return fail(SrtpFault::no_room);
    int length = static_cast<int>(size);
    const srtp_err_status_t status = srtp_protect_rtcp(out_.session(), room.data(), &length);
    return finish(status, length);
  }

  Result<size_t, SrtpFault> unprotect_rtp(MutableBytes packet) override {
    const auto header = parse_rtp_header(packet);
    if (!header || packet.size() < header->header_size + sizes_.rtp_tag) return fail(SrtpFault::malformed);
    return unprotect(packet, header->ssrc, srtp_unprotect);
  }

  Result<size_t, SrtpFault> unprotect_rtcp(MutableBytes packet) override {
    if (packet.size() < kRtcpFixedSize + sizes_.rtcp_tag + 4) return fail(SrtpFault::malformed);
    return unprotect(packet, read_u32(&packet[4]), srtp_unprotect_rtcp);
  }

 private:
  static Result<size_t, SrtpFault> finish(srtp_err_status_t status, int length) {
    if (status != srtp_err_status_ok) return fail(fault_of(status));
    return static_cast<size_t>(length);
  }

  template <class Open>
  Result<size_t, SrtpFault> unprotect(MutableBytes packet, uint32_t ssrc, Open open) {
    const auto end = sources_.begin() + source_count_;
    const bool known = std::find(sources_.begin(), end, ssrc) != end;
    if (!known && source_count_ == sources_.size()) return fail(SrtpFault::too_many_sources);
    int length = static_cast<int>(packet.size());
    const srtp_err_status_t status = open(in_.session(), packet.data(), &length);
    auto result = finish(status, length);
    if (result && !known) sources_[source_count_++] = ssrc;
    return result;
  }

  SrtpSizes sizes_;
  Direction out_;
  Direction in_;
  std::array<uint32_t, kMaxSrtpSources> sources_{};
  uint8_t source_count_ = 0;
};

}  // namespace

std::unique_ptr<SrtpSession> make_libsrtp_session(const SrtpKeys& keys) {
  static const LibsrtpOwner owner;
  if (owner.status != srtp_err_status_ok) return nullptr;
  auto session = std::make_unique<LibsrtpSession>(keys);
  if (!session->is_usable()) return nullptr;
  return session;
}

}  // namespace isthmus::media
