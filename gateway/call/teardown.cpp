// SPDX-License-Identifier: MIT
// How a call ends (R1.25, X8, X15): everybody is told in this pass, media and ports go at once, and what the SIP legs
// still owe their peers is the user agent's business.
#include "gateway/call/exchange.hpp"

namespace isthmus::gateway {

// X15: what the caller is told of the callee's final response; codes that belong to B's hop alone become 500.
uint16_t Exchange::status_for_caller(uint16_t status) {
  switch (status) {
    case 404:
    case 408:
    case 410:
    case 480:
    case 484:
    case 486:
    case 488:
    case 600:
    case 603:
    case 604:
    case 606:
    case 607:
    case 608: return status;
    case 487: return 480;
    default: return status < 400 ? 480 : 500;
  }
}

// `has_answered`: the status is the callee's, else it stands for silence (408) or no way there (503).
void Exchange::callee_failed(Pass& pass, Call& call, uint16_t status, bool has_answered, std::string_view phrase) {
  End end;
  end.reason = has_answered ? DropReason::rejected : DropReason::unavailable;
  end.code = status;
  end.text = phrase.empty() ? sip::reason_phrase(status) : phrase;
  end.caller_status = status_for_caller(status);
  if (status == 503) end.sip_reason = "SIP ;cause=503";
  drop(pass, call, std::move(end));
}

void Exchange::drop(Pass& pass, Call& call, End end) {
  if (call.is_over()) return;
  const CallId id = id_of(call);
  forget_ringing(call);
  if (call.ask) asks_.erase(*std::exchange(call.ask, std::nullopt));  // a late "allowed" finds nothing (C13)
  for (TimerId* timer : {&call.policy_timer, &call.ring_timer, &call.hold_timer}) timers_.cancel(*timer);
  if (call.modifying == 1 || call.modifying == 2) {  // E8: the side whose re-INVITE waits gets 500 before its BYE
    Side& origin = call.modifying == 1 ? call.a : call.b;
    if (!origin.session_over) user_agent_.reject(pass, origin.session, 500);
  }
  call.modifying = 0;
  end_side(pass, call, call.a, end, true);
  end_side(pass, call, call.b, end, false);
  const Side* silent = nullptr;
  if (end.by && call.a.client == end.by) silent = &call.a;
  if (end.by && call.b.client == end.by) silent = &call.b;
  call.facts.reason = end.reason;
  call.facts.code = end.code;
  call.facts.text = std::move(end.text);
  call.facts.early_media = false;
  ++over_;
  ++ended_[static_cast<size_t>(end.reason)];
  tell(pass, call, CallState::dropped, silent);
  done(std::exchange(call.make_token, 0), CommandError::refused, &call);
  forget_if_done(id);
}

void Exchange::end_side(Pass& pass, Call& call, Side& side, const End& end, bool is_caller) {
  close_leg(side);
  const bool by_itself = side.kind == Side::Kind::sip ? side.session_over : end.by && end.by == side.client;
  explain_end(call, side, by_itself ? LegEnded::How::by_itself : LegEnded::How::by_gateway);
  if (side.kind != Side::Kind::sip || side.session_over || !side.session) return;
  side.session_over = true;
  user_agent_.end(pass, side.session, {is_caller ? end.caller_status : uint16_t{480}, end.sip_reason});
}

void Exchange::explain_end(const Call& call, const Side& side, LegEnded::How how) {
  const bool is_client = side.kind == Side::Kind::client;
  if (!explaining_ || (!is_client && (side.kind != Side::Kind::sip || !side.session))) return;
  requests_.push_back(LegEnded{call.facts.id, &side == &call.a, is_client, how});
}

void Exchange::close_leg(Side& side) {
  if (!side.leg) return;
  order(media::CloseLeg{side.leg});
  legs_.erase(std::exchange(side.leg, media::LegId{}));
}

// A dropped call stays listed while legs are being reaped.
void Exchange::forget_if_done(CallId id) {
  const Call* call = calls_.find(id);
  if (call == nullptr || !call->is_over() || !call->a.session_gone || !call->b.session_gone) return;
  by_id_.erase(call->facts.id);
  calls_.erase(id);
  --over_;
}

void Exchange::drop_all(Pass& pass) {
  std::vector<CallId> all;
  calls_.for_each([&](CallId id, const Call&) { all.push_back(id); });
  for (const CallId id : all) {
    if (Call* call = calls_.find(id))
      drop(pass, *call, {DropReason::shutdown, 0, "the gateway is ending", 503, {}, {}});
  }
  drain(pass);
}

}  // namespace isthmus::gateway
