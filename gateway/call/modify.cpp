// SPDX-License-Identifier: MIT
// Changes of a running call (rows E1, E2, E5 to E8): a re-offer that means the same is answered here, a new address
// re-targets the relay, and only a change of the session itself is carried to the other side.
#include "gateway/call/exchange.hpp"
#include "gateway/call/media_plan.hpp"

namespace isthmus::gateway {

void Exchange::reoffer(Pass& pass, Call& call, Side& side, std::string_view body) {
  if (call.facts.state != CallState::confirmed || !side.sdp) return user_agent_.reject(pass, side.session, 488);
  // One offer at a time through us (14.2), and none while a side has not answered ours (E9, trap 17).
  if (call.modifying != 0 || call.a.offering || call.b.offering) return user_agent_.reject(pass, side.session, 491);
  if (body.empty()) {  // trap 17: a full offer from the leg's capabilities, the answer comes in the ACK
    side.sdp->offer(intent_from(call.b.kind == Side::Kind::echo ? *side.sdp : *other(call, side).sdp, side.profile(),
                                settings_.codecs));
    side.offering = true;
    return user_agent_.answer(pass, side.session, side.sdp->last());
  }
  const auto offer = sdp::parse_remote(body, side.profile());
  if (!offer) return user_agent_.reject(pass, side.session, 488);
  const ReofferVerdict verdict = classify(*side.sdp, *offer, settings_.codecs);
  if (verdict.difference.version_kept) ++reoffers_of_same_version_;
  if (verdict.kind == Reoffer::renegotiate) return forward_reoffer(pass, call, side, *offer);
  if (!side.sdp->refresh(*offer)) return user_agent_.reject(pass, side.session, 488);
  if (verdict.kind == Reoffer::retarget) arm_side(call, side, *side.sdp, true);
  user_agent_.answer(pass, side.session, side.sdp->last());
}

void Exchange::forward_reoffer(Pass& pass, Call& call, Side& side, const sdp::RemoteAudio& offer) {
  Side& far = other(call, side);
  if (far.kind != Side::Kind::sip) {
    // A browser or the echo application is not renegotiated: direction and codecs are settled within what it has.
    const sdp::Intent intent = far.kind == Side::Kind::echo ? echo_answer(side.profile(), settings_.codecs)
                                                            : intent_from(*far.sdp, side.profile(), settings_.codecs);
    if (!side.sdp->answer(offer, intent)) return user_agent_.reject(pass, side.session, 488);
    arm_side(call, side, *side.sdp, true);
    return user_agent_.answer(pass, side.session, side.sdp->last());
  }
  const auto plan = plan_offer(offer, far.profile(), settings_.codecs);
  if (!plan) return user_agent_.reject(pass, side.session, 488);
  side.offer = offer;
  call.modifying = &side == &call.a ? 1 : 2;
  far.sdp->offer(plan->to_b);
  user_agent_.modify(pass, far.session, far.sdp->last());
}

// Our re-INVITE to `side` came to its end.
void Exchange::modified(Pass& pass, Call& call, Side& side, uint16_t status, std::string_view body) {
  Side& origin = other(call, side);
  const bool waits = call.modifying == (&origin == &call.a ? 1 : 2);
  call.modifying = 0;
  if (status / 100 != 2) {  // E7: nothing changes on either side
    if (waits) user_agent_.reject(pass, origin.session, status_for_caller(status));
    return;
  }
  // D7: the 2xx has its ACK, so that side is on a session which the other one cannot have.
  const auto unusable = [&] {
    if (waits) user_agent_.reject(pass, origin.session, 488);
    drop(pass, call, {DropReason::media_failed, 488, "the answer to the re-INVITE cannot be used", 488, {}, {}});
  };
  const auto remote = sdp::parse_remote(body, side.profile());
  if (!remote || !side.sdp->accept(*remote)) return unusable();
  arm_side(call, side, *side.sdp, true);
  if (!waits) return;
  if (!origin.sdp->answer(*origin.offer, intent_from(*side.sdp, origin.profile(), settings_.codecs))) return unusable();
  arm_side(call, origin, *origin.sdp, true);
  user_agent_.answer(pass, origin.session, origin.sdp->last());
}

// The re-INVITE of `side` was cancelled (C20): its session stays as it was. The one it caused on the other side runs to
// its end, and no other offer passes before.
void Exchange::reoffer_gone(Call& call, Side& side) {
  if (call.modifying == (&side == &call.a ? 1 : 2)) call.modifying = 3;
}

}  // namespace isthmus::gateway
