// SPDX-License-Identifier: MIT
// Strict parser of auth-params.
#include "sip/auth/auth_params.hpp"

#include "base/text.hpp"

namespace isthmus::sip {
namespace {

bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
}
bool is_space_or_fold(char c) {
  return is_space(c) || c == '\r' || c == '\n';
}
bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

// Reads from the front of what is left.
struct Reader {
  std::string_view rest;

  void skip_space() {
    while (!rest.empty() && is_space_or_fold(rest.front())) rest.remove_prefix(1);
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  std::string_view cut(size_t size) {
    const std::string_view out = rest.substr(0, size);
    rest.remove_prefix(size);
    return out;
  }
  std::string_view token() {
    size_t size = 0;
    while (size < rest.size() && is_token_char(rest[size])) ++size;
    return cut(size);
  }
  // Some peers write algorithm, qop, nc or uri bare although they hold more than token characters. A backslash would
  // become an escape where the value is written in quotes again.
  std::string_view bare_value() {
    size_t size = 0;
    while (size < rest.size() && rest[size] != ',' && rest[size] != '"' && rest[size] != '\\' &&
           !is_space_or_fold(rest[size]) && !is_control(rest[size])) {
      ++size;
    }
    return cut(size);
  }
  // The opening quote is taken already; takes the closing one.
  std::optional<std::string_view> quoted() {
    size_t size = 0;
    while (size < rest.size() && rest[size] != '"') {
      if (is_control(rest[size])) return std::nullopt;
      size += rest[size] == '\\' ? 2 : 1;
    }
    if (size >= rest.size()) return std::nullopt;
    const std::string_view out = cut(size);
    rest.remove_prefix(1);
    return out;
  }
};

Result<DigestParam, AuthFlaw> read_param(Reader& reader) {
  DigestParam param;
  param.name = reader.token();
  reader.skip_space();
  if (param.name.empty() || !reader.take('=')) return fail(AuthFlaw::bad_parameter);
  reader.skip_space();
  param.quoted = reader.take('"');
  if (param.quoted) {
    const auto value = reader.quoted();
    if (!value) return fail(AuthFlaw::bad_parameter);
    param.value = *value;
  } else {
    param.value = reader.bare_value();
    if (param.value.empty()) return fail(AuthFlaw::bad_parameter);
  }
  if (param.value.size() > kMaxAuthParam) return fail(AuthFlaw::too_long);
  reader.skip_space();
  return param;
}

}  // namespace

std::string_view describe(AuthFlaw flaw) {
  constexpr std::string_view kSentences[] = {"the header is empty",
                                             "the header or a parameter is too long",
                                             "the header has no scheme",
                                             "the scheme is not Digest",
                                             "a parameter is malformed",
                                             "a parameter is there twice",
                                             "a parameter is missing or has an impossible value"};
  return kSentences[static_cast<size_t>(flaw)];
}

Result<DigestParams, AuthFlaw> DigestParams::parse(std::string_view header_value) {
  if (header_value.size() > kMaxAuthHeader) return fail(AuthFlaw::too_long);
  Reader reader{header_value};
  reader.skip_space();
  if (reader.rest.empty()) return fail(AuthFlaw::empty);
  const std::string_view scheme = reader.token();
  if (scheme.empty()) return fail(AuthFlaw::no_scheme);
  if (!equals_ignore_case(scheme, "Digest")) return fail(AuthFlaw::not_digest);
  if (reader.rest.empty() || !is_space_or_fold(reader.rest.front())) return fail(AuthFlaw::bad_parameter);
  DigestParams params;
  for (;;) {
    reader.skip_space();
    ISTHMUS_TRY(param, read_param(reader));
    if (params.find(param.name)) return fail(AuthFlaw::duplicate);
    if (params.size_ == kMaxAuthParams) return fail(AuthFlaw::too_long);
    params.list_[params.size_++] = param;
    if (reader.rest.empty()) return params;
    if (!reader.take(',')) return fail(AuthFlaw::bad_parameter);
  }
}

std::optional<std::string_view> DigestParams::find(std::string_view name) const {
  for (size_t i = 0; i < size_; ++i) {
    if (equals_ignore_case(list_[i].name, name)) return list_[i].value;
  }
  return std::nullopt;
}

std::string unescaped(std::string_view quoted) {
  std::string out;
  out.reserve(quoted.size());
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 1 < quoted.size()) ++i;
    out.push_back(quoted[i]);
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace isthmus::sip
