// SPDX-License-Identifier: MIT
// What clients and the web server want of calls (R0.4, R0.15, R0.16, R0.20, R0.21, R0.23).
#include <algorithm>

#include "base/text.hpp"
#include "gateway/call/exchange.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxNumber = 128;

// `to` of a client: a user, or a SIP URI of ours. "" when it is neither.
std::string number_of(std::string_view text, const Registrar& registrar) {
  std::string_view user = text;
  const auto uri = sip::parse_uri(text);
  if (uri && uri->is_sip()) {
    if (!registrar.is_own_domain(uri->host)) return {};
    const std::string plain = sip::unescape(uri->user);
    return plain.size() <= kMaxNumber ? plain : std::string{};
  }
  if (user.empty() || user.size() > kMaxNumber) return {};
  const bool plain = std::all_of(user.begin(), user.end(), [](char c) { return is_user_character(c) || c == '#'; });
  return plain ? std::string(user) : std::string{};
}

}  // namespace

void Exchange::done(uint64_t token, CommandError error, const Call* call) {
  if (token == 0) return;
  requests_.push_back(CommandDone{token, error, call == nullptr ? CallFacts{} : call->facts});
}

// A call that this client takes part in; for the web server (no client) any call. Dropped ones are not found.
Call* Exchange::call_of(std::string_view id, ClientId client) {
  const auto found = by_id_.find(id);
  Call* call = found == by_id_.end() ? nullptr : calls_.find(found->second);
  if (call == nullptr || call->is_over()) return nullptr;
  if (client && call->a.client != client && call->b.client != client) return nullptr;
  return call;
}

// ---- clients come and go

void Exchange::obey(Pass&, const ClientUp& command) {
  clients_.add(command.client, command.account, command.identities);
}

void Exchange::obey(Pass& pass, const ClientLost& command) {
  Clients::Client* client = clients_.find(command.client);
  if (client == nullptr || !client->connected) return;
  client->connected = false;
  arm_timer(pass, client->grace, Timer::grace, settings_.client_grace, {}, command.client);
}

void Exchange::obey(Pass&, const ClientBack& command) {
  Clients::Client* client = clients_.find(command.client);
  if (client == nullptr) return;
  client->connected = true;
  timers_.cancel(client->grace);
}

void Exchange::obey(Pass& pass, const ClientGone& command) {
  lose_client(pass, command.client, DropReason::hung_up);
}

void Exchange::lose_client(Pass& pass, ClientId id, DropReason reason) {
  Clients::Client* client = clients_.find(id);
  if (client == nullptr) return;
  timers_.cancel(client->grace);
  clients_.remove(id);
  std::vector<CallId> theirs;
  calls_.for_each([&](CallId call_id, const Call& call) {
    if (!call.is_over() && (call.a.client == id || call.b.client == id)) theirs.push_back(call_id);
  });
  for (const CallId call_id : theirs) {
    Call* call = calls_.find(call_id);
    if (call == nullptr) continue;
    const bool confirmed = call->facts.state == CallState::confirmed;
    const DropReason why = reason == DropReason::hung_up && !confirmed ? DropReason::cancelled : reason;
    const uint16_t code = confirmed ? 0 : why == DropReason::cancelled ? 487 : 480;
    drop(pass, *call, {why, code, {}, 480, {}, id});
  }
  drain(pass);
}

// ---- calls

bool Exchange::is_allowed_target(std::string_view target) const {
  const auto uri = sip::parse_uri(target);
  if (!uri || !uri->is_sip()) return false;
  return std::any_of(settings_.allowed_targets.begin(), settings_.allowed_targets.end(),
                     [&](const std::string& host) { return sip::is_same_host(host, uri->host); });
}

