// SPDX-License-Identifier: MIT
// SRTP of a G.711 packet (172 octets, 20 ms), per profile: sealing and opening, with one session and with two thousand
// in turn, as a relay meets them, and what it costs to set a session up with its first packet each way. R5.3. Reference
// `libsrtp2`: the same keys, packets and calls on the library itself, in the same run; an iteration is one packet.
#include <benchmark/benchmark.h>
#include <srtp2/srtp.h>

#include <cstring>
#include <map>
#include <memory>
#include <utility>
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
constexpr size_t kMany = 2000;

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

// The two parties. Both say the size after the call, 0 for a failure.
class Ours {
 public:
  explicit Ours(const SrtpKeys& keys) : session_(make_libsrtp_session(keys)) {}
  size_t protect(MutableBytes room, size_t size) { return session_->protect_rtp(room, size).value_or(0); }
  size_t unprotect(MutableBytes packet) { return session_->unprotect_rtp(packet).value_or(0); }

 private:
  std::unique_ptr<SrtpSession> session_;
};

class Library {
 public:
  explicit Library(const SrtpKeys& keys)
      : out_(make(keys.profile, keys.ours, ssrc_any_outbound)),
        in_(make(keys.profile, keys.theirs, ssrc_any_inbound)) {}
  size_t protect(MutableBytes room, size_t size) {
    int length = static_cast<int>(size);
    return srtp_protect(out_.get(), room.data(), &length) == srtp_err_status_ok ? static_cast<size_t>(length) : 0;
  }
  size_t unprotect(MutableBytes packet) {
    int length = static_cast<int>(packet.size());
    return srtp_unprotect(in_.get(), packet.data(), &length) == srtp_err_status_ok ? static_cast<size_t>(length) : 0;
  }

 private:
  struct Free {
    void operator()(srtp_t session) const { srtp_dealloc(session); }
  };
  using Handle = std::unique_ptr<std::remove_pointer_t<srtp_t>, Free>;

  static Handle make(SrtpProfile profile, const SrtpMaster& master, srtp_ssrc_type_t direction) {
    const auto name = profile == SrtpProfile::aes128_cm_sha1_80  ? srtp_profile_aes128_cm_sha1_80
                      : profile == SrtpProfile::aead_aes_128_gcm ? srtp_profile_aead_aes_128_gcm
                                                                 : srtp_profile_aead_aes_256_gcm;
    const SrtpSizes sizes = sizes_of(profile);
    std::array<unsigned char, kMaxSrtpKey + kMaxSrtpSalt> key{};
    std::memcpy(key.data(), master.key.data(), sizes.key);
    std::memcpy(key.data() + sizes.key, master.salt.data(), sizes.salt);
    srtp_policy_t policy{};
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, name);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, name);
    policy.ssrc.type = direction;
    policy.key = key.data();
    policy.window_size = kSrtpReplayWindow;
    srtp_t session = nullptr;
    srtp_create(&session, &policy);
    return Handle(session);
  }

  Handle out_;
  Handle in_;
};

void write_packet(Room& room, uint32_t number) {
  room.fill(std::byte{0x55});
  write_rtp_header(room, 0, false, static_cast<uint16_t>(number), number * 160, 0x12345678);
}

// Senders and receivers of one measure, made once, however often it is repeated. The first packet of a source makes its
// stream, which is no part of what is measured.
template <class Party>
struct Pairs {
  Pairs(SrtpProfile profile, size_t count, bool both) {
    for (size_t i = 0; i < count; ++i) {
      senders.emplace_back(keys_of(profile, i, false));
      Room room;
      write_packet(room, 0);
      const size_t size = senders.back().protect(room, kPacket);
      if (!both) continue;
      receivers.emplace_back(keys_of(profile, i, true));
      receivers.back().unprotect(MutableBytes{room}.first(size));
    }
  }
  std::vector<Party> senders;
  std::vector<Party> receivers;
  uint32_t number = 1;  // of the next packet of each
};

