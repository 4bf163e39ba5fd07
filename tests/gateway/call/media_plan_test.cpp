// SPDX-License-Identifier: MIT
// gateway/call/media_plan: from SDP to orders of the media engine; trap 20, advisory 52 (SDP part), E14.
#include "gateway/call/media_plan.hpp"

#include <gtest/gtest.h>

#include "tests/sdp/fixtures.hpp"

namespace isthmus::gateway {
namespace {

using sdp::default_codecs;
using sdp::Direction;
using sdp::Leg;
using sdp::Profile;
using sdp::test::fixture;
using sdp::test::leg_for;
using sdp::test::remote_of;
using sdp::test::replaced;

const media::LegId kLeg{3, 1};

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

TEST(MediaPlan, ABrowserLegIsArmedWithItsCredentialsFingerprintRoleAndNumbers) {
  Leg leg = leg_for(Profile::browser);
  ASSERT_TRUE(leg.answer(remote_of(fixture("firefox-audio"), Profile::browser), {default_codecs()}));
  const auto order = arm_leg(kLeg, leg, {});
  const auto* arm = std::get_if<media::ArmWebrtc>(&order);
  ASSERT_NE(arm, nullptr);
  EXPECT_EQ(arm->leg, kLeg);
  EXPECT_EQ(arm->remote.ufrag.view(), "5d1e9c07");
  EXPECT_EQ(arm->remote.password.view(), "8f2c1d90b7a64e3395ab6d17c0e4f28a");
  EXPECT_EQ(arm->fingerprint.hash, media::HashName::sha256);
  EXPECT_EQ(arm->fingerprint.size, 32);
  EXPECT_EQ(arm->fingerprint.octets[0], 0xa1);
  EXPECT_EQ(arm->role, media::DtlsRole::passive);
  ASSERT_EQ(arm->payloads.count, 5);
  EXPECT_EQ(arm->payloads.entries[0], (media::Payload{109, media::Codec::opus, 48000}));
  EXPECT_EQ(arm->payloads.entries[1], (media::Payload{9, media::Codec::g722, 8000}));
  EXPECT_EQ(arm->payloads.entries[4], (media::Payload{101, media::Codec::telephone_event, 8000}));
}

TEST(MediaPlan, APhoneLegIsArmedWithItsAddresses) {
  Leg leg = leg_for(Profile::phone);
  ASSERT_TRUE(leg.answer(remote_of(fixture("carrier"), Profile::phone), {default_codecs()}));
  const auto order = arm_leg(kLeg, leg, ip("198.51.100.12"));
  const auto* arm = std::get_if<media::ArmRtp>(&order);
  ASSERT_NE(arm, nullptr);
  EXPECT_EQ(arm->remote.text(), "198.51.100.77:41872");
  EXPECT_EQ(arm->remote_rtcp.text(), "198.51.100.77:41901");
  EXPECT_EQ(arm->signalling, ip("198.51.100.12"));
  EXPECT_EQ(arm->payloads.count, 4);
}

// E14, advisory 52: nothing is sent to 0.0.0.0.
// E14
TEST(MediaPlan, E14HoldByZeroAddressLeavesTheTargetUnset) {
  Leg leg = leg_for(Profile::phone);
  const std::string held = replaced(fixture("carrier"), "c=IN IP4 198.51.100.77", "c=IN IP4 0.0.0.0");
  ASSERT_TRUE(leg.answer(remote_of(held, Profile::phone), {default_codecs()}));
  auto order = arm_leg(kLeg, leg, ip("198.51.100.12"));
  EXPECT_FALSE(std::get<media::ArmRtp>(order).remote.is_set());
  EXPECT_FALSE(std::get<media::ArmRtp>(order).remote_rtcp.is_set());
  EXPECT_FALSE(gates(kLeg, *leg.agreed()).send);
  EXPECT_TRUE(gates(kLeg, *leg.agreed()).receive);
  ASSERT_TRUE(leg.answer(remote_of(fixture("carrier"), Profile::phone), {default_codecs()}));
  order = arm_leg(kLeg, leg, ip("198.51.100.12"));
  EXPECT_EQ(std::get<media::ArmRtp>(order).remote.text(), "198.51.100.77:41872");
  EXPECT_TRUE(gates(kLeg, *leg.agreed()).send);
  EXPECT_FALSE(gates(kLeg, *leg.agreed(), false).receive) << "held back until the call is confirmed (R0.12)";
}

TEST(MediaPlan, RefusedAudioHasNoTarget) {
  Leg leg = leg_for(Profile::phone);
  ASSERT_TRUE(leg.answer(remote_of(replaced(fixture("carrier"), "m=audio 41872", "m=audio 0"), Profile::phone),
                         {default_codecs()}));
  EXPECT_FALSE(std::get<media::ArmRtp>(arm_leg(kLeg, leg, ip("198.51.100.12"))).remote.is_set());
  EXPECT_FALSE(gates(kLeg, *leg.agreed()).receive);

  Leg browser = leg_for(Profile::browser);
  const std::string offer = fixture("chromium-audio");
  ASSERT_TRUE(browser.answer(remote_of(offer, Profile::browser), {default_codecs()}));
  ASSERT_TRUE(
      browser.answer(remote_of(replaced(offer, "m=audio 50713", "m=audio 0"), Profile::browser), {default_codecs()}));
  const auto order = arm_leg(kLeg, browser, {});
  const auto* closed = std::get_if<media::SwitchLeg>(&order);
  ASSERT_NE(closed, nullptr) << "an ArmWebrtc without credentials would break the leg";
  EXPECT_FALSE(closed->receive || closed->send);
}

// trap 20, advisory 52
TEST(MediaPlan, Trap20Advisory52AddressesThatCannotBeReachedGiveWayToTheSignalling) {
  struct Row {
    std::string_view media, signalling;
    bool hidden;
  };
  for (const Row& row : {Row{"10.0.0.5", "198.51.100.9", true}, Row{"192.168.1.5", "198.51.100.9", true},
                         Row{"100.64.1.1", "198.51.100.9", true}, Row{"fd00::5", "2001:db8::9", true},
                         Row{"127.0.0.1", "198.51.100.9", true}, Row{"127.0.0.1", "10.0.0.9", true},
                         Row{"169.254.7.7", "10.0.0.9", true}, Row{"127.0.0.1", "127.0.0.1", false},
                         Row{"127.0.0.1", "127.0.0.2", false}, Row{"10.0.0.5", "10.0.0.9", false},
                         Row{"192.168.1.5", "127.0.0.1", false}, Row{"203.0.113.5", "198.51.100.9", false},
                         Row{"203.0.113.5", "10.0.0.9", false}, Row{"10.0.0.5", "2001:db8::9", false}})
    EXPECT_EQ(is_hidden(ip(row.media), ip(row.signalling)), row.hidden) << row.media << " from " << row.signalling;
  EXPECT_FALSE(is_hidden(ip("10.0.0.5"), {})) << "without signalling there is nothing better";

  Leg leg = leg_for(Profile::phone);
  ASSERT_TRUE(leg.answer(remote_of(fixture("baresip"), Profile::phone), {default_codecs()}));
  const auto order = arm_leg(kLeg, leg, ip("198.51.100.9"));
  EXPECT_EQ(std::get<media::ArmRtp>(order).remote.text(), "198.51.100.9:31120");
  EXPECT_EQ(std::get<media::ArmRtp>(order).remote_rtcp.text(), "198.51.100.9:31121");
}

TEST(MediaPlan, NumbersOfBothSidesAreUnderstoodThePeersAreSent) {
  sdp::Agreed agreed;
  agreed.send = {{96, sdp::opus()}, {101, sdp::telephone_event()}};
  agreed.receive = {{111, sdp::opus()}, {101, sdp::telephone_event()}, {97, sdp::Codec{"G729", 8000, 1, ""}}};
  const media::PayloadMap map = payload_map(agreed);
  ASSERT_EQ(map.count, 3);
  EXPECT_EQ(map.entries[0], (media::Payload{96, media::Codec::opus, 48000}));
  EXPECT_EQ(map.entries[1], (media::Payload{101, media::Codec::telephone_event, 8000}));
  EXPECT_EQ(map.entries[2], (media::Payload{111, media::Codec::opus, 48000}));
  for (uint8_t i = 0; i < 40; ++i) agreed.receive.push_back({static_cast<uint8_t>(i + 20), sdp::pcmu()});
  EXPECT_EQ(payload_map(agreed).count, media::kMaxPayloads);
}

TEST(MediaPlan, WhatTheEngineOpenedIsWhatTheDescriptionSays) {
  media::LegReady ready;
  ready.leg = kLeg;
  ready.addresses[0] = {ip("127.0.0.1"), 20000};
  ready.addresses[1] = {ip("192.0.2.7"), 20000};
  ready.address_count = 2;
  ready.local = {media::Ufrag::of("0aBcDeFgHi"), media::Password::of("thisIsOurOwnIcePassword00")};
  ready.fingerprint.size = 32;
  for (size_t i = 0; i < 32; ++i) ready.fingerprint.octets[i] = static_cast<uint8_t>(i * 7);
  EXPECT_EQ(local_audio(ready, Profile::browser), sdp::test::browser_local());
  ready.addresses[0] = {ip("192.0.2.7"), 30000};
  ready.addresses[1] = {ip("192.0.2.7"), 30001};
  EXPECT_EQ(local_audio(ready, Profile::phone), sdp::test::phone_local());
  EXPECT_EQ(leg_kind(Profile::browser), media::LegKind::webrtc);
  EXPECT_EQ(leg_kind(Profile::phone), media::LegKind::rtp);
}

}  // namespace
}  // namespace isthmus::gateway
