// SPDX-License-Identifier: MIT
#include "sip/message/draft.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sip/message/writer.hpp"
#include "tests/sip/message/samples.hpp"

namespace isthmus::sip {
namespace {

TEST(Draft, LinesKeepTheirOrder) {
  Draft draft = Draft::request(Method::invite, "sip:b@h");
  draft.add(Header::from, "<sip:a@h>;tag=1").add(Header::route, "<sip:p2;lr>").add_first(Header::route, "<sip:p1;lr>");
  draft.add_text("X-Own", "x").add_text("subject", "s").add_number(Header::expires, 4294967295U);
  std::string seen;
  for (size_t i = 0; i < draft.line_count(); ++i)
    seen += std::string(draft.line_name(i)) + "=" + std::string(draft.line_value(i)) + "|";
  EXPECT_EQ(seen, "Route=<sip:p1;lr>|From=<sip:a@h>;tag=1|Route=<sip:p2;lr>|X-Own=x|Subject=s|Expires=4294967295|");
  EXPECT_EQ(draft.header("x-own"), "x");
  EXPECT_EQ(draft.header("Subject"), "s");
  EXPECT_EQ(draft.header(Header::route), "<sip:p1;lr>");
  EXPECT_FALSE(draft.has(Header::to));
  EXPECT_EQ(draft.remove(Header::route), 2U);
  EXPECT_EQ(draft.remove("X-OWN"), 1U);
  EXPECT_EQ(draft.line_count(), 3U);
}

TEST(Draft, SetReplacesTheFirstAndDropsTheOthers) {
  Draft draft = Draft::response(200);
  EXPECT_EQ(draft.reason(), "OK");
  draft.add(Header::contact, "1").add(Header::server, "s").add(Header::contact, "2");
  draft.set(Header::contact, "3").set(Header::allow, "INVITE");
  EXPECT_EQ(draft.line_count(), 3U);
  EXPECT_EQ(draft.header(Header::contact), "3");
  EXPECT_EQ(draft.line_value(2), "INVITE");
  draft.set(Header::contact, *draft.header(Header::server));  // a value of its own
  EXPECT_EQ(draft.header(Header::contact), "s");
}

TEST(Draft, NoValueCanSmuggleALine) {  // advisory 9, advisory 42
  const std::string evil = "x\r\nX-Bypass: v\r\n\r\nINVITE sip:e@h SIP/2.0\r\n" + std::string(1, '\0') + "\n";
  Draft draft = Draft::request(Method::invite, "sip:b@h" + evil);
  draft.add(Header::subject, evil).add_text("X-Own", evil).set(Header::user_agent, evil).add_first(Header::route, evil);
  draft.set_body("application/sdp\r\nX-Bypass: v", "v=0\r\n");
  draft.set_request_uri("sip:c@h" + evil);
  EXPECT_EQ(draft.refused(), 6U * 10U + 2U);
  const uint32_t before = draft.refused();
  draft.add_text("X-Bypass: v\r\nY", "z").add_text("", "z").add_text("X Y", "z").add(Header::other, "z");
  EXPECT_EQ(draft.refused(), before + 4);
  std::string out;
  write_request(draft, "SIP/2.0/UDP h;branch=z9hG4bK1", out);
  // Via, Route, Subject, X-Own, User-Agent, Content-Type, Content-Length: nothing else begins a line.
  const std::string head = out.substr(0, out.find("\r\n\r\n") + 2);
  size_t lines = 0;
  for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) ++lines;
  EXPECT_EQ(lines, 8U);
  EXPECT_EQ(head.find("\nX-Bypass"), std::string::npos);
  EXPECT_EQ(head.find('\0'), std::string::npos);
}

TEST(Draft, ABodyBringsItsType) {
  Draft draft = Draft::response(200);
  draft.set_body("application/sdp", "v=0\r\n");
  EXPECT_EQ(draft.header(Header::content_type), "application/sdp");
  const Draft copy = draft;
  draft.set_body({}, {});
  EXPECT_FALSE(draft.has(Header::content_type));
  EXPECT_EQ(copy.body(), "v=0\r\n");
  draft.clear();
  EXPECT_EQ(draft.line_count(), 0U);
}

}  // namespace
}  // namespace isthmus::sip
