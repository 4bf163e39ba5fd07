// SPDX-License-Identifier: MIT
// Door of the media engine as a machine: two plain legs and a browser's, joined and live, get any datagrams on any port
// from their peers and from a stranger, orders in any order, and time. Checks on the shared port are sealed on request,
// so that what lies behind the integrity is reached. Input: steps of {what, size, octets}. Invariants: the stranger
// never gets an octet, nothing is sent from a socket that is closed, and after closing nothing is left.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "base/crypto.hpp"
#include "media/engine.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::media;

void require(bool invariant) {
  if (!invariant) std::abort();
}

constexpr std::array<LegId, 3> kLegs{LegId{1, 1}, LegId{2, 1}, LegId{3, 1}};
constexpr size_t kRoom = 600;
constexpr uint16_t kHeadroom = 64;
constexpr FlowId kShared{1, 1};

const SocketAddress kStranger{IpAddress::v4(198, 51, 100, 66), 4444};
const SocketAddress kBrowser{IpAddress::v4(192, 168, 1, 20), 50000};

SocketAddress phone(size_t leg) {
  return {IpAddress::v4(192, 0, 2, static_cast<uint8_t>(leg)), 4000};
}

PayloadMap payloads() {
  PayloadMap map;
  map.entries[0] = {0, Codec::pcmu, 8000};
  map.entries[1] = {101, Codec::telephone_event, 8000};
  map.count = 2;
  return map;
}

class World {
 public:
  World() : engine_(config(), Seed::of(1)) {
    engine_.add_shared_port(kShared, {IpAddress::v4(127, 0, 0, 1), 7000});
    flows_.insert(kShared);
    for (size_t leg = 0; leg < kLegs.size(); ++leg) open(leg);
    obey(JoinLegs{kLegs[0], kLegs[1]});
  }

  void step(uint8_t what, Bytes octets) {
    const size_t leg = what / 16 % 3;
    switch (what % 16) {
      case 0: return wait(octets.empty() ? 1 : uint64_t{octet(octets[0])} * octet(octets[0]));
      case 1: return deliver(rtp_flow(leg), phone(leg), octets);
      case 2: return deliver(rtp_flow(leg), kStranger, octets);
      case 3: return deliver(rtcp_flow(leg), {phone(leg).ip, 4001}, octets);
      case 4: return deliver(kShared, kBrowser, octets);
      case 5: return deliver(kShared, kStranger, octets);
      case 6: return check(octets);
      case 7: return obey(SwitchLeg{kLegs[leg], octets.size() % 2 == 0, octets.size() % 3 == 0});
      case 8: return obey(SendDtmf{kLegs[leg], 0, Digits::of(octets.empty() ? "#" : as_text(octets)), 100});
      case 9: return obey(CloseLeg{kLegs[leg]});
      case 10: return open(leg);
      case 11: return obey(JoinLegs{kLegs[leg], kLegs[octets.size() % 3]});
      default: return arm(leg, octets.size() % 4 == 0);
    }
  }
  void finish() {
    for (const LegId leg : kLegs) obey(CloseLeg{leg});
    require(engine_.census().empty() && flows_.size() == 1);
  }

 private:
  static EngineConfig config() {
    static const auto dtls = DtlsContext::make_self_signed();
    EngineConfig config;
    config.webrtc.dtls = &*dtls;
    return config;
  }
  static FlowId rtp_flow(size_t leg) { return {static_cast<uint32_t>(10 + 2 * leg), 1}; }
  static FlowId rtcp_flow(size_t leg) { return {static_cast<uint32_t>(11 + 2 * leg), 1}; }

