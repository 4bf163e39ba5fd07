// SPDX-License-Identifier: MIT
// Parsing, answering and serialising (R5.3) over bench/corpus/sip-messages, ours beside the SIP libraries found on the
// machine. All are interleaved in one process, timed by the thread's CPU clock; quoted are minima over many rounds and
// their geometric mean over the messages. Before timing the fields everybody gives are compared. It fails when ours
// allocates in steady state or misses the stated bounds against sofia-sip.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench/peers/peer.hpp"
#include "tests/support/source_dir.hpp"

// Every allocation of the process is counted, the peers' too.
static uint64_t allocations = 0;
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  ++allocations;
  return __libc_realloc(old, size);
}
}

namespace isthmus::bench {
namespace {

constexpr int kRounds = 60;
constexpr double kRoundNs = 100e3;            // time per message, peer, level and round
constexpr double kMaxAgainstSofia = 1.0 / 3;  // of L1 and turn

struct Sample {
  std::string name;
  std::string bytes;
  bool is_request = false;
};

std::vector<Sample> load() {
  std::vector<Sample> out;
  for (const auto& entry : std::filesystem::directory_iterator(isthmus::source_dir() + "/bench/corpus/sip-messages")) {
    std::ifstream file(entry.path(), std::ios::binary);
    Sample sample{entry.path().filename().string(), {std::istreambuf_iterator<char>(file), {}}, false};
    sample.is_request = !sample.bytes.starts_with("SIP/");
    out.push_back(std::move(sample));
  }
  std::sort(out.begin(), out.end(), [](const Sample& a, const Sample& b) { return a.name < b.name; });
  return out;
}

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

enum Level { kL1, kL2, kRespond, kTurn, kSerialise, kLevels };
constexpr const char* kLevelNames[] = {"L1", "L2", "respond", "turn", "serialise"};

// One operation of a level, repeated; the message is parsed before for `respond`, and lies ready for `serialise`.
bool repeat(Peer& peer, Level level, const Sample& sample, size_t times, std::string& out) {
  bool good = true;
  size_t sum = 0;
  Fields fields;
  switch (level) {
    case kL1:
      for (size_t i = 0; i < times; ++i) {
        good = peer.route(sample.bytes, fields) && good;
        benchmark::DoNotOptimize(fields);
        peer.release();
      }
      break;
    case kL2:
      for (size_t i = 0; i < times; ++i) {
        good = peer.full(sample.bytes, sum) && good;
        benchmark::DoNotOptimize(sum);
        peer.release();
      }
      break;
    case kRespond:
      good = peer.route(sample.bytes, fields);
      for (size_t i = 0; i < times && good; ++i) good = peer.respond(out);
      peer.release();
      break;
    case kTurn:
      for (size_t i = 0; i < times; ++i) good = peer.turn(sample.bytes, out) && good;
      break;
    case kSerialise:
      for (size_t i = 0; i < times; ++i) good = peer.serialise(out) && good;
      break;
    case kLevels: break;
  }
  return good;
}

struct Figure {
  double log_sum = 0;
  size_t messages = 0;
  double allocations = 0;
  double mean() const { return messages == 0 ? 0 : std::exp(log_sum / static_cast<double>(messages)); }
};

// The peer's answer to a request must be understood by ours as one of the same transaction.
bool answers_alike(Peer& peer, Peer& ours, const Sample& sample) {
  std::string answer;
  if (!peer.turn(sample.bytes, answer)) return false;
  Fields request;
  Fields response;
  if (!ours.route(sample.bytes, request)) return false;
  const std::string branch(request.branch);
  const std::string call_id(request.call_id);
  const std::string to_tag(request.to_tag.empty() ? kToTag : request.to_tag);
  return ours.route(answer, response) && response.status == 200 && response.branch == branch &&
         response.call_id == call_id && response.to_tag == to_tag;
}

bool same_fields(Peer& peer, std::string_view bytes, Peer& ours, std::string_view own_bytes) {
  Fields theirs;
  Fields own;
  const bool good = peer.route(bytes, theirs) && ours.route(own_bytes, own);
  const bool same = good && theirs == own;
  peer.release();
  ours.release();
  return same;
}

// The request lies ready in the peer until its release(); false: the peer has no part in `serialise`.
bool holds(Peer& peer, const Sample& sample) {
  Fields fields;
  if (peer.route(sample.bytes, fields) && peer.prepare()) return true;
  peer.release();
  return false;
}

// What the peer serialises must be understood by ours as what it had parsed.
bool serialises_alike(Peer& peer, Peer& ours, const Sample& sample) {
  if (!holds(peer, sample)) return peer.name() != ours.name();
  std::string out;
  const bool good = peer.serialise(out);
  peer.release();
  return good && same_fields(*make_isthmus(), out, ours, sample.bytes);
}

class ParseBench {
 public:
  bool run() {
    samples_ = load();
    peers_.push_back(make_isthmus());
#ifdef ISTHMUS_BENCH_SOFIA
    peers_.push_back(make_sofia());
#else
    std::puts("sofia-sip is not on this machine (libsofia-sip-ua-dev)");
#endif
#ifdef ISTHMUS_BENCH_OSIP
    peers_.push_back(make_osip());
#else
    std::puts("libosip2 is not on this machine (libosip2-dev)");
#endif
#ifdef ISTHMUS_BENCH_LIBRE
    peers_.push_back(make_libre());
#else
    std::puts("libre is not on this machine (libre-dev)");
#endif
    if (!check()) return false;
    measure();
    return true;
  }

