// SPDX-License-Identifier: MIT
// Answering challenges: the right algorithm, the right place, and not for ever (R4.2, advisories 5, 6, 38).
#include "sip/auth/client_auth.hpp"

#include <gtest/gtest.h>

#include "base/crypto.hpp"
#include "sip/auth/server_auth.hpp"

namespace isthmus::sip {
namespace {

const Digests kClientDigests{&crypto::md5, &crypto::sha256};

std::string param_of(const AuthLine& line, std::string_view name) {
  const auto params = DigestParams::parse(line.value);
  return params ? std::string(params->find(name).value_or("(none)")) : "(malformed)";
}

struct ClientBed {
  ClientBed()
      : auth(
            kClientDigests,
            {{.host = "example.org", .realm = "example.org", .user = "bob", .password = Private<std::string>("secret")},
             {.host = "trunk.net", .realm = "", .user = "t", .password = Private<std::string>("s2")}}) {}

  AuthAnswer challenge(std::string_view host, std::initializer_list<std::string> values, bool proxy = false) {
    std::vector<AuthLine> lines;
    for (const std::string& value : values) lines.push_back({proxy, "Digest " + value});
    return auth.challenged(host, lines, random);
  }
  std::vector<AuthLine> lines(std::string_view host = "example.org") { return auth.lines(host, "INVITE", "sip:x@y"); }

