// SPDX-License-Identifier: MIT
// The rows E in any weather: changes of a running session.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/flow/weather.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Statuses = std::vector<uint16_t>;

About is_reinvite_to(const SocketAddress& phone) {
  return [phone](const Datagram& one) { return one.to == phone && is_reinvite(one); };
}
size_t reinvites_to_b(const Ground& g) {
  return static_cast<size_t>(std::ranges::count_if(g.said, is_reinvite_to(kB)));
}
const Datagram& reinvite_of_a(const Ground& g) {
  return *std::ranges::find_if(g.said, [](const Datagram& one) { return one.from == kA && is_reinvite(one); });
}
// A request like this one in a transaction of its own, with another CSeq.
Datagram another(Datagram one, uint32_t cseq, std::string_view method) {
  const std::string was = header_of(one, "CSeq");
  const std::string old_method = was.substr(was.find(' ') + 1);
  replace_first(one.bytes, old_method, method);
  replace_first(one.bytes, "CSeq: " + was, "CSeq: " + std::to_string(cseq) + " " + std::string(method));
  replace_first(one.bytes, "branch=z9hG4bK", "branch=z9hG4bK-another-");
  return one;
}
uint32_t cseq_of(const Datagram& one) {
  return static_cast<uint32_t>(std::stoul(header_of(one, "CSeq")));
}

