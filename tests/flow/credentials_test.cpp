// SPDX-License-Identifier: MIT
// Digest on both sides of the gateway: as the client of a trunk (RFC 3261 22.1 to 22.3; advisories 5 and 6, row F2) and
// as the server of its accounts (R4.1, R4.2, G18).
#include <gtest/gtest.h>

#include "tests/support/digest_user.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kChallenge =
    "Proxy-Authenticate: Digest realm=\"right\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";

// The trunk "right" wants credentials and has a name; its Contacts carry an address.
Settings named_trunk() {
  Settings settings = bed_settings();
  settings.trunks[1].user = "us";
  settings.trunks[1].password = "secret";
  settings.trunks[1].realm = "right";
  settings.trunks[1].host = "trunk.example";
  return settings;
}

Records address_of(const SocketAddress& peer) {
  Records found;
  found.list.push_back({RecordType::a, 60, peer.ip, {}, 0, 0, 0, {}});
  return found;
}

struct NamedTrunk : Flow {
  NamedTrunk() : Flow(named_trunk()) { bed.host.set_zone("trunk.example", address_of(kB)); }

  void answer_and_acknowledge() {
    b.reply("INVITE", 200, phone_sdp(5000));
    ASSERT_TRUE(world.run_until([&] { return a.has("200 INVITE"); }));
    a.ack();
    run();
  }
};

std::string proxy_authorization(const sip::Message& message) {
  return std::string(message.header(sip::Header::proxy_authorization).value_or(""));
}

TEST(TrunkCredentials, F2TheByeIsAnsweredForTheTrunksNameThoughItsContactIsAnAddress) {
  NamedTrunk flow;
  flow.call();
  flow.answer_and_acknowledge();
  flow.a.request("BYE");
  flow.run();
  EXPECT_EQ(flow.a.last("200 BYE").status(), 200);
  const uint32_t first = flow.b.last("BYE").cseq().number;
  EXPECT_EQ(flow.b.last("BYE").request_uri(), "sip:2000@192.0.2.20:5060");
  flow.b.reply("BYE", 407, {}, kChallenge);
  flow.run();
  ASSERT_EQ(flow.b.count("BYE"), 2u);
  EXPECT_EQ(flow.b.last("BYE").cseq().number, first + 1);
  EXPECT_NE(proxy_authorization(flow.b.last("BYE")).find("uri=\"sip:2000@192.0.2.20:5060\""), std::string::npos);
  flow.b.reply("BYE", 407, {}, kChallenge);
  flow.run(seconds(1));
  EXPECT_EQ(flow.b.count("BYE"), 2u) << "answered once";
  expect_rest(flow);
}

TEST(TrunkCredentials, Section22_1TheAckRepeatsTheCredentialsOfItsInviteUnchanged) {
  NamedTrunk flow;
  flow.call();
  flow.b.reply("INVITE", 407, {}, kChallenge);
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.count("INVITE") == 2; }));
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, INVITE");
  const std::string credentials = proxy_authorization(flow.b.last("INVITE"));
  ASSERT_NE(credentials, "");
  flow.answer_and_acknowledge();
  EXPECT_EQ(flow.b.count("ACK"), 2u);
  EXPECT_EQ(proxy_authorization(flow.b.last("ACK")), credentials);

  // A re-INVITE counts on, and its ACK repeats that.
  flow.forget();
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  const std::string again = proxy_authorization(flow.b.last("INVITE"));
  EXPECT_NE(again.find("nc=00000002"), std::string::npos) << again;
  flow.b.reply("INVITE", 200, phone_sdp(5000, "0 8", 2, "a=recvonly\r\n"));
  flow.run();
  EXPECT_EQ(proxy_authorization(flow.b.last("ACK")), again);
  flow.a.ack();
  flow.run();

  flow.a.request("BYE");
  flow.run();
  EXPECT_NE(proxy_authorization(flow.b.last("BYE")).find("nc=00000003"), std::string::npos);
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(TrunkCredentials, AChallengedReinviteIsSentAgainWithCredentials) {
  NamedTrunk flow;
  flow.call();
  flow.answer_and_acknowledge();
  flow.forget();
  flow.a.reinvite(phone_sdp(4000, "0 8", 2, "a=sendonly\r\n"));
  flow.run();
  const uint32_t first = flow.b.last("INVITE").cseq().number;
  flow.b.reply("INVITE", 407, {}, kChallenge);
  flow.run();
  ASSERT_EQ(flow.b.log(), "INVITE, ACK, INVITE");
  EXPECT_EQ(flow.b.last("INVITE").cseq().number, first + 1);
  EXPECT_NE(proxy_authorization(flow.b.last("INVITE")), "");
  flow.b.reply("INVITE", 200, phone_sdp(5000, "0 8", 2, "a=recvonly\r\n"));
  flow.run();
  EXPECT_TRUE(flow.a.has("200 INVITE"));
  flow.a.ack();
  flow.a.request("BYE");
  flow.run();
  flow.b.reply("BYE", 200);
  flow.run();
  expect_rest(flow);
}

