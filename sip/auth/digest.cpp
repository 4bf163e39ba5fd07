// SPDX-License-Identifier: MIT
// Digest arithmetic, RFC 7616 section 3.4, and HMAC, RFC 2104.
#include "sip/auth/digest.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace isthmus::sip {
namespace {

constexpr std::string_view kNames[] = {"MD5", "MD5-sess", "SHA-256", "SHA-256-sess"};
constexpr size_t kHmacBlock = 64;

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text.append(part).push_back(':');
  text.pop_back();
  return text;
}

std::string hash(const Digests& digests, bool sha256, std::string_view text) {
  return sha256 ? to_hex(digests.sha256(as_bytes(text))) : to_hex(digests.md5(as_bytes(text)));
}

}  // namespace

std::string_view name(Algorithm algorithm) {
  return kNames[static_cast<size_t>(algorithm)];
}

std::optional<Algorithm> parse_algorithm(std::string_view token) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (equals_ignore_case(token, kNames[i])) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

std::string make_ha1(const Digests& digests, bool sha256, std::string_view user, std::string_view realm,
                     std::string_view password) {
  return hash(digests, sha256, joined({user, realm, password}));
}
StoredHa1 make_ha1s(const Digests& digests, std::string_view user, std::string_view realm, std::string_view password) {
  return {make_ha1(digests, false, user, realm, password), make_ha1(digests, true, user, realm, password)};
}

std::string digest_response(const Digests& digests, const DigestInput& input) {
  const bool sha256 = is_sha256(input.algorithm);
  std::string ha1(input.ha1);
  if (is_sess(input.algorithm)) ha1 = hash(digests, sha256, joined({ha1, input.nonce, input.cnonce}));
  const std::string ha2 = hash(digests, sha256, joined({input.method, input.uri}));
  if (!input.qop_auth) return hash(digests, sha256, joined({ha1, input.nonce, ha2}));
  return hash(digests, sha256, joined({ha1, input.nonce, input.nc, input.cnonce, "auth", ha2}));
}

Sha256Value hmac_sha256(const Digests& digests, Bytes key, std::initializer_list<Bytes> parts) {
  std::array<std::byte, kHmacBlock> block{};
  if (key.size() > kHmacBlock) {
    const Sha256Value shortened = digests.sha256(key);
    std::copy(shortened.begin(), shortened.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  std::vector<std::byte> inner;
  for (const std::byte b : block) inner.push_back(b ^ std::byte{0x36});
  for (const Bytes part : parts) inner.insert(inner.end(), part.begin(), part.end());
  const Sha256Value inside = digests.sha256(inner);
  std::vector<std::byte> outer;
  for (const std::byte b : block) outer.push_back(b ^ std::byte{0x5c});
  outer.insert(outer.end(), inside.begin(), inside.end());
  return digests.sha256(outer);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace isthmus::sip
