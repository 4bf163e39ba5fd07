// SPDX-License-Identifier: MIT
// SRTP of a G.711 packet (172 octets, 20 ms), per profile: sealing and opening, with one session and with two thousand
// in turn, as a relay meets them. R5.3. An iteration is one packet; opening is measured over packets sealed before.
#include <benchmark/benchmark.h>

#include <vector>

#include "base/random.hpp"
#include "media/rtp_packet.hpp"
#include "media/srtp_session.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::media;

constexpr size_t kPacket = 172;
constexpr size_t kRoom = kPacket + kMaxSrtpGrowth;
constexpr size_t kBatch = 4096;  // packets sealed ahead of an opening run

using Room = std::array<std::byte, kRoom>;

SrtpKeys keys_of(SrtpProfile profile, uint64_t number, bool turned) {
  Random random(Seed::of(number));
  SrtpKeys keys{profile, {}, {}};
  SrtpMaster& first = turned ? keys.theirs : keys.ours;
  SrtpMaster& second = turned ? keys.ours : keys.theirs;
  random.fill(first.key);
  random.fill(first.salt);
  random.fill(second.key);
  random.fill(second.salt);
  return keys;
}

std::vector<std::unique_ptr<SrtpSession>> sessions(SrtpProfile profile, size_t count, bool turned) {
  std::vector<std::unique_ptr<SrtpSession>> made;
  for (size_t i = 0; i < count; ++i) made.push_back(make_libsrtp_session(keys_of(profile, i, turned)));
  return made;
}

void write_packet(Room& room, uint32_t number) {
  room.fill(std::byte{0x55});
  write_rtp_header(room, 0, false, static_cast<uint16_t>(number), number * 160, 0x12345678);
}

// The first packet of a source makes its stream, which is no part of what is measured.
void warm(SrtpSession& sender, SrtpSession* receiver) {
  Room room;
  write_packet(room, 0);
  const auto size = sender.protect_rtp(room, kPacket);
  if (receiver != nullptr && size) (void)receiver->unprotect_rtp(MutableBytes{room}.first(*size));
}

void protect(benchmark::State& state) {
  const auto profile = static_cast<SrtpProfile>(state.range(0));
  const auto all = sessions(profile, static_cast<size_t>(state.range(1)), false);
  for (const auto& session : all) warm(*session, nullptr);
  Room room;
  uint32_t number = 1;
  size_t next = 0;
  for (auto _ : state) {
    write_packet(room, number);
    if (!all[next]->protect_rtp(room, kPacket)) state.SkipWithError("a packet was not sealed");
    if (++next == all.size()) {
      next = 0;
      ++number;
    }
  }
  state.SetLabel(std::string(describe(profile)));
}

void unprotect(benchmark::State& state) {
  const auto profile = static_cast<SrtpProfile>(state.range(0));
  const auto count = static_cast<size_t>(state.range(1));
  const auto senders = sessions(profile, count, false);
  const auto receivers = sessions(profile, count, true);
  for (size_t i = 0; i < count; ++i) warm(*senders[i], receivers[i].get());
  std::vector<Room> sealed(std::max(kBatch, count));
  uint32_t number = 1;
  size_t next = sealed.size();
  for (auto _ : state) {
    if (next == sealed.size()) {
      state.PauseTiming();
      for (size_t i = 0; i < sealed.size(); ++i) {
        write_packet(sealed[i], number + static_cast<uint32_t>(i / count));
        (void)senders[i % count]->protect_rtp(sealed[i], kPacket);
      }
      number += static_cast<uint32_t>(sealed.size() / count + 1);
      next = 0;
      state.ResumeTiming();
    }
    const size_t size = kPacket + sizes_of(profile).rtp_tag;
    if (!receivers[next % count]->unprotect_rtp(MutableBytes{sealed[next]}.first(size))) {
      state.SkipWithError("a packet was not opened");
    }
    ++next;
  }
  state.SetLabel(std::string(describe(profile)));
}

constexpr SrtpProfile kOffered[] = {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aead_aes_128_gcm,
                                    SrtpProfile::aead_aes_256_gcm};
void one_session(benchmark::internal::Benchmark* bench) {
  for (const auto profile : kOffered) bench->Args({static_cast<int64_t>(profile), 1});
}
// A fixed number of packets: each further run would have to make the sessions anew.
void many_sessions(benchmark::internal::Benchmark* bench) {
  for (const auto profile : kOffered) bench->Args({static_cast<int64_t>(profile), 2000})->Iterations(4000);
}
BENCHMARK(protect)->Apply(one_session);
BENCHMARK(protect)->Apply(many_sessions);
BENCHMARK(unprotect)->Apply(one_session);

}  // namespace

BENCHMARK_MAIN();
