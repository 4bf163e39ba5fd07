// SPDX-License-Identifier: MIT
#include "sip/message/uri.hpp"

#include "base/address.hpp"
#include "sip/message/lexer.hpp"
#include "sip/message/stopped.hpp"

namespace isthmus::sip {
namespace {

Scheme scheme_of(std::string_view text) {
  if (equals_ignore_case(text, "sip")) return Scheme::sip;
  if (equals_ignore_case(text, "sips")) return Scheme::sips;
  if (equals_ignore_case(text, "tel")) return Scheme::tel;
  return Scheme::other;
}

constexpr auto npos = std::string_view::npos;

// `at` is on the first ';'; moves it behind the last parameter, or to the flaw.
template <Ends kEnds>
bool skip_params(std::string_view text, size_t& at, ParseCode& code) {
  for (size_t count = 0; at < text.size() && text[at] == ';'; ++count) {
    if (count == kMaxUriParams) {
      code = ParseCode::too_many_params;
      return false;
    }
    const size_t name = ++at;
    at = skip<kEnds>(text, at, kUriParam);
    if (at == name) return false;
    if (at == text.size() || text[at] != '=') continue;
    const size_t value = ++at;
    at = skip<kEnds>(text, at, kUriParam);
    if (at == value) return false;
  }
  return true;
}

// Reads what stands behind "sip:", each part in turn; `at` is the place where the grammar broke.
template <Ends kEnds>
class SipUriScan {
 public:
  SipUriScan(std::string_view text, size_t at) : text_(text), at_(at) {}

  bool run(Uri& uri) { return userinfo(uri) && host(uri) && port(uri) && params(uri) && headers(uri); }
  size_t at() const { return at_; }
  ParseCode code() const { return code_; }

 private:
  // '@' cannot stand unescaped behind the userinfo, so the first one ends it.
  bool userinfo(Uri& uri) {
    const size_t user_end = skip<kEnds>(text_, at_, kUser);
    if (user_end == text_.size() || (text_[user_end] != '@' && text_[user_end] != ':')) return true;
    size_t end = user_end;
    if (text_[end] == ':') {
      end = skip<kEnds>(text_, end + 1, kPassword);
      if (end == text_.size() || text_[end] != '@') return true;  // it was host ':' port
      uri.has_password = true;
      uri.password = text_.substr(user_end + 1, end - user_end - 1);
    }
    uri.user = text_.substr(at_, user_end - at_);
    if (uri.user.empty()) return false;
    at_ = end + 1;
    return true;
  }

  bool host(Uri& uri) {
    const size_t begin = at_;
    if (at_ < text_.size() && text_[at_] == '[') {
      const size_t close = text_.find(']', at_);
      if (close == npos || !IpAddress::parse(text_.substr(at_, close + 1 - at_))) return false;
      at_ = close + 1;
    } else {
      at_ = skip<kEnds>(text_, at_, kHost);
    }
    uri.host = text_.substr(begin, at_ - begin);
    return !uri.host.empty();
  }

  bool port(Uri& uri) {
    if (at_ == text_.size() || text_[at_] != ':') return true;
    const size_t begin = ++at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    const auto number = parse_number(text_.substr(begin, at_ - begin), 65535);
    if (!number || *number == 0) {
      at_ = begin;
      return false;
    }
    uri.port = static_cast<uint16_t>(*number);
    return true;
  }

  bool params(Uri& uri) {
    if (at_ == text_.size() || text_[at_] != ';') return true;
    const size_t begin = at_ + 1;
    if (!skip_params<kEnds>(text_, at_, code_)) return false;
    uri.params = text_.substr(begin, at_ - begin);
    return true;
  }

  bool headers(Uri& uri) {
    if (at_ == text_.size()) return true;
    if (text_[at_] != '?') return false;
    const size_t begin = at_ + 1;
    do {
      const size_t name = ++at_;
      at_ = skip<kEnds>(text_, at_, kUriHeader);
      if (at_ == name || at_ == text_.size() || text_[at_] != '=') return false;
      at_ = skip<kEnds>(text_, at_ + 1, kUriHeader);
    } while (at_ < text_.size() && text_[at_] == '&');
    uri.headers = text_.substr(begin, at_ - begin);
    return at_ == text_.size();
  }

