// SPDX-License-Identifier: MIT
// What a receiver of one RTP source counts (RFC 3550 section 6.4.1, appendices A.1, A.3 and A.8): sequence numbers with
// probation and restart, loss, interarrival jitter. Time is an argument.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "media/rtcp_packet.hpp"

namespace isthmus::media {

inline constexpr uint16_t kMaxDropout = 3000;  // A.1: a jump ahead by less is loss
inline constexpr uint16_t kMaxMisorder = 100;  // A.1: a step back by less is reordering
inline constexpr uint16_t kMinSequential = 2;  // A.1: packets in order before a source counts
inline constexpr uint32_t kSequenceModulo = 1U << 16;

// NTP time of a wall clock stamp (RFC 3550 section 4), and its middle 32 bits.
uint64_t ntp_time(WallTime wall);
inline uint32_t ntp_middle(uint64_t ntp) {
  return static_cast<uint32_t>(ntp >> 16);
}

class RtpStats {
 public:
  explicit RtpStats(uint32_t clock_rate) : clock_(clock_rate == 0 ? 8000 : clock_rate) {}

  // True when the packet counts as one of a valid source (A.1); the first packets of a source are on probation.
  bool receive(uint16_t sequence, uint32_t timestamp, TimePoint arrival);
  // An SR of this source, for LSR and DLSR of our reports.
  void sender_report(uint64_t ntp, TimePoint arrival);

  // The block about this source; the fraction lost is that since the previous call.
  ReportBlock report(uint32_t ssrc, TimePoint now);

  uint64_t received() const { return received_; }
  uint32_t extended_highest() const { return cycles_ + max_sequence_; }
  int64_t lost() const;                             // cumulative; duplicates make it negative
  uint32_t jitter() const { return jitter_ >> 4; }  // in timestamp units

 private:
  void restart(uint16_t sequence);
  bool update_sequence(uint16_t sequence);
  void update_jitter(uint32_t timestamp, TimePoint arrival);

  uint32_t clock_;
  bool started_ = false;
  uint16_t max_sequence_ = 0;
  uint16_t probation_ = kMinSequential;
  uint32_t cycles_ = 0;
  uint32_t base_sequence_ = 0;
  uint32_t bad_sequence_ = kSequenceModulo + 1;
  uint64_t received_ = 0;
  uint64_t expected_prior_ = 0;
  uint64_t received_prior_ = 0;
  bool has_transit_ = false;
  uint32_t transit_ = 0;
  uint32_t jitter_ = 0;  // times 16
  uint32_t last_sr_ = 0;
  TimePoint last_sr_at_{};
};

}  // namespace isthmus::media
