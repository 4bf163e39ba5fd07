// SPDX-License-Identifier: MIT
// Orders, answers and time of the media machine; its packets are in engine_packets.cpp.
#include "media/engine.hpp"

#include <algorithm>

namespace isthmus::media {

namespace {

template <class... Fs>
struct Cases : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Cases(Fs...) -> Cases<Fs...>;

constexpr size_t kCnameBits = 96;  // RFC 7022 4.2: a short-term persistent name

HashKey mux_key(const Random& random) {
  Random keys(random.fork("mux"));
  const uint64_t k0 = keys.next();
  return {k0, keys.next()};
}

Rewrite new_stream(Random& random) {
  const auto ssrc = static_cast<uint32_t>(random.next());
  // RFC 3711 3.3.1: a start below 2^15 keeps a lost first packet from being taken for a roll-over.
  const auto sequence = static_cast<uint16_t>(random.below(0x8000));
  return {ssrc, sequence, static_cast<uint32_t>(random.next())};
}

}  // namespace

Engine::Engine(EngineConfig config, const Seed& seed)
    : config_(std::move(config)),
      stun_filter_(config_.stun_sources),
      random_(seed),
      legs_(config_.shard, mux_key(random_)),
      asks_(config_.shard) {}

void Engine::add_shared_port(FlowId flow, const SocketAddress& local) {
  legs_.add_shared(flow, local);
}

void Engine::obey(Pass& pass, const Order& order) {
  std::visit(Cases{[&](const OpenLeg& o) { open(pass, o); },
                   [&](const ArmWebrtc& o) {
                     if (Leg* leg = known(o.leg)) arm(pass, *leg, o);
                   },
                   [&](const ArmRtp& o) {
                     if (Leg* leg = known(o.leg)) arm(pass, *leg, o);
                   },
                   [&](const JoinLegs& o) {
                     Leg* a = known(o.a);
                     Leg* b = o.a == o.b ? a : known(o.b);
                     if (a != nullptr && b != nullptr) join(*a, *b);
                   },
                   [&](const SwitchLeg& o) {
                     if (Leg* leg = known(o.leg)) turn(pass, *leg, o);
                   },
                   [&](const SendDtmf& o) { tell(DtmfTaken{o.leg, o.token, say(pass, o)}); },
                   [&](const CloseLeg& o) { close(pass, o.leg); }},
             order);
}

Leg* Engine::known(LegId id) {
  Leg* leg = legs_.find(id);
  if (leg == nullptr) tell(LegFailed{id, LegFault::no_such_leg});
  return leg;
}

void Engine::open(Pass& pass, const OpenLeg& order) {
  if (!order.leg || legs_.size() >= config_.max_legs || legs_.find(order.leg) != nullptr) {
    return tell(LegFailed{order.leg, LegFault::limit});
  }
  if (order.kind == LegKind::webrtc) return open_webrtc(order);
  open_rtp(pass, order);
}

void Engine::open_rtp(Pass& pass, const OpenLeg& order) {
  const Rewrite stream = new_stream(random_);
  const RtcpSession control(stream.ssrc(), RtcpSession::Cname::of(random_.token(kCnameBits)));
  Leg& leg = legs_.open(order.leg, stream, control, std::in_place_type<RtpLeg>);
  leg.open_by = pass.now.steady + kBindLimit;
  leg.ask = {Room::engine, asks_.insert(PendingBind{order.leg})};
  pass.out.bind(leg.ask, order.local.family == Family::none ? config_.rtp_bind : order.local, true);
  settle(leg);
}

void Engine::open_webrtc(const OpenLeg& order) {
  LegReady ready;
  ready.leg = order.leg;
  ready.address_count = static_cast<uint8_t>(browser_addresses(ready));
  if (config_.webrtc.dtls == nullptr || ready.address_count == 0) {
    return tell(LegFailed{order.leg, LegFault::no_ports});
  }
  const Rewrite stream = new_stream(random_);
  const RtcpSession control(stream.ssrc(), RtcpSession::Cname::of(random_.token(kCnameBits)));
  Leg& leg = legs_.open(order.leg, stream, control, std::in_place_type<WebrtcLeg>,
                        ice::make_credentials(random_, config_.shard), config_.webrtc);
  const ice::Credentials& local = leg.webrtc()->local();
  if (!legs_.add_fragment(leg, local.ufrag)) {
    legs_.close(leg);
    return tell(LegFailed{order.leg, LegFault::limit});
  }
  leg.ready = true;
  ready.local = {Ufrag::of(local.ufrag), Password::of(local.password)};
  ready.fingerprint = config_.webrtc.dtls->fingerprint();
  tell(ready);
}

size_t Engine::browser_addresses(LegReady& ready) const {
  const auto& bound = legs_.shared_locals();
  size_t count = 0;
  for (SocketAddress address : config_.browser_addresses.empty() ? bound : config_.browser_addresses) {
    if (address.port == 0 && !bound.empty()) address.port = bound.front().port;
    if (count == kMaxLocalAddresses || bound.empty() || address.ip.is_unspecified()) continue;
    ready.addresses[count++] = address;
  }
  return count;
}

void Engine::answer(Pass& pass, AskId ask, const Answer& reply) {
  const PortFacts* ports = std::get_if<PortFacts>(&reply);
  const PendingBind* pending = ask.room == Room::engine ? asks_.find(ask.ask) : nullptr;
  Leg* leg = pending != nullptr ? legs_.find(pending->leg) : nullptr;
  asks_.erase(ask.ask);
  if (leg == nullptr) {
    ++late_answers_;
    if (ports == nullptr || legs_.port(ports->rtp).use != PortUse::none) return;
    pass.out.close(ports->rtp, CloseReason::done);
    if (ports->rtcp) pass.out.close(ports->rtcp, CloseReason::done);
    return;
  }
  leg->ask = {};
  if (ports != nullptr && ports->rtp && ports->rtcp) return bound(pass, *leg, *ports);
  const LegId id = leg->id;
  discard(pass, *leg);
  tell(LegFailed{id, LegFault::no_ports});
}

IpAddress Engine::told_instead_of(const IpAddress& bound) const {
  if (bound.is_loopback()) return bound;
  const IpAddress& advertised = config_.rtp_advertised.of(bound);
  if (advertised.family != Family::none) return advertised;
  const IpAddress& any = config_.rtp_any.of(bound);
  return bound.is_unspecified() && any.family != Family::none ? any : bound;
}

void Engine::bound(Pass&, Leg& leg, const PortFacts& ports) {
  legs_.add_ports(leg, ports);
  leg.plain()->bound(ports);
  leg.open_by = kNever;
  leg.ready = true;
  LegReady ready;
  ready.leg = leg.id;
  ready.addresses[0] = ports.rtp_local;
  ready.addresses[1] = ports.rtcp_local;
  ready.address_count = 2;
  const IpAddress told = told_instead_of(ports.rtp_local.ip);
  for (size_t i = 0; i < 2; ++i) ready.addresses[i].ip = told;
  tell(ready);
}

void Engine::arm(Pass& pass, Leg& leg, const ArmWebrtc& order) {
  WebrtcLeg* browser = leg.webrtc();
  if (browser == nullptr) return tell(LegFailed{leg.id, LegFault::no_such_leg});
  leg.payloads = PayloadTable(order.payloads);
  rebridge(leg);
  browser->arm(pass, order);
  tell_webrtc(pass, leg);
  settle(leg);
}

void Engine::arm(Pass& pass, Leg& leg, const ArmRtp& order) {
  RtpLeg* rtp = leg.plain();
  if (rtp == nullptr || !leg.ready) return tell(LegFailed{leg.id, LegFault::no_such_leg});
  leg.payloads = PayloadTable(order.payloads);
  rebridge(leg);
  const bool was_listening = leg.is_listening();
  rtp->arm(order, pass.now.steady, config_.allow_loopback_targets);
  if (!was_listening) leg.quiet_since = pass.now.steady;
  leg.rtcp.start(pass.now.steady, random_);
  settle(leg);
}

void Engine::join(Leg& a, Leg& b) {
  if (a.partner == b.handle && b.partner == a.handle) return;
  part(a);
  part(b);
  a.partner = b.handle;
  b.partner = a.handle;
  rebridge(a);
}

void Engine::part(Leg& leg) {
  Leg* other = legs_.find(std::exchange(leg.partner, LegHandle{}));
  if (other != nullptr) other->partner = {};
}

void Engine::rebridge(Leg& leg) {
  Leg* other = legs_.find(leg.partner);
  if (other == nullptr) return;
  leg.bridge = PayloadBridge(leg.payloads, other->payloads);
  other->bridge = PayloadBridge(other->payloads, leg.payloads);
}

void Engine::turn(Pass& pass, Leg& leg, const SwitchLeg& order) {
  if (order.receive && !leg.receive) {
    leg.quiet_since = pass.now.steady;
    leg.silent = false;
  }
  leg.receive = order.receive;
  leg.send = order.send;
  settle(leg);
}

DtmfFault Engine::say(Pass& pass, const SendDtmf& order) {
  static_assert(kMaxDigits <= kMaxQueuedDigits);
  Leg* leg = legs_.find(order.leg);
  if (leg == nullptr) return DtmfFault::no_path;
  const std::string_view digits = order.digits.view();
  const bool has_events =
      std::all_of(digits.begin(), digits.end(), [](char c) { return event_of_digit(c).has_value(); });
  if (!has_events || leg->payloads.event() == nullptr) return DtmfFault::no_format;
  if (!leg->send || leg->media_path() == nullptr) return DtmfFault::no_path;
  if (leg->said.room() < digits.size()) return DtmfFault::no_room;
  for (const char digit : digits) leg->said.queue(digit, order.milliseconds);
  say_events(pass, *leg);
  settle(*leg);
  return DtmfFault::none;
}

void Engine::close(Pass& pass, LegId id) {
  Leg* leg = legs_.find(id);
  if (leg == nullptr) return tell(LegGone{id, {}});
  std::array<std::byte, kMaxOwnRtcp> room;
  leg->send_rtcp(pass, leg->rtcp.bye(room, pass.now));
  if (WebrtcLeg* browser = leg->webrtc()) browser->close(pass);
  const LegGone gone{id, leg->report()};
  discard(pass, *leg);
  tell(gone);
}

void Engine::discard(Pass& pass, Leg& leg) {
  part(leg);
  timers_.cancel(leg.timer);
  if (leg.ask.ask) {
    asks_.erase(leg.ask.ask);
    pass.out.forget(leg.ask);
  }
  if (const RtpLeg* rtp = leg.plain(); rtp != nullptr && rtp->is_bound()) {
    pass.out.close(rtp->ports().rtp, CloseReason::done);
    pass.out.close(rtp->ports().rtcp, CloseReason::done);
  }
  legs_.close(leg);
}

void Engine::expire(Pass& pass) {
  while (const auto due = timers_.take_due(pass.now.steady)) {
    Leg* leg = legs_.find(*due);
    if (leg == nullptr) continue;
    leg->timer_at = kNever;
    expire_leg(pass, *leg);
  }
}

// One timer serves all deadlines of a leg; packets only ever move a deadline later, so an early timer looks again.
void Engine::expire_leg(Pass& pass, Leg& leg) {
  const TimePoint now = pass.now.steady;
  if (now >= leg.open_by) {
    const LegId id = leg.id;
    discard(pass, leg);
    return tell(LegFailed{id, LegFault::no_ports});
  }
  if (WebrtcLeg* browser = leg.webrtc()) {
    browser->expire(pass);
    tell_webrtc(pass, leg);
  }
  if (now >= leg.rtcp.due()) report(pass, leg);
  say_events(pass, leg);
  if (const auto digit = leg.heard.expire(now)) tell(DtmfReceived{leg.id, digit->digit, digit->milliseconds});
  if (leg.is_listening() && !leg.silent && now - leg.quiet_since >= config_.silence_limit) {
    leg.silent = true;
    tell(LegSilent{leg.id});
  }
  // OpenSSL keeps a clock of its own: what it still calls due must not come back in this very pass.
  settle(leg, now + std::chrono::milliseconds(1));
}

void Engine::settle(Leg& leg, TimePoint not_before) {
  const TimePoint next = std::max(leg.next_deadline(config_.silence_limit), not_before);
  if (next == kNever || next >= leg.timer_at) return;
  timers_.cancel(leg.timer);
  leg.timer = timers_.set(next, leg.handle);
  leg.timer_at = next;
}

void Engine::say_events(Pass& pass, Leg& leg) {
  const Payload* event = leg.payloads.event();
  const Payload* audio = leg.payloads.audio();
  if (!leg.said.is_busy()) return;
  if (event == nullptr || leg.media_path() == nullptr) {
    leg.said = {};
    return tell(DtmfUnsendable{leg.id});
  }
  const uint32_t line = audio != nullptr ? audio->clock : event->clock;
  const auto step =
      leg.said.step(pass.now.steady, event->clock, [&] { return leg.out.timestamp_at(line, pass.now.steady); });
  if (!step) return;
  Rewrite::Heading heading = leg.out.own(step->timestamp, pass.now.steady);
  heading.marker = step->marker;
  leg.send_rtp(pass, event->number, heading, step->payload);
}

void Engine::report(Pass& pass, Leg& leg) {
  const Payload* audio = leg.payloads.audio();
  const uint32_t timestamp = leg.out.line_at(audio != nullptr ? audio->clock : 8000, pass.now.steady);
  std::array<std::byte, kMaxOwnRtcp> room;
  leg.send_rtcp(pass, leg.rtcp.report(room, pass.now, timestamp));
  leg.rtcp.next(pass.now.steady, random_);
}

void Engine::tell_webrtc(Pass& pass, Leg& leg) {
  while (const auto news = leg.webrtc()->poll_news()) {
    if (!news->connected) {
      tell(LegFailed{leg.id, news->fault});
      continue;
    }
    const Path* path = leg.media_path();
    leg.quiet_since = pass.now.steady;
    leg.rtcp.start(pass.now.steady, random_);
    tell(LegConnected{leg.id, path != nullptr ? path->remote : SocketAddress{}});
  }
}

void Engine::tell(const Event& event) {
  if (events_.size() >= kMaxWaitingEvents) {
    events_.pop_front();
    ++lost_events_;
  }
  events_.push_back(event);
}

std::optional<Event> Engine::poll_event() {
  if (events_.empty()) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

std::optional<LegReport> Engine::report(LegId id) const {
  const Leg* leg = legs_.find(id);
  return leg == nullptr ? std::nullopt : std::optional(leg->report());
}

Census Engine::census() const {
  Census census;
  census[Census::media_legs] = static_cast<uint32_t>(legs_.size());
  census[Census::ports] = static_cast<uint32_t>(legs_.leg_ports());
  census[Census::asks] = static_cast<uint32_t>(asks_.size());
  census[Census::timers] = static_cast<uint32_t>(timers_.size());
  return census;
}

}  // namespace isthmus::media