void Exchange::obey(Pass& pass, const MakeCall& command) {
  const Clients::Client* client = clients_.find(command.client);
  if (client == nullptr) return done(command.token, CommandError::unknown_client);
  Parties parties;
  parties.account = client->account;
  parties.from = command.from.empty() ? client->identities.front() : command.from;
  if (std::find(client->identities.begin(), client->identities.end(), parties.from) == client->identities.end()) {
    return done(command.token, CommandError::foreign_identity);
  }
  parties.to = number_of(command.to, registrar_);
  if (parties.to.empty()) return done(command.token, CommandError::bad_number);
  if (!command.target.empty() && !is_allowed_target(command.target))
    return done(command.token, CommandError::foreign_target);
  size_t theirs = 0;
  calls_.for_each([&](CallId, const Call& call) {
    theirs += !call.is_over() && (call.a.client == command.client || call.b.client == command.client) ? 1 : 0;
  });
  if (theirs >= settings_.max_calls_per_client) return done(command.token, CommandError::too_many_calls);
  if (has_no_room()) return done(command.token, CommandError::unavailable);
  auto offer = sdp::parse_remote(command.sdp, sdp::Profile::browser);
  if (!offer || !plan_offer(*offer, sdp::Profile::browser, settings_.codecs))
    return done(command.token, CommandError::unusable_sdp);

  const uint32_t row = router_.row({parties.from, parties.to});
  const Numbers routed = router_.route({parties.from, parties.to});
  parties.from = routed.from;
  parties.to = routed.to;
  const std::string account = client->account;
  const CallId id = new_call(pass, CallDirection::outgoing);
  Call& call = *calls_.find(id);
  call.parties = parties;
  call.make_token = command.token;
  call.a.kind = Side::Kind::client;
  call.a.client = command.client;
  call.a.account = account;
  call.a.module = clients_.name();
  call.facts.origin = call.a.module;
  call.a.offer = std::move(*offer);
  call.facts.client = account;
  call.facts.route = row;
  call.facts.from = parties.from;
  call.facts.to = parties.to;
  call.facts.reference = command.reference;
  OutVerdict verdict = NotMine{};
  if (command.target.empty()) {
    verdict = find_target(pass.now, parties, call.facts.module);
  } else {
    SipTarget dialled;
    dialled.request_uri = dialled.target.uri = command.target;
    verdict = Mine{dialled};
    call.facts.module = "target";
  }
  if (const auto* mine = std::get_if<Mine>(&verdict)) {
    call.target = mine->target;
    if (const auto* sip = std::get_if<SipTarget>(&call.target)) call.facts.target = sip->request_uri;
    if (const auto* to_client = std::get_if<ClientTarget>(&call.target)) call.facts.target = to_client->account;
    if (std::holds_alternative<EchoTarget>(call.target)) call.facts.target = "echo";
    if (settings_.admission == Admission::web_server) return ask_policy(pass, call, PolicyKind::outgoing);
    tell(pass, call, CallState::pending);
    if (settings_.admission == Admission::allow_all) return allowed(pass, call, {}, {});
    return drop(pass, call,
                {DropReason::no_web_server, 403, "no web server is configured that could allow the call", 403, {}, {}});
  }
  tell(pass, call, CallState::pending);
  const auto* refused = std::get_if<Refuse>(&verdict);
  if (refused != nullptr && refused->status == 480)
    return drop(pass, call, {DropReason::unavailable, 480, refused->reason, 480, {}, {}});
  drop(pass, call, {DropReason::not_found, 404, "nobody here takes calls to this number", 404, {}, {}});
}

void Exchange::obey(Pass& pass, const ClientRings& command) {
  Call* call = call_of(command.call, command.client);
  if (call == nullptr) return done(command.token, CommandError::unknown_call);
  if (call->b.client != command.client) return done(command.token, CommandError::wrong_direction, call);
  if (call->facts.state != CallState::calling) return done(command.token, CommandError::wrong_state, call);
  done(command.token, CommandError::none, call);
  ringing(pass, *call, 180, {});
}

void Exchange::obey(Pass& pass, const AcceptCall& command) {
  Call* call = call_of(command.call, command.client);
  if (call == nullptr) return done(command.token, CommandError::unknown_call);
  if (call->b.client != command.client) return done(command.token, CommandError::wrong_direction, call);
  const bool open = (call->facts.state == CallState::calling || call->facts.state == CallState::ringing) && !call->held;
  if (!open) return done(command.token, CommandError::wrong_state, call);
  const auto remote = sdp::parse_remote(command.sdp, sdp::Profile::browser);
  std::optional<sdp::Leg> attempt = call->b.sdp;
  const bool usable = remote && attempt && attempt->accept(*remote);
  done(command.token, usable ? CommandError::none : CommandError::unusable_sdp, call);
  if (usable) return answered(pass, *call, command.sdp);
  drop(pass, *call, {DropReason::media_failed, 488, "the client's answer cannot be used", 488, {}, {}});
}

