// SPDX-License-Identifier: MIT
// Which messages belong together: RFC 3261 sections 17.1.3 and 17.2.3.
#include "sip/transaction/key.hpp"

#include <gtest/gtest.h>

namespace isthmus::sip {
namespace {

TEST(TransactionKey, Section17_1_3_AResponseIsFoundByBranchAndCseqMethod) {
  EXPECT_EQ(client_key("z9hG4bKab", "INVITE"), client_key("z9hg4bkAB", "INVITE"));
  EXPECT_NE(client_key("z9hG4bKab", "INVITE"), client_key("z9hG4bKab", "CANCEL"));
  EXPECT_NE(client_key("z9hG4bKab", "INVITE"), client_key("z9hG4bKac", "INVITE"));
}

// R3.12
TEST(TransactionKey, Section17_2_3_SameBranchFromAnotherSentByIsAnotherTransaction_R3_12) {
  const std::string key = server_key("z9hG4bKx", "a.example", 5060, "INVITE");
  EXPECT_EQ(key, server_key("z9hG4bKx", "A.Example", 5060, "INVITE"));
  EXPECT_NE(key, server_key("z9hG4bKx", "b.example", 5060, "INVITE"));
  EXPECT_NE(key, server_key("z9hG4bKx", "a.example", 5062, "INVITE"));
  EXPECT_NE(key, server_key("z9hG4bKx", "a.example", 0, "INVITE"));
}

TEST(TransactionKey, Section17_2_3_AnAckFindsItsInviteAndACancelIsATransactionOfItsOwn_R3_12) {
  EXPECT_EQ(server_key("z9hG4bKx", "a", 0, "ACK"), server_key("z9hG4bKx", "a", 0, "INVITE"));
  EXPECT_NE(server_key("z9hG4bKx", "a", 0, "CANCEL"), server_key("z9hG4bKx", "a", 0, "INVITE"));
  EXPECT_NE(server_key("z9hG4bKx", "a", 0, "invite"), server_key("z9hG4bKx", "a", 0, "INVITE"));
}

TEST(TransactionKey, Section17_2_3_WithoutTheCookieEverythingThatRepeatsShareCounts) {
  const LegacyIdentity invite{"sip:bob@b", "tag1", "call", 7, "SIP/2.0/UDP a;branch=1"};
  EXPECT_EQ(legacy_key(invite, "INVITE"), legacy_key(invite, "ACK"));
  EXPECT_NE(legacy_key(invite, "INVITE"), legacy_key(invite, "CANCEL"));
  const auto differs = [&](auto change) {
    LegacyIdentity other = invite;
    change(other);
    return legacy_key(other, "INVITE") != legacy_key(invite, "INVITE");
  };
  EXPECT_TRUE(differs([](LegacyIdentity& i) { i.request_uri = "sip:bob@c"; }));
  EXPECT_TRUE(differs([](LegacyIdentity& i) { i.from_tag = "tag2"; }));
  EXPECT_TRUE(differs([](LegacyIdentity& i) { i.call_id = "call2"; }));
  EXPECT_TRUE(differs([](LegacyIdentity& i) { i.cseq = 8; }));
  EXPECT_TRUE(differs([](LegacyIdentity& i) { i.top_via = "SIP/2.0/UDP a;branch=2"; }));
  EXPECT_NE(legacy_key({"a", "b", "c", 1, "d"}, "X"), legacy_key({"a", "bc", "", 1, "d"}, "X"));
}

TEST(TransactionKey, Section8_1_1_7_TheMagicCookieIsComparedWithoutCaseAndIsNotABranchByItself) {
  EXPECT_TRUE(is_magic_branch("z9hG4bK1"));
  EXPECT_TRUE(is_magic_branch("Z9HG4BK1"));
  EXPECT_FALSE(is_magic_branch("z9hG4bK"));
  EXPECT_FALSE(is_magic_branch("390skdjuw"));
  EXPECT_FALSE(is_magic_branch(""));
}

}  // namespace
}  // namespace isthmus::sip
