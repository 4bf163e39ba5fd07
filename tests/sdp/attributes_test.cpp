// SPDX-License-Identifier: MIT
// sdp/attributes: typed readings of a= lines.
#include "sdp/attributes.hpp"

#include <gtest/gtest.h>

#include "tests/sdp/fixtures.hpp"

namespace isthmus::sdp {
namespace {

TEST(SdpAttributes, Rtpmap) {
  EXPECT_EQ(parse_rtpmap("111 opus/48000/2"), (Rtpmap{111, "opus", 48000, 2}));
  EXPECT_EQ(parse_rtpmap("0  PCMU/8000"), (Rtpmap{0, "PCMU", 8000, 1}));
  EXPECT_EQ(parse_rtpmap("9 G722/8000/1"), (Rtpmap{9, "G722", 8000, 1}));
  for (const auto* bad :
       {"", "111", "111 ", "111 opus", "111 opus/", "111 /48000", "111 opus/0", "111 opus/x", "128 opus/48000/2",
        "-1 x/1", "111 opus/48000/0", "111 opus/48000/", "111 opus/4294967296", "x opus/48000"})
    EXPECT_EQ(parse_rtpmap(bad), std::nullopt) << bad;
  EXPECT_EQ(write_rtpmap({111, "opus", 48000, 2}), "111 opus/48000/2");
  EXPECT_EQ(write_rtpmap({9, "G722", 8000, 1}), "9 G722/8000");
}

TEST(SdpAttributes, FmtpAndPtime) {
  EXPECT_EQ(parse_fmtp("101 0-15"), (Fmtp{101, "0-15"}));
  EXPECT_EQ(parse_fmtp("18  annexb=no "), (Fmtp{18, "annexb=no"}));
  EXPECT_EQ(parse_fmtp("128 x"), std::nullopt);
  EXPECT_EQ(parse_ptime("20"), 20);
  EXPECT_EQ(parse_ptime("2.5"), 2);
  for (const auto* bad : {"", "0", "0.5", "x", "1001", "-20"}) EXPECT_EQ(parse_ptime(bad), std::nullopt) << bad;
}

TEST(SdpAttributes, DirectionOfTheSectionThenOfTheSessionThenSendrecv) {
  const auto direction = [](std::string session, std::string media) {
    Description description;
    if (!session.empty()) description.add(session);
    Media section;
    if (!media.empty()) section.add(media);
    return direction_of(description, section);
  };
  EXPECT_EQ(direction("", ""), Direction::sendrecv);
  EXPECT_EQ(direction("inactive", ""), Direction::inactive);
  EXPECT_EQ(direction("inactive", "recvonly"), Direction::recvonly);
  EXPECT_EQ(direction("", "sendonly"), Direction::sendonly);
  EXPECT_EQ(direction("", "SENDONLY"), Direction::sendrecv) << "attribute names are case-sensitive";
  for (const auto each : {Direction::inactive, Direction::sendonly, Direction::recvonly, Direction::sendrecv})
    EXPECT_EQ(parse_direction(name_of(each)), each);
}

TEST(SdpAttributes, FingerprintsAreAsLongAsTheirHash) {
  const std::string sha1 = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33";
  const auto parsed = parse_fingerprint("SHA-1 " + sha1);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->hash, HashName::sha1);
  EXPECT_EQ(parsed->size, 20);
  EXPECT_EQ(parsed->octets[10], 0xaa);
  EXPECT_EQ(write_fingerprint(*parsed), "sha-1 " + sha1);
  EXPECT_EQ(parse_fingerprint("sha-256 " + sha1), std::nullopt);
  EXPECT_EQ(parse_fingerprint("md5 " + sha1), std::nullopt);
  EXPECT_EQ(parse_fingerprint("sha-1 " + sha1 + ":44"), std::nullopt);
  EXPECT_EQ(parse_fingerprint("sha-1 " + test::replaced(sha1, ":", "-")), std::nullopt);
  EXPECT_EQ(parse_fingerprint("sha-1 " + test::replaced(sha1, "0", "g")), std::nullopt);
  EXPECT_EQ(parse_fingerprint(""), std::nullopt);
  for (const HashName hash : {HashName::sha1, HashName::sha224, HashName::sha256, HashName::sha384, HashName::sha512}) {
    Fingerprint fingerprint{hash, {}, static_cast<uint8_t>(octets_of(hash))};
    fingerprint.octets[octets_of(hash) - 1] = 0x5a;
    EXPECT_EQ(parse_fingerprint(write_fingerprint(fingerprint)), fingerprint);
  }
}

TEST(SdpAttributes, OfSeveralFingerprintsSha256Counts) {
  const auto local = test::browser_local().fingerprint;
  Fingerprint sha512{HashName::sha512, {}, 64};
  Description description;
  Media media;
  media.add("fingerprint", "rot13 AA");
  media.add("fingerprint", write_fingerprint(sha512));
  EXPECT_EQ(fingerprint_of(description, media), sha512);
  media.add("fingerprint", write_fingerprint(local));
  EXPECT_EQ(fingerprint_of(description, media), local);
  EXPECT_EQ(fingerprint_of(description, Media{}), std::nullopt);
  description.add("fingerprint", write_fingerprint(local));
  EXPECT_EQ(fingerprint_of(description, Media{}), local);
}

// advisory 21
TEST(SdpAttributes, Advisory21IceCredentialsKeepTheirLimits) {
  const auto accepted = [](size_t ufrag, size_t password) {
    Media media;
    media.add("ice-ufrag", std::string(ufrag, 'u'));
    media.add("ice-pwd", std::string(password, 'p'));
    return ice_credentials_of({}, media).has_value();
  };
  for (const size_t size : {1, 2, 3, 257, 300, 512, 513, 1024, 4000, 32768}) EXPECT_FALSE(accepted(size, 24)) << size;
  for (const size_t size : {4, 5, 8, 32, 255, 256}) EXPECT_TRUE(accepted(size, 24)) << size;
  for (const size_t size : {1, 4, 21, 257, 1024, 32768}) EXPECT_FALSE(accepted(8, size)) << size;
  for (const size_t size : {22, 24, 128, 256}) EXPECT_TRUE(accepted(8, size)) << size;
  EXPECT_TRUE(is_ice_text("aZ09+/", 4));
  for (const auto* bad : {"abc-", "ab c", "ab:c", "abc\x80"}) EXPECT_FALSE(is_ice_text(bad, 4)) << bad;
  // Through the whole parser, over all sizes around the limits of lines.
  const std::string offer = test::fixture("chromium-audio");
  for (size_t size = 1; size <= 32768; size = size < 300 ? size + 1 : size * 2) {
    const auto remote = parse_remote(test::replaced(offer, "a=ice-ufrag:qN7f", "a=ice-ufrag:" + std::string(size, 'x')),
                                     Profile::browser);
    EXPECT_EQ(remote.has_value(), size >= 4 && size <= 256) << size;
  }
}

TEST(SdpAttributes, Candidates) {
  const auto parsed = parse_candidate("1467250027 1 udp 2122260223 192.168.1.77 56143 typ host generation 0");
  EXPECT_EQ(parsed, (Candidate{"1467250027", 1, "udp", 2122260223, "192.168.1.77", 56143, "host"}));
  EXPECT_EQ(parse_candidate("1 2 TCP 1 b7c0.local 9 typ host tcptype active")->address, "b7c0.local");
  for (const auto* bad : {"", "1", "1 1 udp", "1 0 udp 1 a 1 typ host", "1 1 udp 1 a 65536 typ host",
                          "1 1 udp 1 a 1 host", "1 1 udp 1 a 1 typ", "1 1 udp 4294967296 a 1 typ host"})
    EXPECT_EQ(parse_candidate(bad), std::nullopt) << bad;
}

TEST(SdpAttributes, OwnHostCandidatesPreferTheFirstAddress) {
  const auto lines = host_candidates({{IpAddress::v4(127, 0, 0, 1), 20000}, {*IpAddress::parse("2001:db8::7"), 20001}});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "1 1 udp 2130706431 127.0.0.1 20000 typ host");
  EXPECT_EQ(lines[1], "2 1 udp 2130706175 2001:db8::7 20001 typ host");
  EXPECT_GT(parse_candidate(lines[0])->priority, parse_candidate(lines[1])->priority);
}

