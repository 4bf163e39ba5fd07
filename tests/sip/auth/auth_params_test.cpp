// SPDX-License-Identifier: MIT
// The parser of auth-params: strict, bounded, never surprised (advisories 38 and 39).
#include "sip/auth/auth_params.hpp"

#include <gtest/gtest.h>

namespace isthmus::sip {
namespace {

std::string flaw_of(std::string_view value) {
  const auto params = DigestParams::parse(value);
  return params ? "" : std::string(describe(params.error()));
}
bool has_flaw(std::string_view value, AuthFlaw flaw) {
  const auto params = DigestParams::parse(value);
  return !params && params.error() == flaw;
}

constexpr std::string_view kRfc3261Example =
    "Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
    "uri=\"sip:bob@biloxi.com\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", "
    "response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";

TEST(AuthParams, Section22_4_ReadsTheExample) {
  const auto params = DigestParams::parse(kRfc3261Example);
  ASSERT_TRUE(params);
  EXPECT_EQ(params->size(), 9u);
  EXPECT_EQ(params->find("USERNAME"), "bob");
  EXPECT_EQ(params->find("qop"), "auth");
  EXPECT_EQ(params->find("nc"), "00000001");
  EXPECT_EQ(params->find("uri"), "sip:bob@biloxi.com");
  EXPECT_FALSE(params->find("algorithm"));
}

TEST(AuthParams, QuotesEscapesFoldsAndOddSpacing) {
  const auto params = DigestParams::parse("  dIGEST\t realm = \"a \\\"b\\\" \\\\, c\" ,\r\n nonce=\"\",x=1+/2=");
  ASSERT_TRUE(params);
  EXPECT_EQ(params->find("realm"), "a \\\"b\\\" \\\\, c");
  EXPECT_EQ(unescaped(*params->find("realm")), "a \"b\" \\, c");
  EXPECT_EQ(escaped(unescaped(*params->find("realm"))), *params->find("realm"));
  EXPECT_EQ(params->find("nonce"), "");
  EXPECT_EQ(params->find("x"), "1+/2=");
}

TEST(AuthParams, MalformedHeadersAreRefusedWithAReason_advisory39) {
  EXPECT_TRUE(has_flaw("", AuthFlaw::empty));
  EXPECT_TRUE(has_flaw(" \r\n ", AuthFlaw::empty));
  EXPECT_TRUE(has_flaw("=", AuthFlaw::no_scheme));
  EXPECT_TRUE(has_flaw("\"Digest\"", AuthFlaw::no_scheme));
  EXPECT_TRUE(has_flaw("Basic QWxhZGRpbjpvcGVu", AuthFlaw::not_digest));
  EXPECT_TRUE(has_flaw("Digestive a=b", AuthFlaw::not_digest));
  for (const std::string_view bad : {"Digest",
                                     "Digest ",
                                     "Digest realm",
                                     "Digest realm=",
                                     "Digest =x",
                                     "Digest ,",
                                     "Digest a=b,",
                                     "Digest a=b,,c=d",
                                     "Digest a=b c=d",
                                     "Digest a=\"b",
                                     "Digest a=\"b\\",
                                     "Digest a=\"b\\\"",
                                     "Digest a=\"b\"c",
                                     "Digest a=b\"c\"",
                                     "Digest a=\"\x01\"",
                                     "Digest a=b\\c",
                                     "Digest a=\"x\r\ny\"",
                                     "Digest,a=b",
                                     "Digest a=b;c=d",
                                     "Digest a=\x7f"}) {
    const bool is_one_param = std::string_view(bad) == "Digest a=b;c=d";  // ";" may stand in a bare value
    EXPECT_EQ(has_flaw(bad, AuthFlaw::bad_parameter), !is_one_param) << bad << ": " << flaw_of(bad);
  }
  EXPECT_TRUE(has_flaw(std::string_view("Digest a=\"\0\"", 12), AuthFlaw::bad_parameter));
  EXPECT_TRUE(has_flaw("Digest nonce=a, NONCE=b", AuthFlaw::duplicate));
}

TEST(AuthParams, EveryTruncationIsRefusedOrHasFewerParameters_advisory39) {
  for (size_t size = 0; size < kRfc3261Example.size(); ++size) {
    const std::string cut(kRfc3261Example.substr(0, size));
    const auto params = DigestParams::parse(cut);
    if (params) {
      EXPECT_LE(params->size(), 9u);
      EXPECT_NE(params->find("opaque"), "5ccc069c403ebaf9f0171e9517f40e41");
    }
  }
}

TEST(AuthParams, LengthsAreBounded_advisory38) {
  for (const char* parameter : {"realm", "nonce", "opaque", "qop", "username", "cnonce"}) {
    const std::string huge(32768, 'A');
    EXPECT_TRUE(has_flaw("Digest " + std::string(parameter) + "=\"" + huge + "\"", AuthFlaw::too_long)) << parameter;
  }
  EXPECT_TRUE(has_flaw("Digest a=\"" + std::string(kMaxAuthParam + 1, 'A') + "\"", AuthFlaw::too_long));
  EXPECT_EQ(flaw_of("Digest a=\"" + std::string(kMaxAuthParam, 'A') + "\""), "");
  std::string many = "Digest a0=1";
  for (size_t i = 1; i < kMaxAuthParams; ++i) many += ", a" + std::to_string(i) + "=1";
  EXPECT_EQ(flaw_of(many), "");
  EXPECT_TRUE(has_flaw(many + ", b=1", AuthFlaw::too_long));
}

}  // namespace
}  // namespace isthmus::sip
