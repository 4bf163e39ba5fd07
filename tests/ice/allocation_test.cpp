// SPDX-License-Identifier: MIT
// Nothing a stranger sends, and no lookup of a packet, makes the ICE rooms allocate.
#include <gtest/gtest.h>

#include "ice/lite_agent.hpp"
#include "ice/mux.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/ice_peer.hpp"

namespace isthmus::ice {
namespace {

TEST(IceAllocation, lookups_and_refused_checks_allocate_nothing) {
  Mux mux(HashKey{1, 2});
  const MuxLeg leg{1, 1};
  const Credentials ours{"00ourfragment-longer-than-any-small-string", "our-password-of-22-chars"};
  mux.add(leg, ours.ufrag);
  const Path path{FlowId{1, 1}, {IpAddress::v4(192, 0, 2, 1), 5000}, {IpAddress::v4(192, 0, 2, 2), 4000}};
  mux.learn(leg, path.remote);
  LiteAgent agent(ours, test::kDigests);
  test::Check check;
  check.username = ours.ufrag + ":theirs";
  check.password = "not-our-password-at-all!";
  const auto forged = test::build(check);
  check.password = ours.password;
  const auto valid = test::build(check);
  Outbox out;
  Pass pass{{TimePoint{} + std::chrono::seconds(1), {}}, out};
  ASSERT_EQ(agent.receive(pass, path, *stun::parse(valid)), Verdict::valid);  // the outbox has its room now
  out.clear();

  const size_t before = isthmus::test::allocations;
  for (int i = 0; i < 100; ++i) {
    const auto message = stun::parse(i % 2 == 0 ? forged : valid);
    out.clear();
    EXPECT_EQ(mux.find_username(*message->username), leg);
    EXPECT_EQ(mux.find_address(path.remote), leg);
    EXPECT_EQ(agent.receive(pass, path, *message), i % 2 == 0 ? Verdict::bad_integrity : Verdict::valid);
    EXPECT_EQ(mux.learn(leg, path.remote), Mux::Learned::known);
  }
  EXPECT_EQ(isthmus::test::allocations, before);
}

}  // namespace
}  // namespace isthmus::ice
