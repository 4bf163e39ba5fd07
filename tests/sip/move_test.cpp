// SPDX-License-Identifier: MIT
// Requests of ours that run while their peer's way changes (R1.33): a NAT gave a phone another mapping, or a connection
// was lost. CANCEL, the ACK of a 3xx-6xx and repeats follow, with the Via of the request (RFC 3261 9.1, 17.1.1.3).
#include <gtest/gtest.h>

#include "sip/user_agent.hpp"
#include "tests/support/agent_node.hpp"
#include "tests/support/sip_peer.hpp"

namespace isthmus::sip {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Moves : testing::Test {
  const SocketAddress us_at{IpAddress::v4(192, 0, 2, 1), 5060};
  const SocketAddress old_at{IpAddress::v4(192, 0, 2, 2), 5060};
  const SocketAddress new_at{IpAddress::v4(203, 0, 113, 7), 7777};
  test::World world;
  test::AgentNode node{us_at};
  test::Host us{world, node, us_at, true};
  test::SipPeer peer{world, "bob", old_at, us_at};
  test::SipPeer moved{world, "bob", new_at, us_at};  // the same phone
  SessionId session;

  // Rings at the kept path, or at a URI.
  void ring(const std::optional<Path>& path, const std::string& uri = "sip:bob@192.0.2.2") {
    us.with([&](Pass& pass) {
      InviteSpec spec;
      spec.request_uri = uri;
      spec.from = "<sip:alice@192.0.2.1>";
      spec.to = "<sip:bob@192.0.2.2>";
      spec.contact_user = "alice";
      spec.keep_flow = path.has_value();
      spec.target = {path, path ? std::string() : uri};
      spec.body = test::phone_sdp(4000);
      session = node.machine.invite(pass, std::move(spec), 1);
    });
    ASSERT_TRUE(world.run_until([&] { return peer.has("INVITE"); }));
    peer.reply("INVITE", 180);
    run();
  }
  void run(Duration time = milliseconds(5)) { world.run_for(time); }
  void end() {
    us.with([&](Pass& pass) { node.machine.end(pass, session, {}); });
    run();
  }
  void move(const Path& path) {
    us.with([&](Pass& pass) { node.machine.move_flow(pass, session, path); });
    run();
  }
  // The path of the connection that this peer has made.
  Path connection_of(test::SipPeer& from) {
    from.connect();
    from.send("OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=" + from.new_branch() +
              "\r\nFrom: <sip:b@x>;tag=1\r\nTo: <sip:192.0.2.1>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: "
              "70\r\nContent-Length: 0\r\n\r\n");
    run();
    from.forget();
    return node.machine.path();
  }
  // `moved` remembers the INVITE and answers it by its own way.
  void remember_invite(const std::optional<Path>& way = {}) {
    test::SipPeer::Heard invite = peer.last_heard("INVITE");
    invite.path = way ? *way : moved.host.udp_path(us_at);
    moved.heard.push_front(std::move(invite));
  }
  static std::string top_via(const Message& message) { return std::string(message.via().text); }
  void expect_rest() {
    run(seconds(110));
    EXPECT_TRUE(node.machine.census().empty());
    EXPECT_EQ(node.machine.forced_removals(), 0u);
    EXPECT_EQ(node.count(UserAgentEventKind::gone), 1u);
  }
};

TEST_F(Moves, R1_33TheCancelAndTheAckOfThe487GoToTheNewMapping) {
  ring(us.udp_path(old_at));
  move(us.udp_path(new_at));
  end();
  ASSERT_EQ(moved.log(), "CANCEL") << "at once";
  EXPECT_EQ(peer.log(), "INVITE");
  EXPECT_EQ(top_via(moved.last("CANCEL")), top_via(peer.last("INVITE")));
  moved.reply("CANCEL", 200);
  remember_invite();
  moved.reply("INVITE", 487);
  run();
  ASSERT_EQ(moved.log(), "INVITE, CANCEL, ACK");
  EXPECT_EQ(moved.last("ACK").branch(), peer.last("INVITE").branch());
  EXPECT_EQ(peer.log(), "INVITE");
  moved.reply("INVITE", 487);
  run();
  EXPECT_EQ(moved.log(), "INVITE, CANCEL, ACK, ACK") << "our ACK was lost";
  expect_rest();
}

TEST_F(Moves, R1_33ACancelThatIsOnItsWayFollows) {
  ring(us.udp_path(old_at));
  end();
  EXPECT_EQ(peer.log(), "INVITE, CANCEL");
  move(us.udp_path(new_at));
  run(seconds(1));
  EXPECT_EQ(peer.log(), "INVITE, CANCEL");
  EXPECT_GE(moved.count("CANCEL"), 1u) << "the repeat of timer E";
  moved.reply("CANCEL", 200);
  remember_invite();
  moved.reply("INVITE", 487);
  run();
  EXPECT_EQ(moved.count("ACK"), 1u);
  expect_rest();
}

TEST_F(Moves, R1_33TheByeOnItsWayFollows) {
  ring(us.udp_path(old_at));
  peer.reply("INVITE", 200, test::phone_sdp(5000));
  run();
  end();
  EXPECT_EQ(peer.log(), "INVITE, ACK, BYE");
  move(us.udp_path(new_at));
  run(seconds(1));
  EXPECT_EQ(peer.log(), "INVITE, ACK, BYE");
  EXPECT_GE(moved.count("BYE"), 1u);
  moved.reply("BYE", 200);
  run();
  expect_rest();
}

TEST_F(Moves, R1_33ALostConnectionIsReplacedByTheOneThatThePhoneMakes) {
  for (const bool hangs_up_first : {false, true}) {
    peer.forget(), moved.forget();
    node.events.clear();
    ring(connection_of(peer));
    peer.host.break_streams();
    run(seconds(1));
    EXPECT_EQ(node.count(UserAgentEventKind::failed), 0u) << "it rings on";
    if (hangs_up_first) {
      end();
      run(seconds(6));  // longer than the fast abort
    }
    const Path fresh = connection_of(moved);
    move(fresh);
    if (!hangs_up_first) end();
    ASSERT_EQ(moved.log(), "CANCEL") << hangs_up_first;
    EXPECT_TRUE(moved.is_connected());
    EXPECT_EQ(top_via(moved.last("CANCEL")), top_via(peer.last("INVITE")));
    moved.reply("CANCEL", 200);
    remember_invite(moved.last_heard("CANCEL").path);
    moved.reply("INVITE", 487);
    run();
    EXPECT_EQ(moved.log(), "INVITE, CANCEL, ACK");
    EXPECT_EQ(peer.log(), "INVITE");
    expect_rest();
    moved.host.break_streams();
    run();
  }
}

// ---- a connection that we have made (a trunk)

struct Trunks : Moves {
  size_t opens() const {
    return static_cast<size_t>(
        std::ranges::count_if(us.executed, [](const Action& one) { return std::holds_alternative<Open>(one); }));
  }
  void ring_and_lose_the_connection() {
    ring({}, "sip:bob@192.0.2.2;transport=tcp");
    EXPECT_EQ(opens(), 1u);
    us.break_streams();
    run(seconds(1));
    EXPECT_EQ(node.count(UserAgentEventKind::failed), 0u);
    EXPECT_EQ(opens(), 1u) << "not before there is something to say";
  }
};

TEST_F(Trunks, TheCancelGetsANewConnection) {
  ring_and_lose_the_connection();
  end();
  ASSERT_EQ(peer.log(), "INVITE, CANCEL");
  EXPECT_EQ(opens(), 2u);
  EXPECT_EQ(top_via(peer.last("CANCEL")), top_via(peer.last("INVITE")));
  const Path fresh = peer.last_heard("CANCEL").path;
  EXPECT_NE(fresh.flow, peer.last_heard("INVITE").path.flow);
  peer.reply("CANCEL", 200);
  peer.heard.front().path = fresh;
  peer.reply("INVITE", 487);
  run();
  EXPECT_EQ(peer.log(), "INVITE, CANCEL, ACK");
  EXPECT_EQ(peer.last_heard("ACK").path.flow, fresh.flow);
  expect_rest();
}

TEST_F(Trunks, AConnectionThatIsRefusedLeavesTheFastAbort) {
  ring_and_lose_the_connection();
  peer.host.refuse_streams(true);
  end();
  EXPECT_EQ(peer.log(), "INVITE");
  EXPECT_EQ(opens(), 2u);
  peer.host.refuse_streams(false);
  peer.contact = "sip:bob@192.0.2.2";
  run(seconds(3));
  EXPECT_EQ(peer.log(), "INVITE");
  run(milliseconds(1200));
  EXPECT_EQ(peer.log(), "INVITE, BYE") << "R1.27, as if the CANCEL had never been answered";
  peer.reply("BYE", 200);
  expect_rest();
}

TEST_F(Trunks, AConnectionThatNeverComesIsForgotten) {
  ring_and_lose_the_connection();
  us.answer_asks(false);
  end();
  EXPECT_EQ(opens(), 2u);
  EXPECT_TRUE(node.machine.census().no_live()) << "what waits for a connection lingers, its user is gone (R1.26)";
  // The peer answers all the same, by a connection of its own: its 487 is acknowledged there and nothing is waited for.
  const Path back = connection_of(moved);
  EXPECT_TRUE(back.flow);
  moved.heard.push_front(peer.last_heard("INVITE"));
  test::SipPeer::Heard& invite = moved.heard.front();
  std::string refusal = "SIP/2.0 487 Request Terminated\r\nVia: " + top_via(invite.message) +
                        "\r\nFrom: " + std::string(*invite.message.header(Header::from)) +
                        "\r\nTo: " + std::string(*invite.message.header(Header::to)) +
                        ";tag=peer-tag\r\nCall-ID: " + std::string(invite.message.call_id()) +
                        "\r\nCSeq: " + std::string(*invite.message.header(Header::cseq)) +
                        "\r\nContent-Length: 0\r\n\r\n";
  moved.send(refusal);
  run();
  EXPECT_EQ(moved.log(), "INVITE, ACK");
  EXPECT_EQ(std::ranges::count_if(us.executed, [](const Action& one) { return std::holds_alternative<Forget>(one); }),
            1);
  EXPECT_EQ(node.count(UserAgentEventKind::gone), 1u);
  expect_rest();
}

}  // namespace
}  // namespace isthmus::sip
