// SPDX-License-Identifier: MIT
// Registrations: the gateway as registrar (R1.17, R1.18, R4.7), phones behind NAT reached by their flow (R1.33), and
// our own client side registered at it (RFC 3261 section 10).
#include <gtest/gtest.h>

#include "tests/support/auto_agent.hpp"
#include "tests/support/phone.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Registered : Flow {
  Phone phone{world, "alice", kStranger};

  const std::vector<Binding>* bindings() const { return bed.exchange.registrar().bindings("alice"); }
  size_t count() const { return bindings() == nullptr ? 0 : bindings()->size(); }
  uint64_t granted() const {
    const auto left = bindings()->back().expires - world.now().steady;
    return static_cast<uint64_t>(std::chrono::round<seconds>(left).count());
  }
};

TEST(Registrar, R1_17TheFirstRegisterIsChallengedAndTheSecondBinds) {
  Registered flow;
  flow.phone.send_register("Contact: <sip:alice@198.51.100.66:5060>\r\n");
  ASSERT_EQ(flow.phone.log(), "401 REGISTER");
  EXPECT_EQ(flow.count(), 0u);
  const sip::Message challenged = flow.phone.heard.back().message;
  EXPECT_NE(challenged.to_tag(), "") << "X12";
  flow.phone.send_register(flow.phone.secret.line(challenged, "REGISTER", "sip:192.0.2.1") +
                           "Contact: <sip:alice@198.51.100.66:5060>\r\nUser-Agent: test phone\r\nExpires: 600\r\n");
  ASSERT_EQ(flow.phone.log(), "401 REGISTER, 200 REGISTER");
  const sip::Message& done = flow.phone.last("200 REGISTER");
  EXPECT_NE(done.to_tag(), "");
  EXPECT_NE(done.header(sip::Header::contact)->find("<sip:alice@198.51.100.66:5060>;expires=600"),
            std::string_view::npos);
  ASSERT_EQ(flow.count(), 1u);
  const Binding& binding = flow.bindings()->front();  // R4.7
  EXPECT_EQ(binding.contact, "sip:alice@198.51.100.66:5060");
  EXPECT_EQ(binding.user_agent, "test phone");
  EXPECT_EQ(binding.path.remote, kStranger);
  EXPECT_EQ(binding.call_id, "registration-alice");
  flow.run(seconds(601));
  EXPECT_EQ(flow.count(), 0u) << "gone after expiry";
  EXPECT_TRUE(flow.bed.is_empty());
}

// SIGHUP took the account away, then brought it back with another password.
TEST(Registrar, R4_7AnAccountThatIsGoneTakesItsBindingsWithIt) {
  Registered flow;
  flow.phone.enroll();
  ASSERT_EQ(flow.count(), 1u);
  const Settings settings = bed_settings();
  const auto reload = [&](const std::vector<Account>& accounts) {
    flow.bed.host.with([&](Pass& pass) { flow.bed.exchange.reload(pass, accounts, {}, settings.trunks); });
  };
  reload(settings.accounts);
  EXPECT_EQ(flow.count(), 1u) << "who stays keeps its phones";
  reload({settings.accounts.back()});
  EXPECT_EQ(flow.count(), 0u);
  EXPECT_EQ(flow.phone.enroll(), "401 REGISTER") << "like a wrong password";
  reload(settings.accounts);
  EXPECT_EQ(flow.phone.enroll(), "200 REGISTER");
}

TEST(Registrar, R1_4AStreamIsBelievedOnlyAsLongAsTheSecretIsTheSame) {
  Registered flow;
  flow.phone.connect();
  flow.phone.enroll();
  ASSERT_EQ(flow.phone.heard.back().line, "200 REGISTER");
  flow.phone.send_register("Contact: <" + flow.phone.own_contact() + ">\r\n");
  ASSERT_EQ(flow.phone.heard.back().line, "200 REGISTER") << "the stream has proved itself";
  const Settings settings = bed_settings();
  std::vector<Account> accounts = settings.accounts;
  accounts.front().secret = accounts.back().secret;
  flow.bed.host.with([&](Pass& pass) { flow.bed.exchange.reload(pass, accounts, {}, settings.trunks); });
  flow.phone.send_register("Contact: <" + flow.phone.own_contact() + ">\r\n");
  EXPECT_EQ(flow.phone.heard.back().line, "401 REGISTER");
}