  Random random{Seed::of(1)};
  ClientAuth auth;
};

// Against our own server side: both algorithms, counting, session keys are not offered.
TEST(ClientAuth, ItsAnswersAreAcceptedByOurServerSide_R4_2) {
  for (const bool sha256 : {true, false}) {
    ClientBed bed;
    ServerAuth server(kClientDigests, {.realm = "example.org", .offer_sha256 = sha256}, Seed::of(2));
    const auto bob = make_ha1s(kClientDigests, "bob", "example.org", "secret");
    const Now now{TimePoint(std::chrono::seconds(5)), {}};
    std::vector<AuthLine> challenges;
    for (std::string& value : server.challenge(now, false)) challenges.push_back({true, std::move(value)});
    EXPECT_TRUE(bed.lines().empty());
    EXPECT_EQ(bed.auth.challenged("EXAMPLE.org", challenges, bed.random), AuthAnswer::retry);
    for (int i = 1; i <= 3; ++i) {
      const auto lines = bed.lines();
      ASSERT_EQ(lines.size(), 1u);
      EXPECT_TRUE(lines[0].proxy);
      EXPECT_EQ(param_of(lines[0], "algorithm"), sha256 ? "SHA-256" : "MD5");
      EXPECT_EQ(param_of(lines[0], "nc"), "0000000" + std::to_string(i));
      const std::string_view values[] = {lines[0].value};
      const auto claimed = server.read(values);
      ASSERT_TRUE(claimed && *claimed);
      EXPECT_EQ(server.verify(now, "INVITE", **claimed, bob), AuthVerdict::accepted);
      EXPECT_EQ(server.verify(now, "INVITE", **claimed, bob), AuthVerdict::replayed);
    }
  }
}

TEST(ClientAuth, Rfc8760_TheBestKnownAlgorithmIsChosenAndUnknownOnesAreIgnored) {
  ClientBed bed;
  EXPECT_EQ(bed.challenge("example.org", {"realm=\"example.org\", nonce=\"n0\", algorithm=SHA-512-256, qop=\"auth\"",
                                          "realm=\"example.org\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"",
                                          "realm=\"example.org\", nonce=\"n2\", algorithm=SHA-256, qop=\"auth\"",
                                          "realm=\"example.org\", nonce=\"n3\", algorithm=SHA-256-sess, qop=\"auth\""}),
            AuthAnswer::retry);
  const auto lines = bed.lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(param_of(lines[0], "algorithm"), "SHA-256");
  EXPECT_EQ(param_of(lines[0], "nonce"), "n2");
}

TEST(ClientAuth, ChallengesThatWeCannotAnswerAreUnsupported) {
  for (const char* value : {"realm=\"example.org\", nonce=\"n\", algorithm=SHA-512-256",
                            "realm=\"example.org\", nonce=\"n\", qop=\"auth-int\"", "realm=\"example.org\"",
                            "nonce=\"n\"", "realm=\"example.org\", nonce=\"n\", nonce=\"m\"", "", "\x01"}) {
    ClientBed bed;
    EXPECT_EQ(bed.challenge("example.org", {value}), AuthAnswer::unsupported) << value;
    EXPECT_TRUE(bed.lines().empty());
  }
  ClientBed bed;
  const AuthLine basic{false, "Basic realm=\"example.org\""};
  EXPECT_EQ(bed.auth.challenged("example.org", {&basic, 1}, bed.random), AuthAnswer::unsupported);
  EXPECT_EQ(bed.auth.challenged("example.org", {}, bed.random), AuthAnswer::unsupported);
}

TEST(ClientAuth, Rfc2617_WithoutQopAndAlgorithmTheAnswerIsOfTheOldKind) {
  ClientBed bed;
  EXPECT_EQ(bed.challenge("example.org", {"realm=\"example.org\", nonce=\"abc\", opaque=\"\""}), AuthAnswer::retry);
  const auto lines = bed.lines();
  ASSERT_EQ(lines.size(), 1u);
  for (const char* absent : {"qop", "nc", "cnonce", "algorithm"}) EXPECT_EQ(param_of(lines[0], absent), "(none)");
  EXPECT_EQ(param_of(lines[0], "opaque"), "");
  const std::string ha1 = make_ha1(kClientDigests, false, "bob", "example.org", "secret");
  EXPECT_EQ(param_of(lines[0], "response"),
            digest_response(kClientDigests, {.ha1 = ha1, .nonce = "abc", .method = "INVITE", .uri = "sip:x@y"}));
}

TEST(ClientAuth, ASessionAlgorithmIsAnsweredWhenNothingElseIsOffered) {
  ClientBed bed;
  EXPECT_EQ(
      bed.challenge("example.org", {"realm=\"example.org\", nonce=\"n\", algorithm=MD5-sess, qop=\"auth-int,auth\""}),
      AuthAnswer::retry);
  const auto first = bed.lines();
  const auto second = bed.lines();
  EXPECT_EQ(param_of(first[0], "cnonce"), param_of(second[0], "cnonce"));  // the session key stays
  EXPECT_NE(param_of(first[0], "response"), param_of(second[0], "response"));
}

// advisory 5: a 407 for the trunk's realm that comes from another host gets nothing.
TEST(ClientAuth, CredentialsGoToTheirHostOnly_advisory5) {
  ClientBed bed;
  EXPECT_EQ(bed.challenge("bob.evil", {"realm=\"example.org\", nonce=\"n\""}, true), AuthAnswer::no_credentials);
  EXPECT_TRUE(bed.lines("bob.evil").empty());
  EXPECT_EQ(bed.challenge("example.org", {"realm=\"trunk.net\", nonce=\"n\""}), AuthAnswer::no_credentials);
  EXPECT_EQ(bed.challenge("trunk.net", {"realm=\"whatever\", nonce=\"n\""}), AuthAnswer::retry);
  EXPECT_EQ(bed.lines("trunk.net").size(), 1u);
  EXPECT_TRUE(bed.lines("example.org").empty());
  EXPECT_TRUE(bed.lines("bob.evil").empty());

  ClientAuth unbound(kClientDigests, {{.host = "", .realm = "r", .user = "u", .password = {}}});
  const AuthLine challenge{false, "Digest realm=\"r\", nonce=\"n\""};
  EXPECT_EQ(unbound.challenged("", {&challenge, 1}, bed.random), AuthAnswer::no_credentials);
}

// advisory 6: ten challenges with fresh nonces: one answer, then it gives up.
TEST(ClientAuth, ChallengesWithoutEndAreGivenUp_advisory6) {
  ClientBed bed;
  int sent = 1;  // the request without credentials
  for (int i = 0; i < 10; ++i) {
    const std::string value = "realm=\"example.org\", nonce=\"fresh" + std::to_string(i) + "\"";
    if (bed.challenge("example.org", {value}) != AuthAnswer::retry) break;
    EXPECT_EQ(bed.lines().size(), 1u);
    ++sent;
  }
  EXPECT_EQ(sent, 2);
  EXPECT_TRUE(bed.lines().empty());  // and it does not go on offering what was not accepted
}

TEST(ClientAuth, AStaleNonceIsForgivenOncePerRequest_advisory6) {
  ClientBed bed;
  const auto stale = [&](int i) {
    return bed.challenge("example.org", {"realm=\"example.org\", stale=TRUE, nonce=\"n" + std::to_string(i) + "\""});
  };
  EXPECT_EQ(stale(0), AuthAnswer::retry);
  EXPECT_EQ(stale(1), AuthAnswer::retry);
  EXPECT_EQ(param_of(bed.lines()[0], "nonce"), "n1");
  EXPECT_EQ(stale(2), AuthAnswer::given_up);
}

TEST(ClientAuth, ANewRequestMayBeChallengedAgain) {
  ClientBed bed;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(bed.challenge("example.org", {"realm=\"example.org\", nonce=\"n\""}), AuthAnswer::retry);
    bed.auth.settled();
    EXPECT_EQ(bed.lines().size(), 1u);  // later requests carry credentials at once
  }
}

TEST(ClientAuth, Section22_3_AProxyAndAServerCanBothBeAnswered) {
  ClientBed bed;
  EXPECT_EQ(bed.challenge("trunk.net", {"realm=\"proxy\", nonce=\"p\", qop=\"auth\""}, true), AuthAnswer::retry);
  EXPECT_EQ(bed.challenge("trunk.net", {"realm=\"server\", nonce=\"s\", qop=\"auth\""}, false), AuthAnswer::retry);
  const auto lines = bed.lines("trunk.net");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(credentials_header(lines[0].proxy), "Proxy-Authorization");
  EXPECT_EQ(credentials_header(lines[1].proxy), "Authorization");
  EXPECT_EQ(param_of(lines[0], "nc"), "00000001");
  EXPECT_EQ(param_of(lines[1], "realm"), "server");
}

TEST(ClientAuth, RealmsAreBounded) {
  ClientBed bed;
  for (uint32_t i = 0; i < ClientAuth::kMaxRealms; ++i) {
    EXPECT_EQ(bed.challenge("trunk.net", {"nonce=\"n\", realm=\"r" + std::to_string(i) + "\""}), AuthAnswer::retry);
  }
  EXPECT_EQ(bed.challenge("trunk.net", {"nonce=\"n\", realm=\"one more\""}), AuthAnswer::given_up);
}

// advisory 38
TEST(ClientAuth, HugeChallengesAreNotAnsweredAndNothingLargeIsWritten_advisory38) {
  for (const char* parameter : {"realm", "nonce", "opaque", "qop"}) {
    ClientBed bed;
    std::string value = "realm=\"example.org\", nonce=\"n\"";
    const std::string huge(32768, 'x');
    const size_t at = value.find(parameter);
    if (at == std::string::npos) {
      value += ", " + std::string(parameter) + "=\"" + huge + "\"";
    } else {
      value.insert(value.find('"', at) + 1, huge);
    }
    EXPECT_EQ(bed.challenge("example.org", {value}), AuthAnswer::unsupported) << parameter;
    EXPECT_TRUE(bed.lines().empty());
  }
  std::vector<AuthLine> flood(1000, AuthLine{false, "Digest realm=\"trunk\", nonce=\"n\", qop=\"auth\""});
  ClientBed bed;
  EXPECT_EQ(bed.auth.challenged("trunk.net", flood, bed.random), AuthAnswer::retry);
  EXPECT_EQ(bed.lines("trunk.net").size(), 1u);
}

TEST(ClientAuth, QuotesAreWrittenBackAsTheyCame) {
  ClientBed bed;
  EXPECT_EQ(bed.challenge("trunk.net", {R"(realm="a \"b\" \\", nonce="n\"1", opaque="o\"p")"}), AuthAnswer::retry);
  const auto lines = bed.lines("trunk.net");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(param_of(lines[0], "realm"), R"(a \"b\" \\)");
  EXPECT_EQ(param_of(lines[0], "nonce"), R"(n\"1)");
  EXPECT_EQ(param_of(lines[0], "opaque"), R"(o\"p)");
}

}  // namespace
}  // namespace isthmus::sip
