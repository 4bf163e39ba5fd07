// SPDX-License-Identifier: MIT
// The rows C in any weather: CANCEL, 487 and 200 crossing each other, and the other ways to hang up before the answer.
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "tests/flow/weather.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

const SocketAddress kSpare{IpAddress::v4(192, 0, 2, 21), 5060};  // where a trunk has a second target; nobody is there

About is_final_of_b() {
  return [](const Datagram& one) {
    const std::string line = line_of(one);
    return one.from == kB && line.ends_with(" INVITE") && line[0] != '1';
  };
}
// The first `times` of them.
About first_times(int times, About what) {
  return [what = std::move(what), left = std::make_shared<int>(times)](const Datagram& one) {
    return what(one) && (*left)-- > 0;
  };
}
About cancel_to_b() {
  return says(kGateway, kB, "CANCEL");
}
void a_gives_up_while_b_rings(Ground& g) {
  g.a_calls();
  g.b_rings_and([&g] { g.a.hang_up(0); });
}

// ---- C1 to C8: our CANCEL and what B makes of it

void no_bye_to_b(const Ground& g) {
  if (g.weather == Weather::lossy) return;  // where a 487 may be so late that it is C5
  EXPECT_EQ(g.count(kGateway, kB, "BYE"), 0u);
}
// B hears of the call when it is over; by TCP, where nothing is repeated, never.
void c2(Ground& g) {
  g.lost = [&g](const Datagram& one) {
    return says(kGateway, kB, "INVITE")(one) && g.count(kGateway, kA, "487 INVITE") == 0;
  };
  g.a_calls();
  g.when(CallState::calling, [&g] { g.a.hang_up(0); });
}
void c2_check(const Ground& g) {
  EXPECT_TRUE(g.comes_first(says(kB, kGateway, "100 INVITE"), cancel_to_b()));
  if (g.weather == Weather::streams) EXPECT_EQ(g.count(kGateway, kB, "CANCEL"), 0u);
  no_bye_to_b(g);
}
void c3(Ground& g) {
  g.as_said(says(kGateway, kA, "200 INVITE"), [&g] { g.a.hang_up(0); });
  g.a_calls_b();
}
void c3_check(const Ground& g) {
  EXPECT_EQ(g.count(kGateway, kA, "487 INVITE"), 0u);
  EXPECT_EQ(g.count(kGateway, kB, "CANCEL"), 0u);
}
void c4(Ground& g) {
  g.as_said(cancel_to_b(), [&g] { g.b.answer(0); });
  a_gives_up_while_b_rings(g);
}
void c5(Ground& g) {
  g.lost = says(kB, kGateway, "200 INVITE");
  g.a_calls();
  g.b_rings_and([&g] {
    g.b.answer(0);
    g.world.later(milliseconds(100), [&g] { g.a.hang_up(0); });
  });
}
void bye_to_b(const Ground& g) {
  EXPECT_GE(g.transactions(kGateway, kB, "BYE"), 1u);
}
void c6(Ground& g) {
  g.lost = is_final_of_b();
  a_gives_up_while_b_rings(g);
}
void c7(Ground& g) {
  g.lost = says(kB, kGateway, "200 CANCEL");
  a_gives_up_while_b_rings(g);
}
void one_cancel_to_b(const Ground& g) {
  EXPECT_EQ(g.transactions(kGateway, kB, "CANCEL"), 1u);
  if (g.weather == Weather::streams) EXPECT_EQ(g.count(kGateway, kB, "CANCEL"), 1u);
}
void c8_487(Ground& g) {
  g.edit = [](Datagram& one) {
    if (says(kB, kGateway, "200 CANCEL")(one)) replace_first(one.bytes, "200 OK", "481 No");
  };
  a_gives_up_while_b_rings(g);
}
// The CANCELs of `from` are of another branch for `to`, which knows no such transaction.
void mistake_cancels(Ground& g, const SocketAddress& from, const SocketAddress& to) {
  g.edit = [from, to](Datagram& one) {
    if (says(from, to, "CANCEL")(one)) replace_first(one.bytes, "branch=z9hG4bK", "branch=z9hG4bK-strange-");
    if (one.from == to && one.to == from) replace_first(one.bytes, "branch=z9hG4bK-strange-", "branch=z9hG4bK");
  };
}
void c8_200(Ground& g) {
  mistake_cancels(g, kGateway, kB);
  g.as_said(says(kB, kGateway, "481 CANCEL"), [&g] { g.b.answer(0); });
  a_gives_up_while_b_rings(g);
}

