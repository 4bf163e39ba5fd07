// SPDX-License-Identifier: MIT
#include "sip/message/writer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sip/message/samples.hpp"

namespace isthmus::sip {
namespace {

using samples::parsed;

TEST(Writer, ARequestGetsItsViaFirstAndItsLengthLast) {
  Draft draft = Draft::request(Method::bye, "sip:b@h");
  draft.add(Header::from, "<sip:a@h>;tag=1").add(Header::content_length, "99").add(Header::via, "SIP/2.0/UDP not.mine");
  std::string out = "old";
  write_request(draft, "SIP/2.0/TCP h;branch=z9hG4bK1", out);
  EXPECT_EQ(out,
            "BYE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nContent-Length: "
            "0\r\n\r\n");
  EXPECT_EQ(request_size(draft, "SIP/2.0/TCP h;branch=z9hG4bK1"), out.size());
  draft.set_body("text/plain", std::string(1234, 'x'));
  write_request(draft, "v", out);
  EXPECT_EQ(request_size(draft, "v"), out.size());
  EXPECT_TRUE(out.ends_with("Content-Type: text/plain\r\nContent-Length: 1234\r\n\r\n" + std::string(1234, 'x')));
}

TEST(Writer, R3_3_TheVersionIsWrittenUpperCase) {
  std::string text = samples::with_start_line("OPTIONS sip:gate.example.org sip/2.0");
  const auto request = parsed(text);
  std::string out;
  write_response(request.message, Reply{.status = 200}, out);
  EXPECT_TRUE(out.starts_with("SIP/2.0 200 OK\r\n"));
  write_request(draft_of(request.message), "SIP/2.0/UDP h", out);
  EXPECT_TRUE(out.starts_with("OPTIONS sip:gate.example.org SIP/2.0\r\n"));
}

// What two messages say, line by line, without regard to the order of different headers and to spelling of names.
void expect_same_meaning(const Message& a, const Message& b, std::string_view name) {
  EXPECT_EQ(a.is_request(), b.is_request()) << name;
  EXPECT_EQ(a.method_text(), b.method_text()) << name;
  EXPECT_EQ(a.request_uri(), b.request_uri()) << name;
  EXPECT_EQ(a.status(), b.status()) << name;
  EXPECT_EQ(a.line_count(), b.line_count()) << name;
  for (size_t i = 0; i < a.line_count(); ++i) {
    const Header header = a.line(i).header;
    std::vector<std::string> left;
    std::vector<std::string> right;
    for (const std::string_view value : a.values(header)) left.emplace_back(value);
    for (const std::string_view value : b.values(header)) right.emplace_back(value);
    EXPECT_EQ(left, right) << name << " " << text(header);
  }
  EXPECT_EQ(a.body(), b.body()) << name;
}

TEST(Writer, R3_10_TheCorpusIsWrittenAgainWithTheSameMeaning) {
  for (const std::string& name : samples::corpus_names()) {
    const auto first = parsed(samples::corpus(name));
    ASSERT_EQ(first.error.code, ParseCode::none) << name;
    std::string out;
    if (first.message.is_request()) {
      std::string vias;
      for (const std::string_view value : first.message.values(Header::via))
        vias += (vias.empty() ? "" : "\r\nVia: ") + std::string(value);
      write_request(draft_of(first.message), vias, out);
    } else {
      write_response(draft_of(first.message), out);
    }
    const auto second = parsed(out);
    ASSERT_EQ(second.error.code, ParseCode::none) << name << "\n" << out;
    expect_same_meaning(first.message, second.message, name);
  }
}

TEST(Writer, AnAnswerCopiesWhatRfc3261Section826Says) {
  auto request = parsed(samples::corpus("02-invite-carrier.sip"));
  request.message.mark_source({IpAddress::v4(203, 0, 113, 200), 40001});
  const HeaderValue extra[] = {{Header::contact, "<sip:gate@192.0.2.180:5080>"}, {Header::subject, "a\r\nX: y"}};
  std::string out;
  write_response(
      request.message,
      Reply{.status = 200, .to_tag = "ours", .headers = extra, .content_type = "application/sdp", .body = "v=0\r\n"},
      out);
  EXPECT_TRUE(out.starts_with(
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.12:5060;branch=z9hG4bKg3Zqkv7i1d0kf5l9u2m8y4w6x-7f3a-1;"
      "received=203.0.113.200;rport=40001\r\nVia: SIP/2.0/UDP 203.0.113.44:5060;received=203.0.113.44;"))
      << out;
  EXPECT_TRUE(
      out.ends_with("Contact: <sip:gate@192.0.2.180:5080>\r\nSubject: aX: y\r\nContent-Type: "
                    "application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"))
      << out;
  const auto answer = parsed(out);
  ASSERT_EQ(answer.error.code, ParseCode::none);
  const Message& message = answer.message;
  EXPECT_EQ(message.to_tag(), "ours");
  EXPECT_EQ(message.from_tag(), request.message.from_tag());
  EXPECT_EQ(message.call_id(), request.message.call_id());
  EXPECT_EQ(message.cseq().number, 728311U);
  size_t vias = 0;
  for ([[maybe_unused]] const std::string_view value : message.values(Header::via)) ++vias;
  EXPECT_EQ(vias, 4U);
  std::vector<std::string> routes;
  for (const std::string_view value : message.values(Header::record_route)) routes.emplace_back(value);
  ASSERT_EQ(routes.size(), 3U);
  EXPECT_EQ(routes[1], "<sip:203.0.113.44:5060;transport=udp;lr;r2=on>");
}

TEST(Writer, BothWaysOfAnsweringGiveTheSameBytes) {
  for (const std::string& name : samples::corpus_names()) {
    auto request = parsed(samples::corpus(name));
    if (!request.message.is_request()) continue;
    request.message.mark_source({IpAddress::v4(203, 0, 113, 200), 40001});
    for (const int status : {100, 180, 200, 302, 404, 500, 603}) {
      std::string direct;
      write_response(request.message, Reply{.status = status, .reason = "Why\r\nNot", .to_tag = "ours"}, direct);
      std::string built;
      const Draft draft = respond_to(request.message, status, "Why\r\nNot", "ours");
      write_response(draft, built);
      EXPECT_EQ(direct, built) << name;
      EXPECT_EQ(parsed(direct).error.code, ParseCode::none) << direct;
    }
  }
}

TEST(Writer, TagsRecordRouteAndTimestampFollowTheStatus) {
  const std::string text = samples::with_headers("Record-Route: <sip:p;lr>\r\nTimestamp: 54\r\n");
  const auto request = parsed(text);
  EXPECT_EQ(respond_to(request.message, 100, {}, "t").header(Header::timestamp), "54");
  EXPECT_EQ(respond_to(request.message, 100, {}, "t").header(Header::to), "<sip:gate.example.org>");
  EXPECT_FALSE(respond_to(request.message, 200, {}, "t").has(Header::timestamp));
  EXPECT_EQ(respond_to(request.message, 200, {}, "t").header(Header::to), "<sip:gate.example.org>;tag=t");
  EXPECT_FALSE(respond_to(request.message, 200).has(Header::record_route));  // OPTIONS makes no dialog
  const auto bye = parsed(samples::corpus("09-bye.sip"));
  EXPECT_EQ(respond_to(bye.message, 200, {}, "other").header(Header::to),
            "Alice <sip:alice@atlanta.example.com>;tag=1928301774");
  const auto carrier = parsed(samples::corpus("02-invite-carrier.sip"));
  EXPECT_FALSE(respond_to(carrier.message, 100).has(Header::record_route));
  EXPECT_TRUE(respond_to(carrier.message, 180).has(Header::record_route));
  EXPECT_FALSE(respond_to(carrier.message, 486).has(Header::record_route));
}

TEST(Writer, AMarkedViaKeepsTheRestOfItsLine) {
  auto request = parsed(samples::with_line_instead(
      "Via", "v: SIP/2.0/UDP a;branch=1 , SIP/2.0/UDP b;branch=2\r\nVia: SIP/2.0/UDP c;branch=3"));
  request.message.mark_source({IpAddress::v4(203, 0, 113, 200), 40001});
  std::string out;
  write_response(request.message, Reply{}, out);
  const auto answer = parsed(out);
  std::vector<std::string> elements;
  for (const std::string_view element : answer.message.elements(Header::via)) elements.emplace_back(element);
  EXPECT_EQ(elements, (std::vector<std::string>{"SIP/2.0/UDP a;branch=1;received=203.0.113.200",
                                                "SIP/2.0/UDP b;branch=2", "SIP/2.0/UDP c;branch=3"}));
}

}  // namespace
}  // namespace isthmus::sip
