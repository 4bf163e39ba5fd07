// SPDX-License-Identifier: MIT
// Random interleavings (R0.3, R0.17, G7): two real phones and a client call each other through the gateway and hang up
// at any moment, on a network that loses, doubles and reorders. Whatever happens, all sides agree in the end, each is
// told of one ending, and nothing is left of it on any of the three machines. Covers the rows C, D, E and F under loss.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/support/auto_agent.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kCallsPerSeed = 8;

struct Weather {
  bool lossy = false;
  bool streams = false;  // calls by TCP
  bool breaks = false;   // and connections are reset at any time
  bool account = false;  // A is a registered phone with credentials
  bool moody = false;    // the web server refuses, hesitates and is silent; the client loses its socket
};

struct Storm {
  World world;
  CallBed bed{world, keeping_settings()};
  AutoAgent a;
  AutoAgent b;
  ClientId w;
  std::set<std::string> dropped_by_client;
  uint64_t tokens = 0;

  Storm(uint64_t seed, const Weather& weather)
      : world(seed),
        a(world, "1000", weather.account ? kStranger : kA, kGateway, seed * 2),
        b(world, "2000", kB, kGateway, seed * 2 + 1) {
    if (weather.lossy) world.fate = [this](const Datagram&) { return lossy_fate(world.random()); };
    if (weather.moody) bed.decide = [this](const AskPolicy&) { return mood(); };
    a.tcp = b.tcp = weather.streams;
    w = bed.sign_in("alice");
    for (AutoAgent* agent : {&a, &b}) {
      agent->on_call = [this, agent](size_t leg) { callee(*agent, leg); };
    }
  }

  Duration within(uint64_t limit_ms) { return milliseconds(world.random().below(limit_ms)); }

  std::optional<Reply> mood() {
    switch (world.random().below(6)) {
      case 0: return Policy{Policy::refuse, DropReason::refused, "no", {}, {}};
      case 1: return Policy{Policy::later, DropReason::none, {}, {}, {}};
      case 2: return Fault{FaultCode::unreachable};
      case 3: return std::nullopt;
      default: return Policy{Policy::allow, DropReason::none, {}, {}, {}};
    }
  }
  void break_something() {
    Host* hosts[] = {&a.host, &b.host, &bed.host};
    hosts[world.random().below(3)]->break_streams();
  }
  void socket_comes_and_goes() {
    bed.command(ClientLost{w});
    world.later(within(4000), [this] { bed.command(ClientBack{w}); });
  }

  void callee(AutoAgent& agent, size_t leg) {
    const uint64_t what = world.random().below(8);
    if (what != 0) world.later(within(700), [&agent, leg] { agent.ring(leg); });
    if (what < 5) world.later(within(2500), [&agent, leg] { agent.answer(leg); });
    if (what == 5) world.later(within(2500), [&agent, leg] { agent.reject(leg, 486); });
    if (what == 6) world.later(within(2500), [&agent, leg] { agent.hang_up(leg); });
    anything(agent, leg);
  }
  void anything(AutoAgent& agent, size_t leg) {
    if (world.random().below(2) == 0) world.later(within(5000), [&agent, leg] { agent.hang_up(leg); });
    for (const char* direction : {"sendonly", "sendrecv", "inactive"}) {
      if (world.random().below(4) == 0)
        world.later(within(6000), [&agent, leg, direction] { agent.change(leg, direction); });
    }
  }
  void call() {
    switch (world.random().below(5)) {
      case 0:
      case 1: return anything(a, a.call("2000"));
      case 2: return anything(b, b.call(a.account.empty() ? "1000" : a.account));
      case 3: return anything(b, b.call("alice"));
      default: return bed.command(MakeCall{++tokens, w, {}, "2000", {}, browser_sdp(), {}});
    }
  }
  // What the client knows of each call that is not over.
  std::map<std::string, CallFacts> client_calls() const {
    std::map<std::string, CallFacts> out;
    for (const auto& told : bed.client) out[told.call.id] = told.call;
    std::erase_if(out, [&](const auto& one) {
      return one.second.state == CallState::dropped || dropped_by_client.contains(one.first);
    });
    return out;
  }
  void client_acts(bool only_drop) {
    for (const auto& [id, facts] : client_calls()) {
      const uint64_t what = only_drop ? 0 : world.random().below(6);
      if (what == 0) {
        dropped_by_client.insert(id);
        bed.command(DropCall{++tokens, w, id});
      }
      if (facts.direction != CallDirection::incoming) continue;
      if (what == 1) bed.command(ClientRings{++tokens, w, id});
      if (what == 2) bed.command(AcceptCall{++tokens, w, id, browser_sdp()});
      if (what == 3 && facts.state != CallState::confirmed) {
        dropped_by_client.insert(id);
        bed.command(RejectCall{++tokens, w, id, 603});
      }
    }
  }

