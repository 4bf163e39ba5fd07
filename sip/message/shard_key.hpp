// SPDX-License-Identifier: MIT
// Which shard a message belongs to, as a pure function: a response by our top Via branch, a request with our To tag by
// that tag, an INVITE with Replaces by our tag therein, all else by the keyed hash of Call-ID. And the ids we make,
// which carry the shard number beside 80 random bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/random.hpp"
#include "sip/message/message.hpp"

namespace isthmus::sip {

// `random` draws 80 bits. Tags look like "i0a" and 20 hexadecimal digits; a branch has the magic cookie before that.
std::string make_tag(uint8_t shard, Random& random);
std::string make_branch(uint8_t shard, Random& random);
std::string make_call_id(uint8_t shard, Random& random);

// The shard a tag or branch of ours names; none for everybody else's.
std::optional<uint8_t> shard_of(std::string_view tag_or_branch);

// In [0, shards); `shards` > 0. A number that names no shard of today falls back to Call-ID.
uint8_t shard_key(const Message& message, const HashKey& key, uint8_t shards);

}  // namespace isthmus::sip
