// SPDX-License-Identifier: MIT
// Challenging and verifying in virtual time (R4.2, G18, advisories 38 and 39).
#include "sip/auth/server_auth.hpp"

#include <gtest/gtest.h>

#include "base/crypto.hpp"

namespace isthmus::sip {
namespace {

const Digests kServerDigests{&crypto::md5, &crypto::sha256};

struct ServerBed {
  explicit ServerBed(ServerAuthConfig config = {.realm = "example.org"})
      : auth(kServerDigests, std::move(config), Seed::of(1)),
        bob(make_ha1s(kServerDigests, "bob", auth.realm(), "secret")) {}

  Now now() const { return {TimePoint(std::chrono::milliseconds(ms)), {}}; }
  std::string nonce() {
    const auto lines = auth.challenge(now(), false);
    return std::string(*DigestParams::parse(lines.at(0))->find("nonce"));
  }
  // What a phone would send.
  std::string credentials(const std::string& nonce, uint32_t count, std::string_view password = "secret",
                          Algorithm algorithm = Algorithm::sha256, bool qop = true) const {
    const std::string ha1 = make_ha1(kServerDigests, is_sha256(algorithm), "bob", auth.realm(), password);
    char nc[9];
    snprintf(nc, sizeof nc, "%08x", count);
    const DigestInput input{.algorithm = algorithm,
                            .ha1 = ha1,
                            .nonce = nonce,
                            .method = "INVITE",
                            .uri = "sip:x",
                            .qop_auth = qop,
                            .nc = nc,
                            .cnonce = "c0"};
    std::string text = "Digest username=\"bob\", realm=\"" + auth.realm() + "\", nonce=\"" + nonce +
                       "\", uri=\"sip:x\", response=\"" + digest_response(kServerDigests, input) +
                       "\", algorithm=" + std::string(name(algorithm));
    if (qop) text += std::string(", qop=auth, cnonce=\"c0\", nc=") + nc;
    return text;
  }
  AuthVerdict verify(std::string_view value, bool known = true) {
    const std::string_view values[] = {value};
    const auto claimed = auth.read(values);
    EXPECT_TRUE(claimed && *claimed) << value;
    if (!claimed || !*claimed) return AuthVerdict::refused;
    return auth.verify(now(), "INVITE", **claimed, known ? std::optional(bob) : std::nullopt);
  }

  int64_t ms = 1'000'000;
  ServerAuth auth;
  StoredHa1 bob;
};

// trap 27, G18
TEST(ServerAuth, Rfc8760Section2_4_Sha256IsOfferedFirstAndMd5LastInLinesOfTheirOwn) {
  ServerBed bed;
  const auto lines = bed.auth.challenge(bed.now(), false);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(DigestParams::parse(lines[0])->find("algorithm"), "SHA-256");
  EXPECT_EQ(DigestParams::parse(lines[1])->find("algorithm"), "MD5");
  for (const std::string& line : lines) {
    const auto params = DigestParams::parse(line);
    EXPECT_EQ(params->find("realm"), "example.org");
    EXPECT_EQ(params->find("qop"), "auth");
    EXPECT_FALSE(params->find("stale"));
  }
  const auto again = bed.auth.challenge(bed.now(), true);
  EXPECT_EQ(DigestParams::parse(again[1])->find("stale"), "true");
  EXPECT_NE(DigestParams::parse(again[0])->find("nonce"), DigestParams::parse(lines[0])->find("nonce"));
}

TEST(ServerAuth, Md5CanBeRefusedPerRealm_trap27) {
  ServerBed bed({.realm = "example.org", .offer_md5 = false});
  EXPECT_EQ(bed.auth.challenge(bed.now(), false).size(), 1u);
  EXPECT_EQ(bed.verify(bed.credentials(bed.nonce(), 1, "secret", Algorithm::md5)), AuthVerdict::refused);
  EXPECT_EQ(bed.verify(bed.credentials(bed.nonce(), 1)), AuthVerdict::accepted);
}

TEST(ServerAuth, GoodCredentialsAreAcceptedInBothAlgorithms_R4_2) {
  ServerBed bed;
  EXPECT_EQ(bed.verify(bed.credentials(bed.nonce(), 1)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(bed.nonce(), 1, "secret", Algorithm::md5)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(bed.nonce(), 1, "wrong")), AuthVerdict::refused);
  EXPECT_EQ(bed.auth.nonces_in_use(), 2u);
}

TEST(ServerAuth, NonceAndMethodAndUriAndCountAndCnonceAreAllUnderTheDigest) {
  ServerBed bed;
  const std::string good = bed.credentials(bed.nonce(), 1);
  const auto spoilt = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return bed.verify(text);
  };
  EXPECT_EQ(spoilt("uri=\"sip:x\"", "uri=\"sip:y\""), AuthVerdict::refused);
  EXPECT_EQ(spoilt("nc=00000001", "nc=00000002"), AuthVerdict::refused);
  EXPECT_EQ(spoilt("cnonce=\"c0\"", "cnonce=\"c1\""), AuthVerdict::refused);
  EXPECT_EQ(spoilt("qop=auth, ", ""), AuthVerdict::refused);
  const std::string_view values[] = {good};
  EXPECT_EQ(bed.auth.verify(bed.now(), "BYE", **bed.auth.read(values), bed.bob), AuthVerdict::refused);
  EXPECT_EQ(bed.auth.nonces_in_use(), 0u);  // nothing is kept for strangers
  EXPECT_EQ(bed.verify(good), AuthVerdict::accepted);
}

TEST(ServerAuth, AnOldNonceIsStaleWhenThePasswordIsRightAndRefusedWhenItIsNot_R4_2) {
  ServerBed bed;
  const std::string nonce = bed.nonce();
  bed.ms += 5 * 60'000;
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 1)), AuthVerdict::accepted);
  bed.ms += 1;
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 2)), AuthVerdict::stale);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 2, "wrong")), AuthVerdict::refused);
}

