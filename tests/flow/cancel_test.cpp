// SPDX-License-Identifier: MIT
// Rows C1 to C16 of the race table: CANCEL, 487 and 200 crossing each other (RFC 3261 9, RFC 5407 3.1), with exact
// messages on both legs.
#include <gtest/gtest.h>

#include "tests/support/call_bed.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kT1 = milliseconds(500);

// A cancels; its side is settled at once, whatever B does (R1.25).
void cancel_and_settle_a(Flow& flow) {
  flow.a.cancel();
  flow.run(milliseconds(4));
  ASSERT_TRUE(flow.a.has("200 CANCEL"));
  ASSERT_TRUE(flow.a.has("487 INVITE"));
  EXPECT_EQ(flow.a.last("200 CANCEL").to_tag(), flow.a.last("487 INVITE").to_tag());
  EXPECT_EQ(flow.bed.last().state, CallState::dropped);
  EXPECT_EQ(flow.bed.last().reason, DropReason::cancelled);
  EXPECT_TRUE(flow.bed.is_free());
  flow.a.ack_failure("487 INVITE");
  flow.run();
  flow.a.forget();
}

TEST(RowC, C1CancelAfter180) {
  Flow flow;
  flow.ring();
  cancel_and_settle_a(flow);
  ASSERT_EQ(flow.b.log(), "INVITE, CANCEL");
  const sip::Message& invite = flow.b.last("INVITE");
  const sip::Message& cancel = flow.b.last("CANCEL");
  EXPECT_EQ(cancel.branch(), invite.branch());
  EXPECT_EQ(cancel.request_uri(), invite.request_uri());
  EXPECT_EQ(cancel.cseq().number, invite.cseq().number);
  EXPECT_EQ(cancel.to_tag(), "");
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK");
  EXPECT_EQ(flow.b.last("ACK").branch(), invite.branch());
  EXPECT_EQ(flow.b.last("ACK").to_tag(), "tag-of-b");
  EXPECT_EQ(flow.a.log(), "");
  expect_rest(flow);
}

TEST(RowC, C1OverTcp) {
  Flow flow;
  flow.a.connect();
  flow.ring();
  cancel_and_settle_a(flow);
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK");
  expect_rest(flow);
}

TEST(RowC, C2CancelBeforeAny1xxWaitsForIt) {
  Flow flow;
  flow.call();
  cancel_and_settle_a(flow);
  flow.run(milliseconds(600));
  EXPECT_EQ(flow.b.log(), "INVITE, INVITE") << "timer A goes on, no CANCEL yet";
  flow.b.reply("INVITE", 100);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, INVITE, CANCEL");
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, INVITE, CANCEL, ACK");
  expect_rest(flow);
}

TEST(RowC, C2The200ComesFirst) {
  Flow flow;
  flow.call();
  cancel_and_settle_a(flow);
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowC, C2SilenceEndsAt64T1WithoutACancel) {
  Flow flow;
  flow.call();
  cancel_and_settle_a(flow);
  flow.run(seconds(33));
  EXPECT_EQ(flow.b.count("INVITE"), 7u);
  EXPECT_EQ(flow.b.count("CANCEL"), 0u);
  EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 0u);
  expect_rest(flow);
}

TEST(RowC, C3CancelCrossesOur200) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.world.later(milliseconds(1), [&] { flow.a.cancel(); });
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 200 INVITE, 200 CANCEL") << "no 487";
  EXPECT_EQ(flow.b.log(), "INVITE, ACK") << "no CANCEL";
  flow.a.ack();
  flow.run();
  flow.a.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.a.has("200 BYE"));
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, BYE");
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowC, C4OurCancelCrossesBs200) {
  for (const int cancel_answer : {200, 481}) {
    Flow flow;
    flow.ring();
    cancel_and_settle_a(flow);
    flow.b.reply("INVITE", 200, phone_sdp(5000));
    flow.b.reply("CANCEL", cancel_answer);
    flow.run();
    EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK, BYE");
    flow.b.reply("BYE", 200);
    flow.run();
    EXPECT_EQ(flow.a.log(), "");
    expect_rest(flow);
  }
}

