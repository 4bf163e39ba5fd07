// SPDX-License-Identifier: MIT
// Messages made to do harm, through the whole gateway: header smuggling (advisory 9), control characters in names (42),
// reflection to broadcast and third parties (53), malformed hosts in Contact and routes (40), and our own limits (X15).
#include <gtest/gtest.h>

#include "gateway/module/trunk.hpp"
#include "tests/support/phone.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using namespace std::string_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Hostile, Advisory9NoHeaderOfOneLegReachesTheOther) {
  const std::string smuggled[] = {
      "X-Bypass: v",
      "X-Bypass : v",
      "X-Bypass\t: v",
      "x-bypass:v",
      "X-Bypass:\r\n v",
      "X-Bypass\r\n : v",
      "X-Bypass\x01: v",
      "X-Bypass\0: v"s,
      "P-Asserted-Identity: <sip:ceo@192.0.2.1>",
      "Remote-Party-ID: <sip:ceo@192.0.2.1>",
      "Diversion: <sip:ceo@192.0.2.1>",
      "X-Isthmus-Account: alice",
      "Subject: v",
      "s: v",
      "Replaces: a;to-tag=b;from-tag=c",
      "Route: <sip:198.51.100.66;lr>",
      "Alert-Info: <http://evil.example/x>",
  };
  for (const std::string& line : smuggled) {
    Flow flow;
    SipPeer third(flow.world, "third", kStranger, kGateway);
    flow.a.invite("2000", phone_sdp(4000), line + "\r\n");
    flow.run();
    EXPECT_EQ(third.log(), "") << line;
    if (!flow.b.has("INVITE")) continue;  // refused as malformed
    const std::string invite(flow.b.last("INVITE").bytes());
    for (const char* word : {"ypass", "ceo", "Account", "Subject", "Replaces", "Route", "Alert", "evil"})
      EXPECT_EQ(invite.find(word), std::string::npos) << line << "\n" << invite;
  }
}

TEST(Hostile, Advisory42ControlCharactersInADisplayNameReachNobody) {
  Flow flow;
  const ClientId w = flow.bed.sign_in("alice");
  (void)w;
  const std::string name = "ev\x1b[31mil\x7f\x08";
  flow.a.send("INVITE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP " + kA.text() +
              ";branch=z9hG4bK-name\r\nMax-Forwards: 70\r\nFrom: \"" + name +
              "\" <sip:1000@192.0.2.10>;tag=x\r\nTo: <sip:alice@192.0.2.1>\r\nCall-ID: name\r\nCSeq: 1 "
              "INVITE\r\nContact: <sip:1000@192.0.2.10>\r\nContent-Length: 0\r\n\r\n");
  flow.run();
  for (const CallFacts& facts : flow.bed.server) {
    for (const char c : facts.from_name + facts.from) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  }
  for (const auto& told : flow.bed.client) {
    for (const char c : told.call.from_name) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  }
}

bool is_bad(const IpAddress& ip) {
  return ip.is_broadcast() || ip.is_multicast() || ip.is_unspecified();
}

TEST(Hostile, Advisory53NothingGoesToBroadcastOrToAThirdParty) {
  size_t bad = 0;
  for (const char* via : {"255.255.255.255", "224.0.0.1", "192.0.2.99", "192.0.2.10;maddr=255.255.255.255",
                          "192.0.2.10;maddr=192.0.2.99", "192.0.2.10;received=192.0.2.99"}) {
    Flow flow;
    flow.world.tap = [&](const Datagram& one) {
      if (one.from == kGateway && one.to.ip != kA.ip && one.to.ip != kB.ip) ++bad;
    };
    for (const char* method : {"INVITE", "OPTIONS", "REGISTER", "BYE"}) {
      flow.a.send(std::string(method) + " sip:2000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP " + via + ";branch=z9hG4bK-" +
                  method +
                  "\r\nMax-Forwards: 70\r\nFrom: <sip:1000@192.0.2.10>;tag=x\r\nTo: <sip:2000@192.0.2.1>\r\nCall-ID: " +
                  method + "\r\nCSeq: 1 " + method + "\r\nContact: <sip:1000@192.0.2.10>\r\nContent-Length: 0\r\n\r\n");
    }
    flow.run(seconds(2));
  }
  EXPECT_EQ(bad, 0u);
}

