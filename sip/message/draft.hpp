// SPDX-License-Identifier: MIT
// A message that is being built (RFC 3261 8.1.1, 8.2.6): start line, header lines in order, body. A request has no Via
// until the endpoint writes it, and Content-Length is never a header of a Draft. CR, LF and NUL are taken out of every
// value and counted, so that nothing from outside can smuggle a line (advisory 9). A copyable value, reusable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message/names.hpp"

namespace isthmus::sip {

class Draft {
 public:
  Draft() = default;
  static Draft request(Method method, std::string_view uri);
  static Draft request(std::string_view method, std::string_view uri);
  static Draft response(int status, std::string_view reason = {});  // without a reason: the standard phrase

  void clear();
  bool is_request() const { return status_ == 0; }
  Method method() const { return method_; }
  std::string_view method_text() const { return view(method_text_); }
  std::string_view request_uri() const { return view(target_); }
  int status() const { return status_; }
  std::string_view reason() const { return view(target_); }
  void set_request_uri(std::string_view uri);

  Draft& add(Header header, std::string_view value);               // behind the others; `other` is refused
  Draft& add_text(std::string_view name, std::string_view value);  // refused when `name` is no token
  Draft& add_first(Header header, std::string_view value);         // before the others: Route
  Draft& add_number(Header header, uint64_t value);
  Draft& set(Header header,
             std::string_view value);  // in place of the first of that name, the others go; or behind all
  size_t remove(Header header);
  size_t remove(std::string_view name);
  bool has(Header header) const { return header_value(header).has_value(); }
  std::optional<std::string_view> header(Header header) const { return header_value(header); }
  std::optional<std::string_view> header(std::string_view name) const;

  // Sets Content-Type too; an empty body takes both away.
  Draft& set_body(std::string_view content_type, std::string_view body);
  std::string_view body() const { return body_; }

  size_t line_count() const { return lines_.size(); }
  Header line_header(size_t index) const { return lines_[index].header; }
  std::string_view line_name(size_t index) const;
  std::string_view line_value(size_t index) const { return view(lines_[index].value); }

  // Octets that were refused in values, and names that were refused.
  uint32_t refused() const { return refused_; }

 private:
  struct Span {
    uint32_t at = 0;
    uint32_t size = 0;
  };
  struct Line {
    Header header = Header::other;
    Span name;  // of other
    Span value;
  };

  std::optional<std::string_view> header_value(Header header) const;
  std::string_view view(Span span) const { return std::string_view(text_).substr(span.at, span.size); }
  Span store(std::string_view text);

  int status_ = 0;
  Method method_ = Method::unknown;
  uint32_t refused_ = 0;
  Span method_text_;
  Span target_;
  std::string text_;  // arena of names and values
  std::vector<Line> lines_;
  std::string body_;
};

}  // namespace isthmus::sip
