// SPDX-License-Identifier: MIT
#include "ice/lite_agent.hpp"

#include <algorithm>
#include <utility>

namespace isthmus::ice {
namespace {

constexpr size_t kAnswerRoom = 256;  // the longest answer, a 420 with all types and integrity, is 108 octets

}  // namespace

LiteAgent::LiteAgent(Credentials local, stun::Digests digests) : local_(std::move(local)), digests_(digests) {}

Verdict LiteAgent::receive(Pass& pass, const Path& path, const stun::Message& message) {
  const Verdict verdict = judge(message);
  answer(pass, path, message, verdict);
  if (verdict == Verdict::valid) note_check(pass, path, message);
  return verdict;
}

// Integrity comes before everything that earns an answer (RFC 8489 section 9.1.3): errors go to the peer only.
Verdict LiteAgent::judge(const stun::Message& message) const {
  if (message.kind != stun::Class::request || message.method != stun::kBinding) return Verdict::not_a_check;
  if (!message.has_integrity() || !message.username) return Verdict::no_integrity;
  const auto username = split_username(*message.username);
  if (!username || username->receiver != local_.ufrag) return Verdict::wrong_username;
  if (remote_ && username->sender != remote_->ufrag) return Verdict::wrong_username;
  if (message.fingerprint_at != 0 && !stun::fingerprint_matches(message, digests_.crc32)) {
    return Verdict::bad_fingerprint;
  }
  if (!stun::integrity_matches(message, as_bytes(local_.password), digests_.hmac_sha1)) return Verdict::bad_integrity;
  if (message.unknown_count > 0) return Verdict::unknown_attribute;
  // A lite agent cannot become controlling, so the peer has to switch, whatever the tie-breakers say.
  if (message.controlled) return Verdict::role_conflict;
  return Verdict::valid;
}

void LiteAgent::answer(Pass& pass, const Path& path, const stun::Message& message, Verdict verdict) const {
  if (verdict > Verdict::unknown_attribute) return;
  std::array<std::byte, kAnswerRoom> room;
  const auto kind = verdict == Verdict::valid ? stun::Class::success : stun::Class::error;
  stun::Writer writer(room, kind, stun::kBinding, message.transaction);
  if (verdict == Verdict::valid) {
    writer.xor_mapped_address(path.remote);
  } else if (verdict == Verdict::role_conflict) {
    writer.error_code(487, "Role Conflict");
  } else {
    writer.error_code(420, "Unknown Attribute");
    writer.unknown_attributes(std::span(message.unknown).first(message.unknown_count));
  }
  writer.integrity(as_bytes(local_.password), digests_.hmac_sha1);
  writer.fingerprint(digests_.crc32);
  pass.out.send(path, writer.bytes());
}

void LiteAgent::note_check(Pass& pass, const Path& path, const stun::Message& message) {
  const size_t index = place_for(path);
  Seen& seen = seen_[index];
  seen.path = path;
  seen.priority = message.priority.value_or(0);
  seen.checked_at = pass.now.steady;
  if (message.use_candidate) {
    choose(index, true);
  } else if (!nominated_) {
    choose(best(), false);
  }
}

// Where this path is kept, or shall be: a full list gives up the path whose last check is oldest, never the chosen one.
size_t LiteAgent::place_for(const Path& path) {
  for (size_t i = 0; i < seen_count_; ++i) {
    if (seen_[i].path == path) return i;
  }
  if (seen_count_ < kMaxPaths) {
    seen_[seen_count_] = {};
    return seen_count_++;
  }
  size_t oldest = selected_ == 0 ? 1 : 0;
  for (size_t i = 0; i < seen_count_; ++i) {
    if (i != selected_ && seen_[i].checked_at < seen_[oldest].checked_at) oldest = i;
  }
  return oldest;
}

size_t LiteAgent::best() const {
  size_t best = 0;
  for (size_t i = 1; i < seen_count_; ++i) {
    if (seen_[i].priority > seen_[best].priority) best = i;
  }
  return best;
}

void LiteAgent::choose(size_t index, bool nominated) {
  tell_selected_ = tell_selected_ || index != selected_;
  selected_ = index;
  nominated_ = nominated;
  tell_lost_ = false;
}

// Paths without a check for the consent time are dropped; when the chosen one is among them the best of the rest takes
// its place.
void LiteAgent::expire(Pass& pass) {
  const size_t before = seen_count_;
  for (size_t i = seen_count_; i-- > 0;) {
    if (seen_[i].checked_at + kConsentTimeout <= pass.now.steady) drop(i);
  }
  if (before > 0 && seen_count_ == 0) {
    tell_selected_ = false;
    tell_lost_ = true;
  } else if (seen_count_ > 0 && selected_ == kMaxPaths) {
    choose(best(), false);
  }
}

void LiteAgent::drop(size_t index) {
  const size_t last = --seen_count_;
  if (selected_ == index) {
    selected_ = kMaxPaths;
    nominated_ = false;
  } else if (selected_ == last) {
    selected_ = index;
  }
  seen_[index] = seen_[last];
}

TimePoint LiteAgent::next_deadline() const {
  TimePoint deadline = kNever;
  for (size_t i = 0; i < seen_count_; ++i) deadline = std::min(deadline, seen_[i].checked_at + kConsentTimeout);
  return deadline;
}

std::optional<Event> LiteAgent::poll_event() {
  if (std::exchange(tell_selected_, false)) return Event{Event::Kind::selected, seen_[selected_].path};
  if (std::exchange(tell_lost_, false)) return Event{Event::Kind::consent_lost, {}};
  return std::nullopt;
}

std::optional<Path> LiteAgent::selected() const {
  if (selected_ == kMaxPaths) return std::nullopt;
  return seen_[selected_].path;
}

bool LiteAgent::is_nominated() const {
  return nominated_;
}

TimePoint LiteAgent::last_check() const {
  TimePoint latest{};
  for (size_t i = 0; i < seen_count_; ++i) latest = std::max(latest, seen_[i].checked_at);
  return latest;
}

std::string_view describe(Verdict verdict) {
  switch (verdict) {
    case Verdict::valid: return "valid check";
    case Verdict::role_conflict: return "role conflict";
    case Verdict::unknown_attribute: return "unknown comprehension-required attribute";
    case Verdict::bad_fingerprint: return "fingerprint does not match";
    case Verdict::no_integrity: return "no integrity or no user name";
    case Verdict::bad_integrity: return "integrity does not match";
    case Verdict::wrong_username: return "user name of another session";
    case Verdict::not_a_check: return "not a connectivity check";
    case Verdict::kCount: break;
  }
  return "unknown verdict";
}

}  // namespace isthmus::ice
