// SPDX-License-Identifier: MIT
// Intent between the two legs of a call: which codecs the other side is offered, in which direction, and what a side is
// answered once the other has spoken (RFC 3264; R4.9-R4.11; rows E1, E2, E9, E14). Pure functions on values: what
// crosses from leg to leg is a list of codecs and a direction, never text. Nothing transcodes, so a side is only ever
// offered formats that the other side has too.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "sdp/profile.hpp"

namespace isthmus::gateway {

struct CodecPolicy {
  std::vector<sdp::Codec> browser = sdp::default_codecs();  // configured, best first
  std::vector<sdp::Codec> phone = sdp::default_codecs();
  sdp::Preference preference = sdp::Preference::offer;  // offer: generous, the caller's order counts; own: greedy, ours
  bool late = false;                                    // late negotiation: B is offered A's list in A's order
  uint16_t ptime = 20;
  friend bool operator==(const CodecPolicy&, const CodecPolicy&) = default;

  const std::vector<sdp::Codec>& of(sdp::Profile profile) const {
    return profile == sdp::Profile::browser ? browser : phone;
  }
};

// When A gets its answer. A client (R0.12) gets one frozen answer with `ringing`, before B has said what it takes.
enum class AnswerMoment : uint8_t { after_b, before_b };

struct OfferPlan {
  sdp::Intent to_b;
  // With before_b: what A is answered at once. Nothing when A has no codec that B takes for sure; A then waits for B.
  std::optional<sdp::Intent> to_a;
};

// A's offer against the configured lists of both sides (R4.9). B is offered A's agreed codec first, then the configured
// list without duplicates, all of it within what A has (R4.10); telephone-event when A has it; A's direction as it
// stands, so hold passes through (E14). With before_b the list is what every peer of B's kind takes, because A will
// send the first of it whatever B answers: Opus and G.711 for browsers (RFC 7874 section 3), G.711 for phones.
// no_common_codec: A gets 488 and there is no other leg.
Result<OfferPlan, sdp::Refusal> plan_offer(const sdp::RemoteAudio& a, sdp::Profile b, const CodecPolicy& policy,
                                           AnswerMoment moment = AnswerMoment::after_b);

// What `to` may be told once `from` has completed an exchange: the codecs that `from` takes, and from's own view of the
// direction. For A's answer (R4.11), and for our offer to A after a delayed offer (E9). Requires from.agreed().
sdp::Intent intent_from(const sdp::Leg& from, sdp::Profile to, const CodecPolicy& policy);

// Our own offer with nobody's list to honour: the first leg of a delayed offer (E9, R3.13).
sdp::Intent own_offer(sdp::Profile profile, const CodecPolicy& policy,
                      sdp::Direction direction = sdp::Direction::sendrecv);

// A leg that the gateway answers itself and joins to itself: whatever it can send back.
sdp::Intent echo_answer(sdp::Profile profile, const CodecPolicy& policy);

// Whether each side's best codec is one that the other takes. False: one of them would not be heard (D7).
bool can_carry(const sdp::Agreed& a, const sdp::Agreed& b);

// A re-offer on a leg that has an agreed session.
enum class Reoffer : uint8_t {
  same,        // E2: Leg::refresh answers it, nothing else happens
  retarget,    // E1, second form: Leg::refresh answers it, the media leg is armed anew, the other leg hears nothing
  renegotiate  // E1: the other leg is offered plan_offer()
};
struct ReofferVerdict {
  Reoffer kind = Reoffer::same;
  sdp::Difference difference;  // difference.version_kept is counted by the Exchange
};
ReofferVerdict classify(const sdp::Leg& leg, const sdp::RemoteAudio& offer, const CodecPolicy& policy);

}  // namespace isthmus::gateway
