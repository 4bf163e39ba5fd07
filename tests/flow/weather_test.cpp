// SPDX-License-Identifier: MIT
// The rows C, D, E and F of the race table once more with real user agents at both ends: the same script in calm
// weather, with 10 % loss, duplication and reordering on both legs, and over TCP. The end must be the same. What a row
// loses for ever, it loses in any weather.
#include <gtest/gtest.h>

#include "tests/support/auto_agent.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Over : uint8_t { calm, lossy, streams };

Settings settings_for(Over over, bool held) {
  Settings settings = bed_settings();
  settings.ring_limit = seconds(40);
  settings.ask_before_answer = held;
  settings.answer_limit = seconds(20);
  settings.keeps_state = true;
  if (over == Over::streams) settings.trunks[0].transport = settings.trunks[1].transport = "tcp";
  return settings;
}

// A calls B (or a client), both by themselves reliable; a row says what each does and when.
struct Ground {
  World world;
  CallBed bed;
  AutoAgent a;
  AutoAgent b;
  ClientId w;
  std::function<bool(const Datagram&)> lost;  // in any weather

  Ground(uint64_t seed, Over over, bool held)
      : world(seed),
        bed(world, settings_for(over, held)),
        a(world, "1000", kA, kGateway, seed * 2),
        b(world, "2000", kB, kGateway, seed * 2 + 1),
        w(bed.sign_in("alice")) {
    a.tcp = over == Over::streams;
    world.fate = [this, over](const Datagram& one) {
      if (lost && lost(one)) return Fate::lost();
      return over == Over::lossy ? lossy_fate(world.random()) : Fate{};
    };
    if (!held) return;
    bed.decide = [](const AskPolicy& ask) -> std::optional<Reply> {
      if (ask.kind == PolicyKind::answer) return std::nullopt;
      return Policy{Policy::allow, DropReason::none, {}, {}, {}};
    };
  }

  // As soon as it is so; the cause comes before the deed, however long the network takes.
  void when(std::function<bool()> is_so, std::function<void()> deed) {
    world.later(milliseconds(1), [this, is_so = std::move(is_so), deed = std::move(deed)] {
      if (is_so()) return deed();
      when(is_so, deed);
    });
  }
  void when(CallState state, std::function<void()> deed) {
    when([this, state] { return !bed.server.empty() && bed.last().state == state; }, std::move(deed));
  }
  void when_up(std::function<void()> deed) {
    when([this] { return a.legs[0].phase == Up && !b.legs.empty() && b.legs[0].phase == Up; }, std::move(deed));
  }
  void when_asked(std::function<void()> deed) {
    when([this] { return !bed.asked.empty() && bed.asked.back().kind == PolicyKind::answer; }, std::move(deed));
  }
  void b_rings() {  // until it is heard: a 180 is not repeated by itself
    when([this] { return !b.legs.empty(); }, [this] { ring_again(); });
  }
  void b_rings_and(std::function<void()> deed) {
    b_rings();
    when(CallState::ringing, std::move(deed));
  }
  void b_answers() {
    b_rings_and([this] { b.answer(0); });
  }
  void later_hang_up(AutoAgent& agent) {
    world.later(seconds(30), [&agent] { agent.hang_up(0); });
  }

  static constexpr auto Up = AutoAgent::Phase::up;

 private:
  void ring_again() {
    if (b.legs[0].phase != AutoAgent::Phase::called) return;
    b.ring(0);
    world.later(milliseconds(400), [this] { ring_again(); });
  }
};

bool is_response(const Datagram& one, const SocketAddress& from, std::string_view status, std::string_view method) {
  return one.from == from && one.bytes.starts_with("SIP/2.0 " + std::string(status)) &&
         one.bytes.find(" " + std::string(method) + "\r\n") != std::string::npos;
}
bool is_request(const Datagram& one, const SocketAddress& from, std::string_view method) {
  return one.from == from && one.bytes.starts_with(std::string(method) + " ");
}
bool is_reinvite(const Datagram& one) {
  const size_t to = one.bytes.find("\r\nTo: ");
  return one.bytes.starts_with("INVITE ") && to != std::string::npos &&
         one.bytes.substr(to + 2, one.bytes.find("\r\n", to + 2) - to).find(";tag=") != std::string::npos;
}

