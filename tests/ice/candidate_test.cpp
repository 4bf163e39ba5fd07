// SPDX-License-Identifier: MIT
#include "ice/candidate.hpp"

#include <gtest/gtest.h>

namespace isthmus::ice {
namespace {

TEST(IceCandidate, RFC8445_5_1_2_1_priorities_follow_the_formula) {
  EXPECT_EQ(priority(CandidateType::host, 65535, 1), 2130706431U);
  EXPECT_EQ(priority(CandidateType::server_reflexive, 65535, 1), 1694498815U);
  EXPECT_EQ(priority(CandidateType::relayed, 0, 256 - 1), 1U);
  EXPECT_GT(priority(CandidateType::host, 0, 1), priority(CandidateType::peer_reflexive, 65535, 1));
}

TEST(IceCandidate, host_candidates_keep_their_order_and_leave_out_what_cannot_be_spoken_to) {
  std::vector<SocketAddress> addresses;
  for (const char* text : {"127.0.0.1:4000", "0.0.0.0:4000", "224.0.0.1:4000", "255.255.255.255:4000", "[::]:4000",
                           "192.0.2.7:4000", "127.0.0.1:4000", "[2001:db8::1]:4000", "192.0.2.8:0"}) {
    addresses.push_back(*SocketAddress::parse(text));
  }
  addresses.emplace_back();
  const auto made = host_candidates(addresses);
  ASSERT_EQ(made.size(), 3U);
  EXPECT_EQ(made[0].address.text(), "127.0.0.1:4000");
  EXPECT_EQ(made[1].address.text(), "192.0.2.7:4000");
  EXPECT_EQ(made[2].address.text(), "[2001:db8::1]:4000");
  EXPECT_GT(made[0].priority, made[1].priority);
  EXPECT_GT(made[1].priority, made[2].priority);
  EXPECT_EQ(made[0].base, made[0].address);
}

TEST(IceCandidate, host_candidates_are_bounded) {
  std::vector<SocketAddress> addresses;
  for (uint16_t i = 0; i < 20; ++i) {
    addresses.push_back({IpAddress::v4(10, 0, 0, static_cast<uint8_t>(i + 1)), 4000});
  }
  EXPECT_EQ(host_candidates(addresses).size(), kMaxHostCandidates);
}

TEST(IceCandidate, RFC8445_5_1_1_3_foundations_are_equal_for_equal_type_and_base_only) {
  Candidate a{CandidateType::host, 1, 0, *SocketAddress::parse("192.0.2.1:1"), *SocketAddress::parse("192.0.2.1:1")};
  Candidate other_port = a;
  other_port.address.port = other_port.base.port = 2;
  Candidate other_ip = a;
  other_ip.base.ip = IpAddress::v4(192, 0, 2, 2);
  Candidate other_type = a;
  other_type.type = CandidateType::relayed;
  EXPECT_EQ(foundation(a), foundation(other_port));
  EXPECT_NE(foundation(a), foundation(other_ip));
  EXPECT_NE(foundation(a), foundation(other_type));
  EXPECT_LE(foundation(a).size(), 32U);
}

}  // namespace
}  // namespace isthmus::ice