  void rage(const Weather& weather) {
    for (int i = 0; weather.breaks && i < 6; ++i) world.later(within(6000), [this] { break_something(); });
    for (int i = 0; weather.moody && i < 2; ++i) world.later(within(6000), [this] { socket_comes_and_goes(); });
    for (size_t i = 0; i < kCallsPerSeed; ++i) world.later(within(2000), [this] { call(); });
    for (int i = 0; i < 12; ++i) world.later(within(6000), [this] { client_acts(false); });
    world.run_for(seconds(7));
  }
  void all_hang_up() {
    for (AutoAgent* agent : {&a, &b}) {
      for (size_t leg = 0; leg < agent->legs.size(); ++leg) agent->hang_up(leg);
    }
    client_acts(true);
  }
};

void check_agent(const AutoAgent& agent) {
  for (const AutoAgent::Leg& leg : agent.legs) {
    EXPECT_EQ(leg.endings, 1u);
    EXPECT_EQ(leg.told_after_end, 0u);
    EXPECT_TRUE(leg.gone);
  }
  EXPECT_EQ(agent.machine.forced_removals(), 0u);
  const Census census = agent.machine.census();
  for (size_t kind = 0; kind < Census::kKinds; ++kind)
    EXPECT_EQ(census.counts[kind], 0u) << describe(static_cast<Census::Kind>(kind));
}

// Each call's transitions: legal, in order, without gaps, ended once (R0.3, R0.17).
void check_words(const std::vector<CallFacts>& told) {
  std::map<std::string, std::pair<uint32_t, std::optional<CallState>>> seen;
  for (const CallFacts& facts : told) {
    auto& [sequence, state] = seen[facts.id];
    EXPECT_TRUE(is_edge(state, facts.state));
    EXPECT_EQ(facts.sequence, sequence + 1);
    EXPECT_EQ(facts.prior, state);
    sequence = facts.sequence;
    state = facts.state;
  }
  for (const auto& [id, last] : seen) EXPECT_EQ(last.second, CallState::dropped) << id;
}

// The same for the client. An incoming call begins for it with `calling`, and a call that it ended itself just stops
// (X8).
void check_client(const Storm& storm) {
  std::map<std::string, std::pair<uint32_t, std::optional<CallState>>> seen;
  for (const auto& told : storm.bed.client) {
    const CallFacts& facts = told.call;
    const bool incoming = facts.direction == CallDirection::incoming;
    const auto begin = std::pair(incoming ? 1u : 0u, incoming ? std::optional(CallState::pending) : std::nullopt);
    auto& [sequence, state] = seen.try_emplace(facts.id, begin).first->second;
    EXPECT_TRUE(is_edge(state, facts.state));
    EXPECT_EQ(facts.sequence, sequence + 1);
    EXPECT_EQ(facts.prior, state);
    sequence = facts.sequence;
    state = facts.state;
  }
  for (const auto& [id, last] : seen)
    EXPECT_TRUE(last.second == CallState::dropped || storm.dropped_by_client.contains(id)) << id;
}

