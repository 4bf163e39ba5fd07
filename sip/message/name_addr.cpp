// SPDX-License-Identifier: MIT
#include "sip/message/name_addr.hpp"

#include "sip/message/header_list.hpp"
#include "sip/message/lexer.hpp"
#include "sip/message/scan.hpp"
#include "sip/message/stopped.hpp"

namespace isthmus::sip {
namespace {

// Gives the position behind the params, all of `text`, or the place of the flaw in `at` and false.
template <Ends kEnds>
bool scan_params(std::string_view text, size_t& at, std::string_view& tag, ParseCode& code) {
  size_t count = 0;
  while (at < text.size()) {  // at a ';'
    if (++count > kMaxParams) {
      code = ParseCode::too_many_params;
      return false;
    }
    at = skip_space(text, at + 1);
    const size_t name_at = at;
    at = skip<kEnds>(text, at, kToken);
    const std::string_view name = text.substr(name_at, at - name_at);
    if (name.empty()) return false;
    at = skip_space(text, at);
    if (at < text.size() && text[at] == '=') {
      at = skip_space(text, at + 1);
      const size_t value_at = at;
      if (at < text.size() && text[at] == '"') {
        at = skip_quoted(text, at);
        if (at == std::string_view::npos) {
          at = value_at;
          return false;
        }
      } else {
        at = skip<kEnds>(text, at, kParamValue);
        if (at == value_at) return false;
        if (tag.empty() && is_word(name, "tag")) tag = text.substr(value_at, at - value_at);
      }
      at = skip_space(text, at);
    }
    if (at < text.size() && text[at] != ';') return false;
  }
  return true;
}

// A scheme, a colon and something behind it; the rest is left to parse_uri.
bool looks_like_uri(std::string_view text) {
  if (text.empty() || !is_alpha(text[0])) return false;
  size_t colon = 1;
  while (colon < text.size() && is_scheme_char(text[colon])) ++colon;
  return colon + 1 < text.size() && text[colon] == ':';
}

// Where the URI that begins at `at` ends: within angle brackets at the first octet that no URI holds, otherwise at ';',
// '?' or ',' too.
template <Ends kEnds>
size_t uri_end(std::string_view text, size_t at, bool in_brackets) {
  if (in_brackets) {
    if constexpr (kEnds == Ends::stopped) return static_cast<size_t>(find_uri_stop(text.data() + at) - text.data());
    return skip(text, at, kUriChar);
  }
  while (at < text.size() && is(text[at], kUriChar) && text[at] != ';' && text[at] != '?' && text[at] != ',') ++at;
  return at;
}

template <Ends kEnds>
Result<NameAddr, Flaw> scan_name_addr(std::string_view text) {
  NameAddr out;
  size_t at = skip_space(text, 0);
  const size_t display_at = at;
  if (at < text.size() && text[at] == '"') {
    at = skip_quoted(text, at);
    if (at == std::string_view::npos) return flaw(ParseCode::bad_name_addr, display_at);
    out.display = text.substr(display_at, at - display_at);
    at = skip_space(text, at);
    if (at == text.size() || text[at] != '<') return flaw(ParseCode::bad_name_addr, at);
  } else {
    // A display name of tokens, or an address without brackets; UTF-8 is taken in names although it should be quoted.
    while (at < text.size() && (is(text[at], kToken) || is_space(text[at]) || static_cast<uint8_t>(text[at]) >= 128))
      ++at;
    if (at < text.size() && text[at] == '<') {
      out.display = trim(text.substr(display_at, at - display_at));
    } else {
      at = display_at;
    }
  }
  size_t uri_at = at;
  if (at < text.size() && text[at] == '<') {
    uri_at = at + 1;
    at = uri_end<kEnds>(text, uri_at, true);
    out.has_brackets = true;
    out.uri = text.substr(uri_at, at - uri_at);
    if (at == text.size() || text[at] != '>') return flaw(ParseCode::bad_name_addr, at);
    ++at;
  } else {
    at = uri_end<kEnds>(text, uri_at, false);
    out.uri = text.substr(uri_at, at - uri_at);
  }
  if (!looks_like_uri(out.uri)) return flaw(ParseCode::bad_name_addr, uri_at);
  if (out.uri.size() > kMaxUriLength) return flaw(ParseCode::uri_too_long, uri_at);
  at = skip_space(text, at);
  if (at == text.size()) return out;
  if (text[at] != ';') return flaw(ParseCode::bad_name_addr, at);
  const size_t params_at = at + 1;
  ParseCode code = ParseCode::bad_name_addr;
  if (!scan_params<kEnds>(text, at, out.tag, code)) return flaw(code, at);
  out.params = text.substr(params_at);
  return out;
}

}  // namespace

std::string NameAddr::display_name() const {
  return unquote(display);
}

std::optional<std::string_view> NameAddr::param(std::string_view name) const {
  return find_param(params, name);
}

Result<NameAddr, Flaw> parse_name_addr(std::string_view text) {
  return scan_name_addr<Ends::anywhere>(text);
}

Result<NameAddr, Flaw> stopped::parse_name_addr(std::string_view text) {
  return scan_name_addr<Ends::stopped>(text);
}

}  // namespace isthmus::sip
