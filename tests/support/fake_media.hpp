// SPDX-License-Identifier: MIT
// Stands in for media::Engine in tests of calls: takes the same orders and gives the same events, at once or as
// scripted, in virtual time; no packet, no socket, no key. What it was told about a leg can be looked at. It satisfies
// isthmus::Machine and needs the values of media/order.hpp only.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/deadlines.hpp"
#include "base/machine.hpp"
#include "media/order.hpp"

namespace isthmus::test {

struct MediaScript {
  Duration ready_after{};                        // OpenLeg -> LegReady; zero: in the same verb
  std::optional<media::LegFault> open_fails;     // LegFailed instead of LegReady
  bool connects = true;                          // false: LegConnected only by connect()
  Duration connected_after{};                    // first arming with a peer -> LegConnected
  std::optional<media::LegFault> connect_fails;  // LegFailed instead of LegConnected
  size_t max_legs = 100000;                      // beyond: LegFailed{limit}
  size_t digit_room = 32;                        // of a leg; none is ever played
  bool gone_by_itself = true;                    // false: LegGone only by let_go()
};

class FakeMedia {
 public:
  struct Leg {
    media::LegId id;
    media::LegKind kind = media::LegKind::rtp;
    bool ready = false;
    bool connected = false;
    bool receive = true;  // gates, as SwitchLeg last said
    bool send = true;
    media::LegId partner;  // itself: echo; none: not joined
    media::LegReady facts;
    std::optional<media::ArmRtp> rtp;        // the last arming
    std::optional<media::ArmWebrtc> webrtc;  // the last arming
    unsigned armed = 0;                      // how often
    std::string digits;                      // sent into the leg by SendDtmf
    bool closing = false;
    bool paired = false;  // a check came
    uint64_t heard = 0;   // packets of its peer
  };

  explicit FakeMedia(MediaScript script = {}) : script_(script) {}

  void obey(Pass& pass, const media::Order& order);
  void answer(Pass&, AskId, const Answer&) {}  // it asks nothing
  void expire(Pass& pass);
  TimePoint next_deadline() const { return timers_.next(); }
  std::optional<media::Event> poll_event();
  Census census() const;
  std::optional<media::LegReport> report(media::LegId leg) const;

  MediaScript& script() { return script_; }  // may be changed between orders
  const std::vector<media::Order>& orders() const { return orders_; }
  template <class T>
  size_t count_of() const {
    size_t count = 0;
    for (const media::Order& order : orders_) count += std::holds_alternative<T>(order) ? 1 : 0;
    return count;
  }
  const Leg* find(media::LegId id) const;
  std::vector<media::LegId> legs() const;  // in order of their ids
  // True when audio of `from`'s peer would be sent to `to`'s peer: joined, both armed with a peer, both gates open.
  bool flows(media::LegId from, media::LegId to) const;

  // What the world does to a leg; the event comes at the next poll. Unknown legs: nothing.
  void connect(media::LegId id);
  void pair(media::LegId id);                    // ICE alone
  void hear(media::LegId id, uint64_t packets);  // no event
  void fail(media::LegId id, media::LegFault why);
  void silence(media::LegId id);
  void digit(media::LegId id, char digit, uint16_t milliseconds = 160);
  void let_go(media::LegId id);

 private:
  enum class Step : uint8_t { ready, connected };
  struct Timer {
    media::LegId leg;
    Step step;
  };
  struct LegOrder {
    bool operator()(const media::LegId& a, const media::LegId& b) const { return a < b; }
  };

  void open(Pass& pass, const media::OpenLeg& order);
  void armed(Pass& pass, Leg& leg, bool has_peer);
  void release(media::LegId id);
  media::DtmfFault say(const media::SendDtmf& order);
  void step(Leg& leg, Step step);
  Leg* known(media::LegId id);  // or says LegFailed{no_such_leg}

  MediaScript script_;
  std::map<media::LegId, Leg, LegOrder> legs_;
  Deadlines<Timer> timers_;
  std::deque<media::Event> events_;
  std::vector<media::Order> orders_;
  uint16_t next_port_ = 20000;
};

}  // namespace isthmus::test
