// SPDX-License-Identifier: MIT
#include "sip/message/headers.hpp"

#include <gtest/gtest.h>

#include <string>

namespace isthmus::sip {
namespace {

TEST(Headers, ContactElements) {
  const auto contact = parse_contact(
      "\"Mr. Watson\" <sip:w@h;ob>;q=0.7; "
      "expires=3600;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1");
  ASSERT_TRUE(contact);
  EXPECT_EQ(contact->address.uri, "sip:w@h;ob");
  EXPECT_EQ(contact->q, 700);
  EXPECT_EQ(contact->expires, 3600U);
  EXPECT_EQ(contact->reg_id, 1U);
  EXPECT_EQ(contact->instance, "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>");
  EXPECT_TRUE(parse_contact(" * ")->is_star);
  EXPECT_FALSE(parse_contact("<sip:w@h>;expires=4294967296")->expires);  // never wraps; the default counts (10.3)
  EXPECT_FALSE(parse_contact("<sip:w@h>;expires=x")->expires);
  EXPECT_EQ(parse_contact("<sip:w@h>;expires=4294967295")->expires, 4294967295U);
  EXPECT_EQ(parse_contact("<sip:w@h>;q=1.000")->q, 1000);
  EXPECT_EQ(parse_contact("<sip:w@h>;q=0")->q, 0);
  for (const std::string_view bad : {"<sip:w@h>;q=1.001", "<sip:w@h>;q=0.1234", "<sip:w@h>;q=2", "<sip:w@h>;q=.5",
                                     "<sip:w@h>;q=0,5", "*;q=1", "", "<w>"}) {
    EXPECT_FALSE(parse_contact(bad)) << bad;
  }
}

TEST(Headers, SessionTimerOfRfc4028) {
  const auto timer = parse_session_expires("1800 ; refresher=UAS");
  ASSERT_TRUE(timer);
  EXPECT_EQ(timer->seconds, 1800U);
  EXPECT_EQ(timer->refresher, SessionExpires::Refresher::uas);
  EXPECT_EQ(parse_session_expires("90")->refresher, SessionExpires::Refresher::none);
  EXPECT_EQ(parse_session_expires("90;refresher=uac")->refresher, SessionExpires::Refresher::uac);
  EXPECT_EQ(parse_min_se("90;x=y"), 90U);
  for (const std::string_view bad : {"", "x", "-90", "4294967296", "90x", "90;=", "90;a=\"b", "90 s"}) {
    EXPECT_FALSE(parse_session_expires(bad)) << bad;
    EXPECT_FALSE(parse_min_se(bad)) << bad;
  }
  EXPECT_EQ(parse_delta_seconds(" 60 "), 60U);
  EXPECT_FALSE(parse_delta_seconds("60s"));
}

TEST(Headers, RetryAfterOfRfc3261Section2033) {
  const auto value = parse_retry_after("18000 (in a (nested \\) meeting)) ;duration=3600");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->seconds, 18000U);
  EXPECT_EQ(value->comment, "in a (nested \\) meeting)");
  EXPECT_EQ(value->duration, 3600U);
  EXPECT_EQ(parse_retry_after("5")->seconds, 5U);
  for (const std::string_view bad : {"", "(x)", "5 (x", "5 (x\\", "5 x", "4294967296", "5;=", "5 (x) y"})
    EXPECT_FALSE(parse_retry_after(bad)) << bad;
}

TEST(Headers, RAckOfRfc3262Section72) {
  const auto rack = parse_rack("776656 1 INVITE");
  ASSERT_TRUE(rack);
  EXPECT_EQ(rack->rseq, 776656U);
  EXPECT_EQ(rack->cseq, 1U);
  EXPECT_EQ(rack->method, Method::invite);
  for (const std::string_view bad : {"", "1", "1 1", "0 1 INVITE", "1 2147483648 INVITE", "4294967296 1 INVITE",
                                     "1 1 INVITE x", "a 1 INVITE", "1 b INVITE"}) {
    EXPECT_FALSE(parse_rack(bad)) << bad;
  }
}

TEST(Headers, ReasonReplacesEventAndTypes) {
  const auto reason = parse_reason("Q.850 ;cause=16 ;text=\"Normal; call, clearing\"");
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->protocol, "Q.850");
  EXPECT_EQ(reason->cause, 16U);
  EXPECT_EQ(reason->text, "Normal; call, clearing");
  EXPECT_FALSE(parse_reason(";cause=1"));
  EXPECT_FALSE(parse_reason("SIP;cause=200;text=\"x"));

  const auto replaces = parse_replaces("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only");
  ASSERT_TRUE(replaces);
  EXPECT_EQ(replaces->call_id, "98732@sip.example.com");
  EXPECT_EQ(replaces->to_tag, "ff87ff");
  EXPECT_EQ(replaces->from_tag, "r33th4x0r");
  EXPECT_TRUE(replaces->early_only);
  EXPECT_FALSE(parse_replaces("98732;from-tag=a"));
  EXPECT_FALSE(parse_replaces(";from-tag=a;to-tag=b"));

  const auto state = parse_token_params("active ; expires=1732;reason=x");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->token, "active");
  EXPECT_EQ(state->param("Expires"), "1732");
  EXPECT_FALSE(parse_token_params("two words"));
  EXPECT_FALSE(parse_token_params(""));

  const auto type = parse_media_type("Application/SDP; charset=\"utf-8\"");
  ASSERT_TRUE(type);
  EXPECT_TRUE(type->is("application/sdp"));
  EXPECT_FALSE(type->is("application/isup"));
  for (const std::string_view bad : {"", "application", "application/", "/sdp", "a b/c", "a/b/c", "a/b;="})
    EXPECT_FALSE(parse_media_type(bad)) << bad;
}

TEST(Headers, ParamsAreLimited) {  // advisory 54
  std::string text = "dialog";
  for (size_t i = 0; i < kMaxParams; ++i) text += ";p";
  EXPECT_TRUE(parse_token_params(text));
  EXPECT_EQ(parse_token_params(text + ";p").error().code, ParseCode::too_many_params);
}

}  // namespace
}  // namespace isthmus::sip
