// SPDX-License-Identifier: MIT
#include "tests/support/auto_agent.hpp"

#include "base/crypto.hpp"
#include "tests/support/call_bed.hpp"

namespace isthmus::test {
namespace {

sip::UserAgentConfig config_at(const SocketAddress& address) {
  sip::UserAgentConfig out;
  out.digests = {&crypto::md5, &crypto::sha256};
  out.endpoint.listeners = {{Protocol::udp, address, address.ip.text(), address.port},
                            {Protocol::tcp, address, address.ip.text(), address.port}};
  return out;
}

// The direction that answers the offer.
std::string_view answering(std::string_view offer) {
  if (offer.find("a=inactive") != std::string_view::npos) return "inactive";
  if (offer.find("a=sendonly") != std::string_view::npos) return "recvonly";
  if (offer.find("a=recvonly") != std::string_view::npos) return "sendonly";
  return "sendrecv";
}

}  // namespace

AutoAgent::AutoAgent(World& world, std::string user, SocketAddress address, SocketAddress gateway, uint64_t seed)
    : machine(config_at(address), Seed::of(seed)),
      host(world, *this, address, true),
      user_(std::move(user)),
      gateway_(gateway) {}

std::string AutoAgent::sdp(const Leg& leg, std::string_view direction) const {
  const auto port = static_cast<uint16_t>(6000 + 2 * (&leg == &legs.front() ? 0 : legs.size()));
  return phone_sdp(port, codecs, leg.version, "a=" + std::string(direction) + "\r\n");
}

size_t AutoAgent::call(std::string_view to) {
  const size_t number = legs.size();
  Leg& leg = legs.emplace_back();
  host.with([&](Pass& pass) {
    sip::InviteSpec spec;
    spec.request_uri = "sip:" + std::string(to) + "@" + gateway_.text() + (tcp ? ";transport=tcp" : "");
    spec.from = "<sip:" + user_ + "@" + (account.empty() ? host.address() : gateway_).ip.text() + ">";
    if (!account.empty()) spec.credentials.push_back(credential());
    spec.to = "<" + spec.request_uri + ">";
    spec.contact_user = user_;
    spec.target.uri = spec.request_uri;
    spec.body = sdp(leg, "sendrecv");
    leg.session = machine.invite(pass, std::move(spec), number + 1);
  });
  return number;
}

sip::Credential AutoAgent::credential() const {
  return {gateway_.ip.text(), {}, account, Private<std::string>(kPassword)};
}

sip::RegistrationId AutoAgent::register_account(const std::string& name) {
  account = user_ = name;
  sip::RegistrationId id;
  host.with([&](Pass& pass) {
    sip::RegistrationSpec spec;
    spec.registrar = "sip:" + gateway_.ip.text();
    spec.address = "<sip:" + name + "@" + gateway_.ip.text() + ">";
    spec.contact_user = name;
    spec.target.uri = spec.registrar;
    spec.credentials.push_back(credential());
    id = machine.enroll(pass, std::move(spec));
  });
  return id;
}

void AutoAgent::ring(size_t number) {
  if (legs[number].phase != Phase::called) return;
  host.with([&](Pass& pass) { machine.ring(pass, legs[number].session, 180); });
}
void AutoAgent::answer(size_t number) {
  Leg& leg = legs[number];
  if (leg.phase != Phase::called) return;
  leg.phase = Phase::up;
  host.with([&](Pass& pass) { machine.accept(pass, leg.session, sdp(leg, "sendrecv")); });
}
void AutoAgent::reject(size_t number, int status) {
  Leg& leg = legs[number];
  if (leg.phase != Phase::called) return;
  end(leg, "left");
  host.with([&](Pass& pass) { machine.end(pass, leg.session, {static_cast<uint16_t>(status), {}}); });
}
void AutoAgent::change(size_t number, std::string_view direction) {
  Leg& leg = legs[number];
  if (leg.phase != Phase::up) return;
  ++leg.version;
  host.with([&](Pass& pass) { machine.modify(pass, leg.session, sdp(leg, direction)); });
}
void AutoAgent::hang_up(size_t number) {
  Leg& leg = legs[number];
  if (leg.phase == Phase::over) return;
  end(leg, "left");
  host.with([&](Pass& pass) { machine.end(pass, leg.session, {}); });
}

void AutoAgent::agree(size_t number) {
  Leg& leg = legs[number];
  if (leg.phase != Phase::up || leg.offered.empty()) return;
  ++leg.version;
  const std::string body = sdp(leg, answering(std::exchange(leg.offered, {})));
  host.with([&](Pass& pass) { machine.answer(pass, leg.session, body); });
}
void AutoAgent::disagree(size_t number, int status) {
  Leg& leg = legs[number];
  if (leg.phase != Phase::up || leg.offered.empty()) return;
  leg.offered.clear();
  host.with([&](Pass& pass) { machine.reject(pass, leg.session, status); });
}

void AutoAgent::end(Leg& leg, std::string_view how) {
  leg.phase = Phase::over;
  leg.how = how;
  ++leg.endings;
}

void AutoAgent::after(Pass& pass) {
  do {
    while (const auto event = machine.poll_event()) take(pass, *event);
  } while (machine.proceed(pass));
}

void AutoAgent::take_invite(Pass& pass) {
  if (machine.message().method() != sip::Method::invite) return machine.refuse(pass, 405);
  const size_t number = legs.size();
  const sip::SessionId session = machine.admit(pass, {.contact_user = user_, .keep_flow = false, .cookie = number + 1});
  if (!session) return;
  Leg& leg = legs.emplace_back();
  leg.session = session;
  leg.caller = false;
  leg.phase = Phase::called;
  if (on_call) on_call(number);
}

void AutoAgent::take(Pass& pass, const sip::UserAgentEvent& event) {
  using Kind = sip::UserAgentEventKind;
  if (event.kind == Kind::request) return take_invite(pass);
  if (event.kind == Kind::verify) return machine.vouch(pass);
  if (event.cookie == 0 || event.cookie > legs.size()) return;
  Leg& leg = legs[event.cookie - 1];
  if (event.kind == Kind::gone) {
    leg.gone = true;
    return;
  }
  if (leg.phase == Phase::over) {
    ++leg.told_after_end;
    return;
  }
  switch (event.kind) {
    case Kind::ringing: leg.rang = true; return;
    case Kind::answered: leg.phase = Phase::up; return;
    case Kind::failed: return end(leg, "refused " + std::to_string(event.status));
    case Kind::cancelled: return end(leg, "called off");
    case Kind::ended: return end(leg, event.status == 0 ? "ended" : "died " + std::to_string(event.status));
    case Kind::modified: leg.changes.push_back(event.status); return;
    case Kind::offer:
      leg.offered = machine.message().body();
      if (on_offer) return on_offer(event.cookie - 1);
      ++leg.version;
      machine.answer(pass, leg.session, sdp(leg, answering(std::exchange(leg.offered, {}))));
      return;
    default: return;
  }
}

}  // namespace isthmus::test
