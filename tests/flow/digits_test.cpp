// SPDX-License-Identifier: MIT
// Digits that a client sends into its call: what the client is answered is what became of them, all taken or none
// (docs/api.md, send_dtmf).
#include <gtest/gtest.h>

#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;

constexpr std::string_view kEvents = "a=rtpmap:101 telephone-event/8000\r\n";

// A client's call to B, confirmed.
struct Confirmed : Flow {
  ClientId w;

  explicit Confirmed(const std::string& answer = phone_sdp(5000, "0 101", 1, kEvents)) {
    w = bed.sign_in("alice");
    bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
    run();
    b.reply("INVITE", 200, answer);
    run();
    EXPECT_EQ(bed.last().state, CallState::confirmed);
    bed.done.clear();
  }
  // What the client is answered; `unknown_client` stands for no answer, or more than one.
  CommandError say(const std::string& digits) {
    bed.done.clear();
    bed.command(SendDigits{5, w, bed.last().id, digits, 100});
    return bed.done.size() == 1 && bed.done[0].token == 5 ? bed.done[0].error : CommandError::unknown_client;
  }
  std::string digits_at_b() const { return bed.media.find(bed.last().callee_leg)->digits; }
  void finish() {
    bed.command(DropCall{2, w, bed.last().id});
    run();
    b.reply("BYE", 200);
    run();
    expect_rest(*this);
  }
};

TEST(Digits, AreTakenAndGoToTheFarSide) {
  Confirmed flow;
  EXPECT_EQ(flow.say("12#A"), CommandError::none);
  EXPECT_EQ(flow.bed.done[0].call.id, flow.bed.last().id);
  EXPECT_EQ(flow.digits_at_b(), "12#A");
  flow.finish();
}

TEST(Digits, WithoutRoomAllOfThemAreRefused) {
  Confirmed flow;
  EXPECT_EQ(flow.say(std::string(media::kMaxDigits - 2, '1')), CommandError::none);
  EXPECT_EQ(flow.say("234"), CommandError::unavailable);
  EXPECT_EQ(flow.digits_at_b(), std::string(media::kMaxDigits - 2, '1')) << "not even the two that had room";
  EXPECT_EQ(flow.say("23"), CommandError::none);
  EXPECT_EQ(flow.say(std::string(media::kMaxDigits + 1, '4')), CommandError::unavailable)
      << "more than one order holds";
  flow.finish();
}

TEST(Digits, AreRefusedWhileTheFarSideHolds) {
  Confirmed flow;
  uint32_t version = 2;
  for (const char* direction : {"a=sendonly\r\n", "a=inactive\r\n"}) {
    flow.b.reinvite(phone_sdp(5000, "0 101", version++, std::string(kEvents) + direction));
    flow.run();
    flow.b.ack();
    flow.run();
    EXPECT_EQ(flow.say("1"), CommandError::no_media_path) << direction;
  }
  EXPECT_EQ(flow.digits_at_b(), "");
  flow.b.reinvite(phone_sdp(5000, "0 101", version, kEvents));
  flow.run();
  flow.b.ack();
  flow.run();
  EXPECT_EQ(flow.say("1"), CommandError::none);
  flow.finish();
}

TEST(Digits, AreRefusedWhileNoMediaPathIsThere) {
  Flow flow;
  flow.bed.media.script().connects = false;  // ICE and DTLS of a browser take their time
  const ClientId w = flow.bed.sign_in("alice", 1);
  const ClientId other = flow.bed.sign_in("bob", 2);
  flow.bed.command(MakeCall{1, w, {}, "bob", {}, browser_sdp(), {}});
  flow.run();
  std::string answer = browser_sdp();
  answer.replace(answer.find("actpass"), 7, "active");
  const std::string id = flow.bed.last().id;
  flow.bed.command(AcceptCall{2, other, id, answer});
  ASSERT_EQ(flow.bed.last().state, CallState::confirmed);
  flow.bed.command(SendDigits{3, w, id, "1", 100});
  EXPECT_EQ(flow.bed.done.back().token, 3u);
  EXPECT_EQ(flow.bed.done.back().error, CommandError::no_media_path);
  flow.bed.media_event([&] { flow.bed.media.connect(flow.bed.last().callee_leg); });
  flow.bed.command(SendDigits{4, w, id, "1", 100});
  EXPECT_EQ(flow.bed.done.back().token, 4u);
  EXPECT_EQ(flow.bed.done.back().error, CommandError::none);
  flow.bed.command(DropCall{5, w, id});
  flow.run();
  expect_rest(flow);
}

TEST(Digits, AreRefusedWhenTheFarSideTakesNone) {
  Confirmed flow(phone_sdp(5000, "0"));
  EXPECT_EQ(flow.say("1"), CommandError::no_dtmf);
  EXPECT_EQ(flow.digits_at_b(), "");
  flow.finish();
}

TEST(Digits, AreOfConfirmedCallsOnly) {
  Flow flow;
  const ClientId w = flow.bed.sign_in("alice");
  flow.bed.command(MakeCall{1, w, {}, "2000", {}, browser_sdp(), {}});
  flow.run();
  flow.bed.command(SendDigits{2, w, flow.bed.last().id, "1", 100});
  EXPECT_EQ(flow.bed.done.back().error, CommandError::wrong_state);
  flow.bed.command(SendDigits{3, w, "c_unknown", "1", 100});
  EXPECT_EQ(flow.bed.done.back().error, CommandError::unknown_call);
  flow.bed.command(DropCall{4, w, flow.bed.last().id});
  flow.run(std::chrono::seconds(40));
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