TEST(ServerAuth, ANonceOfAnotherServerOrRealmOrTimeIsNotOurs_G18) {
  ServerBed bed;
  ServerBed other({.realm = "other.org"});  // the same seed: only the realm differs
  EXPECT_EQ(bed.verify(bed.credentials(other.nonce(), 1)), AuthVerdict::stale);
  EXPECT_EQ(bed.verify(bed.credentials("made up", 1)), AuthVerdict::stale);
  EXPECT_EQ(bed.verify(bed.credentials(std::string(64, '0'), 1)), AuthVerdict::stale);
  std::string later = bed.nonce();
  later[15] = later[15] == 'f' ? 'e' : 'f';
  EXPECT_EQ(bed.verify(bed.credentials(later, 1)), AuthVerdict::stale);
  EXPECT_EQ(bed.auth.nonces_in_use(), 0u);
}

// Strangers may ask for challenges, and guess with them, as often as they like: only a first good use takes room.
TEST(ServerAuth, NothingIsKeptUntilANonceWasUsedWell_G18) {
  ServerBed bed({.realm = "example.org", .max_nonces = 4});
  const std::string first = bed.nonce();
  for (int i = 0; i < 10000; ++i) {
    const std::string nonce = bed.nonce();
    if (i % 100 == 0) {
      EXPECT_EQ(bed.verify(bed.credentials(nonce, 1, "guess")), AuthVerdict::refused);
    }
    if (i % 100 == 1) {
      EXPECT_EQ(bed.verify(bed.credentials(nonce, 1), false), AuthVerdict::refused);
    }
  }
  EXPECT_EQ(bed.auth.nonces_in_use(), 0u);
  EXPECT_EQ(bed.verify(bed.credentials(first, 1)), AuthVerdict::accepted) << "no table had to remember it";
  EXPECT_EQ(bed.auth.nonces_in_use(), 1u);
}

// The mark is keyed: what another seed made is none of ours, although everything else is the same.
TEST(ServerAuth, ANonceIsKeyed_G18) {
  ServerBed bed;
  ServerAuth other(kServerDigests, {.realm = "example.org"}, Seed::of(2));
  const std::string foreign(*DigestParams::parse(other.challenge(bed.now(), false).at(0))->find("nonce"));
  EXPECT_EQ(bed.verify(bed.credentials(foreign, 1)), AuthVerdict::stale);
  const std::string own = bed.nonce();
  for (size_t at = 0; at < own.size(); ++at) {  // time, serial and mark alike
    std::string changed = own;
    changed[at] = changed[at] == '0' ? '1' : '0';
    EXPECT_EQ(bed.verify(bed.credentials(changed, 1)), AuthVerdict::stale) << at;
  }
  EXPECT_EQ(bed.verify(bed.credentials(own, 1)), AuthVerdict::accepted);
}

TEST(ServerAuth, AReplayedCountIsRefused_R4_2_G18) {
  ServerBed bed;
  const std::string nonce = bed.nonce();
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 1)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 1)), AuthVerdict::replayed);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 2)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 2)), AuthVerdict::replayed);
}

