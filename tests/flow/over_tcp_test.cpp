// SPDX-License-Identifier: MIT
// Rows of the race table over TCP, message by message: no request and no 3xx-6xx is repeated, only the 2xx is
// (RFC 3261 13.3.1.4, 17).
#include <gtest/gtest.h>

#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::seconds;

Settings by_tcp() {
  Settings settings = bed_settings();
  settings.ring_limit = seconds(40);
  for (TrunkSettings& trunk : settings.trunks) trunk.transport = "tcp";
  return settings;
}

struct Streams : Flow {
  Streams() : Flow(by_tcp()) {
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
