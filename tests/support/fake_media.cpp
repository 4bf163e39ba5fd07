// SPDX-License-Identifier: MIT
#include "tests/support/fake_media.hpp"

#include <algorithm>

namespace isthmus::test {

using namespace media;

namespace {

template <class... Fs>
struct Cases : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Cases(Fs...) -> Cases<Fs...>;

bool has_peer(const FakeMedia::Leg& leg) {
  return leg.webrtc.has_value() || (leg.rtp && leg.rtp->remote.is_set() && !leg.rtp->remote.ip.is_unspecified());
}

}  // namespace

static_assert(Machine<FakeMedia>);

void FakeMedia::obey(Pass& pass, const Order& order) {
  orders_.push_back(order);
  std::visit(Cases{[&](const OpenLeg& o) { open(pass, o); },
                   [&](const ArmWebrtc& o) {
                     if (Leg* leg = known(o.leg)) {
                       leg->webrtc = o;
                       armed(pass, *leg, true);
                     }
                   },
                   [&](const ArmRtp& o) {
                     if (Leg* leg = known(o.leg)) {
                       leg->rtp = o;
                       armed(pass, *leg, has_peer(*leg));
                     }
                   },
                   [&](const JoinLegs& o) {
                     Leg* a = known(o.a);
                     Leg* b = known(o.b);
                     if (a == nullptr || b == nullptr) return;
                     release(o.a);
                     release(o.b);
                     a->partner = o.b;
                     b->partner = o.a;
                   },
                   [&](const SwitchLeg& o) {
                     if (Leg* leg = known(o.leg)) {
                       leg->receive = o.receive;
                       leg->send = o.send;
                     }
                   },
                   [&](const SendDtmf& o) { events_.push_back(DtmfTaken{o.leg, o.token, say(o)}); },
                   [&](const CloseLeg& o) {
                     const auto found = legs_.find(o.leg);
                     if (found != legs_.end()) found->second.closing = true;
                     if (found == legs_.end() || script_.gone_by_itself) let_go(o.leg);
                   }},
             order);
}

void FakeMedia::open(Pass& pass, const OpenLeg& order) {
  if (legs_.contains(order.leg) || legs_.size() >= script_.max_legs) {
    events_.push_back(LegFailed{order.leg, LegFault::limit});
    return;
  }
  Leg& leg = legs_[order.leg];
  leg.id = order.leg;
  leg.kind = order.kind;
  LegReady& facts = leg.facts;
  facts.leg = order.leg;
  if (order.kind == LegKind::webrtc) {
    facts.addresses[0] = {IpAddress::v4(192, 0, 2, 1), 7000};
    facts.address_count = 1;
    facts.local.ufrag = Ufrag::of("fake" + std::to_string(order.leg.slot) + "x" + std::to_string(order.leg.generation));
    facts.local.password = Password::of("fakepasswordfakepassword" + std::to_string(order.leg.slot));
    facts.fingerprint.size = 32;
    for (uint8_t i = 0; i < 32; ++i) facts.fingerprint.octets[i] = i;
  } else {
    facts.addresses[0] = {IpAddress::v4(192, 0, 2, 1), next_port_};
    facts.addresses[1] = {IpAddress::v4(192, 0, 2, 1), static_cast<uint16_t>(next_port_ + 1)};
    facts.address_count = 2;
    next_port_ = next_port_ >= 60000 ? 20000 : static_cast<uint16_t>(next_port_ + 2);
  }
  if (script_.ready_after > Duration{}) {
    timers_.set(pass.now.steady + script_.ready_after, {order.leg, Step::ready});
  } else {
    step(leg, Step::ready);
  }
}

DtmfFault FakeMedia::say(const SendDtmf& order) {
  const auto found = legs_.find(order.leg);
  if (found == legs_.end()) return DtmfFault::no_path;
  Leg& leg = found->second;
  const PayloadMap map = leg.rtp ? leg.rtp->payloads : leg.webrtc ? leg.webrtc->payloads : PayloadMap{};
  const auto is_event = [](const Payload& one) { return one.codec == Codec::telephone_event; };
  if (std::none_of(map.entries.begin(), map.entries.begin() + map.count, is_event)) return DtmfFault::no_format;
  const bool has_path = leg.kind == LegKind::rtp ? has_peer(leg) : leg.connected;
  if (!leg.send || !has_path) return DtmfFault::no_path;
  if (leg.digits.size() + order.digits.size > script_.digit_room) return DtmfFault::no_room;
  leg.digits += order.digits.view();
  return DtmfFault::none;
}

void FakeMedia::armed(Pass& pass, Leg& leg, bool peer) {
  ++leg.armed;
  if (!peer || leg.connected || !script_.connects) return;
  if (script_.connected_after > Duration{}) {
    timers_.set(pass.now.steady + script_.connected_after, {leg.id, Step::connected});
  } else {
    step(leg, Step::connected);
  }
}

void FakeMedia::step(Leg& leg, Step what) {
  if (what == Step::ready) {
    if (script_.open_fails) {
      events_.push_back(LegFailed{leg.id, *script_.open_fails});
      legs_.erase(LegId(leg.id));
      return;
    }
    leg.ready = true;
    events_.push_back(leg.facts);
    return;
  }
  if (script_.connect_fails) {
    fail(leg.id, *script_.connect_fails);
  } else {
    connect(leg.id);
  }
}

void FakeMedia::expire(Pass& pass) {
  while (const auto due = timers_.take_due(pass.now.steady)) {
    const auto found = legs_.find(due->leg);
    if (found != legs_.end()) step(found->second, due->step);
  }
}

std::optional<Event> FakeMedia::poll_event() {
  if (events_.empty()) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

Census FakeMedia::census() const {
  Census census;
  census[Census::media_legs] = static_cast<uint32_t>(legs_.size());
  for (const auto& [id, leg] : legs_) census[Census::ports] += leg.kind == LegKind::rtp ? 2 : 0;
  census[Census::timers] = static_cast<uint32_t>(timers_.size());
  return census;
}

const FakeMedia::Leg* FakeMedia::find(LegId id) const {
  const auto found = legs_.find(id);
  return found == legs_.end() ? nullptr : &found->second;
}

std::vector<LegId> FakeMedia::legs() const {
  std::vector<LegId> out;
  for (const auto& [id, leg] : legs_) out.push_back(id);
  return out;
}

bool FakeMedia::flows(LegId from, LegId to) const {
  const Leg* a = find(from);
  const Leg* b = find(to);
  if (a == nullptr || b == nullptr || a->partner != to || b->partner != from) return false;
  return has_peer(*a) && has_peer(*b) && a->receive && b->send;
}

std::optional<LegReport> FakeMedia::report(LegId id) const {
  const Leg* leg = find(id);
  if (leg == nullptr) return std::nullopt;
  LegReport out{.kind = leg->kind, .armed = leg->armed > 0, .received = leg->heard, .sent = leg->heard};
  out.listening = leg->receive && has_peer(*leg);
  out.had_pair = leg->kind == LegKind::webrtc && (leg->paired || leg->connected);
  out.had_keys = leg->kind == LegKind::webrtc && leg->connected;
  return out;
}

void FakeMedia::pair(LegId id) {
  if (const auto found = legs_.find(id); found != legs_.end()) found->second.paired = true;
}

void FakeMedia::hear(LegId id, uint64_t packets) {
  if (const auto found = legs_.find(id); found != legs_.end()) found->second.heard += packets;
}

void FakeMedia::connect(LegId id) {
  const auto found = legs_.find(id);
  if (found == legs_.end() || found->second.connected) return;
  Leg& leg = found->second;
  leg.connected = true;
  events_.push_back(LegConnected{id, leg.rtp ? leg.rtp->remote : SocketAddress{IpAddress::v4(203, 0, 113, 9), 40000}});
}

void FakeMedia::fail(LegId id, LegFault why) {
  if (legs_.contains(id)) events_.push_back(LegFailed{id, why});
}

void FakeMedia::silence(LegId id) {
  if (legs_.contains(id)) events_.push_back(LegSilent{id});
}

void FakeMedia::digit(LegId id, char digit, uint16_t milliseconds) {
  if (legs_.contains(id)) events_.push_back(DtmfReceived{id, digit, milliseconds});
}

void FakeMedia::let_go(LegId id) {
  release(id);
  legs_.erase(id);
  events_.push_back(LegGone{id, {}});
}

void FakeMedia::release(LegId id) {
  const auto found = legs_.find(id);
  if (found == legs_.end()) return;
  const LegId partner = std::exchange(found->second.partner, LegId{});
  const auto other = legs_.find(partner);
  if (other != legs_.end()) other->second.partner = {};
}

FakeMedia::Leg* FakeMedia::known(LegId id) {
  const auto found = legs_.find(id);
  if (found != legs_.end()) return &found->second;
  events_.push_back(LegFailed{id, LegFault::no_such_leg});
  return nullptr;
}

}  // namespace isthmus::test
