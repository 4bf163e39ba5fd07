// SPDX-License-Identifier: MIT
// Digest arithmetic against the examples of the RFCs.
#include "sip/auth/digest.hpp"

#include <gtest/gtest.h>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace isthmus::sip {
namespace {

const Digests kDigestFunctions{&crypto::md5, &crypto::sha256};

// R4.2
TEST(Digest, Rfc7616Section3_9_1_Md5AndSha256_R4_2) {
  const StoredHa1 ha1 = make_ha1s(kDigestFunctions, "Mufasa", "http-auth@example.org", "Circle of Life");
  DigestInput input{.algorithm = Algorithm::md5,
                    .ha1 = ha1.md5,
                    .nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                    .method = "GET",
                    .uri = "/dir/index.html",
                    .qop_auth = true,
                    .nc = "00000001",
                    .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};
  EXPECT_EQ(digest_response(kDigestFunctions, input), "8ca523f5e9506fed4657c9700eebdbec");
  input.algorithm = Algorithm::sha256;
  input.ha1 = ha1.sha256;
  EXPECT_EQ(digest_response(kDigestFunctions, input),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

TEST(Digest, Rfc2617Section3_5_WithAndWithoutQop) {
  const std::string ha1 = make_ha1(kDigestFunctions, false, "Mufasa", "testrealm@host.com", "Circle Of Life");
  EXPECT_EQ(ha1, "939e7578ed9e3c518a452acee763bce9");
  DigestInput input{.ha1 = ha1,
                    .nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                    .method = "GET",
                    .uri = "/dir/index.html",
                    .qop_auth = true,
                    .nc = "00000001",
                    .cnonce = "0a4f113b"};
  EXPECT_EQ(digest_response(kDigestFunctions, input), "6629fae49393a05397450978507c4ef1");
  input.qop_auth = false;
  EXPECT_EQ(digest_response(kDigestFunctions, input), "670fd8c2df070c60b045671b8b24ff02");
}

TEST(Digest, Rfc7616Section3_4_2_ASessionKeyMixesInNonceAndCnonce) {
  const std::string plain = make_ha1(kDigestFunctions, true, "u", "r", "p");
  const std::string key = to_hex(crypto::sha256(as_bytes(plain + ":n:c")));
  const DigestInput sess{.algorithm = Algorithm::sha256_sess,
                         .ha1 = plain,
                         .nonce = "n",
                         .method = "INVITE",
                         .uri = "sip:a",
                         .qop_auth = true,
                         .nc = "00000001",
                         .cnonce = "c"};
  DigestInput same = sess;
  same.algorithm = Algorithm::sha256;
  same.ha1 = key;
  EXPECT_EQ(digest_response(kDigestFunctions, sess), digest_response(kDigestFunctions, same));
}

TEST(Digest, AlgorithmNamesAreReadWithoutCase) {
  for (const Algorithm a : {Algorithm::md5, Algorithm::md5_sess, Algorithm::sha256, Algorithm::sha256_sess}) {
    EXPECT_EQ(parse_algorithm(name(a)), a);
  }
  EXPECT_EQ(parse_algorithm("md5"), Algorithm::md5);
  EXPECT_EQ(parse_algorithm("sha-256-SESS"), Algorithm::sha256_sess);
  EXPECT_FALSE(parse_algorithm("SHA-512-256"));
  EXPECT_FALSE(parse_algorithm(""));
}

TEST(Digest, Rfc4231_HmacSha256) {
  const auto hmac = [](std::string_view key, std::initializer_list<Bytes> parts) {
    return to_hex(hmac_sha256(kDigestFunctions, as_bytes(key), parts));
  };
  EXPECT_EQ(hmac("Jefe", {as_bytes("what do ya want "), as_bytes("for nothing?")}),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::string long_key(131, '\xaa');
  EXPECT_EQ(hmac(long_key, {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")}),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// G18. That secrets are compared by it and by nothing else is a rule of tests/house.
TEST(Digest, ConstantTimeComparisonLooksAtEveryOctet_G18) {
  const std::string text(64, 'a');
  for (size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = 'b';
    EXPECT_FALSE(equal_constant_time(text, other)) << at;
    EXPECT_FALSE(equal_constant_time(other, text)) << at;
  }
  EXPECT_TRUE(equal_constant_time(text, std::string(64, 'a')));
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("bbc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace isthmus::sip
