// SPDX-License-Identifier: MIT
// What one connectivity check costs: parsing, the integrity, the whole answer, and the lookups around it. R5.3.
#include <benchmark/benchmark.h>

#include "ice/lite_agent.hpp"
#include "ice/mux.hpp"
#include "tests/support/ice_peer.hpp"

namespace {

using namespace isthmus;

const ice::Credentials kOurs{"00ourfragment000", "our-password-of-22-chars"};

std::vector<std::byte> check() {
  test::Check made;
  made.username = kOurs.ufrag + ":theirs";
  made.password = kOurs.password;
  made.use_candidate = true;
  return test::build(made);
}

void parse(benchmark::State& state) {
  const auto datagram = check();
  for (auto _ : state) benchmark::DoNotOptimize(stun::parse(datagram));
}
BENCHMARK(parse);

void parse_and_check_integrity(benchmark::State& state) {
  const auto datagram = check();
  for (auto _ : state) {
    const auto message = stun::parse(datagram);
    benchmark::DoNotOptimize(stun::integrity_matches(*message, as_bytes(kOurs.password), test::kDigests.hmac_sha1));
  }
}
BENCHMARK(parse_and_check_integrity);

void answer_a_check(benchmark::State& state) {
  const auto datagram = check();
  ice::LiteAgent agent(kOurs, test::kDigests);
  Outbox out;
  Pass pass{{}, out};
  const Path path{FlowId{1, 1}, {IpAddress::v4(192, 0, 2, 1), 5000}, {IpAddress::v4(192, 0, 2, 2), 4000}};
  for (auto _ : state) {
    out.clear();
    const auto message = stun::parse(datagram);
    if (agent.receive(pass, path, *message) != ice::Verdict::valid) state.SkipWithError("the check was refused");
  }
}
BENCHMARK(answer_a_check);

// Where a packet belongs, among so many browsers.
void find_address(benchmark::State& state) {
  ice::Mux mux(HashKey{1, 2});
  const auto legs = static_cast<uint32_t>(state.range(0));
  const auto source = [](uint32_t i) {
    return SocketAddress{IpAddress::v4(10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)), 5000};
  };
  for (uint32_t i = 0; i < legs; ++i) {
    mux.add({i, 1}, "u" + std::to_string(i));
    mux.learn({i, 1}, source(i));
  }
  uint32_t next = 0;
  for (auto _ : state) {
    if (!mux.find_address(source(next))) state.SkipWithError("an address was not found");
    next = next + 1 == legs ? 0 : next + 1;
  }
}
BENCHMARK(find_address)->Arg(10)->Arg(1000)->Arg(10000);

}  // namespace

BENCHMARK_MAIN();
