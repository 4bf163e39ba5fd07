// SPDX-License-Identifier: MIT
// sdp/remote_audio: what is read from descriptions of browsers and phones; traps 5, 9, 16, 30.
#include "sdp/remote_audio.hpp"

#include <gtest/gtest.h>

#include "tests/sdp/fixtures.hpp"

namespace isthmus::sdp {
namespace {

using test::fixture;
using test::remote_of;
using test::replaced;
using test::without;

RemoteFault fault_of(std::string_view text, Profile profile) {
  const auto parsed = parse_remote(text, profile);
  EXPECT_FALSE(parsed) << text;
  return parsed ? RemoteFault::syntax : parsed.error().code;
}

TEST(SdpRemote, ReadsBrowserOffers) {
  for (const auto* name : {"chromium-audio", "chromium-video", "firefox-audio", "safari-audio"}) {
    const RemoteAudio remote = remote_of(fixture(name), Profile::browser);
    EXPECT_EQ(remote.protocol(), "UDP/TLS/RTP/SAVPF") << name;
    EXPECT_EQ(remote.direction, Direction::sendrecv) << name << ": c=0.0.0.0 of a trickling browser is no hold";
    EXPECT_TRUE(remote.rtcp_mux) << name;
    EXPECT_EQ(remote.setup, Setup::actpass) << name;
    EXPECT_EQ(remote.fingerprint.size, 32) << name;
    EXPECT_EQ(remote.bundle.front(), remote.mid()) << name;
    EXPECT_FALSE(remote.ice_lite) << name;
  }
  const RemoteAudio chromium = remote_of(fixture("chromium-audio"), Profile::browser);
  EXPECT_EQ(chromium.ice, (IceCredentials{"qN7f", "Yw2kD0sVb1mZr8TtPq4uLx6e"}));
  EXPECT_EQ(chromium.candidates.size(), 3u);
  EXPECT_EQ(chromium.mid(), "0");
  EXPECT_EQ(remote_of(fixture("safari-audio"), Profile::browser).mid(), "audio");
  EXPECT_EQ(remote_of(fixture("firefox-audio"), Profile::browser).fingerprint.octets[0], 0xa1) << "of the session part";
  EXPECT_EQ(remote_of(fixture("chromium-video"), Profile::browser).sections.size(), 2u);
}

TEST(SdpRemote, ReadsPhoneOffers) {
  const RemoteAudio carrier = remote_of(fixture("carrier"), Profile::phone);
  EXPECT_EQ(carrier.address.text(), "198.51.100.77:41872");
  EXPECT_EQ(carrier.rtcp.text(), "198.51.100.77:41901");
  EXPECT_EQ(carrier.ptime, 20);
  const RemoteAudio sipp = remote_of(fixture("sipp"), Profile::phone);
  EXPECT_EQ(sipp.address.text(), "127.0.0.1:6000");
  EXPECT_EQ(sipp.rtcp.text(), "127.0.0.1:6001");
  EXPECT_EQ(sipp.ptime, 0);
  EXPECT_EQ(test::names(sipp.formats), "0 PCMU/8000");
}

TEST(SdpRemote, PhoneAddresses) {
  const std::string sipp = fixture("sipp");
  const auto with_connection = [&](std::string_view line) { return replaced(sipp, "c=IN IP4 127.0.0.1", line); };
  EXPECT_EQ(remote_of(with_connection("c=IN IP6 2001:db8::9"), Profile::phone).address.text(), "[2001:db8::9]:6000");
  EXPECT_EQ(remote_of(replaced(sipp, "a=rtpmap", "c=IN IP4 192.0.2.3\r\na=rtpmap"), Profile::phone).address.text(),
            "192.0.2.3:6000");
  EXPECT_EQ(
      remote_of(replaced(sipp, "a=rtpmap", "a=rtcp:7000 IN IP4 192.0.2.9\r\na=rtpmap"), Profile::phone).rtcp.text(),
      "192.0.2.9:7000");
  EXPECT_FALSE(
      remote_of(replaced(sipp, "a=rtpmap", "a=rtcp:7000 IN IP4 0.0.0.0\r\na=rtpmap"), Profile::phone).rtcp.is_set());
  EXPECT_FALSE(remote_of(replaced(sipp, "m=audio 6000", "m=audio 65535"), Profile::phone).rtcp.is_set());
  for (const auto* line : {"c=IN IP4 media.example.org", "c=IN IP4 224.2.1.1/127", "c=IN IP4 224.2.1.1",
                           "c=IN IP4 255.255.255.255", "c=IN IP6 ff02::1", "c=IN IP6 192.0.2.1"})
    EXPECT_EQ(fault_of(with_connection(line), Profile::phone), RemoteFault::address) << line;
  EXPECT_EQ(fault_of(without(sipp, "c="), Profile::phone), RemoteFault::address);
}

// trap 16, E14
TEST(SdpRemote, Trap16E14ZeroAddressIsHoldAndTheSameAddressRestoresTheTarget) {
  const std::string sipp = fixture("sipp");
  const std::string zero = replaced(sipp, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
  EXPECT_EQ(remote_of(zero, Profile::phone).direction, Direction::sendonly);
  EXPECT_FALSE(remote_of(zero, Profile::phone).address.is_set());
  EXPECT_FALSE(remote_of(zero, Profile::phone).rtcp.is_set());
  EXPECT_EQ(remote_of(zero + "a=recvonly\r\n", Profile::phone).direction, Direction::inactive);
  EXPECT_EQ(remote_of(replaced(sipp, "c=IN IP4 127.0.0.1", "c=IN IP6 ::"), Profile::phone).direction,
            Direction::sendonly);
  EXPECT_EQ(remote_of(sipp + "a=inactive\r\n", Profile::phone).direction, Direction::inactive);
  EXPECT_EQ(remote_of(sipp, Profile::phone).address.text(), "127.0.0.1:6000");
  const RemoteAudio refused = remote_of(replaced(sipp, "m=audio 6000", "m=audio 0"), Profile::phone);
  EXPECT_TRUE(refused.refused);
  EXPECT_EQ(refused.direction, Direction::inactive);
}

// trap 5
TEST(SdpRemote, Trap5AllProtocolTokensOfABrowserAreEqual) {
  for (const auto* token :
       {"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP", "TCP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF"}) {
    const auto text = replaced(fixture("chromium-audio"), "UDP/TLS/RTP/SAVPF", token);
    EXPECT_EQ(remote_of(text, Profile::browser).protocol(), token);
    EXPECT_EQ(fault_of(text, Profile::phone), RemoteFault::protocol) << token;
  }
  EXPECT_EQ(fault_of(fixture("sipp"), Profile::browser), RemoteFault::protocol);
  EXPECT_EQ(remote_of(replaced(fixture("sipp"), "RTP/AVP", "RTP/AVPF"), Profile::phone).protocol(), "RTP/AVPF");
}

TEST(SdpRemote, TheProfileIsSeenFromTheDescription) {
  for (const auto* name : {"chromium-audio", "firefox-audio", "safari-audio"})
    EXPECT_EQ(profile_of(*parse(fixture(name))), Profile::browser) << name;
  for (const auto* name : {"carrier", "baresip", "sipp"})
    EXPECT_EQ(profile_of(*parse(fixture(name))), Profile::phone) << name;
  EXPECT_EQ(profile_of(*parse(replaced(fixture("sipp"), "RTP/AVP", "RTP/SAVP"))), std::nullopt);
}

// trap 9
TEST(SdpRemote, Trap9CandidatesOfAnyKindNeverFailTheDescription) {
  const std::string offer = fixture("chromium-audio");
  EXPECT_TRUE(remote_of(without(offer, "a=candidate"), Profile::browser).candidates.empty());
  for (const auto* line :
       {"a=candidate:", "a=candidate:garbage", "a=candidate:1 1 udp 1 c0ffee.local 9 typ host",
        "a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", "a=candidate:1 1 udp 1 2001:db8::1 9 typ host",
        "a=candidate:1 2 udp 1 192.0.2.1 9 typ host", "a=end-of-candidates"}) {
    const RemoteAudio remote = remote_of(without(offer, "a=candidate") + line + "\r\n", Profile::browser);
    EXPECT_EQ(remote.end_of_candidates, std::string_view(line) == "a=end-of-candidates") << line;
  }
}

TEST(SdpRemote, ABrowserWithoutWhatWebRtcNeedsIsAnErrorThatNamesIt) {
  const std::string offer = fixture("chromium-audio");
  EXPECT_EQ(fault_of(without(offer, "a=ice-ufrag"), Profile::browser), RemoteFault::ice);
  EXPECT_EQ(fault_of(without(offer, "a=ice-pwd"), Profile::browser), RemoteFault::ice);
  EXPECT_EQ(fault_of(replaced(offer, "a=ice-pwd:Yw2kD0sVb1mZr8TtPq4uLx6e", "a=ice-pwd:short"), Profile::browser),
            RemoteFault::ice);
  EXPECT_EQ(fault_of(without(offer, "a=fingerprint"), Profile::browser), RemoteFault::fingerprint);
  EXPECT_EQ(fault_of(replaced(offer, "sha-256 3C:91", "sha-256 3C"), Profile::browser), RemoteFault::fingerprint);
  EXPECT_EQ(fault_of(without(offer, "a=rtcp-mux"), Profile::browser), RemoteFault::rtcp_mux);
  EXPECT_EQ(fault_of(replaced(offer, "m=audio", "m=video"), Profile::browser), RemoteFault::no_audio);
  EXPECT_EQ(fault_of(without(offer, "v="), Profile::browser), RemoteFault::syntax);
  EXPECT_EQ(parse_remote("v=0\r\nx", Profile::phone).error().parse, (ParseError{ParseFault::line, 2, 5}));
  for (const RemoteFault each :
       {RemoteFault::syntax, RemoteFault::no_audio, RemoteFault::protocol, RemoteFault::address, RemoteFault::ice,
        RemoteFault::fingerprint, RemoteFault::rtcp_mux})
    EXPECT_NE(describe(each), "unknown");
}

TEST(SdpRemote, BundledTransportIsFoundInTheSectionThatCarriesIt) {
  const std::string both = fixture("chromium-video");
  std::string bare = replaced(both, "a=group:BUNDLE 0 1", "a=group:BUNDLE 1 0");
  for (const auto* line :
       {"a=ice-ufrag:4Zq1\r\n", "a=ice-pwd:h8Cq0tR7m3T1yVq0w9fJx2Bn\r\n", "a=setup:actpass\r\n", "a=rtcp-mux\r\n"})
    bare = replaced(bare, line, "");
  const size_t at = bare.find("a=fingerprint");
  bare.erase(at, bare.find('\n', at) + 1 - at);
  const RemoteAudio remote = remote_of(replaced(bare, "m=audio 56143", "m=audio 0"), Profile::browser);
  EXPECT_TRUE(remote.refused) << "port 0 without bundle-only is refusal";
  const RemoteAudio bundled = remote_of(
      replaced(replaced(bare, "m=audio 56143", "m=audio 0"), "a=mid:0", "a=mid:0\r\na=bundle-only"), Profile::browser);
  EXPECT_FALSE(bundled.refused) << "RFC 9143 section 6";
  EXPECT_EQ(bundled.ice.ufrag, "4Zq1");
  EXPECT_EQ(bundled.fingerprint.octets[0], 0x7b);
}

TEST(SdpRemote, TheAudioSectionIsTheFirstThatTheLegSpeaks) {
  const std::string two =
      "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 5000 RTP/SAVP 0\r\n"
      "m=audio 5002 RTP/AVP 8\r\nm=audio 5004 RTP/AVP 0\r\n";
  const RemoteAudio remote = remote_of(two, Profile::phone);
  EXPECT_EQ(remote.section, 1u);
  EXPECT_EQ(remote.address.port, 5002);
  EXPECT_EQ(remote.sections.size(), 3u);
}

// trap 30
TEST(SdpRemote, Trap30DuplicateAndMalformedMidsAreRepaired) {
  const RemoteAudio twice = remote_of(replaced(fixture("chromium-video"), "a=mid:1", "a=mid:0"), Profile::browser);
  EXPECT_EQ(twice.sections[0].mid, "0");
  EXPECT_EQ(twice.sections[1].mid, "");
  EXPECT_EQ(remote_of(replaced(fixture("chromium-audio"), "a=mid:0", "a=mid:a b"), Profile::browser).mid(), "");
}

}  // namespace
}  // namespace isthmus::sdp
