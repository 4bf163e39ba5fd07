// SPDX-License-Identifier: MIT
#include "sip/message/shard_key.hpp"

#include "base/text.hpp"
#include "sip/message/headers.hpp"

namespace isthmus::sip {
namespace {

constexpr size_t kRandomBits = 80;
constexpr size_t kTagSize = 3 + kRandomBits / 4;
constexpr char kMark = 'i';

}  // namespace

std::string make_tag(uint8_t shard, Random& random) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string tag{kMark, kHex[shard >> 4], kHex[shard & 15]};
  return tag += random.token(kRandomBits);
}

std::string make_branch(uint8_t shard, Random& random) {
  return std::string(kMagicCookie) + make_tag(shard, random);
}

std::string make_call_id(uint8_t shard, Random& random) {
  return make_tag(shard, random);
}

std::optional<uint8_t> shard_of(std::string_view text) {
  if (text.starts_with(kMagicCookie)) text.remove_prefix(kMagicCookie.size());
  if (text.size() != kTagSize || text[0] != kMark) return std::nullopt;
  for (const char c : text.substr(1)) {
    if (hex_digit(c) < 0) return std::nullopt;
  }
  return static_cast<uint8_t>(hex_digit(text[1]) * 16 + hex_digit(text[2]));
}

uint8_t shard_key(const Message& message, const HashKey& key, uint8_t shards) {
  std::optional<uint8_t> named;
  if (!message.is_request()) {
    named = shard_of(message.branch());
  } else if (!message.to_tag().empty()) {
    named = shard_of(message.to_tag());
  } else if (message.method() == Method::invite && message.has(Header::replaces)) {
    if (const auto replaces = parse_replaces(*message.header(Header::replaces))) named = shard_of(replaces->to_tag);
  }
  if (named && *named < shards) return *named;
  return static_cast<uint8_t>(keyed_hash(key, message.call_id()) % shards);
}

}  // namespace isthmus::sip