TEST(ServerAuth, PhonesSendInParallelAndOutOfOrderWithinAWindowOf64_G18) {
  ServerBed bed;
  const std::string nonce = bed.nonce();
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 70)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 6)), AuthVerdict::replayed);  // 64 back: outside
  for (uint32_t count = 69; count >= 7; --count) {
    EXPECT_EQ(bed.verify(bed.credentials(nonce, count)), AuthVerdict::accepted) << count;
    EXPECT_EQ(bed.verify(bed.credentials(nonce, count)), AuthVerdict::replayed) << count;
  }
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 71)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 70)), AuthVerdict::replayed);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 0xffffffff)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 0xfffffffe)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 72)), AuthVerdict::replayed);
}

// Whoever uses up nonces makes older ones stale, and keeps nobody with a new one out.
TEST(ServerAuth, AFullTableCallsTheOldestStaleAndServesWhoComesWithANewOne_G18) {
  ServerBed bed({.realm = "example.org", .max_nonces = 2});
  const std::string unused = bed.nonce();
  bed.ms += 1'000;
  const std::string first = bed.nonce();
  EXPECT_EQ(bed.verify(bed.credentials(first, 1)), AuthVerdict::accepted);
  bed.ms += 1'000;
  const std::string second = bed.nonce();
  EXPECT_EQ(bed.verify(bed.credentials(second, 1)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(unused, 1)), AuthVerdict::stale) << "older than all in use: not known to be new";
  EXPECT_EQ(bed.verify(bed.credentials(first, 2)), AuthVerdict::accepted) << "and it pushed nobody out";
  bed.ms += 1'000;
  const std::string third = bed.nonce();
  EXPECT_EQ(bed.verify(bed.credentials(third, 1)), AuthVerdict::accepted);
  EXPECT_EQ(bed.auth.nonces_in_use(), 2u);
  EXPECT_EQ(bed.verify(bed.credentials(first, 2)), AuthVerdict::stale) << "what was used of it is forgotten: no replay";
  EXPECT_EQ(bed.verify(bed.credentials(first, 3)), AuthVerdict::stale);
  EXPECT_EQ(bed.verify(bed.credentials(second, 2)), AuthVerdict::accepted) << "the ones in use go on";
  EXPECT_EQ(bed.verify(bed.credentials(second, 1)), AuthVerdict::replayed);
}

// Of one millisecond, too, where only the random bits order them: each is accepted once or stale, and none is lost for
// good.
TEST(ServerAuth, AFloodOfNoncesNeverLetsOneBeUsedTwice_G18) {
  ServerBed bed({.realm = "example.org", .max_nonces = 8});
  size_t accepted = 0;
  for (int i = 0; i < 500; ++i) {
    bed.ms += i % 10 == 0 ? 1 : 0;
    const std::string nonce = bed.nonce();
    const auto once = bed.credentials(nonce, 1);
    const bool taken = bed.verify(once) == AuthVerdict::accepted;
    accepted += taken ? 1 : 0;
    EXPECT_NE(bed.verify(once), AuthVerdict::accepted);
    EXPECT_LE(bed.auth.nonces_in_use(), 8u);
  }
  EXPECT_GT(accepted, 250u);
  bed.ms += 1;
  EXPECT_EQ(bed.verify(bed.credentials(bed.nonce(), 1)), AuthVerdict::accepted);
}

TEST(ServerAuth, WithoutQopANonceServesOnce) {
  ServerBed bed;
  const std::string nonce = bed.nonce();
  const std::string old_style = bed.credentials(nonce, 1, "secret", Algorithm::md5, false);
  EXPECT_EQ(bed.verify(old_style), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(old_style), AuthVerdict::stale);
}

// G18: an unknown user costs what a wrong password costs, and so does a user without an HA1 of that algorithm.
TEST(ServerAuth, UnknownUserAndWrongPasswordAreTheSameInVerdictAndWork_G18) {
  ServerBed bed;
  for (const Algorithm algorithm : {Algorithm::sha256, Algorithm::md5}) {
    const std::string nonce = bed.nonce();
    const auto cost = [&](auto act) {
      const uint64_t before = bed.auth.hash_operations();
      EXPECT_EQ(act(), AuthVerdict::refused);
      return bed.auth.hash_operations() - before;
    };
    const uint64_t wrong = cost([&] { return bed.verify(bed.credentials(nonce, 1, "wrong", algorithm)); });
    const uint64_t unknown = cost([&] { return bed.verify(bed.credentials(nonce, 1, "secret", algorithm), false); });
    const std::string foreign_nonce =
        cost([&] { return bed.verify(bed.credentials("x", 1, "wrong", algorithm)); }) == wrong ? "same" : "other";
    const StoredHa1 all = std::exchange(bed.bob, StoredHa1{});
    const uint64_t unset = cost([&] { return bed.verify(bed.credentials(nonce, 1, "secret", algorithm)); });
    bed.bob = all;
    EXPECT_GT(wrong, 0u);
    EXPECT_EQ(wrong, unknown);
    EXPECT_EQ(wrong, unset);
    EXPECT_EQ(foreign_nonce, "same");
  }
}

