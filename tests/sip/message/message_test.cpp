// SPDX-License-Identifier: MIT
#include "sip/message/message.hpp"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "sip/message/writer.hpp"
#include "tests/sip/message/samples.hpp"

namespace isthmus::sip {
namespace {

using samples::parsed;
using samples::with_headers;
using samples::with_line_instead;

TEST(Message, TheWholeCorpusParses) {
  for (const std::string& name : samples::corpus_names()) {
    const auto result = parsed(samples::corpus(name));
    EXPECT_EQ(result.error.code, ParseCode::none) << name << ": " << describe(result.error.code);
    EXPECT_EQ(result.message.body().size(), result.message.content_length()) << name;
    EXPECT_FALSE(result.message.call_id().empty()) << name;
  }
}

TEST(Message, R3_10_FieldsOfTheExampleInvite) {
  const auto result = parsed(samples::corpus("01-invite-basic.sip"));
  const Message& invite = result.message;
  EXPECT_TRUE(invite.is_request());
  EXPECT_EQ(invite.method(), Method::invite);
  EXPECT_EQ(invite.request_uri(), "sip:bob@biloxi.example.com");
  EXPECT_EQ(invite.request_uri_parsed().host, "biloxi.example.com");
  EXPECT_EQ(invite.via().branch, "z9hG4bK776asdhds");
  EXPECT_EQ(invite.max_forwards(), 70);
  EXPECT_EQ(invite.to().display, "Bob");
  EXPECT_EQ(invite.to_tag(), "");
  EXPECT_EQ(invite.from().uri, "sip:alice@atlanta.example.com");
  EXPECT_EQ(invite.from_tag(), "1928301774");
  EXPECT_EQ(invite.call_id(), "a84b4c76e66710@pc33.atlanta.example.com");
  EXPECT_EQ(invite.cseq().number, 314159U);
  EXPECT_EQ(invite.cseq().method, Method::invite);
  EXPECT_EQ(invite.contact()->uri, "sip:alice@pc33.atlanta.example.com");
  EXPECT_EQ(invite.content_type(), "application/sdp");
  EXPECT_EQ(invite.content_length(), 224U);
  EXPECT_TRUE(invite.body().starts_with("v=0\r\n"));
}

TEST(Message, ListsGoOverLinesAndCommas) {
  const auto result =
      parsed(with_headers("Supported: timer, replaces\r\nk: 100rel\r\nRecord-Route: "
                          "<sip:a;lr>,<sip:b;lr>\r\nRecord-Route: <sip:c;lr>\r\nExpires: 60\r\n"));
  const Message& message = result.message;
  std::vector<std::string> routes;
  for (const std::string_view element : message.elements(Header::record_route)) routes.emplace_back(element);
  EXPECT_EQ(routes, (std::vector<std::string>{"<sip:a;lr>", "<sip:b;lr>", "<sip:c;lr>"}));
  std::vector<std::string> lines;
  for (const std::string_view value : message.values(Header::supported)) lines.emplace_back(value);
  EXPECT_EQ(lines, (std::vector<std::string>{"timer, replaces", "100rel"}));
  EXPECT_TRUE(message.lists(Header::supported, "100REL"));
  EXPECT_TRUE(message.lists(Header::supported, "replaces"));
  EXPECT_FALSE(message.lists(Header::require, "timer"));
  EXPECT_EQ(message.expires(), 60U);
  EXPECT_TRUE(message.elements(Header::route).begin() == message.elements(Header::route).end());
  EXPECT_FALSE(message.contact());
  EXPECT_FALSE(parsed(with_headers("Contact: *\r\n")).message.contact());
}

TEST(Message, UnknownHeadersAreFoundByName) {
  const auto result = parsed(with_headers("X-One: 1\r\nx-one: 2\r\n"));
  EXPECT_EQ(result.message.header("X-ONE"), "1");
  EXPECT_FALSE(result.message.header("X-Two"));
  const HeaderField last = result.message.line(result.message.line_count() - 1);
  EXPECT_EQ(last.name, "x-one");
  EXPECT_EQ(last.value, "2");
  EXPECT_EQ(last.raw, "x-one: 2\r\n");
}

TEST(Message, CopiesAreValuesOfTheirOwn) {
  static_assert(std::is_copy_constructible_v<Message> && std::is_nothrow_move_constructible_v<Message>);
  auto first = parsed(samples::corpus("02-invite-carrier.sip"));
  first.message.mark_source({IpAddress::v4(10, 0, 0, 1), 999});
  Message copy = first.message;
  const std::string branch(first.message.branch());
  const std::string user(first.message.request_uri_parsed().user);
  ASSERT_TRUE(parse(as_bytes(with_headers("")), first.message));
  EXPECT_EQ(copy.branch(), branch);
  EXPECT_EQ(copy.via().received, "10.0.0.1");
  EXPECT_EQ(copy.request_uri_parsed().user, user);
  const Message moved = std::move(copy);
  EXPECT_EQ(moved.branch(), branch);
  EXPECT_EQ(moved.body().size(), 566U);
}

TEST(Message, AReusedMessageForgetsWhatItHeld) {
  auto result = parsed(samples::corpus("02-invite-carrier.sip"));
  result.message.mark_source({IpAddress::v4(10, 0, 0, 1), 999});
  ASSERT_TRUE(parse(as_bytes(samples::with_start_line("SIP/2.0 200 OK")), result.message));
  EXPECT_FALSE(result.message.is_request());
  EXPECT_FALSE(result.message.has(Header::record_route));
  EXPECT_FALSE(result.message.has_body());
  EXPECT_EQ(result.message.via().received, "");
  EXPECT_EQ(result.message.request_uri_parsed().user, "");
  const auto empty = parse(as_bytes(std::string_view("\r\n")), result.message);
  EXPECT_FALSE(empty);
  EXPECT_EQ(result.message.call_id(), "");
  EXPECT_EQ(result.message.line_count(), 0U);
}

std::string marked(std::string_view via, const SocketAddress& source) {
  auto result = parsed(with_line_instead("Via", "Via: " + std::string(via)));
  EXPECT_EQ(result.error.code, ParseCode::none) << via;
  result.message.mark_source(source);
  return std::string(result.message.via().text);
}

TEST(Message, R3_9_ReceivedAndRportAsRfc3261Section1821AndRfc3581Ask) {
  const SocketAddress near{IpAddress::v4(192, 0, 2, 7), 5062};
  const SocketAddress far{IpAddress::v4(198, 51, 100, 1), 40000};
  const SocketAddress six{*IpAddress::parse("2001:db8::5"), 5060};
  EXPECT_EQ(marked("SIP/2.0/UDP 192.0.2.7:5062;branch=b", near), "SIP/2.0/UDP 192.0.2.7:5062;branch=b");
  EXPECT_EQ(marked("SIP/2.0/UDP 192.0.2.7;branch=b", far), "SIP/2.0/UDP 192.0.2.7;branch=b;received=198.51.100.1");
  EXPECT_EQ(marked("SIP/2.0/UDP host.example:5062;branch=b", near),
            "SIP/2.0/UDP host.example:5062;branch=b;received=192.0.2.7");
  EXPECT_EQ(marked("SIP/2.0/UDP 192.0.2.7;rport;branch=b", near),
            "SIP/2.0/UDP 192.0.2.7;branch=b;received=192.0.2.7;rport=5062");
  EXPECT_EQ(marked("SIP/2.0/UDP 192.0.2.7;rport=;branch=b", near),
            "SIP/2.0/UDP 192.0.2.7;branch=b;received=192.0.2.7;rport=5062");
  // What the peer claims about itself does not count.
  EXPECT_EQ(marked("SIP/2.0/UDP 192.0.2.7;received=10.9.9.9;rport=1;x=\"a;b\";branch=b", far),
            "SIP/2.0/UDP 192.0.2.7;x=\"a;b\";branch=b;received=198.51.100.1;rport=40000");
  EXPECT_EQ(marked("SIP/2.0/UDP 192.0.2.7;received=10.9.9.9", near), "SIP/2.0/UDP 192.0.2.7");
  EXPECT_EQ(marked("SIP/2.0/UDP [2001:DB8:0::5]:5060", six), "SIP/2.0/UDP [2001:DB8:0::5]:5060");
  EXPECT_EQ(marked("SIP/2.0/UDP [2001:db8::6]", six), "SIP/2.0/UDP [2001:db8::6];received=2001:db8::5");
  EXPECT_EQ(marked("SIP / 2.0 / UDP  h ; branch = b , SIP/2.0/TCP other", far),
            "SIP / 2.0 / UDP  h;branch=b;received=198.51.100.1");
}

TEST(Message, MarkingTwiceKeepsTheLastSource) {
  auto result = parsed(with_line_instead("Via", "Via: SIP/2.0/UDP h;rport;branch=b"));
  result.message.mark_source({IpAddress::v4(198, 51, 100, 1), 1});
  result.message.mark_source({IpAddress::v4(198, 51, 100, 2), 2});
  EXPECT_EQ(result.message.via().text, "SIP/2.0/UDP h;branch=b;received=198.51.100.2;rport=2");
}

}  // namespace
}  // namespace isthmus::sip
