// SPDX-License-Identifier: MIT
// How a call begins: admission, policy, media legs, and the call to B (R0.4 to R0.9, R0.21, R1.2, R4.9).
#include "base/text.hpp"
#include "gateway/call/exchange.hpp"
#include "gateway/call/media_plan.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kIdBits = 96;
constexpr size_t kMaxDisplayName = 128;

std::string user_of(std::string_view uri_text) {
  const auto uri = sip::parse_uri(uri_text);
  return uri ? sip::unescape(uri->user) : std::string{};
}

std::string shown_name(const sip::NameAddr& address) {
  std::string out;
  for (const char c : address.display_name().substr(0, kMaxDisplayName)) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
  }
  return out;
}

std::string host_of(std::string_view uri_text) {
  const auto uri = sip::parse_uri(uri_text);
  return uri ? std::string(uri->host) : std::string{};
}

std::string target_text(const CallTarget& target) {
  if (const auto* sip = std::get_if<SipTarget>(&target)) return sip->request_uri;
  if (const auto* client = std::get_if<ClientTarget>(&target)) return client->account;
  return "echo";
}

}  // namespace

CallId Exchange::new_call(Pass& pass, CallDirection direction) {
  const CallId id = calls_.insert(Call{});
  Call& call = *calls_.find(id);
  call.number = ++calls_made_;
  call.facts.call = id;
  call.facts.id = "c_" + random_.token(kIdBits);
  call.facts.direction = direction;
  call.facts.started = pass.now.wall;
  by_id_[call.facts.id] = id;
  return id;
}

bool Exchange::has_no_room() {
  if (draining_) {
    drops_.add(CallDrop::draining);
    return true;
  }
  if (live_calls() < settings_.max_calls) return false;
  drops_.add(CallDrop::call_limit);
  return true;
}

// An admitted INVITE. Everything that can be refused is refused before a transaction is made (R4.1).
void Exchange::incoming(Pass& pass, const Incoming& request, const Admitted& admitted, const std::string& module) {
  const sip::Message& message = request.message;
  Parties parties;
  parties.from = user_of(message.from().uri);
  parties.to = user_of(message.request_uri());
  parties.uri = message.request_uri();
  parties.contact = message.contact() ? std::string(message.contact()->uri) : std::string{};
  parties.account = admitted.account;
  parties.source = request.path;
  if (parties.contact.empty()) return refuse_request(pass, request, 400);
  const uint32_t row = router_.row({parties.from, parties.to});
  const Numbers routed = router_.route({parties.from, parties.to});
  parties.from = routed.from;
  parties.to = routed.to;
  const auto refuse = [&](int status, std::string_view why, const std::vector<sip::HeaderLine>& headers = {}) {
    requests_.push_back(CallRefused{parties.from, parties.to, request.path.remote, static_cast<uint16_t>(status), why});
    user_agent_.refuse(pass, status, headers);
  };
  std::string taker;
  const OutVerdict verdict = find_target(pass.now, parties, taker);
  if (std::holds_alternative<NotMine>(verdict)) return refuse(404, "nobody takes calls to this number");
  if (const auto* refused = std::get_if<Refuse>(&verdict))
    return refuse(refused->status, "the callee is not there now", refused->headers);
  if (has_no_room())
    return refuse(503, draining_ ? "the gateway takes no new calls" : "limits.calls is reached",
                  {{"Retry-After", draining_ ? "30" : "5"}});
  if (is_at_limit(admitted.account)) {
    // Not 503: that would keep the phone from us for everything (21.5.4), and it is not our overload.
    drops_.add(CallDrop::account_limit);
    return refuse(403, "limits.calls_per_account is reached",
                  {{"Warning", "399 isthmus \"too many calls of this account\""}});
  }

  std::optional<sdp::RemoteAudio> offer;
  const CallTarget& target = std::get<Mine>(verdict).target;
  const auto callee = std::holds_alternative<ClientTarget>(target) ? sdp::Profile::browser : sdp::Profile::phone;
  if (message.has_body()) {
    const auto type = message.content_type();
    if (!equals_ignore_case(type.substr(0, type.find(';')), "application/sdp"))
      return refuse(415, "the body is no SDP", {{"Accept", "application/sdp"}});
    auto remote = sdp::parse_remote(message.body(), sdp::Profile::phone);
    if (!remote) return refuse(488, "the offer cannot be used");
    if (!plan_offer(*remote, callee, settings_.codecs)) return refuse(488, "no common codec");
    offer = std::move(*remote);
  }
  const std::string from_name = shown_name(message.from());
  const uint8_t forwards = message.max_forwards().value_or(70);
  const CallId id = new_call(pass, CallDirection::incoming);
  const sip::SessionId session =
      user_agent_.admit(pass, {parties.to, admitted.keep_flow, uint64_t{id.slot} << 32 | id.generation});
  if (!session) {
    by_id_.erase(calls_.find(id)->facts.id);
    calls_.erase(id);
    return;
  }
  Call& call = *calls_.find(id);
  call.parties = parties;
  call.target = target;
  call.max_forwards = static_cast<uint8_t>(forwards - 1);
  call.delayed_offer = !offer;
  call.facts.route = row;
  call.facts.from = parties.from;
  call.facts.from_name = from_name;
  call.facts.to = parties.to;
  call.facts.target = target_text(target);
  call.facts.module = taker;
  call.facts.origin = module;
  call.a.kind = Side::Kind::sip;
  call.a.session = session;
  call.a.session_gone = false;
  call.a.account = admitted.account;
  call.a.module = module;
  call.a.source = request.path;
  call.a.signalling = request.path.remote.ip;
  call.a.offer = std::move(offer);
  const auto* to_client = std::get_if<ClientTarget>(&call.target);
  if (to_client != nullptr) call.facts.client = to_client->account;
  if (to_client != nullptr && settings_.admission == Admission::web_server)
    return ask_policy(pass, call, PolicyKind::incoming);
  tell(pass, call, CallState::pending);
  allowed(pass, call, {}, {});
}

