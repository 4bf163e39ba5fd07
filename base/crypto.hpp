// SPDX-License-Identifier: MIT
// Digests and constant-time comparison on OpenSSL's primitives: MD5 and SHA-256 for SIP digest (RFC 7616), HMAC-SHA1
// for STUN (RFC 8489), HMAC-SHA256 for webhooks and nonces, CRC-32 for the STUN fingerprint. A target of its own
// (isthmus::crypto).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.hpp"

namespace isthmus::crypto {

using Md5 = std::array<std::byte, 16>;
using Sha1 = std::array<std::byte, 20>;
using Sha256 = std::array<std::byte, 32>;

Md5 md5(Bytes data);
Sha1 sha1(Bytes data);
Sha256 sha256(Bytes data);
Sha1 hmac_sha1(Bytes key, std::initializer_list<Bytes> parts);
Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> parts);
uint32_t crc32(std::initializer_list<Bytes> parts);

// Time depends on the lengths only.
bool equal_constant_time(Bytes a, Bytes b);

}  // namespace isthmus::crypto
