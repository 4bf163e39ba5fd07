// SPDX-License-Identifier: MIT
#include "sip/user_agent.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace isthmus::sip {
namespace {

constexpr std::string_view kAllow = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, REGISTER";
constexpr std::string_view kSupported = "timer";

uint64_t packed(ServerId id) {
  return uint64_t{id.slot} << 32 | id.generation;
}
template <class Tag>
Id<Tag> unpacked(uint64_t value) {
  return {static_cast<uint32_t>(value >> 32), static_cast<uint32_t>(value)};
}

HashKey hash_key(const Random& random, std::string_view name) {
  Random fork(random.fork(name));
  return {fork.next(), fork.next()};
}

}  // namespace

std::string_view word(LegState state) {
  switch (state) {
    case LegState::received: return "received";
    case LegState::early: return "early";
    case LegState::completed: return "completed";
    case LegState::calling: return "calling";
    case LegState::proceeding: return "proceeding";
    case LegState::ready: return "ready";
    case LegState::terminating: return "terminating";
  }
  return "";
}

UserAgent::UserAgent(UserAgentConfig config, const Seed& seed)
    : config_(std::move(config)),
      endpoint_(config_.endpoint, Random(seed).fork("endpoint")),
      sessions_(config_.endpoint.shard),
      registrations_(config_.endpoint.shard),
      by_tag_(8, TextHash{hash_key(Random(seed), "tags")}),
      known_pings_({config_.max_options_per_source, 0}, hash_key(Random(seed), "known pings")),
      strange_pings_({config_.max_options_per_source, config_.max_options_of_strangers},
                     hash_key(Random(seed), "strange pings")) {}

void UserAgent::receive(Pass& pass, const Path& path, Bytes bytes) {
  endpoint_.receive(pass, path, bytes);
  drain(pass);
}
bool UserAgent::proceed(Pass& pass) {
  const bool more = endpoint_.proceed(pass);
  drain(pass);
  return more;
}
void UserAgent::flow_up(Pass& pass, const FlowFacts& facts) {
  endpoint_.flow_up(pass, facts);
  drain(pass);
}
void UserAgent::flow_down(Pass& pass, FlowId flow, Fault why) {
  endpoint_.flow_down(pass, flow, why);
  drain(pass);
}
void UserAgent::unreachable(Pass& pass, const Path& path, Fault why) {
  endpoint_.unreachable(pass, path, why);
  drain(pass);
}
void UserAgent::answer(Pass& pass, AskId ask, const Answer& reply) {
  endpoint_.answer(pass, ask, reply);
  drain(pass);
}

void UserAgent::expire(Pass& pass) {
  endpoint_.expire(pass);
  drain(pass);
  while (const auto due = timers_.take_due(pass.now.steady)) {
    InviteUsage* session = sessions_.find(due->session);
    if (session == nullptr) continue;
    UsageContext context = this->context(pass);
    session->expired(context, due->timer);
    drain(pass);
    settle(pass, due->session);
  }
  while (const auto due = registration_timers_.take_due(pass.now.steady)) {
    if (Registration* registration = registrations_.find(*due)) registration->refresh(pass, endpoint_);
    drain(pass);
  }
}

TimePoint UserAgent::next_deadline() const {
  return std::min({endpoint_.next_deadline(), timers_.next(), registration_timers_.next()});
}

std::optional<UserAgentEvent> UserAgent::poll_event() {
  if (events_.empty()) return std::nullopt;
  const UserAgentEvent event = events_.front();
  events_.pop_front();
  return event;
}

Census UserAgent::census() const {
  Census out = endpoint_.census();
  sessions_.for_each(
      [&](SessionId, const InviteUsage& session) { ++out[session.is_ending() ? Census::reaping : Census::sessions]; });
  out[Census::registrations] += static_cast<uint32_t>(registrations_.size());
  out[Census::timers] += static_cast<uint32_t>(timers_.size() + registration_timers_.size());
  return out;
}

// ---- events of the endpoint

void UserAgent::drain(Pass& pass) {
  while (const auto event = endpoint_.poll_event()) take(pass, *event);
}

