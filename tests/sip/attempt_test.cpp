// SPDX-License-Identifier: MIT
// Requests of ours whose way is never found: the law of asks (docs/house.md). The asking machine owns the time limit,
// so an edge that never answers a lookup or an open keeps no request, session or timer alive.
#include "sip/attempt.hpp"

#include <gtest/gtest.h>

#include "sip/user_agent.hpp"
#include "tests/support/agent_node.hpp"
#include "tests/support/sip_peer.hpp"

namespace isthmus::sip {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::SipPeer;
using test::World;

const SocketAddress kUs{IpAddress::v4(192, 0, 2, 1), 5060};
const SocketAddress kPeer{IpAddress::v4(192, 0, 2, 2), 5060};
constexpr seconds kLookupLimit{5};
constexpr seconds kOpenLimit{5};

struct Attempts : testing::Test {
  World world;
  test::AgentNode node{kUs};
  test::Host us{world, node, kUs, true};
  SipPeer peer{world, "bob", kPeer, kUs};

  SessionId call(const std::string& uri, std::string body = test::phone_sdp(4000)) {
    SessionId id;
    us.with([&](Pass& pass) {
      InviteSpec spec;
      spec.request_uri = spec.target.uri = uri;
      spec.from = "<sip:alice@192.0.2.1>";
      spec.to = "<sip:bob@192.0.2.2>";
      spec.contact_user = "alice";
      spec.body = std::move(body);
      id = node.machine.invite(pass, std::move(spec), 1);
    });
    return id;
  }
  uint64_t drops(SipDrop reason) const { return node.machine.endpoint().drops()[reason]; }
  template <class A>
  size_t asked() const {
    return static_cast<size_t>(std::count_if(us.executed.begin(), us.executed.end(),
                                             [](const Action& one) { return std::holds_alternative<A>(one); }));
  }
  // A late answer finds nobody, is counted and changes nothing.
  void answer_late(AskId ask, const Answer& reply) {
    const uint64_t before = drops(SipDrop::late_answer);
    us.with([&](Pass& pass) { node.machine.answer(pass, ask, reply); });
    EXPECT_EQ(drops(SipDrop::late_answer), before + 1);
  }
  template <class A>
  AskId first_ask() const {
    for (const Action& one : us.executed) {
      if (const auto* ask = std::get_if<A>(&one)) return ask->ask;
    }
    return {};
  }
  std::string kinds() const {
    std::string out;
    for (const UserAgentEvent& event : node.events) {
      if (event.kind == UserAgentEventKind::failed) out += "failed " + std::to_string(event.status) + " ";
      if (event.kind == UserAgentEventKind::ended) out += "ended " + std::to_string(event.status) + " ";
      if (event.kind == UserAgentEventKind::gone) out += "gone ";
    }
    return out;
  }
};

TEST_F(Attempts, ALookupThatIsNeverAnsweredFailsAtOurOwnLimit) {
  us.answer_asks(false);
  call("sip:bob@far.example");
  world.run_for(kLookupLimit - milliseconds(1));
  EXPECT_EQ(asked<Lookup>(), 1u);
  EXPECT_EQ(drops(SipDrop::unanswered), 0u);
  world.run_for(milliseconds(2));
  EXPECT_EQ(drops(SipDrop::unanswered), 1u);
  EXPECT_EQ(asked<Forget>(), 1u) << "and says that it has lost interest";
  // The service records, then the addresses of the name itself: each has its limit.
  ASSERT_TRUE(world.run_until([&] { return !node.events.empty(); }, seconds(60)));
  EXPECT_EQ(kinds(), "failed 503 gone ");
  EXPECT_EQ(asked<Lookup>(), drops(SipDrop::unanswered));
  EXPECT_TRUE(node.machine.census().empty()) << "no ask, no timer, no session";
  answer_late(first_ask<Lookup>(), Records{});
  EXPECT_TRUE(node.machine.census().empty());
}

TEST_F(Attempts, AConnectionThatNeverComesFailsAtOurOwnLimit) {
  us.answer_asks(false);
  call("sip:bob@192.0.2.2;transport=tcp");
  world.run_for(kOpenLimit - milliseconds(1));
  EXPECT_EQ(kinds(), "");
  world.run_for(milliseconds(2));
  EXPECT_EQ(kinds(), "failed 503 gone ");
  EXPECT_EQ(asked<Open>(), 1u);
  EXPECT_EQ(asked<Forget>(), 1u);
  EXPECT_TRUE(node.machine.census().empty());
  answer_late(first_ask<Open>(), FlowFacts{{{77, 1}, kPeer, kUs}, Protocol::tcp, Framing::stream, false});
}

TEST_F(Attempts, Section18_1_1AStreamForALargeRequestThatNeverComesGivesWayToTheDatagram) {
  us.answer_asks(false);
  call("sip:bob@192.0.2.2", test::phone_sdp(4000) + "a=x:" + std::string(1300, 'x') + "\r\n");
  world.run_for(kOpenLimit - milliseconds(1));
  EXPECT_EQ(peer.log(), "");
  world.run_for(milliseconds(3));
  EXPECT_EQ(peer.log(), "INVITE");
  EXPECT_EQ(peer.last("INVITE").via().transport, "UDP");
}

// With Via and Contact, as it is on the wire: 1300 octets are the most that a datagram takes.
TEST_F(Attempts, Section18_1_1TheWholeMessageIsMeasured) {
  size_t largest_datagram = 0;
  size_t smallest_stream = SIZE_MAX;  // as it would have been in a datagram
  for (size_t pad = 680; pad < 780; ++pad) {
    peer.forget();
    call("sip:bob@192.0.2.2", test::phone_sdp(4000) + "a=x:" + std::string(pad, 'x') + "\r\n");
    ASSERT_TRUE(world.run_until([&] { return peer.has("INVITE"); }));
    const Message& invite = peer.last("INVITE");
    const size_t size = invite.bytes().size();
    if (invite.via().transport == "UDP") {
      largest_datagram = std::max(largest_datagram, size);
    } else {
      smallest_stream = std::min(smallest_stream, size - std::string_view(";transport=tcp").size());
    }
  }
  EXPECT_EQ(largest_datagram, 1300u);
  EXPECT_EQ(smallest_stream, 1301u);
}

TEST_F(Attempts, C28AHangUpDuringALookupForgetsItAtOnce) {
  us.answer_asks(false);
  const SessionId id = call("sip:bob@far.example");
  us.with([&](Pass& pass) { node.machine.end(pass, id, {}); });
  EXPECT_EQ(kinds(), "gone ");
  EXPECT_EQ(asked<Forget>(), 1u);
  EXPECT_TRUE(node.machine.census().empty());
}

// 18.2.2: the response waits for a new connection, which never comes.
TEST_F(Attempts, C26AResponseThatWaitsForAConnectionIsGivenUp) {
  SessionId session;
  node.on_event = [&](Pass& pass, const UserAgentEvent& event) {
    if (event.kind == UserAgentEventKind::request)
      session = node.machine.admit(pass, {.contact_user = "alice", .keep_flow = false, .cookie = 5});
  };
  peer.connect();
  peer.invite("alice", test::phone_sdp(5000));
  world.run_for(milliseconds(10));
  ASSERT_TRUE(session);
  peer.host.break_streams();
  world.run_for(milliseconds(10));
  us.answer_asks(false);
  us.with([&](Pass& pass) { node.machine.accept(pass, session, test::phone_sdp(4000)); });
  world.run_for(kOpenLimit - milliseconds(1));
  EXPECT_EQ(kinds(), "");
  world.run_for(milliseconds(2));
  EXPECT_EQ(drops(SipDrop::undeliverable), 1u);
  ASSERT_TRUE(world.run_until([&] { return node.machine.census().empty(); }, seconds(60)));
  EXPECT_EQ(kinds(), "ended 503 gone ");
}

// RFC 3263 4.3 has no limit for all targets together; we do.
TEST_F(Attempts, AllTargetsTogetherHaveALimit) {
  Records found;
  std::vector<std::unique_ptr<SipPeer>> deaf;
  for (uint8_t i = 0; i < 8; ++i) {
    const IpAddress ip = IpAddress::v4(192, 0, 2, static_cast<uint8_t>(100 + i));
    deaf.push_back(std::make_unique<SipPeer>(world, "deaf", SocketAddress{ip, 5060}, kUs));
    found.list.push_back({RecordType::a, 60, ip, {}, 0, 0, 0, {}});
  }
  us.set_zone("far.example", found);
  call("sip:bob@far.example");
  const TimePoint begun = world.now().steady;
  ASSERT_TRUE(world.run_until([&] { return !node.events.empty(); }, seconds(600)));
  EXPECT_EQ(kinds(), "failed 408 gone ");
  EXPECT_GE(world.now().steady - begun, seconds(96)) << "64*T1 each";
  EXPECT_LE(world.now().steady - begun, seconds(129)) << "the one that was begun before the limit has its time";
  const auto tried =
      std::count_if(deaf.begin(), deaf.end(), [](const auto& one) { return one->count("INVITE") == 7u; });
  EXPECT_EQ(tried, 3);
  EXPECT_TRUE(node.machine.census().empty());
}

TEST_F(Attempts, AnAckWhoseWayIsNeverFoundIsGivenUp) {
  call("sip:bob@192.0.2.2");
  ASSERT_TRUE(world.run_until([&] { return peer.has("INVITE"); }));
  us.answer_asks(false);
  peer.contact = "sip:bob@far.example";
  peer.reply("INVITE", 200, test::phone_sdp(5000));
  world.run_for(seconds(60));
  EXPECT_EQ(node.machine.census()[Census::asks], 0u);
  EXPECT_EQ(drops(SipDrop::undeliverable), 1u);
}

// ---- a CANCEL that an earlier run wrote (G15)

struct LaterRun : test::AgentNode {
  LaterRun() : AgentNode(kUs) {}
  Outbox out;
  void bind(uint32_t flow, const SocketAddress& local) {
    Pass pass{{}, out};
    machine.flow_up(pass, {Path{{flow, 1}, {}, local}, Protocol::udp, Framing::datagram, false});
  }
  // The path of what is sent, if anything is.
  std::optional<Path> call_off(const CallOff& lost) {
    out.actions.clear();
    Pass pass{{}, out};
    machine.call_off(pass, lost);
    if (out.actions.empty()) return std::nullopt;
    const auto& send = std::get<Send>(out.actions.front());
    EXPECT_EQ(as_text(out.view(send.bytes)), lost.cancel);
    return send.path;
  }
  uint64_t drops(SipDrop reason) const { return machine.endpoint().drops()[reason]; }
};

TEST_F(Attempts, G15_TheCancelOfALostInviteGoesFromTheSocketThatHasItsAddress) {
  const SessionId session = call("sip:bob@192.0.2.2");
  world.run_for(milliseconds(5));
  EXPECT_FALSE(node.machine.cancel_of(session)) << "9.1: no 1xx came yet";
  peer.reply("INVITE", 100);
  world.run_for(milliseconds(5));
  const auto lost = node.machine.cancel_of(session);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->remote, kPeer);
  EXPECT_EQ(lost->local, kUs);
  const SocketAddress all{IpAddress::v4(0, 0, 0, 0), 5060};
  const SocketAddress other{IpAddress::v4(192, 0, 2, 9), 5060};
  LaterRun exact, wildcard, elsewhere;
  exact.bind(1, other), exact.bind(2, all), exact.bind(3, kUs);
  EXPECT_EQ(exact.call_off(*lost), (Path{{3, 1}, kPeer, kUs}));
  wildcard.bind(1, other), wildcard.bind(2, all);
  EXPECT_EQ(wildcard.call_off(*lost), (Path{{2, 1}, kPeer, kUs}));
  elsewhere.bind(1, other), elsewhere.bind(2, {all.ip, 5062});
  EXPECT_FALSE(elsewhere.call_off(*lost)) << "the phone's NAT would not let it in";
  EXPECT_EQ(elsewhere.drops(SipDrop::undeliverable), 1u);
  peer.reply("INVITE", 486);
  world.run_for(milliseconds(5));
  EXPECT_FALSE(node.machine.cancel_of(session)) << "it has its final response";
}