// ---- C9 to C16: the caller's CANCEL, and what B says meanwhile

void c9(Ground& g) {
  mistake_cancels(g, kA, kGateway);
  g.sure = says(kGateway, kA, "180 INVITE");  // so that A sends its CANCEL at once
  g.as_said(says(kGateway, kA, "481 CANCEL"), [&g] { g.b.answer(0); });
  a_gives_up_while_b_rings(g);
}
void c9_check(const Ground& g) {
  EXPECT_EQ(g.count(kGateway, kB, "CANCEL"), 0u);
  EXPECT_EQ(g.bed.states(), "pending, calling, ringing, confirmed, dropped");
}
void c10(Ground& g) {
  g.sure = says(kGateway, kA, "180 INVITE");
  g.as_said(says(kGateway, kA, "486 INVITE"), [&g] { g.a.hang_up(0); });
  g.a_calls();
  g.b_rings_and([&g] { g.b.reject(0, 486); });
}
void c10_check(const Ground& g) {
  EXPECT_GE(g.count(kGateway, kA, "200 CANCEL"), 1u);
  EXPECT_EQ(g.count(kGateway, kA, "487 INVITE"), 0u) << "the final is unchanged";
  EXPECT_EQ(g.count(kGateway, kB, "CANCEL"), 0u);
}
void c11(Ground& g) {
  g.as_said(says(kGateway, kA, "200 CANCEL"), [&g] { g.again(*g.first(kA, kGateway, "CANCEL")); });
  a_gives_up_while_b_rings(g);
}
void c11_check(const Ground& g) {
  one_cancel_to_b(g);
  std::set<std::string> answers;
  for (const Datagram& one : g.said) {
    if (says(kGateway, kA, "200 CANCEL")(one)) answers.insert(one.bytes);
  }
  EXPECT_EQ(answers.size(), 1u) << "the same 200 again";
  // Over TCP the INVITE's transaction is gone with its ACK (timer I).
  EXPECT_GE(g.count(kGateway, kA, "200 CANCEL"), g.weather == Weather::streams ? 2u : 3u);
  EXPECT_EQ(g.transactions(kGateway, kA, "487 INVITE"), 1u);
}
void c12(Ground& g) {
  g.edit = [](Datagram& one) {
    if (!says(kB, kGateway, "407 INVITE")(one)) return;
    replace_first(
        one.bytes, "\r\nContent-Length",
        "\r\nProxy-Authenticate: Digest realm=\"right\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\nContent-Length");
  };
  g.as_said(cancel_to_b(), [&g] { g.b.reject(0, 407); });
  a_gives_up_while_b_rings(g);
}
void c12_check(const Ground& g) {
  EXPECT_GE(g.count(kB, kGateway, "407 INVITE"), 1u);
  EXPECT_EQ(g.transactions(kGateway, kB, "INVITE"), 1u) << "no INVITE with credentials";
}
void with_credentials(Settings& settings) {
  settings.trunks[1].user = "us";
  settings.trunks[1].password = "secret";
  settings.trunks[1].realm = "right";
}
void c13(Ground& g) {
  g.bed.decide = nullptr;
  g.a.call("alice");
  g.when(CallState::pending, [&g] { g.a.hang_up(0); });
  g.when(CallState::dropped,
         [&g] { g.bed.reply(g.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}}); });
}
void nothing_for_w(const Ground& g) {
  EXPECT_TRUE(g.bed.client.empty()) << "the late word is ignored";
}
void c14(Ground& g) {
  g.bed.command(MakeCall{1, g.w, {}, "2000", {}, browser_sdp(), {}});
  g.b_rings_and([&g] {
    g.b.answer(0);
    g.bed.command(DropCall{2, g.w, g.bed.last().id});
  });
}
void c15(Ground& g) {
  g.lost = is_final_of_b();
  g.as_said(cancel_to_b(), [&g] {
    for (int i = 0; i < 5; ++i) g.b.ring(0);
  });
  g.a_calls();
  g.when([&g] { return !g.b.legs.empty(); }, [&g] { g.a.hang_up(0); });
}
void c15_check(const Ground& g) {
  EXPECT_EQ(g.count(kGateway, kA, "180 INVITE"), 0u) << "nothing is forwarded";
  bye_to_b(g);
}
void c16(Ground& g) {
  g.as_said(cancel_to_b(), [&g] { g.b.reject(0, 486); });
  a_gives_up_while_b_rings(g);
}
void c16_check(const Ground& g) {
  EXPECT_EQ(g.count(kGateway, kA, "486 INVITE"), 0u);
}