struct Row {
  const char* number;
  std::function<void(Ground&)> script;
  const char* end;     // the call's last state and reason
  bool race = false;   // the reason depends on who was first
  bool held = false;   // A's answer is held by the web server
  bool loses = false;  // something is lost for ever: datagrams only
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"C1", [](Ground& g) { g.a.call("2000"), g.b_rings_and([&g] { g.a.hang_up(0); }); }, "dropped cancelled"},
      {"C2", [](Ground& g) { g.a.call("2000"), g.when(CallState::calling, [&g] { g.a.hang_up(0); }); },
       "dropped cancelled"},
      {"C3",
       [](Ground& g) {
         g.a.call("2000"), g.b_answers();
         g.when(CallState::confirmed, [&g] { g.a.hang_up(0); });
       },
       "dropped", true},
      {"C4",
       [](Ground& g) {
         g.a.call("2000");
         g.b_rings_and([&g] { g.b.answer(0), g.a.hang_up(0); });
       },
       "dropped", true},
      {"C5",
       [](Ground& g) {
         g.lost = [](const Datagram& one) { return is_response(one, kB, "200", "INVITE"); };
         g.a.call("2000");
         g.b_rings_and([&g] {
           g.b.answer(0);
           g.world.later(milliseconds(100), [&g] { g.a.hang_up(0); });
         });
       },
       "dropped cancelled", false, false, true},
      {"C7",
       [](Ground& g) {
         g.lost = [](const Datagram& one) { return is_response(one, kB, "200", "CANCEL"); };
         g.a.call("2000"), g.b_rings_and([&g] { g.a.hang_up(0); });
       },
       "dropped cancelled", false, false, true},
      {"C13",
       [](Ground& g) {
         g.bed.decide = nullptr;
         g.a.call("alice"), g.when(CallState::pending, [&g] { g.a.hang_up(0); });
       },
       "dropped cancelled"},
      {"C14",
       [](Ground& g) {
         g.bed.command(MakeCall{1, g.w, {}, "2000", {}, browser_sdp(), {}});
         g.b_rings_and([&g] {
           g.b.answer(0);
           g.bed.command(DropCall{2, g.w, g.bed.last().id});
         });
       },
       "dropped", true},
      {"C16",
       [](Ground& g) {
         g.a.call("2000");
         g.b_rings_and([&g] { g.b.reject(0, 486), g.a.hang_up(0); });
       },
       "dropped", true},
      {"C24", [](Ground& g) { g.a.call("2000"), g.b_rings(); }, "dropped invite_timeout"},
      {"C27",
       [](Ground& g) {
         g.a.call("2000"), g.b_answers();
         g.when_asked([&g] { g.a.hang_up(0); });
       },
       "dropped cancelled", false, true},
      {"D1",
       [](Ground& g) {
         g.lost = [](const Datagram& one) { return is_request(one, kA, "ACK"); };
         g.a.call("2000"), g.b_answers();
       },
       "dropped connection_lost", false, false, true},
      {"D2",
       [](Ground& g) {
         auto acks = std::make_shared<int>(0);
         g.lost = [acks](const Datagram& one) { return is_request(one, kGateway, "ACK") && ++*acks <= 3; };
         g.a.call("2000"), g.b_answers(), g.later_hang_up(g.a);
       },
       "dropped hung_up", false, false, true},
      {"D6",
       [](Ground& g) {
         g.lost = [](const Datagram& one) { return is_request(one, kA, "ACK"); };
         g.a.call("2000"), g.b_answers();
         g.when([&g] { return g.a.legs[0].phase == Ground::Up; }, [&g] { g.a.hang_up(0); });
       },
       "dropped hung_up", false, false, true},
      {"D9",
       [](Ground& g) {
         g.a.call("2000"), g.b_answers();
         g.when(CallState::confirmed, [&g] { g.b.hang_up(0); });
       },
       "dropped hung_up"},
      {"D11",
       [](Ground& g) {
         g.a.call("2000"), g.b_answers();
         g.when_asked([&g] { g.b.hang_up(0); });
       },
       "dropped hung_up", false, true},
      {"E1",
       [](Ground& g) {
         g.a.call("2000"), g.b_answers();
         g.when_up([&g] { g.a.change(0, "sendonly"), g.later_hang_up(g.b); });
       },
       "dropped hung_up"},
      {"E2",
       [](Ground& g) {
         g.a.call("2000"), g.b_answers();
         g.when_up([&g] { g.a.change(0, "sendrecv"), g.later_hang_up(g.a); });
       },
       "dropped hung_up"},
      {"E3 E4",
       [](Ground& g) {
         g.a.call("2000"), g.b_answers();
         g.when_up([&g] { g.a.change(0, "sendonly"), g.b.change(0, "inactive"), g.later_hang_up(g.a); });
       },
       "dropped hung_up"},
      {"E8",
       [](Ground& g) {
         g.lost = [](const Datagram& one) { return one.to == kB && is_reinvite(one); };
         g.a.call("2000"), g.b_answers();
         g.when_up([&g] { g.a.change(0, "sendonly"); });
       },
       "dropped connection_lost", false, false, true},
      {"F1",
       [](Ground& g) {
         g.a.call("2000"), g.b_answers();
         g.when_up([&g] { g.a.hang_up(0), g.b.hang_up(0); });
       },
       "dropped hung_up"},
      {"F3",
       [](Ground& g) {
         g.lost = [](const Datagram& one) { return one.to == kB && is_request(one, kGateway, "BYE"); };
         g.a.call("2000"), g.b_answers();
         g.when_up([&g] { g.a.hang_up(0), g.world.later(seconds(90), [&g] { g.b.hang_up(0); }); });
       },
       "dropped hung_up", false, false, true},
  };
  return all;
}

