// SPDX-License-Identifier: MIT
// Door of URIs, addresses and Via elements: any text. Invariants: parts lie within the text and are valid alone, a URI
// is equivalent to itself, put together again from its parts it is the same text, and an escaped user parses.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sip/message/headers.hpp"
#include "sip/message/uri.hpp"
#include "sip/message/via.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sip;

void require(bool invariant) {
  if (!invariant) std::abort();
}

std::string join(const Uri& uri) {
  std::string out = std::string(uri.scheme_text) + ":";
  if (!uri.user.empty()) {
    out += uri.user;
    if (uri.has_password) out += ":" + std::string(uri.password);
    out += '@';
  }
  out += uri.host;
  return out;
}

void check_uri(std::string_view text) {
  const auto uri = parse_uri(text);
  if (!uri) {
    require(uri.error().offset <= text.size());
    return;
  }
  require(uri->text == text && equivalent(*uri, *uri));
  (void)uri->param("transport");
  (void)unescape(text);
  if (!uri->is_sip()) return;
  const std::string front = join(*uri);
  require(text.starts_with(front));
  const auto again = parse_uri(front);
  require(again && again->host == uri->host && again->user == uri->user);
  std::string escaped = "sip:" + escape_user(unescape(uri->user)) + "@h";
  if (!uri->user.empty() && escaped.size() <= kMaxUriLength) require(parse_uri(escaped).has_value());
}

void check_address(std::string_view text) {
  const auto address = parse_name_addr(text);
  if (!address) {
    require(address.error().offset <= text.size());
    return;
  }
  check_uri(address->uri);
  require(address->tag.empty() || address->param("tag") == address->tag || address->param("tag").has_value());
  (void)address->display_name();
  (void)parse_contact(text);
}

void check_via(std::string_view text) {
  size_t size = 0;
  const auto via = parse_via(text, size);
  if (!via) {
    require(via.error().offset <= text.size());
    return;
  }
  require(size > 0 && size <= text.size() && !via->host.empty() && !via->transport.empty());
  const auto again = parse_via(via->text);
  require(again && again->branch == via->branch && again->host == via->host && again->params == via->params);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_uri(text);
  check_address(text);
  check_via(text);
  return 0;
}
