// SPDX-License-Identifier: MIT
#include "sip/message/names.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/text.hpp"

namespace isthmus::sip {
namespace {

TEST(Names, EveryHeaderIsFoundInAnyCase) {
  // A new header that clashes in the hash fails a static_assert; then try odd 32-bit multipliers until it holds.
  for (size_t i = 1; i < kHeaderCount; ++i) {
    const auto header = static_cast<Header>(i);
    const std::string name(text(header));
    ASSERT_FALSE(name.empty()) << i;
    EXPECT_EQ(header_of(name), header) << name;
    EXPECT_EQ(header_of(lowered(name)), header) << name;
    std::string upper = name;
    for (char& c : upper) c = is_alpha(c) ? static_cast<char>(c & ~0x20) : c;
    EXPECT_EQ(header_of(upper), header) << upper;
  }
}

TEST(Names, OneWrongOctetIsAnotherHeader) {  // advisory 9
  for (size_t i = 1; i < kHeaderCount; ++i) {
    const std::string name(text(static_cast<Header>(i)));
    for (size_t at = 0; at < name.size(); ++at) {
      for (const int wrong :
           {0, 1, 9, 10, 13, 32, 127, 255, name[at] ^ 1, name[at] ^ 0x40, name[at] ^ 0x80, '-' ^ 0x20}) {
        std::string spoilt = name;
        spoilt[at] = static_cast<char>(wrong);
        if (equals_ignore_case(spoilt, name)) continue;
        EXPECT_NE(header_of(spoilt), static_cast<Header>(i)) << name << " at " << at << " with " << wrong;
      }
    }
  }
  EXPECT_EQ(header_of(""), Header::other);
  EXPECT_EQ(header_of("Via "), Header::other);
  EXPECT_EQ(header_of("X-Bypass"), Header::other);
  EXPECT_EQ(header_of(std::string(5000, 'a')), Header::other);
}

TEST(Names, CompactFormsOfRfc3261Section733) {
  EXPECT_EQ(header_of("v"), Header::via);
  EXPECT_EQ(header_of("I"), Header::call_id);
  EXPECT_EQ(header_of("m"), Header::contact);
  EXPECT_EQ(header_of("l"), Header::content_length);
  EXPECT_EQ(header_of("c"), Header::content_type);
  EXPECT_EQ(header_of("f"), Header::from);
  EXPECT_EQ(header_of("t"), Header::to);
  EXPECT_EQ(header_of("k"), Header::supported);
  EXPECT_EQ(header_of("e"), Header::content_encoding);
  EXPECT_EQ(header_of("s"), Header::subject);
  EXPECT_EQ(header_of("o"), Header::event);
  EXPECT_EQ(header_of("U"), Header::allow_events);
  EXPECT_EQ(header_of("r"), Header::refer_to);
  EXPECT_EQ(header_of("b"), Header::referred_by);
  EXPECT_EQ(header_of("x"), Header::session_expires);
  EXPECT_EQ(header_of("y"), Header::identity);
  EXPECT_EQ(header_of("q"), Header::other);
  EXPECT_EQ(header_of("\xff"), Header::other);
}

TEST(Names, R3_4_MethodsAreTokensComparedWithCase) {
  for (size_t i = 1; i < static_cast<size_t>(Method::kCount); ++i) {
    EXPECT_EQ(method_of(text(static_cast<Method>(i))), static_cast<Method>(i));
  }
  EXPECT_EQ(method_of("REGISTER"), Method::register_);
  EXPECT_EQ(method_of("invite"), Method::unknown);
  EXPECT_EQ(method_of("INVITES"), Method::unknown);
  EXPECT_EQ(method_of(""), Method::unknown);
}

TEST(Names, R3_6_UnknownCodesHaveThePhraseOfTheirClass) {
  EXPECT_EQ(reason_phrase(486), "Busy Here");
  EXPECT_EQ(reason_phrase(299), reason_phrase(200));
  EXPECT_EQ(reason_phrase(499), reason_phrase(400));
  EXPECT_EQ(reason_phrase(189), reason_phrase(183));
}

}  // namespace
}  // namespace isthmus::sip
