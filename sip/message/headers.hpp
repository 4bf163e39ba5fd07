// SPDX-License-Identifier: MIT
// Typed forms of single header values, each parsed from its text when somebody asks. Views live as long as the text.
// A value that breaks its grammar gives `bad_value` (or the code of its URI or address) and an offset; numbers never
// wrap.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/message/flaw.hpp"
#include "sip/message/header_list.hpp"
#include "sip/message/name_addr.hpp"
#include "sip/message/names.hpp"

namespace isthmus::sip {

// Digits alone (Expires, Min-Expires, Min-SE without parameters, RSeq); a value above 2^32-1 is refused.
std::optional<uint32_t> parse_delta_seconds(std::string_view text);

// RFC 3261 20.10, RFC 5626, RFC 5627: one element of Contact.
struct Contact {
  bool is_star = false;  // "*": everything else is empty
  NameAddr address;
  std::optional<uint32_t> expires;  // none when missing or unreadable (then the default counts, 10.3)
  std::optional<uint16_t> q;        // in thousandths
  std::optional<uint32_t> reg_id;
  std::string_view instance;  // +sip.instance without quotes: <urn:uuid:...>
};
Result<Contact, Flaw> parse_contact(std::string_view element);

// A number with parameters: Session-Expires and Min-SE (RFC 4028), Retry-After (RFC 3261 20.33).
struct SessionExpires {
  uint32_t seconds = 0;
  enum class Refresher : uint8_t { none, uac, uas } refresher = Refresher::none;
};
Result<SessionExpires, Flaw> parse_session_expires(std::string_view value);
Result<uint32_t, Flaw> parse_min_se(std::string_view value);

struct RetryAfter {
  uint32_t seconds = 0;
  std::string_view comment;  // without its parentheses
  std::optional<uint32_t> duration;
};
Result<RetryAfter, Flaw> parse_retry_after(std::string_view value);

// RFC 3262 7.2.
struct RAck {
  uint32_t rseq = 0;
  uint32_t cseq = 0;
  Method method = Method::unknown;
  std::string_view method_text;
};
Result<RAck, Flaw> parse_rack(std::string_view value);

// RFC 3326: one element of Reason.
struct Reason {
  std::string_view protocol;  // SIP, Q.850
  std::optional<uint32_t> cause;
  std::string_view text;  // without quotes
  std::string_view params;
};
Result<Reason, Flaw> parse_reason(std::string_view element);

// RFC 3891.
struct Replaces {
  std::string_view call_id;
  std::string_view to_tag;
  std::string_view from_tag;
  bool early_only = false;
};
Result<Replaces, Flaw> parse_replaces(std::string_view value);

// A token with parameters: Event, Subscription-State, Content-Disposition, Privacy elements, Accept-Encoding.
struct TokenParams {
  std::string_view token;
  std::string_view params;
  std::optional<std::string_view> param(std::string_view name) const { return find_param(params, name); }
};
Result<TokenParams, Flaw> parse_token_params(std::string_view element);

// Content-Type and elements of Accept.
struct MediaType {
  std::string_view type;
  std::string_view subtype;
  std::string_view params;
  bool is(std::string_view wanted) const;  // "application/sdp", without case
};
Result<MediaType, Flaw> parse_media_type(std::string_view element);

}  // namespace isthmus::sip