TEST(RowC, C5Bs200IsLostForEverAndTheEarlyDialogIsEndedByBye) {
  Flow flow;
  flow.ring();
  cancel_and_settle_a(flow);
  flow.b.reply("CANCEL", 200);
  flow.run(8 * kT1 - milliseconds(50));
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
  flow.run(milliseconds(100));
  ASSERT_EQ(flow.b.log(), "INVITE, CANCEL, BYE") << "R1.27: before 10*T1";
  const sip::Message& bye = flow.b.last("BYE");
  EXPECT_EQ(bye.to_tag(), "tag-of-b");
  EXPECT_EQ(bye.cseq().number, flow.b.last("INVITE").cseq().number + 1);
  EXPECT_EQ(bye.request_uri(), "sip:2000@192.0.2.20:5060");
  flow.b.reply("BYE", 481);
  flow.run();
  flow.b.reply("INVITE", 200, phone_sdp(5000));  // and yet
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, BYE, ACK, BYE");
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

// The route set of the early dialog: the Record-Route of its 180, backwards (RFC 3261 12.1.2, 12.2.1.1).
TEST(RowC, C5TheByeOfTheEarlyDialogGoesByItsRouteSet) {
  Flow flow;
  SipPeer proxy(flow.world, "proxy", {IpAddress::v4(192, 0, 2, 31), 5060}, kGateway);
  flow.call();
  flow.b.reply("INVITE", 180, {},
               "Record-Route: <sip:192.0.2.32;lr>, <sip:far@192.0.2.33:5070;lr;x=1>\r\n"
               "Record-Route: <sip:192.0.2.31;lr>\r\n");
  flow.run();
  cancel_and_settle_a(flow);
  flow.b.reply("CANCEL", 200);
  flow.run(8 * kT1 + milliseconds(50));
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
  ASSERT_EQ(proxy.log(), "BYE");
  const sip::Message& bye = proxy.last("BYE");
  EXPECT_EQ(bye.request_uri(), "sip:2000@192.0.2.20:5060");
  EXPECT_EQ(bye.to_tag(), "tag-of-b");
  EXPECT_EQ(bye.cseq().number, flow.b.last("INVITE").cseq().number + 1);
  std::vector<std::string_view> route;
  for (const std::string_view element : bye.elements(sip::Header::route)) route.push_back(element);
  EXPECT_EQ(route, (std::vector<std::string_view>{"<sip:192.0.2.31;lr>", "<sip:far@192.0.2.33:5070;lr;x=1>",
                                                  "<sip:192.0.2.32;lr>"}));
  proxy.reply("BYE", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  expect_rest(flow);
}

TEST(RowC, C5WithoutAnEarlyDialogTheRepeated200IsAcknowledgedAndEnded) {
  Flow flow;
  flow.call();
  flow.b.reply("INVITE", 100);
  flow.run();
  cancel_and_settle_a(flow);
  flow.b.reply("CANCEL", 200);
  flow.run(seconds(10));
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK, BYE");
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowC, C5A487AfterTheByeIsAcknowledged) {
  Flow flow;
  flow.ring();
  cancel_and_settle_a(flow);
  flow.b.reply("CANCEL", 200);
  flow.run(8 * kT1 + milliseconds(50));
  flow.b.reply("INVITE", 487);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, BYE, ACK");
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(RowC, C5R1_27TheFastAbortIsOfTheTrunkAndMayBeOff) {
  for (const int wait_ms : {1000, 0}) {
    Settings settings = bed_settings();
    settings.trunks[1].fast_abort = milliseconds(wait_ms);
    Flow flow(settings);
    flow.ring();
    cancel_and_settle_a(flow);
    flow.b.reply("CANCEL", 200);
    flow.run(milliseconds(950));
    EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
    flow.run(milliseconds(100));
    EXPECT_EQ(flow.b.log(), wait_ms == 0 ? "INVITE, CANCEL" : "INVITE, CANCEL, BYE");
    flow.run(wait_ms == 0 ? Duration(seconds(30)) : Duration(milliseconds(20)));
    EXPECT_EQ(flow.b.count("BYE"), wait_ms == 0 ? 0u : 1u);
    flow.b.reply("INVITE", 487);
    if (wait_ms != 0) flow.b.reply("BYE", 200);
    flow.run();
    expect_rest(flow);
  }
}

TEST(RowC, C6NoFinalResponseEver) {
  Flow flow;
  flow.ring();
  cancel_and_settle_a(flow);
  const TimePoint hung_up = flow.world.now().steady;
  flow.b.reply("CANCEL", 200);
  ASSERT_TRUE(flow.world.run_until([&] { return flow.bed.exchange.census()[Census::reaping] == 0; }, seconds(120)));
  EXPECT_LE(flow.world.now().steady - hung_up, 3 * 64 * kT1 + seconds(5)) << "R1.26";
  EXPECT_EQ(flow.b.count("CANCEL"), 1u);
  expect_rest(flow);
}

TEST(RowC, C7TheCancelIsNeverAnswered) {
  Flow flow;
  flow.ring();
  cancel_and_settle_a(flow);
  flow.run(seconds(34));
  EXPECT_EQ(flow.b.count("CANCEL"), 11u) << "timer E, then timer F";
  for (const auto& heard : flow.b.heard) {
    if (heard.line == "CANCEL")
      EXPECT_EQ(heard.message.branch(), flow.b.last("INVITE").branch()) << "no second CANCEL transaction";
  }
  EXPECT_GE(flow.b.count("BYE"), 1u) << "then as C6: the early dialog is ended";
  expect_rest(flow);
}

TEST(RowC, C8A481ToTheCancelIsNoError) {
  for (const bool answers : {true, false}) {
    Flow flow;
    flow.ring();
    cancel_and_settle_a(flow);
    flow.b.reply("CANCEL", 481);
    flow.run(seconds(6));
    EXPECT_EQ(flow.b.log(), "INVITE, CANCEL");
    flow.b.reply("INVITE", answers ? 200 : 487, answers ? phone_sdp(5000) : "");
    flow.run();
    EXPECT_EQ(flow.b.log(), answers ? "INVITE, CANCEL, ACK, BYE" : "INVITE, CANCEL, ACK");
    if (answers) flow.b.reply("BYE", 200);
    flow.run();
    expect_rest(flow);
  }
}

TEST(RowC, C9ACancelThatMatchesNothingGets481) {
  Flow flow;
  flow.a.invite("2000", phone_sdp(4000));
  flow.run();
  flow.a.forget();
  const std::string branch = std::exchange(flow.a.call.invite_branch, "z9hG4bK-another");
  flow.a.cancel();
  flow.run();
  EXPECT_EQ(flow.a.log(), "481 CANCEL");
  EXPECT_EQ(flow.b.log(), "INVITE");
  EXPECT_EQ(flow.bed.last().state, CallState::calling) << "nothing has happened to the call";
  flow.a.call.invite_branch = branch;
  flow.b.reply("INVITE", 486);
  flow.run();
  flow.a.ack_failure("486 INVITE");
  flow.run();
  EXPECT_EQ(flow.a.log(), "481 CANCEL, 486 INVITE");
  expect_rest(flow);
}

TEST(RowC, C10CancelAfterANon2xxFinal) {
  Flow flow;
  flow.ring();
  flow.b.reply("INVITE", 486);
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  ASSERT_TRUE(flow.a.has("486 INVITE"));
  flow.a.cancel();
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 486 INVITE, 200 CANCEL");
  flow.a.ack_failure("486 INVITE");
  flow.run(seconds(6));  // timer I has passed
  flow.a.forget();
  flow.a.cancel();
  flow.run();
  // The CANCEL's own transaction still answers its repeat; a new one finds no INVITE.
  EXPECT_EQ(flow.a.log(), "200 CANCEL");
  flow.run(seconds(33));  // timer J of the CANCEL has passed, too
  flow.a.cancel();
  flow.run();
  EXPECT_EQ(flow.a.log(), "200 CANCEL, 481 CANCEL");
  EXPECT_EQ(flow.b.log(), "INVITE, ACK");
  expect_rest(flow);
}

TEST(RowC, C11ARepeatedCancelGetsTheSame200AndOne487Sequence) {
  Flow flow;
  flow.ring();
  flow.a.cancel();
  flow.run(milliseconds(4));
  flow.a.cancel();
  flow.run(milliseconds(4));
  EXPECT_EQ(flow.a.log(), "100 INVITE, 180 INVITE, 200 CANCEL, 487 INVITE, 200 CANCEL");
  EXPECT_EQ(flow.a.heard[2].message.bytes(), flow.a.heard[4].message.bytes());
  EXPECT_EQ(flow.b.count("CANCEL"), 1u);
  flow.a.ack_failure("487 INVITE");
  flow.b.reply("CANCEL", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  expect_rest(flow);
}

Settings trunk_with_credentials() {
  Settings out = bed_settings();
  out.trunks[1].user = "us";
  out.trunks[1].password = "secret";
  out.trunks[1].realm = "right";
  return out;
}

std::string challenge_of(int status) {
  return std::string(status == 407 ? "Proxy" : "WWW") +
         "-Authenticate: Digest realm=\"right\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";
}

TEST(RowC, C12NoAuthenticatedInviteFollowsAChallengeAfterTheHangUp) {
  for (const int status : {407, 401}) {
    Flow flow(trunk_with_credentials());
    flow.call();
    flow.b.reply("INVITE", 100);
    flow.run();
    cancel_and_settle_a(flow);
    flow.b.reply("INVITE", status, {}, challenge_of(status));
    flow.b.reply("CANCEL", 200);
    flow.run(seconds(2));
    EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK") << status;
    expect_rest(flow);
  }
}

// The same challenges are answered as long as nobody has hung up.
TEST(RowC, C12WithoutAHangUpTheChallengeIsAnswered) {
  for (const int status : {407, 401}) {
    Flow flow(trunk_with_credentials());
    flow.call();
    flow.b.reply("INVITE", status, {}, challenge_of(status));
    flow.run();
    EXPECT_EQ(flow.b.log(), "INVITE, ACK, INVITE") << status;
    flow.b.reply("INVITE", 486);
    flow.run();
    flow.a.ack_failure("486 INVITE");
    flow.run();
    expect_rest(flow);
  }
}

TEST(RowC, C13ACancelWhileTheWebServerIsAsked) {
  Flow flow;
  flow.bed.decide = nullptr;
  flow.bed.sign_in("alice");
  flow.a.invite("alice", phone_sdp(4000));
  ASSERT_TRUE(flow.world.run_until([&] { return flow.bed.asked.size() == 1; }));
  flow.a.cancel();
  flow.run();
  EXPECT_EQ(flow.a.log(), "100 INVITE, 200 CANCEL, 487 INVITE");
  flow.a.ack_failure("487 INVITE");
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
  flow.run();
  EXPECT_TRUE(flow.bed.client.empty()) << "the late word is ignored";
  EXPECT_EQ(flow.bed.states(), "pending, dropped");
  expect_rest(flow);
}

TEST(RowC, C15ProvisionalsAfterTheCancelAreAbsorbedAndRemembered) {
  Flow flow;
  flow.call();
  flow.b.reply("INVITE", 100);
  flow.run();
  cancel_and_settle_a(flow);
  flow.b.reply("INVITE", 183, phone_sdp(5000));
  flow.b.reply("INVITE", 180);
  flow.b.reply("CANCEL", 200);
  flow.run();
  EXPECT_EQ(flow.a.log(), "") << "nothing is forwarded";
  flow.run(8 * kT1 + milliseconds(50));
  EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, BYE") << "the early dialog is remembered for C5";
  flow.b.reply("BYE", 200);
  flow.b.reply("INVITE", 487);
  flow.run();
  expect_rest(flow);
}

TEST(RowC, C16Bs486CrossesTheCancel) {
  for (const int cancel_answer : {200, 481}) {
    Flow flow;
    flow.ring();
    cancel_and_settle_a(flow);
    flow.b.reply("INVITE", 486);
    flow.b.reply("CANCEL", cancel_answer);
    flow.run();
    EXPECT_EQ(flow.b.log(), "INVITE, CANCEL, ACK");
    EXPECT_EQ(flow.a.log(), "");
    expect_rest(flow);
  }
}

}  // namespace
}  // namespace isthmus::test