  std::string_view text_;
  size_t at_;
  ParseCode code_ = ParseCode::bad_uri;
};

bool is_visual_separator(char c) {
  return c == '-' || c == '.' || c == '(' || c == ')';
}

// RFC 3966 3: '+' and digits, or digits with '*', '#' and letters of a local number.
Result<Uri, Flaw> parse_tel(Uri uri, size_t at) {
  const std::string_view text = uri.text;
  const size_t begin = at;
  bool digits = false;
  if (at < text.size() && text[at] == '+') ++at;
  const bool global = at > begin;
  for (; at < text.size() && text[at] != ';'; ++at) {
    const char c = text[at];
    const bool local = !global && (hex_digit(c) >= 0 || c == '*' || c == '#');
    if (!is_digit(c) && !is_visual_separator(c) && !local) return flaw(ParseCode::bad_uri, at);
    digits = digits || !is_visual_separator(c);
  }
  if (!digits) return flaw(ParseCode::bad_uri, begin);
  uri.user = text.substr(begin, at - begin);
  if (at == text.size()) return uri;
  uri.params = text.substr(at + 1);
  ParseCode code = ParseCode::bad_uri;
  if (!skip_params<Ends::anywhere>(text, at, code) || at != text.size()) return flaw(code, at);
  return uri;
}

// One octet with its escape resolved; `at` moves behind it. The flag tells an escaped octet of the reserved set from a
// plain one, because those two are not equivalent (19.1.4).
struct Octet {
  char c = 0;
  bool reserved_escape = false;
  friend bool operator==(const Octet&, const Octet&) = default;
};

Octet next_octet(std::string_view text, size_t& at) {
  if (text[at] == '%' && at + 2 < text.size() && hex_digit(text[at + 1]) >= 0 && hex_digit(text[at + 2]) >= 0) {
    const char c = static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2]));
    at += 3;
    return {c, std::string_view(";/?:@&=+$,").find(c) != npos};
  }
  return {text[at++], false};
}

bool same_text(std::string_view a, std::string_view b, bool with_case) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    Octet x = next_octet(a, i);
    Octet y = next_octet(b, j);
    if (!with_case) {
      x.c = to_lower(x.c);
      y.c = to_lower(y.c);
    }
    if (x != y) return false;
  }
  return i == a.size() && j == b.size();
}

// Parameters that must not stand in one URI only (19.1.4).
bool is_strict_param(std::string_view name) {
  for (const std::string_view strict : {"user", "ttl", "method", "maddr"}) {
    if (equals_ignore_case(name, strict)) return true;
  }
  return false;
}

// Each parameter of `a` that `b` has too must have the same value; the strict ones must be in both.
bool params_agree(const Uri& a, const Uri& b) {
  std::string_view rest = a.params;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : pair.size());
    const size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = equals == npos ? std::string_view{} : pair.substr(equals + 1);
    const auto other = b.param(name);
    if (!other && (is_strict_param(name) || a.scheme == Scheme::tel)) return false;
    if (other && !same_text(value, *other, equals_ignore_case(name, "method"))) return false;
  }
  return true;
}

bool header_in(std::string_view name, std::string_view value, std::string_view headers) {
  while (!headers.empty()) {
    const std::string_view pair = headers.substr(0, headers.find('&'));
    headers.remove_prefix(pair.size() < headers.size() ? pair.size() + 1 : pair.size());
    const size_t equals = pair.find('=');
    if (same_text(pair.substr(0, equals), name, false) && same_text(pair.substr(equals + 1), value, true)) return true;
  }
  return false;
}

bool headers_within(std::string_view a, std::string_view b) {
  while (!a.empty()) {
    const std::string_view pair = a.substr(0, a.find('&'));
    a.remove_prefix(pair.size() < a.size() ? pair.size() + 1 : pair.size());
    const size_t equals = pair.find('=');
    if (!header_in(pair.substr(0, equals), pair.substr(equals + 1), b)) return false;
  }
  return true;
}