// ---- policy

void Exchange::ask_policy(Pass& pass, Call& call, PolicyKind kind) {
  const auto ask = asks_.insert(Asked{id_of(call), {}});
  call.ask = ask;
  call.ask_kind = kind;
  if (kind != PolicyKind::answer) {
    tell(pass, call, CallState::pending);
    arm_timer(pass, call.policy_timer, Timer::policy, settings_.policy_limit, id_of(call));
  }
  requests_.push_back(AskPolicy{{Room::exchange, ask}, kind, call.facts});
}

void Exchange::policy(Pass& pass, Call& call, const Policy& policy) {
  if (call.ask_kind == PolicyKind::answer) {
    call.held = false;
    timers_.cancel(call.hold_timer);
    if (policy.verdict == Policy::allow) return complete(pass, call);
    if (policy.verdict == Policy::later)  // no command would release it
      return drop(pass, call,
                  {DropReason::web_server_malformed, 403, "a held answer cannot be decided later", 480, {}, {}});
    return drop(pass, call, {policy.reason, 403, policy.text, 480, {}, {}});
  }
  switch (policy.verdict) {
    case Policy::later:
      call.deciding = true;
      return arm_timer(pass, call.policy_timer, Timer::policy, settings_.decision_limit, id_of(call));
    case Policy::allow: return allowed(pass, call, policy.from, policy.target);
    case Policy::refuse: {
      const bool by_word = policy.reason == DropReason::refused;
      if (!by_word && settings_.allow_on_failure) return allowed(pass, call, {}, {});
      const uint16_t status = call.facts.direction == CallDirection::outgoing || by_word ? 403 : 480;
      return drop(pass, call, {policy.reason, status, policy.text, status, {}, {}});
    }
  }
}