TEST_F(Attempts, G15_WhatIsNoCancelOrGoesNowhereIsDropped) {
  const SessionId session = call("sip:bob@192.0.2.2");
  world.run_for(milliseconds(5));
  peer.reply("INVITE", 180);
  world.run_for(milliseconds(5));
  const CallOff good = *node.machine.cancel_of(session);
  LaterRun run;
  run.bind(1, kUs);
  CallOff bad = good;
  bad.cancel.replace(0, 6, "INVITE");
  EXPECT_FALSE(run.call_off(bad));
  bad.cancel = good.cancel;
  bad.cancel.replace(bad.cancel.find("z9hG4bK"), 7, "z8hG4bK");
  EXPECT_FALSE(run.call_off(bad)) << "a branch that we never make";
  bad.cancel = "\r\n";
  EXPECT_FALSE(run.call_off(bad));
  EXPECT_EQ(run.drops(SipDrop::malformed), 3u);
  bad = good;
  bad.remote.ip = IpAddress::v4(255, 255, 255, 255);
  EXPECT_FALSE(run.call_off(bad));
  EXPECT_EQ(run.drops(SipDrop::forbidden_target), 1u);
  EXPECT_TRUE(run.machine.census().empty());
  EXPECT_TRUE(run.call_off(good));
}

}  // namespace
}  // namespace isthmus::sip
