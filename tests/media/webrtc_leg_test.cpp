// SPDX-License-Identifier: MIT
// The browser's side of a leg under attack and under change, always on a live engine: who may speak DTLS, what junk may
// cost, where media goes when the browser moves, and when a leg is given up.
#include <gtest/gtest.h>

#include <fstream>

#include "base/random.hpp"
#include "tests/support/media_bed.hpp"
#include "tests/support/source_dir.hpp"

namespace isthmus::test {
namespace webrtc_leg_test {

using namespace media;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What a DTLS client of its own would say first.
Datagram client_hello(Bed& bed) {
  DtlsSession session(browser_certificate(), DtlsRole::active, gateway_certificate().fingerprint());
  Outbox out;
  Pass pass{bed.now, out};
  session.start(pass, {});
  const Bytes bytes = out.view(std::get<Send>(out.actions.at(0)).bytes);
  return {bytes.begin(), bytes.end()};
}

// A ClientHello that offers TLS_RSA_WITH_NULL_SHA256 alone and no use_srtp.
Datagram null_cipher_hello() {
  Datagram out(13 + 12 + 42);
  out[0] = std::byte{22};
  write_u16(&out[1], 0xfefd);
  write_u16(&out[11], 12 + 42);
  out[13] = std::byte{1};
  out[16] = std::byte{42};
  out[24] = std::byte{42};
  write_u16(&out[25], 0xfefd);
  write_u16(&out[25 + 34 + 2], 2);
  write_u16(&out[25 + 34 + 4], 0x003b);
  out[25 + 34 + 6] = std::byte{1};
  return out;
}

Datagram fatal_alert() {
  Datagram out(15);
  out[0] = std::byte{21};
  write_u16(&out[1], 0xfefd);
  write_u16(&out[11], 2);
  out[13] = std::byte{2};
  out[14] = std::byte{40};
  return out;
}

// Lines of hexadecimal digits, one datagram each.
std::vector<Datagram> chromium_client_hello() {
  std::ifstream file(isthmus::source_dir() + "/tests/media/data/chromium-156-clienthello.hex");
  std::vector<Datagram> out;
  for (std::string line; std::getline(file, line);) {
    Datagram bytes;
    for (size_t i = 0; i + 1 < line.size(); i += 2) {
      bytes.push_back(static_cast<std::byte>(std::stoi(line.substr(i, 2), nullptr, 16)));
    }
    out.push_back(bytes);
  }
  return out;
}

TEST(WebrtcLeg, Advisory1Trap6DtlsOfAStrangerGetsNoAnswerAndTheCallComesUp) {
  Call call;
  call.page.arm(call.bed);
  const auto attack = [&] {
    for (const Datagram& bytes : {client_hello(call.bed), null_cipher_hello(), fatal_alert()}) {
      EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kStranger, bytes));
    }
  };
  attack();
  call.page.check(call.bed);
  attack();
  call.page.hold_back = true;
  call.page.handshake(call.bed);
  // Each datagram of the real handshake goes out between two attacks.
  for (int i = 0; i < 20 && !call.page.srtp; ++i) {
    attack();
    for (const Datagram& bytes : std::exchange(call.page.held, {})) {
      call.bed.deliver(call.bed.shared_flow, kBrowserAddress, bytes);
      attack();
    }
  }
  ASSERT_TRUE(call.page.srtp);
  attack();
  EXPECT_TRUE(call.stranger.received.empty());
  EXPECT_GE(call.bed.engine.drops()[Drop::foreign_dtls], 15u);
  call.bed.obey(call.bed.description(kPhone, kPhoneAddress));
  call.bed.obey(JoinLegs{kPage, kPhone});
  EXPECT_TRUE(call.page.say(call.bed, from_page(0)));
  EXPECT_TRUE(call.phone_says(from_phone(0)));
  EXPECT_EQ(call.phone.heard.size(), 1u);
  EXPECT_EQ(call.page.heard.size(), 1u);
  EXPECT_TRUE(call.bed.events<LegFailed>().empty());
}