// ---- C22 to C30: other ways to hang up

// A's CANCELs do not come through; when it has waited long enough, A ends its early dialog by BYE.
void c22(Ground& g) {
  g.lost = says(kA, kGateway, "CANCEL");
  g.sure = says(kGateway, kA, "180 INVITE");
  a_gives_up_while_b_rings(g);
}
void c22_check(const Ground& g) {
  EXPECT_EQ(g.transactions(kA, kGateway, "BYE"), 1u);
  EXPECT_GE(g.count(kGateway, kA, "200 BYE"), 1u);
  EXPECT_GE(g.count(kGateway, kA, "487 INVITE"), 1u);
  one_cancel_to_b(g);
  no_bye_to_b(g);
}
void c24(Ground& g) {
  g.a_calls();
  g.b_rings();
}
// Dialogs do not belong to connections.
void c26_stream(Ground& g) {
  g.a_calls();
  g.b_rings_and([&g] {
    g.a.host.break_streams();
    g.world.later(milliseconds(200), [&g] { g.b.answer(0); });
  });
  g.when_up([&g] { g.later_hang_up(g.a); });
}
void c26_unreachable(Ground& g) {
  g.a_calls();
  g.b_rings_and([&g] {
    g.a.host.refuse_streams(true);
    g.a.host.break_streams();
    g.world.later(milliseconds(200), [&g] { g.b.answer(0), g.later_hang_up(g.a); });
  });
}
void c26_client(Ground& g) {
  g.bed.command(MakeCall{1, g.w, {}, "2000", {}, browser_sdp(), {}});
  g.b_rings_and([&g] { g.bed.command(ClientLost{g.w}); });
}
void c27(Ground& g) {
  g.a_calls_b();
  g.when_asked([&g] {
    g.a.hang_up(0);
    g.when(CallState::dropped,
           [&g] { g.bed.reply(g.bed.asked.back(), Policy{Policy::allow, DropReason::none, {}, {}, {}}); });
  });
}
void a_is_never_answered(const Ground& g) {
  EXPECT_EQ(g.count(kGateway, kA, "200 INVITE"), 0u);
}
// The target is found, or its connection is there, when nobody wants it any more.
void c28_no_target(Ground& g) {
  g.bed.host.answer_asks_in(seconds(4));
  g.bed.host.set_zone("trunk.example", {{{RecordType::a, 60, kB.ip, {}, 0, 0, 0, {}}}});
  g.a_calls();
  g.when(CallState::calling, [&g] { g.a.hang_up(0); });
}
void nothing_to_b(const Ground& g) {
  for (const SocketAddress& target : {kB, kSpare}) EXPECT_EQ(g.count(kGateway, target, "INVITE"), 0u);
}
void by_name(Settings& settings) {
  settings.trunks[1].host = "trunk.example";
  settings.trunks[1].port = 0;  // SRV records decide
}
// B is the first of two targets and says 503 when it is called off.
void c28_next_target(Ground& g) {
  Records services;
  services.list.push_back({RecordType::srv, 60, {}, "first.example", 5060, 1, 0, {}});
  services.list.push_back({RecordType::srv, 60, {}, "second.example", 5060, 2, 0, {}});
  g.bed.host.set_zone("_sip._udp.trunk.example", services);
  g.bed.host.set_zone("_sip._tcp.trunk.example", services);
  g.bed.host.set_zone("first.example", {{{RecordType::a, 60, kB.ip, {}, 0, 0, 0, {}}}});
  g.bed.host.set_zone("second.example", {{{RecordType::a, 60, kSpare.ip, {}, 0, 0, 0, {}}}});
  g.as_said(cancel_to_b(), [&g] { g.b.reject(0, 503); });
  a_gives_up_while_b_rings(g);
}
void c28_check(const Ground& g) {
  EXPECT_GE(g.count(kB, kGateway, "503 INVITE"), 1u);
  EXPECT_EQ(g.count(kGateway, kSpare, "INVITE"), 0u);
}
void c29_487(Ground& g) {
  g.lost = first_times(3, says(kGateway, kA, "487 INVITE"));
  a_gives_up_while_b_rings(g);
}
void c29_ack(Ground& g) {
  g.lost = says(kA, kGateway, "ACK");
  a_gives_up_while_b_rings(g);
}
void c30(Ground& g) {
  g.lost = first_times(3, says(kGateway, kB, "ACK"));
  a_gives_up_while_b_rings(g);
}
void c30_check(const Ground& g) {
  EXPECT_EQ(g.transactions(kGateway, kB, "ACK"), 1u);
  EXPECT_EQ(header_of(*g.first(kGateway, kB, "ACK"), "Via"), header_of(*g.first(kGateway, kB, "INVITE"), "Via"));
  if (g.weather != Weather::streams) EXPECT_GE(g.count(kGateway, kB, "ACK"), 4u);
}

}  // namespace

