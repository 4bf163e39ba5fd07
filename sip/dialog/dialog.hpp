// SPDX-License-Identifier: MIT
// A dialog (RFC 3261 section 12): identifiers, remote target, route set and sequence numbers, and the requests made
// from them. It knows no transaction and no timer. The path it keeps is R1.33: towards NATed peers requests go where
// their requests came from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/outbox.hpp"
#include "sip/message/message.hpp"
#include "sip/message/writer.hpp"

namespace isthmus::sip {

struct Dialog {
  std::string call_id;
  std::string local_tag;
  std::string remote_tag;    // empty: a peer of RFC 2543 without tags
  std::string local_party;   // name-addr of From without tag
  std::string remote_party;  // name-addr of To without tag
  std::string remote_target;
  std::vector<std::string> route_set;  // in the order in which Route is written
  uint32_t local_cseq = 0;
  uint32_t remote_cseq = 0;
  bool has_remote_cseq = false;
  std::optional<Path> kept_path;  // requests go here while it is up
  Path source;                    // where the peer's last believed request or response came from

  // 12.1.1: from the request we answer; `local_tag` is the tag of our response.
  static Dialog as_server(const Message& request, std::string_view local_tag);
  // 12.1.2: from a response with a To tag to our INVITE.
  static Dialog as_client(const Message& response);

  // 12.2.1.1: the next request within the dialog; CANCEL and ACK are not made here.
  Draft request(Method method);
  // 13.2.2.4: the ACK of a 2xx whose INVITE had this CSeq.
  Draft acknowledge(uint32_t cseq) const;
  // The URI to locate when no flow is kept: first Route (loose) or the remote target.
  std::string next_hop() const;
  // 12.2.2: false when the sequence number is too low (answer 500); takes it over otherwise. ACK is exempt (13.2.2.4).
  bool take_remote_cseq(uint32_t cseq);
  // 12.2.1.2: target refresh by Contact.
  void refresh_target(const Message& message);

 private:
  Draft start(Method method, uint32_t cseq) const;
};

}  // namespace isthmus::sip
