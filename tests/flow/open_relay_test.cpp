// SPDX-License-Identifier: MIT
// Nobody calls through the gateway who may not (R1.4, R1.30, R4.1, R4.3; advisories 5, 8, 41): every method from
// unknown sources and with foreign identities to every destination; requests within dialogs from new sources.
#include <gtest/gtest.h>

#include "tests/support/phone.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kMethods[] = {"INVITE", "BYE",       "REGISTER", "OPTIONS", "PRACK",   "UPDATE", "INFO",
                                         "REFER",  "SUBSCRIBE", "NOTIFY",   "MESSAGE", "PUBLISH", "FOO"};
// A trunk's number on either side, an account, the echo application, somewhere else, and a foreign host.
constexpr std::string_view kDestinations[] = {"sip:2000@192.0.2.1",    "sip:1000@192.0.2.1",   "sip:bob@192.0.2.1",
                                              "sip:echo@192.0.2.1",    "sip:9999@192.0.2.1",   "sip:x@192.0.2.20",
                                              "sip:x@evil.example:99", "sip:2000@192.0.2.1:1", "tel:+15550100"};

struct Relay : Flow {
  Phone phone{world, "alice", kStranger};
  size_t to_others = 0;

  Relay() {
    world.tap = [this](const Datagram& one) { to_others += one.from == kGateway && one.to != kStranger; };
  }
  std::string say(std::string_view method, std::string_view uri, std::string_view from, const std::string& lines = {},
                  std::string_view to_tag = {}) {
    phone.forget();
    const std::string tag = to_tag.empty() ? "" : ";tag=" + std::string(to_tag);
    phone.send(std::string(method) + " " + std::string(uri) + " SIP/2.0\r\nVia: SIP/2.0/" +
               (phone.is_connected() ? "TCP " : "UDP ") + kStranger.text() + ";branch=" + phone.new_branch() +
               ";rport\r\nMax-Forwards: 70\r\nFrom: <" + std::string(from) + ">;tag=f\r\nTo: <" + std::string(uri) +
               ">" + tag + "\r\nCall-ID: relay-" + std::to_string(++number) + "\r\nCSeq: 1 " + std::string(method) +
               "\r\nContact: <sip:alice@" + kStranger.text() + ">\r\n" + lines + "Content-Length: 0\r\n\r\n");
    run(milliseconds(5));
    return phone.log();
  }
  std::string challenged(std::string_view method) const {
    return (method == "REGISTER" ? "401 " : "407 ") + std::string(method);
  }
  void nothing_happened() {
    EXPECT_EQ(to_others, 0u);
    EXPECT_EQ(bed.server.size(), 0u);
    EXPECT_TRUE(bed.is_empty());
  }
  int number = 0;
};

// G18: every method outside dialogs.
TEST(OpenRelay, R4_1Advisory8AnUnknownSourceIsChallengedForEveryMethodAndDestination) {
  Relay flow;
  for (const auto method : kMethods) {
    for (const auto destination : kDestinations) {
      for (const std::string_view from : {"sip:alice@192.0.2.1", "sip:1000@192.0.2.10", "sip:x@evil.example"}) {
        EXPECT_EQ(flow.say(method, destination, from), flow.challenged(method)) << destination << " from " << from;
      }
    }
  }
  flow.nothing_happened();
}

TEST(OpenRelay, R1_4ARegisteredPhoneMayNotUseAForeignFrom) {
  Relay flow;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  for (const auto method : kMethods) {
    for (const auto destination : kDestinations) {
      for (const std::string_view from : {"sip:bob@192.0.2.1", "sip:1000@192.0.2.10", "sip:alice@evil.example"}) {
        // R1.4: right ip:port over UDP is no proof.
        EXPECT_EQ(flow.say(method, destination, from), flow.challenged(method));
        const sip::Message challenge = flow.phone.heard.back().message;
        const std::string line = flow.phone.secret.line(challenge, method, destination);
        EXPECT_EQ(flow.say(method, destination, from, line), "403 " + std::string(method)) << destination;
      }
    }
  }
  EXPECT_EQ(flow.to_others, 0u);
  EXPECT_EQ(flow.bed.server.size(), 0u);
}

TEST(OpenRelay, R1_4AForeignAssertedIdentityIsRefused) {
  Relay flow;
  for (const char* name : {"P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"}) {
    flow.say("INVITE", kDestinations[0], "sip:alice@192.0.2.1");
    const sip::Message challenge = flow.phone.heard.back().message;
    EXPECT_EQ(
        flow.say("INVITE", kDestinations[0], "sip:alice@192.0.2.1",
                 flow.phone.secret.line(challenge, "INVITE", kDestinations[0]) + name + ": <sip:ceo@192.0.2.1>\r\n"),
        "403 INVITE")
        << name;
  }
  flow.nothing_happened();
}

