// SPDX-License-Identifier: MIT
// A call bed with a client that is signed in, and what it does in a call to B.
#pragma once

#include "tests/support/rest.hpp"

namespace isthmus::test {

struct ClientCall : Flow {
  gateway::ClientId w;
  size_t datagrams = 0;  // of the gateway

  explicit ClientCall(gateway::Settings settings = bed_settings()) : Flow(std::move(settings)) {
    w = bed.sign_in("alice");
    world.tap = [this](const Datagram& datagram) { datagrams += datagram.from == kGateway; };
  }
  void make(std::string to = "2000", std::string from = {}, std::string target = {}) {
    bed.command(gateway::MakeCall{1, w, std::move(from), std::move(to), std::move(target), browser_sdp(), {}});
    run();
  }
  void drop() { bed.command(gateway::DropCall{2, w, bed.last().id}); }
  void answer() {
    b.reply("INVITE", 200, phone_sdp(5000));
    run();
  }
  void finish() {
    drop();
    run();
    if (b.has("BYE")) b.reply("BYE", 200);
    run();
    expect_rest(*this);
  }
  size_t lookups() const {
    return static_cast<size_t>(std::count_if(bed.host.executed.begin(), bed.host.executed.end(),
                                             [](const Action& one) { return std::holds_alternative<Lookup>(one); }));
  }
  const gateway::CommandDone& result() const { return bed.done.front(); }
  media::LegId leg_of_w() const { return bed.media.legs()[0]; }
  media::LegId leg_of_b() const { return bed.media.legs()[1]; }
};

}  // namespace isthmus::test
