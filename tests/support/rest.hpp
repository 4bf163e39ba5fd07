// SPDX-License-Identifier: MIT
// What must hold at the end of every row: nothing lives at once, nothing lingers after the bound of R1.26, nothing was
// cut by force.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/call_bed.hpp"

namespace isthmus::test {

inline void expect_nothing_left(const CallBed& bed) {
  const Census census = bed.exchange.census();
  for (size_t kind = 0; kind < Census::kKinds; ++kind) {
    EXPECT_EQ(census.counts[kind], 0u) << describe(static_cast<Census::Kind>(kind));
  }
  EXPECT_TRUE(bed.media.census().empty());
  EXPECT_EQ(bed.exchange.user_agent().forced_removals(), 0u);
}

// H: each transition once and in order (R0.3, R0.17).
inline void expect_told_in_order(const CallBed& bed) {
  std::optional<gateway::CallState> state;
  uint32_t sequence = 0;
  for (const gateway::CallFacts& facts : bed.server) {
    if (facts.sequence == 1) state.reset(), sequence = 0;
    EXPECT_TRUE(gateway::is_edge(state, facts.state));
    EXPECT_EQ(facts.sequence, ++sequence);
    state = facts.state;
  }
}

inline void expect_rest(Flow& flow) {
  EXPECT_TRUE(flow.bed.is_free()) << "something lives on";
  flow.run(std::chrono::seconds(110));  // 3 x 64*T1 + T4 and timer D
  expect_nothing_left(flow.bed);
  expect_told_in_order(flow.bed);
}

}  // namespace isthmus::test