TEST(Registrar, R1_17OnlyOnesOwnAddressOfRecord) {
  Registered flow;
  flow.phone.enroll();
  flow.phone.secret = DigestUser{"bob"};
  EXPECT_EQ(flow.phone.enroll(), "403 REGISTER") << "bob's credentials for alice's address";
  EXPECT_EQ(flow.count(), 1u);
}

TEST(Registrar, R1_18IntervalsTooBrief) {
  Registered flow;
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@198.51.100.66>\r\nExpires: 59\r\n"), "423 REGISTER");
  EXPECT_EQ(flow.phone.last("423 REGISTER").header(sip::Header::min_expires), "60");
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@198.51.100.66>;expires=59\r\nExpires: 600\r\n"), "423 REGISTER");
  EXPECT_EQ(flow.count(), 0u);
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@198.51.100.66>\r\nExpires: 60\r\n"), "200 REGISTER");
  EXPECT_EQ(flow.granted(), 60u);
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@198.51.100.66>\r\nExpires: 99999999\r\n"), "200 REGISTER");
  EXPECT_EQ(flow.granted(), 3600u) << "shortened";
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@198.51.100.66>\r\n"), "200 REGISTER");
  EXPECT_EQ(flow.granted(), 3600u) << "our default";
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@198.51.100.66>\r\nExpires: 0\r\n"), "200 REGISTER");
  EXPECT_EQ(flow.count(), 0u);
}

TEST(Registrar, R1_18TheStarStandsAloneAndWithExpiresZero) {
  Registered flow;
  flow.phone.enroll("Contact: <sip:a@198.51.100.66>, <sip:b@198.51.100.66>\r\nExpires: 600\r\n");
  ASSERT_EQ(flow.count(), 2u);
  EXPECT_EQ(flow.phone.enroll("Contact: *\r\nExpires: 600\r\n"), "400 REGISTER");
  EXPECT_EQ(flow.phone.enroll("Contact: *\r\n"), "400 REGISTER");
  EXPECT_EQ(flow.phone.enroll("Contact: *\r\nContact: <sip:a@198.51.100.66>\r\nExpires: 0\r\n"), "400 REGISTER");
  EXPECT_EQ(flow.count(), 2u);
  EXPECT_EQ(flow.phone.enroll("Contact: *\r\nExpires: 0\r\n"), "200 REGISTER");
  EXPECT_EQ(flow.count(), 0u);
  EXPECT_FALSE(flow.phone.last("200 REGISTER").has(sip::Header::contact));
}

TEST(Registrar, R1_18ARegisterWithoutContactAsksOnly) {
  Registered flow;
  EXPECT_EQ(flow.phone.enroll(""), "200 REGISTER");
  EXPECT_EQ(flow.count(), 0u);
  EXPECT_TRUE(flow.bed.exchange.registrar().all_bindings().empty());
  flow.phone.enroll();
  EXPECT_EQ(flow.phone.enroll(""), "200 REGISTER");
  EXPECT_TRUE(flow.phone.last("200 REGISTER").has(sip::Header::contact));
  EXPECT_EQ(flow.count(), 1u);
}

TEST(Registrar, R1_18AnOldCSeqOfTheSameCallIdIs500AndAnotherCallIdUpdates) {
  Registered flow;
  flow.phone.register_cseq = 100;
  flow.phone.enroll();
  flow.phone.register_cseq = 50;
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:alice@198.51.100.66:5060>\r\nExpires: 0\r\n"), "500 REGISTER");
  EXPECT_EQ(flow.count(), 1u) << "the binding is left";
  flow.phone.registration = "rebooted";
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:alice@198.51.100.66:5060>\r\nExpires: 700\r\n"), "200 REGISTER");
  EXPECT_EQ(flow.count(), 1u);
  EXPECT_EQ(flow.granted(), 700u);
}