void run_row(const Row& row, uint64_t seed, Over over) {
  SCOPED_TRACE(std::string(row.number) + " over " + std::to_string(static_cast<int>(over)) + " seed " +
               std::to_string(seed));
  Ground ground(seed, over, row.held);
  row.script(ground);
  ground.world.run_for(seconds(120));
  ASSERT_FALSE(ground.bed.server.empty());
  EXPECT_TRUE(ground.bed.ringing.empty()) << "G15: each phone that rang was taken back";
  std::string end(word(ground.bed.last().state));
  if (!row.race) end += " " + std::string(word(ground.bed.last().reason));
  EXPECT_EQ(end, row.end) << ground.bed.states();
  // Told once, of one call, each transition in its order (R0.17).
  uint32_t sequence = 0;
  for (const CallFacts& facts : ground.bed.server) {
    EXPECT_EQ(facts.id, ground.bed.last().id);
    EXPECT_EQ(facts.sequence, ++sequence);
  }
  EXPECT_EQ(ground.bed.ended.size(), 1u);
  EXPECT_TRUE(ground.bed.is_free());
  ground.world.run_for(seconds(140));
  for (AutoAgent* agent : {&ground.a, &ground.b}) {
    for (const AutoAgent::Leg& leg : agent->legs) {
      EXPECT_EQ(leg.phase, AutoAgent::Phase::over);
      EXPECT_EQ(leg.endings, 1u);
      EXPECT_EQ(leg.told_after_end, 0u);
      EXPECT_TRUE(leg.gone);
    }
    EXPECT_EQ(agent->machine.census(), Census{});
  }
  EXPECT_TRUE(ground.bed.is_empty());
  EXPECT_EQ(ground.bed.exchange.user_agent().forced_removals(), 0u);
}

