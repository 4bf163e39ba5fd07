// SPDX-License-Identifier: MIT
#include "media/rtp_stats.hpp"

#include <algorithm>

namespace isthmus::media {
namespace {

constexpr uint64_t kNtpEpochOffset = 2208988800;  // seconds from 1900 to 1970
constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

uint32_t in_clock_units(TimePoint arrival, uint32_t clock) {
  const int64_t nanoseconds = arrival.time_since_epoch().count();
  const int64_t seconds = nanoseconds / kNanosecondsPerSecond;
  const int64_t rest = nanoseconds % kNanosecondsPerSecond;
  return static_cast<uint32_t>(static_cast<uint64_t>(seconds) * clock) +
         static_cast<uint32_t>(rest * clock / kNanosecondsPerSecond);
}

}  // namespace

uint64_t ntp_time(WallTime wall) {
  const int64_t nanoseconds = wall.time_since_epoch().count();
  const auto seconds = static_cast<uint64_t>(nanoseconds / kNanosecondsPerSecond);
  const auto rest = static_cast<uint64_t>(nanoseconds % kNanosecondsPerSecond);
  return ((seconds + kNtpEpochOffset) << 32) | ((rest << 32) / kNanosecondsPerSecond);
}

bool RtpStats::receive(uint16_t sequence, uint32_t timestamp, TimePoint arrival) {
  if (!started_) {
    restart(sequence);
    started_ = true;
    max_sequence_ = static_cast<uint16_t>(sequence - 1);
    probation_ = kMinSequential;
  }
  if (!update_sequence(sequence)) return false;
  update_jitter(timestamp, arrival);
  return true;
}

void RtpStats::restart(uint16_t sequence) {
  base_sequence_ = sequence;
  max_sequence_ = sequence;
  bad_sequence_ = kSequenceModulo + 1;
  cycles_ = 0;
  received_ = 0;
  received_prior_ = 0;
  expected_prior_ = 0;
  has_transit_ = false;
  jitter_ = 0;
}

bool RtpStats::update_sequence(uint16_t sequence) {  // A.1
  const auto ahead = static_cast<uint16_t>(sequence - max_sequence_);
  if (probation_ > 0) {
    if (ahead == 1) {
      max_sequence_ = sequence;
      if (--probation_ > 0) return false;
      restart(sequence);
      received_ = 1;
      return true;
    }
    probation_ = kMinSequential - 1;
    max_sequence_ = sequence;
    return false;
  }
  if (ahead < kMaxDropout) {
    if (sequence < max_sequence_) cycles_ += kSequenceModulo;
    max_sequence_ = sequence;
  } else if (ahead <= kSequenceModulo - kMaxMisorder) {
    if (sequence != bad_sequence_) {
      bad_sequence_ = static_cast<uint16_t>(sequence + 1);
      return false;
    }
    restart(sequence);  // two in order: the sender has begun anew
  }
  ++received_;
  return true;
}

void RtpStats::update_jitter(uint32_t timestamp, TimePoint arrival) {  // A.8
  const uint32_t transit = in_clock_units(arrival, clock_) - timestamp;
  if (has_transit_) {
    const auto difference = static_cast<int32_t>(transit - transit_);
    const uint32_t size = difference < 0 ? 0U - static_cast<uint32_t>(difference) : static_cast<uint32_t>(difference);
    jitter_ += size - ((jitter_ + 8) >> 4);
  }
  has_transit_ = true;
  transit_ = transit;
}

void RtpStats::sender_report(uint64_t ntp, TimePoint arrival) {
  last_sr_ = ntp_middle(ntp);
  last_sr_at_ = arrival;
}

int64_t RtpStats::lost() const {
  if (received_ == 0) return 0;
  return int64_t{extended_highest()} - base_sequence_ + 1 - static_cast<int64_t>(received_);
}

ReportBlock RtpStats::report(uint32_t ssrc, TimePoint now) {  // A.3
  ReportBlock block;
  block.ssrc = ssrc;
  block.highest_sequence = extended_highest();
  block.jitter = jitter();
  block.lost = static_cast<int32_t>(std::clamp<int64_t>(lost(), -0x800000, 0x7fffff));
  const uint64_t expected = received_ == 0 ? 0 : uint64_t{extended_highest()} - base_sequence_ + 1;
  const auto expected_interval = static_cast<int64_t>(expected - expected_prior_);
  const auto received_interval = static_cast<int64_t>(received_ - received_prior_);
  expected_prior_ = expected;
  received_prior_ = received_;
  const int64_t lost_interval = expected_interval - received_interval;
  if (expected_interval > 0 && lost_interval > 0) {
    block.fraction_lost = static_cast<uint8_t>(std::min<int64_t>(255, (lost_interval << 8) / expected_interval));
  }
  block.last_sr = last_sr_;
  if (last_sr_ != 0) {
    const int64_t waited = std::max<int64_t>(0, (now - last_sr_at_).count());
    const int64_t seconds = std::min<int64_t>(waited / kNanosecondsPerSecond, 0xffff);
    const int64_t rest = waited % kNanosecondsPerSecond;
    block.delay_since_last_sr = static_cast<uint32_t>((seconds << 16) | ((rest << 16) / kNanosecondsPerSecond));
  }
  return block;
}

}  // namespace isthmus::media
