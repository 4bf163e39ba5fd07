// SPDX-License-Identifier: MIT
// From what was agreed in SDP to orders for the media engine, and from its LegReady to what the SDP says: values only.
// Every call is relayed: nothing is passed directly and nothing is transcoded here.
#pragma once

#include "base/address.hpp"
#include "media/order.hpp"
#include "sdp/profile.hpp"

namespace isthmus::gateway {

media::LegKind leg_kind(sdp::Profile profile);

// Addresses, credentials and fingerprint of an opened media leg, for sdp::Leg.
sdp::LocalAudio local_audio(const media::LegReady& ready, sdp::Profile profile);

// Payload numbers of a leg: what the peer expects first, so that it is sent; numbers that only we announced follow, so
// that they are understood. Codecs that the relay does not know by name are left out.
media::PayloadMap payload_map(const sdp::Agreed& agreed);

// ArmWebrtc or ArmRtp by the leg's profile; requires leg.agreed(). `signalling` is where the peer's SIP comes from.
// While a phone holds by c=0.0.0.0, or has refused the media, its address is not set and nothing is sent (RFC 3264
// section 8.4). A browser that has refused the media names no credentials: its gates are closed instead (SwitchLeg).
media::Order arm_leg(media::LegId leg, const sdp::Leg& from, const IpAddress& signalling);

// Gates by the direction agreed on this leg. `hear_peer` false holds the peer's audio back all the same (before the
// call is confirmed, R0.12).
media::SwitchLeg gates(media::LegId leg, const sdp::Agreed& agreed, bool hear_peer = true);

// Trap 20, advisory 52: an address that cannot be reached from here when the peer signals from elsewhere: private,
// loopback or link-local although the signalling came from a public address (or, for loopback and link-local, from
// anywhere else). Packets then go to the signalling address, at the port of the SDP, until the latch knows better.
bool is_hidden(const IpAddress& media, const IpAddress& signalling);

}  // namespace isthmus::gateway
