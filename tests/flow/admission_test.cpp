// SPDX-License-Identifier: MIT
// What a client asks for and the owner's web server allows (R0.4 to R0.7, R0.9, R0.24, X5): who may be called, from
// which identity, and that nothing leaves before the word has come.
#include <gtest/gtest.h>

#include "tests/flow/client_call.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Admitting, R0_4TheInviteNamesFromToAndTarget) {
  Settings settings = bed_settings();
  settings.allowed_targets = {"192.0.2.20"};
  ClientCall flow(settings);
  flow.make("4711", {}, "sip:s1@192.0.2.20");
  const sip::Message& invite = flow.b.last("INVITE");
  EXPECT_EQ(invite.request_uri(), "sip:s1@192.0.2.20");
  EXPECT_EQ(invite.from().uri, "sip:alice@192.0.2.1");
  EXPECT_EQ(invite.to().uri, "sip:4711@192.0.2.20");
  EXPECT_EQ(flow.bed.asked[0].call.target, "sip:s1@192.0.2.20") << "R0.24: as it will be dialled";
  EXPECT_EQ(flow.bed.asked[0].call.client, "alice");
  flow.answer();
  flow.finish();
}

TEST(Admitting, R0_4AForeignTargetIsRefusedWithoutADatagramOrADnsQuery) {
  for (const auto& allowed : {std::vector<std::string>{}, std::vector<std::string>{"sip.example"}}) {
    for (const char* target : {"sip:s1@192.0.2.20", "sip:s1@evil.example", "sip:s1@sip.example.evil.org",
                               "sip:sip.example@evil.org", "tel:+15550100", "http://sip.example", "nonsense"}) {
      Settings settings = bed_settings();
      settings.allowed_targets = allowed;
      ClientCall flow(settings);
      flow.make("2000", {}, target);
      flow.run(seconds(2));
      EXPECT_EQ(flow.result().error, CommandError::foreign_target) << target;
      EXPECT_EQ(flow.datagrams, 0u) << target;
      EXPECT_EQ(flow.lookups(), 0u) << target;
      EXPECT_EQ(flow.bed.states(), "") << "no call has begun";
      EXPECT_TRUE(flow.bed.is_empty());
    }
  }
}

TEST(Admitting, R0_4ANameOnTheAllowListIsLookedUp) {
  Settings settings = bed_settings();
  settings.allowed_targets = {"sip.example"};
  ClientCall flow(settings);
  flow.make("2000", {}, "sip:s1@SIP.example");
  EXPECT_EQ(flow.result().error, CommandError::none);
  EXPECT_GT(flow.lookups(), 0u);
}

TEST(Admitting, R0_4FromMustBeAnIdentityOfTheClientUnlessTheWebServerSetsAnother) {
  ClientCall flow;
  flow.make("2000", "bob");
  EXPECT_EQ(flow.result().error, CommandError::foreign_identity);
  EXPECT_EQ(flow.datagrams, 0u);
  flow.bed.decide = [](const AskPolicy&) { return Reply(Policy{Policy::allow, DropReason::none, {}, "4000", {}}); };
  flow.make();
  EXPECT_EQ(flow.b.last("INVITE").from().uri, "sip:4000@192.0.2.1");
  flow.answer();
  EXPECT_EQ(flow.bed.last().from, "4000");
  flow.finish();
}

