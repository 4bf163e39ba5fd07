// SPDX-License-Identifier: MIT
// The user agent against a scripted peer in virtual time.
#include "sip/user_agent.hpp"

#include <gtest/gtest.h>

#include "tests/support/agent_node.hpp"
#include "tests/support/sip_peer.hpp"

namespace isthmus::sip {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::SipPeer;
using test::World;

static_assert(Machine<UserAgent>);
static_assert(std::is_copy_constructible_v<UserAgent>);

const SocketAddress kUs{IpAddress::v4(192, 0, 2, 1), 5060};
const SocketAddress kPeer{IpAddress::v4(192, 0, 2, 2), 5060};

struct UserAgentTest : testing::Test {
  World world;
  test::AgentNode node{kUs};
  test::Host us{world, node, kUs, true};
  SipPeer peer{world, "bob", kPeer, kUs};

  SessionId call() {
    SessionId id;
    us.with([&](Pass& pass) {
      InviteSpec spec;
      spec.request_uri = "sip:bob@192.0.2.2";
      spec.from = "<sip:alice@192.0.2.1>";
      spec.to = "<sip:bob@192.0.2.2>";
      spec.contact_user = "alice";
      spec.target.uri = spec.request_uri;
      spec.body = test::phone_sdp(4000);
      id = node.machine.invite(pass, spec, 42);
    });
    EXPECT_TRUE(world.run_until([&] { return peer.has("INVITE"); }));
    return id;
  }
  void end(SessionId id, EndReason reason = {}) {
    us.with([&](Pass& pass) { node.machine.end(pass, id, reason); });
  }
  void expect_rest() {
    world.run_for(seconds(140));
    EXPECT_TRUE(node.machine.census().empty());
  }
};

TEST_F(UserAgentTest, ACallOutIsAnsweredAcknowledgedAndEndedByUs) {
  const SessionId id = call();
  peer.reply("INVITE", 180);
  peer.reply("INVITE", 200, test::phone_sdp(5000));
  world.run_for(milliseconds(10));
  EXPECT_EQ(peer.log(), "INVITE, ACK");
  EXPECT_EQ(peer.last("ACK").request_uri(), "sip:bob@192.0.2.2:5060");
  EXPECT_NE(peer.last("ACK").branch(), peer.last("INVITE").branch());
  EXPECT_EQ(node.count(UserAgentEventKind::ringing), 1u);
  EXPECT_EQ(node.count(UserAgentEventKind::answered), 1u);
  end(id);
  world.run_for(milliseconds(10));
  peer.reply("BYE", 200);
  world.run_for(milliseconds(10));
  EXPECT_EQ(node.count(UserAgentEventKind::gone), 1u);
  EXPECT_EQ(node.machine.census()[Census::sessions], 0u);
  expect_rest();
}

TEST_F(UserAgentTest, D2EveryRepeated2xxGetsTheSameAckAndNobodyIsTold) {
  call();
  peer.reply("INVITE", 200, test::phone_sdp(5000));
  world.run_for(milliseconds(10));
  peer.reply("INVITE", 200, test::phone_sdp(5000));
  world.run_for(milliseconds(10));
  EXPECT_EQ(peer.log(), "INVITE, ACK, ACK");
  EXPECT_EQ(peer.heard[1].message.bytes(), peer.heard[2].message.bytes());
  EXPECT_EQ(node.count(UserAgentEventKind::answered), 1u);
}

TEST_F(UserAgentTest, ACallInIsAdmittedRungAnsweredAndEndedByThePeer) {
  node.on_event = [&](Pass& pass, const UserAgentEvent& event) {
    if (event.kind != UserAgentEventKind::request) return;
    const SessionId id = node.machine.admit(pass, {.contact_user = "alice", .keep_flow = true, .cookie = 5});
    node.machine.ring(pass, id, 180);
    node.machine.accept(pass, id, test::phone_sdp(4000));
  };
  peer.invite("alice", test::phone_sdp(5000));
  world.run_for(milliseconds(10));
  EXPECT_EQ(peer.log(), "100 INVITE, 180 INVITE, 200 INVITE");
  EXPECT_EQ(peer.last("180 INVITE").to_tag(), peer.last("200 INVITE").to_tag());
  peer.ack();
  world.run_for(milliseconds(10));
  EXPECT_EQ(node.count(UserAgentEventKind::confirmed), 1u);
  peer.request("BYE");
  world.run_for(milliseconds(10));
  EXPECT_EQ(peer.log(), "100 INVITE, 180 INVITE, 200 INVITE, 200 BYE");
  EXPECT_EQ(node.count(UserAgentEventKind::ended), 1u);
  EXPECT_EQ(node.count(UserAgentEventKind::gone), 1u);
  expect_rest();
}

TEST_F(UserAgentTest, C2CancelWaitsForTheFirstProvisional) {
  const SessionId id = call();
  end(id);
  world.run_for(milliseconds(100));
  EXPECT_EQ(peer.count("CANCEL"), 0u);
  peer.reply("INVITE", 100);
  world.run_for(milliseconds(10));
  ASSERT_EQ(peer.count("CANCEL"), 1u);
  EXPECT_EQ(peer.last("CANCEL").branch(), peer.last("INVITE").branch());
  peer.reply("CANCEL", 200);
  peer.reply("INVITE", 487);
  world.run_for(milliseconds(10));
  EXPECT_EQ(peer.log(), "INVITE, CANCEL, ACK");
  EXPECT_EQ(node.count(UserAgentEventKind::gone), 1u);
  expect_rest();
}

TEST_F(UserAgentTest, ATcpTargetIsConnectedAndServesTheDialog) {
  us.with([&](Pass& pass) {
    InviteSpec spec;
    spec.request_uri = "sip:bob@192.0.2.2;transport=tcp";
    spec.from = "<sip:alice@192.0.2.1>";
    spec.to = "<sip:bob@192.0.2.2>";
    spec.contact_user = "alice";
    spec.target.uri = spec.request_uri;
    node.machine.invite(pass, spec, 1);
  });
  ASSERT_TRUE(world.run_until([&] { return peer.has("INVITE"); }));
  EXPECT_EQ(peer.last("INVITE").via().transport, "TCP");
  EXPECT_EQ(peer.last("INVITE").contact()->uri, "sip:alice@192.0.2.1:5060;transport=tcp");
  peer.reply("INVITE", 486);
  world.run_for(milliseconds(10));
  EXPECT_EQ(peer.log(), "INVITE, ACK");
  EXPECT_EQ(node.count(UserAgentEventKind::failed), 1u);
  expect_rest();
}

TEST_F(UserAgentTest, ARequestOfNoDialogGets481AndOptionsGets200) {
  peer.invite("x");  // for identifiers only
  peer.forget();
  peer.call.remote_tag = "nobody";
  peer.request("BYE");
  world.run_for(milliseconds(10));
  EXPECT_EQ(peer.log(), "481 BYE");
  peer.send(
      "OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-o\r\nFrom: "
      "<sip:b@x>;tag=1\r\nTo: <sip:192.0.2.1>\r\n"
      "Call-ID: o\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\nContent-Length: 0\r\n\r\n");
  world.run_for(milliseconds(10));
  EXPECT_TRUE(peer.last("200 OPTIONS").has(Header::allow));
}

TEST_F(UserAgentTest, ARegistrationIsRefreshedAndWithdrawn) {
  RegistrationId id;
  us.with([&](Pass& pass) {
    RegistrationSpec spec;
    spec.registrar = "sip:192.0.2.2";
    spec.address = "<sip:alice@192.0.2.2>";
    spec.contact_user = "alice";
    spec.target.uri = "sip:192.0.2.2";
    spec.expires = seconds(100);
    id = node.machine.enroll(pass, spec);
  });
  ASSERT_TRUE(world.run_until([&] { return peer.has("REGISTER"); }));
  peer.reply("REGISTER", 423, {}, "Min-Expires: 200\r\n");
  world.run_for(milliseconds(10));
  ASSERT_EQ(peer.count("REGISTER"), 2u);
  EXPECT_EQ(peer.last("REGISTER").expires(), 200u);
  EXPECT_EQ(peer.heard[0].message.call_id(), peer.heard[1].message.call_id());
  EXPECT_EQ(peer.heard[0].message.cseq().number + 1, peer.heard[1].message.cseq().number);
  peer.reply("REGISTER", 200, {}, "Expires: 200\r\n");
  world.run_for(milliseconds(120010));
  EXPECT_EQ(peer.count("REGISTER"), 3u);
  peer.reply("REGISTER", 200, {}, "Expires: 200\r\n");
  world.run_for(milliseconds(10));
  us.with([&](Pass& pass) { node.machine.withdraw(pass, id); });
  world.run_for(milliseconds(10));
  EXPECT_EQ(peer.last("REGISTER").expires(), 0u);
  peer.reply("REGISTER", 200);
  expect_rest();
}

}  // namespace
}  // namespace isthmus::sip
