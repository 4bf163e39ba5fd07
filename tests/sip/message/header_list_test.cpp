// SPDX-License-Identifier: MIT
#include "sip/message/header_list.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace isthmus::sip {
namespace {

std::vector<std::string> split(std::string_view value) {
  std::vector<std::string> out;
  for (const std::string_view element : List{value}) out.emplace_back(element);
  return out;
}

TEST(HeaderList, CommasInQuotesAndBracketsDoNotSplit) {  // R3.16
  using Strings = std::vector<std::string>;
  EXPECT_EQ(split("INVITE, ACK,BYE"), (Strings{"INVITE", "ACK", "BYE"}));
  EXPECT_EQ(split("\"a,b\\\",c\" <sip:x,y@h>;p=\",\", <sip:z@h>"),
            (Strings{"\"a,b\\\",c\" <sip:x,y@h>;p=\",\"", "<sip:z@h>"}));
  EXPECT_EQ(split("\"<\" <sip:a@h>, b"), (Strings{"\"<\" <sip:a@h>", "b"}));
  EXPECT_EQ(split(" ,, a , ,"), (Strings{"a"}));
  EXPECT_EQ(split(""), Strings{});
  EXPECT_EQ(split("\"never closed, x"), (Strings{"\"never closed, x"}));
}

TEST(HeaderList, ParametersWithSpacesAndQuotes) {
  ParamCursor cursor(" lr ; Q = 0.5;x=\"a;b\\\"\";;flag ");
  std::string seen;
  for (Param param; cursor.next(param);) {
    seen += std::string(param.name) + "[" + std::string(param.plain()) + "]" + (param.has_value ? "=" : "") + " ";
  }
  EXPECT_FALSE(cursor.is_broken());
  EXPECT_EQ(seen, "lr[] Q[0.5]= x[a;b\\\"]= flag[] ");
  EXPECT_EQ(find_param("a=1;B=2", "b"), "2");
  EXPECT_EQ(find_param("a=1;B", "b"), "");
  EXPECT_EQ(find_param("a=1", "b"), std::nullopt);
  for (const std::string_view bad : {"=x", "a b", "a=\"x", "a=\"x\"y", "a=b\"c\"", "\"a\"=b"}) {
    ParamCursor broken{bad};
    Param param;
    while (broken.next(param)) {
    }
    EXPECT_TRUE(broken.is_broken()) << bad;
  }
}

TEST(HeaderList, QuotingIsUndone) {
  EXPECT_EQ(unquote("\"a\\\"b\\\\c\""), "a\"b\\c");
  EXPECT_EQ(unquote("token"), "token");
  EXPECT_EQ(unquote("\""), "\"");
  EXPECT_EQ(unquote("\"\\\""), "\\");
  EXPECT_EQ(quote("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(quote(std::string_view("a\r\nVia: x\0y", 11)), "\"aVia: xy\"");  // advisory 42: no line can be smuggled
  const std::string odd = "\\ \" \\\" x";
  EXPECT_EQ(unquote(quote(odd)), odd);
}

TEST(HeaderList, TokensAreComparedWithoutCase) {
  EXPECT_TRUE(list_has("100rel, Timer ,replaces", "timer"));
  EXPECT_FALSE(list_has("100rel, timers", "timer"));
  EXPECT_FALSE(list_has("", "timer"));
}

}  // namespace
}  // namespace isthmus::sip