// Long after the last message everybody believes the same: a session is up on two sides or on none.
void check_agreement(const Storm& storm) {
  size_t agents_up = 0;
  for (const AutoAgent* agent : {&storm.a, &storm.b}) {
    for (const AutoAgent::Leg& leg : agent->legs) agents_up += leg.phase == AutoAgent::Phase::up;
  }
  size_t gateway_up = 0;
  for (const CallFacts& facts : storm.bed.exchange.list()) {
    if (facts.state != CallState::confirmed) continue;
    gateway_up += facts.client.empty() ? 2 : 1;
  }
  EXPECT_EQ(agents_up, gateway_up);
}

using Reached = std::map<CallState, size_t>;

void storm_of(uint64_t seed, const Weather& weather, Reached& reached) {
  Storm storm(seed, weather);
  sip::RegistrationId registration;
  if (weather.account) {
    registration = storm.a.register_account("bob");
    ASSERT_TRUE(storm.world.run_until([&] { return storm.bed.exchange.registrar().bindings("bob") != nullptr; }));
  }
  storm.rage(weather);
  storm.world.run_for(seconds(110));  // ring limit, 64*T1, the bound of R1.26
  check_agreement(storm);
  storm.all_hang_up();
  if (weather.account) storm.a.host.with([&](Pass& pass) { storm.a.machine.withdraw(pass, registration); });
  storm.world.run_for(milliseconds(1));
  storm.world.run_for(seconds(140));
  check_agent(storm.a);
  check_agent(storm.b);
  check_words(storm.bed.server);
  check_client(storm);
  const Census census = storm.bed.exchange.census();
  for (size_t kind = 0; kind < Census::kKinds; ++kind)
    EXPECT_EQ(census.counts[kind], 0u) << describe(static_cast<Census::Kind>(kind));
  EXPECT_TRUE(storm.bed.media.census().empty());
  EXPECT_TRUE(storm.bed.ringing.empty()) << "G15: each phone that rang was taken back";
  EXPECT_EQ(storm.bed.exchange.user_agent().forced_removals(), 0u);
  for (const CallFacts& facts : storm.bed.server) ++reached[facts.state];
}

// ISTHMUS_STORMS=100 makes a hundred times as many.
uint64_t times() {
  const char* wanted = std::getenv("ISTHMUS_STORMS");
  return wanted == nullptr ? 1 : std::strtoull(wanted, nullptr, 10);
}

void storms(uint64_t first, uint64_t count, const Weather& weather) {
  count *= times();
  Reached reached;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    storm_of(seed, weather, reached);
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
  EXPECT_EQ(reached[CallState::dropped], reached[CallState::pending]);
  if (weather.breaks || weather.moody) return;
  // The storms are about something: most calls ring, many are answered, many are not.
  const size_t calls = count * kCallsPerSeed;
  EXPECT_GT(reached[CallState::pending], calls * 99 / 100);
  EXPECT_GT(reached[CallState::ringing], calls / 3);
  EXPECT_GT(reached[CallState::confirmed], calls / 5);
  EXPECT_LT(reached[CallState::confirmed], calls * 4 / 5);
}

TEST(Random, R0_3R0_17G7CallsOnAGoodNetworkEndOnceForEverybody) {
  storms(1, 250, {});
}
TEST(Random, R0_3R0_17G7CallsUnderLossDuplicationAndReorderingEndOnceForEverybody) {
  storms(1'000'000, 900, {.lossy = true});
}
TEST(Random, R0_17R4_2CallsOfARegisteredPhoneEndOnceForEverybody) {
  storms(5'000'000, 150, {.lossy = true, .account = true});
}
TEST(Random, R0_17CallsOverStreamsEndOnceForEverybody) {
  storms(2'000'000, 100, {.lossy = true, .streams = true});
}
TEST(Random, R0_17C26CallsOverStreamsThatBreakEndOnceForEverybody) {
  storms(3'000'000, 150, {.lossy = true, .streams = true, .breaks = true});
}
TEST(Random, R0_17R0_20AMoodyWebServerAndALostSocketChangeNothingOfThat) {
  storms(4'000'000, 150, {.lossy = true, .moody = true});
}

}  // namespace
}  // namespace isthmus::test
