// SPDX-License-Identifier: MIT
#include "sip/message/uri.hpp"

#include <gtest/gtest.h>

#include <string>

namespace isthmus::sip {
namespace {

TEST(Uri, PartsAreViewsIntoTheText) {
  const auto uri =
      parse_uri("sips:alice:se%20cret@atlanta.example.com:5061;transport=tcp;lr?subject=a%20b&priority=urgent");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, Scheme::sips);
  EXPECT_EQ(uri->user, "alice");
  EXPECT_TRUE(uri->has_password);
  EXPECT_EQ(uri->password, "se%20cret");
  EXPECT_EQ(uri->host, "atlanta.example.com");
  EXPECT_EQ(uri->port, 5061);
  EXPECT_EQ(uri->params, "transport=tcp;lr");
  EXPECT_EQ(uri->headers, "subject=a%20b&priority=urgent");
  EXPECT_EQ(uri->param("Transport"), "tcp");
  EXPECT_TRUE(uri->has_param("LR"));
  EXPECT_FALSE(uri->has_param("ob"));
}

TEST(Uri, R3_2_Table) {
  struct Row {
    std::string_view text;
    bool good;
    std::string_view user;
    std::string_view host;
  };
  const Row rows[] = {
      {"sip:bob@biloxi.example.com", true, "bob", "biloxi.example.com"},
      {"SIP:bob@biloxi.example.com", true, "bob", "biloxi.example.com"},
      {"sip:biloxi.example.com", true, "", "biloxi.example.com"},
      {"sip:biloxi.example.com:5060", true, "", "biloxi.example.com"},
      {"sip:a%20b@h", true, "a%20b", "h"},  // %20 is accepted and kept
      {"sip:+1-212-555-1212:1234@gateway.example.com;user=phone", true, "+1-212-555-1212", "gateway.example.com"},
      {"sip:alice;day=tuesday@atlanta.example.com", true, "alice;day=tuesday", "atlanta.example.com"},
      {"sip:&=+$,;?/@h", true, "&=+$,;?/", "h"},
      {"sip:*21#@h", true, "*21#", "h"},
      {"sip:u@[2001:db8::1]:5070;lr", true, "u", "[2001:db8::1]"},
      {"sip:[2001:db8::1]", true, "", "[2001:db8::1]"},
      {"sip:u@[::ffff:192.0.2.1]", true, "u", "[::ffff:192.0.2.1]"},
      {"sip:u:@h", true, "u", "h"},
      {"sip:u@h;x=1?y=", true, "u", "h"},
      {"sip:", false, "", ""},
      {"sip:@h", false, "", ""},
      {"sip::p@h", false, "", ""},
      {"sip:u@", false, "", ""},
      {"sip:u@h:", false, "", ""},
      {"sip:u@h:0", false, "", ""},
      {"sip:u@h:65536", false, "", ""},
      {"sip:u@h:4294972356", false, "", ""},
      {"sip:u@h:-1", false, "", ""},
      {"sip:u@h;", false, "", ""},
      {"sip:u@h;;lr", false, "", ""},
      {"sip:u@h;x=", false, "", ""},
      {"sip:u@h?", false, "", ""},
      {"sip:u@h?x", false, "", ""},
      {"sip:u@h?x=1&", false, "", ""},
      {"sip:u@[2001:db8::1", false, "", ""},
      {"sip:u@[2001:db8::g]", false, "", ""},
      {"sip:u@2001:db8::1", false, "", ""},
      {"sip:a b@h", false, "", ""},
      {" sip:a@h", false, "", ""},
      {"sip:a@h ", false, "", ""},
      {"<sip:a@h>", false, "", ""},
      {"sip:a\x01@h", false, "", ""},
      {"sip:a\t@h", false, "", ""},
      {"sip:a\xc3\xa4@h", false, "", ""},  // UTF-8 must be escaped
      {"sip:a\"b@h", false, "", ""},
      {"sip:a@b@h", false, "", ""},
      {"bob", false, "", ""},
      {"", false, "", ""},
      {":", false, "", ""},
      {"1sip:a@h", false, "", ""},
  };
  for (const Row& row : rows) {
    const auto uri = parse_uri(row.text);
    ASSERT_EQ(uri.has_value(), row.good) << row.text;
    if (!uri) {
      EXPECT_EQ(uri.error().code, ParseCode::bad_uri) << row.text;
      EXPECT_LE(uri.error().offset, row.text.size()) << row.text;
      continue;
    }
    EXPECT_EQ(uri->user, row.user) << row.text;
    EXPECT_EQ(uri->host, row.host) << row.text;
  }
}

TEST(Uri, ErrorsSayWhere) {
  EXPECT_EQ(parse_uri("sip:a b@h").error().offset, 5U);
  EXPECT_EQ(parse_uri("sip:u@h:99999").error().offset, 8U);
}

TEST(Uri, EscapesAreWholeOrRefused) {  // advisory 29
  for (const std::string_view text : {"sip:a%@h", "sip:a%4@h", "sip:a%4g@h", "sip:u@h;x=%", "sip:u@h?x=%4", "sip:%"}) {
    EXPECT_FALSE(parse_uri(text)) << text;
  }
  EXPECT_TRUE(parse_uri("sip:a%00%ff@h"));
  EXPECT_EQ(unescape("a%20b%4"), "a b%4");
  EXPECT_EQ(unescape("%41%"), "A%");
}

TEST(Uri, TelIsParsedAndOtherSchemesAreReported) {  // R3.2
  const auto tel = parse_uri("tel:+1-201-555-0123;phone-context=example.com");
  ASSERT_TRUE(tel);
  EXPECT_EQ(tel->scheme, Scheme::tel);
  EXPECT_EQ(tel->user, "+1-201-555-0123");
  EXPECT_EQ(tel->param("phone-context"), "example.com");
  EXPECT_TRUE(parse_uri("tel:7042;phone-context=example.com"));
  for (const std::string_view bad : {"tel:", "tel:+", "tel:--", "tel:+12a4", "tel:12 34", "tel:12;", "tel:12;=x"}) {
    EXPECT_FALSE(parse_uri(bad)) << bad;
  }
  const auto http = parse_uri("http://www.example.com/a?b=c#d");
  ASSERT_TRUE(http);
  EXPECT_EQ(http->scheme, Scheme::other);
  EXPECT_EQ(http->scheme_text, "http");
  EXPECT_FALSE(parse_uri("http:"));
  EXPECT_FALSE(parse_uri("http://a b"));
}

TEST(Uri, LengthsAreBounded) {  // advisory 31
  for (size_t size = 1; size <= 32768; size *= 2) {
    const std::string text = "sip:" + std::string(size, 'a') + "@h";
    const auto uri = parse_uri(text);
    EXPECT_EQ(uri.has_value(), text.size() <= kMaxUriLength) << size;
    if (!uri) {
      EXPECT_EQ(uri.error().code, ParseCode::uri_too_long);
    }
  }
  std::string many = "sip:h";
  for (size_t i = 0; i < kMaxUriParams; ++i) many += ";p";
  EXPECT_TRUE(parse_uri(many));
  many += ";p";
  EXPECT_EQ(parse_uri(many).error().code, ParseCode::too_many_params);
}

TEST(Uri, EquivalenceOfRfc3261Section1914) {
  const auto same = [](std::string_view a, std::string_view b) {
    const auto x = parse_uri(a);
    const auto y = parse_uri(b);
    EXPECT_TRUE(x && y) << a << " " << b;
    const bool result = x && y && equivalent(*x, *y);
    EXPECT_EQ(result, x && y && equivalent(*y, *x)) << a << " " << b;
    return result;
  };
  EXPECT_TRUE(same("sip:%61lice@atlanta.example.com;transport=TCP", "sip:alice@AtLanTa.ExAmPlE.com;Transport=tcp"));
  EXPECT_TRUE(same("sip:carol@chicago.example.com", "sip:carol@chicago.example.com;newparam=5"));
  EXPECT_TRUE(same("sip:carol@chicago.example.com", "sip:carol@chicago.example.com;security=on"));
  EXPECT_TRUE(same("sip:biloxi.example.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.example.com",
                   "sip:biloxi.example.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.example.com"));
  EXPECT_TRUE(same("sip:alice@atlanta.example.com?subject=project%20x&priority=urgent",
                   "sip:alice@atlanta.example.com?priority=urgent&subject=project%20x"));
  EXPECT_TRUE(same("sip:u@[2001:DB8::1]", "sip:u@[2001:db8:0:0::1]"));
  EXPECT_FALSE(same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
  EXPECT_FALSE(same("sip:bob@biloxi.example.com", "sip:bob@biloxi.example.com:5060"));
  EXPECT_FALSE(same("sip:bob@biloxi.example.com;maddr=192.0.2.1", "sip:bob@biloxi.example.com"));
  EXPECT_FALSE(same("sip:bob@biloxi.example.com", "sip:bob@biloxi.example.com:6000;transport=tcp"));
  EXPECT_FALSE(same("sip:carol@chicago.example.com", "sip:carol@chicago.example.com?Subject=next%20meeting"));
  EXPECT_FALSE(same("sip:bob@phone21.boxesbybob.example.com", "sip:bob@192.0.2.4"));
  EXPECT_FALSE(same("sip:bob@h", "sips:bob@h"));
  EXPECT_FALSE(same("sip:a:x@h", "sip:a:y@h"));
  EXPECT_FALSE(same("sip:a%3bb@h", "sip:a;b@h"));  // an escaped reserved octet is another one
  EXPECT_FALSE(same("sip:a@h;user=phone", "sip:a@h"));
  EXPECT_TRUE(same("tel:+1-201-555-0123", "tel:+1(201)5550123"));
  EXPECT_FALSE(same("tel:+12015550123", "tel:12015550123;phone-context=+1"));
  EXPECT_FALSE(same("http://a/B", "http://a/b"));
}

TEST(Uri, UserPartIsEscapedForWriting) {
  EXPECT_EQ(escape_user("+49 30;x"), "+49%2030;x");
  EXPECT_EQ(escape_user("a@b<c>\r\n%"), "a%40b%3Cc%3E%0D%0A%25");
  EXPECT_EQ(host_port("2001:db8::1", 5060), "[2001:db8::1]:5060");
  EXPECT_EQ(host_port("h.example", 0), "h.example");
}

}  // namespace
}  // namespace isthmus::sip
