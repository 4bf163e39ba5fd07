// SPDX-License-Identifier: MIT
// The browser's side of a leg: ICE lite, one DTLS association, SRTP (RFC 8834, RFC 8842, RFC 5764), all on one path.
// Order of trust: a check with our password proves an address, only a proved address may speak DTLS, only the signalled
// fingerprint gives keys, only the keys give media. Plain RTP has no way in or out. A failed handshake is tried again
// until the time limit, so that nobody ends a call by sending rubbish.
#pragma once

#include <memory>
#include <optional>

#include "base/outbox.hpp"
#include "ice/lite_agent.hpp"
#include "media/dtls_session.hpp"
#include "media/order.hpp"
#include "media/srtp_session.hpp"

namespace isthmus::media {

inline constexpr unsigned kMaxDtlsAttempts = 8;  // associations that a leg begins within kDtlsAttemptWindow
inline constexpr Duration kDtlsAttemptWindow = std::chrono::seconds(1);

using SrtpMaker = std::unique_ptr<SrtpSession> (*)(const SrtpKeys& keys);

struct WebrtcRules {  // shared by all legs; outlives them
  const DtlsContext* dtls = nullptr;
  SrtpMaker make_srtp = make_libsrtp_session;
  Duration connect_limit = std::chrono::seconds(30);  // from arming to a working pair
  Duration dtls_limit = std::chrono::seconds(30);     // from the first working pair to keys
};

class WebrtcLeg {
 public:
  struct News {
    bool connected = false;  // otherwise `fault`
    LegFault fault = LegFault::limit;
  };

  WebrtcLeg(ice::Credentials local, const WebrtcRules& rules);

  // Credentials and fingerprint of the peer. The same fingerprint again touches neither association nor keys (RFC 8842
  // section 5); another one begins a new association, and the old keys serve until it has its own.
  void arm(Pass& pass, const ArmWebrtc& order);
  bool is_armed() const { return armed_; }
  const ice::Credentials& local() const { return agent_.local(); }

  // Datagrams of the shared port that belong to this leg. `dtls` only from an address that passed a check.
  ice::Verdict check(Pass& pass, const Path& path, const stun::Message& message);
  bool dtls(Pass& pass, const Path& path, Bytes datagram);  // false: nothing could take it

  bool had_pair() const { return had_pair_; }  // a valid check has come at least once
  bool has_keys() const { return srtp_ != nullptr; }
  Result<size_t, SrtpFault> open_rtp(MutableBytes packet) { return srtp_->unprotect_rtp(packet); }
  Result<size_t, SrtpFault> open_rtcp(MutableBytes packet) { return srtp_->unprotect_rtcp(packet); }
  Result<size_t, SrtpFault> seal_rtp(MutableBytes room, size_t size) { return srtp_->protect_rtp(room, size); }
  Result<size_t, SrtpFault> seal_rtcp(MutableBytes room, size_t size) { return srtp_->protect_rtcp(room, size); }
  // Where media goes: the nominated pair, while there is consent and there are keys.
  const Path* media_path() const { return has_keys() && path_ ? &*path_ : nullptr; }

  void expire(Pass& pass);
  void close(Pass& pass);
  TimePoint next_deadline() const;
  std::optional<News> poll_news();

 private:
  void follow_agent(Pass& pass);
  void follow_dtls(Pass& pass);
  void associate(Pass& pass);
  bool may_attempt(TimePoint now);
  void lost_association(Pass& pass, DtlsFault fault);
  void fail(LegFault fault);

  const WebrtcRules* rules_;
  ice::LiteAgent agent_;
  std::optional<Path> path_;
  bool had_pair_ = false;
  bool armed_ = false;
  bool failed_ = false;
  DtlsRole role_ = DtlsRole::passive;
  Fingerprint fingerprint_;
  std::optional<DtlsSession> dtls_;
  unsigned attempts_ = 0;  // since attempts_from_
  TimePoint attempts_from_{};
  std::unique_ptr<SrtpSession> srtp_;
  TimePoint connect_by_ = kNever;  // a pair, then keys
  std::optional<News> news_;
};

}  // namespace isthmus::media
