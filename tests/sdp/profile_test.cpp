// SPDX-License-Identifier: MIT
// sdp/profile: offers and answers of browser and phone legs; R3.13, R4.11, traps 1, 2, 3, 5, 10, 15, 16, 21, 30,
// 31, 32.
#include "sdp/profile.hpp"

#include <gtest/gtest.h>

#include "sdp/writer.hpp"
#include "tests/sdp/fixtures.hpp"

namespace isthmus::sdp {
namespace {

using test::browser_local;
using test::count;
using test::fixture;
using test::leg_for;
using test::names;
using test::phone_local;
using test::remote_of;
using test::replaced;
using test::without;

const Intent kAll{default_codecs()};

std::string version_of(const Leg& leg) {
  return parse(leg.last())->origin.version;
}

// R3.13
TEST(SdpBrowserProfile, R3_13AnswersAChromiumOffer) {
  Leg leg = leg_for(Profile::browser);
  const auto agreed = leg.answer(remote_of(fixture("chromium-audio"), Profile::browser), kAll);
  ASSERT_TRUE(agreed);
  EXPECT_EQ(
      leg.last(),
      "v=0\r\no=- 77 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0\r\n"
      "m=audio 20000 UDP/TLS/RTP/SAVPF 111 9 0 8 110 126\r\na=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:0aBcDeFgHi\r\n"
      "a=ice-pwd:thisIsOurOwnIcePassword00\r\na=candidate:1 1 udp 2130706431 127.0.0.1 20000 typ host\r\n"
      "a=candidate:2 1 udp 2130706175 192.0.2.7 20000 typ host\r\na=end-of-candidates\r\n"
      "a=fingerprint:sha-256 "
      "00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9\r\n"
      "a=setup:passive\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:9 "
      "G722/8000\r\n"
      "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:110 telephone-event/48000\r\na=fmtp:110 0-15\r\n"
      "a=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-15\r\na=ptime:20\r\na=sendrecv\r\na=msid:isthmus audio\r\n");
  EXPECT_EQ(agreed->direction, Direction::sendrecv);
  EXPECT_EQ(agreed->role, DtlsRole::passive);
  EXPECT_TRUE(agreed->new_association);
  EXPECT_EQ(agreed->send, agreed->receive);
}

// trap 1
TEST(SdpBrowserProfile, Trap1EveryBrowserAnswerAndOfferMultiplexesRtcp) {
  for (const auto* name : {"chromium-audio", "chromium-video", "firefox-audio", "safari-audio"}) {
    Leg leg = leg_for(Profile::browser);
    ASSERT_TRUE(leg.answer(remote_of(fixture(name), Profile::browser), kAll));
    const Description answer = *parse(leg.last());
    EXPECT_NE(find(answer.media[0].attributes, "rtcp-mux"), nullptr) << name;
    leg.offer(kAll);
    EXPECT_NE(find(parse(leg.last())->media[0].attributes, "rtcp-mux"), nullptr) << name;
  }
  Leg phone = leg_for(Profile::phone);
  ASSERT_TRUE(phone.answer(remote_of(fixture("sipp") + "a=rtcp-mux\r\n", Profile::phone), kAll))
      << "never required of phones";
  EXPECT_EQ(phone.last().find("rtcp-mux"), std::string::npos);
}

// trap 5
TEST(SdpBrowserProfile, Trap5TheOfferedTokenIsAnsweredAndKept) {
  for (const auto* token : {"UDP/TLS/RTP/SAVPF", "RTP/SAVPF", "TCP/TLS/RTP/SAVPF"}) {
    Leg leg = leg_for(Profile::browser);
    ASSERT_TRUE(
        leg.answer(remote_of(replaced(fixture("firefox-audio"), "UDP/TLS/RTP/SAVPF", token), Profile::browser), kAll));
    EXPECT_EQ(parse(leg.last())->media[0].protocol, token);
    leg.offer(kAll);
    EXPECT_EQ(parse(leg.last())->media[0].protocol, token);
  }
}

// trap 21
TEST(SdpBrowserProfile, Trap21VideoAndFurtherSectionsAreRefusedInPlace) {
  Leg leg = leg_for(Profile::browser);
  ASSERT_TRUE(leg.answer(remote_of(fixture("chromium-video"), Profile::browser), kAll));
  const Description answer = *parse(leg.last());
  ASSERT_EQ(answer.media.size(), 2u);
  EXPECT_EQ(answer.media[0].kind, "audio");
  EXPECT_NE(answer.media[0].port, 0);
  EXPECT_EQ(answer.media[1].kind, "video");
  EXPECT_EQ(answer.media[1].port, 0);
  EXPECT_EQ(answer.media[1].protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_EQ(*find(answer.media[1].attributes, "mid"), "1");
  EXPECT_EQ(bundle_mids(answer), std::vector<std::string>{"0"}) << "trap 30: a subset of the offered group";
}

// trap 21
TEST(SdpBrowserProfile, Trap21NothingOfTheOffersPrivateLinesComesBack) {
  for (const auto* name : {"chromium-audio", "chromium-video", "firefox-audio", "safari-audio"}) {
    Leg leg = leg_for(Profile::browser);
    const RemoteAudio offer = remote_of(fixture(name), Profile::browser);
    ASSERT_TRUE(leg.answer(offer, kAll));
    for (const auto* line : {"a=extmap", "a=ssrc", "a=rtcp-fb", "a=msid-semantic", "stereo", "red/"})
      EXPECT_EQ(leg.last().find(line), std::string::npos) << name << " " << line;
    EXPECT_EQ(leg.last().find(offer.ice.ufrag), std::string::npos) << name;
    EXPECT_EQ(leg.last().find(write_fingerprint(offer.fingerprint)), std::string::npos) << name;
  }
}

// trap 31
TEST(SdpBrowserProfile, Trap31SectionsAreNeverMovedOrRemoved) {
  const std::string video_first =
      "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE v "
      "a\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n" +
      ("a=fingerprint:" + write_fingerprint(browser_local().fingerprint)) +
      "\r\na=setup:actpass\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\nm=audio 9 UDP/TLS/RTP/SAVPF "
      "0\r\na=mid:a\r\na=rtcp-mux\r\n";
  Leg leg = leg_for(Profile::browser);
  ASSERT_TRUE(leg.answer(remote_of(video_first, Profile::browser), kAll));
  for (int round = 0; round < 2; ++round) {
    const Description own = *parse(leg.last());
    ASSERT_EQ(own.media.size(), 3u);
    EXPECT_EQ(own.media[0].kind + own.media[1].kind + own.media[2].kind, "videoapplicationaudio");
    EXPECT_EQ(own.media[0].port, 0);
    EXPECT_EQ(own.media[1].port, 0);
    EXPECT_EQ(own.media[1].formats, std::vector<std::string>{"webrtc-datachannel"});
    EXPECT_NE(own.media[2].port, 0);
    EXPECT_EQ(bundle_mids(own), std::vector<std::string>{"a"});
    leg.offer({default_codecs(), Direction::sendonly});
  }
}

TEST(SdpBrowserProfile, WithoutAGroupInTheOfferThereIsNoneInTheAnswer) {
  Leg leg = leg_for(Profile::browser);
  ASSERT_TRUE(leg.answer(remote_of(without(fixture("chromium-audio"), "a=group"), Profile::browser), kAll));
  EXPECT_EQ(leg.last().find("BUNDLE"), std::string::npos);
}

// What a browser answers to our offer: its own offer with other words where an answer differs.
std::string browser_answer(std::string_view setup = "active", std::string_view name = "chromium-audio") {
  return replaced(fixture(name), "a=setup:actpass", "a=setup:" + std::string(setup));
}

// trap 2
TEST(SdpBrowserProfile, Trap2OffersAreActpassAndOnlyAnswersMoveTheRole) {
  struct Row {
    std::string_view setup;
    DtlsRole role;
  };
  for (const Row& row :
       {Row{"active", DtlsRole::passive}, Row{"passive", DtlsRole::active}, Row{"actpass", DtlsRole::passive}}) {
    Leg leg = leg_for(Profile::browser);
    EXPECT_NE(leg.offer(kAll).find("a=setup:actpass\r\n"), std::string::npos);
    const auto agreed = leg.accept(remote_of(browser_answer(row.setup), Profile::browser));
    ASSERT_TRUE(agreed);
    EXPECT_EQ(agreed->role, row.role) << row.setup;
    EXPECT_TRUE(agreed->new_association);
    // A re-offer of the peer: actpass again, the role stays.
    const auto again = leg.answer(remote_of(fixture("chromium-audio"), Profile::browser), kAll);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->role, row.role);
    EXPECT_FALSE(again->new_association);
    EXPECT_NE(leg.last().find(row.role == DtlsRole::active ? "a=setup:active\r\n" : "a=setup:passive\r\n"),
              std::string::npos);
    // A re-offer of ours is actpass, and nothing moves before the answer.
    EXPECT_NE(leg.offer({default_codecs(), Direction::sendonly}).find("a=setup:actpass\r\n"), std::string::npos);
    EXPECT_EQ(leg.agreed()->role, row.role);
    const auto third =
        leg.accept(remote_of(browser_answer(row.role == DtlsRole::active ? "passive" : "active"), Profile::browser));
    ASSERT_TRUE(third);
    EXPECT_EQ(third->role, row.role);
    EXPECT_FALSE(third->new_association);
  }
}

TEST(SdpBrowserProfile, RolesOfFirstAnswers) {
  for (const auto& [setup, role] :
       {std::pair("actpass", DtlsRole::passive), {"active", DtlsRole::passive}, {"passive", DtlsRole::active}}) {
    Leg leg = leg_for(Profile::browser);
    EXPECT_EQ(leg.answer(remote_of(browser_answer(setup), Profile::browser), kAll)->role, role) << setup;
  }
}

// trap 3
TEST(SdpBrowserProfile, Trap3AnIceRestartIsNoNewAssociationButAFingerprintOrTlsIdIs) {
  const std::string offer = fixture("chromium-audio");
  Leg leg = leg_for(Profile::browser);
  ASSERT_TRUE(leg.answer(remote_of(offer, Profile::browser), kAll));
  const std::string restart =
      replaced(replaced(offer, "a=ice-ufrag:qN7f", "a=ice-ufrag:new1"), "a=ice-pwd:Yw2k", "a=ice-pwd:New2");
  EXPECT_FALSE(leg.refresh(remote_of(restart, Profile::browser))->new_association);
  EXPECT_EQ(leg.remote()->ice.ufrag, "new1");
  EXPECT_TRUE(leg.refresh(remote_of(replaced(restart, "sha-256 3C", "sha-256 4D"), Profile::browser))->new_association);
  EXPECT_TRUE(
      leg.refresh(remote_of(replaced(restart, "a=mid", "a=tls-id:4aa8937d89218dcc7b44\r\na=mid"), Profile::browser))
          ->new_association);
}

TEST(SdpBrowserProfile, OwnOfferBundlesOneAudioWithEventsAtEachClock) {
  Leg leg = leg_for(Profile::browser);
  const Description offer = *parse(leg.offer({{opus(), pcmu(), telephone_event()}}));
  EXPECT_EQ(bundle_mids(offer), std::vector<std::string>{"0"});
  ASSERT_EQ(offer.media.size(), 1u);
  EXPECT_EQ(offer.media[0].protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_EQ(names(formats_of(offer.media[0])),
            "111 opus/48000, 0 PCMU/8000, 110 telephone-event/48000, 101 telephone-event/8000");
  EXPECT_NE(find(offer.attributes, "ice-lite"), nullptr);
  EXPECT_NE(find(offer.media[0].attributes, "end-of-candidates"), nullptr);
}

TEST(SdpPhoneProfile, AnswersACarrierInOrderPerOfferOrPerConfiguration) {
  Leg leg = leg_for(Profile::phone);
  const auto agreed = leg.answer(remote_of(fixture("carrier"), Profile::phone), kAll);
  ASSERT_TRUE(agreed);
  EXPECT_EQ(
      leg.last(),
      "v=0\r\no=- 77 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 30000 RTP/AVP 9 8 0 101\r\n"
      "a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 "
      "telephone-event/8000\r\na=fmtp:101 0-15\r\n"
      "a=ptime:20\r\na=sendrecv\r\n");
  Leg greedy = leg_for(Profile::phone);
  ASSERT_TRUE(greedy.answer(remote_of(fixture("carrier"), Profile::phone),
                            {default_codecs(), Direction::sendrecv, Preference::own}));
  EXPECT_EQ(names(greedy.agreed()->send), "0 PCMU/8000, 8 PCMA/8000, 9 G722/8000, 101 telephone-event/8000");
}

// trap 21
TEST(SdpPhoneProfile, Trap21PlainLegsCarryNoneOfTheWebRtcLines) {
  Leg leg = leg_for(Profile::phone);
  leg.offer(kAll);
  ASSERT_TRUE(leg.accept(remote_of(fixture("baresip"), Profile::phone)));
  std::string all = leg.last();
  leg.answer(remote_of(fixture("baresip"), Profile::phone), kAll).value();
  all += leg.last();
  for (const auto* line : {"rtcp-fb", "extmap", "ssrc", "msid", "ice-", "candidate", "a=mid", "BUNDLE", "fingerprint",
                           "setup", "rtcp-mux", "label"})
    EXPECT_EQ(all.find(line), std::string::npos) << line;
  EXPECT_LT(leg.last().size(), 400u) << "small enough for one UDP datagram with its INVITE";
}

TEST(SdpPhoneProfile, RtcpIsNamedOnlyWhenItIsNotTheNextPort) {
  LocalAudio local = phone_local();
  EXPECT_EQ(Leg(Profile::phone, 1, local).offer(kAll).find("a=rtcp"), std::string::npos);
  local.rtcp.port = 30005;
  EXPECT_NE(Leg(Profile::phone, 1, local).offer(kAll).find("a=rtcp:30005\r\n"), std::string::npos);
  local.rtcp.ip = *IpAddress::parse("2001:db8::1");
  EXPECT_NE(Leg(Profile::phone, 1, local).offer(kAll).find("a=rtcp:30005 IN IP6 2001:db8::1\r\n"), std::string::npos);
}

// R3.13
TEST(SdpPhoneProfile, R3_13OfferInTheAnswerAndAnswerInTheAck) {
  Leg leg = leg_for(Profile::phone);
  const Description offer = *parse(leg.offer(kAll));
  EXPECT_EQ(names(formats_of(offer.media[0])),
            "111 opus/48000, 0 PCMU/8000, 8 PCMA/8000, 9 G722/8000, 101 telephone-event/8000");
  EXPECT_FALSE(leg.agreed());
  const auto agreed = leg.accept(remote_of(fixture("sipp"), Profile::phone));
  ASSERT_TRUE(agreed);
  EXPECT_EQ(names(agreed->send), "0 PCMU/8000");
  EXPECT_EQ(agreed->direction, Direction::sendrecv);
}

TEST(SdpLeg, UnusableAnswersAreRefusalsThatLeaveTheLegAsItWas) {
  const std::string sipp = fixture("sipp");
  Leg leg = leg_for(Profile::phone);
  EXPECT_EQ(leg.accept(remote_of(sipp, Profile::phone)).error(), Refusal::shape) << "there was no offer";
  leg.offer({{pcma()}});
  EXPECT_EQ(leg.accept(remote_of(sipp, Profile::phone)).error(), Refusal::no_common_codec);
  leg.offer(kAll);
  EXPECT_EQ(leg.accept(remote_of(sipp + "m=video 6002 RTP/AVP 31\r\n", Profile::phone)).error(), Refusal::shape);
  leg.offer(kAll);
  EXPECT_EQ(leg.accept(remote_of(replaced(sipp, "m=audio 6000", "m=audio 0"), Profile::phone)).error(),
            Refusal::refused);
  EXPECT_FALSE(leg.agreed());
  EXPECT_FALSE(leg.remote());
  EXPECT_EQ(leg.answer(remote_of(sipp, Profile::phone), {{opus()}}).error(), Refusal::no_common_codec);
  for (const Refusal each : {Refusal::no_common_codec, Refusal::refused, Refusal::shape})
    EXPECT_NE(describe(each), "unknown");
}

TEST(SdpLeg, AnAnswerMayUseOtherNumbersOrLeaveOutARtpmap) {
  const std::string head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
  Leg leg = leg_for(Profile::phone);
  leg.offer(kAll);
  const auto other =
      leg.accept(remote_of(head + "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n", Profile::phone));
  ASSERT_TRUE(other);
  EXPECT_EQ(names(other->send), "96 opus/48000");
  EXPECT_EQ(names(other->receive), "111 opus/48000");
  leg.offer(kAll);
  const auto silent = leg.accept(remote_of(head + "m=audio 5000 RTP/AVP 111 101\r\n", Profile::phone));
  ASSERT_TRUE(silent);
  EXPECT_EQ(names(silent->send), "111 opus/48000, 101 telephone-event/8000");
}

// trap 15
TEST(SdpLeg, Trap15TheVersionRisesOnlyWithOurOwnContent) {
  Leg leg = leg_for(Profile::browser);
  const std::string offer = fixture("chromium-audio");
  ASSERT_TRUE(leg.answer(remote_of(offer, Profile::browser), kAll));
  const std::string first = leg.last();
  EXPECT_EQ(version_of(leg), "1");
  // The peer raises its version and changes lines that concern it alone: our description is the same to the octet (E2).
  std::string refreshed = replaced(offer, "968824057 2 IN", "968824057 3 IN");
  ASSERT_TRUE(leg.refresh(remote_of(refreshed, Profile::browser)));
  EXPECT_EQ(leg.last(), first);
  ASSERT_TRUE(leg.refresh(remote_of(replaced(refreshed, "a=ice-ufrag:qN7f", "a=ice-ufrag:new1"), Profile::browser)));
  EXPECT_EQ(leg.last(), first);
  ASSERT_TRUE(leg.answer(remote_of(replaced(refreshed, "a=sendrecv", "a=sendonly"), Profile::browser), kAll));
  EXPECT_EQ(version_of(leg), "2");
  ASSERT_TRUE(leg.answer(remote_of(offer, Profile::browser), kAll));
  EXPECT_EQ(version_of(leg), "3") << "back to the first content is a change too (C21)";
  EXPECT_EQ(replaced(leg.last(), "o=- 77 3", "o=- 77 1"), first);
  const Description later = *parse(leg.last());
  EXPECT_EQ(later.origin.session_id, "77") << "the session id stays for the life of the leg";
}

TEST(SdpLeg, ARefusedReOfferLeavesTheAgreementAndMovesTheVersionOn) {
  Leg leg = leg_for(Profile::phone);
  leg.offer(kAll);
  ASSERT_TRUE(leg.accept(remote_of(fixture("sipp"), Profile::phone)));
  const Agreed before = *leg.agreed();
  leg.offer({default_codecs(), Direction::sendonly});  // answered 488 by the peer
  EXPECT_EQ(version_of(leg), "2");
  EXPECT_EQ(*leg.agreed(), before);
  leg.offer(kAll);
  EXPECT_EQ(version_of(leg), "3") << "o= version one above the last we sent (C21)";
}

TEST(SdpLeg, SessionIdsFitInto63Bits) {
  Leg leg(Profile::phone, UINT64_MAX, phone_local());
  EXPECT_NE(leg.offer(kAll).find("o=- 9223372036854775807 1 "), std::string::npos);
}

TEST(SdpLeg, PayloadNumbersBelongToTheLeg) {
  Leg leg = leg_for(Profile::browser);
  ASSERT_TRUE(leg.answer(remote_of(fixture("firefox-audio"), Profile::browser), kAll));
  EXPECT_EQ(
      names(formats_of(parse(leg.offer(kAll))->media[0])),
      "109 opus/48000, 0 PCMU/8000, 8 PCMA/8000, 9 G722/8000, 110 telephone-event/48000, 101 telephone-event/8000")
      << "Firefox called Opus 109, so do we on this leg";
  // A number that the peer took for something else is not used again.
  const std::string opus_on_101 =
      replaced(replaced(replaced(fixture("baresip"), "RTP/AVP 96 9 0 8 101", "RTP/AVP 101 9 0 8"), "a=rtpmap:96",
                        "a=rtpmap:101"),
               "a=rtpmap:101 telephone-event/8000\r\n", "");
  Leg phone = leg_for(Profile::phone);
  ASSERT_TRUE(phone.answer(remote_of(opus_on_101, Profile::phone), kAll));
  EXPECT_EQ(names(formats_of(parse(phone.offer(kAll))->media[0])),
            "101 opus/48000, 0 PCMU/8000, 8 PCMA/8000, 9 G722/8000, 96 telephone-event/8000");
}

// trap 16, E14
TEST(SdpLeg, Trap16E14HoldIsAnsweredAndResumed) {
  struct Row {
    Profile profile;
    std::string_view name, from, to, answer;
  };
  for (const Row& row : {Row{Profile::phone, "carrier", "a=sendrecv", "a=sendonly", "a=recvonly\r\n"},
                         Row{Profile::phone, "carrier", "a=sendrecv", "a=inactive", "a=inactive\r\n"},
                         Row{Profile::phone, "carrier", "c=IN IP4 198.51.100.77", "c=IN IP4 0.0.0.0", "a=recvonly\r\n"},
                         Row{Profile::browser, "chromium-audio", "a=sendrecv", "a=sendonly", "a=recvonly\r\n"}}) {
    Leg leg = leg_for(row.profile);
    ASSERT_TRUE(leg.answer(remote_of(fixture(row.name), row.profile), kAll));
    ASSERT_TRUE(leg.answer(remote_of(replaced(fixture(row.name), row.from, row.to), row.profile), kAll));
    EXPECT_NE(leg.last().find(row.answer), std::string::npos) << row.to;
    EXPECT_FALSE(sends(leg.agreed()->direction)) << row.to;
    ASSERT_TRUE(leg.answer(remote_of(fixture(row.name), row.profile), kAll));
    EXPECT_EQ(leg.agreed()->direction, Direction::sendrecv);
    EXPECT_EQ(leg.remote()->address.text(), row.profile == Profile::phone ? "198.51.100.77:41872" : ":0")
        << "resume restores the target";
  }
}

TEST(SdpLeg, PortZeroIsAnsweredWithPortZeroAndMayComeBack) {
  Leg leg = leg_for(Profile::phone);
  ASSERT_TRUE(leg.answer(remote_of(fixture("carrier"), Profile::phone), kAll));
  const auto refused =
      leg.answer(remote_of(replaced(fixture("carrier"), "m=audio 41872", "m=audio 0"), Profile::phone), kAll);
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->refused);
  EXPECT_EQ(parse(leg.last())->media[0].port, 0);
  ASSERT_TRUE(leg.answer(remote_of(fixture("carrier"), Profile::phone), kAll));
  EXPECT_EQ(parse(leg.last())->media[0].port, 30000);
}

// trap 10
TEST(SdpLeg, Trap10TheOwnOfferNamesOpenPortsFromTheStart) {
  for (const Profile profile : {Profile::browser, Profile::phone}) {
    Leg leg = leg_for(profile);
    const Description offer = *parse(leg.offer(kAll));
    EXPECT_EQ(offer.media[0].port, profile == Profile::browser ? 20000 : 30000);
    EXPECT_TRUE(receives(direction_of(offer, offer.media[0])));
  }
}

// R4.11
TEST(SdpLeg, R4_11EveryAnswerIsASubsetOfItsOffer) {
  const std::vector<std::vector<Codec>> wishes{
      default_codecs(), {opus(), telephone_event()}, {pcmu()}, {pcma(), pcmu(), telephone_event()}, {g722()}};
  for (const std::string& name : test::all_fixtures()) {
    const Profile profile = *profile_of(*parse(fixture(name)));
    const RemoteAudio offer = remote_of(fixture(name), profile);
    for (const auto& codecs : wishes) {
      Leg leg = leg_for(profile);
      const auto agreed = leg.answer(offer, {codecs});
      if (!agreed) continue;
      for (const Format& format : agreed->send) {
        const Format* offered = find_payload(offer.formats, format.payload);
        ASSERT_NE(offered, nullptr) << name;
        EXPECT_TRUE(same_codec(offered->codec, format.codec)) << name;
      }
      EXPECT_EQ(formats_of(parse(leg.last())->media[offer.section]).size(), agreed->send.size()) << name;
      EXPECT_EQ(write(*parse(leg.last())), leg.last()) << name;
    }
  }
}

// trap 32
TEST(SdpLeg, Trap32OpusAndG722KeepTheirLiteralClocks) {
  Leg leg = leg_for(Profile::phone);
  leg.offer({{opus(), g722()}});
  EXPECT_EQ(count(leg.last(), "a=rtpmap:111 opus/48000/2\r\n"), 1u);
  EXPECT_EQ(count(leg.last(), "a=rtpmap:9 G722/8000\r\n"), 1u);
}

TEST(SdpLeg, IsAValueThatGoesOnAlikeWhenCopied) {
  Leg leg = leg_for(Profile::browser);
  ASSERT_TRUE(leg.answer(remote_of(fixture("chromium-audio"), Profile::browser), kAll));
  Leg copy = leg;
  EXPECT_EQ(copy.offer({default_codecs(), Direction::sendonly}), leg.offer({default_codecs(), Direction::sendonly}));
}

}  // namespace
}  // namespace isthmus::sdp
