// SPDX-License-Identifier: MIT
// The names of SIP: methods, headers with their compact forms (RFC 3261 7.3.3), reason phrases (RFC 3261 21). Lookup of
// headers is by length and a perfect hash, without case; methods are compared with case (RFC 3261 7.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace isthmus::sip {

enum class Method : uint8_t {
  unknown,  // any other token: an extension method
  invite,
  ack,
  cancel,
  bye,
  options,
  register_,
  prack,
  update,
  info,
  refer,
  notify,
  subscribe,
  message,
  publish,
  kCount
};

Method method_of(std::string_view text);
std::string_view text(Method method);  // "" for unknown

// To add a header: one value here, one line in the table of names.cpp at the same place; a static_assert there says
// when the hash needs a new multiplier, and tests/sip/message/names_test.cpp how to find one.
enum class Header : uint8_t {
  other,  // a name that is not in this list; it stands in the message as text
  accept,
  accept_contact,
  accept_encoding,
  accept_language,
  alert_info,
  allow,
  allow_events,
  authentication_info,
  authorization,
  call_id,
  call_info,
  contact,
  content_disposition,
  content_encoding,
  content_language,
  content_length,
  content_type,
  cseq,
  date,
  diversion,
  error_info,
  event,
  expires,
  flow_timer,
  from,
  history_info,
  identity,
  identity_info,
  in_reply_to,
  info_package,
  join,
  max_forwards,
  mime_version,
  min_expires,
  min_se,
  organization,
  p_access_network_info,
  p_asserted_identity,
  p_associated_uri,
  p_called_party_id,
  p_charging_vector,
  p_preferred_identity,
  path,
  priority,
  privacy,
  proxy_authenticate,
  proxy_authorization,
  proxy_require,
  rack,
  reason,
  record_route,
  recv_info,
  refer_sub,
  refer_to,
  referred_by,
  reject_contact,
  remote_party_id,
  replaces,
  reply_to,
  request_disposition,
  require,
  retry_after,
  route,
  rseq,
  server,
  service_route,
  session_expires,
  sip_etag,
  sip_if_match,
  subject,
  subscription_state,
  supported,
  target_dialog,
  timestamp,
  to,
  unsupported,
  user_agent,
  user_to_user,
  via,
  warning,
  www_authenticate,
  kCount
};
inline constexpr size_t kHeaderCount = static_cast<size_t>(Header::kCount);

Header header_of(std::string_view name);  // canonical or compact spelling, any case
std::string_view text(Header header);     // canonical spelling; "" for other

std::string_view reason_phrase(int status);  // standard phrase, or that of the class for codes nobody registered

}  // namespace isthmus::sip
