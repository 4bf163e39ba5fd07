// SPDX-License-Identifier: MIT
// Exchange: the verbs of the machine and the way of events to calls.
#include "gateway/call/exchange.hpp"

#include <algorithm>

#include "gateway/module/echo.hpp"
#include "gateway/module/trunk.hpp"

namespace isthmus::gateway {

std::string_view describe(CallDrop reason) {
  switch (reason) {
    case CallDrop::late_reply: return "late_reply";
    case CallDrop::unknown_media: return "unknown_media";
    case CallDrop::account_limit: return "account_limit";
    case CallDrop::call_limit: return "call_limit";
    case CallDrop::draining: return "draining";
    case CallDrop::kCount: break;
  }
  return "unknown";
}

Exchange::Exchange(Settings settings, const Seed& seed)
    : settings_(std::move(settings)),
      random_(Random(seed).fork("exchange")),
      user_agent_(settings_.user_agent, Random(seed).fork("user agent")),
      registrar_(settings_, Random(seed).fork("registrar")),
      router_(settings_.routes),
      calls_(settings_.shard),
      legs_(settings_.shard),
      asks_(settings_.shard) {
  make_modules();
}

void Exchange::make_modules() {
  others_.clear();
  others_.push_back(std::make_shared<Echo>(settings_.echo_number));
  std::vector<Prefix> known;
  for (const TrunkSettings& trunk : settings_.trunks) {
    others_.push_back(std::make_shared<Trunk>(trunk));
    known.insert(known.end(), trunk.sources.begin(), trunk.sources.end());
  }
  user_agent_.know_sources(std::move(known));
}

// Modules keep no call state, so new ones may stand in their place at any time.
void Exchange::reload(Pass& pass, const std::vector<Account>& accounts, std::vector<RouteRow> routes,
                      std::vector<TrunkSettings> trunks) {
  settings_.accounts = accounts;
  settings_.trunks = std::move(trunks);
  settings_.routes = std::move(routes);
  router_ = Router(settings_.routes);
  make_modules();
  note_changes(pass, registrar_.set_accounts(accounts));
  drain(pass);
}

// ---- verbs

void Exchange::receive(Pass& pass, const Path& path, Bytes bytes) {
  user_agent_.receive(pass, path, bytes);
  drain(pass);
}
void Exchange::flow_up(Pass& pass, const FlowFacts& facts) {
  user_agent_.flow_up(pass, facts);
  for (const Path& path : registrar_.flow_up(facts)) user_agent_.keep_alive(pass, path, true);
  drain(pass);
}
void Exchange::flow_down(Pass& pass, FlowId flow, Fault why) {
  note_changes(pass, registrar_.flow_down(flow));
  user_agent_.flow_down(pass, flow, why);
  drain(pass);
}
void Exchange::unreachable(Pass& pass, const Path& path, Fault why) {
  user_agent_.unreachable(pass, path, why);
  drain(pass);
}
void Exchange::answer(Pass& pass, AskId ask, const Answer& reply) {
  user_agent_.answer(pass, ask, reply);
  drain(pass);
}

void Exchange::command(Pass& pass, const Command& command) {
  std::visit([&](const auto& one) { obey(pass, one); }, command);
  drain(pass);
}

void Exchange::reply(Pass& pass, AskId ask, const Reply& reply) {
  const Asked* asked = ask.room == Room::exchange ? asks_.find(ask.ask) : nullptr;
  if (asked != nullptr && asked->held) {
    answer_register(pass, ask.ask, std::holds_alternative<Kept>(reply));
    return drain(pass);
  }
  Call* call = asked == nullptr ? nullptr : calls_.find(asked->call);
  if (call == nullptr || call->ask != ask.ask) {
    drops_.add(CallDrop::late_reply);
    return;
  }
  asks_.erase(ask.ask);
  call->ask.reset();
  timers_.cancel(call->policy_timer);
  if (const auto* given = std::get_if<Policy>(&reply)) {
    policy(pass, *call, *given);
  } else {
    policy(pass, *call, Policy{Policy::refuse, DropReason::web_server_unreachable, {}, {}, {}});
  }
  drain(pass);
}

void Exchange::media(Pass& pass, const media::Event& event) {
  const media::LegId leg = std::visit([](const auto& one) { return one.leg; }, event);
  if (std::holds_alternative<media::LegGone>(event)) return;
  if (const auto* taken = std::get_if<media::DtmfTaken>(&event)) return digits_taken(*taken);
  const LegRef* ref = legs_.find(leg);
  Call* call = ref == nullptr ? nullptr : calls_.find(ref->call);
  if (call == nullptr) {
    drops_.add(CallDrop::unknown_media);
    return;
  }
  Side& side = ref->is_a ? call->a : call->b;
  if (const auto* ready = std::get_if<media::LegReady>(&event)) {
    leg_ready(pass, *call, side, *ready);
  } else if (const auto* failed = std::get_if<media::LegFailed>(&event)) {
    drop(pass, *call, {DropReason::media_failed, 488, std::string(media::describe(failed->why)), 488, {}, {}});
  } else if (std::holds_alternative<media::LegSilent>(event) && call->facts.state == CallState::confirmed) {
    requests_.push_back(MediaSilent{call->facts, ref->is_a});
  }
  drain(pass);
}

void Exchange::expire(Pass& pass) {
  user_agent_.expire(pass);
  drain(pass);
  while (const auto due = timers_.take_due(pass.now.steady)) {
    if (due->timer == Timer::grace) {
      lose_client(pass, due->client, DropReason::connection_lost);
      continue;
    }
    if (due->timer == Timer::keep) {
      answer_register(pass, due->ask, false);
      continue;
    }
    if (due->timer == Timer::call_off) {
      call_off_lost(pass);
      continue;
    }
    Call* call = calls_.find(due->call);
    if (call == nullptr) continue;
    switch (due->timer) {
      case Timer::policy: {
        if (!call->deciding && settings_.allow_on_failure) {
          if (call->ask) asks_.erase(*std::exchange(call->ask, std::nullopt));
          allowed(pass, *call, {}, {});
          break;
        }
        const uint16_t status = call->facts.direction == CallDirection::incoming ? 480 : 403;
        drop(pass, *call,
             {DropReason::web_server_timeout, status, "the web server did not decide in time", status, {}, {}});
        break;
      }
      case Timer::setup: drop(pass, *call, {DropReason::media_failed, 500, "no media leg in time", 500, {}, {}}); break;
      case Timer::ring: drop(pass, *call, {DropReason::invite_timeout, 480, "nobody picked up", 480, {}, {}}); break;
      case Timer::hold:
        drop(pass, *call,
             {DropReason::web_server_timeout, 500, "the web server did not release the answer in time", 500, {}, {}});
        break;
      case Timer::grace:
      case Timer::keep:
      case Timer::call_off: break;
    }
  }
  note_changes(pass, registrar_.expire(pass.now.steady));
  drain(pass);
}

TimePoint Exchange::next_deadline() const {
  return std::min({user_agent_.next_deadline(), timers_.next(), registrar_.next_deadline()});
}

std::optional<Request> Exchange::poll_event() {
  if (requests_.empty()) return std::nullopt;
  Request request = std::move(requests_.front());
  requests_.pop_front();
  return request;
}

Census Exchange::census() const {
  Census out = user_agent_.census();
  calls_.for_each([&](CallId, const Call& call) {
    if (call.is_over()) return;
    ++out[Census::calls];
    for (const Side* side : {&call.a, &call.b})
      out[Census::legs] += side->kind == Side::Kind::sip || side->kind == Side::Kind::client ? 1 : 0;
  });
  out[Census::media_legs] += static_cast<uint32_t>(legs_.size());
  out[Census::asks] += static_cast<uint32_t>(asks_.size());
  out[Census::timers] += static_cast<uint32_t>(timers_.size());
  return out;
}

// ---- events of the user agent

void Exchange::drain(Pass& pass) {
  do {
    while (const auto event = user_agent_.poll_event()) take(pass, *event);
  } while (user_agent_.proceed(pass));
}

Side* Exchange::side_of(Call& call, sip::SessionId session) {
  if (call.a.kind == Side::Kind::sip && call.a.session == session) return &call.a;
  if (call.b.kind == Side::Kind::sip && call.b.session == session) return &call.b;
  return nullptr;
}

void Exchange::take(Pass& pass, const sip::UserAgentEvent& event) {
  using Kind = sip::UserAgentEventKind;
  if (event.kind == Kind::request || event.kind == Kind::verify) {
    event.kind == Kind::request ? take_request(pass) : take_verify(pass, event);
    if (auto refused = registrar_.take_refused()) requests_.push_back(*std::move(refused));
    return;
  }
  if (event.kind == Kind::registration) return;
  const CallId id{static_cast<uint32_t>(event.cookie >> 32), static_cast<uint32_t>(event.cookie)};
  Call* call = calls_.find(id);
  Side* side = call == nullptr ? nullptr : side_of(*call, event.session);
  if (side == nullptr) return;
  const std::string_view body = event.has_message ? user_agent_.message().body() : std::string_view{};
  if (event.kind == Kind::ringing || event.kind == Kind::answered || event.kind == Kind::failed)
    call->facts.sip_code = event.kind == Kind::answered ? uint16_t{200} : event.status;
  const std::string phrase = event.has_message ? std::string(user_agent_.message().reason()) : std::string{};
  if (event.has_message && side->signalling.family == Family::none)  // of who was called by name
    side->signalling = user_agent_.path().remote.ip;
  switch (event.kind) {
    case Kind::trying: return keep_ringing(pass.now, *call);
    case Kind::ringing: keep_ringing(pass.now, *call); return ringing(pass, *call, event.status, body);
    case Kind::answered:
      forget_ringing(*call);
      side->source = user_agent_.path();
      return answered(pass, *call, body);
    case Kind::failed:
      side->session_over = true;
      return callee_failed(pass, *call, event.status, event.has_message, phrase);
    case Kind::cancelled:
      side->session_over = true;
      return drop(pass, *call, {DropReason::cancelled, 487, "the caller gave up", 487, {}, {}});
    case Kind::confirmed: return acknowledged(pass, *call, *side, body);
    case Kind::offer: return reoffer(pass, *call, *side, body);
    case Kind::offer_gone: return reoffer_gone(*call, *side);
    case Kind::modified: return modified(pass, *call, *side, event.status, body);
    case Kind::ended: {
      side->session_over = true;
      const bool confirmed = call->facts.state == CallState::confirmed;
      const bool by_peer = event.status == 0;
      if (by_peer && !confirmed && side == &call->b)  // D11
        return drop(pass, *call, {DropReason::hung_up, 480, "the callee hung up", 480, {}, {}});
      const DropReason reason = !by_peer    ? DropReason::connection_lost
                                : confirmed ? DropReason::hung_up
                                            : DropReason::cancelled;
      const uint16_t code = reason == DropReason::cancelled ? uint16_t{487} : event.status;
      return drop(pass, *call, {reason, code, by_peer ? "" : "the far side no longer answers", 480, {}, {}});
    }
    case Kind::gone:
      side->session_gone = true;
      explain_end(*call, *side, LegEnded::How::gone);
      return forget_if_done(id);
    default: return;
  }
}

void Exchange::take_request(Pass& pass) {
  const Incoming request{user_agent_.message(), user_agent_.path(), user_agent_.protocol()};
  if (request.message.method() == sip::Method::register_) return take_register(pass, request);
  std::string module;
  const InVerdict verdict = admit(pass.now, request, module);
  if (const auto* refused = std::get_if<Refuse>(&verdict))
    return refuse_request(pass, request, refused->status, refused->headers, refused->reason);
  const auto* admitted = std::get_if<Admitted>(&verdict);
  if (admitted == nullptr) return refuse_request(pass, request, 403);
  switch (request.message.method()) {
    case sip::Method::invite: return incoming(pass, request, *admitted, module);
    case sip::Method::bye:
    case sip::Method::update:
    case sip::Method::prack: return refuse_request(pass, request, 481);
    case sip::Method::unknown: return refuse_request(pass, request, 501);
    default: return refuse_request(pass, request, 405);
  }
}

void Exchange::refuse_request(Pass& pass, const Incoming& request, int status,
                              const std::vector<sip::HeaderLine>& headers, std::string_view why) {
  if (explaining_) {
    const std::string_view reason = why.empty() ? sip::reason_phrase(static_cast<uint16_t>(status)) : why;
    requests_.push_back(RequestRefused{std::string(request.message.method_text()), request.path.remote,
                                       static_cast<uint16_t>(status), std::string(reason)});
  }
  user_agent_.refuse(pass, status, headers);
}

// Trunks know their peers by address; everybody else has to show credentials, for every method alike (R1.4, advisory
// 8).
InVerdict Exchange::admit(Now now, const Incoming& request, std::string& module) {
  for (const auto& other : others_) {
    InVerdict verdict = other->callin(now, request);
    if (std::holds_alternative<NotMine>(verdict)) continue;
    module = other->name();
    return verdict;
  }
  module = registrar_.name();
  return registrar_.callin(now, request);
}

OutVerdict Exchange::find_target(Now now, const Parties& parties, std::string& module) {
  std::vector<Module*> all{&clients_};
  all.push_back(&registrar_);
  for (const auto& other : others_) all.push_back(other.get());
  // By weight; of equal weight the one that was configured first (R1.8).
  std::multimap<int, Module*, std::greater<>> ordered;
  for (Module* one : all) ordered.emplace(one->weight(), one);
  for (const auto& [weight, one] : ordered) {
    OutVerdict verdict = one->callout(now, parties);
    if (std::holds_alternative<NotMine>(verdict)) continue;
    module = one->name();
    return verdict;
  }
  return NotMine{};
}

void Exchange::take_register(Pass& pass, const Incoming& request) {
  Registrar::Outcome outcome = registrar_.register_(pass.now, request);
  if (outcome.stateless) return refuse_request(pass, request, outcome.status, outcome.headers);
  if (!settings_.keeps_state || outcome.changes.empty()) {
    user_agent_.respond(pass, outcome.status, outcome.headers);
    return note_changes(pass, outcome.changes);
  }
  // What a phone was told is there after a restart, too (G15): the 200 waits until it is.
  const sip::ServerId server = user_agent_.hold(pass);
  note_changes(pass, outcome.changes);
  if (!server) return;
  const auto ask = asks_.insert(Asked{{}, HeldAnswer{server, outcome.status, std::move(outcome.headers), {}}});
  asks_.find(ask)->held->timer = timers_.set(pass.now.steady + settings_.keep_limit, Alarm{Timer::keep, {}, {}, ask});
  requests_.push_back(AskKept{{Room::exchange, ask}});
}

// A store that fails keeps no phone from registering (G16).
void Exchange::answer_register(Pass& pass, Id<AskTag> ask, bool kept) {
  Asked* asked = asks_.find(ask);
  if (asked == nullptr || !asked->held) return;
  HeldAnswer held = std::move(*asked->held);
  asks_.erase(ask);
  timers_.cancel(held.timer);
  if (!kept) ++unkept_;
  user_agent_.respond(pass, held.server, held.status, held.headers);
}

void Exchange::restore(Now now, const std::vector<KeptBinding>& kept) {
  for (const Registrar::Change& change : registrar_.restore(now, kept))
    requests_.push_back(BindingChanged{Registrar::keep(change.account, change.binding, now), true});
}

// The program may be killed between any two of the changes that are told: what comes is told first, then what goes, and
// what was only renewed does not go (G15).
void Exchange::note_changes(Pass& pass, const std::vector<Registrar::Change>& changes) {
  std::vector<KeptBinding> come;
  std::vector<KeptBinding> go;
  for (const Registrar::Change& change : changes) {
    user_agent_.keep_alive(pass, change.binding.path, change.added);
    if (change.moved_from) move_calls(pass, change);
    (change.removed ? go : come).push_back(Registrar::keep(change.account, change.binding, pass.now));
  }
  for (const KeptBinding& binding : come) requests_.push_back(BindingChanged{binding, false});
  for (KeptBinding& binding : go) {
    const auto is_same = [&](const KeptBinding& other) { return is_same_name(other, binding); };
    if (std::any_of(come.begin(), come.end(), is_same)) continue;
    requests_.push_back(BindingChanged{std::move(binding), true});
  }
}

// R1.33: a phone that registered again over another way is reached there in its calls, too.
void Exchange::move_calls(Pass& pass, const Registrar::Change& change) {
  calls_.for_each([&](CallId, Call& call) {
    for (Side* side : {&call.a, &call.b}) {
      if (side->kind != Side::Kind::sip || side->account != change.account || side->source != *change.moved_from)
        continue;
      side->source = change.binding.path;
      user_agent_.move_flow(pass, side->session, change.binding.path);
      if (side == &call.b && call.ringing) keep_ringing(pass.now, call);
    }
  });
}

// Advisory 8: a request with both tags from a new source must be proved; otherwise the dialog does not exist for it.
void Exchange::take_verify(Pass& pass, const sip::UserAgentEvent& event) {
  const CallId id{static_cast<uint32_t>(event.cookie >> 32), static_cast<uint32_t>(event.cookie)};
  Call* call = calls_.find(id);
  const Side* side = call == nullptr ? nullptr : side_of(*call, event.session);
  if (side == nullptr) return user_agent_.refuse(pass, 481);
  const Incoming request{user_agent_.message(), user_agent_.path(), user_agent_.protocol()};
  const Party party{side->account, side->source};
  InVerdict verdict = registrar_.vouch(pass.now, request, party);
  for (const auto& other : others_) {
    if (!std::holds_alternative<NotMine>(verdict)) break;
    if (side->module == other->name()) verdict = other->vouch(pass.now, request, party);
  }
  // A peer without an account that we have called or that a trunk has called for: the same address proves it.
  const bool same_address = side->account.empty() && request.path.remote.ip == side->source.remote.ip;
  if (std::holds_alternative<NotMine>(verdict) && same_address) return user_agent_.vouch(pass);
  if (std::holds_alternative<Admitted>(verdict)) return user_agent_.vouch(pass);
  if (const auto* refused = std::get_if<Refuse>(&verdict))
    return user_agent_.refuse(pass, refused->status, refused->headers);
  user_agent_.refuse(pass, 481);
}

// ---- telling

// One transition, told to everybody in the same pass; nobody waits for anybody (R0.8).
void Exchange::tell(Pass& pass, Call& call, CallState state, const Side* silent) {
  CallFacts& facts = call.facts;
  facts.prior = facts.sequence == 0 ? std::nullopt : std::optional(facts.state);
  facts.state = state;
  ++facts.sequence;
  facts.changed = pass.now.wall;
  if (state == CallState::confirmed) facts.confirmed = pass.now.wall;
  const bool to_a = call.a.kind == Side::Kind::client && &call.a != silent;
  // Who is called hears of the call from `calling` on, and nothing of one that ended before.
  const bool is_called =
      state != CallState::pending && !(state == CallState::dropped && facts.prior == CallState::pending);
  const bool to_b = call.b.kind == Side::Kind::client && &call.b != silent && is_called;
  if (to_a) {  // the answer to its offer, the same in ringing and confirmed (R0.12)
    const bool carries = call.a.answered && (state == CallState::ringing || state == CallState::confirmed);
    facts.sdp = carries ? call.a.sdp->last() : std::string{};
    requests_.push_back(TellClient{call.a.client, facts});
  }
  if (to_b) {  // who is called sees an incoming call, and first of all our offer
    CallFacts theirs = facts;
    theirs.direction = CallDirection::incoming;
    theirs.reference.clear();
    theirs.sdp = state == CallState::calling ? call.b.sdp->last() : std::string{};
    requests_.push_back(TellClient{call.b.client, std::move(theirs)});
  }
  facts.sdp.clear();
  if (state == CallState::confirmed)
    facts.sdp = call.a.kind != Side::Kind::client && call.b.kind == Side::Kind::client ? call.b.sdp->last()
                                                                                       : call.a.sdp->last();
  const bool asked = state == CallState::pending && call.ask.has_value();  // the question is the notification
  if (!asked) requests_.push_back(TellServer{facts});
  facts.sdp.clear();
  if (state == CallState::dropped) requests_.push_back(CallEnded{facts});
}

void Exchange::arm_timer(Pass& pass, TimerId& timer, Timer what, Duration in, CallId call, ClientId client) {
  timers_.cancel(timer);
  timer = timers_.set(pass.now.steady + in, Alarm{what, call, client, {}});
}

Exchange::StateCounts Exchange::count_states() const {
  StateCounts out{};
  calls_.for_each([&](CallId, const Call& call) {
    ++out[static_cast<size_t>(call.facts.direction)][static_cast<size_t>(call.facts.state)];
  });
  return out;
}

std::vector<CallFacts> Exchange::list() const {
  std::vector<std::pair<uint64_t, CallFacts>> found;
  calls_.for_each([&](CallId, const Call& call) {
    CallFacts facts = call.facts;
    facts.reaping_legs = call.is_over()
                             ? static_cast<uint8_t>(!call.a.session_gone) + static_cast<uint8_t>(!call.b.session_gone)
                             : uint8_t{0};
    found.emplace_back(call.number, std::move(facts));
  });
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<CallFacts> out;
  out.reserve(found.size());
  for (auto& [number, facts] : found) out.push_back(std::move(facts));
  return out;
}

std::vector<std::string> Exchange::sip_call_ids(std::string_view id) const {
  std::vector<std::string> out;
  const auto found = by_id_.find(id);
  const Call* call = found == by_id_.end() ? nullptr : calls_.find(found->second);
  if (call == nullptr) return out;
  for (const Side* side : {&call->a, &call->b}) {
    const auto facts = side->session ? user_agent_.facts(side->session) : std::nullopt;
    if (facts) out.push_back(facts->call_id);
  }
  return out;
}

std::optional<CallFacts> Exchange::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  const Call* call = found == by_id_.end() ? nullptr : calls_.find(found->second);
  if (call == nullptr) return std::nullopt;
  CallFacts facts = call->facts;
  facts.reaping_legs = call->is_over()
                           ? static_cast<uint8_t>(!call->a.session_gone) + static_cast<uint8_t>(!call->b.session_gone)
                           : uint8_t{0};
  return facts;
}

}  // namespace isthmus::gateway
