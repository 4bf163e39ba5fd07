// SPDX-License-Identifier: MIT
// R5.3. What the engine spends on one forwarded packet, in memory, without a system call: 172-octet RTP in batches of
// 64, between two plain legs of one call and of 500 in turn, and between a plain leg and a browser with either SRTP
// transform, each way. The time is per packet. `floor` is the least that must be done to such a packet: parse and write
// its header, seal or open it with the same SRTP. What many SRTP sessions cost is the matter of the SRTP bench.
#include <benchmark/benchmark.h>

#include <map>
#include <memory>

#include "tests/support/media_bed.hpp"

namespace isthmus {
namespace {

using namespace media;
using test::Bed;
using test::Browser;
using test::Datagram;
using test::RtpSent;

constexpr size_t kBatch = 64;
constexpr uint16_t kSlot = 512;
constexpr uint16_t kHeadroom = 64;
constexpr size_t kPacketsAtOnce = 16 * kBatch;  // made while the clock stands still
constexpr size_t kPayload = 160;                // G.711, 20 ms

enum class Shape : uint8_t { plain, to_browser_cm, to_browser_gcm, from_browser_cm, from_browser_gcm };

bool is_from_browser(Shape shape) {
  return shape == Shape::from_browser_cm || shape == Shape::from_browser_gcm;
}

// Whatever the handshake agreed on, both ends take the transform that is measured; its keys are the handshake's octets.
template <SrtpProfile kProfile>
std::unique_ptr<SrtpSession> make_with(const SrtpKeys& keys) {
  SrtpKeys other = keys;
  other.profile = kProfile;
  return make_libsrtp_session(other);
}

SrtpMaker maker(Shape shape) {
  const bool gcm = shape == Shape::to_browser_gcm || shape == Shape::from_browser_gcm;
  return gcm ? make_with<SrtpProfile::aead_aes_128_gcm> : make_with<SrtpProfile::aes128_cm_sha1_80>;
}

SocketAddress address_of(size_t call, uint8_t side) {
  return {IpAddress::v4(10, side, static_cast<uint8_t>(call >> 8), static_cast<uint8_t>(call)), 4000};
}

// `calls` joined pairs; the first leg of each is the one whose packets are measured.
class World {
 public:
  World(Shape shape, size_t calls)
      : shape_(shape), bed_([&](EngineConfig& config) { config.webrtc.make_srtp = maker(shape); }) {
    for (size_t i = 0; i < calls; ++i) add(i);
  }

  void fill(std::span<Packet> packets, std::span<std::byte> room) {
    for (size_t i = 0; i < packets.size(); ++i) {
      const size_t call = turn_++ % calls_.size();
      Call& source = calls_[call];
      RtpSent packet{source.type, false, source.sequence++, source.timestamp, 77, payload_, false, {}};
      source.timestamp += 160;
      const bool browser = is_from_browser(shape_);
      const Datagram bytes = browser ? browsers_[call]->seal(packet) : test::rtp_bytes(packet);
      std::byte* slot = &room[i * kSlot];
      std::copy(bytes.begin(), bytes.end(), slot + kHeadroom);
      packets[i] = {{source.flow, source.address, {}}, slot, kHeadroom, static_cast<uint16_t>(bytes.size()), kSlot};
    }
  }
  void run(std::span<Packet> packets) {
    Pass pass{bed_.now, bed_.out};
    bed_.engine.receive(pass, packets);
    bed_.now.steady += std::chrono::milliseconds(20);
  }
  uint64_t relayed() const { return bed_.engine.relayed(); }

 private:
  struct Call {
    FlowId flow;
    SocketAddress address;
    uint8_t type = 0;
    uint16_t sequence = 0;
    uint32_t timestamp = 0;
  };

  LegId add_phone(size_t call, uint8_t side) {
    const LegId leg{static_cast<uint32_t>(call * 2 + side), 1};
    bed_.open_phone(leg);
    bed_.obey(bed_.description(leg, address_of(call, side)));
    return leg;
  }
  LegId add_browser(size_t call) {
    const LegId leg{static_cast<uint32_t>(call * 2 + 1), 1};
    browsers_.push_back(std::make_unique<Browser>(bed_, leg, address_of(call, 1)));
    browsers_.back()->connect(bed_);
    // The session that the handshake gave has the agreed transform; the measured one takes its place.
    browsers_.back()->srtp = maker(shape_)(*browsers_.back()->dtls->keys());
    return leg;
  }
  void add(size_t call) {
    const LegId second = add_phone(call, 2);
    const FlowId second_flow = std::prev(bed_.bound.end(), 2)->first;
    const LegId first = shape_ == Shape::plain ? add_phone(call, 1) : add_browser(call);
    bed_.obey(JoinLegs{first, second});
    if (is_from_browser(shape_)) {
      calls_.push_back({bed_.shared_flow, address_of(call, 1), 100, 0, 0});
    } else {
      calls_.push_back({second_flow, address_of(call, 2), 0, 0, 0});
    }
  }

