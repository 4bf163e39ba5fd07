// SPDX-License-Identifier: MIT
// How a call is answered: ringing, early media, the answer of B and the answer to A (R0.10 to R0.12, R4.6, R4.11,
// R4.14, trap 11).
#include "gateway/call/exchange.hpp"
#include "gateway/call/media_plan.hpp"

namespace isthmus::gateway {

// A's one answer, written once per call and frozen (R0.12). False: A's offer cannot be answered, the call is dropped.
bool Exchange::answer_a(Pass& pass, Call& call, const sdp::Intent& intent) {
  const auto agreed = call.a.sdp->answer(*call.a.offer, intent);
  if (!agreed) {
    drop(pass, call, {DropReason::media_failed, 488, std::string(sdp::describe(agreed.error())), 488, {}, {}});
    return false;
  }
  call.a.answered = true;
  return true;
}

void Exchange::arm_side(Call&, Side& side, const sdp::Leg& from, bool hear) {
  if (!from.agreed()) return;
  order(arm_leg(side.leg, from, side.signalling));
  order(gates(side.leg, *from.agreed(), hear));
  side.leg_armed = true;
}

void Exchange::join(Call& call) {
  order(media::JoinLegs{call.a.leg, call.b.kind == Side::Kind::echo ? call.a.leg : call.b.leg});
}

// B's 101-199, or a client's word that it rings.
void Exchange::ringing(Pass& pass, Call& call, uint16_t status, std::string_view body) {
  if (call.facts.state != CallState::calling && call.facts.state != CallState::ringing) return;
  const bool first_sdp = !body.empty() && !call.preview && call.b.kind == Side::Kind::sip;
  if (first_sdp) {
    // Unreliable: a preview of the answer that the 200 will carry.
    sdp::Leg preview = *call.b.sdp;
    const auto remote = sdp::parse_remote(body, sdp::Profile::phone);
    if (remote && preview.accept(*remote)) call.preview = std::move(preview);
  }
  const bool early_media = first_sdp && call.preview.has_value();
  if (!call.a.answered && call.a.offer) {
    if (early_media) {
      if (!answer_a(pass, call, intent_from(*call.preview, call.a.profile(), settings_.codecs))) return;
    } else if (call.early_answer) {
      if (!answer_a(pass, call, *call.early_answer)) return;
    }
    // A's audio is held back until the call is confirmed.
    if (call.a.answered) arm_side(call, call.a, *call.a.sdp, false);
  }
  if (early_media && call.a.answered) {
    arm_side(call, call.b, *call.preview, true);
    join(call);
  }
  if (call.a.kind == Side::Kind::sip) {
    user_agent_.ring(pass, call.a.session, status,
                     early_media && call.a.answered ? std::string_view(call.a.sdp->last()) : std::string_view{});
  }
  const bool rings = status >= 180 && status < 190;
  if (!rings || call.facts.state == CallState::ringing) return;
  call.facts.early_media = call.preview.has_value();
  tell(pass, call, CallState::ringing);
}

// B has picked up; its ACK is sent already (R4.14).
void Exchange::answered(Pass& pass, Call& call, std::string_view body) {
  if (call.is_over() || call.facts.state == CallState::confirmed || call.held) return;
  const End unusable{DropReason::media_failed, 488, "the callee's answer cannot be used", 488, {}, {}};
  if (body.empty()) {
    if (!call.preview) return drop(pass, call, unusable);  // D7
    call.b.sdp = call.preview;
  } else {
    const auto remote = sdp::parse_remote(body, call.b.profile());
    if (!remote || !call.b.sdp->accept(*remote)) return drop(pass, call, unusable);
  }
  call.b.offering = false;
  call.b.answered = true;
  if (!call.a.answered) {
    const sdp::Intent intent = intent_from(*call.b.sdp, call.a.profile(), settings_.codecs);
    if (call.a.offer) {
      if (!answer_a(pass, call, intent)) return;
    } else {
      call.a.sdp->offer(intent);  // E9: our offer goes into the 200
      call.a.offering = true;
      call.a.answered = true;
    }
  }
  if (call.a.sdp->agreed() && !can_carry(*call.a.sdp->agreed(), *call.b.sdp->agreed()))
    return drop(pass, call, unusable);
  if (settings_.ask_before_answer && settings_.admission == Admission::web_server) {
    call.held = true;
    timers_.cancel(call.ring_timer);
    arm_timer(pass, call.hold_timer, Timer::hold, settings_.answer_limit, id_of(call));
    return ask_policy(pass, call, PolicyKind::answer);
  }
  complete(pass, call);
}

void Exchange::complete(Pass& pass, Call& call) {
  timers_.cancel(call.ring_timer);
  arm_side(call, call.a, *call.a.sdp, true);
  if (call.b.has_media()) arm_side(call, call.b, *call.b.sdp, true);
  join(call);
  if (call.a.kind == Side::Kind::sip) {
    user_agent_.accept(pass, call.a.session, call.a.sdp->last());
    call.facts.sip_code = 200;
  }
  tell(pass, call, CallState::confirmed);
}

// The ACK of our 200 on that side; where the 200 carried our offer, it brings the answer (E9, trap 17).
void Exchange::acknowledged(Pass& pass, Call& call, Side& side, std::string_view body) {
  if (!side.offering) return;
  side.offering = false;
  const auto remote = sdp::parse_remote(body, side.profile());
  if (!remote || !side.sdp->accept(*remote)) {
    return drop(pass, call, {DropReason::media_failed, 488, "the ACK carries no usable answer", 488, {}, {}});
  }
  arm_side(call, side, *side.sdp, true);
}

}  // namespace isthmus::gateway