TEST(TrunkCredentials, Advisory5NobodyButTheTrunkGetsAnAnswerToTheTrunksRealm) {
  // Another trunk's host names the realm of "right".
  NamedTrunk flow;
  flow.b.invite("1000", phone_sdp(5000));
  ASSERT_TRUE(flow.world.run_until([&] { return flow.a.has("INVITE"); }));
  flow.a.reply("INVITE", 407, {}, kChallenge);
  flow.run(seconds(1));
  EXPECT_EQ(flow.a.log(), "INVITE, ACK") << "no second INVITE, no credentials";
  EXPECT_EQ(proxy_authorization(flow.a.last("ACK")), "");
  flow.b.ack_failure(flow.b.heard.back().line);
  expect_rest(flow);
}

TEST(TrunkCredentials, Advisory5AStrangerNamedInTheTrunksContactGetsNone) {
  NamedTrunk flow;
  SipPeer thief(flow.world, "thief", kStranger, kGateway);
  flow.call();
  flow.b.reply("INVITE", 407, {}, kChallenge);
  ASSERT_TRUE(flow.world.run_until([&] { return flow.b.count("INVITE") == 2; }));
  flow.b.contact = "sip:2000@198.51.100.66";
  flow.answer_and_acknowledge();
  flow.a.request("BYE");
  flow.run();
  ASSERT_EQ(thief.count("BYE"), 1u);
  EXPECT_EQ(proxy_authorization(thief.last("BYE")), "") << "what the trunk had asked for is not for others";
  thief.reply("BYE", 407, {}, kChallenge);
  flow.run(seconds(1));
  EXPECT_EQ(thief.count("BYE"), 1u);
  expect_rest(flow);
}

TEST(TrunkCredentials, Advisory6ChallengesWithoutEndGetTwoAttempts) {
  NamedTrunk flow;
  flow.call();
  size_t answered = 0;
  for (int i = 0; i < 10; ++i) {
    if (flow.b.count("INVITE") > answered) {
      ++answered;
      flow.b.reply("INVITE", 407, {},
                   "Proxy-Authenticate: Digest realm=\"right\", nonce=\"fresh" + std::to_string(i) +
                       "\", algorithm=MD5, qop=\"auth\"\r\n");
    }
    flow.run(milliseconds(100));
  }
  EXPECT_EQ(flow.b.log(), "INVITE, ACK, INVITE, ACK");
  ASSERT_TRUE(flow.a.has("500 INVITE")) << "X15: 407 belongs to B's hop; A heard " << flow.a.log();
  flow.a.ack_failure("500 INVITE");
  EXPECT_EQ(flow.bed.last().code, 407) << "B's true code";
  expect_rest(flow);
}

// ---- as the server

struct Asking : Flow {
  explicit Asking(Settings settings = bed_settings()) : Flow(std::move(settings)) { phone.domain = "192.0.2.1"; }
  SipPeer phone{world, "alice", kStranger, kGateway};
  uint64_t work() const { return bed.exchange.registrar().hash_operations(); }

  // One request outside dialogs from alice's phone with this line, and what it heard.
  std::string ask(std::string_view method, const std::string& line, std::string_view to = "2000") {
    phone.forget();
    if (method == "INVITE") {
      phone.invite(to, phone_sdp(4000), line);
    } else {
      request(method, line);
    }
    run();
    return phone.log();
  }
  void request(std::string_view method, const std::string& line) {
    const std::string number = std::to_string(++cseq);
    phone.send(std::string(method) + " sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP " + kStranger.text() +
               ";branch=" + phone.new_branch() + ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:alice@192.0.2.1>;tag=r" +
               "\r\nTo: <sip:alice@192.0.2.1>\r\nCall-ID: register\r\nCSeq: " + number + " " + std::string(method) +
               "\r\nContact: <sip:alice@" + kStranger.text() + ">\r\n" + line + "Content-Length: 0\r\n\r\n");
  }
  uint32_t cseq = 0;
};

std::string uri_of(std::string_view method) {
  return method == "INVITE" ? "sip:2000@192.0.2.1:5060" : "sip:192.0.2.1";
}

