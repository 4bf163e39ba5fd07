// SPDX-License-Identifier: MIT
// A media engine between scripted peers, in memory and virtual time: browsers that really do ICE, DTLS and SRTP, phones
// that speak plain RTP, and strangers. Datagrams the engine sends are delivered at once; nothing touches a socket.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "media/demux.hpp"
#include "media/engine.hpp"

namespace isthmus::test {

using Datagram = std::vector<std::byte>;

inline SocketAddress socket_address(std::string_view text) {
  return *SocketAddress::parse(text);
}

inline const media::DtlsContext& gateway_certificate() {
  static const auto context = media::DtlsContext::make_self_signed();
  return *context;
}
inline const media::DtlsContext& browser_certificate() {
  static const auto context = media::DtlsContext::make_self_signed();
  return *context;
}

struct RtpSent {
  uint8_t type = 0;
  bool marker = false;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  std::string payload;
  bool extension = false;
  SocketAddress to;  // filled in for what was received: from where
};

inline Datagram rtp_bytes(const RtpSent& packet, Bytes extension = {}) {
  Datagram out(media::kRtpHeaderSize);
  media::write_rtp_header(out, packet.type, packet.marker, packet.sequence, packet.timestamp, packet.ssrc);
  if (!extension.empty()) {
    out[0] |= std::byte{0x10};
    out.resize(out.size() + 4);
    write_u16(&out[12], media::kOneByteExtensions);
    write_u16(&out[14], static_cast<uint16_t>(extension.size() / 4));
    out.insert(out.end(), extension.begin(), extension.end());
  }
  const Bytes payload = as_bytes(packet.payload);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

inline std::optional<RtpSent> rtp_of(Bytes datagram) {
  const auto parsed = media::parse_rtp(datagram);
  if (!parsed) return std::nullopt;
  const media::RtpHeader& header = parsed->header;
  return RtpSent{header.payload_type, header.marker,
                 header.sequence,     header.timestamp,
                 header.ssrc,         std::string(as_text(parsed->payload)),
                 header.extension,    {}};
}

class Bed;

// Takes what the engine sends to its address.
struct Peer {
  virtual ~Peer() = default;
  virtual void receive(Bed& bed, const Path& path, Bytes datagram) = 0;
};

struct Stranger : Peer {
  std::vector<Datagram> received;
  void receive(Bed&, const Path&, Bytes datagram) override { received.emplace_back(datagram.begin(), datagram.end()); }
};

struct Phone : Peer {
  std::vector<RtpSent> heard;
  std::vector<Datagram> control;
  void receive(Bed&, const Path& path, Bytes datagram) override {
    if (media::classify(datagram) == media::PacketClass::rtcp) {
      control.emplace_back(datagram.begin(), datagram.end());
      return;
    }
    if (auto packet = rtp_of(datagram)) {
      packet->to = path.local;
      heard.push_back(*packet);
    }
  }
};

class Bed {
 public:
  static constexpr size_t kRoom = 2048;
  static constexpr uint16_t kHeadroom = 64;

  explicit Bed(const std::function<void(media::EngineConfig&)>& tune = {}) : engine(config(tune), Seed::of(11)) {
    engine.add_shared_port(shared_flow, shared_address);
  }

  static media::EngineConfig config(const std::function<void(media::EngineConfig&)>& tune) {
    media::EngineConfig config;
    config.webrtc.dtls = &gateway_certificate();
    if (tune) tune(config);
    return config;
  }

  void obey(const media::Order& order) {
    run([&](Pass& pass) { engine.obey(pass, order); });
  }
  // A datagram arrives; true when the engine passed it on in place.
  bool deliver(FlowId flow, const SocketAddress& from, Bytes datagram) {
    std::vector<std::byte> room(kRoom);
    std::copy(datagram.begin(), datagram.end(), room.begin() + kHeadroom);
    media::Packet packet{{flow, from, local_of(flow)},
                         room.data(),
                         kHeadroom,
                         static_cast<uint16_t>(datagram.size()),
                         static_cast<uint16_t>(kRoom)};
    bool passed = false;
    run([&](Pass& pass) {
      engine.receive(pass, std::span(&packet, 1));
      passed = static_cast<bool>(packet.path.flow);
      if (passed) in_flight.push_back({packet.path, {packet.bytes().begin(), packet.bytes().end()}});
    });
    return passed;
  }
  void answer(AskId ask, const Answer& reply) {
    run([&](Pass& pass) { engine.answer(pass, ask, reply); });
  }
  // Virtual time passes, timer by timer.
  void pass_time(Duration duration) {
    const TimePoint end = now.steady + duration;
    while (now.steady < end) {
      const TimePoint next = std::min(std::max(engine.next_deadline(), now.steady + std::chrono::milliseconds(1)), end);
      now.wall += next - now.steady;
      now.steady = next;
      run([&](Pass& pass) { engine.expire(pass); });
      if (each_step) each_step();
    }
  }

  template <class T>
  std::vector<T> events() const {
    std::vector<T> matching;
    for (const media::Event& event : told) {
      if (const T* found = std::get_if<T>(&event)) matching.push_back(*found);
    }
    return matching;
  }
  SocketAddress local_of(FlowId flow) const {
    const auto found = bound.find(flow);
    return found == bound.end() ? shared_address : found->second;
  }

  // Opens a plain leg and answers its Bind.
  media::LegReady open_phone(media::LegId leg) {
    obey(media::OpenLeg{leg, media::LegKind::rtp, {}});
    return events<media::LegReady>().back();
  }
  media::ArmRtp description(media::LegId leg, const SocketAddress& remote) const {
    media::ArmRtp arm;
    arm.leg = leg;
    arm.remote = remote;
    arm.remote_rtcp = {remote.ip, static_cast<uint16_t>(remote.port + 1)};
    arm.payloads = phone_payloads();
    return arm;
  }
  static media::PayloadMap phone_payloads() {
    media::PayloadMap map;
    map.entries[0] = {0, media::Codec::pcmu, 8000};
    map.entries[1] = {101, media::Codec::telephone_event, 8000};
    map.count = 2;
    return map;
  }
  static media::PayloadMap browser_payloads() {
    media::PayloadMap map;
    map.entries[0] = {100, media::Codec::pcmu, 8000};
    map.entries[1] = {126, media::Codec::telephone_event, 8000};
    map.entries[2] = {111, media::Codec::opus, 48000};
    map.entries[3] = {110, media::Codec::telephone_event, 48000};
    map.count = 4;
    return map;
  }

  Now now{TimePoint(std::chrono::seconds(1000)), WallTime(std::chrono::seconds(1'700'000'000))};
  Outbox out;
  FlowId shared_flow{1, 1};
  SocketAddress shared_address = socket_address("127.0.0.1:7000");
  media::Engine engine;
  std::vector<media::Event> told;
  std::map<SocketAddress, Peer*> peers;
  std::map<FlowId, SocketAddress> bound;  // ports of phone legs that are open
  std::vector<Bind> unanswered;           // when binds are not answered at once
  std::vector<AskId> forgotten;
  bool answer_binds = true;
  bool refuse_binds = false;
  std::vector<std::pair<Path, Datagram>> nowhere;  // sent to an address without a peer
  std::function<void()> each_step;
  size_t outbox_sends = 0;

  PortFacts new_ports() {
    PortFacts ports;
    ports.rtp = {next_flow_, 1};
    ports.rtp_local = {IpAddress::v4(127, 0, 0, 1), next_port_};
    ports.rtcp = {next_flow_ + 1, 1};
    ports.rtcp_local = {IpAddress::v4(127, 0, 0, 1), static_cast<uint16_t>(next_port_ + 1)};
    next_flow_ += 2;
    next_port_ = static_cast<uint16_t>(next_port_ + 2);
    bound[ports.rtp] = ports.rtp_local;
    bound[ports.rtcp] = ports.rtcp_local;
    return ports;
  }

 private:
  template <class F>
  void run(F&& verb) {
    {
      Pass pass{now, out};
      verb(pass);
    }
    while (const auto event = engine.poll_event()) told.push_back(*event);
    std::vector<Bind> binds;
    for (const Action& action : out.actions) {
      if (const Send* send = std::get_if<Send>(&action)) {
        const Bytes bytes = out.view(send->bytes);
        in_flight.push_back({send->path, {bytes.begin(), bytes.end()}});
        ++outbox_sends;
      } else if (const Bind* bind = std::get_if<Bind>(&action)) {
        binds.push_back(*bind);
      } else if (const Close* close = std::get_if<Close>(&action)) {
        EXPECT_EQ(bound.erase(close->flow), 1u) << "closed a flow that is not open";
      } else if (const Forget* forget = std::get_if<Forget>(&action)) {
        forgotten.push_back(forget->ask);
      }
    }
    out.clear();
    for (const Bind& wanted : binds) {
      if (!answer_binds) {
        unanswered.push_back(wanted);
      } else {
        answer(wanted.ask, refuse_binds ? Answer{Fault{FaultCode::no_ports}} : Answer{new_ports()});
      }
    }
    carry();
  }
  // Delivers in order; a peer that replies at once does so from inside, its datagrams queue behind.
  void carry() {
    if (carrying_) return;
    carrying_ = true;
    while (!in_flight.empty()) {
      const auto [path, bytes] = std::move(in_flight.front());
      in_flight.pop_front();
      const auto peer = peers.find(path.remote);
      if (peer == peers.end()) {
        nowhere.emplace_back(path, bytes);
      } else {
        peer->second->receive(*this, path, bytes);
      }
    }
    carrying_ = false;
  }

  std::deque<std::pair<Path, Datagram>> in_flight;
  bool carrying_ = false;
  uint32_t next_flow_ = 10;
  uint16_t next_port_ = 20000;
};

// A browser: full ICE reduced to what the gateway sees (controlling, checks with USE-CANDIDATE), real DTLS and SRTP.
class Browser : public Peer {
 public:
  Browser(Bed& bed, media::LegId leg, SocketAddress address, media::DtlsRole role = media::DtlsRole::active)
      : leg_(leg), address_(address), role_(role) {
    bed.peers[address] = this;
    bed.obey(media::OpenLeg{leg, media::LegKind::webrtc, {}});
    facts = bed.events<media::LegReady>().back();
  }
  // Our SDP has come: the gateway may check us.
  void arm(Bed& bed, media::PayloadMap payloads = Bed::browser_payloads()) {
    media::ArmWebrtc order;
    order.leg = leg_;
    order.remote = {media::Ufrag::of("brow"), media::Password::of("browserpasswordbrowser")};
    order.fingerprint = fingerprint;
    order.role = role_ == media::DtlsRole::active ? media::DtlsRole::passive : media::DtlsRole::active;
    order.payloads = payloads;
    bed.obey(order);
  }
  void check(Bed& bed, bool nominate = true) { check_from(bed, address_, nominate); }
  void check_from(Bed& bed, const SocketAddress& source, bool nominate = true) {
    bed.peers[source] = this;
    std::array<std::byte, 512> room;
    stun::TransactionId transaction{};
    transaction[0] = static_cast<std::byte>(++checks_);
    stun::Writer writer(room, stun::Class::request, stun::kBinding, transaction);
    writer.text(stun::Attribute::username, std::string(facts.local.ufrag.view()) + ":brow");
    writer.number32(stun::Attribute::priority, 1845501695);
    writer.number64(stun::Attribute::ice_controlling, 42);
    if (nominate) writer.flag(stun::Attribute::use_candidate);
    writer.integrity(as_bytes(facts.local.password.view()), crypto::hmac_sha1);
    writer.fingerprint(crypto::crc32);
    bed.deliver(bed.shared_flow, source, writer.bytes());
  }
  // The association towards the gateway; the active browser says its ClientHello.
  void handshake(Bed& bed) {
    dtls.emplace(browser_certificate(), role_, facts.fingerprint);
    speak(bed, [&](Pass& pass) { dtls->start(pass, path_to_gateway(bed)); });
  }
  void connect(Bed& bed) {
    arm(bed);
    if (role_ == media::DtlsRole::passive) {
      dtls.emplace(browser_certificate(), role_, facts.fingerprint);
      check(bed);
    } else {
      check(bed);
      handshake(bed);
    }
  }

  Datagram seal(const RtpSent& packet, Bytes extension = {}) {
    Datagram bytes = rtp_bytes(packet, extension);
    const size_t size = bytes.size();
    bytes.resize(size + media::kMaxSrtpGrowth);
    bytes.resize(srtp->protect_rtp(bytes, size).value_or(0));
    return bytes;
  }
  bool say(Bed& bed, const RtpSent& packet, Bytes extension = {}) {
    return bed.deliver(bed.shared_flow, address_, seal(packet, extension));
  }

  void receive(Bed& bed, const Path& path, Bytes datagram) override {
    switch (media::classify(datagram)) {
      case media::PacketClass::stun: {
        const auto message = stun::parse(datagram);
        ASSERT_TRUE(message);
        (message->kind == stun::Class::success ? successes : refusals) += 1;
        break;
      }
      case media::PacketClass::dtls:
        ++dtls_datagrams;
        if (dtls) speak(bed, [&](Pass& pass) { dtls->receive(pass, path_to_gateway(bed), datagram); });
        break;
      case media::PacketClass::rtp: {
        if (!srtp) break;
        Datagram copy(datagram.begin(), datagram.end());
        const auto size = srtp->unprotect_rtp(copy);
        ASSERT_TRUE(size) << "the gateway sent what the browser cannot open";
        auto packet = rtp_of(Bytes(copy).first(*size));
        ASSERT_TRUE(packet);
        packet->to = path.remote;
        heard.push_back(*packet);
        break;
      }
      case media::PacketClass::rtcp: {
        if (!srtp) break;
        Datagram copy(datagram.begin(), datagram.end());
        const auto size = srtp->unprotect_rtcp(copy);
        ASSERT_TRUE(size);
        copy.resize(*size);
        control.push_back(copy);
        break;
      }
      default: ADD_FAILURE() << "neither STUN, DTLS, SRTP nor SRTCP";
    }
  }

  media::LegReady facts;
  media::Fingerprint fingerprint = browser_certificate().fingerprint();
  std::optional<media::DtlsSession> dtls;
  std::unique_ptr<media::SrtpSession> srtp;
  std::vector<RtpSent> heard;
  std::vector<Datagram> control;
  int successes = 0;
  int refusals = 0;
  int dtls_datagrams = 0;
  std::vector<media::DtlsEvent> dtls_events;
  bool hold_back = false;  // keeps its datagrams in `held` instead of sending them
  std::vector<Datagram> held;

 private:
  Path path_to_gateway(Bed& bed) const { return {bed.shared_flow, bed.shared_address, address_}; }
  template <class F>
  void speak(Bed& bed, F&& verb) {
    Outbox out;
    Pass pass{bed.now, out};
    verb(pass);
    while (const auto event = dtls->poll_event()) {
      dtls_events.push_back(*event);
      if (event->kind == media::DtlsEvent::Kind::connected) srtp = media::make_libsrtp_session(*dtls->keys());
    }
    for (const Action& action : out.actions) {
      const Bytes bytes = out.view(std::get<Send>(action).bytes);
      if (hold_back) {
        held.emplace_back(bytes.begin(), bytes.end());
      } else {
        bed.deliver(bed.shared_flow, address_, bytes);
      }
    }
  }

  media::LegId leg_;
  SocketAddress address_;
  media::DtlsRole role_;
  uint8_t checks_ = 0;
};

inline constexpr media::LegId kPage{1, 1};
inline constexpr media::LegId kPhone{2, 1};
inline const SocketAddress kBrowserAddress = socket_address("192.168.1.20:50000");
inline const SocketAddress kPhoneAddress = socket_address("192.0.2.77:4000");
inline const SocketAddress kStranger = socket_address("198.51.100.66:4444");

// A browser and a phone, joined and up.
struct Call {
  explicit Call(media::DtlsRole browser_role = media::DtlsRole::active)
      : page(bed, kPage, kBrowserAddress, browser_role) {
    bed.peers[kPhoneAddress] = &phone;
    bed.peers[control_address()] = &phone;
    bed.peers[kStranger] = &stranger;
    ready = bed.open_phone(kPhone);
    phone_flow = bed.bound.begin()->first;
    control_flow = std::next(bed.bound.begin())->first;
  }
  static SocketAddress control_address() { return {kPhoneAddress.ip, static_cast<uint16_t>(kPhoneAddress.port + 1)}; }
  void up() {
    page.connect(bed);
    bed.obey(bed.description(kPhone, kPhoneAddress));
    bed.obey(media::JoinLegs{kPage, kPhone});
  }
  bool phone_says(const RtpSent& packet) { return bed.deliver(phone_flow, kPhoneAddress, rtp_bytes(packet)); }

  Bed bed;
  Phone phone;
  Stranger stranger;
  Browser page;
  media::LegReady ready;
  FlowId phone_flow;
  FlowId control_flow;
};

inline RtpSent from_page(uint16_t i, std::string payload = "from the page") {
  return {100, false, static_cast<uint16_t>(500 + i), 16000U + i * 160U, 0x11112222, std::move(payload), false, {}};
}
inline RtpSent from_phone(uint16_t i, std::string payload = "from the phone") {
  return {0, false, static_cast<uint16_t>(9000 + i), 7U + i * 160U, 0x33334444, std::move(payload), false, {}};
}

}  // namespace isthmus::test
