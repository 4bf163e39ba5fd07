// SPDX-License-Identifier: MIT
// A leg's payload map, readable per packet: by number in one step, and each format's counterpart on the partner
// computed when a map or the partner changes, never while packets flow.
#pragma once

#include <array>
#include <optional>

#include "media/g711.hpp"
#include "media/order.hpp"

namespace isthmus::media {

class PayloadTable {
 public:
  PayloadTable() { index_.fill(kNone); }
  // Entries with a number above 127 or a clock of 0 are left out; of two with one number the first counts.
  explicit PayloadTable(const PayloadMap& map) : PayloadTable() {
    for (size_t i = 0; i < map.count && i < kMaxPayloads; ++i) {
      const Payload& payload = map.entries[i];
      if (payload.number > 127 || payload.clock == 0 || index_[payload.number] != kNone) continue;
      index_[payload.number] = count_;
      entries_[count_++] = payload;
    }
  }

  const Payload* find(uint8_t number) const {
    const uint8_t at = index_[number & 127];
    return at == kNone ? nullptr : &entries_[at];
  }
  const Payload* find(Codec codec, uint32_t clock) const {
    for (size_t i = 0; i < count_; ++i) {
      if (entries_[i].codec == codec && entries_[i].clock == clock) return &entries_[i];
    }
    return nullptr;
  }
  bool has(Codec codec) const {
    for (size_t i = 0; i < count_; ++i) {
      if (entries_[i].codec == codec) return true;
    }
    return false;
  }
  const Payload* audio() const {  // the first format that is sound
    for (size_t i = 0; i < count_; ++i) {
      if (entries_[i].codec != Codec::telephone_event && entries_[i].codec != Codec::comfort_noise) return &entries_[i];
    }
    return nullptr;
  }
  // The event format for what we send ourselves: that of the audio's clock (RFC 4733 2.1), else any.
  const Payload* event() const {
    const Payload* sound = audio();
    if (sound != nullptr) {
      if (const Payload* fitting = find(Codec::telephone_event, sound->clock)) return fitting;
    }
    for (size_t i = 0; i < count_; ++i) {
      if (entries_[i].codec == Codec::telephone_event) return &entries_[i];
    }
    return nullptr;
  }
  size_t size() const { return count_; }

 private:
  static constexpr uint8_t kNone = 0xff;
  std::array<uint8_t, 128> index_;
  std::array<Payload, kMaxPayloads> entries_{};
  uint8_t count_ = 0;
};

// From a payload type of one leg to that of its partner.
class PayloadBridge {
 public:
  static constexpr uint8_t kUnknown = 0xff;
  static constexpr uint8_t kOtherClock = 0xfe;  // a telephone-event that the partner has with other clocks only

  PayloadBridge() { to_.fill(kUnknown); }
  PayloadBridge(const PayloadTable& from, const PayloadTable& to) : PayloadBridge() {
    for (uint8_t number = 0; number < 128; ++number) {
      const Payload* source = from.find(number);
      if (source == nullptr) continue;
      if (const Payload* target = to.find(source->codec, source->clock)) {
        to_[number] = target->number;
      } else if (const Payload* sibling = to.find(other_law(source->codec), source->clock)) {
        to_[number] = sibling->number;
        changes_[number] = law_change(source->codec, sibling->codec);
      } else if (source->codec == Codec::telephone_event && to.has(Codec::telephone_event)) {
        to_[number] = kOtherClock;
      }
    }
  }
  uint8_t operator[](uint8_t number) const { return to_[number & 127]; }
  // G.711 under the partner's law, when it does not take ours.
  LawChange change(uint8_t number) const { return changes_[number & 127]; }

 private:
  static constexpr Codec other_law(Codec codec) {
    if (codec == Codec::pcmu) return Codec::pcma;
    return codec == Codec::pcma ? Codec::pcmu : Codec::none;
  }

  std::array<uint8_t, 128> to_;
  std::array<LawChange, 128> changes_{};
};

}  // namespace isthmus::media
