// SPDX-License-Identifier: MIT
#include "sip/message/header_list.hpp"

#include "sip/message/lexer.hpp"

namespace isthmus::sip {
namespace {

// The position of the first `stop` outside quotes and <...>, or the end.
size_t find_top_level(std::string_view text, char stop) {
  bool in_brackets = false;
  for (size_t at = 0; at < text.size(); ++at) {
    at = skip(text, at, kToken);
    if (at == text.size()) break;
    const char c = text[at];
    if (c == stop && !in_brackets) return at;
    if (c == '"' && !in_brackets) {
      at = skip_quoted(text, at);
      if (at == std::string_view::npos) return text.size();
      --at;
    } else if (c == '<') {
      in_brackets = true;
    } else if (c == '>') {
      in_brackets = false;
    }
  }
  return text.size();
}

}  // namespace

bool ListCursor::next(std::string_view& element) {
  while (!rest_.empty()) {
    const size_t comma = find_top_level(rest_, ',');
    element = trim(rest_.substr(0, comma));
    rest_.remove_prefix(comma < rest_.size() ? comma + 1 : comma);
    if (!element.empty()) return true;
  }
  element = {};
  return false;
}

bool Param::is(std::string_view wanted) const {
  return equals_ignore_case(name, wanted);
}

std::string_view Param::plain() const {
  return value.size() >= 2 && value.front() == '"' ? value.substr(1, value.size() - 2) : value;
}

bool ParamCursor::next(Param& param) {
  size_t at = skip_space(rest_, 0);
  // Leading, trailing and doubled separators are taken for nothing.
  while (at < rest_.size() && rest_[at] == separator_) at = skip_space(rest_, at + 1);
  if (at == rest_.size()) {
    rest_ = {};
    return false;
  }
  const size_t name_end = skip(rest_, at, kToken);
  param = {rest_.substr(at, name_end - at), {}, false};
  broken_ = name_end == at;
  at = skip_space(rest_, name_end);
  if (!broken_ && at < rest_.size() && rest_[at] == '=') {
    const size_t value_at = skip_space(rest_, at + 1);
    size_t value_end = value_at;
    if (value_at < rest_.size() && rest_[value_at] == '"') {
      value_end = skip_quoted(rest_, value_at);
    } else {
      while (value_end < rest_.size() && rest_[value_end] != separator_ && !is_space(rest_[value_end]) &&
             rest_[value_end] != '"')
        ++value_end;
    }
    broken_ = value_end == std::string_view::npos;
    if (!broken_) {
      param.value = rest_.substr(value_at, value_end - value_at);
      param.has_value = true;
      at = skip_space(rest_, value_end);
    }
  }
  if (broken_ || (at < rest_.size() && rest_[at] != separator_)) {
    broken_ = true;
    return false;
  }
  rest_.remove_prefix(at);
  return true;
}

std::optional<std::string_view> find_param(std::string_view params, std::string_view name, char separator) {
  ParamCursor cursor(params, separator);
  for (Param param; cursor.next(param);) {
    if (param.is(name)) return param.plain();
  }
  return std::nullopt;
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (size_t at = 1; at + 1 < text.size(); ++at) {
    if (text[at] == '\\' && at + 2 < text.size()) ++at;
    out += text[at];
  }
  return out;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\0') continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

bool list_has(std::string_view value, std::string_view token) {
  ListCursor cursor(value);
  for (std::string_view element; cursor.next(element);) {
    if (equals_ignore_case(element, token)) return true;
  }
  return false;
}

}  // namespace isthmus::sip