TEST(Hostile, Advisory40Advisory53HostsOfContactAndRecordRoute) {
  const std::string hosts[] = {"255.255.255.255",
                               "224.0.0.1",
                               "0.0.0.0",
                               "192.0.2.20:0",
                               "no-such.example",
                               "a..b",
                               ".",
                               std::string(300, 'a'),
                               "[::]",
                               "[ff02::1]",
                               "256.256.1.1",
                               "192.0.2.20;transport=sctp",
                               "x;maddr=255.255.255.255",
                               "-",
                               "192.0.2.1"};
  for (const std::string& host : hosts) {
    for (const bool in_route : {false, true}) {
      Flow flow;
      size_t bad = 0;
      flow.world.tap = [&](const Datagram& one) { bad += one.from == kGateway && is_bad(one.to.ip); };
      flow.call();
      if (!in_route) flow.b.contact = "sip:2000@" + host;
      flow.b.reply("INVITE", 200, phone_sdp(5000), in_route ? "Record-Route: <sip:" + host + ";lr>\r\n" : "");
      flow.run();
      if (flow.a.has("200 INVITE")) {
        flow.a.ack();
        flow.a.request("BYE");
        flow.run();
        EXPECT_TRUE(flow.a.has("200 BYE")) << host;
      }
      flow.run(seconds(40));
      EXPECT_EQ(bad, 0u) << host;
      EXPECT_TRUE(flow.bed.is_free()) << host;
      flow.run(seconds(110));
      EXPECT_EQ(flow.bed.exchange.census()[Census::reaping], 0u) << host;
      // Advisory 46: after each a new call works.
      flow.forget();
      flow.b.contact.clear();
      flow.a.invite("2000", phone_sdp(4000));
      flow.run();
      EXPECT_TRUE(flow.b.has("INVITE")) << host;
    }
  }
}

// ---- what the parser says, as it is heard outside (R3.1 to R3.3, R3.9, R3.15)

std::string options(const std::string& start_line, const std::string& lines = {},
                    const std::string& via = "192.0.2.10") {
  static int number = 0;
  return start_line + "\r\nVia: SIP/2.0/UDP " + via + ";branch=z9hG4bK-w" + std::to_string(++number) +
         ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:192.0.2.1>\r\nCall-ID: w\r\nCSeq: 1 "
         "OPTIONS\r\n" +
         lines + "\r\n";
}

struct Said {
  std::string text;
  const char* heard;
  sip::SipDrop counted = sip::SipDrop::kCount;  // of what is dropped
};

TEST(OnTheWire, R3_1R3_2R3_3R3_15ADatagramIsAnsweredOrDroppedAndCounted) {
  std::string nameless = options("OPTIONS  sip:192.0.2.1 SIP/2.0");
  nameless.erase(nameless.find("Call-ID"), std::string_view("Call-ID: w\r\n").size());
  const Said rows[] = {
      {options("OPTIONS sip:192.0.2.1 SIP/2.0"), "200 OPTIONS"},
      {options("OPTIONS sip:192.0.2.1 sip/2.0"), "200 OPTIONS"},
      {options("OPTIONS  sip:192.0.2.1 SIP/2.0"), "400 OPTIONS"},
      {options("OPTIONS sip:192.0.2.1 SIP/2.0 "), "400 OPTIONS"},
      {options("OPTIONS <sip:192.0.2.1> SIP/2.0"), "400 OPTIONS"},
      {options("OPTIONS http://192.0.2.1 SIP/2.0"), "416 OPTIONS"},
      {options("OPTIONS sip:192.0.2.1 SIP/3.0"), "505 OPTIONS"},
      {options("OPTIONS sip:192.0.2.1 SIP/2.0", "Content-Length: 5\r\nContent-Type: a/b\r\n") + "four", "400 OPTIONS"},
      {options("OPTIONS sip:192.0.2.1 SIP/2.0", "Content-Length: 4\r\nContent-Type: a/b\r\n") + "four and a tail",
       "200 OPTIONS"},
      {nameless, "", sip::SipDrop::malformed},
      {options("SIP/2.0 099 Below"), "", sip::SipDrop::malformed},
      {options("SIP/2.0 20 OK"), "", sip::SipDrop::malformed},
      {options("OPTIONS sip:192.0.2.1 HTTP/1.1"), "", sip::SipDrop::not_sip},
      {options("GET / HTTP/1.1"), "", sip::SipDrop::not_sip},
  };
  for (const Said& row : rows) {
    Flow flow;
    flow.a.send(row.text);
    flow.run();
    EXPECT_EQ(flow.a.log(), row.heard) << row.text;
    const auto& drops = flow.bed.exchange.user_agent().endpoint().drops();
    for (size_t i = 0; i < static_cast<size_t>(sip::SipDrop::kCount); ++i)
      EXPECT_EQ(drops[static_cast<sip::SipDrop>(i)], static_cast<sip::SipDrop>(i) == row.counted) << row.text;
    EXPECT_TRUE(flow.bed.is_empty()) << row.text;
  }
}