  Shape shape_;
  Bed bed_;
  std::vector<std::unique_ptr<Browser>> browsers_;
  std::vector<Call> calls_;
  size_t turn_ = 0;
  std::string payload_ = std::string(kPayload, 'x');
};

// The same packets by the same codec and the same SRTP, without an engine around it.
class Floor {
 public:
  Floor(Shape shape, size_t calls) : shape_(shape) {
    SrtpKeys keys;
    keys.ours.key.fill(std::byte{7});
    keys.theirs = keys.ours;
    for (size_t i = 0; shape != Shape::plain && i < calls; ++i) {
      near_.push_back(maker(shape)(keys));
      far_.push_back(maker(shape)(keys));
    }
    sequences_.resize(calls);
  }
  void fill(std::span<Packet> packets, std::span<std::byte> room) {
    first_ = turn_;
    for (size_t i = 0; i < packets.size(); ++i) {
      const size_t call = turn_++ % sequences_.size();
      const RtpSent packet{0, false, sequences_[call]++, 0, 77, payload_, false, {}};
      const Datagram bytes = test::rtp_bytes(packet);
      std::byte* slot = &room[i * kSlot];
      std::copy(bytes.begin(), bytes.end(), slot + kHeadroom);
      size_t size = bytes.size();
      if (is_from_browser(shape_)) size = *far_[call]->protect_rtp({slot + kHeadroom, kSlot - kHeadroom}, size);
      packets[i] = {{}, slot, kHeadroom, static_cast<uint16_t>(size), kSlot};
    }
  }
  void run(std::span<Packet> packets) {
    for (Packet& packet : packets) {
      const size_t call = first_++ % sequences_.size();
      size_t size = packet.size;
      if (is_from_browser(shape_)) size = *near_[call]->unprotect_rtp(packet.bytes());
      std::byte* at = packet.room + packet.at;
      const auto rtp = parse_rtp({at, size});
      write_rtp_header({at, kRtpHeaderSize}, 8, false, rtp->header.sequence, rtp->header.timestamp, 99);
      if (shape_ != Shape::plain && !is_from_browser(shape_)) {
        size = *near_[call]->protect_rtp({at, kSlot - kHeadroom}, size);
      }
      packet.size = static_cast<uint16_t>(size);
      ++passed_;
    }
  }
  uint64_t relayed() const { return passed_; }

 private:
  Shape shape_;
  std::vector<std::unique_ptr<SrtpSession>> near_;
  std::vector<std::unique_ptr<SrtpSession>> far_;
  std::vector<uint16_t> sequences_;
  size_t turn_ = 0;
  size_t first_ = 0;
  uint64_t passed_ = 0;
  std::string payload_ = std::string(kPayload, 'x');
};

// One party of one measure; its calls are set up once, however often the benchmark is repeated.
template <class Party>
void forward(benchmark::State& state, Shape shape, size_t calls) {
  static std::map<std::pair<Shape, size_t>, std::unique_ptr<Party>> parties;
  auto& party = parties[{shape, calls}];
  if (!party) party = std::make_unique<Party>(shape, calls);
  std::vector<std::byte> room(kPacketsAtOnce * kSlot);
  std::vector<Packet> packets(kPacketsAtOnce);
  const uint64_t before = party->relayed();
  uint64_t wanted = 0;
  while (state.KeepRunningBatch(kPacketsAtOnce)) {
    state.PauseTiming();
    party->fill(packets, room);
    state.ResumeTiming();
    for (size_t i = 0; i < kPacketsAtOnce; i += kBatch) party->run(std::span(packets).subspan(i, kBatch));
    wanted += kPacketsAtOnce;
  }
  if (party->relayed() - before != wanted) state.SkipWithError("not every packet was relayed");
  state.SetItemsProcessed(static_cast<int64_t>(wanted));
}

void add(const std::string& name, Shape shape, size_t calls) {
  const auto measured = [=](benchmark::State& state) { forward<World>(state, shape, calls); };
  const auto reference = [=](benchmark::State& state) { forward<Floor>(state, shape, calls); };
  benchmark::RegisterBenchmark((name + "/isthmus").c_str(), measured);
  benchmark::RegisterBenchmark((name + "/floor").c_str(), reference);
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  using isthmus::Shape;
  isthmus::add("relay_plain", Shape::plain, 1);
  isthmus::add("relay_plain_500", Shape::plain, 500);
  isthmus::add("relay_to_browser_cm", Shape::to_browser_cm, 1);
  isthmus::add("relay_to_browser_gcm", Shape::to_browser_gcm, 1);
  isthmus::add("relay_from_browser_cm", Shape::from_browser_cm, 1);
  isthmus::add("relay_from_browser_gcm", Shape::from_browser_gcm, 1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
