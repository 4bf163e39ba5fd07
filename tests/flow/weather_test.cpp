// SPDX-License-Identifier: MIT
// Each row C, D and E of the race table that is in scope, and some of F, once more with real user agents at both ends:
// the same script in calm weather, with 10 % loss, duplication and reordering on both legs, over TCP, and over TCP
// connections that are reset. The end must be the same for the web server, the client and both phones. What a row loses
// for ever, it loses in any weather.
#include <gtest/gtest.h>

#include <set>

#include "tests/flow/weather.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kReapBound = 3 * 64 * milliseconds(500) + seconds(5);  // R1.26

std::vector<Row> rows() {
  std::vector<Row> all = cancel_rows();
  for (auto more : {dialog_rows, change_rows}) {
    for (const Row& row : more()) all.push_back(row);
  }
  return all;
}

Settings settings_of(const Row& row, Weather weather) {
  Settings settings = bed_settings();
  settings.ring_limit = seconds(40);
  settings.policy_limit = settings.answer_limit = seconds(20);
  settings.keeps_state = true;
  if (row.prepare) row.prepare(settings);
  if (weather == Weather::streams || weather == Weather::torn) {
    for (TrunkSettings& trunk : settings.trunks) trunk.transport = "tcp";
  }
  return settings;
}

// One of "this|that".
bool is_one_of(std::string_view word, std::string_view wanted) {
  while (true) {
    const size_t bar = wanted.find('|');
    if (word == wanted.substr(0, bar)) return true;
    if (bar == std::string_view::npos) return false;
    wanted.remove_prefix(bar + 1);
  }
}

// Whoever hangs up is free at once and stays so, and within the bound nothing is left of it (R1.25, R1.26).
void expect_freedom(Ground& ground) {
  EXPECT_TRUE(ground.bed.is_free());
  if (testing::Test::HasFailure() || ground.bed.is_empty()) return;
  ground.world.later(milliseconds(100), [&ground] { expect_freedom(ground); });
}
void watch_the_end(Ground& ground) {
  ground.when(CallState::dropped, [&ground] {
    expect_freedom(ground);
    ground.world.later(kReapBound, [&ground] { expect_nothing_left(ground.bed); });
  });
}

void expect_phone_at_rest(const AutoAgent& phone, std::string_view wanted) {
  ASSERT_LE(phone.legs.size(), 1u);
  if (!wanted.empty()) EXPECT_PRED2(is_one_of, phone.legs.empty() ? "none" : phone.legs[0].how, wanted);
  for (const AutoAgent::Leg& leg : phone.legs) {
    EXPECT_EQ(leg.phase, AutoAgent::Phase::over);
    EXPECT_EQ(leg.endings, 1u);
    EXPECT_EQ(leg.told_after_end, 0u);
    EXPECT_TRUE(leg.gone);
  }
  EXPECT_EQ(phone.machine.census(), Census{});
}

// Where connections break, who was told what, and when, depends on the moment: but all have come to the end.
void expect_end(const Row& row, const Ground& ground) {
  const CallBed& bed = ground.bed;
  const bool torn = ground.weather == Weather::torn;
  ASSERT_FALSE(bed.server.empty());
  EXPECT_EQ(bed.last().state, CallState::dropped);
  if (!torn) EXPECT_PRED2(is_one_of, word(bed.last().reason), row.end);
  EXPECT_EQ(bed.ended.size(), 1u);
  for (const CallFacts& facts : bed.server) EXPECT_EQ(facts.id, bed.last().id);
  EXPECT_LE(std::ranges::count(bed.client, CallState::dropped, [](const auto& told) { return told.call.state; }), 1);
  EXPECT_TRUE(bed.ringing.empty()) << "G15: each phone that rang was taken back";
  expect_told_in_order(bed);
  expect_nothing_left(bed);
  expect_phone_at_rest(ground.a, torn ? "" : row.a);
  expect_phone_at_rest(ground.b, torn ? "" : row.b);
  if (row.check && !torn) row.check(ground);
}

void play(const Row& row, uint64_t seed, Weather weather) {
  if (row.streams_only && weather != Weather::streams && weather != Weather::torn) return;
  Ground ground(seed, weather, settings_of(row, weather));
  watch_the_end(ground);
  row.script(ground);
  ground.world.run_for(seconds(260));
  expect_end(row, ground);
  if (testing::Test::HasFailure()) {
    ADD_FAILURE() << row.name << ", seed " << seed << ": " << ground.bed.states()
                  << ", told the client: " << ground.bed.client_states() << "\n"
                  << ground.ladder();
  }
}

constexpr uint64_t kSeeds = 50;

class EachRow : public testing::TestWithParam<Row> {};

TEST_P(EachRow, OnAGoodNetwork) {
  play(GetParam(), 1, Weather::calm);
}
TEST_P(EachRow, EndsTheSameUnderLossDuplicationAndReordering) {
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) play(GetParam(), seed, Weather::lossy);
}
TEST_P(EachRow, EndsTheSameOverTcp) {
  play(GetParam(), 1, Weather::streams);
}
TEST_P(EachRow, EndsForAllOverConnectionsThatAreReset) {
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) play(GetParam(), seed, Weather::torn);
}

INSTANTIATE_TEST_SUITE_P(Weather, EachRow, testing::ValuesIn(rows()),
                         [](const testing::TestParamInfo<Row>& row) { return std::string(row.param.name); });

// No row is forgotten.
TEST(Weather, KnowsEachRowInScope) {
  std::set<std::string> played;
  for (const Row& row : rows()) played.insert(std::string(row.name, std::string_view(row.name).find('_')));
  for (const auto& [letter, first, last] :
       {std::tuple('C', 1, 16), std::tuple('C', 22, 22), std::tuple('C', 24, 24), std::tuple('C', 26, 30),
        std::tuple('D', 1, 3), std::tuple('D', 6, 11), std::tuple('E', 1, 3), std::tuple('E', 5, 8)}) {
    for (int i = first; i <= last; ++i) EXPECT_EQ(played.count(letter + std::to_string(i)), 1u) << letter << i;
  }
}

}  // namespace
}  // namespace isthmus::test