TEST(Weather, EachRowOnAGoodNetwork) {
  for (const Row& row : rows()) run_row(row, 1, Over::calm);
}
TEST(Weather, EachRowEndsTheSameUnderLossDuplicationAndReordering) {
  constexpr uint64_t kSeeds = 25;
  for (const Row& row : rows()) {
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      run_row(row, seed, Over::lossy);
      ASSERT_FALSE(testing::Test::HasFailure());
    }
  }
}
TEST(Weather, EachRowEndsTheSameOverTcp) {
  for (const Row& row : rows()) {
    if (!row.loses) run_row(row, 1, Over::streams);
  }
}

// ---- over TCP, message by message: no request and no 3xx-6xx is repeated, only the 2xx is (13.3.1.4)

struct Streams : Flow {
  Streams() : Flow(settings_for(Over::streams, false)) {
    a.connect();
    b.contact = "sip:2000@192.0.2.20:5060;transport=tcp";
  }
};

TEST(OverTcp, C1C7TheCancelIsSentOnce) {
  Streams flow;
  flow.ring();
  EXPECT_EQ(flow.b.last("INVITE").via().transport, "TCP");
  flow.a.cancel();
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 200 CANCEL, 487 INVITE");
  EXPECT_TRUE(flow.bed.is_free());
  flow.run(seconds(31));
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL") << "B answers nothing";
  EXPECT_EQ(flow.a.count("487 INVITE"), 1u) << "timer G does not run";
  flow.a.ack_failure("487 INVITE");
  flow.run(seconds(10));
  EXPECT_EQ(flow.b.count("CANCEL"), 1u);
  EXPECT_EQ(flow.b.count("BYE"), 1u) << "the early dialog, as in C6";
  expect_rest(flow);
}

TEST(OverTcp, C2SilenceEndsAt64T1AfterOneInvite) {
  Streams flow;
  flow.call();
  flow.a.cancel();
  flow.run();
  flow.a.ack_failure("487 INVITE");
  flow.run(seconds(33));
  EXPECT_EQ(flow.b.log(), "INVITE");
  EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 0u);
  expect_rest(flow);
}

TEST(OverTcp, C29WithoutAnAckTimerHEndsIt) {
  Streams flow;
  flow.ring();
  flow.a.cancel();
  flow.run();
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run(seconds(33));
  EXPECT_EQ(flow.a.count("487 INVITE"), 1u);
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK");
  expect_rest(flow);
}

TEST(OverTcp, D1The200IsRepeatedUntil64T1AndTheByesAreSentOnce) {
  Streams flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run(seconds(40));
  EXPECT_EQ(flow.a.count("200 INVITE"), 11u);
  EXPECT_EQ(flow.a.count("BYE"), 1u);
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  EXPECT_EQ(flow.bed.last().reason, DropReason::connection_lost);
  expect_rest(flow);
}

TEST(OverTcp, F3AnUnansweredByeIsSentOnce) {
  Streams flow;
  flow.establish();
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 BYE");
  EXPECT_TRUE(flow.bed.is_free());
  flow.run(seconds(33));
  EXPECT_EQ(flow.b.log(), "BYE");
  EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 0u);
  expect_rest(flow);
}

TEST(OverTcp, E1E2E7ChangesOfTheSession) {
  Streams flow;
  flow.establish();
  flow.a.reinvite(phone_sdp(4000, "0 8", 2));
  flow.run();
  flow.a.ack();
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 200 INVITE");
  EXPECT_EQ(flow.b.log(), "");
  flow.a.reinvite(phone_sdp(4000, "0 8", 3, "a=sendonly\r\n"));
  flow.run();
  flow.b.reply("INVITE", 488);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  flow.a.ack_failure("488 INVITE");
  flow.a.reinvite(phone_sdp(4000, "0 8", 4, "a=sendonly\r\n"));
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000, "0 8", 2, "a=recvonly\r\n"));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, INVITE, ACK");
  EXPECT_EQ(flow.a.log(), "100 INVITE, 200 INVITE, 100 INVITE, 488 INVITE, 100 INVITE, 200 INVITE");
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