// `target`: for an outgoing call a SIP URI that replaces what routing found, for an incoming one the client to switch
// to.
void Exchange::allowed(Pass& pass, Call& call, const std::string& from, const std::string& target) {
  call.deciding = false;
  timers_.cancel(call.policy_timer);
  if (!from.empty()) call.parties.from = call.facts.from = from;
  if (!target.empty() && call.facts.direction == CallDirection::outgoing) {
    const auto uri = sip::parse_uri(target);
    if (!uri || !uri->is_sip()) {
      return drop(pass, call,
                  {DropReason::web_server_malformed, 403, "the web server's target is no SIP URI", 403, {}, {}});
    }
    SipTarget dialled;
    dialled.request_uri = dialled.target.uri = target;
    call.target = dialled;
    call.facts.module = "target";  // what routing had found is not called, and has no say in this call
  } else if (!target.empty()) {
    call.target = ClientTarget{target};
    call.facts.client = target;
  }
  call.facts.target = target_text(call.target);
  done(std::exchange(call.make_token, 0), CommandError::none, &call);
  if (const auto* client = std::get_if<ClientTarget>(&call.target)) {
    const auto newest = clients_.newest(client->account, call.a.client);  // never the caller itself
    if (!newest) return drop(pass, call, {DropReason::unavailable, 480, "the client is not connected", 480, {}, {}});
    call.b.kind = Side::Kind::client;
    call.b.client = *newest;
  } else if (std::holds_alternative<SipTarget>(call.target)) {
    call.b.kind = Side::Kind::sip;
  } else {
    call.b.kind = Side::Kind::echo;
  }
  call.b.module = call.facts.module;
  open_legs(pass, call);
}

// ---- media

void Exchange::open_legs(Pass& pass, Call& call) {
  arm_timer(pass, call.ring_timer, Timer::setup, settings_.setup_limit, id_of(call));
  for (Side* side : {&call.a, &call.b}) {
    if (!side->has_media()) continue;
    side->leg = legs_.insert(LegRef{id_of(call), side == &call.a});
    (side == &call.a ? call.facts.caller_leg : call.facts.callee_leg) = side->leg;
    order(media::OpenLeg{side->leg, leg_kind(side->profile()), interface_for(call, *side)});
  }
}

// Where a phone's packets come in: the address of its signalling, or of a listener of the family that it is called at.
// None: the engine's default.
IpAddress Exchange::interface_for(const Call& call, const Side& side) const {
  if (side.kind != Side::Kind::sip) return {};
  if (side.source.local.is_set()) return side.source.local.ip;
  const auto* target = &side == &call.b ? std::get_if<SipTarget>(&call.target) : nullptr;
  if (target == nullptr) return {};
  if (target->target.path) return target->target.path->local.ip;
  const auto uri = sip::parse_uri(target->target.uri);
  const auto literal = uri ? IpAddress::parse(uri->host) : std::nullopt;
  if (!literal || !literal->is_v6()) return {};
  for (const sip::Listener& listener : settings_.user_agent.endpoint.listeners) {
    if (listener.bound.ip.is_v6()) return listener.bound.ip;
  }
  return {};
}

void Exchange::leg_ready(Pass& pass, Call& call, Side& side, const media::LegReady& ready) {
  constexpr uint64_t kSessionIds = uint64_t{1} << 62;
  side.leg_ready = true;
  side.sdp.emplace(side.profile(), random_.below(kSessionIds), local_audio(ready, side.profile()));
  const bool all = (!call.a.has_media() || call.a.leg_ready) && (!call.b.has_media() || call.b.leg_ready);
  if (all && !call.placed) place(pass, call);
}

// ---- the call to B

// Calls of the phones of one account, on either side. Trunks have no account and no such limit.
bool Exchange::is_at_limit(std::string_view account) const {
  if (account.empty()) return false;
  size_t count = 0;
  calls_.for_each([&](CallId, const Call& call) {
    const auto is_its = [&](const Side& side) { return side.kind == Side::Kind::sip && side.account == account; };
    count += !call.is_over() && (is_its(call.a) || is_its(call.b)) ? 1 : 0;
  });
  return count >= settings_.max_calls_per_account;
}

// A registered phone is where its binding is now, which may have moved since the call was routed (R1.33). False: the
// call is dropped.
bool Exchange::find_again(Pass& pass, Call& call, SipTarget& target) {
  if (is_at_limit(call.parties.to)) {
    drops_.add(CallDrop::account_limit);
    drop(pass, call, {DropReason::unavailable, 486, "the account has as many calls as it may", 486, {}, {}});
    return false;
  }
  const OutVerdict verdict = registrar_.callout(pass.now, call.parties);
  if (const auto* refused = std::get_if<Refuse>(&verdict)) {
    const auto status = static_cast<uint16_t>(refused->status);
    drop(pass, call, {DropReason::unavailable, status, refused->reason, status, {}, {}});
    return false;
  }
  const auto* mine = std::get_if<Mine>(&verdict);
  if (mine == nullptr) {
    drop(pass, call, {DropReason::not_found, 404, "the account is gone", 404, {}, {}});
    return false;
  }
  target = std::get<SipTarget>(mine->target);
  call.facts.target = target.request_uri;
  return true;
}

