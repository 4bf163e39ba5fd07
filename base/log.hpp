// SPDX-License-Identifier: MIT
// Private<T>: a secret or personal value that no log can print by accident; it is taken out by name only. Cores note
// and count, they do not log; gateway/observe renders notes.
#pragma once

#include <ostream>
#include <utility>

namespace isthmus {

template <class T>
class Private {
 public:
  Private() = default;
  explicit Private(T value) : value_(std::move(value)) {}
  const T& reveal() const { return value_; }
  friend bool operator==(const Private&, const Private&) = delete;  // compare in constant time instead
  friend std::ostream& operator<<(std::ostream& out, const Private&) { return out << "***"; }

 private:
  T value_{};
};

}  // namespace isthmus
