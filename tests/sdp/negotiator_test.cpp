// SPDX-License-Identifier: MIT
// sdp/negotiator: RFC 3264 as pure functions; R4.9, trap 16, rows E1, E2, E14.
#include "sdp/negotiator.hpp"

#include <gtest/gtest.h>

#include "tests/sdp/fixtures.hpp"

namespace isthmus::sdp {
namespace {

using test::fixture;
using test::names;
using test::remote_of;
using test::replaced;

constexpr auto kInactive = Direction::inactive;
constexpr auto kSendonly = Direction::sendonly;
constexpr auto kRecvonly = Direction::recvonly;
constexpr auto kSendrecv = Direction::sendrecv;

// R4.9
TEST(SdpNegotiator, R4_9IntersectionKeepsTheOffersNumbersAndTheChosenOrder) {
  const auto chromium = remote_of(fixture("chromium-audio"), Profile::browser).formats;
  const auto carrier = remote_of(fixture("carrier"), Profile::phone).formats;
  struct Row {
    const std::vector<Format>& offered;
    std::vector<Codec> own;
    Preference preference;
    std::string_view expected;
  };
  const std::vector<Row> rows{
      {chromium, default_codecs(), Preference::offer,
       "111 opus/48000, 9 G722/8000, 0 PCMU/8000, 8 PCMA/8000, 110 telephone-event/48000, 126 telephone-event/8000"},
      {chromium, default_codecs(), Preference::own,
       "111 opus/48000, 0 PCMU/8000, 8 PCMA/8000, 9 G722/8000, 110 telephone-event/48000, 126 telephone-event/8000"},
      {chromium, {pcma(), pcmu()}, Preference::offer, "0 PCMU/8000, 8 PCMA/8000"},
      {chromium, {pcma(), pcmu()}, Preference::own, "8 PCMA/8000, 0 PCMU/8000"},
      {chromium, {pcmu(), telephone_event()}, Preference::offer, "0 PCMU/8000, 126 telephone-event/8000"},
      {chromium, {opus(), telephone_event(8000)}, Preference::own, "111 opus/48000, 110 telephone-event/48000"},
      {carrier, default_codecs(), Preference::offer, "9 G722/8000, 8 PCMA/8000, 0 PCMU/8000, 101 telephone-event/8000"},
      {carrier, {opus()}, Preference::offer, ""},
      {chromium, {telephone_event()}, Preference::offer, ""},  // events alone are no common codec
      {chromium, {}, Preference::own, ""},
  };
  for (const Row& row : rows) EXPECT_EQ(names(intersect(row.offered, row.own, row.preference)), row.expected);
}

// trap 28
TEST(SdpNegotiator, Trap28EventsKeepOneNumberPerAudioClockElseTheOnlyOneOffered) {
  const auto baresip = remote_of(fixture("baresip"), Profile::phone).formats;
  EXPECT_EQ(names(intersect(baresip, std::vector{opus(), telephone_event()}, Preference::offer)),
            "96 opus/48000, 101 telephone-event/8000")
      << "phones offer 8000 beside Opus; better those than none";
  EXPECT_EQ(names(intersect(baresip, std::vector{opus()}, Preference::offer)), "96 opus/48000");
}

TEST(SdpNegotiator, OurParametersAreAnsweredNotThePeers) {
  const auto firefox = remote_of(fixture("firefox-audio"), Profile::browser).formats;
  EXPECT_EQ(firefox[0].codec.parameters, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
  EXPECT_EQ(intersect(firefox, default_codecs(), Preference::offer)[0].codec.parameters, "minptime=10;useinbandfec=1");
}

// trap 16, E14
TEST(SdpNegotiator, Trap16E14DirectionAlgebraOfSection6_1) {
  struct Row {
    Direction offered, wish, answer;
  };
  const std::vector<Row> rows{
      {kSendrecv, kSendrecv, kSendrecv}, {kSendrecv, kSendonly, kSendonly}, {kSendrecv, kRecvonly, kRecvonly},
      {kSendrecv, kInactive, kInactive}, {kSendonly, kSendrecv, kRecvonly}, {kSendonly, kSendonly, kInactive},
      {kSendonly, kRecvonly, kRecvonly}, {kSendonly, kInactive, kInactive}, {kRecvonly, kSendrecv, kSendonly},
      {kRecvonly, kSendonly, kSendonly}, {kRecvonly, kRecvonly, kInactive}, {kRecvonly, kInactive, kInactive},
      {kInactive, kSendrecv, kInactive}, {kInactive, kSendonly, kInactive}, {kInactive, kRecvonly, kInactive},
      {kInactive, kInactive, kInactive},
  };
  for (const Row& row : rows)
    EXPECT_EQ(answer_direction(row.offered, row.wish), row.answer)
        << name_of(row.offered) << " wish " << name_of(row.wish);
  EXPECT_EQ(reversed(kSendonly), kRecvonly);
  EXPECT_EQ(reversed(kRecvonly), kSendonly);
  EXPECT_EQ(reversed(kSendrecv), kSendrecv);
  EXPECT_EQ(reversed(kInactive), kInactive);
  EXPECT_TRUE(sends(kSendonly) && !receives(kSendonly) && receives(kRecvonly) && !sends(kRecvonly));
}

Difference changed(std::string_view name, Profile profile, std::string_view from, std::string_view to) {
  const std::string before = fixture(name);
  return compare(remote_of(before, profile), remote_of(replaced(before, from, to), profile), default_codecs());
}

struct ChangeRow {  // an edit of a fixture and what it must be seen as
  std::string_view name;
  Profile profile;
  std::string_view from, to;
  bool Difference::* what;
};

// E2
TEST(SdpNegotiator, E2TheSameMeaningWhateverTheOriginLineSays) {
  EXPECT_TRUE(changed("chromium-audio", Profile::browser, "968824057 2 IN", "968824057 3 IN").none());
  EXPECT_TRUE(changed("chromium-audio", Profile::browser, "a=ssrc:1886421733 cname", "a=ssrc:1886421734 cname").none());
  EXPECT_TRUE(
      changed("chromium-audio", Profile::browser, "a=candidate:2204731811 1 udp", "a=candidate:77 1 udp").none());
  EXPECT_TRUE(changed("carrier", Profile::phone, "o=SBC-4711 1734600001 1", "o=SBC-4711 1734600001 2").none());
  EXPECT_TRUE(changed("carrier", Profile::phone, "s=SIP Call", "s=another").none());
  EXPECT_TRUE(changed("carrier", Profile::phone, "a=rtpmap:116 AMR-WB/16000", "a=rtpmap:116 EVS/16000").none())
      << "a codec that nobody here speaks says nothing";
  EXPECT_TRUE(changed("chromium-video", Profile::browser, "m=video 61220", "m=video 0").none())
      << "a browser stops the video that we have refused";
  EXPECT_TRUE(changed("carrier", Profile::phone, "a=sendrecv\r\n", "a=sendrecv\r\nm=video 9 RTP/AVP 31\r\n").none())
      << "what this leg never carries is refused in the answer and no business of the other leg";
  EXPECT_TRUE(changed("carrier", Profile::phone, "a=sendrecv\r\n", "").none()) << "sendrecv is what no attribute means";
}

// E1
TEST(SdpNegotiator, E1AddressPortNumberIceOrFingerprintConcernTheRelayAlone) {
  const std::vector<ChangeRow> rows{
      {"carrier", Profile::phone, "c=IN IP4 198.51.100.77", "c=IN IP4 198.51.100.78", &Difference::address},
      {"carrier", Profile::phone, "m=audio 41872", "m=audio 41874", &Difference::address},
      {"carrier", Profile::phone, "a=rtcp:41901", "a=rtcp:41903", &Difference::address},
      {"baresip", Profile::phone,
       "RTP/AVP 96 9 0 8 101\r\nb=AS:125\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1;sprop-stereo=1",
       "RTP/AVP 97 9 0 8 101\r\nb=AS:125\r\na=rtpmap:97 opus/48000/2", &Difference::payloads},
      {"chromium-audio", Profile::browser, "a=ice-ufrag:qN7f", "a=ice-ufrag:zz7f", &Difference::ice},
      {"chromium-audio", Profile::browser, "a=ice-pwd:Yw2k", "a=ice-pwd:zz2k", &Difference::ice},
      {"chromium-audio", Profile::browser, "sha-256 3C:91", "sha-256 3D:91", &Difference::dtls},
      {"chromium-audio", Profile::browser, "a=setup:actpass", "a=setup:actpass\r\na=tls-id:91bbf309c0990a6bec11",
       &Difference::dtls},
  };
  for (const ChangeRow& row : rows) {
    const Difference difference = changed(row.name, row.profile, row.from, row.to);
    EXPECT_TRUE(difference.*row.what) << row.to;
    EXPECT_FALSE(difference.session()) << row.to;
    EXPECT_TRUE(difference.transport()) << row.to;
    EXPECT_TRUE(difference.version_kept) << "row E2 wants a change under an old o= version counted";
  }
}

// E1
TEST(SdpNegotiator, E1MediaDirectionsOrUsableCodecsConcernTheOtherLeg) {
  const std::vector<ChangeRow> rows{
      {"carrier", Profile::phone, "a=sendrecv", "a=sendonly", &Difference::direction},
      {"carrier", Profile::phone, "c=IN IP4 198.51.100.77", "c=IN IP4 0.0.0.0", &Difference::direction},
      {"carrier", Profile::phone, "RTP/AVP 116 9 8 0 18", "RTP/AVP 116 8 0 18", &Difference::codecs},
      {"carrier", Profile::phone, "a=rtpmap:116 AMR-WB/16000", "a=rtpmap:116 opus/48000/2", &Difference::codecs},
      {"carrier", Profile::phone, "m=audio 41872", "m=audio 0", &Difference::media},
      {"carrier", Profile::phone, "m=audio 41872 RTP/AVP", "m=audio 4 RTP/SAVP 0\r\nm=audio 41872 RTP/AVP",
       &Difference::media},
  };
  for (const ChangeRow& row : rows) {
    const Difference difference = changed(row.name, row.profile, row.from, row.to);
    EXPECT_TRUE(difference.*row.what) << row.to;
    EXPECT_TRUE(difference.session()) << row.to;
  }
  const std::string held = replaced(fixture("carrier"), "o=SBC-4711 1734600001 1", "o=SBC-4711 1734600001 2");
  EXPECT_FALSE(compare(remote_of(fixture("carrier"), Profile::phone),
                       remote_of(replaced(held, "a=sendrecv", "a=inactive"), Profile::phone), default_codecs())
                   .version_kept);
}

}  // namespace
}  // namespace isthmus::sdp
