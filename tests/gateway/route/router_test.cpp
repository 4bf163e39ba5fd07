// SPDX-License-Identifier: MIT
// The route table as a pure function (R1.11 to R1.13).
#include "gateway/route/router.hpp"

#include <gtest/gtest.h>

namespace isthmus::gateway {
namespace {

TEST(Router, R1_12TheTwoRowsOfTheExample) {
  const Router router({{"*", "2005", "2005", "1001"}, {"*", "221", "221", "231"}});
  EXPECT_EQ(router.route({"3001", "2005"}), (Numbers{"2005", "1001"}));
  EXPECT_EQ(router.route({"3001", "221"}), (Numbers{"221", "231"}));
  EXPECT_EQ(router.route({"3001", "9999"}), (Numbers{"3001", "9999"})) << "R1.11: nothing matches, nothing changes";
}

TEST(Router, R1_12TheFirstRowThatMatchesWinsAndRoutingIsNotRepeated) {
  const Router router({{"100", "200", "a", "300"}, {"*", "200", "b", "400"}, {"*", "300", "c", "500"}});
  EXPECT_EQ(router.route({"100", "200"}), (Numbers{"a", "300"}));
  EXPECT_EQ(router.route({"101", "200"}), (Numbers{"b", "400"}));
}

TEST(Router, R1_12AStarInAnOutColumnKeepsWhatCame) {
  const Router router({{"*", "0*", "x", "y"}, {"*", "*", "*", "9"}});
  EXPECT_EQ(router.route({"7", "8"}), (Numbers{"7", "9"}));
  EXPECT_EQ(Router({{"*", "8", "5", "*"}}).route({"7", "8"}), (Numbers{"5", "8"}));
  EXPECT_EQ(Router().route({"7", "8"}), (Numbers{"7", "8"}));
}

struct Pattern {
  const char* pattern;
  const char* number;
  bool covers;
};

TEST(Router, R1_13PatternsAreNumbersListsAndRanges) {
  const Pattern table[] = {
      {"2000-2009", "2005", true},
      {"2000-2009", "2000", true},
      {"2000-2009", "2009", true},
      {"2000-2009", "2010", false},
      {"2000-2009", "1999", false},
      {"2000-2009", "02005", false},  // other length: another number
      {"2000-2009", "20050", false},
      {"8-12", "9", true},
      {"8-12", "10", true},
      {"8-12", "13", false},
      {"100,200,300-305", "200", true},
      {"100, 200 , 300-305", "303", true},
      {"100,200,300-305", "306", false},
      {"2009-2000", "2005", false},
      {"2000-", "2005", false},
      {"-2009", "2005", false},
      {"a-z", "m", false},
      {"a-z", "a-z", true},  // a name with a dash
      {"alice", "alice", true},
      {"alice", "Alice", false},  // RFC 3261 19.1.4: the user part has its case
      {"alice", "alice2", false},
      {"*", "", true},
      {"*", "anything", true},
      {"", "x", false},
      {"1000-99999999999999999999999", "5000", false},  // no number that we can hold
  };
  for (const Pattern& row : table)
    EXPECT_EQ(pattern_matches(row.pattern, row.number), row.covers) << row.pattern << " : " << row.number;
}

}  // namespace
}  // namespace isthmus::gateway
