// SPDX-License-Identifier: MIT
#include "sip/message/scan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sip/message/stopped.hpp"
#include "tests/sip/message/samples.hpp"

namespace isthmus::sip {
namespace {

// The wide and the plain scans must agree for every octet at every place.
TEST(Scan, WideAndPlainGiveEqualResults) {
  std::string text(192, 'a');
  for (size_t at = 0; at < 64; ++at) {
    for (int octet = 0; octet < 256; ++octet) {
      text[at] = static_cast<char>(octet);
      EXPECT_EQ(notable_mask(text.data()), notable_mask_plain(text.data())) << at << " " << octet;
      text[100] = '\0';
      EXPECT_EQ(find_uri_stop(text.data()), find_uri_stop_plain(text.data())) << at << " " << octet;
      text[100] = 'a';
      for (size_t size = 0; size <= 40; size += 13) {
        const char* end = text.data() + size;
        const char wanted = static_cast<char>(octet);
        EXPECT_EQ(find_char(text.data(), end, wanted), find_char_plain(text.data(), end, wanted));
      }
      text[at] = 'a';
    }
  }
}

TEST(Scan, NotableOctetsComeInOrderUpToTheEnd) {
  std::string text(300, 'a');
  const std::vector<size_t> places = {0, 1, 62, 63, 64, 65, 127, 128, 199, 200, 201};
  for (const size_t place : places) text[place] = '\n';
  for (const size_t size : {1U, 64U, 65U, 128U, 199U, 200U, 201U, 230U}) {
    std::vector<size_t> wanted;
    for (const size_t place : places) {
      if (place < size) wanted.push_back(place);
    }
    NotableScan scan(text.data(), text.data() + size);
    std::vector<size_t> found;
    for (const char* at = scan.next(); at != text.data() + size; at = scan.next())
      found.push_back(static_cast<size_t>(at - text.data()));
    EXPECT_EQ(found, wanted) << size;
    EXPECT_EQ(scan.next(), text.data() + size);
  }
  NotableScan scan(text.data(), text.data() + 230);
  scan.next();
  scan.drop();
  EXPECT_EQ(scan.next(), text.data() + 62);
  scan.drop();
  EXPECT_EQ(scan.next(), text.data() + 64);
}

// The parser's entrances and the public functions read alike: names, Via, addresses and URIs of the whole corpus.
TEST(Scan, StoppedTextGivesTheSameResults) {
  for (const std::string& name : samples::corpus_names()) {
    const auto result = samples::parsed(samples::corpus(name));
    const Message& message = result.message;
    const auto uri = parse_uri(message.request_uri());
    EXPECT_EQ(uri.has_value(), message.is_request());
    if (uri) {
      EXPECT_EQ(uri->host, message.request_uri_parsed().host);
    }
    for (size_t i = 0; i < message.line_count(); ++i) {
      const HeaderField line = message.line(i);
      EXPECT_EQ(header_of(std::string(line.name)), line.header);
      const auto plain = parse_name_addr(line.value);
      const auto fast = stopped::parse_name_addr(line.value);
      ASSERT_EQ(plain.has_value(), fast.has_value()) << line.value;
      if (!plain) {
        EXPECT_EQ(plain.error(), fast.error()) << line.value;
        continue;
      }
      EXPECT_EQ(plain->uri, fast->uri);
      EXPECT_EQ(plain->tag, fast->tag);
      EXPECT_EQ(plain->params, fast->params);
      EXPECT_EQ(plain->display, fast->display);
    }
  }
}

}  // namespace
}  // namespace isthmus::sip