TEST(Admitting, R0_4R0_24TheWebServersTargetIsDialledInsteadAndNobodysModuleSpeaksForIt) {
  const SocketAddress elsewhere{IpAddress::v4(192, 0, 2, 30), 5060};
  ClientCall flow;
  SipPeer s1(flow.world, "s1", elsewhere, kGateway);
  flow.bed.decide = [](const AskPolicy&) {
    return Reply(Policy{Policy::allow, DropReason::none, {}, {}, "sip:s1@192.0.2.30"});
  };
  flow.make();
  EXPECT_EQ(flow.b.log(), "") << "what routing had found is not called";
  EXPECT_EQ(s1.last("INVITE").request_uri(), "sip:s1@192.0.2.30");
  EXPECT_EQ(flow.bed.asked[0].call.module, "right");
  EXPECT_EQ(flow.bed.last().target, "sip:s1@192.0.2.30");
  EXPECT_EQ(flow.bed.last().module, "target");
  s1.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  // Advisory 41: the trunk that was not called has no say in this call, even with both tags.
  SipPeer trunk(flow.world, "2000", {kB.ip, 6060}, kGateway);
  trunk.call = s1.call;
  trunk.request("BYE");
  flow.run();
  EXPECT_EQ(trunk.log(), "481 BYE");
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  flow.drop();
  flow.run();
  s1.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(Admitting, R0_7ATargetOfTheWebServerThatIsNoSipUriRefuses) {
  for (const char* target : {"nonsense", "tel:+15550100", "sip:a b@c", "sip:x@h\r\nVia: y"}) {
    ClientCall flow;
    flow.bed.decide = [&](const AskPolicy&) { return Reply(Policy{Policy::allow, DropReason::none, {}, {}, target}); };
    flow.make();
    EXPECT_EQ(flow.bed.last().reason, DropReason::web_server_malformed) << target;
    EXPECT_EQ(flow.result().error, CommandError::refused);
    EXPECT_EQ(flow.datagrams, 0u);
    expect_rest(flow);
  }
}

TEST(Admitting, R0_4ToIsAUserOrAUriOfOurs) {
  for (const char* to : {"", "sip:x@elsewhere.example", "a b", "x@y", "\r\nX: y", "<sip:2000@192.0.2.1>"}) {
    ClientCall flow;
    flow.make(to);
    EXPECT_EQ(flow.result().error, CommandError::bad_number) << to;
    EXPECT_EQ(flow.datagrams, 0u);
  }
  ClientCall flow;
  flow.make("sip:2000@192.0.2.1");
  EXPECT_EQ(flow.b.last("INVITE").to().uri, "sip:2000@192.0.2.20");
}

TEST(Admitting, R0_5R0_9NoDatagramBeforeTheWebServerHasAllowedTheCall) {
  ClientCall flow;
  flow.bed.decide = nullptr;
  std::string states_at_invite;
  flow.world.tap = [&](const Datagram& datagram) {
    ++flow.datagrams;
    if (datagram.bytes.starts_with("INVITE") && states_at_invite.empty())
      states_at_invite = flow.bed.states() + " / " + flow.bed.client_states();
  };
  flow.make();
  flow.run(milliseconds(300));
  EXPECT_EQ(flow.datagrams, 0u);
  EXPECT_EQ(flow.bed.states(), "pending");
  EXPECT_EQ(flow.bed.client_states(), "pending") << "R0.9: both know";
  EXPECT_TRUE(flow.bed.done.empty()) << "the result is `continue` or `refused`";
  flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
  EXPECT_EQ(flow.result().error, CommandError::none);
  EXPECT_NE(flow.result().call.id, "");
  EXPECT_TRUE(states_at_invite.starts_with("pending, calling / pending, calling")) << states_at_invite;
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE");
  flow.answer();
  flow.finish();
}

TEST(Admitting, R0_6ARefusedCallNeverReachesAnybody) {
  ClientCall flow;
  flow.bed.decide = [](const AskPolicy&) {
    return Reply(Policy{Policy::refuse, DropReason::refused, "not on a Sunday", {}, {}});
  };
  flow.make();
  flow.run(seconds(2));
  EXPECT_EQ(flow.datagrams, 0u);
  ASSERT_EQ(flow.bed.done.size(), 1u);
  EXPECT_EQ(flow.result().error, CommandError::refused);
  EXPECT_EQ(flow.result().call.reason, DropReason::refused);
  EXPECT_EQ(flow.result().call.text, "not on a Sunday");
  EXPECT_EQ(flow.bed.states(), "pending, dropped");
  EXPECT_EQ(flow.bed.client_states(), "pending, dropped");
  expect_rest(flow);
}

// Unreachable, an error answer, nonsense, silence: the same end, each with a reason of its own.
TEST(Admitting, R0_7AWebServerThatDoesNotAnswerWellRefuses) {
  std::set<std::string_view> reasons;
  const std::vector<std::optional<Reply>> answers = {
      Reply(Fault{FaultCode::unreachable}),
      Reply(Policy{Policy::refuse, DropReason::web_server_error, "503", {}, {}}),
      Reply(Policy{Policy::refuse, DropReason::web_server_malformed, "no JSON", {}, {}}),
      std::nullopt,
  };
  for (const auto& answer : answers) {
    ClientCall flow;
    flow.bed.decide = [&](const AskPolicy&) { return answer; };
    flow.make();
    flow.run(seconds(6));
    EXPECT_EQ(flow.datagrams, 0u);
    ASSERT_EQ(flow.bed.done.size(), 1u);
    EXPECT_EQ(flow.result().error, CommandError::refused);
    EXPECT_EQ(flow.bed.states(), "pending, dropped");
    reasons.insert(word(flow.bed.last().reason));
    if (!answer) {  // the word comes after all
      flow.bed.reply(flow.bed.asked[0], Policy{Policy::allow, DropReason::none, {}, {}, {}});
      flow.run(seconds(1));
      EXPECT_EQ(flow.datagrams, 0u);
    }
    expect_rest(flow);
  }
  EXPECT_EQ(reasons, (std::set<std::string_view>{"web_server_unreachable", "web_server_error", "web_server_malformed",
                                                 "web_server_timeout"}));
}

TEST(Admitting, R0_7TheOwnerMayLetCallsGoOnWhenTheWebServerFails) {
  Settings settings = bed_settings();
  settings.allow_on_failure = true;
  const std::vector<std::optional<Reply>> answers = {
      Reply(Fault{FaultCode::unreachable}),
      Reply(Policy{Policy::refuse, DropReason::web_server_error, "503", {}, {}}),
      Reply(Policy{Policy::refuse, DropReason::web_server_malformed, "no JSON", {}, {}}),
      std::nullopt,
  };
  for (const auto& answer : answers) {
    ClientCall flow(settings);
    flow.bed.decide = [&](const AskPolicy&) { return answer; };
    flow.make();
    flow.run(seconds(6));
    ASSERT_TRUE(flow.b.has("INVITE"));
    EXPECT_EQ(flow.result().error, CommandError::none);
    EXPECT_EQ(flow.bed.exchange.census()[Census::asks], 0u);
    flow.answer();
    flow.finish();
  }
  // Its word, and a decision that it has put off, are no failure.
  for (const Policy& word : {Policy{Policy::refuse, DropReason::refused, "no", {}, {}},
                             Policy{Policy::later, DropReason::none, {}, {}, {}}}) {
    ClientCall flow(settings);
    flow.bed.decide = [&](const AskPolicy&) { return Reply(word); };
    flow.make();
    flow.run(seconds(31));
    EXPECT_EQ(flow.datagrams, 0u);
    EXPECT_EQ(flow.result().error, CommandError::refused);
    expect_rest(flow);
  }
}

TEST(Admitting, R0_7WithoutAWebServerEveryCallOfAClientIsRefused) {
  Settings settings = bed_settings();
  settings.admission = Admission::closed;
  ClientCall flow(settings);
  flow.make();
  EXPECT_EQ(flow.result().error, CommandError::refused);
  EXPECT_EQ(flow.bed.last().reason, DropReason::no_web_server);
  EXPECT_EQ(flow.datagrams, 0u);
  EXPECT_TRUE(flow.bed.asked.empty());
  expect_rest(flow);
}

TEST(Admitting, X5TheWordMayComeLaterByCommand) {
  ClientCall flow;
  flow.bed.decide = [](const AskPolicy&) { return Reply(Policy{Policy::later, DropReason::none, {}, {}, {}}); };
  flow.make();
  flow.run(seconds(10));
  EXPECT_EQ(flow.bed.states(), "pending") << "beyond the limit of an answer, within that of a decision";
  flow.bed.command(SwitchCall{7, flow.bed.last().id, "bob"});
  EXPECT_EQ(flow.bed.done.back().error, CommandError::wrong_direction) << "R0.23: switch is for incoming calls";
  flow.bed.command(AllowCall{8, flow.bed.last().id, {}, {}});
  flow.run();
  EXPECT_EQ(flow.b.log(), "INVITE");
  flow.bed.command(AllowCall{9, flow.bed.last().id, {}, {}});
  EXPECT_EQ(flow.bed.done.back().error, CommandError::wrong_state);
  flow.answer();
  flow.finish();
}

TEST(Admitting, X5ADecisionThatNeverComesHasALimit) {
  ClientCall flow;
  flow.bed.decide = [](const AskPolicy&) { return Reply(Policy{Policy::later, DropReason::none, {}, {}, {}}); };
  flow.make();
  flow.run(seconds(31));
  EXPECT_EQ(flow.bed.last().reason, DropReason::web_server_timeout);
  EXPECT_EQ(flow.datagrams, 0u);
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
