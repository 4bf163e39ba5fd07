// SPDX-License-Identifier: MIT
#include "gateway/call/sdp_bridge.hpp"

#include <algorithm>

namespace isthmus::gateway {
namespace {

using sdp::Codec;
using sdp::Format;

std::vector<Codec> codecs_of(const std::vector<Format>& formats) {
  std::vector<Codec> out;
  for (const Format& format : formats) out.push_back(format.codec);
  return out;
}

// Audio codecs of `codecs` that `other` has too; events stand apart.
std::vector<Codec> shared_audio(const std::vector<Codec>& codecs, const std::vector<Codec>& other) {
  std::vector<Codec> out;
  for (const Codec& codec : codecs) {
    if (sdp::carries_audio(codec) && sdp::contains(other, codec)) out.push_back(codec);
  }
  return out;
}

bool has_events(const std::vector<Codec>& codecs) {
  return std::any_of(codecs.begin(), codecs.end(), sdp::is_telephone_event);
}

std::vector<Codec> sure_codecs(sdp::Profile profile) {
  if (profile == sdp::Profile::browser) return {sdp::opus(), sdp::pcmu(), sdp::pcma()};
  return {sdp::pcmu(), sdp::pcma()};
}

// R4.10: the agreed codec, then the configured list; `usable` is what both configurations and A have, in A's order.
std::vector<Codec> offer_order(const std::vector<Codec>& usable, const std::vector<Codec>& configured,
                               const CodecPolicy& policy) {
  if (policy.late) return usable;
  std::vector<Codec> out;
  if (policy.preference == sdp::Preference::offer) out.push_back(usable.front());
  for (const Codec& codec : configured) {
    if (sdp::carries_audio(codec) && sdp::contains(usable, codec) && !sdp::contains(out, codec)) out.push_back(codec);
  }
  return out;
}

const Codec* best_audio(const std::vector<Format>& formats) {
  for (const Format& format : formats) {
    if (sdp::carries_audio(format.codec)) return &format.codec;
  }
  return nullptr;
}

}  // namespace

Result<OfferPlan, sdp::Refusal> plan_offer(const sdp::RemoteAudio& a, sdp::Profile b, const CodecPolicy& policy,
                                           AnswerMoment moment) {
  OfferPlan plan;
  plan.to_b.direction = a.direction;
  plan.to_b.preference = policy.preference;
  plan.to_b.ptime = policy.ptime;
  if (a.refused) return fail(sdp::Refusal::no_common_codec);
  const auto agreed = codecs_of(sdp::intersect(a.formats, policy.of(a.profile), sdp::Preference::offer));
  const auto usable = shared_audio(agreed, policy.of(b));
  if (usable.empty()) return fail(sdp::Refusal::no_common_codec);
  const bool events = has_events(agreed) && has_events(policy.of(b));
  plan.to_b.codecs = offer_order(usable, policy.of(b), policy);
  if (moment == AnswerMoment::before_b) {
    auto sure = shared_audio(plan.to_b.codecs, sure_codecs(b));
    if (!sure.empty()) plan.to_b.codecs = std::move(sure);
    if (!shared_audio(plan.to_b.codecs, sure_codecs(b)).empty()) plan.to_a.emplace();
  }
  if (events) plan.to_b.codecs.push_back(sdp::telephone_event());
  if (plan.to_a) *plan.to_a = {plan.to_b.codecs, sdp::Direction::sendrecv, sdp::Preference::own, policy.ptime};
  return plan;
}

sdp::Intent intent_from(const sdp::Leg& from, sdp::Profile to, const CodecPolicy& policy) {
  sdp::Intent out{{}, sdp::Direction::inactive, policy.preference, policy.ptime};
  if (!from.agreed() || !from.remote() || from.agreed()->refused) return out;
  out.direction = from.remote()->direction;
  const auto taken = codecs_of(from.agreed()->send);
  if (policy.preference == sdp::Preference::own) out.codecs = shared_audio(policy.of(to), taken);
  for (const Codec& codec : taken) {
    if (!sdp::contains(out.codecs, codec)) out.codecs.push_back(codec);
  }
  return out;
}

sdp::Intent own_offer(sdp::Profile profile, const CodecPolicy& policy, sdp::Direction direction) {
  return {policy.of(profile), direction, policy.preference, policy.ptime};
}

sdp::Intent echo_answer(sdp::Profile profile, const CodecPolicy& policy) {
  return {policy.of(profile), sdp::Direction::sendrecv, policy.preference, policy.ptime};
}

// The relay turns one G.711 law into the other.
static bool takes(const std::vector<sdp::Format>& formats, const Codec& codec) {
  if (sdp::payload_of(formats, codec)) return true;
  if (sdp::same_codec(codec, sdp::pcmu())) return sdp::payload_of(formats, sdp::pcma()).has_value();
  return sdp::same_codec(codec, sdp::pcma()) && sdp::payload_of(formats, sdp::pcmu()).has_value();
}

bool can_carry(const sdp::Agreed& a, const sdp::Agreed& b) {
  const Codec* from_a = best_audio(a.receive);
  const Codec* from_b = best_audio(b.receive);
  return from_a != nullptr && from_b != nullptr && takes(b.send, *from_a) && takes(a.send, *from_b);
}

ReofferVerdict classify(const sdp::Leg& leg, const sdp::RemoteAudio& offer, const CodecPolicy& policy) {
  ReofferVerdict out;
  if (!leg.remote() || !leg.agreed()) return {Reoffer::renegotiate, {}};
  out.difference = sdp::compare(*leg.remote(), offer, policy.of(leg.profile()));
  if (out.difference.session()) {
    out.kind = Reoffer::renegotiate;
  } else if (out.difference.transport()) {
    out.kind = Reoffer::retarget;
  }
  return out;
}

}  // namespace isthmus::gateway
