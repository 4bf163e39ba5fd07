// SPDX-License-Identifier: MIT
// Comma lists and parameter lists inside header values (RFC 3261 7.3.1, 25.1 generic-param, auth-param), read without
// copying. Quoted strings, quoted pairs and <...> are respected. The views live as long as the text they were given.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus::sip {

// Splits a value at its top-level commas; elements come trimmed, empty ones are skipped.
class ListCursor {
 public:
  explicit ListCursor(std::string_view value) : rest_(value) {}
  bool next(std::string_view& element);
  std::string_view rest() const { return rest_; }  // what lies behind the last element given

 private:
  std::string_view rest_;
};

struct Param {
  std::string_view name;
  std::string_view value;  // as it stands, with its quotes; empty for a flag
  bool has_value = false;

  bool is(std::string_view wanted) const;
  // Without quotes; escapes inside are kept. Enough for comparison and for values that need no escape.
  std::string_view plain() const;
};

// Reads `name[=value]` pairs with `separator` between them; whitespace around '=' and the separator is allowed, and so
// is an empty value: whoever cares looks at it.
class ParamCursor {
 public:
  explicit ParamCursor(std::string_view params, char separator = ';') : rest_(params), separator_(separator) {}
  // False at the end or at the first thing that is no parameter; `is_broken()` tells which.
  bool next(Param& param);
  bool is_broken() const { return broken_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  char separator_;
  bool broken_ = false;
};

// The value of the first parameter of that name (without case): "" for a flag, quotes taken off.
std::optional<std::string_view> find_param(std::string_view params, std::string_view name, char separator = ';');

// A quoted string with its quotes -> its text with quoted pairs resolved; anything else comes back as it is.
std::string unquote(std::string_view text);
// Text -> quoted string with quotes; '"' and '\' are escaped, CR, LF and NUL are left out.
std::string quote(std::string_view text);

// True when the comma list holds the token, compared without case.
bool list_has(std::string_view value, std::string_view token);

// Iterates over the elements of one value: for (std::string_view element : List{value}).
class List {
 public:
  explicit List(std::string_view value) : value_(value) {}

  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(std::string_view value) : cursor_(value) { ++*this; }
    std::string_view operator*() const { return element_; }
    Iterator& operator++() {
      done_ = !cursor_.next(element_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    ListCursor cursor_;
    std::string_view element_;
    bool done_ = false;
  };
  Iterator begin() const { return Iterator(value_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::string_view value_;
};

}  // namespace isthmus::sip
