// SPDX-License-Identifier: MIT
// DTLS under loss in virtual time. Nothing sleeps.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "tests/support/dtls_clock.hpp"
#include "tests/support/dtls_pair.hpp"

namespace isthmus::media {
namespace {

using test::Datagram;
using test::dtls_time;
using test::DtlsEnd;
using test::DtlsPair;

bool is_up(const DtlsPair& pair) {
  return pair.client.session.is_connected() && pair.server.session.is_connected();
}

bool is_silent(const DtlsPair& pair) {
  return pair.client.session.next_deadline() == kNever && pair.server.session.next_deadline() == kNever;
}

// Jumps from deadline to deadline; `lose` decides about each datagram. Returns the time until both were up.
Duration settle(DtlsPair& pair, const std::function<bool()>& lose, Duration limit) {
  const TimePoint begin = dtls_time;
  pair.now.steady = dtls_time;
  pair.start();
  const auto carry = [&](DtlsEnd&, Datagram& datagram) {
    if (lose()) datagram.clear();
  };
  pair.run(carry);
  while (!is_up(pair) && !is_silent(pair) && dtls_time - begin < limit) {
    dtls_time = std::min(pair.client.session.next_deadline(), pair.server.session.next_deadline());
    pair.now.steady = dtls_time;
    pair.expire();
    pair.run(carry);
  }
  return dtls_time - begin;
}

TEST(DtlsLoss, the_clock_of_this_program_is_the_one_that_OpenSSL_reads) {
  DtlsPair pair;
  pair.now.steady = dtls_time;
  pair.start();
  EXPECT_EQ(pair.client.session.next_deadline(), dtls_time + std::chrono::milliseconds(200));
  dtls_time += std::chrono::milliseconds(100);
  pair.server.inbox.clear();
  pair.now.steady = dtls_time + std::chrono::seconds(1);  // our clock alone does not make OpenSSL repeat
  pair.expire();
  EXPECT_TRUE(pair.server.inbox.empty());
}

TEST(DtlsLoss, RFC6347_4_2_4_a_lost_hello_is_repeated_with_doubling_intervals) {
  DtlsPair pair;
  pair.now.steady = dtls_time;
  pair.start();
  std::vector<int64_t> waits;
  for (int i = 0; i < 7; ++i) {
    pair.server.inbox.clear();
    const TimePoint deadline = pair.client.session.next_deadline();
    waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - dtls_time).count());
    dtls_time = deadline;
    pair.now.steady = deadline;
    pair.expire();
    EXPECT_FALSE(pair.server.inbox.empty()) << i;
  }
  EXPECT_EQ(waits, (std::vector<int64_t>{200, 400, 800, 1600, 3200, 5000, 5000}));
}

TEST(DtlsLoss, any_single_lost_datagram_is_made_good_within_half_a_second) {
  for (int lost = 0; lost < 8; ++lost) {
    DtlsPair pair;
    int count = 0;
    const Duration took = settle(pair, [&] { return count++ == lost; }, std::chrono::seconds(10));
    EXPECT_TRUE(is_up(pair)) << lost;
    EXPECT_LE(took, std::chrono::milliseconds(500)) << lost;
  }
}

TEST(DtlsLoss, thirty_percent_of_loss_only_delays) {
  Random random(Seed::of(11));
  for (int round = 0; round < 40; ++round) {
    DtlsPair pair;
    settle(pair, [&] { return random.below(10) < 3; }, std::chrono::seconds(30));
    EXPECT_TRUE(is_up(pair)) << round;
    ASSERT_TRUE(pair.client.session.keys() != nullptr && pair.server.session.keys() != nullptr);
    EXPECT_EQ(pair.client.session.keys()->ours.key, pair.server.session.keys()->theirs.key);
  }
}

TEST(DtlsLoss, a_dead_path_ends_in_a_fault_and_silence) {
  DtlsPair pair;
  settle(pair, [] { return true; }, std::chrono::hours(1));
  EXPECT_FALSE(is_up(pair));
  EXPECT_EQ(pair.client.session.next_deadline(), kNever);
  ASSERT_EQ(pair.client.events.size(), 1U);
  EXPECT_EQ(pair.client.events[0], (DtlsEvent{DtlsEvent::Kind::failed, DtlsFault::timeout, 0}));
}

}  // namespace
}  // namespace isthmus::media