TEST(OnTheWire, R3_9ReceivedAndRportAreAddedAndTheAnswerGoesToTheSource) {
  Flow flow;
  flow.a.send(options("OPTIONS sip:192.0.2.1 SIP/2.0", {}, "phone.invalid:7777"));
  flow.run();
  ASSERT_EQ(flow.a.log(), "200 OPTIONS");
  const sip::Via via = flow.a.last("200 OPTIONS").via();
  EXPECT_EQ(via.host, "phone.invalid");
  EXPECT_EQ(via.received, "192.0.2.10");
  EXPECT_EQ(via.rport_value, 5060);
}

TEST(OnTheWire, R3_3R3_15AStreamThatLostItsFrameIsClosed) {
  const Said rows[] = {
      {options("OPTIONS sip:192.0.2.1 SIP/2.0"), "400 OPTIONS"},  // Content-Length is missing
      {options("OPTIONS sip:192.0.2.1 SIP/2.0", "Content-Length: 18446744073709551648\r\n"), "400 OPTIONS"},
      {options("GET / HTTP/1.1"), "", sip::SipDrop::not_sip},
  };
  for (const Said& row : rows) {
    Flow flow;
    flow.a.connect();
    flow.a.send(row.text);
    flow.run();
    EXPECT_EQ(flow.a.log(), row.heard) << row.text;
    EXPECT_FALSE(flow.a.is_connected()) << row.text;
    EXPECT_EQ(flow.bed.host.streams(), 0u);
    if (row.counted != sip::SipDrop::kCount)
      EXPECT_EQ(flow.bed.exchange.user_agent().endpoint().drops()[row.counted], 1u);
  }
}

TEST(OnTheWire, G10AMessageThatDoesNotBecomeWholeIsNotWaitedForWithoutEnd) {
  Flow flow;
  flow.a.connect();
  const std::string text = options("OPTIONS sip:192.0.2.1 SIP/2.0", "Content-Length: 0\r\n");
  flow.a.send(text + text.substr(0, 10));
  for (int i = 0; i < 15; ++i) {  // a drop each second
    flow.run(seconds(1));
    flow.a.send(text.substr(10 + static_cast<size_t>(i), 1));
  }
  EXPECT_EQ(flow.a.log(), "200 OPTIONS");
  EXPECT_TRUE(flow.a.is_connected());
  flow.run(seconds(6));
  EXPECT_FALSE(flow.a.is_connected());
  EXPECT_EQ(flow.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::unfinished], 1u);
  EXPECT_TRUE(flow.bed.is_empty());
  // Whole messages, however many, with pauses between them, are waited for.
  flow.a.connect();
  for (int i = 0; i < 3; ++i) {
    flow.a.send(text.substr(0, 50));
    flow.run(seconds(15));
    flow.a.send(text.substr(50));
    flow.run(seconds(15));
  }
  EXPECT_TRUE(flow.a.is_connected());
  flow.a.host.break_streams();
  flow.run();
  EXPECT_TRUE(flow.bed.is_empty()) << "no timer is left behind";
}

// Trap 20: who is called by name has a signalling address, too.
TEST(OnTheWire, Trap20ACalledTrunkWhoseSdpNamesAHiddenAddressIsHeardFromWhereItSignals) {
  for (const bool early : {false, true}) {
    Flow flow;
    flow.call();
    std::string sdp = phone_sdp(5000);
    while (sdp.find("192.0.2.77") != std::string::npos) sdp.replace(sdp.find("192.0.2.77"), 10, "10.0.0.9");
    flow.b.reply("INVITE", early ? 183 : 200, sdp);
    flow.run();
    const auto* leg = flow.bed.media.find(flow.bed.media.legs()[1]);
    ASSERT_TRUE(leg->rtp);
    EXPECT_EQ(leg->rtp->signalling, kB.ip);
    EXPECT_EQ(leg->rtp->remote.ip, kB.ip);
  }
}

TEST(Hostile, X15OurOwnOverloadIs503WithRetryAfter) {
  Settings settings = bed_settings();
  settings.max_calls = 1;
  Flow flow(settings);
  flow.establish();
  flow.a.invite("2000", phone_sdp(4000));
  flow.run();
  ASSERT_EQ(flow.a.log(), "503 INVITE");
  EXPECT_TRUE(flow.a.last("503 INVITE").has(sip::Header::retry_after));
  EXPECT_EQ(flow.b.log(), "");
}