void UserAgent::take(Pass& pass, const EndpointEvent& event) {
  UsageContext context = this->context(pass);
  switch (event.kind) {
    case EndpointEventKind::request: return take_request(pass);
    case EndpointEventKind::ack: return take_ack(pass);
    case EndpointEventKind::response: return take_response(pass, event);
    case EndpointEventKind::cancelled:
    case EndpointEventKind::server_gone: {
      const auto found = by_server_.find(packed(event.server));
      if (found == by_server_.end()) return;
      const SessionId id = found->second;
      if (event.kind == EndpointEventKind::server_gone) by_server_.erase(found);
      InviteUsage* session = sessions_.find(id);
      if (session == nullptr) return;
      if (event.kind == EndpointEventKind::cancelled) {
        session->cancelled(context, event.server);
      } else {
        session->server_gone(context, event.server, event.status);
      }
      return settle(pass, id);
    }
    case EndpointEventKind::failed:
    case EndpointEventKind::cancel_done: {
      const auto purpose = static_cast<Purpose>(event.cookie.purpose);
      if (purpose == Purpose::registration) {
        if (event.kind == EndpointEventKind::failed)
          registration_outcome(pass, unpacked<RegistrationTag>(event.cookie.owner), event.status);
        return;
      }
      const auto id = unpacked<SessionTag>(event.cookie.owner);
      InviteUsage* session = sessions_.find(id);
      if (session == nullptr) return;
      if (event.kind == EndpointEventKind::failed) {
        session->failed(context, purpose, event.cookie.detail, event.status);
      } else {
        session->cancel_done(context, event.status);
      }
      return settle(pass, id);
    }
    case EndpointEventKind::stray_response: {
      const SessionId id = find_session(message(), message().from_tag());
      InviteUsage* session = sessions_.find(id);
      if (session == nullptr) return endpoint_.count(SipDrop::stray_response);  // D10: an answer would reflect
      session->stray_2xx(context);
      return settle(pass, id);
    }
  }
}

void UserAgent::take_response(Pass& pass, const EndpointEvent& event) {
  const auto purpose = static_cast<Purpose>(event.cookie.purpose);
  if (purpose == Purpose::registration)
    return registration_outcome(pass, unpacked<RegistrationTag>(event.cookie.owner), 0);
  const auto id = unpacked<SessionTag>(event.cookie.owner);
  UsageContext context = this->context(pass);
  if (InviteUsage* session = sessions_.find(id)) {
    session->response(context, purpose, event.cookie.detail, event.request);
    return settle(pass, id);
  }
  // The session is gone, its INVITE's transaction is not: a further 2xx gets its ACK and a BYE (D4, D8, 13.2.2.4).
  if (purpose == Purpose::bye || message().status_class() != 2) return;
  const SessionId orphan = find_session(message(), message().from_tag());
  if (InviteUsage* session = sessions_.find(orphan)) {
    session->response(context, Purpose::invite, 0, event.request);
    return settle(pass, orphan);
  }
  if (orphans_ >= config_.max_orphans) return endpoint_.count(SipDrop::overload);
  ++orphans_;
  const SessionId reaper = sessions_.reserve();
  sessions_.fill(reaper, InviteUsage(context, reaper, event.request, config_.digests));
  by_tag_.emplace(sessions_.find(reaper)->local_tag(), reaper);
  settle(pass, reaper);
}

SessionId UserAgent::find_session(const Message& message, std::string_view local_tag) const {
  const auto [first, last] = by_tag_.equal_range(local_tag);
  for (auto it = first; it != last; ++it) {
    const InviteUsage* session = sessions_.find(it->second);
    if (session != nullptr && session->call_id() == message.call_id()) return it->second;
  }
  return {};
}

void UserAgent::take_ack(Pass& pass) {
  const SessionId id = find_session(message(), message().to_tag());
  InviteUsage* session = sessions_.find(id);
  if (session == nullptr || !session->is_dialog_of(message())) return endpoint_.count(SipDrop::stray_ack);
  UsageContext context = this->context(pass);
  session->acknowledged(context);
  settle(pass, id);
}

// What every request must satisfy before anybody looks at what it wants (RFC 3261 8.2, 16.3).
bool UserAgent::check_request(Pass& pass) {
  if (message().max_forwards() == 0 && message().method() != Method::options) {
    endpoint_.respond_stateless(pass, 483);
    return false;
  }
  Draft unsupported;
  for (const Header header : {Header::require, Header::proxy_require}) {
    for (const std::string_view option : message().elements(header)) {
      if (!equals_ignore_case(option, "timer")) unsupported.add(Header::unsupported, option);
    }
  }
  if (unsupported.line_count() > 0) {
    endpoint_.respond_stateless(pass, 420, &unsupported);
    return false;
  }
  return true;
}

void UserAgent::take_request(Pass& pass) {
  if (!check_request(pass)) return;
  if (!message().to_tag().empty()) return take_in_dialog(pass);
  const Uri target = message().request_uri_parsed();
  if (message().method() == Method::options && target.is_sip() && target.user.empty()) {
    SourceLimit& limit = is_of_known_source() ? known_pings_ : strange_pings_;
    if (!limit.allows(path().remote.ip, pass.now.steady)) return endpoint_.count(SipDrop::rate_limited);
    Draft extra;
    extra.add(Header::allow, kAllow);
    extra.add(Header::accept, "application/sdp");
    extra.add(Header::supported, kSupported);
    endpoint_.respond_stateless(pass, 200, &extra);
    return;
  }
  events_.push_back({.kind = UserAgentEventKind::request, .has_message = true});
}