TEST(Registrar, R1_18AllOrNothing) {
  Registered flow;
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@198.51.100.66>;expires=600, <sip:b@198.51.100.66>;expires=5\r\n"),
            "423 REGISTER");
  EXPECT_EQ(flow.count(), 0u);
  EXPECT_EQ(flow.phone.enroll("Contact: <sip:a@198.51.100.66>\r\nContact: <mailto:x@y>\r\nExpires: 600\r\n"),
            "400 REGISTER");
  EXPECT_EQ(flow.count(), 0u);
}

TEST(Registrar, R1_18SeveralPhonesOfOneAccountLiveSideBySide) {
  Registered flow;
  Phone second(flow.world, "alice", {IpAddress::v4(203, 0, 113, 9), 6060});
  second.registration = "another";
  EXPECT_EQ(flow.phone.enroll(), "200 REGISTER");
  EXPECT_EQ(second.enroll(), "200 REGISTER");
  EXPECT_EQ(flow.count(), 2u);
  std::string many;
  for (int i = 0; i < 8; ++i) many += "Contact: <sip:n" + std::to_string(i) + "@203.0.113.9>\r\n";
  EXPECT_EQ(second.enroll(many + "Expires: 600\r\n"), "403 REGISTER") << "the limit of one account";
  EXPECT_EQ(flow.count(), 2u);
}

TEST(Registrar, R1_18TheSameInstanceReplacesItsBinding) {
  Registered flow;
  const std::string id = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1";
  flow.phone.enroll("Contact: <sip:a@198.51.100.66:1>" + id + "\r\nExpires: 600\r\n");
  flow.phone.enroll("Contact: <sip:a@198.51.100.66:2>" + id + "\r\nExpires: 600\r\n");
  ASSERT_EQ(flow.count(), 1u);
  EXPECT_EQ(flow.bindings()->front().contact, "sip:a@198.51.100.66:2");
}

// ---- R1.33

struct BehindNat : Registered {
  BehindNat() { phone.contact = "sip:alice@10.0.0.5:5062"; }  // what the phone believes; the NAT shows kStranger

  void ring_alice() {
    a.invite("alice", phone_sdp(4000));
    run();
  }
};