TEST(WebrtcLeg, Advisory1BadDtlsUnderTheBrowsersOwnAddressEndsNoCall) {
  Call call;
  call.page.arm(call.bed);
  call.page.check(call.bed);
  call.bed.deliver(call.bed.shared_flow, kBrowserAddress, null_cipher_hello());
  call.bed.deliver(call.bed.shared_flow, kBrowserAddress, fatal_alert());
  call.page.handshake(call.bed);
  ASSERT_TRUE(call.page.srtp) << "a failed handshake leaves room for the real one";
  call.bed.deliver(call.bed.shared_flow, kBrowserAddress, fatal_alert());
  call.bed.deliver(call.bed.shared_flow, kBrowserAddress, null_cipher_hello());
  call.bed.obey(JoinLegs{kPage, kPage});
  EXPECT_TRUE(call.page.say(call.bed, from_page(0)));
  EXPECT_TRUE(call.bed.events<LegFailed>().empty());
}

TEST(WebrtcLeg, Advisory1ABurstOfBadDtlsCostsABoundedNumberOfAssociationsAndOnlyForAMoment) {
  Call call;
  call.page.arm(call.bed);
  call.page.check(call.bed);
  for (int i = 0; i < 100; ++i) call.bed.deliver(call.bed.shared_flow, kBrowserAddress, null_cipher_hello());
  EXPECT_EQ(call.bed.engine.drops()[Drop::dtls_refused], 100u - kMaxDtlsAttempts);
  call.bed.pass_time(kDtlsAttemptWindow);
  call.page.handshake(call.bed);
  ASSERT_TRUE(call.page.srtp);
  call.bed.obey(JoinLegs{kPage, kPage});
  EXPECT_TRUE(call.page.say(call.bed, from_page(0)));
  EXPECT_TRUE(call.bed.events<LegFailed>().empty());
}

TEST(WebrtcLeg, Advisory1ACheckWithoutThePasswordProvesNoAddress) {
  Call call;
  call.page.arm(call.bed);
  const auto password = std::exchange(call.page.facts.local.password, Password::of("wrongwrongwrongwrongwrong"));
  call.page.check_from(call.bed, kStranger);
  call.bed.peers[kStranger] = &call.stranger;
  EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kStranger, client_hello(call.bed)));
  EXPECT_EQ(call.bed.engine.drops()[Drop::foreign_dtls], 1u);
  EXPECT_TRUE(call.stranger.received.empty());
  call.page.facts.local.password = password;
  call.page.connect(call.bed);
  EXPECT_TRUE(call.page.srtp);
}

TEST(WebrtcLeg, Trap7ChromiumsClientHelloInTwoFragmentsIsAnsweredInEitherOrder) {
  for (const bool reversed : {false, true}) {
    Call call;
    call.page.arm(call.bed);
    call.page.check(call.bed);
    auto fragments = chromium_client_hello();
    ASSERT_EQ(fragments.size(), 2u);
    if (reversed) std::swap(fragments[0], fragments[1]);
    call.bed.deliver(call.bed.shared_flow, kBrowserAddress, fragments[0]);
    EXPECT_EQ(call.page.dtls_datagrams, 0);
    call.bed.deliver(call.bed.shared_flow, kBrowserAddress, fragments[1]);
    EXPECT_GT(call.page.dtls_datagrams, 0) << "ServerHello and what follows it";
  }
}

TEST(WebrtcLeg, Advisory4TenThousandJunkSrtpPacketsLeaveTheCallUp) {
  Call call;
  call.up();
  Random random(Seed::of(4));
  for (int i = 0; i < 10000; ++i) {
    Datagram junk(12 + random.below(180));
    random.fill(junk);
    junk[0] = std::byte{0x80};
    junk[1] = i % 2 == 0 ? std::byte{100} : std::byte{200};
    EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, i % 4 < 2 ? kBrowserAddress : kStranger, junk));
  }
  EXPECT_EQ(call.bed.engine.drops()[Drop::srtp_refused], 5000u);
  EXPECT_EQ(call.bed.engine.drops()[Drop::unknown_source], 5000u);
  EXPECT_TRUE(call.phone.heard.empty());
  EXPECT_TRUE(call.stranger.received.empty());
  for (uint16_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(call.page.say(call.bed, from_page(i)));
    EXPECT_TRUE(call.phone_says(from_phone(i)));
  }
  EXPECT_TRUE(call.bed.events<LegFailed>().empty());
}

