// SPDX-License-Identifier: MIT
// Why the engine did not pass a packet on. Every drop is counted under exactly one of these; none is logged.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/counters.hpp"

namespace isthmus::media {

enum class Drop : uint8_t {
  unknown_flow,          // a socket that belongs to no leg
  unknown_source,        // shared port: no leg has proved this address
  unclassified,          // first octet outside RFC 7983
  malformed_stun,        //
  stun_source_refused,   // source outside the configured prefixes
  stun_refused,          // unknown ufrag, bad integrity, or no binding request
  foreign_dtls,          // DTLS from an address that passed no authenticated check on this leg
  dtls_refused,          // DTLS that the session could not use
  malformed_rtp,         //
  malformed_rtcp,        //
  plain_on_secure,       // no keys yet: plain RTP is never accepted on a leg that will be SRTP
  srtp_refused,          // bad tag, unknown index, or undecodable
  srtp_replayed,         //
  unarmed,               // media before the peer's description is known
  foreign_source,        // the latch does not admit this source
  receive_gate,          // the owner has closed the leg's ear
  send_gate,             // the owner has closed the partner's mouth
  unjoined,              // no partner
  partner_not_ready,     // the partner has no keys or no address to send to
  held,                  // the partner's peer asked for no media (RFC 3264 8.4)
  unknown_payload,       // payload type outside the leg's map, or the partner has no such codec
  event_clock_mismatch,  // telephone-event whose clock the partner does not have (RFC 4733 2.1)
  late,                  // older than the last change of source
  duplicate,             // this sequence number went out already
  sequence_jump,         // first packet after a jump; the second one is believed (RFC 3550 A.1)
  own_event,             // audio suppressed while an RFC 4733 event of our own is being sent
  no_room,               // the caller's slot has no room for the authentication tag
  srtp_protect,          // the packet could not be sealed
  kCount
};
std::string_view describe(Drop reason);

using Drops = Counters<Drop>;

}  // namespace isthmus::media
