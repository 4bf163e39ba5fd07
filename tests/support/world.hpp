// SPDX-License-Identifier: MIT
// A small world in virtual time: hosts with machines, joined by a network that carries bytes. Datagrams may be lost,
// doubled, delayed and reordered; streams are ordered and may break. Nothing here knows SIP. A Host executes the outbox
// of one machine as the real edge does.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "base/random.hpp"

namespace isthmus::test {

// What a machine that speaks over paths looks like to the world.
class Node {
 public:
  virtual ~Node() = default;
  virtual void receive(Pass& pass, const Path& path, Bytes bytes) = 0;
  virtual void flow_up(Pass& pass, const FlowFacts& facts) = 0;
  virtual void flow_down(Pass& pass, FlowId flow, Fault why) = 0;
  virtual void answer(Pass& pass, AskId ask, const Answer& reply) = 0;
  virtual void expire(Pass& pass) = 0;
  virtual TimePoint next_deadline() const = 0;
  virtual void after(Pass&) {}  // events are polled here, before the outbox is executed
};

struct Datagram {
  SocketAddress from;
  SocketAddress to;
  std::string bytes;
  Path path{};  // on which it was sent
};

// What the network does to one datagram: how many copies arrive, and after which delay each.
struct Fate {
  std::vector<Duration> arrivals{std::chrono::milliseconds(1)};
  static Fate lost() { return {{}}; }
  static Fate after(Duration delay) { return {{delay}}; }
};
// Bad weather: 10 % are lost, 10 % doubled, and delays differ so much that what follows overtakes.
Fate lossy_fate(Random& random);

class World;

class Host {
 public:
  Host(World& world, Node& node, SocketAddress address, bool listens_on_tcp);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void with(const std::function<void(Pass&)>& verb);  // one pass: verb, after(), outbox
  const SocketAddress& address() const { return address_; }
  FlowId udp() const { return udp_; }
  Path udp_path(const SocketAddress& remote) const { return {udp_, remote, address_}; }
  void break_streams();  // all connections of this host are reset
  size_t streams() const { return streams_.size(); }
  void refuse_streams(bool refuse) { refuses_ = refuse; }
  void answer_asks(bool answer) { answers_ = answer; }  // false: lookups and opens are never heard of again
  void answer_asks_in(Duration time) { answers_in_ = time; }
  void set_zone(std::string name, Records records) { zone_[std::move(name)] = std::move(records); }
  std::vector<Action> executed;  // everything but Send

 private:
  friend class World;
  struct Stream {
    Host* peer = nullptr;
    FlowId peer_flow;
    FlowFacts facts;
  };
  void execute();
  void send(const Path& path, std::string bytes);
  void open(const Open& action);
  FlowId new_flow();
  void drop_stream(FlowId flow, Fault why);

  World& world_;
  Node& node_;
  SocketAddress address_;
  bool listens_;
  bool refuses_ = false;
  bool answers_ = true;
  Duration answers_in_ = std::chrono::milliseconds(1);
  FlowId udp_;
  uint32_t flows_ = 0;
  Outbox out_;
  std::map<FlowId, Stream> streams_;
  std::map<std::string, Records> zone_;
};

class World {
 public:
  explicit World(uint64_t seed = 1) : random_(Seed::of(seed)) {}

  Now now() const { return now_; }
  // Decides about each datagram; by default each arrives once after 1 ms.
  std::function<Fate(const Datagram&)> fate;
  std::function<void(const Datagram&)> tap;  // sees what is sent, before its fate
  // What a sender really says, on datagrams and streams alike (there `to` is where the peer listens); empty: nothing.
  std::function<std::string(const Datagram&)> meddle;

  std::function<void()> watch;  // after each thing that happened

  void run_for(Duration time);
  // Runs until the condition holds; false when `limit` passed before.
  bool run_until(const std::function<bool()>& condition, Duration limit = std::chrono::seconds(10));
  void later(Duration in, std::function<void()> what);
  Random& random() { return random_; }

 private:
  friend class Host;
  struct Happening {
    TimePoint at;
    uint64_t order;
    std::function<void()> what;
  };
  bool step(TimePoint until);  // the next thing that happens; false: nothing until then
  void carry(Datagram datagram);
  Host* find(const SocketAddress& address);

  Now now_{TimePoint(std::chrono::seconds(1000)), WallTime(std::chrono::seconds(1790000000))};
  uint64_t order_ = 0;
  std::map<std::pair<TimePoint, uint64_t>, std::function<void()>> happenings_;
  std::vector<Host*> hosts_;
  Random random_;
};

// A machine that has exactly the verbs of a Node.
template <class M>
class MachineNode : public Node {
 public:
  template <class... Args>
  explicit MachineNode(Args&&... args) : machine(std::forward<Args>(args)...) {}
  void receive(Pass& pass, const Path& path, Bytes bytes) override { machine.receive(pass, path, bytes); }
  void flow_up(Pass& pass, const FlowFacts& facts) override { machine.flow_up(pass, facts); }
  void flow_down(Pass& pass, FlowId flow, Fault why) override { machine.flow_down(pass, flow, why); }
  void answer(Pass& pass, AskId ask, const Answer& reply) override { machine.answer(pass, ask, reply); }
  void expire(Pass& pass) override { machine.expire(pass); }
  TimePoint next_deadline() const override { return machine.next_deadline(); }
  M machine;
};

}  // namespace isthmus::test
