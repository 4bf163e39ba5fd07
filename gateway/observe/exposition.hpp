// SPDX-License-Identifier: MIT
// Writes metrics in the text format of Prometheus (version 0.0.4): one family after the other, values as they are when
// they are asked for. It keeps nothing between scrapes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace isthmus::gateway {

class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a family; samples follow. `kind`: "gauge" or "counter".
  void family(std::string_view name, std::string_view kind, std::string_view help);
  void sample(Labels labels, uint64_t value);
  // A family of one sample.
  void gauge(std::string_view name, std::string_view help, uint64_t value);
  void counter(std::string_view name, std::string_view help, uint64_t value);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string name_;
};

}  // namespace isthmus::gateway
