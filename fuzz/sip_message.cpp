// SPDX-License-Identifier: MIT
// Door of sip/message: any bytes are parsed; every header is read in its typed form; what was parsed is written, parsed
// and written again. Invariants: writing is a fixed point with the same meaning, and an error that says it can be
// answered is answered with something our own parser takes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sip/auth/auth_params.hpp"
#include "sip/message/headers.hpp"
#include "sip/message/parser.hpp"
#include "sip/message/shard_key.hpp"
#include "sip/message/writer.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sip;

void require(bool invariant) {
  if (!invariant) std::abort();
}

void require_within(std::string_view part, std::string_view whole) {
  if (part.empty()) return;
  require(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// What we write may be longer than what came: compact names grow, Content-Length and tags are added.
bool is_limit(ParseCode code) {
  return code == ParseCode::header_block_too_large || code == ParseCode::too_many_headers ||
         code == ParseCode::too_many_params;
}

void read_address(std::string_view element) {
  const auto address = parse_name_addr(element);
  if (!address) return;
  require_within(address->uri, element);
  require_within(address->params, element);
  require(unquote(quote(address->display_name())) == address->display_name());
  if (const auto uri = address->parsed_uri()) require(equivalent(*uri, *uri));
}

void read_value(Header header, std::string_view value) {
  switch (header) {
    case Header::session_expires: (void)parse_session_expires(value); break;
    case Header::min_se: (void)parse_min_se(value); break;
    case Header::retry_after: (void)parse_retry_after(value); break;
    case Header::rack: (void)parse_rack(value); break;
    case Header::replaces: (void)parse_replaces(value); break;
    case Header::content_type: (void)parse_media_type(value); break;
    case Header::authorization:
    case Header::proxy_authorization:
    case Header::proxy_authenticate:
    case Header::www_authenticate: (void)DigestParams::parse(value); break;
    default: break;
  }
}

void read_element(Header header, std::string_view element) {
  switch (header) {
    case Header::contact:
      if (const auto contact = parse_contact(element)) require(contact->is_star || !contact->address.uri.empty());
      break;
    case Header::reason: (void)parse_reason(element); break;
    case Header::via:
      if (const auto via = parse_via(element)) require(!via->host.empty() && !via->transport.empty());
      break;
    default: (void)parse_token_params(element); break;
  }
  read_address(element);
}

void read_all(const Message& message) {
  for (size_t i = 0; i < message.line_count(); ++i) {
    const HeaderField line = message.line(i);
    require_within(line.value, message.bytes());
    require(line.value.find('\r') == std::string_view::npos && line.value.find('\n') == std::string_view::npos);
    read_value(line.header, line.value);
  }
  for (size_t i = 1; i < kHeaderCount; ++i) {
    const auto header = static_cast<Header>(i);
    for (const std::string_view element : message.elements(header)) read_element(header, element);
  }
  (void)message.contact();
  (void)message.expires();
  require(shard_key(message, HashKey{1, 2}, 3) < 3);
}

std::string write_again(const Message& message) {
  std::string out;
  if (!message.is_request()) {
    write_response(draft_of(message), out);
    return out;
  }
  std::string vias;
  for (const std::string_view value : message.values(Header::via)) {
    if (!vias.empty()) vias += "\r\nVia: ";
    vias += value;
  }
  write_request(draft_of(message), vias, out);
  return out;
}

void check_fixed_point(const Message& message) {
  const std::string once = write_again(message);
  Message again;
  const auto result = parse(as_bytes(once), again);
  if (!result) {
    require(is_limit(result.error().code));
    return;
  }
  require(again.call_id() == message.call_id() && again.branch() == message.branch() && again.body() == message.body());
  require(again.from_tag() == message.from_tag() && again.to_tag() == message.to_tag() &&
          again.status() == message.status());
  require(write_again(again) == once);
}

void check_answer(Message& request, int status) {
  request.mark_source({IpAddress::v4(192, 0, 2, 99), 4711});
  require(request.via().host.size() > 0);
  std::string out;
  write_response(request, Reply{.status = status, .to_tag = "i00"}, out);
  Message answer;
  const auto result = parse(as_bytes(out), answer);
  require(result.has_value() || is_limit(result.error().code));
  std::string built;
  write_response(respond_to(request, status, {}, "i00"), built);
  require(built == out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Message message;  // used again and again, as the endpoint does
  const Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
  const auto result = parse(bytes, message);
  if (!result) {
    require(result.error().code != ParseCode::none && result.error().offset <= size);
    if (result.error().answerable) check_answer(message, result.error().status);
    return 0;
  }
  read_all(message);
  check_fixed_point(message);
  if (message.is_request()) check_answer(message, 200);
  return 0;
}
