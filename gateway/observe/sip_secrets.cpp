// SPDX-License-Identifier: MIT
#include "gateway/observe/sip_secrets.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

constexpr std::string_view kEnds = "\r\n";

// Where a line ends, of either kind of line break.
size_t line_end(const std::string& text, size_t from) {
  return std::min(text.find_first_of(kEnds, from), text.size());
}
size_t next_line(const std::string& text, size_t end) {
  if (end < text.size() && text[end] == '\r') ++end;
  if (end < text.size() && text[end] == '\n') ++end;
  return end;
}

// Line breaks stay, and the blanks that begin a line: they make it part of the header before.
void hide(std::string& text, size_t from, size_t to) {
  bool at_start = from > 0 && kEnds.find(text[from - 1]) != std::string_view::npos;
  for (size_t i = from; i < to && i < text.size(); ++i) {
    const bool line_break = kEnds.find(text[i]) != std::string_view::npos;
    at_start = line_break || (at_start && is_space(text[i]));
    if (!at_start) text[i] = '*';
  }
}

// What may be read of credentials and challenges; everything else is hidden, known or not.
bool is_open_parameter(std::string_view name) {
  static constexpr std::array kOpen{"realm", "username", "uri", "algorithm", "qop", "nc", "stale", "domain"};
  return std::any_of(kOpen.begin(), kOpen.end(), [&](const char* open) { return equals_ignore_case(name, open); });
}

size_t value_end(const std::string& text, size_t at, size_t end) {
  if (at < end && text[at] == '"') {
    for (++at; at < end && text[at] != '"'; ++at) {
      if (text[at] == '\\') ++at;
    }
    return std::min(at + 1, end);
  }
  return std::min(text.find(',', at), end);
}

// name=value, name="value", ... of a Digest header; of any other scheme nothing is shown.
void hide_credentials(std::string& text, size_t at, size_t end) {
  while (at < end && (is_space(text[at]) || kEnds.find(text[at]) != std::string_view::npos)) ++at;
  const size_t scheme_end = std::min(text.find_first_of(" \t\r\n", at), end);
  const std::string_view scheme = std::string_view(text).substr(at, scheme_end - at);
  // Authentication-Info has no scheme.
  const size_t name_end = scheme.find('=');
  const bool is_parameter = name_end != std::string_view::npos &&
                            std::all_of(scheme.begin(), scheme.begin() + static_cast<std::ptrdiff_t>(name_end),
                                        [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
  if (!is_parameter && !equals_ignore_case(scheme, "Digest")) return hide(text, scheme_end, end);
  if (!is_parameter) at = scheme_end;
  while (at < end) {
    while (at < end && (is_space(text[at]) || text[at] == ',' || kEnds.find(text[at]) != std::string_view::npos)) ++at;
    const size_t equals = std::min(text.find('=', at), end);
    const size_t comma = std::min(text.find(',', at), end);
    if (equals >= comma) {  // no parameter: whatever it is
      hide(text, at, comma);
      at = comma;
      continue;
    }
    const std::string_view name = trim(std::string_view(text).substr(at, equals - at));
    size_t value = equals + 1;
    while (value < end && (is_space(text[value]) || kEnds.find(text[value]) != std::string_view::npos)) ++value;
    const size_t stop = std::max(value_end(text, value, end), value);
    const bool quoted = stop > value + 1 && text[value] == '"' && text[stop - 1] == '"';
    if (!is_open_parameter(name)) hide(text, quoted ? value + 1 : value, quoted ? stop - 1 : stop);
    at = stop;
  }
}

// sip:user:password@host
void hide_uri_passwords(std::string& text, size_t at, size_t end) {
  while (at < end) {
    const size_t colon = text.find(':', at);
    if (colon == std::string::npos || colon >= end) return;
    const auto ends_with = [&](std::string_view scheme) {
      return colon >= scheme.size() &&
             equals_ignore_case(std::string_view(text).substr(colon - scheme.size(), scheme.size()), scheme);
    };
    at = colon + 1;
    if (!ends_with("sip") && !ends_with("sips")) continue;
    const size_t stop = std::min(text.find_first_of("<> \t\r\n\"", at), end);
    const size_t host = text.find('@', at);
    const size_t password = text.find(':', at);
    if (host < stop && password < host) hide(text, password + 1, host);
  }
}

bool is_secret_header(std::string_view name) {
  const std::string lower = lowered(trim(name));
  return lower.ends_with("authorization") || lower.ends_with("authenticate") || lower == "authentication-info" ||
         lower == "proxy-authentication-info";
}

void hide_in_body_line(std::string& text, size_t at, size_t end) {
  static constexpr std::array<std::string_view, 6> kSecrets{
      "a=crypto:", "a=ice-pwd:", "a=key-mgmt:", "k=", "Signal=", "Signal:"};
  const std::string_view line = std::string_view(text).substr(at, end - at);
  for (const std::string_view secret : kSecrets) {
    if (!equals_ignore_case(line.substr(0, secret.size()), secret)) continue;
    size_t from = at + secret.size();
    const size_t key = lowered(line).find("inline:");
    // The suite of a crypto line may be read.
    if (secret == "a=crypto:" && key != std::string::npos) from = at + key + 7;
    return hide(text, from, end);
  }
}

}  // namespace

std::string without_secrets(std::string_view message) {
  std::string text(message);
  bool in_body = false;
  for (size_t at = 0; at < text.size();) {
    size_t end = line_end(text, at);
    if (end == at && at > 0) in_body = true;
    if (!in_body) {  // a header goes on where a line begins with a blank (RFC 3261 7.3.1)
      for (size_t next = next_line(text, end); next < text.size() && is_space(text[next]); next = next_line(text, end))
        end = line_end(text, next);
      const size_t colon = std::min(text.find(':', at), end);
      if (colon < end && is_secret_header(std::string_view(text).substr(at, colon - at)))
        hide_credentials(text, colon + 1, end);
      hide_uri_passwords(text, at, end);
    } else {
      hide_in_body_line(text, at, end);
      hide_uri_passwords(text, at, end);
    }
    at = std::max(next_line(text, end), at + 1);
  }
  return text;
}

}  // namespace isthmus::gateway