TEST(ServerAuth, ReadFindsOurRealmAmongManyAndReportsFlaws_advisory39) {
  ServerBed bed;
  const std::string ours = bed.credentials(bed.nonce(), 1);
  const std::vector<std::string_view> many{"Basic abc", "Digest realm=\"other.org\", nonce=\"1\"", ours};
  const auto found = bed.auth.read(many);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->user, "bob");
  EXPECT_EQ((*found)->uri, "sip:x");

  const std::vector<std::string_view> none{"Basic abc", "Digest realm=\"other.org\", nonce=\"1\""};
  EXPECT_TRUE(bed.auth.read(none));
  EXPECT_FALSE(*bed.auth.read(none));
  EXPECT_FALSE(*bed.auth.read({}));

  for (int i = 0; i < 100; ++i) {
    for (const std::string_view bad : {"", "Digest", "Digest ,,,", "Digest realm=\"example.org\""}) {
      const std::string_view values[] = {bad};
      EXPECT_FALSE(bed.auth.read(values)) << bad;
    }
  }
}

TEST(ServerAuth, EveryParameterThatMustBeThereIsAskedFor) {
  ServerBed bed;
  const std::string good = bed.credentials(bed.nonce(), 1);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const std::string_view values[] = {text};
    const auto read = bed.auth.read(values);
    return read ? AuthFlaw::empty : read.error();
  };
  EXPECT_EQ(with("username=", "user="), AuthFlaw::missing);
  EXPECT_EQ(with("nonce=", "once="), AuthFlaw::missing);
  EXPECT_EQ(with("uri=", "url="), AuthFlaw::missing);
  EXPECT_EQ(with("response=\"", "response=\"0"), AuthFlaw::missing);
  EXPECT_EQ(with("response=\"", "response=\"x\", x=\""), AuthFlaw::missing);
  EXPECT_EQ(with("qop=auth", "qop=auth-int"), AuthFlaw::missing);
  EXPECT_EQ(with("nc=00000001", "nc=00000000"), AuthFlaw::missing);
  EXPECT_EQ(with("nc=00000001", "nc=1"), AuthFlaw::missing);
  EXPECT_EQ(with("nc=00000001", "nc=0000000g"), AuthFlaw::missing);
  EXPECT_EQ(with("cnonce=\"c0\"", "cnonce=\"\""), AuthFlaw::missing);
  EXPECT_EQ(with("algorithm=SHA-256", "algorithm=SHA-512-256"), AuthFlaw::missing);
  EXPECT_EQ(with("algorithm=SHA-256", "algorithm=MD5"), AuthFlaw::missing);  // the response is too long for it
}

// advisory 38: 32 KiB of anything is refused before it is hashed.
TEST(ServerAuth, HugeParametersAreRefusedWithoutWork_advisory38) {
  ServerBed bed;
  for (const char* parameter : {"realm", "nonce", "opaque", "qop", "username", "uri", "cnonce"}) {
    const std::string text = "Digest " + std::string(parameter) + "=\"" + std::string(32768, 'x') + "\"";
    const std::string_view values[] = {text};
    ASSERT_FALSE(bed.auth.read(values));
    EXPECT_EQ(bed.auth.read(values).error(), AuthFlaw::too_long);
  }
  EXPECT_EQ(bed.auth.hash_operations(), 0u);
}

TEST(ServerAuth, ACopyGoesOnAlike) {
  ServerBed bed;
  const std::string nonce = bed.nonce();
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 1)), AuthVerdict::accepted);
  ServerBed copy = bed;
  EXPECT_EQ(copy.nonce(), bed.nonce());
  EXPECT_EQ(copy.verify(copy.credentials(nonce, 1)), AuthVerdict::replayed);
  EXPECT_EQ(copy.verify(copy.credentials(nonce, 2)), AuthVerdict::accepted);
  EXPECT_EQ(bed.verify(bed.credentials(nonce, 2)), AuthVerdict::accepted);
}

}  // namespace
}  // namespace isthmus::sip