TEST(AccountCredentials, R4_2AWrongPasswordIsChallengedOnceMoreAndThenRefused) {
  for (const std::string method : {"INVITE", "REGISTER"}) {
    const std::string challenged = (method == "INVITE" ? "407 " : "401 ") + method;
    Asking flow;
    DigestUser wrong{"alice", "wrong"};
    ASSERT_EQ(flow.ask(method, ""), challenged);
    const sip::Message first = flow.phone.last(challenged);
    ASSERT_EQ(flow.ask(method, wrong.line(first, method, uri_of(method))), challenged) << "a fresh challenge";
    const sip::Message second = flow.phone.last(challenged);
    EXPECT_EQ(std::string(second.bytes()).find("stale=true"), std::string::npos);
    EXPECT_NE(wrong.line(first, method, uri_of(method)), wrong.line(second, method, uri_of(method)));
    EXPECT_EQ(flow.ask(method, wrong.line(second, method, uri_of(method))), "403 " + method);
    EXPECT_EQ(flow.b.log(), "");
    EXPECT_TRUE(flow.bed.is_empty()) << "R4.1: nothing is kept of all this";
    // The owner is told who it was, each time, and what is wrong.
    ASSERT_EQ(flow.bed.disbelieved.size(), 2u);
    EXPECT_EQ(flow.bed.disbelieved[0].user, "alice");
    EXPECT_EQ(flow.bed.disbelieved[0].why, "wrong password");
    EXPECT_EQ(flow.bed.disbelieved[0].method, method);
    EXPECT_EQ(flow.bed.disbelieved[0].source, kStranger.ip);
    // The right one still gets in with the same challenge.
    DigestUser right{"alice"};
    const std::string heard = flow.ask(method, right.line(second, method, uri_of(method)));
    EXPECT_EQ(heard.find("40"), std::string::npos) << heard;
    EXPECT_EQ(flow.bed.disbelieved.size(), 2u);
    DigestUser nobody{"alcie"};
    flow.ask(method, nobody.line(second, method, uri_of(method)));
    EXPECT_EQ(flow.bed.disbelieved.back().user, "alcie");
    EXPECT_EQ(flow.bed.disbelieved.back().why, "no such account");
  }
}

TEST(AccountCredentials, G18Sha256IsOfferedFirstIn401And407) {
  for (const std::string method : {"REGISTER", "INVITE", "MESSAGE"}) {
    Asking flow;
    const bool proxy = method != "REGISTER";
    const std::string line = (proxy ? "407 " : "401 ") + method;
    ASSERT_EQ(flow.ask(method, ""), line);
    const sip::Message challenged = flow.phone.last(line);
    std::string offered;
    for (const auto value :
         challenged.values(proxy ? sip::Header::proxy_authenticate : sip::Header::www_authenticate)) {
      const auto params = sip::DigestParams::parse(value);
      if (params) offered += std::string(params->find("algorithm").value_or("none")) + " ";
    }
    EXPECT_EQ(offered, "SHA-256 MD5 ") << method;
  }
}

TEST(AccountCredentials, Trap27ABaresipThatStopsAtAnUnknownAlgorithmIsOfferedMd5Alone) {
  const auto offered = [](const std::string& user_agent) {
    Asking flow;
    flow.ask("REGISTER", "User-Agent: " + user_agent + "\r\n");
    std::string out;
    const sip::Message challenged = flow.phone.last("401 REGISTER");
    for (const auto value : challenged.values(sip::Header::www_authenticate)) {
      const auto params = sip::DigestParams::parse(value);
      if (params) out += std::string(params->find("algorithm").value_or("none")) + " ";
    }
    return out;
  };
  for (const char* old : {"baresip v1.0.0 (x86_64/linux)", "baresip v0.6.5", "baresip v3.11.9 (x)"})
    EXPECT_EQ(offered(old), "MD5 ") << old;
  for (const char* other : {"baresip v3.12.0 (x)", "baresip v10.1", "baresip v", "baresip v1", "Yealink 1.0"})
    EXPECT_EQ(offered(other), "SHA-256 MD5 ") << other;
}

// The owner is told what is wrong, the sender is not.
TEST(AccountCredentials, G18AnAccountWithoutTheHa1OfAnAlgorithmIsNamedSo) {
  Settings settings = bed_settings();
  for (Account& account : settings.accounts) account.secret.sha256.clear();
  Asking flow(settings);
  flow.ask("REGISTER", "");
  const sip::Message challenged = flow.phone.last("401 REGISTER");
  DigestUser right{"alice"};
  EXPECT_EQ(flow.ask("REGISTER", right.line(challenged, "REGISTER", uri_of("REGISTER"))), "401 REGISTER");
  ASSERT_EQ(flow.bed.disbelieved.size(), 1u);
  EXPECT_EQ(flow.bed.disbelieved[0].why, "the account has no HA1 of that algorithm");
}