// Advisory 8: OPTIONS is answered to everybody, but not without end, and a flood of strangers is the loss of strangers
// alone: not of streams, whose handshake proves their address, nor of registered phones and peers known by address.
bool UserAgent::is_of_known_source() const {
  if (is_reliable(protocol()) || endpoint_.keeps_alive(path())) return true;
  return std::any_of(known_sources_.begin(), known_sources_.end(),
                     [&](const Prefix& known) { return known.contains(path().remote.ip); });
}

void UserAgent::take_in_dialog(Pass& pass) {
  const SessionId id = find_session(message(), message().to_tag());
  InviteUsage* session = sessions_.find(id);
  if (session == nullptr || !session->is_dialog_of(message())) {
    endpoint_.respond_stateless(pass, 481);
    return;
  }
  if (session->is_known_source(endpoint_)) return deliver(pass, id);
  in_hand_ = id;
  events_.push_back({.kind = UserAgentEventKind::verify,
                     .session = id,
                     .cookie = session->cookie(),
                     .status = 0,
                     .has_message = true,
                     .registration = {}});
}

void UserAgent::deliver(Pass& pass, SessionId id) {
  UsageContext context = this->context(pass);
  InviteUsage* session = sessions_.find(id);
  const ServerId before = endpoint_.last_admitted();
  const bool invite = message().method() == Method::invite;
  session->request(context);
  if (const ServerId admitted = endpoint_.last_admitted(); invite && admitted != before)
    by_server_[packed(admitted)] = id;
  drain(pass);
  settle(pass, id);
}

// ---- the owner's verbs

void UserAgent::vouch(Pass& pass) {
  InviteUsage* session = sessions_.find(in_hand_);
  if (session == nullptr) return;
  session->believe_source(endpoint_);
  deliver(pass, std::exchange(in_hand_, SessionId{}));
}

void UserAgent::refuse(Pass& pass, int status, const std::vector<HeaderLine>& headers) {
  Draft extra;
  for (const HeaderLine& line : headers) extra.add_text(line.name, line.value);
  if (status == 405) extra.add(Header::allow, kAllow);
  endpoint_.respond_stateless(pass, status, &extra);
}

void UserAgent::respond(Pass& pass, int status, const std::vector<HeaderLine>& headers) {
  if (const ServerId server = hold(pass)) respond(pass, server, status, headers);
}

void UserAgent::respond(Pass& pass, ServerId held, int status, const std::vector<HeaderLine>& headers) {
  Draft draft = endpoint_.response(held, status);
  for (const HeaderLine& line : headers) draft.add_text(line.name, line.value);
  endpoint_.respond(pass, held, draft);
  drain(pass);
}

SessionId UserAgent::admit(Pass& pass, const AdmitSpec& spec) {
  if (sessions_.size() >= config_.max_sessions) {
    refuse(pass, 503, {{"Retry-After", "5"}});
    return {};
  }
  const ServerId server = endpoint_.admit(pass);
  if (!server) return {};
  UsageContext context = this->context(pass);
  const SessionId id = sessions_.reserve();
  sessions_.fill(id, InviteUsage(context, id, server, spec, config_.digests));
  by_tag_.emplace(sessions_.find(id)->local_tag(), id);
  by_server_[packed(server)] = id;
  return id;
}

SessionId UserAgent::invite(Pass& pass, InviteSpec spec, uint64_t cookie) {
  if (sessions_.size() >= config_.max_sessions) return {};
  UsageContext context = this->context(pass);
  const SessionId id = sessions_.reserve();
  sessions_.fill(id, InviteUsage(context, id, std::move(spec), cookie, config_.digests));
  by_tag_.emplace(sessions_.find(id)->local_tag(), id);
  drain(pass);
  return id;
}

template <class Verb>
void UserAgent::with(Pass& pass, SessionId id, Verb verb) {
  InviteUsage* session = sessions_.find(id);
  if (session == nullptr) return;
  UsageContext context = this->context(pass);
  verb(*session, context);
  drain(pass);
  settle(pass, id);
}

