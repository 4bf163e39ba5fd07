// SPDX-License-Identifier: MIT
#include "media/dtmf.hpp"

#include <algorithm>
#include <string_view>

namespace isthmus::media {

namespace {

constexpr std::string_view kDigits = "0123456789*#ABCD";
constexpr uint8_t kEnd = 0x80;
constexpr uint8_t kVolume = 10;  // -10 dBm0
constexpr uint16_t kLongestSegment = 0xffff;

// 16 bits of duration bound one segment; longer events than that are not sent.
constexpr uint32_t in_clock(uint16_t milliseconds, uint32_t clock) {
  return static_cast<uint32_t>(uint64_t{milliseconds} * clock / 1000);
}

}  // namespace

std::optional<uint8_t> event_of_digit(char digit) {
  const char upper = digit >= 'a' && digit <= 'd' ? static_cast<char>(digit - 'a' + 'A') : digit;
  const size_t at = kDigits.find(upper);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<uint8_t>(at);
}

std::optional<char> digit_of_event(uint8_t event) {
  if (event >= kDigits.size()) return std::nullopt;
  return kDigits[event];
}

std::optional<Digit> DtmfReceiver::receive(uint32_t timestamp, uint32_t clock, Bytes payload, TimePoint now) {
  if (payload.size() < kEventSize || clock == 0) return std::nullopt;
  const uint8_t event = octet(payload[0]);
  const bool end = (octet(payload[1]) & kEnd) != 0;
  const uint16_t duration = read_u16(payload.data() + 2);
  if (!digit_of_event(event)) return std::nullopt;

  std::optional<Digit> over;
  const auto ahead = static_cast<int32_t>(timestamp - timestamp_);
  if (!any_ || ahead != 0) {
    if (any_ && ahead < 0) return std::nullopt;  // of an event before this one
    const bool continues = running_ && event == event_ && ahead == kLongestSegment;
    if (continues) {
      before_ += kLongestSegment;
    } else {
      if (running_) over = finish();
      before_ = 0;
    }
    any_ = true;
    running_ = true;
    event_ = event;
    timestamp_ = timestamp;
    clock_ = clock;
    duration_ = 0;
  }
  if (!running_ || event != event_) return over;
  duration_ = std::max(duration_, duration);
  last_at_ = now;
  if (end && !over) over = finish();
  return over;
}

std::optional<Digit> DtmfReceiver::expire(TimePoint now) {
  if (!running_ || now < deadline()) return std::nullopt;
  return finish();
}

Digit DtmfReceiver::finish() {
  running_ = false;
  const uint64_t milliseconds = (before_ + duration_) * 1000 / clock_;
  return {*digit_of_event(event_), static_cast<uint16_t>(std::min<uint64_t>(milliseconds, 0xffff))};
}

bool DtmfSender::queue(char digit, uint16_t milliseconds) {
  if (!event_of_digit(digit) || count_ == kMaxQueuedDigits) return false;
  queue_[(head_ + count_) % kMaxQueuedDigits] = {digit, std::clamp(milliseconds, kMinEventMs, kMaxEventMs)};
  ++count_;
  return true;
}

void DtmfSender::begin(uint32_t clock, uint32_t timestamp) {
  const Digit digit = queue_[head_];
  head_ = static_cast<uint8_t>((head_ + 1) % kMaxQueuedDigits);
  --count_;
  running_ = true;
  event_ = *event_of_digit(digit.digit);
  ends_sent_ = 0;
  clock_ = clock;
  timestamp_ = timestamp;
  total_ = std::min<uint32_t>(in_clock(digit.milliseconds, clock), kLongestSegment);
  duration_ = 0;
}

DtmfSender::Step DtmfSender::packet(TimePoint now, bool marker) {
  const uint32_t pace = clock_ / static_cast<uint32_t>(std::chrono::seconds(1) / kEventPace);
  duration_ = std::min(duration_ + pace, total_);
  const bool end = duration_ == total_;
  Step out;
  out.payload[0] = static_cast<std::byte>(event_);
  out.payload[1] = static_cast<std::byte>((end ? kEnd : 0) | kVolume);
  write_u16(out.payload.data() + 2, static_cast<uint16_t>(duration_));
  out.timestamp = timestamp_;
  out.marker = marker;
  next_ = now + kEventPace;
  if (end && ++ends_sent_ == kEventEndPackets) {
    running_ = false;
    next_ = now + kEventPause;
  }
  return out;
}

}  // namespace isthmus::media