void Exchange::obey(Pass& pass, const RejectCall& command) {
  Call* call = call_of(command.call, command.client);
  if (call == nullptr) return done(command.token, CommandError::unknown_call);
  if (call->b.client != command.client) return done(command.token, CommandError::wrong_direction, call);
  const bool open = call->facts.state == CallState::calling || call->facts.state == CallState::ringing;
  if (!open) return done(command.token, CommandError::wrong_state, call);
  done(command.token, CommandError::none, call);
  drop(pass, *call,
       {DropReason::rejected,
        command.code,
        std::string(sip::reason_phrase(command.code)),
        command.code,
        {},
        command.client});
}

void Exchange::obey(Pass& pass, const DropCall& command) {
  Call* call = call_of(command.call, command.client);
  if (call == nullptr) return done(command.token, CommandError::unknown_call);
  done(command.token, CommandError::none, call);
  if (!command.client) {
    const bool undecided = call->facts.state == CallState::pending;
    return drop(pass, *call,
                {DropReason::commanded,
                 undecided ? uint16_t{403} : uint16_t{0},
                 "by the web server",
                 undecided ? uint16_t{403} : uint16_t{480},
                 {},
                 {}});
  }
  const bool confirmed = call->facts.state == CallState::confirmed;
  const bool is_callee = call->b.client == command.client && call->a.client != command.client;
  if (confirmed) return drop(pass, *call, {DropReason::hung_up, 0, {}, 480, {}, command.client});
  if (is_callee) return drop(pass, *call, {DropReason::rejected, 603, "Decline", 603, {}, command.client});
  drop(pass, *call, {DropReason::cancelled, 487, "the caller gave up", 487, {}, command.client});
}

void Exchange::obey(Pass&, const SendDigits& command) {
  Call* call = call_of(command.call, command.client);
  if (call == nullptr) return done(command.token, CommandError::unknown_call);
  if (call->facts.state != CallState::confirmed) return done(command.token, CommandError::wrong_state, call);
  const Side& far = call->a.client == command.client ? call->b : call->a;
  const auto events = [](const sdp::Leg& leg) {
    const auto& formats = leg.agreed()->send;
    return std::any_of(formats.begin(), formats.end(),
                       [](const sdp::Format& format) { return sdp::is_telephone_event(format.codec); });
  };
  if (!far.has_media() || !far.sdp || !far.sdp->agreed() || !events(*far.sdp))
    return done(command.token, CommandError::no_dtmf, call);
  if (command.digits.size() > media::kMaxDigits) return done(command.token, CommandError::unavailable, call);
  order(media::SendDtmf{far.leg, command.token, media::Digits::of(command.digits), command.milliseconds});
}

// The engine's word on a SendDigits; the call may have ended meanwhile.
void Exchange::digits_taken(const media::DtmfTaken& taken) {
  const LegRef* ref = legs_.find(taken.leg);
  const Call* call = ref == nullptr ? nullptr : calls_.find(ref->call);
  switch (taken.fault) {
    case media::DtmfFault::none: return done(taken.token, CommandError::none, call);
    case media::DtmfFault::no_format: return done(taken.token, CommandError::no_dtmf, call);
    case media::DtmfFault::no_path: return done(taken.token, CommandError::no_media_path, call);
    case media::DtmfFault::no_room: return done(taken.token, CommandError::unavailable, call);
  }
}

// ---- the web server decides later (X5)

void Exchange::obey(Pass& pass, const AllowCall& command) {
  Call* call = call_of(command.call, {});
  if (call == nullptr) return done(command.token, CommandError::unknown_call);
  if (call->facts.direction != CallDirection::outgoing) return done(command.token, CommandError::wrong_direction, call);
  if (!call->deciding && !(call->ask && call->ask_kind == PolicyKind::outgoing))
    return done(command.token, CommandError::wrong_state, call);
  if (call->ask) asks_.erase(*std::exchange(call->ask, std::nullopt));
  done(command.token, CommandError::none, call);
  allowed(pass, *call, command.from, command.target);
}

void Exchange::obey(Pass& pass, const SwitchCall& command) {
  Call* call = call_of(command.call, {});
  if (call == nullptr) return done(command.token, CommandError::unknown_call);
  if (call->facts.direction != CallDirection::incoming) return done(command.token, CommandError::wrong_direction, call);
  if (!call->deciding && !(call->ask && call->ask_kind == PolicyKind::incoming))
    return done(command.token, CommandError::wrong_state, call);
  if (call->ask) asks_.erase(*std::exchange(call->ask, std::nullopt));
  done(command.token, clients_.newest(command.account) ? CommandError::none : CommandError::client_offline, call);
  allowed(pass, *call, {}, command.account);
}

}  // namespace isthmus::gateway