TEST(Hostile, Advisory8APingIsAnsweredAtALimitedRate) {
  Flow flow;
  SipPeer stranger(flow.world, "stranger", kStranger, kGateway);
  const auto ping = [&] {
    stranger.send(
        "OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.66:5060;branch=" + stranger.new_branch() +
        "\r\nMax-Forwards: 70\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:192.0.2.1>\r\nCall-ID: "
        "ping\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
  };
  for (int i = 0; i < 3000; ++i) ping();
  flow.run();
  EXPECT_EQ(stranger.count("200 OPTIONS"), 50u);
  EXPECT_EQ(flow.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::rate_limited], 2950u);
  flow.run(seconds(1));
  stranger.forget();
  ping();
  flow.run();
  EXPECT_EQ(stranger.log(), "200 OPTIONS");
}

TEST(Hostile, Advisory8AStrangersFloodTakesNoAnswersFromOthers) {
  Flow flow;
  SipPeer other(flow.world, "other", {IpAddress::v4(203, 0, 113, 5), 5060}, kGateway);
  Phone phone(flow.world, "alice", {IpAddress::v4(203, 0, 113, 6), 5060});
  ASSERT_EQ(phone.enroll(), "200 REGISTER");
  SipPeer stream(flow.world, "stream", {IpAddress::v4(203, 0, 113, 7), 5060}, kGateway);
  stream.connect();
  flow.run();
  size_t answers = 0;
  flow.world.tap = [&](const Datagram& sent) { answers += sent.from == kGateway ? 1 : 0; };
  const auto flood = [&](const IpAddress& from) {
    const std::string ping = options("OPTIONS sip:192.0.2.1 SIP/2.0", {}, from.text());
    flow.bed.host.with(
        [&](Pass& pass) { flow.bed.exchange.receive(pass, flow.bed.host.udp_path({from, 5060}), as_bytes(ping)); });
  };
  const auto drops = [&] { return flow.bed.exchange.user_agent().endpoint().drops()[sip::SipDrop::rate_limited]; };
  const auto ping = [&](SipPeer& from) {
    from.forget();
    from.send(options("OPTIONS sip:192.0.2.1 SIP/2.0", "Content-Length: 0\r\n"));
    flow.run(milliseconds(5));
    return from.log();
  };
  // From one address: everybody else has answers.
  for (int i = 0; i < 5000; ++i) flood(kStranger.ip);
  EXPECT_EQ(answers, 50u);
  EXPECT_EQ(drops(), 4950u);
  EXPECT_EQ(ping(other), "200 OPTIONS");
  // From addresses that it invents: strangers have a limit together, whom we know are not among them.
  for (int i = 0; i < 20000; ++i)
    flood(IpAddress::v4(198, 18, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i & 0xff)));
  EXPECT_EQ(answers, 1000u);
  EXPECT_EQ(ping(other), "");
  EXPECT_EQ(ping(phone), "200 OPTIONS") << "registered";
  EXPECT_EQ(ping(stream), "200 OPTIONS") << "its handshake proves its address";
  EXPECT_EQ(ping(flow.a), "200 OPTIONS") << "a trunk";
  // A trunk that is gone from the configuration is a stranger.
  flow.bed.host.with([&](Pass& pass) { flow.bed.exchange.reload(pass, bed_settings().accounts, {}, {}); });
  EXPECT_EQ(ping(flow.a), "");
}

TEST(Hostile, HostsAreComparedAsAddressesToo) {
  TrunkSettings settings;
  settings.name = "six";
  settings.numbers = {"*"};
  settings.host = "2001:db8::1";
  settings.port = 5060;
  settings.user = "us";
  Trunk trunk(settings);
  const OutVerdict verdict = trunk.callout({}, {.to = "1"});
  const auto& target = std::get<SipTarget>(std::get<Mine>(verdict).target);
  EXPECT_EQ(target.request_uri.substr(target.request_uri.find('@') + 1), "[2001:db8::1]:5060");
  EXPECT_EQ(target.credentials[0].host, sip::parse_uri(target.request_uri)->host);

  Settings six = bed_settings();
  six.domain = "2001:db8::5";
  const Registrar registrar(six, Seed::of(1));
  EXPECT_TRUE(registrar.is_own_domain("[2001:db8::5]"));
  EXPECT_TRUE(registrar.is_own_domain("[2001:DB8:0::5]"));
  EXPECT_FALSE(registrar.is_own_domain("[2001:db8::6]"));
}

}  // namespace
}  // namespace isthmus::test
