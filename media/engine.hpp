// SPDX-License-Identifier: MIT
// The media machine of a shard: legs, their partners, and every packet between them. Orders come from the owner of
// calls, events go back to it; packets are turned in place from "came from" into "goes to" in slots of the caller. What
// it says itself (STUN, DTLS, RTCP, telephone events) goes through the outbox. It never knows SIP, SDP or a call, opens
// no socket, and on the relay path neither allocates, locks nor logs.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "media/leg_table.hpp"

namespace isthmus::media {

inline constexpr Duration kBindLimit = std::chrono::seconds(5);  // for the edge to bind two sockets
inline constexpr Duration kSilenceLimit = std::chrono::seconds(30);
inline constexpr size_t kMaxLegs = 20000;
inline constexpr size_t kMaxWaitingEvents = 65536;  // the owner polls after each verb; beyond, the oldest are lost

struct PerFamily {  // not set: none
  IpAddress v4, v6;
  const IpAddress& of(const IpAddress& like) const { return like.is_v6() ? v6 : v4; }
  friend bool operator==(const PerFamily&, const PerFamily&) = default;
};

struct EngineConfig {
  uint8_t shard = 0;
  // Told to browsers, best first; port 0 means that of the first shared port. Empty: where the shared ports are bound.
  std::vector<SocketAddress> browser_addresses;
  IpAddress rtp_bind = IpAddress::v4(127, 0, 0, 1);  // when OpenLeg names none
  PerFamily rtp_advertised;             // told to phones instead of the bound address, except of a loopback one
  PerFamily rtp_any;                    // told to phones instead of 0.0.0.0 and ::, where nothing is advertised
  std::vector<Prefix> stun_sources;     // who may send checks; empty: everybody
  bool allow_loopback_targets = false;  // an SDP may name 127.0.0.1; for deployments on loopback only
  Duration silence_limit = kSilenceLimit;
  size_t max_legs = kMaxLegs;
  WebrtcRules webrtc;  // `dtls` must outlive the engine; without it WebRTC legs cannot be opened
};

class Engine {
 public:
  Engine(EngineConfig config, const Seed& seed);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // A socket that all browsers share; the edge has bound it and keeps it open.
  void add_shared_port(FlowId flow, const SocketAddress& local);

  void receive(Pass& pass, std::span<Packet> packets);
  void obey(Pass& pass, const Order& order);
  void answer(Pass& pass, AskId ask, const Answer& reply);
  void expire(Pass& pass);
  TimePoint next_deadline() const { return timers_.next(); }
  std::optional<Event> poll_event();
  Census census() const;
  std::optional<LegReport> report(LegId leg) const;  // nothing for a leg that is not there

  const Drops& drops() const { return drops_; }
  uint64_t received() const { return received_; }          // packets that came, since the start
  uint64_t relayed() const { return relayed_; }            // packets passed on
  uint64_t late_answers() const { return late_answers_; }  // answers nobody waited for
  uint64_t lost_events() const { return lost_events_; }

 private:
  // Orders (engine.cpp).
  void open(Pass& pass, const OpenLeg& order);
  void open_rtp(Pass& pass, const OpenLeg& order);
  void open_webrtc(const OpenLeg& order);
  void arm(Pass& pass, Leg& leg, const ArmWebrtc& order);
  void arm(Pass& pass, Leg& leg, const ArmRtp& order);
  void join(Leg& a, Leg& b);
  void part(Leg& leg);
  void rebridge(Leg& leg);
  void turn(Pass& pass, Leg& leg, const SwitchLeg& order);
  DtmfFault say(Pass& pass, const SendDtmf& order);
  void close(Pass& pass, LegId id);
  void discard(Pass& pass, Leg& leg);
  IpAddress told_instead_of(const IpAddress& bound) const;
  void bound(Pass& pass, Leg& leg, const PortFacts& ports);
  Leg* known(LegId id);
  size_t browser_addresses(LegReady& ready) const;

  // Time.
  void expire_leg(Pass& pass, Leg& leg);
  void settle(Leg& leg, TimePoint not_before = {});
  void say_events(Pass& pass, Leg& leg);
  void report(Pass& pass, Leg& leg);
  void tell_webrtc(Pass& pass, Leg& leg);
  void tell(const Event& event);

  // Packets (engine_packets.cpp).
  void receive_one(Pass& pass, Packet& packet);
  std::optional<Drop> at_shared_port(Pass& pass, Packet& packet, Leg*& leg);
  std::optional<Drop> stun(Pass& pass, const Packet& packet, Leg*& leg);
  std::optional<Drop> dtls(Pass& pass, const Packet& packet, Leg& leg);
  std::optional<Drop> secure_media(Pass& pass, Packet& packet, Leg& leg, bool rtcp);
  std::optional<Drop> at_rtp_port(Pass& pass, Packet& packet, Leg& leg);
  std::optional<Drop> at_rtcp_port(Pass& pass, const Packet& packet, Leg& leg);
  std::optional<Drop> control(Pass& pass, Bytes compound, Leg& leg);
  std::optional<Drop> media(Pass& pass, const RtpPacket& rtp, const Payload& payload, Packet& packet, Leg& leg);
  void hear_event(Pass& pass, const RtpPacket& rtp, const Payload& payload, Leg& leg);

  EngineConfig config_;
  ice::SourceFilter stun_filter_;
  Random random_;
  LegTable legs_;
  struct PendingBind {
    LegId leg;
  };
  Slots<PendingBind, AskTag> asks_;
  Deadlines<LegHandle> timers_;
  std::deque<Event> events_;
  Drops drops_;
  uint64_t received_ = 0;
  uint64_t relayed_ = 0;
  uint64_t late_answers_ = 0;
  uint64_t lost_events_ = 0;
};

static_assert(Machine<Engine>);

}  // namespace isthmus::media
