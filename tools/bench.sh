# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev bench: every bench of the tree, one table, JSON in build/bench/. Sourced by ./dev.

run_bench() {
  need run test bench
  local peers
  peers=$(missing_packages bench_peers | tr '\n' ' ')
  if [ -n "$peers" ] && [ "$assume_yes" = true ]; then need bench_peers; peers=; fi
  [ -z "$peers" ] || note "compared with fewer peers: not installed are ${peers% } (./dev bench --yes installs them)"
  # Peers are looked up when the build is configured.
  configure bench -DISTHMUS_BENCH=ON
  local benches bench
  benches=$(test_targets bench "^bench_${1:-}" | sed 's/^bench_//')
  [ -n "$benches" ] || fail "no bench ${1:-}; see bench/*.cmake"
  # shellcheck disable=SC2086 # a list of names
  compile bench $(sed 's/^/bench_/' <<<"$benches")
  local failed=()
  for bench in $benches; do
    note "bench $bench"
    rm -f "build/bench/$bench.json"
    # Pinned to one core; repeated and interleaved, so that a disturbance hits all parties alike.
    taskset -c 0 "build/bench/bin/bench_$bench" --benchmark_repetitions="${ISTHMUS_BENCH_REPETITIONS:-7}" \
      --benchmark_enable_random_interleaving=true --benchmark_min_time="${ISTHMUS_BENCH_MIN_TIME:-0.05}" \
      --benchmark_out="build/bench/$bench.json" --benchmark_out_format=json >"build/bench/$bench.log" 2>&1 ||
      { tail -n 20 "build/bench/$bench.log" >&2; failed+=("$bench"); }
  done
  [ ${#failed[@]} -eq 0 ] || fail "benches that did not run to the end: ${failed[*]}"
  # shellcheck disable=SC2086,SC2046 # lists of names
  python3 tools/bench_table.py --bounds bench/bounds.json ${1:+--some} $(for bench in $benches; do echo "build/bench/$bench.json"; done) || fail "a bound of bench/bounds.json is broken"
}
