// SPDX-License-Identifier: MIT
// Keys of transactions. A line feed parts the fields: it can stand in none of them.
#include "sip/transaction/key.hpp"

#include "base/text.hpp"

namespace isthmus::sip {
namespace {

constexpr std::string_view kMagicCookie = "z9hG4bK";

void append_lowered(std::string& out, std::string_view text) {
  for (const char c : text) out.push_back(to_lower(c));
}
// Methods are compared with case (RFC 3261 section 7.1).
std::string_view transaction_method(std::string_view method) {
  return method == "ACK" ? std::string_view("INVITE") : method;
}

}  // namespace

bool is_magic_branch(std::string_view branch) {
  return branch.size() > kMagicCookie.size() && equals_ignore_case(branch.substr(0, kMagicCookie.size()), kMagicCookie);
}

std::string client_key(std::string_view branch, std::string_view cseq_method) {
  std::string key;
  key.reserve(branch.size() + 1 + cseq_method.size());
  append_lowered(key, branch);
  key.push_back('\n');
  key.append(cseq_method);
  return key;
}

std::string server_key(std::string_view branch, std::string_view sent_by_host, uint16_t port, std::string_view method) {
  std::string key;
  key.reserve(branch.size() + sent_by_host.size() + method.size() + 8);
  append_lowered(key, branch);
  key.push_back('\n');
  append_lowered(key, sent_by_host);
  key.push_back('\n');
  append_number(key, port);
  key.push_back('\n');
  key.append(transaction_method(method));
  return key;
}

std::string legacy_key(const LegacyIdentity& identity, std::string_view method) {
  std::string key = "2543";
  for (const std::string_view field : {identity.request_uri, identity.from_tag, identity.call_id, identity.top_via}) {
    key.push_back('\n');
    key.append(field);
  }
  key.push_back('\n');
  append_number(key, identity.cseq);
  key.push_back('\n');
  key.append(transaction_method(method));
  return key;
}

}  // namespace isthmus::sip
