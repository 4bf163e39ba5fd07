// SPDX-License-Identifier: MIT
#include "transport/system.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include <algorithm>

#include "tests/transport/bed.hpp"

namespace isthmus::transport::test {

TEST(System, ClocksGoOnAndSeedsDiffer) {
  const Now first = read_clocks();
  const Now second = read_clocks();
  EXPECT_GE(second.steady, first.steady);
  EXPECT_GT(unix_seconds(first.wall), 1'600'000'000);
  EXPECT_NE(random_seed(), random_seed());
}

TEST(System, OwnAddressesEndWithLoopbackAndHoldNoLinkLocal) {
  const std::vector<IpAddress> all = own_addresses();
  ASSERT_FALSE(all.empty());
  EXPECT_NE(std::find(all.begin(), all.end(), IpAddress::v4(127, 0, 0, 1)), all.end());
  EXPECT_TRUE(all.back().is_loopback());
  bool loopback_seen = false;
  for (const IpAddress& ip : all) {
    EXPECT_FALSE(ip.is_v6() && ip.is_link_local());
    EXPECT_FALSE(loopback_seen && !ip.is_loopback()) << ip.text();
    loopback_seen = ip.is_loopback();
  }
}

TEST(System, DescriptorLimitIsRaised) {
  EXPECT_GE(raise_descriptor_limit(), 1024U);
}

TEST(System, TheProcessIsMeasured) {
  const ProcessFacts facts = process_facts();
  EXPECT_GT(facts.resident_bytes, 1U << 20);
  EXPECT_LT(facts.resident_bytes, uint64_t{1} << 40);
  EXPECT_GE(facts.open_descriptors, 3U);
  EXPECT_GE(facts.descriptor_limit, facts.open_descriptors);
  const int one_more = dup(0);
  ASSERT_GE(one_more, 0);
  EXPECT_EQ(process_facts().open_descriptors, facts.open_descriptors + 1);
  close(one_more);
  EXPECT_GE(process_facts().processor_time, facts.processor_time);
}

TEST(Shard, PostedWorkRunsInTheLoopAndTheQueueIsBounded) {
  Shard shard;
  size_t ran = 0;
  for (size_t i = 0; i < Shard::kPostedLimit; ++i) ASSERT_TRUE(shard.post([&] { ++ran; }));
  EXPECT_FALSE(shard.post([&] { ++ran; }));
  EXPECT_EQ(shard.dropped(), 1U);
  EXPECT_TRUE(shard.run_until([&] { return ran == Shard::kPostedLimit; }, kPatience));
  EXPECT_TRUE(shard.post([&] { ++ran; }));
}

TEST(Shard, OtherThreadsHandWorkOverAndMayStopTheLoop) {
  Shard shard;
  size_t ran = 0;  // touched in the loop only
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) shard.post([&] { ++ran; });
    shard.post([&] { shard.stop(); });
  });
  shard.run();
  other.join();
  EXPECT_EQ(ran, 1000U);
}

TEST(Shard, StopEndsRunAndSignalsArrive) {
  Shard shard;
  int seen = 0;
  shard.on_signal({SIGUSR1}, [&](int number) {
    seen = number;
    shard.stop();
  });
  shard.after(0ms, [] { raise(SIGUSR1); });
  shard.run();
  EXPECT_EQ(seen, SIGUSR1);
}

}  // namespace isthmus::transport::test
