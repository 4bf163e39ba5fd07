// SPDX-License-Identifier: MIT
// The bytes of a message: a growing array that keeps its capacity when it is filled again, is copyable as a value, and
// has readable zero octets behind its end so that scans may read whole words. Addresses move when it grows.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace isthmus::sip {

class Buffer {
 public:
  static constexpr size_t kPadding = 64;  // zero octets behind the end

  Buffer() = default;
  Buffer(const Buffer& other) { assign(other.view()); }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(const Buffer& other) {
    if (this != &other) assign(other.view());
    return *this;
  }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() = default;

  void assign(std::string_view text) {
    if (text.size() > capacity_ || !data_) grow(text.size(), 0);
    if (!text.empty()) std::memcpy(data_.get(), text.data(), text.size());
    size_ = text.size();
    std::memset(data_.get() + size_, 0, kPadding);
  }
  void append(std::string_view text) {
    if (text.empty()) return;
    if (size_ + text.size() > capacity_ || !data_) grow((size_ + text.size()) * 2, size_);
    std::memcpy(data_.get() + size_, text.data(), text.size());
    size_ += text.size();
    std::memset(data_.get() + size_, 0, kPadding);
  }
  // Room for `more` octets behind the end, so that the next appends move nothing.
  void reserve(size_t more) {
    if (size_ + more > capacity_ || !data_) grow(size_ + more, size_);
  }
  // Cuts the end off; never grows.
  void truncate(size_t size) {
    if (size >= size_) return;
    size_ = size;
    std::memset(data_.get() + size_, 0, kPadding);
  }

  char* data() { return data_.get(); }
  const char* data() const { return data_.get(); }
  size_t size() const { return size_; }
  std::string_view view() const { return {data_.get(), size_}; }
  std::string_view view(size_t at, size_t size) const { return {data_.get() + at, size}; }

 private:
  void grow(size_t capacity, size_t keep) {
    auto bigger = std::make_unique_for_overwrite<char[]>(capacity + kPadding);
    if (keep > 0) std::memcpy(bigger.get(), data_.get(), keep);
    data_ = std::move(bigger);
    capacity_ = capacity;
  }
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace isthmus::sip