void e1(Ground& g) {
  g.a_calls_b();
  g.when_up([&g] {
    g.a.change(0, "sendonly");
    g.later_hang_up(g.b, [&g] {
      EXPECT_EQ(g.a.legs[0].changes, Statuses{200});
      EXPECT_TRUE(g.flows(true));
      EXPECT_FALSE(g.flows(false)) << "A holds";
    });
  });
}
void expect_both_ways(const Ground& g) {
  EXPECT_TRUE(g.flows(true));
  EXPECT_TRUE(g.flows(false));
}
void e2(Ground& g) {
  g.a_calls_b();
  g.when_up([&g] {
    g.a.change(0, "sendrecv");
    g.later_hang_up(g.a, [&g] {
      EXPECT_EQ(g.a.legs[0].changes, Statuses{200});
      expect_both_ways(g);
    });
  });
}
void e2_check(const Ground& g) {
  EXPECT_EQ(reinvites_to_b(g), 0u);
}
// In bad weather one of them may meet so many 491 that it is given up.
void both_come_to_an_end(Ground& g) {
  g.later_hang_up(g.a, [&g] {
    for (const AutoAgent* phone : {&g.a, &g.b}) {
      const Statuses& changes = phone->legs[0].changes;
      EXPECT_TRUE(g.weather == Weather::lossy ? changes.size() == 1 : changes == Statuses{200});
    }
  });
}
void e3(Ground& g) {
  g.a_calls_b();
  g.as_said(is_reinvite_to(kA), [&g] { g.a.change(0, "inactive"); });
  g.when_up([&g] {
    g.b.change(0, "sendonly");
    g.later_hang_up(g.a, [&g] {
      EXPECT_EQ(g.a.legs[0].changes, Statuses{200});
      EXPECT_EQ(g.b.legs[0].changes, Statuses{200});
    });
  });
}
void e4(Ground& g) {
  g.a_calls_b();
  g.when_up([&g] { g.a.change(0, "sendonly"), g.b.change(0, "inactive"), both_come_to_an_end(g); });
}
void met_491(const Ground& g) {
  if (g.weather == Weather::lossy) return;  // where one of them may be long over before the other
  EXPECT_GE(g.count(kGateway, kA, "491 INVITE") + g.count(kGateway, kB, "491 INVITE"), 1u);
}
// B takes its time, and A's second offer comes meanwhile.
void e5(Ground& g) {
  g.b.on_offer = [&g](size_t leg) {
    const Datagram& first = reinvite_of_a(g);
    g.again(another(first, cseq_of(first) + 1, "INVITE"));
    g.world.later(seconds(4), [&g, leg] { g.b.agree(leg); });
  };
  g.a_calls_b();
  g.when_up([&g] {
    g.a.change(0, "sendonly");
    g.later_hang_up(g.b, [&g] { EXPECT_EQ(g.a.legs[0].changes, Statuses{200}) << "the first is unaffected"; });
  });
}
void e5_check(const Ground& g) {
  const Datagram* refused = g.first(kGateway, kA, "500 INVITE");
  ASSERT_NE(refused, nullptr);
  EXPECT_LE(std::stoi(header_of(*refused, "Retry-After")), 10);
  EXPECT_EQ(g.transactions(kGateway, kB, "INVITE"), 2u) << "the first INVITE and the first re-INVITE";
}
void e6(Ground& g) {
  g.a_calls_b();
  g.when_up([&g] { g.a.change(0, "sendrecv"); });
  g.when([&g] { return !g.a.legs.empty() && !g.a.legs[0].changes.empty(); },
         [&g] {
           const Datagram& ack = *g.first(kA, kGateway, "ACK");
           g.again(another(ack, cseq_of(ack), "OPTIONS"));
           g.later_hang_up(g.a, [&g] {
             EXPECT_EQ(g.bed.last().state, CallState::confirmed);
             expect_both_ways(g);
           });
         });
}
void e6_check(const Ground& g) {
  EXPECT_GE(g.count(kGateway, kA, "500 OPTIONS"), 1u);
  EXPECT_EQ(g.count(kGateway, kA, "200 OPTIONS"), 0u);
  EXPECT_EQ(g.count(kGateway, kB, "OPTIONS"), 0u);
}
void e7(Ground& g) {
  g.b.on_offer = [&g](size_t leg) { g.world.later(milliseconds(1), [&g, leg] { g.b.disagree(leg, 488); }); };
  g.a_calls_b();
  g.when_up([&g] {
    g.a.change(0, "sendonly");
    g.later_hang_up(g.a, [&g] {
      EXPECT_EQ(g.a.legs[0].changes, Statuses{488});
      expect_both_ways(g);
    });
  });
}
// A's own patience ends a moment before ours: its CANCEL is never sent.
void e8_silence(Ground& g) {
  g.lost = [](const Datagram& one) { return is_reinvite_to(kB)(one) || says(kA, kGateway, "CANCEL")(one); };
  g.a_calls_b();
  g.when_up([&g] { g.a.change(0, "sendonly"); });
}
void e8_481(Ground& g) {
  g.b.on_offer = [&g](size_t leg) { g.world.later(milliseconds(1), [&g, leg] { g.b.disagree(leg, 481); }); };
  g.a_calls_b();
  g.when_up([&g] { g.a.change(0, "sendonly"); });
}
void e8_check(const Ground& g) {
  EXPECT_GE(g.count(kGateway, kA, "500 INVITE"), 1u);
}

}  // namespace

std::vector<Row> change_rows() {
  return {
      {"E1_TheSessionChanges", e1, "hung_up", "ended", "left"},
      {"E2_TheSessionIsRefreshed", e2, "hung_up", "left", "ended", {}, e2_check},
      {"E3_ReinvitesCrossOnOneLeg", e3, "hung_up", "left", "ended", {}, met_491},
      {"E4_ReinvitesOfBothAtOnce", e4, "hung_up", "left", "ended", {}, met_491},
      {"E5_ASecondReinviteMeanwhile", e5, "hung_up", "ended", "left", {}, e5_check},
      {"E6_ALowerCSeq", e6, "hung_up", "left", "ended", {}, e6_check},
      {"E7_TheReinviteIsRefused", e7, "hung_up", "left", "ended"},
      {"E8_SilenceToTheReinvite", e8_silence, "connection_lost", "ended", "ended", {}, e8_check},
      {"E8_481ToTheReinvite", e8_481, "connection_lost", "ended", "ended", {}, e8_check},
  };
}

}  // namespace isthmus::test
