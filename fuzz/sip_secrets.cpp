// SPDX-License-Identifier: MIT
// Door of what a trace shows: whatever a stranger sends, no octet is added or lost and only stars are put in; hiding
// twice hides nothing more. What our own parser finds in a message as credentials, as a password or as a key is hidden,
// although the hiding code does not parse, and the message stays one.
#include "gateway/observe/sip_secrets.hpp"

#include <cstdint>
#include <cstdlib>

#include "sip/auth/auth_params.hpp"
#include "sip/message/name_addr.hpp"
#include "sip/message/parser.hpp"
#include "sip/message/uri.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sip;

void require(bool invariant) {
  if (!invariant) std::abort();
}

bool is_hidden(std::string_view value) {
  return value.find_first_not_of("* \t\r\n") == std::string_view::npos;
}

void check_credentials(const Message& shown, Header header) {
  for (const std::string_view value : shown.values(header)) {
    const auto params = DigestParams::parse(value);
    if (!params) continue;
    for (const char* secret : {"response", "nonce", "cnonce", "opaque", "rspauth", "nextnonce"})
      require(is_hidden(params->find(secret).value_or("")));
  }
}

void check_uri(std::string_view text) {
  const auto uri = parse_uri(text);
  if (uri && uri->is_sip() && uri->has_password) require(is_hidden(uri->password));
}

void check_addresses(const Message& shown, Header header) {
  for (const std::string_view element : shown.elements(header)) {
    const auto address = parse_name_addr(element);
    if (address) check_uri(address->uri);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string hidden = isthmus::gateway::without_secrets(text);
  require(hidden.size() == text.size());
  for (size_t i = 0; i < size; ++i) require(hidden[i] == text[i] || hidden[i] == '*');
  require(isthmus::gateway::without_secrets(hidden) == hidden);
  Message original;
  if (!parse(as_bytes(text), original)) return 0;
  Message shown;
  require(parse(as_bytes(hidden), shown).has_value());
  for (const Header header : {Header::authorization, Header::proxy_authorization, Header::www_authenticate,
                              Header::proxy_authenticate, Header::authentication_info})
    check_credentials(shown, header);
  if (shown.is_request()) check_uri(shown.request_uri());
  for (const Header header : {Header::from, Header::to, Header::contact, Header::route, Header::record_route})
    check_addresses(shown, header);
  return 0;
}
