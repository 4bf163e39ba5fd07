// SPDX-License-Identifier: MIT
// SRTP by the letter of RFC 3711 and RFC 7714 on OpenSSL's ciphers, slow and plain: what tests compare the product's
// octets with. It knows no replay and takes the roll-over counter from the caller.
#pragma once

#include <vector>

#include "media/srtp_session.hpp"

namespace isthmus::test {

using Octets = std::vector<std::byte>;

// RFC 3711 section 4.1.1: the key stream of AES in counter mode from the given 16-octet block.
Octets aes_cm_keystream(Bytes key, Bytes first_block, size_t size);
// RFC 3711 section 4.3.1, key derivation rate zero. A salt of 12 octets is extended by two of zero (RFC 7714 11).
Octets derive(Bytes master_key, Bytes master_salt, uint8_t label, size_t size);
// RFC 5116: cipher text followed by the 16-octet tag.
Octets gcm_seal(Bytes key, Bytes nonce, Bytes associated, Bytes plain);

// A whole packet, sealed.
Octets seal_rtp(media::SrtpProfile profile, const media::SrtpMaster& master, Bytes packet, uint32_t roll_over);
Octets seal_rtcp(media::SrtpProfile profile, const media::SrtpMaster& master, Bytes packet, uint32_t index);

}  // namespace isthmus::test
