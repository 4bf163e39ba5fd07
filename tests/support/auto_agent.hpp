// SPDX-License-Identifier: MIT
// A phone that acts by itself: a real sip::UserAgent, with all its retransmissions, that rings, answers, changes and
// ends sessions when it is told to, and answers re-INVITEs at once unless a test does. It writes down for each leg what
// it was told, so that a test can ask for exactly one ending.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "sip/user_agent.hpp"
#include "tests/support/world.hpp"

namespace isthmus::test {

class AutoAgent : public Node {
 public:
  enum class Phase : uint8_t { calling, called, up, over };
  struct Leg {
    sip::SessionId session;
    bool caller = true;
    Phase phase = Phase::calling;
    unsigned endings = 0;         // failed, cancelled, ended, or its own end()
    unsigned told_after_end = 0;  // events after that, which the law of hanging up forbids
    bool gone = false;
    bool rang = false;
    std::string how;                // it ended: "left", "called off", "refused 486", "ended", "died 408"
    std::vector<uint16_t> changes;  // the final status of each re-INVITE of ours
    std::string offered;            // by the peer's re-INVITE in hand
    uint32_t version = 1;           // of its SDP
  };

  AutoAgent(World& world, std::string user, SocketAddress address, SocketAddress gateway, uint64_t seed);

  size_t call(std::string_view to);  // the number of the leg
  void ring(size_t leg);
  void answer(size_t leg);
  void reject(size_t leg, int status);
  void change(size_t leg, std::string_view direction);  // re-INVITE
  void hang_up(size_t leg);
  void agree(size_t leg);  // to the peer's re-INVITE
  void disagree(size_t leg, int status);
  std::function<void(size_t)> on_call;   // an INVITE came
  std::function<void(size_t)> on_offer;  // a re-INVITE came; without this it is agreed to at once
  std::string codecs = "0 8";
  bool tcp = false;     // its calls go by TCP
  std::string account;  // calls with this account's credentials; empty: known by address
  sip::RegistrationId register_account(const std::string& name);  // and is reached there

  std::deque<Leg> legs;
  sip::UserAgent machine;
  Host host;

  void receive(Pass& pass, const Path& path, Bytes bytes) override { machine.receive(pass, path, bytes); }
  void flow_up(Pass& pass, const FlowFacts& facts) override { machine.flow_up(pass, facts); }
  void flow_down(Pass& pass, FlowId flow, Fault why) override { machine.flow_down(pass, flow, why); }
  void answer(Pass& pass, AskId ask, const Answer& reply) override { machine.answer(pass, ask, reply); }
  void expire(Pass& pass) override { machine.expire(pass); }
  TimePoint next_deadline() const override { return machine.next_deadline(); }
  void after(Pass& pass) override;

 private:
  void take(Pass& pass, const sip::UserAgentEvent& event);
  void take_invite(Pass& pass);
  void end(Leg& leg, std::string_view how);
  sip::Credential credential() const;
  std::string sdp(const Leg& leg, std::string_view direction) const;

  std::string user_;
  SocketAddress gateway_;
};

}  // namespace isthmus::test