TEST(WebrtcLeg, Advisory2SrtpWithABrokenTagOrSentTwiceIsNotRelayed) {
  Call call;
  call.up();
  Datagram sealed = call.page.seal(from_page(0));
  Datagram broken = sealed;
  broken.back() ^= std::byte{1};
  EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kBrowserAddress, broken));
  EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kStranger, sealed)) << "a good packet from a foreign address";
  EXPECT_TRUE(call.bed.deliver(call.bed.shared_flow, kBrowserAddress, sealed));
  EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kBrowserAddress, sealed));
  EXPECT_EQ(call.bed.engine.drops()[Drop::srtp_replayed], 1u);
  EXPECT_EQ(call.phone.heard.size(), 1u);
}

TEST(WebrtcLeg, Advisory57PlainRtpIsNeverTakenNorSentAlsoAfterAReInvite) {
  Call call;
  call.bed.obey(call.bed.description(kPhone, kPhoneAddress));
  call.bed.obey(JoinLegs{kPage, kPhone});
  call.page.arm(call.bed);
  call.page.check(call.bed);
  const Datagram plain = rtp_bytes(from_page(0));
  EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kBrowserAddress, plain));
  EXPECT_EQ(call.bed.engine.drops()[Drop::plain_on_secure], 1u);
  EXPECT_FALSE(call.phone_says(from_phone(0))) << "no keys, no media";
  call.page.handshake(call.bed);
  EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kBrowserAddress, plain));
  call.page.arm(call.bed);
  EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kBrowserAddress, plain));
  EXPECT_TRUE(call.phone_says(from_phone(1)));
  EXPECT_TRUE(call.page.say(call.bed, from_page(1))) << "the same fingerprint again leaves the keys alone";
  EXPECT_EQ(call.phone.heard.size(), 1u);
  EXPECT_TRUE(call.bed.nowhere.empty());
}

TEST(WebrtcLeg, ANewFingerprintMeansANewAssociationAndTheOldKeysServeUntilThen) {
  Call call;
  call.up();
  static const auto other = DtlsContext::make_self_signed();
  call.page.fingerprint = other->fingerprint();
  call.page.arm(call.bed);
  EXPECT_TRUE(call.page.say(call.bed, from_page(0)));
  EXPECT_TRUE(call.phone_says(from_phone(0)));
  // The browser's next association shows its old certificate: refused, and that is final.
  call.page.handshake(call.bed);
  ASSERT_EQ(call.bed.events<LegFailed>().size(), 1u);
  EXPECT_EQ(call.bed.events<LegFailed>()[0].why, LegFault::fingerprint_mismatch);
}

TEST(WebrtcLeg, TheSameDescriptionAgainBeginsNoNewAssociation) {
  Call call(DtlsRole::passive);
  call.up();
  const int before = call.page.dtls_datagrams;
  call.page.arm(call.bed);
  call.bed.pass_time(seconds(3));
  EXPECT_EQ(call.page.dtls_datagrams, before);
  EXPECT_TRUE(call.page.say(call.bed, from_page(0)));
}

TEST(WebrtcLeg, AWrongCertificateFailsTheLegAndGivesNoKeys) {
  Call call;
  call.page.fingerprint.octets[0] ^= 1;
  call.page.connect(call.bed);
  ASSERT_EQ(call.bed.events<LegFailed>().size(), 1u);
  EXPECT_EQ(call.bed.events<LegFailed>()[0].why, LegFault::fingerprint_mismatch);
  EXPECT_TRUE(call.bed.events<LegConnected>().empty());
}

TEST(WebrtcLeg, GivesUpWithoutAWorkingPairAndWithoutAHandshakeEachAfterItsLimit) {
  Call silent;
  silent.page.arm(silent.bed);
  silent.bed.pass_time(seconds(29));
  EXPECT_TRUE(silent.bed.events<LegFailed>().empty());
  silent.bed.pass_time(seconds(2));
  ASSERT_EQ(silent.bed.events<LegFailed>().size(), 1u);
  EXPECT_EQ(silent.bed.events<LegFailed>()[0].why, LegFault::ice_timeout);

  Call mute;
  mute.page.arm(mute.bed);
  mute.bed.pass_time(seconds(20));
  mute.page.check(mute.bed);
  mute.bed.pass_time(seconds(20));
  mute.page.check(mute.bed);
  EXPECT_TRUE(mute.bed.events<LegFailed>().empty());
  mute.bed.pass_time(seconds(11));
  ASSERT_EQ(mute.bed.events<LegFailed>().size(), 1u);
  EXPECT_EQ(mute.bed.events<LegFailed>()[0].why, LegFault::dtls_failed);
}

