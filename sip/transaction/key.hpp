// SPDX-License-Identifier: MIT
// Names under which transactions are found: RFC 3261 section 17.1.3 (responses), 17.2.3 (requests). Plain text, letters
// in lower case where the RFC compares without case; two different transactions never share a key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace isthmus::sip {

// True when the branch begins with z9hG4bK (in any case) and has more behind it: it names the transaction by itself.
bool is_magic_branch(std::string_view branch);

// A response belongs to the request of ours with this branch in the top Via and this method in CSeq.
std::string client_key(std::string_view branch, std::string_view cseq_method);

// A request belongs to the transaction of its branch, sent-by and method; ACK finds its INVITE. `port` is 0 where the
// Via has none. The INVITE that a CANCEL means is found with method "INVITE".
std::string server_key(std::string_view branch, std::string_view sent_by_host, uint16_t port, std::string_view method);

// For branches without the magic cookie (RFC 2543 peers): everything that such a request shares with its repeats.
// The To tag is left out, so that an ACK (which carries the tag of our response) finds its INVITE.
struct LegacyIdentity {
  std::string_view request_uri;
  std::string_view from_tag;
  std::string_view call_id;
  uint32_t cseq = 0;
  std::string_view top_via;  // the whole value
};
std::string legacy_key(const LegacyIdentity& identity, std::string_view method);

}  // namespace isthmus::sip
