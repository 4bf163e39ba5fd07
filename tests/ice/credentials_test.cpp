// SPDX-License-Identifier: MIT
#include "ice/credentials.hpp"

#include <gtest/gtest.h>

#include <set>

namespace isthmus::ice {
namespace {

TEST(IceCredentials, carry_the_shard_beside_64_random_bits_and_a_password_of_128) {
  Random random(Seed::of(1));
  std::set<std::string> seen;
  for (int i = 0; i < 256; ++i) {
    const Credentials made = make_credentials(random, static_cast<uint8_t>(i));
    EXPECT_TRUE(is_ufrag(made.ufrag)) << made.ufrag;
    EXPECT_TRUE(is_password(made.password)) << made.password;
    EXPECT_EQ(shard_of_ufrag(made.ufrag), static_cast<uint8_t>(i));
    EXPECT_GE((made.ufrag.size() - 2) * 4, 64U);
    EXPECT_GE(made.password.size() * 4, 128U);
    EXPECT_TRUE(seen.insert(made.ufrag.substr(2)).second);
    EXPECT_TRUE(seen.insert(made.password).second);
  }
}

TEST(IceCredentials, of_others_have_no_shard) {
  EXPECT_EQ(shard_of_ufrag("evtj"), std::nullopt);
  EXPECT_EQ(shard_of_ufrag(""), std::nullopt);
  EXPECT_EQ(shard_of_ufrag("zz0123456789abcdef"), std::nullopt);
  EXPECT_EQ(shard_of_ufrag("020123456789abcdef"), 2);
}

TEST(IceCredentials, advisory_21_lengths_from_1_to_32768_are_judged_by_RFC8839) {
  for (const size_t size : {1, 3, 4, 21, 22, 255, 256, 257, 512, 513, 4096, 32768}) {
    const std::string text(size, 'a');
    EXPECT_EQ(is_ufrag(text), size >= 4 && size <= 256) << size;
    EXPECT_EQ(is_password(text), size >= 22 && size <= 256) << size;
    EXPECT_EQ(split_username(text + ":bbbb").has_value(), size <= 256) << size;
    EXPECT_EQ(split_username("aaaa:" + text).has_value(), size <= 256) << size;
  }
}

TEST(IceCredentials, only_ice_chars_are_taken) {
  EXPECT_TRUE(is_ufrag("aZ09+/"));
  for (const char c : {' ', '-', '=', ':', '\0', '\n', '_', '\x7f'}) {
    EXPECT_FALSE(is_ufrag(std::string("abcd") + c)) << static_cast<int>(c);
  }
}

TEST(IceCredentials, user_names_have_two_halves) {
  const auto halves = split_username("ours:theirs");
  ASSERT_TRUE(halves);
  EXPECT_EQ(halves->receiver, "ours");
  EXPECT_EQ(halves->sender, "theirs");
  for (const char* bad : {"", ":", "a:", ":b", "ab"}) EXPECT_FALSE(split_username(bad)) << bad;
}

}  // namespace
}  // namespace isthmus::ice
