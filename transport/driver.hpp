// SPDX-License-Identifier: MIT
// The run loop: drives one signalling machine beside one media machine over an edge. One pass reads the clocks once and
// hands inputs on in the order bytes, answers, commands, timers; after each verb `settle` carries events between the
// machines and out of them until none is left; then the outbox is executed and the next wake-up armed. It decides
// nothing.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "base/machine.hpp"
#include "transport/edge.hpp"

namespace isthmus::transport {

template <class Signalling, class Media>
class Driver final : private Edge::Handler {
 public:
  using Step = std::function<void(Pass&)>;

  Driver(Edge& edge, Signalling& signalling, Media& media, Step settle, Step commands)
      : edge_(edge),
        signalling_(signalling),
        media_(media),
        settle_(std::move(settle)),
        commands_(std::move(commands)) {
    edge_.drive([this] { run_pass(); });
    edge_.wake();
  }
  ~Driver() override { edge_.drive({}); }

  void run_pass() {
    Pass pass{read_clocks(), outbox_};
    pass_ = &pass;
    edge_.deliver_bytes(*this);
    edge_.deliver_answers(*this);
    commands_(pass), settle_(pass);
    if (signalling_.next_deadline() <= pass.now.steady) signalling_.expire(pass), settle_(pass);
    if (media_.next_deadline() <= pass.now.steady) media_.expire(pass), settle_(pass);
    edge_.execute(outbox_);
    outbox_.clear();
    edge_.arm(std::min(signalling_.next_deadline(), media_.next_deadline()));
  }

 private:
  void packets(std::span<PacketSlot> batch) override { media_.receive(*pass_, batch), settle_(*pass_); }
  void received(const Path& path, Bytes chunk) override { signalling_.receive(*pass_, path, chunk), settle_(*pass_); }
  void flow_up(const FlowFacts& facts) override { signalling_.flow_up(*pass_, facts), settle_(*pass_); }
  void flow_down(FlowId flow, Fault why) override { signalling_.flow_down(*pass_, flow, why), settle_(*pass_); }
  void unreachable(const Path& path, Fault why) override {
    signalling_.unreachable(*pass_, path, why), settle_(*pass_);
  }
  void answer(AskId ask, const Answer& reply) override {
    ask.room == Room::engine ? media_.answer(*pass_, ask, reply) : signalling_.answer(*pass_, ask, reply);
    settle_(*pass_);
  }

  Edge& edge_;
  Signalling& signalling_;
  Media& media_;
  Step settle_, commands_;
  Outbox outbox_;
  Pass* pass_ = nullptr;  // the one that runs; inputs come only then
};

}  // namespace isthmus::transport
