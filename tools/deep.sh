# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev deep: what is too long for each day. Sourced by ./dev.

run_deep() {
  need run test sanitize deep browser interop bench bench_peers
  local failed=()
  (run_suite) || failed+=(test)
  if [ -n "$(ctest --test-dir build/release -N -L '^deep$' 2>/dev/null | sed -n 's/^Total Tests: 0*\([1-9]\)/\1/p')" ]; then
    # The soak's minute is part of the thirty below.
    (install_npm && run_ctest deep release -L '^deep$' -E '^interop_soak$') || failed+=("tests labelled deep")
  else
    note "no test carries the label deep"
  fi
  (run_asan) || failed+=(asan)
  (run_tsan) || failed+=(tsan)
  (run_fuzz all "${ISTHMUS_FUZZ_SECONDS:-300}" --record) || failed+=(fuzz)
  (run_soak "${ISTHMUS_SOAK_MINUTES:-30}" --record) || failed+=(soak)
  (run_bench) || failed+=(bench)
  [ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
}
