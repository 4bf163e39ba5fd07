// SPDX-License-Identifier: MIT
// A user agent on a network in virtual time: UDP and TCP on one address, its events kept and shown.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "sip/user_agent.hpp"
#include "tests/support/world.hpp"

namespace isthmus::test {

struct AgentNode : MachineNode<sip::UserAgent> {
  explicit AgentNode(const SocketAddress& address) : MachineNode(config(address), Seed::of(7)) {}

  static sip::UserAgentConfig config(const SocketAddress& address) {
    const std::string host = address.ip.text();
    sip::UserAgentConfig out;
    out.endpoint.listeners = {{Protocol::udp, address, host, address.port},
                              {Protocol::tcp, address, host, address.port}};
    return out;
  }
  void after(Pass& pass) override {
    do {
      while (const auto event = machine.poll_event()) {
        events.push_back(*event);
        if (on_event) on_event(pass, *event);
      }
    } while (machine.proceed(pass));
  }
  size_t count(sip::UserAgentEventKind kind) const {
    return static_cast<size_t>(std::ranges::count(events, kind, &sip::UserAgentEvent::kind));
  }

  std::vector<sip::UserAgentEvent> events;
  std::function<void(Pass&, const sip::UserAgentEvent&)> on_event;
};

}  // namespace isthmus::test
