// SPDX-License-Identifier: MIT
#include "gateway/api/http_message.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

// Calls f for each element of a comma-separated list until it says true.
template <class F>
bool any_element(std::string_view list, F&& f) {
  while (true) {
    const size_t comma = list.find(',');
    if (f(trim(list.substr(0, comma)))) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

std::string_view without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos) return host;
  if (!host.starts_with('[') && host.find(':') != colon) return host;  // a bare IPv6 address
  return host.substr(0, colon);
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const HttpHeader& each : headers) {
    if (equals_ignore_case(each.first, name)) return each.second;
  }
  return {};
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    return percent_decoded(pair.substr(std::min(pair.size(), equals + 1)));
  }
  return std::nullopt;
}

HttpResponse HttpResponse::error(int status, std::string_view code, std::string_view message) {
  HttpResponse out;
  out.status = status;
  out.body = "{\"error\":{\"code\":\"" + std::string(code) + "\",\"message\":\"" + std::string(message) + "\"}}";
  return out;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool host_is_allowed(std::string_view host, const std::vector<std::string>& list) {
  const std::string_view bare = without_port(host);
  return !host.empty() && std::any_of(list.begin(), list.end(), [&](const std::string& entry) {
    return equals_ignore_case(entry, host) || equals_ignore_case(entry, bare);
  });
}

bool origin_is_allowed(std::string_view origin, std::string_view host, bool secure,
                       const std::vector<std::string>& list) {
  const std::string_view scheme = secure ? "https://" : "http://";
  if (origin.starts_with(scheme) && equals_ignore_case(origin.substr(scheme.size()), host)) return true;
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& entry) { return equals_ignore_case(entry, origin); });
}

std::string choose_subprotocol(std::string_view offered, const std::vector<std::string>& ours) {
  for (const std::string& each : ours) {
    if (any_element(offered, [&](std::string_view element) { return element == each; })) return each;
  }
  return {};
}

bool has_token(std::string_view list, std::string_view token) {
  return any_element(list, [&](std::string_view element) { return equals_ignore_case(element, token); });
}

bool is_header_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 && c != '\t') || octet == 0x7f;
  });
}

}  // namespace isthmus::gateway