TEST(WebrtcLeg, LostConsentIsToldAndNothingIsSentAnyMore) {
  Call call;
  call.up();
  for (int i = 0; i < 24; ++i) {
    call.bed.pass_time(seconds(5));
    call.page.check(call.bed);
  }
  EXPECT_TRUE(call.bed.events<LegFailed>().empty());
  EXPECT_TRUE(call.phone_says(from_phone(0)));
  call.bed.pass_time(ice::kConsentTimeout + seconds(1));
  ASSERT_EQ(call.bed.events<LegFailed>().size(), 1u);
  EXPECT_EQ(call.bed.events<LegFailed>()[0].why, LegFault::consent_lost);
  const size_t before = call.page.control.size();
  EXPECT_FALSE(call.phone_says(from_phone(1)));
  call.bed.pass_time(seconds(20));
  EXPECT_EQ(call.page.heard.size(), 1u);
  EXPECT_EQ(call.page.control.size(), before);
}

TEST(WebrtcLeg, MediaFollowsTheNominatedAddressAndTheKeysStay) {
  Call call;
  call.up();
  const SocketAddress moved = socket_address("172.16.5.5:61000");
  call.phone_says(from_phone(0));
  EXPECT_EQ(call.page.heard.back().to, kBrowserAddress);
  call.page.check_from(call.bed, moved, false);
  call.phone_says(from_phone(1));
  EXPECT_EQ(call.page.heard.back().to, kBrowserAddress) << "a check alone moves nothing";
  call.page.check_from(call.bed, moved, true);
  call.phone_says(from_phone(2));
  EXPECT_EQ(call.page.heard.back().to, moved);
  EXPECT_TRUE(call.bed.deliver(call.bed.shared_flow, moved, call.page.seal(from_page(0))));
  EXPECT_EQ(call.page.dtls_events.size(), 1u);
}

TEST(WebrtcLeg, ChecksOutsideTheConfiguredPrefixesOrWithAWrongPasswordGetNothing) {
  Bed bed([](EngineConfig& config) { config.stun_sources = {*Prefix::parse("192.168.0.0/16")}; });
  Stranger stranger;
  Browser page(bed, kPage, kBrowserAddress);
  page.arm(bed);
  page.check_from(bed, socket_address("203.0.113.5:1000"));
  EXPECT_EQ(page.successes, 0);
  EXPECT_EQ(bed.engine.drops()[Drop::stun_source_refused], 1u);
  const auto password = page.facts.local.password;
  page.facts.local.password = Password::of("wrongwrongwrongwrongwrong");
  page.check(bed);
  EXPECT_EQ(page.successes + page.refusals, 0);
  EXPECT_EQ(bed.engine.drops()[Drop::stun_refused], 1u);
  page.facts.local.password = password;
  page.check(bed);
  EXPECT_EQ(page.successes, 1);
}

TEST(WebrtcLeg, Trap1RtcpComesAndGoesOnTheOnePortOfTheBrowser) {
  Call call;
  call.up();
  for (int second = 0; second < 20; ++second) {
    call.page.say(call.bed, from_page(static_cast<uint16_t>(second)));
    call.phone_says(from_phone(static_cast<uint16_t>(second)));
    call.bed.pass_time(seconds(1));
  }
  ASSERT_GE(call.page.control.size(), 2u);
  RtcpReader reader(call.page.control.back());
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, RtcpType::sender_report);
  const auto report = as_report(*first);
  ASSERT_TRUE(report && report->info && report->size() == 1);
  EXPECT_EQ(report->sender, call.page.heard[0].ssrc);
  EXPECT_EQ(report->block(0).ssrc, from_page(0).ssrc);
  EXPECT_EQ(reader.next()->type, RtcpType::source_description);

  // What the browser reports is for us alone.
  const size_t before = call.phone.control.size();
  std::array<std::byte, 128> room;
  RtcpWriter writer(room);
  writer.receiver_report(from_page(0).ssrc, {});
  Datagram sealed(writer.bytes().begin(), writer.bytes().end());
  const size_t size = sealed.size();
  sealed.resize(size + kMaxSrtpGrowth);
  sealed.resize(*call.page.srtp->protect_rtcp(sealed, size));
  EXPECT_FALSE(call.bed.deliver(call.bed.shared_flow, kBrowserAddress, sealed));
  EXPECT_EQ(call.bed.engine.drops().total(), 0u);
  EXPECT_EQ(call.phone.control.size(), before);
}

}  // namespace webrtc_leg_test
}  // namespace isthmus::test
