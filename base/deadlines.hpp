// SPDX-License-Identifier: MIT
// A hierarchical timer wheel: set, cancel and take are O(1); timers of equal time come out in the order in which they
// were set. Resolution one millisecond, rounded up, so that no timer fires early. A copyable value; it never reads a
// clock.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/slots.hpp"
#include "base/time.hpp"

namespace isthmus {

using TimerId = Id<struct TimerTag>;

template <class T>
class Deadlines {
 public:
  Deadlines() { slots_.fill(List{}); }

  // A time already past is due at the next take. Times beyond 2^47 ms are cut to that.
  TimerId set(TimePoint at, T payload) {
    const uint32_t index = allocate(std::move(payload));
    nodes_[index].tick = std::max(current_, tick_after(at));
    link(index);
    ++size_;
    return {index, nodes_[index].generation};
  }

  // False when the timer has fired, was cancelled or never was: a stale id is harmless. The id is cleared.
  bool cancel(TimerId& id) {
    const TimerId given = std::exchange(id, TimerId{});
    if (!is_set(given)) return false;
    unlink(given.slot);
    release(given.slot);
    return true;
  }
  bool is_set(TimerId id) const {
    return id && id.slot < nodes_.size() && nodes_[id.slot].generation == id.generation &&
           nodes_[id.slot].payload.has_value();
  }

  // Takes one due timer, earliest first; none when nothing is due at `now`.
  std::optional<T> take_due(TimePoint now) {
    const uint64_t now_tick = tick_before(now);
    for (;;) {
      const Place place = first();
      if (place.level == kNoLevel || place.tick > now_tick) {
        current_ = std::max(current_, now_tick);
        return std::nullopt;
      }
      current_ = std::max(current_, place.tick);
      if (place.level > 0) {
        cascade(place);
        continue;
      }
      const uint32_t index = slots_[place.slot].head;
      unlink(index);
      std::optional<T> out = std::move(nodes_[index].payload);
      release(index);
      return out;
    }
  }

  // Never later than the earliest timer; may be earlier, when a coarse slot has to be spread out first. kNever when
  // empty.
  TimePoint next() const {
    const Place place = first();
    if (place.level == kNoLevel) return kNever;
    return TimePoint(std::chrono::milliseconds(static_cast<int64_t>(place.tick)));
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kLevels = 8;
  static constexpr unsigned kNoLevel = kLevels;
  static constexpr uint64_t kLastTick = (uint64_t{1} << 47) - 1;

  struct List {
    uint32_t head = kNone;
    uint32_t tail = kNone;
  };
  struct Node {
    uint64_t tick = 0;
    uint32_t generation = 0;
    uint32_t previous = kNone;
    uint32_t following = kNone;
    uint32_t slot = 0;
    std::optional<T> payload;
  };
  struct Place {
    unsigned level;
    uint32_t slot;
    uint64_t tick;
  };

  static uint64_t tick_after(TimePoint at) {
    const int64_t ns = at.time_since_epoch().count();
    if (ns <= 0) return 0;
    const auto tick = static_cast<uint64_t>(ns) / 1000000 + (ns % 1000000 != 0 ? 1 : 0);
    return std::min(tick, kLastTick);
  }
  static uint64_t tick_before(TimePoint at) {
    const int64_t ns = at.time_since_epoch().count();
    return ns <= 0 ? 0 : std::min(static_cast<uint64_t>(ns) / 1000000, kLastTick);
  }

  uint32_t allocate(T payload) {
    uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Node& node = nodes_[index];
    if (++node.generation == 0) node.generation = 1;
    node.payload.emplace(std::move(payload));
    return index;
  }
  void release(uint32_t index) {
    nodes_[index].payload.reset();
    free_.push_back(index);
    --size_;
  }

  void link(uint32_t index) {
    Node& node = nodes_[index];
    const uint64_t difference = node.tick ^ current_;
    const unsigned level = difference == 0 ? 0 : (63U - static_cast<unsigned>(std::countl_zero(difference))) / kBits;
    const auto digit = static_cast<uint32_t>(node.tick >> (kBits * level) & 63);
    node.slot = level * 64 + digit;
    List& list = slots_[node.slot];
    node.previous = list.tail;
    node.following = kNone;
    (list.tail == kNone ? list.head : nodes_[list.tail].following) = index;
    list.tail = index;
    busy_[level] |= uint64_t{1} << digit;
  }
  void unlink(uint32_t index) {
    Node& node = nodes_[index];
    List& list = slots_[node.slot];
    (node.previous == kNone ? list.head : nodes_[node.previous].following) = node.following;
    (node.following == kNone ? list.tail : nodes_[node.following].previous) = node.previous;
    if (list.head == kNone) busy_[node.slot / 64] &= ~(uint64_t{1} << (node.slot % 64));
  }
  void cascade(const Place& place) {
    const List list = std::exchange(slots_[place.slot], List{});
    busy_[place.level] &= ~(uint64_t{1} << (place.slot % 64));
    for (uint32_t index = list.head; index != kNone;) {
      const uint32_t following = nodes_[index].following;
      link(index);
      index = following;
    }
  }
  // Entries of a level are all later than those of the levels below, so the first busy level holds the earliest slot.
  Place first() const {
    for (unsigned level = 0; level < kLevels; ++level) {
      if (busy_[level] == 0) continue;
      const auto digit = static_cast<uint32_t>(std::countr_zero(busy_[level]));
      const uint64_t above = current_ >> (kBits * (level + 1)) << (kBits * (level + 1));
      return {level, level * 64 + digit, above | uint64_t{digit} << (kBits * level)};
    }
    return {kNoLevel, 0, 0};
  }

  uint64_t current_ = 0;
  size_t size_ = 0;
  std::array<uint64_t, kLevels> busy_{};
  std::array<List, kLevels * 64> slots_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> free_;
};

}  // namespace isthmus
