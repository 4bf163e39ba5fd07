// SPDX-License-Identifier: MIT
// A generational table: things are referred to by Id, never by pointer upwards; a stale id finds nothing. Addresses of
// entries are stable on insertion. Copyable when T is. Iteration is by slot order, which depends only on the sequence
// of insertions and removals.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace isthmus {

// Top 8 bits of `slot`: the shard. Generation 0: no thing.
template <class Tag>
struct Id {
  uint32_t slot = 0;
  uint32_t generation = 0;
  explicit operator bool() const { return generation != 0; }
  uint8_t shard() const { return static_cast<uint8_t>(slot >> 24); }
  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;
};

inline constexpr uint32_t kSlotMask = 0x00ffffff;

// Tag names the kind of id; by default the stored type itself.
template <class T, class Tag = T>
class Slots {
 public:
  explicit Slots(uint8_t shard = 0) : shard_(uint32_t{shard} << 24) {}

  template <class... Args>
  Id<Tag> insert(Args&&... args) {
    const Id<Tag> id = reserve();
    entries_[id.slot & kSlotMask].value.emplace(std::forward<Args>(args)...);
    ++size_;
    return id;
  }

  // For things that must know their id while they are made: the id finds nothing until fill(). Every reserve is
  // followed by one fill.
  Id<Tag> reserve() {
    uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Entry& entry = entries_[index];
    ++entry.generation;
    if (entry.generation == 0) entry.generation = 1;
    return {shard_ | index, entry.generation};
  }
  void fill(Id<Tag> id, T value) {
    entries_[id.slot & kSlotMask].value.emplace(std::move(value));
    ++size_;
  }

  T* find(Id<Tag> id) { return const_cast<T*>(std::as_const(*this).find(id)); }
  const T* find(Id<Tag> id) const {
    const uint32_t index = id.slot & kSlotMask;
    if (!id || (id.slot & ~kSlotMask) != shard_ || index >= entries_.size()) return nullptr;
    const Entry& entry = entries_[index];
    return entry.generation == id.generation && entry.value ? &*entry.value : nullptr;
  }

  bool erase(Id<Tag> id) {
    if (find(id) == nullptr) return false;
    const uint32_t index = id.slot & kSlotMask;
    entries_[index].value.reset();
    free_.push_back(index);
    --size_;
    return true;
  }

  // Calls f(id, value) for each live entry in slot order; f must not insert into or erase from this table.
  template <class F>
  void for_each(F&& f) {
    for (uint32_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].value) f(Id<Tag>{shard_ | i, entries_[i].generation}, *entries_[i].value);
    }
  }
  template <class F>
  void for_each(F&& f) const {
    for (uint32_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].value) f(Id<Tag>{shard_ | i, entries_[i].generation}, *entries_[i].value);
    }
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Entry {
    uint32_t generation = 0;
    std::optional<T> value;
  };
  uint32_t shard_;
  size_t size_ = 0;
  std::deque<Entry> entries_;
  std::vector<uint32_t> free_;
};

}  // namespace isthmus
