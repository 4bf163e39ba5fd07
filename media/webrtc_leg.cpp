// SPDX-License-Identifier: MIT
#include "media/webrtc_leg.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace isthmus::media {

namespace {

constexpr stun::Digests kDigests{crypto::hmac_sha1, crypto::hmac_sha256, crypto::crc32};

}  // namespace

WebrtcLeg::WebrtcLeg(ice::Credentials local, const WebrtcRules& rules)
    : rules_(&rules), agent_(std::move(local), kDigests) {}

void WebrtcLeg::arm(Pass& pass, const ArmWebrtc& order) {
  agent_.set_remote({std::string(order.remote.ufrag.view()), std::string(order.remote.password.view())});
  const bool same_peer = armed_ && order.fingerprint == fingerprint_;
  if (!armed_) connect_by_ = pass.now.steady + rules_->connect_limit;
  armed_ = true;
  if (same_peer) return;
  fingerprint_ = order.fingerprint;
  role_ = order.role;
  attempts_ = 0;
  dtls_.reset();
  if (path_) {
    connect_by_ = pass.now.steady + rules_->dtls_limit;
    associate(pass);
  }
}

ice::Verdict WebrtcLeg::check(Pass& pass, const Path& path, const stun::Message& message) {
  const ice::Verdict verdict = agent_.receive(pass, path, message);
  follow_agent(pass);
  return verdict;
}

bool WebrtcLeg::dtls(Pass& pass, const Path& path, Bytes datagram) {
  if (!armed_ || failed_) return false;
  if (!dtls_) associate(pass);
  if (!dtls_) return false;
  dtls_->receive(pass, path, datagram);
  follow_dtls(pass);
  return true;
}

void WebrtcLeg::follow_agent(Pass& pass) {
  const bool had_path = path_.has_value();
  bool lost = false;
  while (const auto event = agent_.poll_event()) lost = event->kind == ice::Event::Kind::consent_lost;
  path_ = agent_.selected();
  had_pair_ = had_pair_ || path_;
  if (lost && has_keys()) return fail(LegFault::consent_lost);
  if (!path_ || had_path || !armed_ || failed_ || has_keys()) return;
  connect_by_ = pass.now.steady + rules_->dtls_limit;
  if (!dtls_) associate(pass);
}

// The active side speaks at once; the passive one has its session ready for the peer's first flight.
void WebrtcLeg::associate(Pass& pass) {
  if (rules_->dtls == nullptr || !may_attempt(pass.now.steady)) return;
  dtls_.emplace(*rules_->dtls, role_, fingerprint_);
  if (role_ == DtlsRole::active && path_) dtls_->start(pass, *path_);
  follow_dtls(pass);
}

// A handshake costs us more than its first datagram costs a forger, so there are only so many in a time; and always
// more later, so that a burst of rubbish does not use them up for good.
bool WebrtcLeg::may_attempt(TimePoint now) {
  if (now - attempts_from_ >= kDtlsAttemptWindow) {
    attempts_from_ = now;
    attempts_ = 0;
  }
  return attempts_++ < kMaxDtlsAttempts;
}

void WebrtcLeg::follow_dtls(Pass& pass) {
  while (dtls_) {
    const auto event = dtls_->poll_event();
    if (!event) return;
    switch (event->kind) {
      case DtlsEvent::Kind::connected: {
        const SrtpKeys* keys = dtls_->keys();
        auto srtp = keys != nullptr ? rules_->make_srtp(*keys) : nullptr;
        if (srtp == nullptr) return fail(LegFault::dtls_failed);
        if (!has_keys()) news_ = News{true, {}};
        srtp_ = std::move(srtp);
        connect_by_ = kNever;
        break;
      }
      case DtlsEvent::Kind::failed: return lost_association(pass, event->fault);
      case DtlsEvent::Kind::plaintext_alert: break;
      case DtlsEvent::Kind::closed: break;  // the call ends by signalling or by loss of consent
    }
  }
}

// A wrong certificate is the word of somebody who knows our password: final. All else may be rubbish from the side,
// and only the time limit ends the leg.
void WebrtcLeg::lost_association(Pass& pass, DtlsFault fault) {
  dtls_.reset();
  if (fault == DtlsFault::fingerprint_mismatch) return fail(LegFault::fingerprint_mismatch);
  if (role_ == DtlsRole::active) associate(pass);
}

void WebrtcLeg::fail(LegFault fault) {
  connect_by_ = kNever;
  if (failed_) return;
  failed_ = true;
  news_ = News{false, fault};
}

void WebrtcLeg::expire(Pass& pass) {
  agent_.expire(pass);
  follow_agent(pass);
  if (dtls_ && path_ && dtls_->next_deadline() <= pass.now.steady) {
    dtls_->expire(pass, *path_);
    follow_dtls(pass);
  }
  if (pass.now.steady >= connect_by_) fail(path_ ? LegFault::dtls_failed : LegFault::ice_timeout);
}

void WebrtcLeg::close(Pass& pass) {
  if (dtls_ && dtls_->is_connected() && path_) dtls_->close(pass, *path_);
}

TimePoint WebrtcLeg::next_deadline() const {
  TimePoint next = std::min(connect_by_, agent_.next_deadline());
  if (dtls_ && path_) next = std::min(next, dtls_->next_deadline());
  return next;
}

std::optional<WebrtcLeg::News> WebrtcLeg::poll_news() {
  return std::exchange(news_, std::nullopt);
}

}  // namespace isthmus::media