std::vector<Row> cancel_rows() {
  return {
      {"C1_CancelWhileItRings", a_gives_up_while_b_rings, "cancelled", "left", "called off", {}, no_bye_to_b},
      {"C2_CancelBeforeA1xx", c2, "cancelled", "left", "called off|none", {}, c2_check},
      {"C3_CancelCrossesOur200", c3, "hung_up", "left", "ended", {}, c3_check},
      {"C4_OurCancelCrossesThe200", c4, "cancelled", "left", "ended"},
      {"C5_The200IsLost", c5, "cancelled", "left", "ended", {}, bye_to_b},
      {"C6_NeverAFinal", c6, "cancelled", "left", "called off", {}, bye_to_b},
      {"C7_TheCancelIsNeverAnswered", c7, "cancelled", "left", "called off", {}, one_cancel_to_b},
      {"C8_481ThenA487", c8_487, "cancelled", "left", "called off", {}, no_bye_to_b},
      {"C8_481ThenA200", c8_200, "cancelled", "left", "ended", {}, bye_to_b},
      {"C9_ACancelThatMatchesNothing", c9, "hung_up", "left", "ended", {}, c9_check},
      {"C10_CancelAfterTheFinal", c10, "rejected", "left", "left", {}, c10_check},
      {"C11_TheCancelIsRepeated", c11, "cancelled", "left", "called off", {}, c11_check},
      {"C12_CancelWhileChallenged", c12, "cancelled", "left", "left", with_credentials, c12_check},
      {"C13_CancelWhileTheWebServerIsAsked", c13, "cancelled", "left", "none", {}, nothing_for_w},
      {"C14_TheClientHangsUpAsBAnswers", c14, "cancelled|hung_up", "none", "ended"},
      {"C15_180AfterTheCancel", c15, "cancelled", "left", "called off", {}, c15_check},
      {"C16_486CrossesTheCancel", c16, "cancelled", "left", "left", {}, c16_check},
      {"C22_ByeInTheEarlyDialog", c22, "cancelled", "left", "called off", {}, c22_check},
      {"C24_TheRingLimit", c24, "invite_timeout", "refused 480", "called off"},
      {"C26_TheConnectionIsLost", c26_stream, "hung_up", "left", "ended", {}, {}, true},
      {"C26_NoConnectionCanBeMade", c26_unreachable, "connection_lost", "left", "ended", {}, {}, true},
      {"C26_TheClientIsLost", c26_client, "connection_lost", "none", "called off"},
      {"C27_CancelWhileTheAnswerIsHeld", c27, "cancelled", "left", "ended", hold_answers, a_is_never_answered},
      {"C28_HangUpWhileLookedUp", c28_no_target, "cancelled", "left", "none", by_name, nothing_to_b},
      {"C28_HangUpWhileConnecting", c28_no_target, "cancelled", "left", "none", {}, nothing_to_b, true},
      {"C28_TheNextTargetIsNotTried", c28_next_target, "cancelled", "left", "left", by_name, c28_check},
      {"C29_The487IsLost", c29_487, "cancelled", "left", "called off"},
      {"C29_TheAckIsLost", c29_ack, "cancelled", "left", "called off"},
      {"C30_The487IsRepeated", c30, "cancelled", "left", "called off", {}, c30_check},
  };
}

}  // namespace isthmus::test