TEST(AccountCredentials, R4_2G18AnUnknownUserIsToldAndWorkedLikeAWrongPassword) {
  struct Seen {
    std::string log;
    uint64_t work;
    size_t size;
  };
  const auto walk = [](const std::string& user, sip::Algorithm algorithm) {
    std::vector<Seen> out;
    Asking flow;
    DigestUser someone{user, "wrong", algorithm};
    flow.ask("REGISTER", "");
    for (int i = 0; i < 2; ++i) {
      const sip::Message challenged = flow.phone.last("401 REGISTER");
      const uint64_t before = flow.work();
      const std::string log = flow.ask("REGISTER", someone.line(challenged, "REGISTER", uri_of("REGISTER")));
      out.push_back({log, flow.work() - before, flow.phone.heard.back().message.bytes().size()});
    }
    return out;
  };
  for (const auto algorithm : {sip::Algorithm::sha256, sip::Algorithm::md5}) {
    const auto known = walk("alice", algorithm);
    const auto unknown = walk("nobod", algorithm);
    for (size_t i = 0; i < known.size(); ++i) {
      EXPECT_EQ(known[i].log, unknown[i].log);
      EXPECT_EQ(known[i].work, unknown[i].work);
      EXPECT_EQ(known[i].size, unknown[i].size);
    }
    EXPECT_EQ(known[1].log, "403 REGISTER");
  }
}

TEST(AccountCredentials, R4_2G18AReplayedCountIsRefusedAndAnOldNonceIsStale) {
  Asking flow;
  DigestUser alice{"alice"};
  ASSERT_EQ(flow.ask("REGISTER", ""), "401 REGISTER");
  const sip::Message challenged = flow.phone.last("401 REGISTER");
  const std::string line = alice.line(challenged, "REGISTER", uri_of("REGISTER"));
  EXPECT_EQ(flow.ask("REGISTER", line), "200 REGISTER");
  EXPECT_EQ(flow.ask("REGISTER", line), "401 REGISTER") << "nc was used";
  EXPECT_NE(std::string(flow.phone.last("401 REGISTER").bytes()).find("stale=true"), std::string::npos)
      << "the password is right: no reason to ask a person for it";
  EXPECT_EQ(flow.ask("REGISTER", alice.line(challenged, "REGISTER", uri_of("REGISTER"), 2)), "200 REGISTER");
  flow.run(minutes(6));
  EXPECT_EQ(flow.ask("REGISTER", alice.line(challenged, "REGISTER", uri_of("REGISTER"), 3)), "401 REGISTER");
  EXPECT_NE(std::string(flow.phone.last("401 REGISTER").bytes()).find("stale=true"), std::string::npos);
  EXPECT_EQ(flow.ask("REGISTER", alice.line(flow.phone.last("401 REGISTER"), "REGISTER", uri_of("REGISTER"))),
            "200 REGISTER");
}

TEST(AccountCredentials, R4_2EitherAlgorithmAdmitsAnInvite) {
  for (const auto algorithm : {sip::Algorithm::sha256, sip::Algorithm::md5}) {
    Asking flow;
    DigestUser alice{"alice", kPassword, algorithm};
    ASSERT_EQ(flow.ask("INVITE", ""), "407 INVITE");
    const sip::Message challenged = flow.phone.last("407 INVITE");
    EXPECT_EQ(flow.ask("INVITE", alice.line(challenged, "INVITE", uri_of("INVITE"))), "100 INVITE");
    EXPECT_EQ(flow.b.log(), "INVITE");
  }
}

TEST(AccountCredentials, TheDigestMustBeOfThisRequest) {
  Asking flow;
  DigestUser alice{"alice"};
  flow.ask("INVITE", "");
  const sip::Message challenged = flow.phone.last("407 INVITE");
  EXPECT_EQ(flow.ask("INVITE", alice.line(challenged, "INVITE", "sip:3000@192.0.2.1:5060")), "403 INVITE");
  EXPECT_EQ(flow.ask("INVITE", alice.line(challenged, "BYE", uri_of("INVITE"))), "407 INVITE");
  EXPECT_EQ(flow.b.log(), "");
}

}  // namespace
}  // namespace isthmus::test
