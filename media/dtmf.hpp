// SPDX-License-Identifier: MIT
// RFC 4733 telephone events, both ways: the receiver reports each event once, the sender makes the payloads of one
// event after the other. Payloads and times only; headers belong to rewrite and rtp_packet.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace isthmus::media {

inline constexpr size_t kEventSize = 4;                                    // RFC 4733 2.3
inline constexpr Duration kEventPace = std::chrono::milliseconds(20);      // between packets of one event
inline constexpr Duration kEventPause = std::chrono::milliseconds(60);     // between two events
inline constexpr Duration kEventTimeout = std::chrono::milliseconds(300);  // no packet for so long: the event is over
inline constexpr unsigned kEventEndPackets = 3;                            // RFC 4733 2.5.1.4
inline constexpr uint16_t kMinEventMs = 40;
inline constexpr uint16_t kMaxEventMs = 5000;
inline constexpr size_t kMaxQueuedDigits = 32;

std::optional<uint8_t> event_of_digit(char digit);  // 0-9 * # A-D -> 0..15
std::optional<char> digit_of_event(uint8_t event);

struct Digit {
  char digit = '0';
  uint16_t milliseconds = 0;
  friend bool operator==(const Digit&, const Digit&) = default;
};

class DtmfReceiver {
 public:
  // One telephone-event packet. A digit comes back when an event is over: at its first end packet, or when the next
  // event begins without one. Repeated, late and malformed packets give nothing.
  std::optional<Digit> receive(uint32_t timestamp, uint32_t clock, Bytes payload, TimePoint now);
  std::optional<Digit> expire(TimePoint now);  // the event whose end packets were all lost
  TimePoint deadline() const { return running_ ? last_at_ + kEventTimeout : kNever; }

 private:
  Digit finish();

  bool running_ = false;
  bool any_ = false;  // timestamp_ is that of an event, running or reported
  uint8_t event_ = 0;
  uint32_t timestamp_ = 0;  // of the event's current segment
  uint32_t clock_ = 8000;
  uint64_t before_ = 0;  // duration of earlier segments (RFC 4733 2.5.1.3)
  uint16_t duration_ = 0;
  TimePoint last_at_{};
};

class DtmfSender {
 public:
  struct Step {
    std::array<std::byte, kEventSize> payload{};
    uint32_t timestamp = 0;
    bool marker = false;
  };

  bool queue(char digit, uint16_t milliseconds);  // false: no such digit, or the queue is full
  size_t room() const { return kMaxQueuedDigits - count_; }
  bool is_busy() const { return running_ || count_ > 0; }
  bool is_sounding() const { return running_; }
  // The next packet when one is due; `start_timestamp` is asked for at the first packet of an event only. `next` is
  // when to call again, kNever when nothing is left.
  template <class Timestamp>
  std::optional<Step> step(TimePoint now, uint32_t clock, Timestamp&& start_timestamp) {
    if (now < next_) return std::nullopt;
    bool marker = false;
    if (!running_) {
      if (count_ == 0) return std::nullopt;
      begin(clock, start_timestamp());
      marker = true;
    }
    return packet(now, marker);
  }
  TimePoint next() const { return is_busy() ? next_ : kNever; }

 private:
  void begin(uint32_t clock, uint32_t timestamp);
  Step packet(TimePoint now, bool marker);

  std::array<Digit, kMaxQueuedDigits> queue_{};
  uint8_t head_ = 0;
  uint8_t count_ = 0;
  bool running_ = false;
  uint8_t event_ = 0;
  uint8_t ends_sent_ = 0;
  uint32_t clock_ = 8000;
  uint32_t timestamp_ = 0;
  uint32_t total_ = 0;     // duration of the whole event in timestamp units
  uint32_t duration_ = 0;  // of the last packet
  TimePoint next_{};
};

}  // namespace isthmus::media