TEST(OpenRelay, Advisory8OptionsToTheGatewayItselfIs200WithoutDetails) {
  Relay flow;
  EXPECT_EQ(flow.say("OPTIONS", "sip:192.0.2.1", "sip:x@evil.example"), "200 OPTIONS");
  const sip::Message& answer = flow.phone.last("200 OPTIONS");
  EXPECT_TRUE(answer.has(sip::Header::allow));
  EXPECT_TRUE(answer.has(sip::Header::accept));
  EXPECT_TRUE(answer.has(sip::Header::supported));
  EXPECT_FALSE(answer.has(sip::Header::server)) << "no version";
  EXPECT_FALSE(answer.has(sip::Header::contact));
  EXPECT_FALSE(answer.has_body());
  flow.nothing_happened();
}

TEST(OpenRelay, R1_30AToTagOfNoDialogGets481) {
  Relay flow;
  for (const auto method : kMethods)
    EXPECT_EQ(flow.say(method, "sip:2000@192.0.2.1", "sip:alice@192.0.2.1", {}, "unknown"),
              "481 " + std::string(method));
  EXPECT_EQ(flow.say("CANCEL", "sip:2000@192.0.2.1", "sip:alice@192.0.2.1"), "481 CANCEL");
  EXPECT_EQ(flow.say("ACK", "sip:2000@192.0.2.1", "sip:alice@192.0.2.1", {}, "unknown"), "") << "silently";
  EXPECT_EQ(flow.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::stray_ack], 1u) << "and counted";
  flow.nothing_happened();
}

TEST(OpenRelay, R1_30StrayResponsesAreDroppedAndCounted) {
  Relay flow;
  for (const char* status : {"180 Ringing", "200 OK", "486 Busy Here"}) {
    for (const char* method : {"INVITE", "BYE"}) {
      flow.phone.send(std::string("SIP/2.0 ") + status +
                      "\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnone\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
                      "<sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 " +
                      method + "\r\nContact: <sip:c@192.0.2.20>\r\nContent-Length: 0\r\n\r\n");
    }
  }
  flow.run();
  EXPECT_EQ(flow.phone.log(), "");
  EXPECT_EQ(flow.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::stray_response], 6u);
  flow.nothing_happened();
}

TEST(OpenRelay, R1_30WhoIsCalledDecidesTheRefusal) {
  Relay flow;
  const auto call = [&](std::string_view uri) {
    flow.say("INVITE", uri, "sip:alice@192.0.2.1");
    const sip::Message challenge = flow.phone.heard.back().message;
    flow.say("INVITE", uri, "sip:alice@192.0.2.1", flow.phone.secret.line(challenge, "INVITE", uri));
    return flow.phone.heard.back().line;
  };
  EXPECT_EQ(call("sip:9999@192.0.2.1"), "404 INVITE") << "nobody claims it";
  EXPECT_EQ(call("sip:bob@192.0.2.1"), "480 INVITE") << "known, but offline";
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  EXPECT_EQ(call("sip:alice@192.0.2.1"), "482 INVITE") << "back to the binding that calls";
  EXPECT_EQ(flow.to_others, 0u);
  EXPECT_EQ(flow.bed.exchange.census()[Census::calls], 0u);
}

