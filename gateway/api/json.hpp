// SPDX-License-Identifier: MIT
// JSON (RFC 8259) as a plain value. Reading is bounded in size and depth and takes valid UTF-8 only; writing gives
// valid UTF-8 whatever strangers' texts contain.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace isthmus::gateway {

inline constexpr size_t kMaxJsonBytes = 64 << 10;
inline constexpr size_t kMaxJsonDepth = 16;

enum class JsonFlaw : uint8_t { too_large, too_deep, malformed };

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  // in the order of writing

  Json() = default;  // null
  // A value is a Json without further words: messages are written as lists of members.
  // NOLINTBEGIN(google-explicit-constructor)
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(unsigned value) : value_(int64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(size_t value) : value_(static_cast<int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  // NOLINTEND(google-explicit-constructor)
  static Json object(std::initializer_list<Member> members) { return Json(Object(members)); }

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  const int64_t* integer() const { return std::get_if<int64_t>(&value_); }
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* members() const { return std::get_if<Object>(&value_); }
  // A member of an object; null for none.
  const Json* find(std::string_view name) const;
  // Adds a member to an object, or makes null one.
  Json& set(std::string name, Json value);

  std::string write() const;

 private:
  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> value_ = nullptr;
};

Result<Json, JsonFlaw> parse_json(std::string_view text, size_t limit = kMaxJsonBytes);

}  // namespace isthmus::gateway
