// SPDX-License-Identifier: MIT
#include "sip/message/headers.hpp"

#include <algorithm>

#include "sip/message/lexer.hpp"

namespace isthmus::sip {
namespace {

constexpr auto npos = std::string_view::npos;

// Splits "value;params" at the first ';' and checks the parameters.
struct Split {
  std::string_view head;
  std::string_view params;
};
Result<Split, Flaw> split_params(std::string_view text) {
  const size_t semicolon = text.find(';');
  Split out{trim(text.substr(0, semicolon)), {}};
  if (semicolon == npos) return out;
  out.params = text.substr(semicolon + 1);
  ParamCursor cursor(out.params);
  size_t count = 0;
  for (Param param; cursor.next(param);) {
    if (++count > kMaxParams) return flaw(ParseCode::too_many_params, semicolon);
  }
  if (cursor.is_broken()) return flaw(ParseCode::bad_value, text.size() - cursor.rest().size());
  return out;
}

// qvalue of RFC 3261 25.1: 0[.ddd] or 1[.000], in thousandths.
std::optional<uint16_t> parse_q(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int value = (text[0] - '0') * 1000;
  int weight = 100;
  for (const char c : text.substr(std::min<size_t>(2, text.size()))) {
    if (!is_digit(c)) return std::nullopt;
    value += (c - '0') * weight;
    weight /= 10;
  }
  return value <= 1000 ? std::optional(static_cast<uint16_t>(value)) : std::nullopt;
}

std::optional<uint32_t> parse_u32(std::string_view digits) {
  const auto value = parse_number(digits, UINT32_MAX);
  return value ? std::optional(static_cast<uint32_t>(*value)) : std::nullopt;
}

// The next run of digits or of token characters, with whitespace skipped before it.
std::string_view next_word(std::string_view text, size_t& at) {
  at = skip_space(text, at);
  const size_t begin = at;
  at = skip(text, at, kToken);
  return text.substr(begin, at - begin);
}

}  // namespace

std::optional<uint32_t> parse_delta_seconds(std::string_view text) {
  return parse_u32(trim(text));
}

Result<Contact, Flaw> parse_contact(std::string_view element) {
  Contact out;
  if (trim(element) == "*") {
    out.is_star = true;
    return out;
  }
  auto address = parse_name_addr(element);
  if (!address) return std::unexpected(address.error());
  out.address = *address;
  ParamCursor cursor(out.address.params);
  for (Param param; cursor.next(param);) {
    if (param.is("expires")) {
      out.expires = parse_u32(param.value);
    } else if (param.is("q")) {
      out.q = parse_q(param.value);
      if (!out.q) return flaw(ParseCode::bad_value, static_cast<size_t>(param.value.data() - element.data()));
    } else if (param.is("reg-id")) {
      out.reg_id = parse_u32(param.value);
    } else if (param.is("+sip.instance")) {
      out.instance = param.plain();
    }
  }
  return out;
}

Result<SessionExpires, Flaw> parse_session_expires(std::string_view value) {
  ISTHMUS_TRY(split, split_params(value));
  const auto seconds = parse_u32(split.head);
  if (!seconds) return flaw(ParseCode::bad_value, 0);
  SessionExpires out{*seconds, SessionExpires::Refresher::none};
  if (const auto refresher = find_param(split.params, "refresher")) {
    if (equals_ignore_case(*refresher, "uac")) out.refresher = SessionExpires::Refresher::uac;
    if (equals_ignore_case(*refresher, "uas")) out.refresher = SessionExpires::Refresher::uas;
  }
  return out;
}

Result<uint32_t, Flaw> parse_min_se(std::string_view value) {
  ISTHMUS_TRY(split, split_params(value));
  const auto seconds = parse_u32(split.head);
  if (!seconds) return flaw(ParseCode::bad_value, 0);
  return *seconds;
}

Result<RetryAfter, Flaw> parse_retry_after(std::string_view value) {
  RetryAfter out;
  size_t at = 0;
  const auto seconds = parse_u32(next_word(value, at));
  if (!seconds) return flaw(ParseCode::bad_value, 0);
  out.seconds = *seconds;
  at = skip_space(value, at);
  if (at < value.size() && value[at] == '(') {
    const size_t open = at;
    int depth = 0;
    for (; at < value.size(); ++at) {
      if (value[at] == '\\') {
        ++at;
      } else if (value[at] == '(') {
        ++depth;
      } else if (value[at] == ')' && --depth == 0) {
        break;
      }
    }
    if (at >= value.size()) return flaw(ParseCode::bad_value, open);
    out.comment = value.substr(open + 1, at - open - 1);
    at = skip_space(value, at + 1);
  }
  if (at == value.size()) return out;
  if (value[at] != ';') return flaw(ParseCode::bad_value, at);
  ISTHMUS_TRY(split, split_params(value.substr(at)));
  if (const auto duration = find_param(split.params, "duration")) out.duration = parse_u32(*duration);
  return out;
}

Result<RAck, Flaw> parse_rack(std::string_view value) {
  size_t at = 0;
  const auto rseq = parse_u32(next_word(value, at));
  const size_t second = at;
  const auto cseq = parse_number(next_word(value, at), 0x7fffffff);
  const size_t third = at;
  const std::string_view method = next_word(value, at);
  if (!rseq || *rseq == 0) return flaw(ParseCode::bad_value, 0);
  if (!cseq || method.empty()) return flaw(ParseCode::bad_value, cseq ? third : second);
  if (skip_space(value, at) != value.size()) return flaw(ParseCode::bad_value, at);
  return RAck{*rseq, static_cast<uint32_t>(*cseq), method_of(method), method};
}

Result<Reason, Flaw> parse_reason(std::string_view element) {
  ISTHMUS_TRY(split, split_params(element));
  if (!is_token(split.head)) return flaw(ParseCode::bad_value, 0);
  Reason out{split.head, std::nullopt, find_param(split.params, "text").value_or(std::string_view{}), split.params};
  if (const auto cause = find_param(split.params, "cause")) out.cause = parse_u32(*cause);
  return out;
}

Result<Replaces, Flaw> parse_replaces(std::string_view value) {
  ISTHMUS_TRY(split, split_params(value));
  Replaces out;
  out.call_id = split.head;
  out.to_tag = find_param(split.params, "to-tag").value_or(std::string_view{});
  out.from_tag = find_param(split.params, "from-tag").value_or(std::string_view{});
  out.early_only = find_param(split.params, "early-only").has_value();
  if (out.call_id.empty() || out.to_tag.empty() || out.from_tag.empty()) return flaw(ParseCode::bad_value, 0);
  return out;
}

Result<TokenParams, Flaw> parse_token_params(std::string_view element) {
  ISTHMUS_TRY(split, split_params(element));
  if (!is_token(split.head)) return flaw(ParseCode::bad_value, 0);
  return TokenParams{split.head, split.params};
}

bool MediaType::is(std::string_view wanted) const {
  const size_t slash = wanted.find('/');
  return slash != npos && equals_ignore_case(type, wanted.substr(0, slash)) &&
         equals_ignore_case(subtype, wanted.substr(slash + 1));
}

Result<MediaType, Flaw> parse_media_type(std::string_view element) {
  ISTHMUS_TRY(split, split_params(element));
  const size_t slash = split.head.find('/');
  if (slash == npos) return flaw(ParseCode::bad_value, split.head.size());
  const MediaType out{trim(split.head.substr(0, slash)), trim(split.head.substr(slash + 1)), split.params};
  if (!is_token(out.type) || !is_token(out.subtype)) return flaw(ParseCode::bad_value, slash);
  return out;
}

}  // namespace isthmus::sip