TEST(OpenRelay, Advisory41OnlyTheExactPrefixIsATrunk) {
  Relay flow;
  for (const SocketAddress address :
       {SocketAddress{IpAddress::v4(192, 0, 2, 11), 5060}, SocketAddress{IpAddress::v4(192, 0, 2, 2), 5060}}) {
    SipPeer neighbour(flow.world, "1000", address, kGateway);
    neighbour.invite("2000", phone_sdp(4000));
    flow.run();
    EXPECT_EQ(neighbour.log(), "407 INVITE");
  }
  SipPeer other_port(flow.world, "1000", {kA.ip, 7777}, kGateway);
  other_port.invite("2000", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(other_port.log(), "100 INVITE") << "the prefix is of addresses";
}

TEST(OpenRelay, R4_1AFloodOfUnauthenticatedInvitesLeavesNothing) {
  Relay flow;
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(flow.say("INVITE", kDestinations[0], "sip:x@evil.example"), "407 INVITE");
  flow.nothing_happened();
  EXPECT_EQ(flow.bed.exchange.next_deadline(), kNever) << "no timer either";
}

TEST(OpenRelay, R4_1ARefusalIsStateless) {
  Flow flow;
  SipPeer stranger(flow.world, "stranger", kStranger, kGateway);
  stranger.invite("2000", phone_sdp(4000));
  flow.run();
  stranger.repeat_invite();
  flow.run();
  ASSERT_EQ(stranger.log(), "407 INVITE, 407 INVITE") << "no 100";
  const std::string tag(stranger.heard[0].message.to_tag());
  EXPECT_NE(tag, "");
  EXPECT_EQ(stranger.heard[1].message.to_tag(), tag) << "the same for its repeats";
  stranger.ack_failure("407 INVITE");
  flow.run(seconds(5));
  EXPECT_EQ(stranger.count("407 INVITE"), 2u);
  EXPECT_EQ(flow.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::stray_ack], 0u) << "its ACK is known";
  stranger.invite("2000", phone_sdp(4000));
  flow.run();
  EXPECT_NE(stranger.heard.back().message.to_tag(), tag);
  EXPECT_TRUE(flow.bed.is_empty());
}

TEST(OpenRelay, R4_2R4_3AnAdmittedInviteGets100BeforeAnythingElse) {
  Flow flow;
  flow.bed.decide = nullptr;
  flow.bed.sign_in("bob");
  Phone phone(flow.world, "alice", kStranger);
  phone.place("bob", phone_sdp(4000));
  EXPECT_EQ(phone.log(), "100 INVITE") << "the web server has not even answered";
  flow.run(seconds(2));
  EXPECT_EQ(phone.log(), "100 INVITE");
  EXPECT_EQ(phone.last("100 INVITE").to_tag(), "");
}

// ---- streams

