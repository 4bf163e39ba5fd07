// SPDX-License-Identifier: MIT
// The rows D and F in any weather: the 2xx and its ACK, BYE and its neighbours.
#include <gtest/gtest.h>

#include "tests/flow/weather.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- D

void d1(Ground& g) {
  g.lost = says(kA, kGateway, "ACK");
  g.a_calls_b();
}
void d2(Ground& g) {
  g.lost = [left = 3](const Datagram& one) mutable { return says(kGateway, kB, "ACK")(one) && left-- > 0; };
  g.a_calls_b();
  g.when_up([&g] { g.later_hang_up(g.a); });
}
void d2_check(const Ground& g) {
  EXPECT_GE(g.count(kGateway, kB, "ACK"), 4u);
  EXPECT_EQ(g.bed.states(), "pending, calling, ringing, confirmed, dropped") << "no new event";
}
void d3(Ground& g) {
  g.a_calls_b();
  g.when_up([&g] { g.again(*g.first(kA, kGateway, "INVITE")), g.later_hang_up(g.a); });
}
void d3_check(const Ground& g) {
  EXPECT_EQ(g.transactions(kGateway, kB, "INVITE"), 1u);
  EXPECT_EQ(g.count(kGateway, kA, "482 INVITE"), 0u);
  EXPECT_EQ(g.b.legs.size(), 1u);
}
void d6(Ground& g) {
  g.lost = says(kA, kGateway, "ACK");
  g.a_calls_b();
  g.when([&g] { return g.a.legs[0].phase == AutoAgent::Phase::up; }, [&g] { g.a.hang_up(0); });
}
void d6_check(const Ground& g) {
  if (g.weather != Weather::lossy) EXPECT_EQ(g.count(kGateway, kA, "200 INVITE"), 1u) << "the repeats stop";
}
void d7(Ground& g) {
  g.b.codecs = "3 4";
  g.a_calls_b();
}
void never_confirmed(const Ground& g) {
  EXPECT_EQ(g.count(kGateway, kA, "200 INVITE"), 0u);
  EXPECT_EQ(g.bed.states(), "pending, calling, ringing, dropped");
}
void d8(Ground& g) {
  g.as_said(says(kGateway, kB, "CANCEL"), [&g] { g.b.answer(0); });
  g.a_calls();
  g.b_rings();
}
// The first ACK of A is lost.
About nth_ack_of_a(int n) {
  return [n](const Datagram& one) mutable { return says(kA, kGateway, "ACK")(one) && --n == 0; };
}
void d9(Ground& g) {
  g.lost = nth_ack_of_a(1);
  g.as_said(says(kGateway, kA, "200 INVITE"), [&g] { g.b.hang_up(0); });
  g.a_calls_b();
}
void d9_check(const Ground& g) {
  EXPECT_TRUE(g.comes_first(nth_ack_of_a(2), says(kGateway, kA, "BYE")));
}
void d10(Ground& g) {
  g.a_calls_b();
  g.when_up([&g] { g.a.hang_up(0); });
  g.world.later(seconds(90), [&g] {
    if (g.weather == Weather::torn) return;
    EXPECT_TRUE(g.bed.is_empty());
    g.again(*g.first(kB, kGateway, "200 INVITE"));
    const size_t before = g.said.size();
    g.world.later(seconds(5), [&g, before] {
      for (size_t i = before; i < g.said.size(); ++i) EXPECT_EQ(g.said[i].from, kB) << "dropped silently";
    });
  });
}
void d10_check(const Ground& g) {
  EXPECT_GE(g.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::stray_response], 1u);
}
void d11(Ground& g) {
  g.a_calls_b();
  g.when_asked([&g] { g.b.hang_up(0); });
}

// ---- F

void f1(Ground& g) {
  g.a_calls_b();
  g.when_up([&g] { g.a.hang_up(0), g.b.hang_up(0); });
}
void f3(Ground& g) {
  g.lost = says(kGateway, kB, "BYE");
  g.a_calls_b();
  g.when_up([&g] { g.a.hang_up(0), g.world.later(seconds(90), [&g] { g.b.hang_up(0); }); });
}

}  // namespace

std::vector<Row> dialog_rows() {
  return {
      {"D1_TheAckIsLost", d1, "connection_lost", "ended", "ended"},
      {"D2_The200IsRepeated", d2, "hung_up", "left", "ended", {}, d2_check},
      {"D3_TheInviteIsRepeated", d3, "hung_up", "left", "ended", {}, d3_check},
      {"D6_ByeWhileTheAckIsLost", d6, "hung_up", "left", "ended", {}, d6_check},
      {"D7_AnUnusableAnswer", d7, "media_failed", "refused 488", "ended", {}, never_confirmed},
      {"D8_The200ComesWhenLegAHasFailed", d8, "invite_timeout", "refused 480", "ended", {}, never_confirmed},
      {"D9_HangUpBeforeTheAck", d9, "hung_up", "ended", "left", {}, d9_check},
      {"D10_A200OfNothing", d10, "hung_up", "left", "ended", {}, d10_check},
      {"D11_HangUpWhileTheAnswerIsHeld", d11, "hung_up", "refused 480", "left", hold_answers, never_confirmed},
      {"F1_ByeCrossesBye", f1, "hung_up", "left", "left"},
      {"F3_TheByeIsNeverAnswered", f3, "hung_up", "left", "left"},
  };
}

}  // namespace isthmus::test