  void open(size_t leg) {
    obey(OpenLeg{kLegs[leg], leg == 2 ? LegKind::webrtc : LegKind::rtp, {}});
    arm(leg, false);
  }
  void arm(size_t leg, bool hold) {
    if (leg == 2) return obey(ArmWebrtc{kLegs[leg], {Ufrag::of("brow"), {}}, {}, DtlsRole::passive, payloads()});
    ArmRtp order;
    order.leg = kLegs[leg];
    if (!hold) order.remote = phone(leg);
    order.payloads = payloads();
    obey(order);
  }
  // A check with good integrity whose other attributes are the input's.
  void check(Bytes octets) {
    std::array<std::byte, kRoom - kHeadroom> room;
    stun::Writer writer(room, stun::Class::request, stun::kBinding, {});
    writer.text(stun::Attribute::username, ufrag_ + ":brow");
    for (size_t at = 0; at + 2 <= octets.size() && at < 200; at += 10) {
      const Bytes value = octets.subspan(at + 2, std::min<size_t>(8, octets.size() - at - 2));
      writer.attribute(static_cast<stun::Attribute>(read_u16(&octets[at])), value);
    }
    writer.integrity(as_bytes(password_), crypto::hmac_sha1);
    writer.fingerprint(crypto::crc32);
    deliver(kShared, kBrowser, writer.bytes());
  }
  void deliver(FlowId flow, const SocketAddress& from, Bytes octets) {
    std::array<std::byte, kRoom> room{};
    const size_t size = std::min(octets.size(), kRoom - kHeadroom);
    std::copy_n(octets.begin(), size, room.begin() + kHeadroom);
    Packet packet{{flow, from, {}}, room.data(), kHeadroom, static_cast<uint16_t>(size), kRoom};
    run([&](Pass& pass) { engine_.receive(pass, std::span(&packet, 1)); });
    if (!packet.path.flow) return;
    require(packet.at + packet.size <= packet.capacity);
    sent(packet.path);
  }
  void wait(uint64_t milliseconds) {
    now_.steady += std::chrono::milliseconds(milliseconds);
    now_.wall += std::chrono::milliseconds(milliseconds);
    run([&](Pass& pass) { engine_.expire(pass); });
  }
  void obey(const Order& order) {
    run([&](Pass& pass) { engine_.obey(pass, order); });
  }
  template <class F>
  void run(F&& verb) {
    Pass pass{now_, out_};
    verb(pass);
    std::vector<AskId> asked;
    for (const Action& action : out_.actions) {
      if (const Send* send = std::get_if<Send>(&action)) sent(send->path);
      if (const Bind* bind = std::get_if<Bind>(&action)) asked.push_back(bind->ask);
      if (const Close* close = std::get_if<Close>(&action)) require(flows_.erase(close->flow) == 1);
    }
    out_.clear();
    for (const AskId ask : asked) answer(ask);
    while (const auto event = engine_.poll_event()) {
      const LegReady* ready = std::get_if<LegReady>(&*event);
      if (ready == nullptr || ready->leg != kLegs[2]) continue;
      ufrag_ = ready->local.ufrag.view();
      password_ = ready->local.password.view();
    }
  }
  void answer(AskId ask) {
    const size_t leg = flows_.contains(rtp_flow(0)) ? 1 : 0;
    PortFacts ports;
    ports.rtp = rtp_flow(leg);
    ports.rtcp = rtcp_flow(leg);
    flows_.insert({ports.rtp, ports.rtcp});
    Pass pass{now_, out_};
    engine_.answer(pass, ask, ports);
  }
  void sent(const Path& path) { require(path.remote != kStranger && flows_.contains(path.flow)); }

  Engine engine_;
  Now now_{TimePoint(std::chrono::seconds(100)), WallTime(std::chrono::seconds(1'700'000'000))};
  Outbox out_;
  std::set<FlowId> flows_;
  std::string ufrag_;
  std::string password_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  World world;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  for (size_t at = 0; at + 2 <= input.size();) {
    const size_t wanted = octet(input[at + 1]);
    const size_t taken = std::min(wanted, input.size() - at - 2);
    world.step(octet(input[at]), input.subspan(at + 2, taken));
    at += 2 + taken;
  }
  world.finish();
  return 0;
}
