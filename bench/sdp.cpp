// SPDX-License-Identifier: MIT
// R5.3, sdp: parsing, writing, reading and answering the descriptions of tests/sdp/descriptions/. The counter `bytes`
// is the size of the text; every case checks its result before it is timed.
#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>
#include <string>

#include "sdp/parser.hpp"
#include "sdp/profile.hpp"
#include "sdp/writer.hpp"
#include "tests/support/source_dir.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sdp;

constexpr const char* kNames[] = {"chromium-audio", "chromium-video", "carrier", "sipp"};

std::string text_of(benchmark::State& state) {
  const std::string name = kNames[state.range(0)];
  std::ifstream file(isthmus::source_dir() + "/tests/sdp/descriptions/" + name + ".sdp", std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!parse(text)) state.SkipWithError("the description is missing or does not parse");
  state.SetLabel(name);
  state.counters["bytes"] = static_cast<double>(text.size());
  return text;
}

LocalAudio local_audio() {
  LocalAudio out;
  out.addresses = {{IpAddress::v4(192, 0, 2, 7), 30000}};
  out.ice = {"abcdefgh", "abcdefghijklmnopqrstuvwx"};
  out.fingerprint.size = 32;
  return out;
}

void parse_description(benchmark::State& state) {
  const std::string text = text_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(parse(text));
}
BENCHMARK(parse_description)->DenseRange(0, 3);

void write_description(benchmark::State& state) {
  const auto description = parse(text_of(state));
  if (!description) return;
  std::string out;
  for (auto _ : state) {
    out.clear();
    write(out, *description);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_description)->DenseRange(0, 3);

// Text in, our answer out: what an INVITE costs in this room.
void answer_offer(benchmark::State& state) {
  const std::string text = text_of(state);
  const Profile profile = state.range(0) < 2 ? Profile::browser : Profile::phone;
  const LocalAudio local = local_audio();
  const Intent intent{default_codecs()};
  for (auto _ : state) {
    const auto remote = parse_remote(text, profile);
    Leg leg(profile, 1, local);
    if (!remote || !leg.answer(*remote, intent)) {
      state.SkipWithError("the offer is not answered");
      return;
    }
    benchmark::DoNotOptimize(leg.last().data());
  }
}
BENCHMARK(answer_offer)->DenseRange(0, 3);

// A session refresh that means the same (row E2).
void compare_refresh(benchmark::State& state) {
  const std::string text = text_of(state);
  const Profile profile = state.range(0) < 2 ? Profile::browser : Profile::phone;
  const auto before = parse_remote(text, profile);
  const auto codecs = default_codecs();
  if (!before || !compare(*before, *before, codecs).none()) {
    state.SkipWithError("a description must mean the same as itself");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(compare(*before, *before, codecs));
}
BENCHMARK(compare_refresh)->DenseRange(0, 3);

}  // namespace

BENCHMARK_MAIN();
