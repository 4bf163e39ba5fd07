// SPDX-License-Identifier: MIT
// sdp/parser and sdp/writer: RFC 8866 sections 5 and 9; advisories 28, 32, 35, 37, 54.
#include "sdp/parser.hpp"

#include <gtest/gtest.h>

#include "sdp/writer.hpp"
#include "tests/sdp/fixtures.hpp"

namespace isthmus::sdp {
namespace {

using test::fixture;
using test::replaced;

constexpr std::string_view kHead = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";

std::string with(std::string_view tail) {
  return std::string(kHead) + std::string(tail);
}

ParseError error_of(std::string_view text) {
  const auto parsed = parse(text);
  EXPECT_FALSE(parsed) << text;
  return parsed ? ParseError{} : parsed.error();
}

TEST(SdpParser, ReadsEveryLineType) {
  const auto parsed = parse(
      "v=0\r\no=jane 3724394400 3724394405 IN IP6 2001:db8::1\r\ns=Call\r\ni=about\r\nu=http://example.org/\r\n"
      "e=j@example.org\r\ne=k@example.org\r\np=+1 617 555 6011\r\nc=IN IP6 2001:db8::1\r\nb=AS:64\r\nt=1 2\r\n"
      "r=604800 3600 0 90000\r\nt=3 4\r\nz=2882844526 -1h\r\nk=clear:secret\r\na=recvonly\r\n"
      "m=audio 49170/2 RTP/AVP 0 96\r\ni=speech\r\nc=IN IP4 192.0.2.9\r\nb=TIAS:64000\r\nk=prompt\r\n"
      "a=rtpmap:96 L8/8000\r\na=rtcp-mux\r\nm=video 0 RTP/AVP 31\r\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->origin, (Origin{"jane", "3724394400", "3724394405", Family::v6, "2001:db8::1"}));
  EXPECT_EQ(parsed->title, "Call");
  EXPECT_EQ(parsed->information, "about");
  EXPECT_EQ(parsed->uri, "http://example.org/");
  EXPECT_EQ(parsed->emails, (std::vector<std::string>{"j@example.org", "k@example.org"}));
  EXPECT_EQ(parsed->phones, std::vector<std::string>{"+1 617 555 6011"});
  EXPECT_EQ(parsed->connection->ip(), IpAddress::parse("2001:db8::1"));
  EXPECT_EQ(parsed->bandwidths, (std::vector<Bandwidth>{{"AS", 64}}));
  EXPECT_EQ(parsed->times, (std::vector<Time>{{1, 2, {"604800 3600 0 90000"}}, {3, 4, {}}}));
  EXPECT_EQ(parsed->zones, "2882844526 -1h");
  EXPECT_EQ(parsed->attributes, (std::vector<Attribute>{{"recvonly", ""}}));
  EXPECT_EQ(parsed->ignored_lines, 2u) << "k= is read over, wherever it stands (X20)";
  ASSERT_EQ(parsed->media.size(), 2u);
  const Media& audio = parsed->media[0];
  EXPECT_EQ(audio.port, 49170);
  EXPECT_EQ(audio.port_count, 2);
  EXPECT_EQ(audio.formats, (std::vector<std::string>{"0", "96"}));
  EXPECT_EQ(audio.information, "speech");
  EXPECT_EQ(audio.connection, (Connection{Family::v4, "192.0.2.9"}));
  EXPECT_EQ(audio.bandwidths, (std::vector<Bandwidth>{{"TIAS", 64000}}));
  EXPECT_EQ(*find(audio.attributes, "rtpmap"), "96 L8/8000");
  EXPECT_EQ(*find(audio.attributes, "rtcp-mux"), "");
  EXPECT_EQ(find(audio.attributes, "recvonly"), nullptr);
  EXPECT_NE(find(*parsed, audio, "recvonly"), nullptr);
}

TEST(SdpParser, IsLenientWhereRealPeersNeedIt) {
  for (const std::string_view text : {
           std::string_view("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n"),        // bare LF
           std::string_view("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0"),    // no line end at the end
           std::string_view("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r"),  // cut inside it
           std::string_view("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"),                // no s=, no t=
           std::string_view("v=0\r\nt=0 0\r\ns=-\r\no=- 1 1 IN IP4 192.0.2.1\r\n"),
           std::string_view("v=0\r\n\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=\r\nt=0 0\r\n\r\n\r\n"),
           std::string_view(
               "v=0 \r\no=Cisco SDP UA 1 1 IN IP4 192.0.2.1\r\ns= \r\nt=0 0\r\n"),  // blanks in a user name
           std::string_view("v=0\r\no=-  1  1 in ip4 192.0.2.1\r\ns=-\r\nt=0 0\r\nq=unknown\r\nX=1\r\n"),
       }) {
    const auto parsed = parse(text);
    ASSERT_TRUE(parsed) << text << describe(parsed.error().code);
    EXPECT_EQ(parsed->origin.address, "192.0.2.1");
    EXPECT_EQ(parsed->origin.version, "1");
  }
  EXPECT_EQ(parse("v=0\no=Cisco SDP UA 7 8 IN IP4 a\n")->origin, (Origin{"Cisco SDP UA", "7", "8", Family::v4, "a"}));
  EXPECT_EQ(parse(with("q=1\r\nX=1\r\no=again 2 2 IN IP4 x\r\ns=again\r\n"))->ignored_lines, 4u);
}

TEST(SdpParser, ErrorsNameTheLineAndItsOffset) {
  const auto at = [](ParseFault code) { return ParseError{code, 5, static_cast<uint32_t>(kHead.size())}; };
  EXPECT_EQ(error_of(with("c=IN IP4\r\n")), at(ParseFault::connection));
  EXPECT_EQ(error_of(with("c=TN RFC2543 5551212\r\n")), at(ParseFault::connection));
  EXPECT_EQ(error_of(with("c=IN IP4 192.0.2.1 more\r\n")), at(ParseFault::connection));
  EXPECT_EQ(error_of(with("t=1\r\n")), at(ParseFault::time));
  EXPECT_EQ(error_of(with("t=-1 0\r\n")), at(ParseFault::time));
  for (const auto* line :
       {"m=\r\n", "m=audio\r\n", "m=audio 1\r\n", "m=audio x RTP/AVP 0\r\n", "m=audio 65536 RTP/AVP 0\r\n",
        "m=audio -1 RTP/AVP 0\r\n", "m=audio 1/0 RTP/AVP 0\r\n", "m=audio 1/ RTP/AVP 0\r\n"})
    EXPECT_EQ(error_of(with(line)), at(ParseFault::media)) << line;
  EXPECT_EQ(error_of(with("a=\r\n")), at(ParseFault::attribute));
  EXPECT_EQ(error_of(with("a=:x\r\n")), at(ParseFault::attribute));
  EXPECT_EQ(error_of(with("v=0\r\n")), at(ParseFault::version));
  EXPECT_EQ(error_of(with("a=x\ry\r\n")), at(ParseFault::control_octet));
  EXPECT_EQ(error_of(with(std::string_view("a=x\0y\r\n", 7))), at(ParseFault::control_octet));
  EXPECT_EQ(error_of(with("=\r\n")), at(ParseFault::line));
  EXPECT_EQ(error_of("").code, ParseFault::version);
  EXPECT_EQ(error_of("v=1\r\n").code, ParseFault::version);
  EXPECT_EQ(error_of("o=- 1 1 IN IP4 192.0.2.1\r\n").code, ParseFault::version);
  EXPECT_EQ(error_of("v=0\r\ns=-\r\n").code, ParseFault::origin);
  for (const auto* line : {"o=", "o=- 1 1 IN IP4", "o=- x 1 IN IP4 a", "o=- 1 x IN IP4 a", "o=- 1 1 XX IP4 a",
                           "o=- 1 1 IN IP5 a", "o=1 1 IN IP4 a"})
    EXPECT_EQ(error_of(std::string("v=0\r\n") + line).code, ParseFault::origin) << line;
}

// advisory 28
TEST(SdpParser, Advisory28ShortLinesAndNulsAreErrorsNotOverReads) {
  for (const auto* line : {"v", "o", "s", "m", "a", "c", "b", "t", "=", "a ", "aa", "a-"}) {
    EXPECT_EQ(error_of(with(line)).code, ParseFault::line) << line;
    EXPECT_EQ(error_of(line).code, ParseFault::version) << line;
  }
  for (const auto* line : {"i=", "u=", "e=", "p=", "b=", "z=", "r=", "k=", "x="})
    EXPECT_TRUE(parse(with(line))) << line;
  for (size_t zeros = 1; zeros < 4; ++zeros) EXPECT_FALSE(parse(with(std::string(zeros, '\0'))));
  EXPECT_FALSE(parse(std::string(5, '\0')));
}

// advisory 32
TEST(SdpParser, Advisory32EveryPrefixOfEveryDescriptionIsSafe) {
  for (const std::string& name : test::all_fixtures()) {
    const std::string whole = fixture(name);
    ASSERT_TRUE(parse(whole)) << name;
    for (size_t size = 0; size < whole.size(); ++size) {
      // A heap copy of exact size lets the sanitizer see any read past the end.
      const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const std::string_view text(cut.data(), cut.size());
      for (const Profile profile : {Profile::browser, Profile::phone}) {
        const auto remote = parse_remote(text, profile);
        if (!remote) continue;
        Leg leg = test::leg_for(profile);
        (void)leg.answer(*remote, {default_codecs()});
      }
    }
  }
}

// advisory 35
TEST(SdpParser, Advisory35MalformedBandwidthIsReadOver) {
  for (const auto* line :
       {"b=", "b=:", "b=AS", "b=AS:", "b=:64", "b=AS:x", "b=AS:-1", "b=AS:99999999999999999999", "b= AS:1"}) {
    const auto parsed = parse(with(std::string(line) + "\r\nm=audio 1 RTP/AVP 0\r\n" + line + "\r\n"));
    ASSERT_TRUE(parsed) << line;
    EXPECT_TRUE(parsed->bandwidths.empty()) << line;
    EXPECT_EQ(parsed->ignored_lines, 2u) << line;
  }
  EXPECT_EQ(parse(with("b=AS:1\r\nb=AS:2\r\n"))->bandwidths.size(), 2u);
}

// advisory 37
TEST(SdpParser, Advisory37CryptoLinesAreTextAndSuchAudioIsNotSpoken) {
  const std::vector<std::string> values{"",
                                        ":",
                                        ":1",
                                        ":1 ",
                                        ":1 AES_CM_128_HMAC_SHA1_80",
                                        ":1 AES_CM_128_HMAC_SHA1_80 inline:",
                                        ":99999999999999999999 X inline:AAAA",
                                        ":1 X inline:" + std::string(4000, 'A'),
                                        ":1 " + std::string(4000, 'B'),
                                        ":-1 X Y Z",
                                        ":1 X inline:AAAA|2^99|1:4 KDR=25 UNENCRYPTED_SRTP"};
  for (const std::string& value : values) {
    for (int copies = 1; copies <= 10; ++copies) {
      std::string text = with("c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\n");
      for (int i = 0; i < copies; ++i) text += "a=crypto" + value + "\r\n";
      ASSERT_TRUE(parse(text)) << value;
      EXPECT_EQ(parse_remote(text, Profile::phone).error().code, RemoteFault::protocol) << value;
    }
  }
}

// advisory 54
TEST(SdpParser, Advisory54EveryLimitIsAnErrorOfItsOwn) {
  const auto times = [](size_t n, std::string_view line) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += line;
    return out;
  };
  EXPECT_TRUE(parse(with(times(kMaxMediaSections, "m=audio 0 RTP/AVP 0\r\n"))));
  EXPECT_EQ(error_of(with(times(kMaxMediaSections + 1, "m=audio 0 RTP/AVP 0\r\n"))).code, ParseFault::too_many_media);
  EXPECT_TRUE(parse(with(times(kMaxAttributes, "a=x\r\n"))));
  EXPECT_EQ(error_of(with(times(kMaxAttributes + 1, "a=x\r\n"))).code, ParseFault::too_many_attributes);
  EXPECT_EQ(error_of(with("m=audio 0 RTP/AVP 0\r\n" + times(kMaxAttributes + 1, "a=x\r\n"))).code,
            ParseFault::too_many_attributes);
  EXPECT_TRUE(parse(with("m=audio 0 RTP/AVP" + times(kMaxFormats, " 0") + "\r\n")));
  EXPECT_EQ(error_of(with("m=audio 0 RTP/AVP" + times(kMaxFormats + 1, " 0") + "\r\n")).code,
            ParseFault::too_many_formats);
  EXPECT_EQ(error_of(with(times(kMaxBandwidths + 1, "b=AS:1\r\n"))).code, ParseFault::too_many_bandwidths);
  EXPECT_EQ(error_of(with(times(kMaxTimes, "t=0 0\r\n"))).code, ParseFault::time);
  EXPECT_EQ(error_of(with("a=" + std::string(kMaxLineBytes - 1, 'x'))).code, ParseFault::line_too_long);
  EXPECT_TRUE(parse(with("a=" + std::string(kMaxLineBytes - 2, 'x'))));
  EXPECT_EQ(error_of(with(times(kMaxLines, "\r\n"))).code, ParseFault::too_many_lines);
  EXPECT_EQ(error_of(std::string(kMaxDescriptionBytes + 1, 'v')).code, ParseFault::too_long);
}

TEST(SdpWriter, GivesCrlfInTheFixedOrderAndNeverKeys) {
  Description out;
  out.origin = {"-", "9", "2", Family::v6, "2001:db8::5"};
  out.information = "i";
  out.connection = Connection::of(*IpAddress::parse("2001:db8::5"));
  out.bandwidths = {{"AS", 80}};
  out.add("group", "BUNDLE 0");
  Media media;
  media.port = 4000;
  media.port_count = 2;
  media.formats = {"0"};
  media.connection = Connection{Family::v4, "192.0.2.1"};
  media.add("mid", "0");
  media.add("sendrecv");
  out.media.push_back(media);
  EXPECT_EQ(write(out),
            "v=0\r\no=- 9 2 IN IP6 2001:db8::5\r\ns=-\r\ni=i\r\nc=IN IP6 2001:db8::5\r\nb=AS:80\r\nt=0 0\r\n"
            "a=group:BUNDLE 0\r\nm=audio 4000/2 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\na=mid:0\r\na=sendrecv\r\n");
}

TEST(SdpWriter, WhatWasParsedIsWrittenToAFixedPoint) {
  for (const std::string& name : test::all_fixtures()) {
    const std::string text = fixture(name);
    const std::string once = write(*parse(text));
    EXPECT_EQ(write(*parse(once)), once) << name;
    EXPECT_EQ(parse(once)->media, parse(text)->media) << name;
  }
}

}  // namespace
}  // namespace isthmus::sdp