TEST(OpenRelay, R1_4AnAuthenticatedStreamNeedsNoSecondChallengeForItsAccountOnly) {
  Flow flow;
  Phone phone(flow.world, "alice", kStranger);
  phone.connect();
  ASSERT_EQ(phone.enroll(), "200 REGISTER");
  phone.forget();
  phone.invite("2000", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(phone.log(), "100 INVITE");
  EXPECT_EQ(flow.b.log(), "INVITE");
  phone.user = "bob";
  phone.invite("2000", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(phone.heard.back().line, "407 INVITE") << "another account proves itself";
  EXPECT_EQ(flow.b.count("INVITE"), 1u);
  flow.bed.host.break_streams();
  flow.run();
  phone.user = "alice";
  phone.connect();
  phone.forget();
  phone.invite("2000", phone_sdp(4000));
  flow.run();
  EXPECT_EQ(phone.log(), "407 INVITE") << "what the old connection had proved is forgotten";
}

// What a stream has proved is the account, not the right to speak for others: every method, every destination.
TEST(OpenRelay, R1_4OnAnAuthenticatedStreamAForeignFromIsChallengedOrRefused) {
  Relay flow;
  flow.phone.connect();
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  for (const auto method : kMethods) {
    for (const auto destination : kDestinations) {
      for (const std::string_view from : {"sip:bob@192.0.2.1", "sip:1000@192.0.2.10", "sip:alice@evil.example"}) {
        EXPECT_EQ(flow.say(method, destination, from), flow.challenged(method)) << destination << " from " << from;
        const sip::Message challenge = flow.phone.heard.back().message;
        const std::string line = flow.phone.secret.line(challenge, method, destination);
        EXPECT_EQ(flow.say(method, destination, from, line), "403 " + std::string(method)) << destination;
      }
    }
  }
  for (const char* name : {"P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"}) {
    EXPECT_EQ(
        flow.say("INVITE", kDestinations[0], "sip:alice@192.0.2.1", name + std::string(": <sip:ceo@192.0.2.1>\r\n")),
        "407 INVITE")
        << name;
  }
  EXPECT_EQ(flow.to_others, 0u);
  EXPECT_EQ(flow.bed.server.size(), 0u);
  EXPECT_EQ(flow.bed.exchange.census()[Census::calls], 0u);
}

TEST(OpenRelay, R1_4RightCredentialsFromAnotherAddressAreAccepted) {
  Flow flow;
  Phone phone(flow.world, "alice", kStranger);
  ASSERT_EQ(phone.enroll(), "200 REGISTER");
  Phone elsewhere(flow.world, "alice", {IpAddress::v4(203, 0, 113, 9), 6060});
  elsewhere.place("2000", phone_sdp(4000));
  EXPECT_EQ(elsewhere.log(), "100 INVITE");
  EXPECT_EQ(flow.b.log(), "INVITE");
}

// ---- within a dialog (advisory 8)

struct Talking : Flow {
  Phone phone{world, "alice", kStranger};
  Phone moved{world, "alice", {IpAddress::v4(203, 0, 113, 9), 6060}};

  explicit Talking(Settings settings = bed_settings()) : Flow(std::move(settings)) {
    phone.place("2000", phone_sdp(4000));
    b.reply("INVITE", 200, phone_sdp(5000));
    run();
    phone.ack();
    run();
    EXPECT_EQ(b.log(), "INVITE, ACK");
    forget();
    phone.forget();
    moved.call = phone.call;
  }
  void finish(SipPeer& side) {
    b.request("BYE");
    run();
    EXPECT_TRUE(b.has("200 BYE"));
    EXPECT_TRUE(side.has("BYE"));
    if (side.has("BYE")) side.reply("BYE", 200);
    run();
    expect_rest(*this);
  }
};

TEST(InDialog, Advisory8ANewSourceIsChallengedOnceAndTheFlowMovesWithItsProof) {
  Talking flow;
  flow.moved.request("OPTIONS");
  flow.run();
  ASSERT_EQ(flow.moved.log(), "407 OPTIONS");
  const sip::Message challenge = flow.moved.heard.back().message;
  flow.moved.request("OPTIONS", {}, flow.moved.secret.line(challenge, "OPTIONS", flow.moved.call.target));
  flow.run();
  ASSERT_EQ(flow.moved.log(), "407 OPTIONS, 200 OPTIONS");
  flow.finish(flow.moved);
  EXPECT_EQ(flow.phone.log(), "") << "its old address hears nothing any more";
}

TEST(InDialog, Advisory8AWrongProofMovesNothingAndEndsNothing) {
  Talking flow;
  flow.moved.secret.password = "guess";
  flow.moved.request("BYE");
  flow.run();
  for (int i = 0; i < 3; ++i) {
    if (flow.moved.heard.back().line != "407 BYE") break;
    const sip::Message challenge = flow.moved.heard.back().message;
    flow.moved.request("BYE", {}, flow.moved.secret.line(challenge, "BYE", flow.moved.call.target));
    flow.run();
  }
  EXPECT_EQ(flow.moved.log(), "407 BYE, 407 BYE, 403 BYE");
  // Another account's credentials are no proof either.
  flow.moved.secret = DigestUser{"bob"};
  flow.moved.forget();
  flow.moved.request("BYE");
  flow.run();
  const sip::Message challenge = flow.moved.heard.back().message;
  flow.moved.request("BYE", {}, flow.moved.secret.line(challenge, "BYE", flow.moved.call.target));
  flow.run();
  EXPECT_EQ(flow.moved.log(), "407 BYE, 403 BYE");
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed);
  EXPECT_EQ(flow.b.log(), "");
  flow.finish(flow.phone);
}

TEST(InDialog, Advisory8OneTagIsNotEnough) {
  Talking flow;
  flow.moved.call.local_tag = "guess";
  flow.moved.request("BYE");
  flow.run();
  EXPECT_EQ(flow.moved.log(), "481 BYE");
  flow.moved.call.local_tag = flow.phone.call.local_tag;
  flow.moved.call.remote_tag = "guess";
  flow.moved.request("BYE");
  flow.run();
  EXPECT_EQ(flow.moved.log(), "481 BYE, 481 BYE");
  flow.finish(flow.phone);
}

TEST(InDialog, Advisory8ATrunkMaySpeakFromItsWholePrefixAndNobodyElse) {
  Settings settings = bed_settings();
  settings.trunks[1].sources = {*Prefix::parse("192.0.2.16/28")};
  Talking flow(settings);
  SipPeer outside(flow.world, "2000", {IpAddress::v4(192, 0, 2, 33), 5060}, kGateway);
  outside.call = flow.b.call;
  outside.request("BYE");
  flow.run();
  EXPECT_EQ(outside.log(), "481 BYE");
  SipPeer sibling(flow.world, "2000", {IpAddress::v4(192, 0, 2, 21), 5060}, kGateway);
  sibling.call = flow.b.call;
  sibling.request("BYE");
  flow.run();
  EXPECT_EQ(sibling.log(), "200 BYE");
  EXPECT_TRUE(flow.phone.has("BYE"));
  flow.phone.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

}  // namespace
}  // namespace isthmus::test
