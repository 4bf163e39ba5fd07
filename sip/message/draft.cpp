// SPDX-License-Identifier: MIT
#include "sip/message/draft.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sip/message/lexer.hpp"

namespace isthmus::sip {

Draft Draft::request(Method method, std::string_view uri) {
  return request(text(method), uri);
}

Draft Draft::request(std::string_view method, std::string_view uri) {
  Draft draft;
  draft.method_ = method_of(method);
  draft.method_text_ = draft.store(method);
  draft.target_ = draft.store(uri);
  return draft;
}

Draft Draft::response(int status, std::string_view reason) {
  Draft draft;
  draft.status_ = status;
  draft.target_ = draft.store(reason.empty() ? reason_phrase(status) : reason);
  return draft;
}

void Draft::clear() {
  status_ = 0;
  method_ = Method::unknown;
  refused_ = 0;
  method_text_ = target_ = {};
  text_.clear();
  lines_.clear();
  body_.clear();
}

void Draft::set_request_uri(std::string_view uri) {
  target_ = store(uri);
}

// Text from outside may not end a line.
Draft::Span Draft::store(std::string_view text) {
  const auto at = static_cast<uint32_t>(text_.size());
  for (;;) {
    const size_t stop = std::min(text.find_first_of(std::string_view("\r\n\0", 3)), text.size());
    text_ += text.substr(0, stop);
    if (stop == text.size()) break;
    ++refused_;
    text.remove_prefix(stop + 1);
  }
  return {at, static_cast<uint32_t>(text_.size()) - at};
}

Draft& Draft::add(Header header, std::string_view value) {
  if (header == Header::other) {
    ++refused_;
    return *this;
  }
  lines_.push_back({header, {}, store(value)});
  return *this;
}

Draft& Draft::add_text(std::string_view name, std::string_view value) {
  if (!is_token(name)) {
    ++refused_;
    return *this;
  }
  const Header known = header_of(name);
  if (known != Header::other) return add(known, value);
  const Span stored = store(name);
  lines_.push_back({Header::other, stored, store(value)});
  return *this;
}

Draft& Draft::add_first(Header header, std::string_view value) {
  lines_.insert(lines_.begin(), {header, {}, store(value)});
  return *this;
}

Draft& Draft::add_number(Header header, uint64_t value) {
  std::string digits;
  append_number(digits, value);
  return add(header, digits);
}

Draft& Draft::set(Header header, std::string_view value) {
  const auto same = [header](const Line& line) { return line.header == header; };
  const auto first = std::find_if(lines_.begin(), lines_.end(), same);
  if (first == lines_.end()) return add(header, value);
  first->value = store(value);
  lines_.erase(std::remove_if(first + 1, lines_.end(), same), lines_.end());
  return *this;
}

size_t Draft::remove(Header header) {
  return std::erase_if(lines_, [header](const Line& line) { return line.header == header; });
}

size_t Draft::remove(std::string_view name) {
  if (const Header known = header_of(name); known != Header::other) return remove(known);
  return std::erase_if(lines_, [&](const Line& line) {
    return line.header == Header::other && equals_ignore_case(view(line.name), name);
  });
}

std::optional<std::string_view> Draft::header_value(Header header) const {
  for (const Line& line : lines_) {
    if (line.header == header) return view(line.value);
  }
  return std::nullopt;
}

std::optional<std::string_view> Draft::header(std::string_view name) const {
  if (const Header known = header_of(name); known != Header::other) return header_value(known);
  for (const Line& line : lines_) {
    if (line.header == Header::other && equals_ignore_case(view(line.name), name)) return view(line.value);
  }
  return std::nullopt;
}

Draft& Draft::set_body(std::string_view content_type, std::string_view body) {
  body_ = body;
  if (body.empty()) {
    remove(Header::content_type);
  } else {
    set(Header::content_type, content_type);
  }
  return *this;
}

std::string_view Draft::line_name(size_t index) const {
  const Line& line = lines_[index];
  return line.header == Header::other ? view(line.name) : text(line.header);
}

}  // namespace isthmus::sip