// Those of two thousand go with their run: the library's contexts get slower by their number, for everybody.
template <class Party>
std::shared_ptr<Pairs<Party>> pairs(SrtpProfile profile, size_t count, bool both) {
  static std::map<std::pair<SrtpProfile, bool>, std::shared_ptr<Pairs<Party>>> kept;
  if (count > 1) return std::make_shared<Pairs<Party>>(profile, count, both);
  auto& found = kept[{profile, both}];
  if (!found) found = std::make_shared<Pairs<Party>>(profile, count, both);
  return found;
}

template <class Party>
void protect(benchmark::State& state, SrtpProfile profile, size_t count) {
  const auto made = pairs<Party>(profile, count, false);
  auto& all = *made;
  Room room;
  size_t next = 0;
  for (auto _ : state) {
    write_packet(room, all.number);
    if (all.senders[next].protect(room, kPacket) == 0) state.SkipWithError("a packet was not sealed");
    if (++next == count) {
      next = 0;
      ++all.number;
    }
  }
  ++all.number;
}

template <class Party>
void unprotect(benchmark::State& state, SrtpProfile profile, size_t count) {
  const auto made = pairs<Party>(profile, count, true);
  auto& all = *made;
  const size_t size = kPacket + sizes_of(profile).rtp_tag;
  std::vector<Room> sealed(std::max(kBatch, count));
  size_t next = sealed.size();
  for (auto _ : state) {
    if (next == sealed.size()) {
      state.PauseTiming();
      for (size_t i = 0; i < sealed.size(); ++i) {
        write_packet(sealed[i], all.number + static_cast<uint32_t>(i / count));
        all.senders[i % count].protect(sealed[i], kPacket);
      }
      all.number += static_cast<uint32_t>(sealed.size() / count + 1);
      next = 0;
      state.ResumeTiming();
    }
    if (all.receivers[next % count].unprotect(MutableBytes{sealed[next]}.first(size)) == 0) {
      state.SkipWithError("a packet was not opened");
    }
    ++next;
  }
}

// Calls come and go: a session, its first packet out and its first packet in.
template <class Party>
void set_up(benchmark::State& state, SrtpProfile profile, size_t) {
  const SrtpKeys here = keys_of(profile, 1, false), there = keys_of(profile, 1, true);
  Room from_peer;
  write_packet(from_peer, 0);
  const size_t size = Party(there).protect(from_peer, kPacket);
  for (auto _ : state) {
    Party session(here);
    Room out, in = from_peer;
    write_packet(out, 0);
    const bool good = session.protect(out, kPacket) != 0 && session.unprotect(MutableBytes{in}.first(size)) != 0;
    if (!good) state.SkipWithError("a first packet did not pass");
  }
}

using Measure = void (*)(benchmark::State& state, SrtpProfile profile, size_t count);

void add(const std::string& measure, Measure ours, Measure theirs, SrtpProfile profile, size_t count) {
  const auto name = profile == SrtpProfile::aes128_cm_sha1_80  ? "cm_sha1_80"
                    : profile == SrtpProfile::aead_aes_128_gcm ? "gcm_128"
                                                               : "gcm_256";
  const std::string whole = measure + "/" + name + (count > 1 ? "_of_" + std::to_string(count) : "");
  for (const bool us : {true, false}) {
    auto* bench = benchmark::RegisterBenchmark((whole + (us ? "/isthmus" : "/libsrtp2")).c_str(),
                                               [=](benchmark::State& s) { (us ? ours : theirs)(s, profile, count); });
    // Making so many sessions takes seconds: a fixed number of packets, and few times.
    if (count > 1) bench->Iterations(2 * kMany)->Repetitions(2);
  }
}

}  // namespace

int main(int argc, char** argv) {
  (void)make_libsrtp_session({});  // initialises the library
  for (const auto profile :
       {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm}) {
    add("protect", protect<Ours>, protect<Library>, profile, 1);
    add("unprotect", unprotect<Ours>, unprotect<Library>, profile, 1);
  }
  for (const auto profile : {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aead_aes_128_gcm}) {
    add("protect", protect<Ours>, protect<Library>, profile, kMany);
    add("set_up", set_up<Ours>, set_up<Library>, profile, 1);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