  void report() {
    std::printf(
        "\nns per message, geometric mean of minima over %zu messages (%d rounds); ratio is ours / theirs; allocations "
        "per message\n",
        samples_.size(), kRounds);
    std::printf("%-10s", "");
    for (const char* level : kLevelNames) std::printf(" %10s  ratio allocs", level);
    std::puts("");
    for (size_t p = 0; p < peers_.size(); ++p) {
      std::printf("%-10s", std::string(peers_[p]->name()).c_str());
      for (int level = 0; level < kLevels; ++level) {
        const Figure& figure = figures_[p][level];
        if (figure.messages == 0) {
          std::printf(" %10s %6s %6s", "-", "", "");
          continue;
        }
        std::printf(" %10.0f %6.3f %6.1f", figure.mean(), figures_[0][level].mean() / figure.mean(),
                    figure.allocations);
      }
      std::puts("");
    }
  }

  // The figures again as benchmarks, so that --benchmark_out writes them.
  void register_all() {
    for (size_t p = 0; p < peers_.size(); ++p) {
      for (int level = 0; level < kLevels; ++level) {
        if (figures_[p][level].messages == 0) continue;
        const std::string name = "parse/" + std::string(kLevelNames[level]) + "/" + std::string(peers_[p]->name());
        const double mean = figures_[p][level].mean();
        const double ratio = figures_[0][level].mean() / mean;
        const double allocated = figures_[p][level].allocations;
        benchmark::RegisterBenchmark(name.c_str(),
                                     [=](benchmark::State& state) {
                                       for (auto _ : state) state.SetIterationTime(mean * 1e-9);
                                       state.counters["ours_to_theirs"] = ratio;
                                       state.counters["allocations"] = allocated;
                                     })
            ->UseManualTime()
            ->Iterations(1);
      }
    }
  }

  bool within_bounds() const {
    bool good = true;
    for (int level = 0; level < kLevels; ++level) {
      if (figures_[0][level].allocations > 0) {
        std::printf("FAIL: %s allocates in steady state\n", kLevelNames[level]);
        good = false;
      }
    }
    for (size_t p = 1; p < peers_.size(); ++p) {
      if (peers_[p]->name() != "sofia-sip") continue;
      for (const Level level : {kL1, kTurn}) {
        const double ratio = figures_[0][level].mean() / figures_[p][level].mean();
        if (ratio <= kMaxAgainstSofia) continue;
        std::printf("FAIL: %s is %.3f of sofia-sip, the bound is %.3f\n", kLevelNames[level], ratio, kMaxAgainstSofia);
        good = false;
      }
    }
    return good;
  }

 private:
  bool check() {
    bool good = true;
    for (auto& peer : peers_) {
      for (const Sample& sample : samples_) {
        size_t sum = 0;
        const bool full = peer->full(sample.bytes, sum);
        peer->release();
        const bool alike = same_fields(*peer, sample.bytes, *peers_[0], sample.bytes) && full &&
                           (!sample.is_request ||
                            (answers_alike(*peer, *peers_[0], sample) && serialises_alike(*peer, *peers_[0], sample)));
        if (alike) continue;
        std::printf("%s and isthmus read or write %s differently\n", std::string(peer->name()).c_str(),
                    sample.name.c_str());
        good = false;
      }
    }
    return good;
  }

  bool applies(Level level, const Sample& sample) const { return sample.is_request || level == kL1 || level == kL2; }

  void measure() {
    figures_.resize(peers_.size(), std::vector<Figure>(kLevels));
    std::string out;
    for (const Sample& sample : samples_) {
      for (int level = 0; level < kLevels; ++level) {
        if (applies(static_cast<Level>(level), sample)) measure_one(sample, static_cast<Level>(level), out);
      }
    }
    for (auto& row : figures_) {
      for (Figure& figure : row) figure.allocations /= static_cast<double>(std::max<size_t>(1, figure.messages));
    }
  }

  void measure_one(const Sample& sample, Level level, std::string& out) {
    std::vector<size_t> parties;
    for (size_t p = 0; p < peers_.size(); ++p) {
      if (level != kSerialise || holds(*peers_[p], sample)) parties.push_back(p);
    }
    std::vector<size_t> times(peers_.size());
    std::vector<double> best(peers_.size(), 1e18);
    for (const size_t p : parties) {
      repeat(*peers_[p], level, sample, 20, out);  // warm
      const double start = cpu_ns();
      repeat(*peers_[p], level, sample, 20, out);
      times[p] = static_cast<size_t>(std::clamp(kRoundNs / std::max(1.0, (cpu_ns() - start) / 20), 4.0, 2000.0));
      const uint64_t before = allocations;
      repeat(*peers_[p], level, sample, 10, out);
      figures_[p][level].allocations += static_cast<double>(allocations - before) / 10;
    }
    for (int round = 0; round < kRounds; ++round) {
      for (const size_t p : parties) {
        const double start = cpu_ns();
        repeat(*peers_[p], level, sample, times[p], out);
        best[p] = std::min(best[p], (cpu_ns() - start) / static_cast<double>(times[p]));
      }
    }
    for (const size_t p : parties) {
      figures_[p][level].log_sum += std::log(best[p]);
      ++figures_[p][level].messages;
      peers_[p]->release();
    }
  }

  std::vector<Sample> samples_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::vector<Figure>> figures_;
};

}  // namespace
}  // namespace isthmus::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  isthmus::bench::ParseBench bench;
  if (!bench.run()) return 1;
  bench.report();
  bench.register_all();
  benchmark::RunSpecifiedBenchmarks();
  return bench.within_bounds() ? 0 : 1;
}
