// SPDX-License-Identifier: MIT
#include "sip/message/via.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sip/message/name_addr.hpp"
#include "tests/sip/message/samples.hpp"

namespace isthmus::sip {
namespace {

TEST(Via, PartsOfOneElement) {
  const auto via = parse_via(
      "SIP/2.0/UDP "
      "[2001:db8::9]:5062;branch=z9hG4bK87asd;received=192.0.2.3;rport=777;ttl=16;maddr=224.2.0.1;x=\"y;z\"");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->transport, "UDP");
  EXPECT_EQ(via->host, "[2001:db8::9]");
  EXPECT_EQ(via->port, 5062);
  EXPECT_EQ(via->branch, "z9hG4bK87asd");
  EXPECT_TRUE(via->has_cookie());
  EXPECT_EQ(via->received, "192.0.2.3");
  EXPECT_TRUE(via->rport);
  EXPECT_EQ(via->rport_value, 777);
  EXPECT_EQ(via->ttl, 16);
  EXPECT_EQ(via->maddr, "224.2.0.1");
}

TEST(Via, R3_16_WhitespaceWhereTheGrammarAllowsIt) {
  const auto via = parse_via(
      "SIP  /   2.0 /TCP     spindle.example.com : 5061  ; branch  =   z9hG4bK9ikj8  ; rport ;received= 192.0.2.4");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->transport, "TCP");
  EXPECT_EQ(via->host, "spindle.example.com");
  EXPECT_EQ(via->port, 5061);
  EXPECT_EQ(via->branch, "z9hG4bK9ikj8");
  EXPECT_EQ(via->received, "192.0.2.4");
  EXPECT_TRUE(via->rport);
  EXPECT_EQ(via->rport_value, 0);
}

TEST(Via, ListsAreReadElementByElement) {
  const std::string_view value = "SIP/2.0/UDP a;branch=1, SIP/2.0/TCP b;branch=2;x=\",\" ,SIP/2.0/WSS c.invalid";
  std::string hosts;
  for (size_t at = 0; at < value.size();) {
    size_t size = 0;
    const auto via = parse_via(value.substr(at), size);
    ASSERT_TRUE(via);
    ASSERT_GT(size, 0U);
    hosts += via->host;
    hosts += ' ';
    at += size;
  }
  EXPECT_EQ(hosts, "a b c.invalid ");
  EXPECT_FALSE(parse_via(value));
}

TEST(Via, AnomaliesAreRefused) {  // advisory 33, advisory 34
  const std::string_view protocols[] = {"",         "SIP",      "SIP/",      "SIP/2.0",     "SIP/2.0/",
                                        "/2.0/UDP", "SIP//UDP", "SIP/2.0//", "SIP/2.0/U(P", "\"SIP\"/2.0/UDP"};
  const std::string_view hosts[] = {"h",
                                    "",
                                    ":5060",
                                    "[",
                                    "[]",
                                    "[::1",
                                    "[::g]",
                                    "h_x:5060",
                                    "h:",
                                    "h:0",
                                    "h:65536",
                                    "h:99999999999999999999",
                                    "h:-1",
                                    "h:5060x",
                                    "h:5 060",
                                    "<h>",
                                    "\"h\"",
                                    "h@x",
                                    "h,",
                                    "h;;",
                                    "h;branch=",
                                    "h;=x",
                                    "h;branch",
                                    "h;ttl=256",
                                    "h;ttl=",
                                    "h;rport=0",
                                    "h;rport=70000",
                                    "h;rport=x",
                                    "h;received=",
                                    "h;maddr",
                                    "h;branch=a;branch=b",
                                    "h;x=\"",
                                    "h;branch=a b",
                                    "h h"};
  size_t refused = 0;
  for (const std::string_view protocol : protocols) {
    for (const std::string_view host : hosts) {
      // Whitespace may stand behind the slash, so here a lone host would be the transport.
      const std::string text = std::string(protocol) + (protocol == "SIP/2.0/" ? "; " : " ") + std::string(host);
      EXPECT_FALSE(parse_via(text)) << text;
      ++refused;
    }
  }
  for (const std::string_view host : hosts) {
    const std::string text = "SIP/2.0/UDP " + std::string(host);
    const bool good = host == "h" || host == "h_x:5060";
    EXPECT_EQ(parse_via(text).has_value(), good) << text;
    // The parser says 400 and that there is nothing to answer with.
    const auto result = samples::parsed(samples::with_line_instead("Via", "Via: " + text));
    EXPECT_EQ(result.error.code == ParseCode::none, good || host == "h,") << text;
    if (result.error.code != ParseCode::none) {
      EXPECT_EQ(result.error.header, Header::via) << text;
      EXPECT_FALSE(result.error.answerable) << text;
    }
    ++refused;
  }
  EXPECT_GT(refused, 350U);
  EXPECT_FALSE(parse_via("SIP/2.0/UDPh"));
}

TEST(Via, AnEmptyRportMeansTheFlag) {
  const auto via = parse_via("SIP/2.0/UDP h;rport=;branch=z9hG4bK1");
  ASSERT_TRUE(via);
  EXPECT_TRUE(via->rport);
  EXPECT_EQ(via->branch, "z9hG4bK1");
}

TEST(Via, ParamsAreLimited) {  // advisory 54
  std::string text = "SIP/2.0/UDP h";
  for (size_t i = 0; i < kMaxParams; ++i) text += ";p=1";
  EXPECT_TRUE(parse_via(text));
  EXPECT_EQ(parse_via(text + ";p").error().code, ParseCode::too_many_params);
}

}  // namespace
}  // namespace isthmus::sip
