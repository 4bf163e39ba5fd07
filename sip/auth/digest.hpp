// SPDX-License-Identifier: MIT
// Digest access authentication as arithmetic: RFC 7616 with RFC 2617 (MD5, no qop) and RFC 8760 (SIP). Pure; the hash
// functions are handed in, because sip needs the standard library only. Nothing here parses or remembers.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace isthmus::sip {

using Md5Value = std::array<std::byte, 16>;
using Sha256Value = std::array<std::byte, 32>;

// The program takes both from base/crypto: Digests{&crypto::md5, &crypto::sha256}.
struct Digests {
  Md5Value (*md5)(Bytes) = nullptr;
  Sha256Value (*sha256)(Bytes) = nullptr;
};

enum class Algorithm : uint8_t { md5, md5_sess, sha256, sha256_sess };
std::string_view name(Algorithm algorithm);                        // "MD5", "SHA-256-sess"
std::optional<Algorithm> parse_algorithm(std::string_view token);  // without case
constexpr bool is_sess(Algorithm a) {
  return a == Algorithm::md5_sess || a == Algorithm::sha256_sess;
}
constexpr bool is_sha256(Algorithm a) {
  return a == Algorithm::sha256 || a == Algorithm::sha256_sess;
}

// What is stored of a password: H(user:realm:password) per algorithm, in hexadecimal; an empty one is not available.
struct StoredHa1 {
  std::string md5;
  std::string sha256;
};
std::string make_ha1(const Digests& digests, bool sha256, std::string_view user, std::string_view realm,
                     std::string_view password);
StoredHa1 make_ha1s(const Digests& digests, std::string_view user, std::string_view realm, std::string_view password);

struct DigestInput {
  Algorithm algorithm = Algorithm::md5;
  std::string_view ha1;  // of the algorithm without -sess
  std::string_view nonce;
  std::string_view method;
  std::string_view uri;
  bool qop_auth = false;  // the next two count only with qop=auth (cnonce also with -sess)
  std::string_view nc;    // eight hexadecimal digits as written
  std::string_view cnonce;
};
// RFC 7616 section 3.4.1, lower-case hexadecimal.
std::string digest_response(const Digests& digests, const DigestInput& input);
// How many hash operations digest_response makes of such an input.
constexpr uint32_t digest_cost(Algorithm algorithm) {
  return is_sess(algorithm) ? 3 : 2;
}

// RFC 2104 over the given SHA-256.
Sha256Value hmac_sha256(const Digests& digests, Bytes key, std::initializer_list<Bytes> parts);

// Time depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace isthmus::sip
