// SPDX-License-Identifier: MIT
#include "sip/message/scan.hpp"

#include <gtest/gtest.h>

#include <string>

namespace isthmus::sip {
namespace {

// The wide and the plain scans must agree for every octet at every place.
TEST(Scan, WideAndPlainGiveEqualResults) {
  std::string text(80 + 64, 'a');
  for (size_t size = 0; size <= 40; ++size) {
    const char* end = text.data() + size;
    for (size_t at = 0; at < 48; ++at) {
      for (int octet = 0; octet < 256; octet += at % 16 == 3 ? 1 : 17) {
        text[at] = static_cast<char>(octet);
        EXPECT_EQ(find_control(text.data(), end), find_control_plain(text.data(), end));
        EXPECT_EQ(find_char(text.data(), end, static_cast<char>(octet)),
                  find_char_plain(text.data(), end, static_cast<char>(octet)));
        text[at] = 'a';
      }
    }
  }
}

}  // namespace
}  // namespace isthmus::sip
