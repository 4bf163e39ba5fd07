// SPDX-License-Identifier: MIT
// The call bed: the real Exchange with the real sip layers between scripted SIP peers, a scripted client (W) and a
// scripted web server (H), on a byte-carrying network in virtual time; media by FakeMedia. No layer of sip is replaced.
// Two trunks, "left" at A and "right" at B, so that either may call the other without credentials; the account "alice"
// may sign in as a client or register as a phone.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "gateway/call/exchange.hpp"
#include "gateway/call/media_verdict.hpp"
#include "tests/support/fake_media.hpp"
#include "tests/support/sip_peer.hpp"

namespace isthmus::test {

inline const SocketAddress kGateway{IpAddress::v4(192, 0, 2, 1), 5060};
inline const SocketAddress kA{IpAddress::v4(192, 0, 2, 10), 5060};
inline const SocketAddress kB{IpAddress::v4(192, 0, 2, 20), 5060};
inline const SocketAddress kStranger{IpAddress::v4(198, 51, 100, 66), 5060};
inline constexpr char kPassword[] = "correct horse";

gateway::Settings bed_settings();
gateway::Settings keeping_settings();  // and somebody keeps state over a restart
gateway::Account bed_account(const std::string& name, const std::string& realm);
std::string browser_sdp();

class CallBed : public Node {
 public:
  explicit CallBed(World& world, gateway::Settings settings = bed_settings());
  struct KeptState {
    std::vector<gateway::KeptBinding> bindings;
    std::vector<gateway::RingingLeg> ringing;
  };
  // As the program starts again: with what was kept, and a seed of its own.
  CallBed(World& world, gateway::Settings settings, const KeptState& kept, uint64_t seed);

  gateway::Exchange exchange;
  FakeMedia media;

  // What the Exchange said, in order.
  std::vector<gateway::CallFacts> server;  // H: TellServer, and AskPolicy of outgoing and incoming calls as `pending`
  struct Told {
    gateway::ClientId client;
    gateway::CallFacts call;
  };
  std::vector<Told> client;  // W: TellClient
  std::vector<gateway::CommandDone> done;
  std::vector<gateway::AskPolicy> asked;
  std::vector<gateway::CallEnded> ended;
  std::vector<gateway::CallRefused> refused;
  std::vector<gateway::CredentialsRefused> disbelieved;
  std::vector<gateway::MediaSilent> silences;
  gateway::MediaLedger ledger;
  std::vector<gateway::BindingChanged> changed;
  std::vector<gateway::RingingChanged> rang;
  std::map<std::string, gateway::RingingLeg> ringing;  // what a store would have now; a double removal fails the test
  size_t lost = 0;                                     // phones that are called off at the start
  std::vector<gateway::AskKept> keeping;
  // The store's word (Settings::keeps_state); none: it says nothing.
  std::optional<gateway::Reply> keep = gateway::Kept{};
  Host host;  // behind what it fills when it brings its flows up
  // H's answer to each question; none: the test replies by reply().
  std::function<std::optional<gateway::Reply>(const gateway::AskPolicy&)> decide;

  void command(const gateway::Command& command);
  void reply(const gateway::AskPolicy& ask, const gateway::Reply& reply) { answer_ask(ask.ask, reply); }
  void answer_ask(AskId ask, const gateway::Reply& reply);
  void media_event(const std::function<void()>& what);  // then the engine's events are handed over
  std::string states() const;                           // of H: "pending, calling, ringing"
  std::string client_states(gateway::ClientId client = {}) const;
  const gateway::CallFacts& last() const { return server.back(); }
  gateway::ClientId sign_in(const std::string& account, uint32_t number = 1);
  // Nothing lives: calls, legs, media, ports, running transactions (R1.25).
  bool is_free() const;
  // And nothing lingers either.
  bool is_empty() const { return exchange.census().empty() && media.census().empty(); }

  void receive(Pass& pass, const Path& path, Bytes bytes) override { exchange.receive(pass, path, bytes); }
  void flow_up(Pass& pass, const FlowFacts& facts) override { exchange.flow_up(pass, facts); }
  void flow_down(Pass& pass, FlowId flow, Fault why) override { exchange.flow_down(pass, flow, why); }
  void answer(Pass& pass, AskId ask, const Answer& reply) override { exchange.answer(pass, ask, reply); }
  void expire(Pass& pass) override {
    exchange.expire(pass);
    media.expire(pass);
  }
  TimePoint next_deadline() const override { return std::min(exchange.next_deadline(), media.next_deadline()); }
  void after(Pass& pass) override;

 private:
  void take(Pass& pass, const gateway::Request& request);
  Node& restored(const World& world, const KeptState& kept);
  World& world_;
};

// World, bed, A and B in one, with the usual beginnings.
struct Flow {
  World world;
  CallBed bed;
  SipPeer a;
  SipPeer b;

  explicit Flow(gateway::Settings settings = bed_settings(), uint64_t seed = 1);
  void run(Duration time = std::chrono::milliseconds(20)) { world.run_for(time); }
  void call();       // A> INVITE, B has it
  void ring();       // and B rings
  void establish();  // and B answers and A acknowledges; both logs are forgotten
  void forget() { a.forget(), b.forget(); }
};

}  // namespace isthmus::test