TEST(SdpAttributes, RtcpGroupMidAndSetup) {
  EXPECT_EQ(parse_rtcp("53020"), (RtcpPort{53020, std::nullopt}));
  EXPECT_EQ(parse_rtcp("53020 IN IP6 2001:db8::1"), (RtcpPort{53020, Connection{Family::v6, "2001:db8::1"}}));
  for (const auto* bad : {"", "x", "65536", "1 IN", "1 IN IP4", "1 XX IP4 a", "1 IN IP5 a"})
    EXPECT_EQ(parse_rtcp(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_group("BUNDLE 0 1"), (Group{"BUNDLE", {"0", "1"}}));
  EXPECT_EQ(parse_group("LS"), (Group{"LS", {}}));
  EXPECT_EQ(parse_group(" "), std::nullopt);
  std::string many = "BUNDLE";
  for (size_t i = 0; i <= kMaxMediaSections; ++i) many += " m" + std::to_string(i);
  EXPECT_EQ(parse_group(many), std::nullopt);
  EXPECT_TRUE(is_mid("audio-0"));
  EXPECT_TRUE(is_mid(std::string(kMaxMid, 'm')));
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a:b"), std::string("a\"b"), std::string(kMaxMid + 1, 'm')})
    EXPECT_FALSE(is_mid(bad)) << bad;
  EXPECT_EQ(parse_setup("ActPass"), Setup::actpass);
  EXPECT_EQ(parse_setup("holdconn"), Setup::holdconn);
  EXPECT_EQ(parse_setup("both"), std::nullopt);
}

TEST(SdpAttributes, WhatIsOnlyRead) {
  EXPECT_EQ(parse_extmap("4 urn:ietf:params:rtp-hdrext:sdes:mid"), (Extmap{4, "urn:ietf:params:rtp-hdrext:sdes:mid"}));
  EXPECT_EQ(parse_extmap("2/recvonly urn:x"), (Extmap{2, "urn:x"}));
  for (const auto* bad : {"", "0 urn:x", "4352 urn:x", "4", "x urn:x"})
    EXPECT_EQ(parse_extmap(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_ssrc("7 cname:a:b"), (SsrcAttribute{7, "cname", "a:b"}));
  EXPECT_EQ(parse_ssrc("7 flag"), (SsrcAttribute{7, "flag", ""}));
  for (const auto* bad : {"", "7", "7 :x", "4294967296 x", "x y"}) EXPECT_EQ(parse_ssrc(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_msid("stream track"), (Msid{"stream", "track"}));
  EXPECT_EQ(parse_msid("-"), (Msid{"-", ""}));
  EXPECT_EQ(parse_msid(""), std::nullopt);
}

}  // namespace
}  // namespace isthmus::sdp
