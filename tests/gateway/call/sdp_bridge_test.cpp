// SPDX-License-Identifier: MIT
// gateway/call/sdp_bridge: intent between the two legs; R3.13, R4.9, R4.10, R4.11, trap 10, rows E1, E2, E9, E14, D7.
#include "gateway/call/sdp_bridge.hpp"

#include <gtest/gtest.h>

#include "tests/sdp/fixtures.hpp"

namespace isthmus::gateway {
namespace {

using sdp::default_codecs;
using sdp::Direction;
using sdp::g722;
using sdp::Leg;
using sdp::opus;
using sdp::pcma;
using sdp::pcmu;
using sdp::Preference;
using sdp::Profile;
using sdp::RemoteAudio;
using sdp::telephone_event;
using sdp::test::fixture;
using sdp::test::leg_for;
using sdp::test::names;
using sdp::test::remote_of;
using sdp::test::replaced;

std::string encodings(const std::vector<sdp::Codec>& codecs) {
  std::string out;
  for (const sdp::Codec& codec : codecs) out += (out.empty() ? "" : " ") + codec.encoding;
  return out;
}

std::string_view caller_of(Profile profile) {
  return profile == Profile::browser ? "chromium-audio" : "baresip";
}

// A peer that answers our offer with its own leg and these codecs.
RemoteAudio answered(const std::string& offer, Profile profile, std::vector<sdp::Codec> codecs,
                     Direction direction = Direction::sendrecv) {
  Leg peer(profile, 5, profile == Profile::browser ? sdp::test::browser_local() : sdp::test::phone_local());
  const auto agreed = peer.answer(remote_of(offer, profile), {std::move(codecs), direction});
  EXPECT_TRUE(agreed) << offer;
  return remote_of(peer.last(), profile);
}

// R4.9
TEST(SdpBridge, R4_9WithoutACommonCodecThereIsNoOfferToTheOtherLeg) {
  const RemoteAudio a = remote_of(fixture("sipp"), Profile::phone);
  CodecPolicy policy;
  policy.phone = {opus(), telephone_event()};
  EXPECT_EQ(plan_offer(a, Profile::phone, policy).error(), sdp::Refusal::no_common_codec);
  policy.phone = default_codecs();
  policy.browser = {opus()};
  EXPECT_EQ(plan_offer(a, Profile::browser, policy).error(), sdp::Refusal::no_common_codec)
      << "nothing transcodes: what B's side speaks must be in A's offer too";
  EXPECT_TRUE(plan_offer(a, Profile::phone, policy));
  EXPECT_FALSE(plan_offer(remote_of(replaced(fixture("sipp"), "m=audio 6000", "m=audio 0"), Profile::phone),
                          Profile::phone, policy));
}

// R4.10
TEST(SdpBridge, R4_10OfferOrderOfFourConfigurations) {
  const RemoteAudio a = remote_of(fixture("baresip"), Profile::phone);  // opus, G722, PCMU, PCMA, telephone-event
  CodecPolicy policy;
  policy.phone = {pcma(), pcmu(), g722(), opus(), telephone_event()};
  struct Row {
    Preference preference;
    bool late;
    std::string_view expected;
  };
  for (const Row& row : {Row{Preference::offer, false, "opus PCMA PCMU G722 telephone-event"},
                         Row{Preference::own, false, "PCMA PCMU G722 opus telephone-event"},
                         Row{Preference::offer, true, "opus G722 PCMU PCMA telephone-event"},
                         Row{Preference::own, true, "opus G722 PCMU PCMA telephone-event"}}) {
    policy.preference = row.preference;
    policy.late = row.late;
    EXPECT_EQ(encodings(plan_offer(a, Profile::phone, policy)->to_b.codecs), row.expected);
  }
}

// R4.10
TEST(SdpBridge, R4_10OnlyFormatsOfTheCallerAreOfferedOn) {
  const RemoteAudio carrier = remote_of(fixture("carrier"), Profile::phone);  // AMR-WB, G722, PCMA, PCMU, G729, events
  const auto plan = plan_offer(carrier, Profile::browser, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(encodings(plan->to_b.codecs), "G722 PCMU PCMA telephone-event");
  Leg b = leg_for(Profile::browser);
  EXPECT_EQ(b.offer(plan->to_b).find("opus"), std::string::npos);
  const RemoteAudio no_events = remote_of(fixture("sipp"), Profile::phone);
  EXPECT_EQ(encodings(plan_offer(no_events, Profile::browser, {})->to_b.codecs), "PCMU");
}

// R3.13, R4.11: all four combinations of legs, and every set of codecs that B may take.
// R4.11
TEST(SdpBridge, R4_11TheAnswerToTheCallerIsWhatTheCalleeAccepted) {
  const std::vector<std::vector<sdp::Codec>> takes{default_codecs(),
                                                   {opus()},
                                                   {opus(), telephone_event()},
                                                   {pcmu()},
                                                   {pcma(), telephone_event()},
                                                   {pcmu(), pcma()},
                                                   {g722(), telephone_event()}};
  for (const Profile profile_a : {Profile::browser, Profile::phone}) {
    for (const Profile profile_b : {Profile::browser, Profile::phone}) {
      for (const Preference preference : {Preference::offer, Preference::own}) {
        for (const auto& taken : takes) {
          CodecPolicy policy;
          policy.preference = preference;
          Leg a = leg_for(profile_a);
          Leg b = leg_for(profile_b);
          const RemoteAudio offer = remote_of(fixture(caller_of(profile_a)), profile_a);
          const auto plan = plan_offer(offer, profile_b, policy);
          ASSERT_TRUE(plan);
          const auto agreed_b = b.accept(answered(b.offer(plan->to_b), profile_b, taken));
          ASSERT_TRUE(agreed_b);
          const auto agreed_a = a.answer(offer, intent_from(b, profile_a, policy));
          ASSERT_TRUE(agreed_a) << encodings(taken);
          EXPECT_TRUE(can_carry(*agreed_a, *agreed_b)) << encodings(taken);
          for (const sdp::Format& format : agreed_a->send) {
            EXPECT_NE(sdp::find_payload(offer.formats, format.payload), nullptr) << "a subset of the offer";
            EXPECT_TRUE(!sdp::carries_audio(format.codec) || sdp::contains(taken, format.codec))
                << format.codec.encoding;
          }
          const bool events = sdp::contains(taken, telephone_event());
          EXPECT_EQ(names(agreed_a->send).find("telephone-event") != std::string::npos, events) << encodings(taken);
        }
      }
    }
  }
}

// R4.11
TEST(SdpBridge, R4_11OrderOfTheAnswerPerOfferOrPerConfiguration) {
  CodecPolicy policy;
  policy.browser = {pcma(), g722(), opus(), pcmu()};
  const RemoteAudio offer = remote_of(fixture("chromium-audio"), Profile::browser);
  for (const auto& [preference, expected] :
       {std::pair(Preference::offer, "111 opus/48000, 9 G722/8000, 0 PCMU/8000, 8 PCMA/8000"),
        {Preference::own, "8 PCMA/8000, 9 G722/8000, 111 opus/48000, 0 PCMU/8000"}}) {
    policy.preference = preference;
    Leg a = leg_for(Profile::browser);
    Leg b = leg_for(Profile::phone);
    ASSERT_TRUE(
        b.accept(answered(b.offer(plan_offer(offer, Profile::phone, policy)->to_b), Profile::phone, default_codecs())));
    EXPECT_EQ(names(a.answer(offer, intent_from(b, Profile::browser, policy))->send), expected);
  }
}

TEST(SdpBridge, NothingOfOneLegsTextReachesTheOther) {
  const RemoteAudio offer = remote_of(replaced(fixture("chromium-audio"), "a=mid:0", "a=mid:secret"), Profile::browser);
  for (const Profile profile_b : {Profile::browser, Profile::phone}) {
    Leg b = leg_for(profile_b);
    const std::string text = b.offer(plan_offer(offer, profile_b, {})->to_b);
    for (const std::string& foreign :
         {std::string("secret"), offer.ice.ufrag, offer.ice.password, offer.origin.session_id,
          std::string("192.0.2.44"), std::string("a=ssrc"), std::string("extmap"), std::string("126 ")})
      EXPECT_EQ(text.find(foreign), std::string::npos) << foreign;
  }
}

// R0.12: the client's answer is made before B has answered, and both directions are carried whatever B then takes.
// R0.12
TEST(SdpBridge, R0_12AFrozenAnswerHoldsWhateverTheCalleeTakes) {
  const RemoteAudio offer = remote_of(fixture("chromium-audio"), Profile::browser);
  for (const Profile profile_b : {Profile::browser, Profile::phone}) {
    const auto plan = plan_offer(offer, profile_b, {}, AnswerMoment::before_b);
    ASSERT_TRUE(plan && plan->to_a);
    EXPECT_EQ(encodings(plan->to_b.codecs),
              profile_b == Profile::browser ? "opus PCMU PCMA telephone-event" : "PCMU PCMA telephone-event");
    Leg a = leg_for(Profile::browser);
    const auto agreed_a = a.answer(offer, *plan->to_a);
    ASSERT_TRUE(agreed_a);
    Leg b = leg_for(profile_b);
    const auto agreed_b = b.accept(answered(b.offer(plan->to_b), profile_b, default_codecs()));
    ASSERT_TRUE(agreed_b);
    EXPECT_TRUE(can_carry(*agreed_a, *agreed_b));
  }
  const RemoteAudio only_opus = remote_of(fixture("baresip"), Profile::phone);
  CodecPolicy policy;
  policy.phone = {opus()};
  const auto plan = plan_offer(only_opus, Profile::phone, policy, AnswerMoment::before_b);
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->to_a) << "no codec is sure: the caller waits for the callee";
  EXPECT_EQ(encodings(plan->to_b.codecs), "opus");
}

// D7
TEST(SdpBridge, D7AnAnswerThatTheOtherSideCannotHearIsSeen) {
  Leg a = leg_for(Profile::phone);
  Leg b = leg_for(Profile::phone);
  const auto agreed_a = a.answer(remote_of(fixture("baresip"), Profile::phone), {{pcmu(), pcma()}});
  b.offer({{pcma(), g722()}});
  const auto agreed_b = b.accept(answered(b.last(), Profile::phone, {g722()}));
  ASSERT_TRUE(agreed_a && agreed_b);
  EXPECT_FALSE(can_carry(*agreed_a, *agreed_b)) << "A sends PCMU first, B takes G722 alone";
  EXPECT_FALSE(can_carry(*agreed_a, sdp::Agreed{}));
}

TEST(SdpBridge, R0_12OneG711LawStandsForTheOther) {
  Leg a = leg_for(Profile::phone);
  Leg b = leg_for(Profile::phone);
  const auto agreed_a = a.answer(remote_of(fixture("baresip"), Profile::phone), {{pcmu(), pcma()}});
  b.offer({{pcmu(), pcma()}});
  const auto agreed_b = b.accept(answered(b.last(), Profile::phone, {pcma()}));
  ASSERT_TRUE(agreed_a && agreed_b);
  EXPECT_TRUE(can_carry(*agreed_a, *agreed_b)) << "A sends PCMU first, B takes PCMA alone: the relay changes the law";
}

// E14: A holds, B is offered the same direction, A is answered with B's view of it; resume restores both.
// E14
TEST(SdpBridge, E14HoldCrossesTheCallBothWays) {
  struct Row {
    std::string_view from, to;
    Direction offered_to_b, b_says, answered_to_a;
  };
  const std::vector<Row> rows{
      {"a=sendrecv", "a=sendonly", Direction::sendonly, Direction::recvonly, Direction::recvonly},
      {"a=sendrecv", "a=sendonly", Direction::sendonly, Direction::inactive, Direction::inactive},
      {"c=IN IP4 10.77.0.12", "c=IN IP4 0.0.0.0", Direction::sendonly, Direction::recvonly, Direction::recvonly},
      {"a=sendrecv", "a=inactive", Direction::inactive, Direction::inactive, Direction::inactive},
      {"a=sendrecv", "a=recvonly", Direction::recvonly, Direction::sendonly, Direction::sendonly},
      {"a=sendrecv", "a=sendrecv", Direction::sendrecv, Direction::sendrecv, Direction::sendrecv},
  };
  for (const Profile profile_b : {Profile::browser, Profile::phone}) {
    for (const Row& row : rows) {
      Leg a = leg_for(Profile::phone);
      Leg b = leg_for(profile_b);
      const RemoteAudio offer = remote_of(replaced(fixture("baresip"), row.from, row.to), Profile::phone);
      const auto plan = plan_offer(offer, profile_b, {});
      ASSERT_TRUE(plan);
      EXPECT_EQ(plan->to_b.direction, row.offered_to_b);
      ASSERT_TRUE(b.accept(answered(b.offer(plan->to_b), profile_b, default_codecs(), row.b_says)));
      const auto agreed_a = a.answer(offer, intent_from(b, Profile::phone, {}));
      ASSERT_TRUE(agreed_a);
      EXPECT_EQ(agreed_a->direction, row.answered_to_a) << row.to;
      EXPECT_EQ(b.agreed()->direction, reversed(row.b_says)) << row.to;
    }
  }
}

// E1, E2
TEST(SdpBridge, E1E2AReOfferIsTheSameOrForTheRelayOrForTheOtherLeg) {
  const std::string offer = fixture("carrier");
  Leg leg = leg_for(Profile::phone);
  EXPECT_EQ(classify(leg, remote_of(offer, Profile::phone), {}).kind, Reoffer::renegotiate);
  ASSERT_TRUE(leg.answer(remote_of(offer, Profile::phone), {default_codecs()}));
  const std::string text = leg.last();

  const std::string refreshed = replaced(offer, "1734600001 1", "1734600001 9");
  const RemoteAudio same = remote_of(refreshed, Profile::phone);
  EXPECT_EQ(classify(leg, same, {}).kind, Reoffer::same);
  ASSERT_TRUE(leg.refresh(same));
  EXPECT_EQ(leg.last(), text) << "200 with our last SDP unchanged";

  const RemoteAudio moved = remote_of(replaced(refreshed, "m=audio 41872", "m=audio 50000"), Profile::phone);
  EXPECT_EQ(classify(leg, moved, {}).kind, Reoffer::retarget);
  EXPECT_TRUE(classify(leg, moved, {}).difference.version_kept);
  ASSERT_TRUE(leg.refresh(moved));
  EXPECT_EQ(leg.last(), text);
  EXPECT_EQ(leg.remote()->address.port, 50000);

  EXPECT_EQ(classify(leg, remote_of(replaced(offer, "a=sendrecv", "a=sendonly"), Profile::phone), {}).kind,
            Reoffer::renegotiate);
}

// E9
TEST(SdpBridge, E9BothSidesAreOfferedFromCapabilities) {
  const CodecPolicy policy;
  Leg b = leg_for(Profile::phone);
  ASSERT_TRUE(b.accept(
      answered(b.offer(own_offer(Profile::phone, policy)), Profile::phone, {pcma(), pcmu(), telephone_event()})));
  Leg a = leg_for(Profile::phone);
  const std::string to_a = a.offer(intent_from(b, Profile::phone, policy));
  EXPECT_EQ(names(remote_of(to_a, Profile::phone).formats), "0 PCMU/8000, 8 PCMA/8000, 101 telephone-event/8000")
      << "the caller that sent no offer is offered what B took";
  ASSERT_TRUE(a.accept(answered(to_a, Profile::phone, default_codecs())));
  EXPECT_TRUE(can_carry(*a.agreed(), *b.agreed()));
  EXPECT_TRUE(intent_from(leg_for(Profile::phone), Profile::phone, policy).codecs.empty())
      << "nothing agreed, nothing to tell";
}

TEST(SdpBridge, EchoAnswersEveryKindOfCaller) {
  for (const std::string& name : sdp::test::all_fixtures()) {
    const Profile profile = *sdp::profile_of(*sdp::parse(fixture(name)));
    Leg leg = leg_for(profile);
    const auto agreed = leg.answer(remote_of(fixture(name), profile), echo_answer(profile, {}));
    ASSERT_TRUE(agreed) << name;
    EXPECT_TRUE(can_carry(*agreed, *agreed)) << name;
    EXPECT_EQ(agreed->direction, Direction::sendrecv) << name;
  }
}

}  // namespace
}  // namespace isthmus::gateway