void UserAgent::ring(Pass& pass, SessionId id, int status, std::string_view body) {
  with(pass, id, [&](InviteUsage& session, UsageContext& context) { session.ring(context, status, body); });
}
void UserAgent::accept(Pass& pass, SessionId id, std::string_view body) {
  with(pass, id, [&](InviteUsage& session, UsageContext& context) { session.accept(context, body); });
}
void UserAgent::modify(Pass& pass, SessionId id, std::string body) {
  with(pass, id, [&](InviteUsage& session, UsageContext& context) { session.modify(context, std::move(body)); });
}
void UserAgent::answer(Pass& pass, SessionId id, std::string_view body) {
  with(pass, id, [&](InviteUsage& session, UsageContext& context) { session.answer(context, body); });
}
void UserAgent::reject(Pass& pass, SessionId id, int status, const std::vector<HeaderLine>& headers) {
  with(pass, id, [&](InviteUsage& session, UsageContext& context) { session.reject(context, status, headers); });
}
void UserAgent::end(Pass& pass, SessionId id, const EndReason& reason) {
  with(pass, id, [&](InviteUsage& session, UsageContext& context) { session.end(context, reason); });
}
void UserAgent::move_flow(Pass& pass, SessionId id, const Path& path) {
  with(pass, id, [&](InviteUsage& session, UsageContext& context) { session.move_flow(context, path); });
}

// A session that has nothing left to do is taken out, and `gone` is the last that is heard of it.
void UserAgent::settle(Pass& pass, SessionId id) {
  InviteUsage* session = sessions_.find(id);
  if (session == nullptr || !session->is_done()) return;
  UsageContext context = this->context(pass);
  session->clear_timers(context);
  if (session->was_forced()) ++forced_;
  if (session->is_orphan()) --orphans_;
  const auto [first, last] = by_tag_.equal_range(session->local_tag());
  for (auto it = first; it != last; ++it) {
    if (it->second != id) continue;
    by_tag_.erase(it);
    break;
  }
  const uint64_t cookie = session->cookie();
  sessions_.erase(id);
  events_.push_back({.kind = UserAgentEventKind::gone,
                     .session = id,
                     .cookie = cookie,
                     .status = 0,
                     .has_message = false,
                     .registration = {}});
}

std::optional<CallOff> UserAgent::cancel_of(SessionId id) const {
  const InviteUsage* session = sessions_.find(id);
  return session == nullptr ? std::nullopt : endpoint_.cancel_of(session->invite());
}

void UserAgent::call_off(Pass& pass, const CallOff& lost) {
  endpoint_.call_off(pass, lost);
  drain(pass);
}

std::optional<UserAgent::SessionFacts> UserAgent::facts(SessionId id) const {
  const InviteUsage* session = sessions_.find(id);
  if (session == nullptr) return std::nullopt;
  SessionFacts out;
  out.call_id = session->call_id();
  out.local_tag = session->local_tag();
  out.reaping = session->is_ending();
  out.caller = session->is_caller();
  out.state = session->leg_state();
  out.user_agent = session->peer_agent();
  if (out.caller) {
    out.from = session->spec().from;
    out.to = session->spec().to;
    out.remote_target = session->spec().request_uri;
  }
  if (const Dialog* dialog = session->dialog()) {
    if (!out.caller) {
      out.from = dialog->remote_party;
      out.to = dialog->local_party;
    }
    out.remote_tag = dialog->remote_tag;
    out.remote_target = dialog->remote_target;
    out.source = dialog->source;
  }
  return out;
}

// ---- registrations of ours

RegistrationId UserAgent::enroll(Pass& pass, RegistrationSpec spec) {
  const RegistrationId id = registrations_.reserve();
  registrations_.fill(id, Registration(pass, endpoint_, id, std::move(spec), config_.digests));
  drain(pass);
  return id;
}

void UserAgent::withdraw(Pass& pass, RegistrationId id) {
  Registration* registration = registrations_.find(id);
  if (registration == nullptr) return;
  registration_timers_.cancel(registration->timer());
  registration->withdraw(pass, endpoint_);
  drain(pass);
}

void UserAgent::registration_outcome(Pass& pass, RegistrationId id, uint16_t failure) {
  Registration* registration = registrations_.find(id);
  if (registration == nullptr) return;
  const Registration::Outcome outcome =
      failure == 0 ? registration->response(pass, endpoint_) : registration->failed(pass, failure);
  if (!outcome.changed) return;
  registration_timers_.cancel(registration->timer());
  if (outcome.next != kNever) registration->timer() = registration_timers_.set(outcome.next, id);
  events_.push_back({.kind = UserAgentEventKind::registration,
                     .session = {},
                     .cookie = 0,
                     .status = outcome.status,
                     .has_message = failure == 0,
                     .registration = id});
  if (registration->is_over()) registrations_.erase(id);
}

}  // namespace isthmus::sip
