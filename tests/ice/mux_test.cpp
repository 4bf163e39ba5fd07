// SPDX-License-Identifier: MIT
#include "ice/mux.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/random.hpp"

namespace isthmus::ice {
namespace {

SocketAddress source(uint32_t n, uint16_t port = 5000) {
  return {IpAddress::v4(10, static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)),
          port};
}

constexpr MuxLeg kAlice{1, 1};
constexpr MuxLeg kBob{2, 1};
constexpr HashKey kKey{1, 2};

TEST(IceMux, finds_legs_by_user_name_first_and_by_address_after_a_check) {
  Mux mux(kKey);
  EXPECT_TRUE(mux.add(kAlice, "alice"));
  EXPECT_TRUE(mux.add(kBob, "bob0"));
  EXPECT_EQ(mux.find_username("alice:xyz"), kAlice);
  EXPECT_EQ(mux.find_username("bob0:xyz"), kBob);
  for (const char* unknown : {"", ":", "alice", "carol:x", "Alice:x", "alic:e", "alice "}) {
    EXPECT_FALSE(mux.find_username(unknown)) << unknown;
  }
  EXPECT_FALSE(mux.find_address(source(1)));
  EXPECT_EQ(mux.learn(kAlice, source(1)), Mux::Learned::added);
  EXPECT_EQ(mux.learn(kAlice, source(1)), Mux::Learned::known);
  EXPECT_EQ(mux.find_address(source(1)), kAlice);
  EXPECT_FALSE(mux.find_address(source(1, 5001)));
}

TEST(IceMux, two_browsers_behind_one_NAT_address_are_told_apart_by_port) {
  Mux mux(kKey);
  mux.add(kAlice, "alice");
  mux.add(kBob, "bob0");
  mux.learn(kAlice, source(7, 40000));
  mux.learn(kBob, source(7, 40001));
  EXPECT_EQ(mux.find_address(source(7, 40000)), kAlice);
  EXPECT_EQ(mux.find_address(source(7, 40001)), kBob);
}

TEST(IceMux, a_proved_address_moves_to_the_leg_that_proved_it_last) {
  Mux mux(kKey);
  mux.add(kAlice, "alice");
  mux.add(kBob, "bob0");
  mux.learn(kAlice, source(1));
  EXPECT_EQ(mux.learn(kBob, source(1)), Mux::Learned::moved);
  EXPECT_EQ(mux.find_address(source(1)), kBob);
  EXPECT_EQ(mux.address_count(), 1U);
  mux.remove(kAlice);
  EXPECT_EQ(mux.find_address(source(1)), kBob);
}

TEST(IceMux, addresses_per_leg_are_bounded_and_the_stalest_yields) {
  Mux mux(kKey);
  mux.add(kAlice, "alice");
  for (uint32_t i = 0; i < kMaxAddressesPerLeg; ++i) mux.learn(kAlice, source(i));
  mux.learn(kAlice, source(0));  // confirmed anew, so number 1 is the stalest
  mux.learn(kAlice, source(100));
  EXPECT_EQ(mux.address_count(), kMaxAddressesPerLeg);
  EXPECT_EQ(mux.find_address(source(0)), kAlice);
  EXPECT_FALSE(mux.find_address(source(1)));
  EXPECT_EQ(mux.find_address(source(100)), kAlice);
}

TEST(IceMux, addresses_and_names_go_with_their_leg) {
  Mux mux(kKey);
  mux.add(kAlice, "alice");
  mux.add(kAlice, "again");
  mux.learn(kAlice, source(1));
  mux.learn(kAlice, source(2));
  mux.remove(kAlice);
  EXPECT_EQ(mux.leg_count(), 0U);
  EXPECT_EQ(mux.address_count(), 0U);
  EXPECT_FALSE(mux.find_address(source(1)));
  EXPECT_FALSE(mux.find_username("alice:x"));
  EXPECT_FALSE(mux.find_username("again:x"));
  EXPECT_EQ(mux.learn(kAlice, source(1)), Mux::Learned::no_such_leg);
  mux.remove(kAlice);
  EXPECT_TRUE(mux.add(kBob, "alice"));
}

TEST(IceMux, a_name_belongs_to_one_leg) {
  Mux mux(kKey);
  EXPECT_TRUE(mux.add(kAlice, "name"));
  EXPECT_FALSE(mux.add(kBob, "name"));
  EXPECT_FALSE(mux.add(MuxLeg{}, "none"));
  EXPECT_FALSE(mux.add(kBob, ""));
  EXPECT_EQ(mux.leg_count(), 1U);
}

TEST(IceMux, advisory_22_thousand_legs_that_hang_up_during_their_checks_leave_nothing) {
  Mux mux(kKey);
  for (uint32_t i = 1; i <= 1000; ++i) {
    const MuxLeg leg{i % 7, i};
    ASSERT_TRUE(mux.add(leg, "u" + std::to_string(i)));
    for (uint32_t j = 0; j < i % 12; ++j) mux.learn(leg, source(j));
    mux.remove(leg);
    EXPECT_EQ(mux.learn(leg, source(1)), Mux::Learned::no_such_leg);
  }
  EXPECT_EQ(mux.leg_count(), 0U);
  EXPECT_EQ(mux.address_count(), 0U);
}

// The open-addressing table against an ordinary map, over many insertions, moves and removals.
TEST(IceMux, agrees_with_a_plain_map_over_random_histories) {
  Random random(Seed::of(3));
  Mux mux(kKey);
  std::map<SocketAddress, uint32_t> model;
  for (uint32_t leg = 1; leg <= 64; ++leg) mux.add({leg, 1}, "leg" + std::to_string(leg));
  for (int step = 0; step < 20000; ++step) {
    const auto leg = static_cast<uint32_t>(1 + random.below(64));
    if (random.below(50) == 0) {
      mux.remove({leg, 1});
      std::erase_if(model, [leg](const auto& entry) { return entry.second == leg; });
      ASSERT_TRUE(mux.add({leg, 1}, "leg" + std::to_string(leg)));
      continue;
    }
    const SocketAddress address = source(static_cast<uint32_t>(random.below(400)));
    size_t held = 0;
    for (const auto& [known, owner] : model) held += owner == leg ? 1 : 0;
    if (held == kMaxAddressesPerLeg && model[address] != leg) {
      if (model[address] == 0) model.erase(address);
      continue;
    }
    mux.learn({leg, 1}, address);
    model[address] = leg;
  }
  ASSERT_EQ(mux.address_count(), model.size());
  for (uint32_t i = 0; i < 400; ++i) {
    const auto found = model.find(source(i));
    EXPECT_EQ(mux.find_address(source(i)).slot, found == model.end() ? 0 : found->second) << i;
  }
}

TEST(IceSourceFilter, admits_all_when_empty_and_listed_prefixes_otherwise) {
  EXPECT_TRUE(SourceFilter{}.admits(IpAddress::v4(203, 0, 113, 9)));
  const SourceFilter filter({*Prefix::parse("127.0.0.0/8"), *Prefix::parse("192.0.2.7")});
  EXPECT_TRUE(filter.admits(IpAddress::v4(127, 0, 0, 1)));
  EXPECT_TRUE(filter.admits(IpAddress::v4(192, 0, 2, 7)));
  EXPECT_FALSE(filter.admits(IpAddress::v4(192, 0, 2, 8)));
  EXPECT_FALSE(filter.admits(*IpAddress::parse("::1")));
}

}  // namespace
}  // namespace isthmus::ice
