// SPDX-License-Identifier: MIT
// sdp/codec: payload types and what they stand for (RFC 3551 section 6).
#include "sdp/codec.hpp"

#include <gtest/gtest.h>

#include "tests/sdp/fixtures.hpp"

namespace isthmus::sdp {
namespace {

Media media_of(std::vector<std::string> formats, std::vector<Attribute> attributes = {}) {
  Media out;
  out.formats = std::move(formats);
  out.attributes = std::move(attributes);
  return out;
}

TEST(SdpCodec, StaticPayloadTypesNeedNoRtpmap) {
  EXPECT_EQ(test::names(formats_of(media_of({"0", "3", "8", "9", "13", "18"}))),
            "0 PCMU/8000, 3 GSM/8000, 8 PCMA/8000, 9 G722/8000, 13 CN/8000, 18 G729/8000");
  EXPECT_EQ(static_payload(pcmu()), 0);
  EXPECT_EQ(static_payload(pcma()), 8);
  EXPECT_EQ(static_payload(g722()), 9);
  EXPECT_EQ(static_payload(opus()), std::nullopt);
  EXPECT_EQ(static_codec(34), std::nullopt);
  EXPECT_EQ(usual_payload(opus()), 111);
  EXPECT_EQ(usual_payload(telephone_event(8000)), 101);
  EXPECT_EQ(usual_payload(telephone_event(48000)), 110);
}

// trap 32
TEST(SdpCodec, Trap32ClocksAreTheLiteralOnes) {
  EXPECT_EQ(g722().clock, 8000u);
  EXPECT_EQ(opus().clock, 48000u);
  EXPECT_EQ(opus().channels, 2);
  const auto formats =
      formats_of(media_of({"96", "97", "9"}, {{"rtpmap", "96 G722/16000"}, {"rtpmap", "97 opus/48000"}}));
  EXPECT_FALSE(same_codec(formats[0].codec, g722()))
      << "G722 at its true rate is not what RFC 3551 section 4.5.2 names";
  EXPECT_FALSE(same_codec(formats[1].codec, opus())) << "RFC 7587 section 7: always 48000/2";
  EXPECT_TRUE(same_codec(formats[2].codec, g722()));
}

TEST(SdpCodec, RtpmapBeatsTheStaticTableAndTheFirstOneCounts) {
  const auto formats = formats_of(media_of({"0", "111", "111", "96", "x", "128", "-1"}, {{"rtpmap", "111 OPUS/48000/2"},
                                                                                         {"rtpmap", "111 PCMU/8000"},
                                                                                         {"rtpmap", "0 PCMA/8000"},
                                                                                         {"rtpmap", "97 PCMA/8000"},
                                                                                         {"fmtp", "111 stereo=1"},
                                                                                         {"fmtp", "111 stereo=0"}}));
  ASSERT_EQ(formats.size(), 3u);
  EXPECT_TRUE(same_codec(formats[0].codec, pcma()));
  EXPECT_TRUE(same_codec(formats[1].codec, opus()));
  EXPECT_EQ(formats[1].codec.parameters, "stereo=1");
  EXPECT_EQ(formats[2].codec.encoding, "");
  EXPECT_FALSE(same_codec(formats[2].codec, formats[2].codec)) << "an unknown codec equals nothing";
}

TEST(SdpCodec, NamesOfTheConfiguration) {
  EXPECT_EQ(codec_by_name("OPUS"), opus());
  EXPECT_EQ(codec_by_name("g722"), g722());
  EXPECT_EQ(codec_by_name("Telephone-Event"), telephone_event());
  EXPECT_EQ(codec_by_name("g729"), std::nullopt);
  EXPECT_TRUE(carries_audio(opus()));
  EXPECT_FALSE(carries_audio(telephone_event()));
  EXPECT_FALSE(carries_audio(*static_codec(13)));
}

TEST(SdpCodec, FormatsOfRealOffers) {
  EXPECT_EQ(test::names(test::remote_of(test::fixture("firefox-audio"), Profile::browser).formats),
            "109 opus/48000, 9 G722/8000, 0 PCMU/8000, 8 PCMA/8000, 101 telephone-event/8000");
  EXPECT_EQ(test::names(test::remote_of(test::fixture("carrier"), Profile::phone).formats),
            "116 AMR-WB/16000, 9 G722/8000, 8 PCMA/8000, 0 PCMU/8000, 18 G729/8000, 102 telephone-event/16000, "
            "101 telephone-event/8000");
}

}  // namespace
}  // namespace isthmus::sdp