void Exchange::place(Pass& pass, Call& call) {
  call.placed = true;
  arm_timer(pass, call.ring_timer, Timer::ring, settings_.ring_limit, id_of(call));
  if (auto* sip = std::get_if<SipTarget>(&call.target)) {
    if (sip->keep_flow && !find_again(pass, call, *sip)) return;
    return place_sip(pass, call, *sip);
  }
  if (std::holds_alternative<ClientTarget>(call.target)) return place_client(pass, call);
  place_echo(pass, call);
}

// What B is offered; false: no common codec, the call is dropped and B hears nothing (R4.9).
bool Exchange::plan(Pass& pass, Call& call, sdp::Intent& to_b) {
  if (call.delayed_offer) {
    to_b = own_offer(call.b.profile(), settings_.codecs);
    return true;
  }
  const auto moment = call.a.kind == Side::Kind::client ? AnswerMoment::before_b : AnswerMoment::after_b;
  auto plan = plan_offer(*call.a.offer, call.b.profile(), settings_.codecs, moment);
  if (!plan) {
    drop(pass, call, {DropReason::media_failed, 488, "no common codec", 488, {}, {}});
    return false;
  }
  to_b = std::move(plan->to_b);
  call.early_answer = std::move(plan->to_a);
  return true;
}

void Exchange::place_sip(Pass& pass, Call& call, const SipTarget& target) {
  sdp::Intent to_b;
  if (!plan(pass, call, to_b)) return;
  sip::InviteSpec spec;
  spec.request_uri = target.request_uri;
  const std::string host = target.from_host.empty() ? settings_.domain : target.from_host;
  spec.from = "<sip:" + sip::escape_user(call.parties.from) + "@" + host + ">";
  if (!call.facts.from_name.empty()) spec.from = sip::quote(call.facts.from_name) + " " + spec.from;
  // R0.4: To names who was dialled, the Request-URI where; a registered party goes by its address of record.
  const std::string to_host = target.keep_flow ? settings_.domain : host_of(target.request_uri);
  spec.to = "<sip:" + sip::escape_user(call.parties.to) + "@" + to_host + ">";
  spec.contact_user = call.parties.from;
  spec.target = target.target;
  spec.keep_flow = target.keep_flow;
  spec.body = call.b.sdp->offer(to_b);
  // RFC 3261 13.2.1: should the gateway die meanwhile, B stops ringing by itself (G15).
  const auto limit = std::chrono::ceil<std::chrono::seconds>(settings_.ring_limit);
  spec.headers.push_back({"Expires", std::to_string(limit.count())});
  spec.credentials = target.credentials;
  spec.fast_abort = target.fast_abort;
  spec.max_forwards = call.max_forwards;
  const CallId id = id_of(call);
  call.b.session = user_agent_.invite(pass, std::move(spec), uint64_t{id.slot} << 32 | id.generation);
  if (!call.b.session)
    return drop(pass, call, {DropReason::unavailable, 503, "no room for one more session", 503, {}, {}});
  call.b.session_gone = false;
  if (target.target.path) {
    call.b.source = *target.target.path;
    call.b.signalling = target.target.path->remote.ip;
  }
  if (target.keep_flow) call.b.account = call.parties.to;
  tell(pass, call, CallState::calling);
}

void Exchange::place_client(Pass& pass, Call& call) {
  sdp::Intent to_b;
  if (!plan(pass, call, to_b)) return;
  call.b.sdp->offer(to_b);
  call.b.offering = true;
  tell(pass, call, CallState::calling);
}

void Exchange::place_echo(Pass& pass, Call& call) {
  tell(pass, call, CallState::calling);
  if (call.delayed_offer) {
    call.a.sdp->offer(own_offer(call.a.profile(), settings_.codecs));
    call.a.offering = true;
    call.a.answered = true;
  } else if (!answer_a(pass, call, echo_answer(call.a.profile(), settings_.codecs))) {
    return;
  }
  complete(pass, call);
}

}  // namespace isthmus::gateway
