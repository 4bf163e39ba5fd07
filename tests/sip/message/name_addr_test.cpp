// SPDX-License-Identifier: MIT
#include "sip/message/name_addr.hpp"

#include <gtest/gtest.h>

#include <string>

namespace isthmus::sip {
namespace {

TEST(NameAddr, FormsOfRfc3261Section2010) {
  struct Row {
    std::string_view text, display, uri, tag;
  };
  const Row rows[] = {
      {"\"A. G. Bell\" <sip:agb@bell.example.com> ;tag=a48s", "\"A. G. Bell\"", "sip:agb@bell.example.com", "a48s"},
      {"Anonymous <sip:c8@h>;tag=hyh8", "Anonymous", "sip:c8@h", "hyh8"},
      {"sip:+12125551212@server.example.com;tag=887s", "", "sip:+12125551212@server.example.com", "887s"},
      {"The Operator <sip:o@h;transport=udp;lr>;q=0.5;TAG=x", "The Operator", "sip:o@h;transport=udp;lr", "x"},
      {"<sip:a@h>", "", "sip:a@h", ""},
      {"sip:a@h", "", "sip:a@h", ""},
      {"  Bob<sip:b@h>  ", "Bob", "sip:b@h", ""},
      {"\"a \\\" , < ; b\"<sip:b@h>;x=\"y;tag=no\";tag=yes", "\"a \\\" , < ; b\"", "sip:b@h", "yes"},
      {"<sip:b@h> ; tag = 98asjd8 ; n", "", "sip:b@h", "98asjd8"},
      {"<tel:+1-201-555-0123>;tag=t", "", "tel:+1-201-555-0123", "t"},
      {"J\xc3\xbcrgen <sip:j@h>", "J\xc3\xbcrgen", "sip:j@h", ""},
      {"<http://www.example.com/?x=y;z>", "", "http://www.example.com/?x=y;z", ""},
      {"\"\" <sip:b@h>", "\"\"", "sip:b@h", ""},
  };
  for (const Row& row : rows) {
    const auto address = parse_name_addr(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(address->display, row.display) << row.text;
    EXPECT_EQ(address->uri, row.uri) << row.text;
    EXPECT_EQ(address->tag, row.tag) << row.text;
  }
}

TEST(NameAddr, BrokenOnesAreRefusedWithAPlace) {
  for (const std::string_view text : {"",
                                      " ",
                                      "Bob",
                                      "<",
                                      "<>",
                                      "<sip:>",
                                      "<sip:b@h",
                                      "sip:b@h>",
                                      "\"Bob <sip:b@h>",
                                      "\"Bob\" sip:b@h",
                                      "\"Bob\"",
                                      "<sip:b@h>x",
                                      "<sip:b@h>;",
                                      "<sip:b@h>;;",
                                      "<sip:b@h>;=x",
                                      "<sip:b@h>;tag=",
                                      "<sip:b@h>;tag=a b",
                                      "<sip:b@h>;x=\"y",
                                      "< sip:b@h>",
                                      "<sip:b@h >",
                                      "<sip:b b@h>",
                                      "Watson, Thomas <sip:t@h>",
                                      "sip:b@h?x=y",
                                      "sip:b@h,sip:c@h",
                                      "<sip:b@h>,<sip:c@h>",
                                      "<bob>",
                                      "<1:x>",
                                      "Bob <<sip:b@h>>",
                                      "<sip:b@h>;t\xc3\xa4g=x"}) {
    const auto address = parse_name_addr(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ParseCode::bad_name_addr) << text;
    EXPECT_LE(address.error().offset, text.size()) << text;
  }
}

TEST(NameAddr, DisplayNameIsUnquoted) {
  EXPECT_EQ(parse_name_addr("\"J \\\"R\\\" \\\\ x\" <sip:j@h>")->display_name(), "J \"R\" \\ x");
  EXPECT_EQ(parse_name_addr("Plain Name <sip:j@h>")->display_name(), "Plain Name");
  EXPECT_EQ(parse_name_addr("<sip:j@h>")->display_name(), "");
}

TEST(NameAddr, ParamsAreLimited) {  // advisory 54
  std::string text = "<sip:b@h>";
  for (size_t i = 0; i < kMaxParams; ++i) text += ";p=1";
  EXPECT_TRUE(parse_name_addr(text));
  text += ";p=1";
  EXPECT_EQ(parse_name_addr(text).error().code, ParseCode::too_many_params);
  EXPECT_EQ(parse_name_addr("<sip:" + std::string(kMaxUriLength, 'x') + ">").error().code, ParseCode::uri_too_long);
}

}  // namespace
}  // namespace isthmus::sip
