// SPDX-License-Identifier: MIT
#include "sip/message/framer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sip/message/samples.hpp"

namespace isthmus::sip {
namespace {

// Everything a stream gives, as text: messages as they are, keep-alives by name.
std::vector<std::string> drain(Framer& framer) {
  std::vector<std::string> out;
  for (;;) {
    const Frame frame = framer.next();
    switch (frame.kind) {
      case Frame::Kind::none: return out;
      case Frame::Kind::message: out.emplace_back(as_text(frame.bytes)); break;
      case Frame::Kind::pong: out.emplace_back("pong"); break;
      case Frame::Kind::ping: out.emplace_back("ping"); break;
      case Frame::Kind::error: out.emplace_back("error " + std::string(describe(frame.code))); break;
    }
  }
}
std::vector<std::string> feed_all(Framer& framer, std::string_view text) {
  framer.feed(as_bytes(text));
  return drain(framer);
}

std::string message_of(std::string_view headers, std::string_view body = {}) {
  return "MESSAGE sip:a@h SIP/2.0\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

TEST(Framer, R3_15_TwoMessagesInOneSegmentAndOneInMany) {
  const std::string one = samples::corpus("01-invite-basic.sip");
  const std::string two = samples::corpus("12-notify-dialog.sip");
  const std::string stream = one + "\r\n\r\n" + two + one;
  const std::vector<std::string> wanted = {one, "pong", "ping", two, one};
  Framer whole;
  EXPECT_EQ(feed_all(whole, stream), wanted);
  EXPECT_EQ(whole.waiting(), 0U);
  for (size_t step = 1; step < 400; step = step * 2 + 1) {
    Framer framer;
    std::vector<std::string> got;
    for (size_t at = 0; at < stream.size(); at += step) {
      const std::string chunk = stream.substr(at, step);  // gone after each round
      for (std::string& frame : feed_all(framer, chunk)) got.push_back(std::move(frame));
    }
    EXPECT_EQ(got, wanted) << step;
  }
}

TEST(Framer, KeepAlivesOfRfc5626Section441) {
  Framer framer;
  using Strings = std::vector<std::string>;
  EXPECT_EQ(feed_all(framer, "\r\n"), (Strings{"pong"}));
  EXPECT_EQ(feed_all(framer, "\r"), Strings{});
  EXPECT_EQ(feed_all(framer, "\n"), (Strings{"ping"}));
  EXPECT_EQ(feed_all(framer, "\r\n\r\n\r\n\r\n"), (Strings{"pong", "ping", "pong", "ping"}));
  const std::string message = message_of("l: 0\r\n");
  EXPECT_EQ(feed_all(framer, "\r\n" + message + "\r\n"), (Strings{"pong", message, "pong"}));
  EXPECT_FALSE(framer.is_broken());
}

TEST(Framer, ALawfulContentLengthInAnySpelling) {
  for (const std::string_view line : {"Content-Length: 4", "content-length:4", "l:4", "L \t:  4  ",
                                      "Content-Length:\r\n  4", "Content-Length: 4\r\nl: 0004"}) {
    const std::string message = message_of("Subject: x\r\n Content-Length: 9\r\n" + std::string(line) + "\r\n", "body");
    Framer framer;
    EXPECT_EQ(feed_all(framer, message), (std::vector<std::string>{message})) << line;
  }
}

TEST(Framer, LengthsNeverWrapAndHideNoRequest) {  // advisory 11, advisory 12, R3.15
  const std::string hidden = samples::with_headers("Content-Length: 0\r\n");
  const std::string_view lines[] = {"Content-Length: 4294967328",
                                    "Content-Length: 18446744073709551648",
                                    "Content-Length: -1",
                                    "Content-Length: 99999999999999999999999",
                                    "Content-Length: 2147483647",
                                    "Content-Length: 1048577",
                                    "Content-Length: 5x",
                                    "Content-Length: 1\r\n 0",
                                    "Content-Length:",
                                    "Content-Length: 0\r\nl: 7",
                                    "Content-Length: 0x10",
                                    "Content-Length: +4",
                                    "X: y"};
  for (const std::string_view line : lines) {
    Framer framer;
    const std::string head = message_of("Via: x\r\n" + std::string(line) + "\r\n");
    framer.feed(as_bytes(head));
    framer.keep();
    framer.feed(as_bytes(hidden));
    const Frame frame = framer.next();
    EXPECT_EQ(frame.kind, Frame::Kind::error) << line;
    EXPECT_EQ(as_text(frame.bytes), head) << line;  // what a 400 is made from
    EXPECT_TRUE(framer.is_broken());
    EXPECT_EQ(framer.next().kind, Frame::Kind::none) << line;  // nothing more ever comes out
    framer.feed(as_bytes(hidden));
    EXPECT_EQ(framer.next().kind, Frame::Kind::none) << line;
  }
}

TEST(Framer, AMissingContentLengthIsSaidByTheParserToo) {  // R3.15
  Framer framer;
  const std::string text = samples::with_headers("");
  framer.feed(as_bytes(text));
  const Frame frame = framer.next();
  ASSERT_EQ(frame.kind, Frame::Kind::error);
  EXPECT_EQ(frame.code, ParseCode::missing_content_length);
  const auto result = samples::parsed(as_text(frame.bytes), {}, true);
  EXPECT_EQ(result.error.code, ParseCode::missing_content_length);
  EXPECT_EQ(result.error.status, 400);
  EXPECT_TRUE(result.error.answerable);
}

TEST(Framer, HeadersAndBodiesAreBounded) {  // advisory 12
  const ParseLimits limits;
  Framer framer;
  std::string sent = "MESSAGE sip:a@h SIP/2.0\r\n";
  framer.feed(as_bytes(sent));
  EXPECT_EQ(framer.next().kind, Frame::Kind::none);
  const std::string line = "X: " + std::string(1000, 'x') + "\r\n";
  size_t given = sent.size();
  Frame last;
  while (given < 2 * limits.header_block && last.kind == Frame::Kind::none) {
    framer.feed(as_bytes(line));
    last = framer.next();
    given += line.size();
  }
  EXPECT_EQ(last.kind, Frame::Kind::error);
  EXPECT_EQ(last.code, ParseCode::header_block_too_large);
  EXPECT_LE(given, limits.header_block + line.size());
  // A declared body takes no room before it comes.
  Framer slow;
  EXPECT_TRUE(feed_all(slow, message_of("l: 1048576\r\n")).empty());
  EXPECT_LT(slow.waiting(), 100U);
  EXPECT_EQ(feed_all(slow, std::string(1048576, 'b')).size(), 1U);
}

TEST(Framer, GarbageBetweenMessagesBreaksTheStream) {
  Framer framer;
  EXPECT_EQ(feed_all(framer, "\rX").size(), 1U);
  EXPECT_TRUE(framer.is_broken());
}

TEST(Framer, ACopyGoesOnAlike) {
  const std::string text = samples::corpus("02-invite-carrier.sip");
  Framer framer;
  EXPECT_TRUE(feed_all(framer, std::string_view(text).substr(0, 1000)).empty());
  Framer copy = framer;
  EXPECT_EQ(feed_all(framer, std::string_view(text).substr(1000)), (std::vector<std::string>{text}));
  EXPECT_EQ(feed_all(copy, std::string_view(text).substr(1000)), (std::vector<std::string>{text}));
}

TEST(Framer, KeepLetsTheChunkGo) {
  const std::string one = samples::corpus("09-bye.sip");
  std::string chunk = one + one + one.substr(0, 50);
  Framer framer;
  framer.feed(as_bytes(chunk));
  EXPECT_EQ(as_text(framer.next().bytes), one);
  framer.keep();
  chunk.assign(chunk.size(), '!');
  EXPECT_EQ(as_text(framer.next().bytes), one);
  EXPECT_EQ(framer.next().kind, Frame::Kind::none);
  EXPECT_EQ(framer.waiting(), 50U);
}

}  // namespace
}  // namespace isthmus::sip
