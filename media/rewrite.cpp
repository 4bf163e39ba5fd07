// SPDX-License-Identifier: MIT
#include "media/rewrite.hpp"

#include <algorithm>

namespace isthmus::media {

namespace {

constexpr uint64_t kSecond = 1'000'000'000;  // in nanoseconds

int step(uint16_t from, uint16_t to) {
  return static_cast<int16_t>(static_cast<uint16_t>(to - from));
}

}  // namespace

Rewrite::Verdict Rewrite::map(const Source& source, uint32_t clock, TimePoint now, Heading& heading) {
  const bool changed = !has_source_ || source != source_;
  if (changed) {
    rebase(source, clock, now, heading);
  } else {
    const int delta = step(static_cast<uint16_t>(highest_in_), heading.sequence);
    if (delta > kRestartAhead || delta < -kRestartBehind) {
      if (awaited_ != heading.sequence) {
        awaited_ = static_cast<uint16_t>(heading.sequence + 1);
        return Verdict::jump;
      }
      rebase(source, clock, now, heading);
    }
  }
  const int64_t in = highest_in_ + step(static_cast<uint16_t>(highest_in_), heading.sequence);
  if (in < first_in_) return Verdict::late;
  const int64_t out = in + offset_;
  const bool newest = out > highest_out_;
  if (const Verdict verdict = emit(out); verdict != Verdict::pass) return verdict;
  highest_in_ = std::max(highest_in_, in);
  heading.sequence = static_cast<uint16_t>(out);
  heading.timestamp += timestamp_offset_;
  heading.marker = heading.marker || changed;
  if (newest) {
    last_timestamp_ = heading.timestamp;
    last_at_ = now;
  }
  started_ = true;
  return Verdict::pass;
}

void Rewrite::rebase(const Source& source, uint32_t clock, TimePoint now, const Heading& in) {
  source_ = source;
  has_source_ = true;
  awaited_ = -1;
  highest_in_ = kBase + in.sequence;
  first_in_ = highest_in_;
  offset_ = highest_out_ + 1 - highest_in_;
  timestamp_offset_ = timestamp_at(clock, now) - in.timestamp;
}

Rewrite::Verdict Rewrite::emit(int64_t out) {
  const int64_t ahead = out - highest_out_;
  if (ahead > 0) {
    sent_ = ahead >= kWindow ? 1 : (sent_ << ahead) | 1;
    highest_out_ = out;
    return Verdict::pass;
  }
  if (-ahead >= kWindow) return Verdict::late;
  const uint64_t bit = uint64_t{1} << -ahead;
  if ((sent_ & bit) != 0) return Verdict::duplicate;
  sent_ |= bit;
  return Verdict::pass;
}

void Rewrite::skip(const Source& source, uint16_t sequence) {
  if (!has_source_ || source != source_) return;
  const int delta = step(static_cast<uint16_t>(highest_in_), sequence);
  if (delta <= 0 || delta > kRestartAhead) return;
  highest_in_ += delta;
  first_in_ = highest_in_ + 1;
  --offset_;
}

uint32_t Rewrite::line_at(uint32_t clock, TimePoint now) const {
  if (!started_) return last_timestamp_;
  const auto elapsed = static_cast<uint64_t>(std::max<int64_t>(0, (now - last_at_).count()));
  // Whole seconds apart from the rest, so that a long pause cannot overflow.
  const uint64_t ticks = elapsed / kSecond * clock + elapsed % kSecond * clock / kSecond;
  return last_timestamp_ + static_cast<uint32_t>(ticks);
}

uint32_t Rewrite::timestamp_at(uint32_t clock, TimePoint now) const {
  if (!started_) return last_timestamp_;
  const uint32_t frame = last_timestamp_ + clock / kFrameRate;
  const uint32_t line = line_at(clock, now);
  return line - last_timestamp_ > frame - last_timestamp_ ? line : frame;
}

Rewrite::Heading Rewrite::own(uint32_t timestamp, TimePoint now) {
  emit(highest_out_ + 1);
  if (has_source_) {
    ++offset_;
    first_in_ = highest_in_ + 1;
  }
  if (!started_ || timestamp != last_timestamp_) {
    last_timestamp_ = timestamp;
    last_at_ = now;
  }
  started_ = true;
  return {static_cast<uint16_t>(highest_out_), timestamp, false};
}

}  // namespace isthmus::media