bool same_number(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  for (;;) {
    while (i < a.size() && is_visual_separator(a[i])) ++i;
    while (j < b.size() && is_visual_separator(b[j])) ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (to_lower(a[i++]) != to_lower(b[j++])) return false;
  }
}

template <Ends kEnds>
Result<Uri, Flaw> scan_uri(std::string_view text) {
  if (text.size() > kMaxUriLength) return flaw(ParseCode::uri_too_long, kMaxUriLength);
  Uri uri;
  uri.text = text;
  size_t colon = 0;
  if (text.empty() || !is_alpha(text[0])) return flaw(ParseCode::bad_uri, 0);
  while (colon < text.size() && is_scheme_char(text[colon])) ++colon;
  if (colon == text.size() || text[colon] != ':') return flaw(ParseCode::bad_uri, colon);
  uri.scheme_text = text.substr(0, colon);
  uri.scheme = scheme_of(uri.scheme_text);
  if (uri.scheme == Scheme::tel) return parse_tel(uri, colon + 1);
  if (uri.scheme == Scheme::other) {
    const size_t end = skip(text, colon + 1, kUriChar);
    if (end != text.size() || end == colon + 1) return flaw(ParseCode::bad_uri, end);
    return uri;
  }
  SipUriScan<kEnds> scan(text, colon + 1);
  if (!scan.run(uri)) return flaw(scan.code(), scan.at());
  if (!escapes_are_whole(text)) return flaw(ParseCode::bad_uri, text.find('%'));
  return uri;
}

}  // namespace

std::optional<std::string_view> Uri::param(std::string_view name) const {
  std::string_view rest = params;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : pair.size());
    const size_t equals = pair.find('=');
    if (equals_ignore_case(pair.substr(0, equals), name))
      return equals == npos ? std::string_view{} : pair.substr(equals + 1);
  }
  return std::nullopt;
}

Result<Uri, Flaw> parse_uri(std::string_view text) {
  return scan_uri<Ends::anywhere>(text);
}

Result<Uri, Flaw> stopped::parse_uri(std::string_view text) {
  return scan_uri<Ends::stopped>(text);
}

bool equivalent(const Uri& a, const Uri& b) {
  if (a.text == b.text) return true;
  if (a.scheme != b.scheme || a.scheme == Scheme::other) return false;
  if (a.scheme == Scheme::tel) {
    return same_number(a.user, b.user) && params_agree(a, b) && params_agree(b, a);
  }
  if (!same_text(a.user, b.user, true) || a.has_password != b.has_password || !same_text(a.password, b.password, true))
    return false;
  if (a.port != b.port) return false;
  const auto ip_a = a.host.starts_with('[') ? IpAddress::parse(a.host) : std::nullopt;
  const auto ip_b = b.host.starts_with('[') ? IpAddress::parse(b.host) : std::nullopt;
  const bool same_host = ip_a && ip_b ? *ip_a == *ip_b : equals_ignore_case(a.host, b.host);
  return same_host && params_agree(a, b) && params_agree(b, a) && headers_within(a.headers, b.headers) &&
         headers_within(b.headers, a.headers);
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) out += next_octet(text, at).c;
  return out;
}

std::string escape_user(std::string_view user) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(user.size());
  for (const char c : user) {
    if (is(c, kUser) && c != '%' && c != '#') {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
    }
  }
  return out;
}

bool is_same_host(std::string_view a, std::string_view b) {
  if (equals_ignore_case(a, b)) return true;
  const auto ip = IpAddress::parse(a);
  return ip && ip == IpAddress::parse(b);
}

std::string host_port(std::string_view host, uint16_t port) {
  std::string out;
  const bool bare_v6 = host.find(':') != npos && !host.starts_with('[');
  if (bare_v6) out += '[';
  out += host;
  if (bare_v6) out += ']';
  if (port != 0) {
    out += ':';
    append_number(out, port);
  }
  return out;
}

}  // namespace isthmus::sip
