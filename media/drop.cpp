// SPDX-License-Identifier: MIT
#include "media/drop.hpp"

namespace isthmus::media {

std::string_view describe(Drop reason) {
  switch (reason) {
    case Drop::unknown_flow: return "a socket that belongs to no leg";
    case Drop::unknown_source: return "no leg has proved this source address";
    case Drop::unclassified: return "neither STUN, DTLS, RTP nor RTCP";
    case Drop::malformed_stun: return "malformed STUN";
    case Drop::stun_source_refused: return "STUN from a source outside the configured prefixes";
    case Drop::stun_refused: return "STUN of an unknown user or without valid integrity";
    case Drop::foreign_dtls: return "DTLS from an address without an authenticated check";
    case Drop::dtls_refused: return "DTLS that the session could not use";
    case Drop::malformed_rtp: return "malformed RTP";
    case Drop::malformed_rtcp: return "malformed RTCP";
    case Drop::plain_on_secure: return "media before the keys are there";
    case Drop::srtp_refused: return "SRTP without a valid tag";
    case Drop::srtp_replayed: return "SRTP replayed";
    case Drop::unarmed: return "media before the peer is described";
    case Drop::foreign_source: return "source not admitted by the latch";
    case Drop::receive_gate: return "receive gate closed";
    case Drop::send_gate: return "send gate closed";
    case Drop::unjoined: return "leg without a partner";
    case Drop::partner_not_ready: return "partner not ready";
    case Drop::held: return "partner's peer on hold";
    case Drop::unknown_payload: return "payload type without a counterpart";
    case Drop::event_clock_mismatch: return "telephone-event with a clock the partner lacks";
    case Drop::late: return "older than the last change of source";
    case Drop::duplicate: return "sequence number sent already";
    case Drop::sequence_jump: return "sequence number out of range";
    case Drop::own_event: return "audio suppressed during an event of our own";
    case Drop::no_room: return "no room for the authentication tag";
    case Drop::srtp_protect: return "could not be sealed";
    case Drop::kCount: break;
  }
  return "unknown reason";
}

}  // namespace isthmus::media
