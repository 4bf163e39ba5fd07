// SPDX-License-Identifier: MIT
#include "sip/message/shard_key.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/sip/message/samples.hpp"

namespace isthmus::sip {
namespace {

constexpr HashKey kKey{1, 2};

TEST(ShardKey, OurIdsCarryTheirShardAndEightyRandomBits) {
  Random random(Seed::of(7));
  std::set<std::string> seen;
  for (int shard = 0; shard < 256; ++shard) {
    const std::string tag = make_tag(static_cast<uint8_t>(shard), random);
    const std::string branch = make_branch(static_cast<uint8_t>(shard), random);
    EXPECT_EQ(shard_of(tag), shard);
    EXPECT_EQ(shard_of(branch), shard);
    EXPECT_TRUE(branch.starts_with("z9hG4bK"));
    EXPECT_EQ(tag.size(), 3U + 20U);
    EXPECT_TRUE(seen.insert(tag.substr(3)).second);
    EXPECT_TRUE(seen.insert(branch.substr(10)).second);
  }
  EXPECT_FALSE(shard_of("1928301774"));
  EXPECT_FALSE(shard_of("z9hG4bK776asdhds"));
  EXPECT_FALSE(shard_of(""));
  EXPECT_FALSE(shard_of("i0g00000000000000000000"));
  EXPECT_FALSE(shard_of("x0000000000000000000000"));
}

uint8_t key_of(std::string_view text, uint8_t shards) {
  const auto result = samples::parsed(text);
  EXPECT_EQ(result.error.code, ParseCode::none) << text;
  return shard_key(result.message, kKey, shards);
}

TEST(ShardKey, EachMessageGoesToTheShardItNames) {
  Random random(Seed::of(7));
  const std::string tag = make_tag(2, random);
  const std::string response = samples::with_start_line("SIP/2.0 200 OK");
  std::string to_branch = response;
  to_branch.replace(to_branch.find("z9hG4bKa1"), 9, make_branch(1, random));
  EXPECT_EQ(key_of(to_branch, 3), 1);
  EXPECT_EQ(key_of(samples::with_line_instead("To", "To: <sip:g@h>;tag=" + tag), 3), 2);
  std::string invite = samples::with_line_instead(
      "CSeq", "CSeq: 7 INVITE\r\nContact: <sip:a@h>\r\nReplaces: x@y;from-tag=f;to-tag=" + tag);
  invite.replace(0, 7, "INVITE");
  EXPECT_EQ(key_of(invite, 3), 2);
  const std::string plain = samples::with_headers("");
  const auto by_call_id = static_cast<uint8_t>(keyed_hash(kKey, std::string_view("c1@192.0.2.7")) % 3);
  EXPECT_EQ(key_of(plain, 3), by_call_id);
  EXPECT_EQ(key_of(samples::with_line_instead("To", "To: <sip:g@h>;tag=foreign"), 3), by_call_id);
  // A shard of yesterday's larger number of shards.
  EXPECT_LT(key_of(samples::with_line_instead("To", "To: <sip:g@h>;tag=" + make_tag(9, random)), 3), 3);
  EXPECT_EQ(key_of(plain, 1), 0);
}

}  // namespace
}  // namespace isthmus::sip
