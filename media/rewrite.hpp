// SPDX-License-Identifier: MIT
// The one outgoing RTP stream of a leg: one SSRC, one rising sequence, one timestamp line for the life of the leg,
// whatever source feeds it (RFC 3550 5.1, A.1). No sequence number is ever given out twice, so that SRTP never seals
// two packets under one index (RFC 3711 9.1). Numbers only: it never touches a packet.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace isthmus::media {

inline constexpr int kRestartAhead = 3000;  // RFC 3550 A.1: a larger step forward is a restart
inline constexpr int kRestartBehind = 100;  // RFC 3550 A.1: a larger step back is a restart
inline constexpr uint32_t kFrameRate = 50;  // a change of source moves the timestamp on by at least 1/50 s

class Rewrite {
 public:
  struct Source {
    uint32_t leg = 0;
    uint32_t ssrc = 0;
    friend bool operator==(const Source&, const Source&) = default;
  };
  struct Heading {
    uint16_t sequence = 0;
    uint32_t timestamp = 0;
    bool marker = false;
    friend bool operator==(const Heading&, const Heading&) = default;
  };
  enum class Verdict : uint8_t { pass, late, duplicate, jump };

  Rewrite() = default;
  Rewrite(uint32_t ssrc, uint16_t first_sequence, uint32_t first_timestamp)
      : ssrc_(ssrc), highest_out_(kBase + first_sequence - 1), last_timestamp_(first_timestamp) {}

  uint32_t ssrc() const { return ssrc_; }

  // On `pass` the heading is the outgoing one; the marker is set on a change of source. `clock` is the payload's.
  Verdict map(const Source& source, uint32_t clock, TimePoint now, Heading& heading);
  // A packet of the current source that will not go out: the hole it leaves is closed.
  void skip(const Source& source, uint16_t sequence);

  // Where the timestamp line stands now (for sender reports, RFC 3550 6.4.1).
  uint32_t line_at(uint32_t clock, TimePoint now) const;

  // Packets of our own making: a timestamp after all others, and the next sequence number.
  uint32_t timestamp_at(uint32_t clock, TimePoint now) const;
  Heading own(uint32_t timestamp, TimePoint now);

  uint32_t last_timestamp() const { return last_timestamp_; }
  TimePoint last_at() const { return last_at_; }

 private:
  static constexpr int64_t kBase = int64_t{1} << 32;
  static constexpr int kWindow = 64;

  void rebase(const Source& source, uint32_t clock, TimePoint now, const Heading& in);
  Verdict emit(int64_t out);

  uint32_t ssrc_ = 0;
  int64_t highest_out_ = kBase;  // extended sequence numbers
  uint64_t sent_ = 0;            // bit i: highest_out_ - i went out
  uint32_t last_timestamp_ = 0;
  TimePoint last_at_{};
  bool started_ = false;

  Source source_;
  bool has_source_ = false;
  int64_t highest_in_ = 0;
  int64_t first_in_ = 0;  // older ones belong to before the last change
  int64_t offset_ = 0;
  uint32_t timestamp_offset_ = 0;
  int32_t awaited_ = -1;  // the sequence number that would confirm a jump
};

}  // namespace isthmus::media