TEST(Nat, R1_33ARegisteredPhoneIsReachedByItsFlow) {
  BehindNat flow;
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.ring_alice();
  ASSERT_TRUE(flow.phone.has("INVITE"));
  const sip::Message& invite = flow.phone.last("INVITE");
  EXPECT_EQ(invite.request_uri(), "sip:alice@10.0.0.5:5062") << "Contact unchanged";
  EXPECT_EQ(invite.to().uri, "sip:alice@192.0.2.1") << "its address of record";
  flow.phone.reply("INVITE", 180);
  flow.phone.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  ASSERT_TRUE(flow.phone.has("ACK"));
  EXPECT_EQ(flow.phone.last("ACK").request_uri(), "sip:alice@10.0.0.5:5062");
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  ASSERT_TRUE(flow.phone.has("BYE"));
  EXPECT_EQ(flow.phone.last("BYE").request_uri(), "sip:alice@10.0.0.5:5062");
  flow.phone.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(Nat, R1_33ThePhoneHangsUp) {
  BehindNat flow;
  flow.phone.enroll();
  flow.ring_alice();
  flow.phone.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.ack();
  flow.phone.request("BYE");
  flow.run();
  EXPECT_TRUE(flow.phone.has("200 BYE")) << "its flow is known: no challenge";
  flow.a.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(Nat, R1_33AnUnregisteredCallerIsReachedByItsFlowToo) {
  BehindNat flow;
  flow.phone.place("2000", phone_sdp(4000));
  flow.b.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.phone.ack();
  flow.run();
  flow.b.request("BYE");
  flow.run();
  ASSERT_TRUE(flow.phone.has("BYE"));
  EXPECT_EQ(flow.phone.last("BYE").request_uri(), "sip:alice@10.0.0.5:5062");
  flow.phone.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(Nat, R1_33TheFlowIsKeptAliveEvery25SecondsWhileItIsBound) {
  BehindNat flow;
  std::vector<TimePoint> pings;
  flow.world.tap = [&](const Datagram& one) {
    if (one.from == kGateway && one.to == kStranger && one.bytes == "\r\n\r\n")
      pings.push_back(flow.world.now().steady);
  };
  flow.phone.enroll("Contact: <sip:alice@10.0.0.5:5062>\r\nExpires: 120\r\n");
  flow.run(seconds(119));
  ASSERT_EQ(pings.size(), 4u);
  for (size_t i = 1; i < pings.size(); ++i) EXPECT_EQ(pings[i] - pings[i - 1], Duration(seconds(25)));
  flow.run(seconds(100));
  EXPECT_EQ(pings.size(), 4u) << "expired";
}

TEST(Nat, R1_33TheFlowMovesOnlyWithAnAuthenticatedRegister) {
  BehindNat flow;
  flow.phone.enroll();
  Phone thief(flow.world, "alice", {IpAddress::v4(203, 0, 113, 66), 6666});
  thief.contact = flow.phone.contact;
  thief.register_cseq = 20;
  thief.send_register("Contact: <sip:alice@10.0.0.5:5062>\r\n");
  EXPECT_EQ(thief.log(), "401 REGISTER");
  thief.secret.password = "guess";
  EXPECT_EQ(thief.enroll(), "401 REGISTER");
  flow.ring_alice();
  EXPECT_TRUE(flow.phone.has("INVITE"));
  EXPECT_FALSE(thief.has("INVITE"));
  flow.phone.reply("INVITE", 486);
  flow.run();

  Phone moved(flow.world, "alice", {IpAddress::v4(203, 0, 113, 7), 7777});  // the NAT has a new mapping
  moved.contact = flow.phone.contact;
  moved.register_cseq = 50;
  ASSERT_EQ(moved.enroll(), "200 REGISTER");
  EXPECT_EQ(flow.count(), 1u);
  flow.phone.forget();
  flow.ring_alice();
  EXPECT_TRUE(moved.has("INVITE"));
  EXPECT_FALSE(flow.phone.has("INVITE"));
}

TEST(Nat, R1_33ARunningCallFollowsItsPhone) {
  BehindNat flow;
  flow.phone.enroll();
  flow.ring_alice();
  flow.phone.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.ack();
  flow.run();
  Phone moved(flow.world, "alice", {IpAddress::v4(203, 0, 113, 7), 7777});
  moved.contact = flow.phone.contact;
  moved.register_cseq = 50;
  ASSERT_EQ(moved.enroll(), "200 REGISTER");
  flow.a.request("BYE");
  flow.run();
  ASSERT_TRUE(moved.has("BYE"));
  EXPECT_FALSE(flow.phone.has("BYE"));
  moved.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

// A phone on a stream loses its connection during a call, comes back and registers again: BYE goes by the new one.
TEST(Nat, R1_33AReconnectedPhoneIsReachedByItsNewStream) {
  BehindNat flow;
  flow.phone.contact += ";transport=tcp";
  flow.phone.connect();
  flow.phone.enroll();
  flow.ring_alice();
  ASSERT_TRUE(flow.phone.has("INVITE"));
  flow.phone.reply("INVITE", 200, phone_sdp(5000));
  flow.run();
  flow.a.ack();
  flow.run();
  flow.phone.host.break_streams();
  flow.run();
  EXPECT_EQ(flow.bed.last().state, CallState::confirmed) << "dialogs do not belong to connections";
  flow.phone.connect();
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.phone.forget();
  flow.a.request("BYE");
  flow.run();
  ASSERT_TRUE(flow.phone.has("BYE"));
  flow.phone.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

// Two accounts on one stream, a third phone elsewhere: what the stream carried is forgotten with it, nothing else.
TEST(Registrar, R1_33AStreamThatEndsTakesItsOwnBindingsOnly) {
  Registered flow;
  flow.phone.connect();
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.phone.user = "bob";
  flow.phone.secret.user = "bob";
  flow.phone.registration = "registration-bob";
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  Phone second(flow.world, "alice", {IpAddress::v4(203, 0, 113, 9), 6060});
  second.registration = "another";
  ASSERT_EQ(second.enroll(), "200 REGISTER");
  ASSERT_EQ(flow.count(), 2u);
  flow.phone.host.break_streams();
  flow.run();
  ASSERT_EQ(flow.count(), 1u);
  EXPECT_EQ(flow.bindings()->front().path.remote, second.host.address());
  EXPECT_EQ(flow.bed.exchange.registrar().bindings("bob"), nullptr);
}

// R1.30: a call to one's own account rings the other phones of it, and ends with 482 only where there is none.
TEST(Registrar, R1_30ACallToOnesOwnAccountRingsAnotherPhoneOfIt) {
  Registered flow;
  Phone second(flow.world, "alice", {IpAddress::v4(203, 0, 113, 9), 6060});
  second.registration = "another";
  ASSERT_EQ(second.enroll(), "200 REGISTER");
  flow.run(seconds(1));
  ASSERT_EQ(flow.phone.enroll(), "200 REGISTER");
  flow.phone.forget();
  flow.phone.place("alice", phone_sdp(4000));
  flow.run();
  EXPECT_TRUE(second.has("INVITE")) << flow.phone.log();
  EXPECT_FALSE(flow.phone.has("INVITE"));
  second.reply("INVITE", 486);
  flow.run();
  EXPECT_TRUE(flow.phone.has("486 INVITE"));
  flow.phone.ack_failure("486 INVITE");
  flow.run();
  expect_rest(flow);
}

// ---- our own client side, registered at the gateway

struct Enrolled : Flow {
  AutoAgent agent{world, "alice", kStranger, kGateway, 5};
  std::vector<sip::Message> said;
  std::vector<int> answers;
  sip::RegistrationId id;

  explicit Enrolled(seconds expires, Settings settings = bed_settings()) : Flow(std::move(settings)) {
    world.tap = [this](const Datagram& one) {
      sip::Message message;
      if (!sip::parse(as_bytes(one.bytes), message)) return;
      if (message.is_request() && message.method() == sip::Method::register_) said.push_back(message);
      if (!message.is_request() && message.cseq().method == sip::Method::register_) answers.push_back(message.status());
    };
    agent.host.with([&](Pass& pass) {
      sip::RegistrationSpec spec;
      spec.registrar = "sip:192.0.2.1";
      spec.address = "<sip:alice@192.0.2.1>";
      spec.contact_user = "alice";
      spec.target.uri = spec.registrar;
      spec.expires = expires;
      spec.credentials.push_back({"192.0.2.1", "bed", "alice", Private<std::string>(kPassword)});
      id = agent.machine.enroll(pass, spec);
    });
    run();
  }
  const std::vector<Binding>* bindings() const { return bed.exchange.registrar().bindings("alice"); }
};

TEST(Enroll, R1_17TheSecondRegisterIsTheFirstWithCredentials) {
  Enrolled flow(seconds(600));
  ASSERT_EQ(flow.answers, (std::vector<int>{401, 200}));
  ASSERT_EQ(flow.said.size(), 2u);
  const auto& first = flow.said[0];
  const auto& second = flow.said[1];
  EXPECT_EQ(first.request_uri(), "sip:192.0.2.1");
  EXPECT_EQ(second.request_uri(), first.request_uri());
  EXPECT_EQ(second.call_id(), first.call_id());
  EXPECT_EQ(second.from_tag(), first.from_tag());
  EXPECT_EQ(second.cseq().number, first.cseq().number + 1);
  EXPECT_NE(second.branch(), first.branch());
  EXPECT_EQ(second.contact()->uri, first.contact()->uri);
  EXPECT_FALSE(first.has(sip::Header::authorization));
  EXPECT_TRUE(second.has(sip::Header::authorization));
  ASSERT_NE(flow.bindings(), nullptr);
}

TEST(Enroll, R1_18ItIsRenewedAt60PercentAndWithdrawn) {
  Enrolled flow(seconds(100));
  flow.run(seconds(59));
  EXPECT_EQ(flow.said.size(), 2u);
  flow.run(seconds(2));
  EXPECT_EQ(flow.answers, (std::vector<int>{401, 200, 200})) << "with the nonce it has";
  EXPECT_EQ(flow.said[2].call_id(), flow.said[0].call_id());
  EXPECT_EQ(flow.said[2].cseq().number, flow.said[1].cseq().number + 1);
  flow.run(seconds(600));  // the nonce grows old meanwhile
  EXPECT_EQ(std::count(flow.answers.begin(), flow.answers.end(), 401), 3);
  ASSERT_NE(flow.bindings(), nullptr) << "never lost";
  flow.agent.host.with([&](Pass& pass) { flow.agent.machine.withdraw(pass, flow.id); });
  flow.run();
  EXPECT_EQ(flow.bindings(), nullptr);
  flow.run(seconds(40));
  EXPECT_EQ(flow.agent.machine.census(), Census{}) << "no timer either";
  EXPECT_TRUE(flow.bed.is_empty());
}

TEST(Enroll, AWithdrawalWaitsForTheRegisterOnItsWay) {
  Enrolled flow(seconds(100));
  flow.run(seconds(59) + milliseconds(970));
  EXPECT_EQ(flow.said.size(), 2u);
  ASSERT_TRUE(flow.world.run_until([&] { return flow.said.size() == 3; }, seconds(1)));
  flow.agent.host.with([&](Pass& pass) { flow.agent.machine.withdraw(pass, flow.id); });
  EXPECT_EQ(flow.said.size(), 3u) << "10.2: not before the other's final response";
  flow.run();
  EXPECT_EQ(flow.said.size(), 4u);
  EXPECT_EQ(flow.said.back().expires(), 0u);
  EXPECT_EQ(flow.bindings(), nullptr);
}

TEST(Enroll, R1_18TooBriefIsRepeatedWithTheRegistrarsInterval) {
  Enrolled flow(seconds(30));
  EXPECT_EQ(flow.answers, (std::vector<int>{401, 423, 200}));
  EXPECT_EQ(flow.said.back().expires(), 60u);
  ASSERT_NE(flow.bindings(), nullptr);
}

TEST(Enroll, Advisory6WrongCredentialsAreNotTriedWithoutEnd) {
  Settings settings = bed_settings();
  settings.accounts = {bed_account("alice", "bed")};
  settings.accounts[0].secret.sha256 = std::string(64, '0');
  settings.accounts[0].secret.md5 = std::string(32, '0');
  Enrolled flow(seconds(600), settings);
  EXPECT_EQ(flow.answers, (std::vector<int>{401, 401})) << "answered once, then it waits";
  flow.run(seconds(29));
  EXPECT_EQ(flow.answers.size(), 2u);
  flow.run(seconds(600));
  EXPECT_LE(flow.answers.size(), 14u) << "with growing pauses";
}

TEST(Enroll, ARegisteredAgentIsCalledAndCalls) {
  Enrolled flow(seconds(600));
  flow.agent.on_call = [&](size_t leg) {
    flow.world.later(milliseconds(10), [&flow, leg] { flow.agent.answer(leg); });
  };
  flow.a.invite("alice", phone_sdp(4000));
  flow.run(milliseconds(50));
  ASSERT_TRUE(flow.a.has("200 INVITE"));
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(flow.agent.legs[0].endings, 1u);
}

}  // namespace
}  // namespace isthmus::test
