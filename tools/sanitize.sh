# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# The suite under the sanitizers, and the core floors with the second compiler. Sourced by ./dev.

export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

run_build() {
  local preset=${1:-release}
  need run test
  case "$preset" in
    asan|tsan|fuzz) need sanitize ;;
    bench) need bench ;;
    release|debug|gcc) ;;
    *) fail "no preset $preset; there are: release debug asan tsan gcc fuzz bench" ;;
  esac
  [ "$preset" = release ] && with_option release ISTHMUS_TESTS=ON
  configure "$preset"
  compile "$preset"
}

# Rules about the text of the sources say the same in each build: they run once, in the plain suite.
run_asan() {
  need run test sanitize
  configure asan
  compile asan
  run_ctest asan asan -L '^quick$' -LE '^house$' -j "$jobs" || fail "failed under ASan and UBSan"
}

# One call from a real browser through a gateway with ASan.
run_asan_call() {
  [ -f tests/browser/CMakeLists.txt ] || { note "there is no tests/browser yet, nothing to run"; return 0; }
  need run test sanitize browser
  install_npm
  configure asan
  compile asan
  run_ctest asan-call asan -L '^smoke$' || fail "the browser's call failed under ASan and UBSan"
}

# The floors below have no threads to watch; all other tests are taken, so that a new one need not be named here.
run_tsan() {
  need run test sanitize
  configure tsan
  local below='base|sip|sdp|ice' targets
  targets=$(test_targets tsan '^test_' | grep -vE "^test_($below)(_|\$)" || true)
  [ -n "$targets" ] || fail "no tests of transport, media or gateway in this build"
  # shellcheck disable=SC2086 # a list of names
  compile tsan $targets
  run_ctest tsan tsan -L '^quick$' -E "^(($below)(_|\$)|example_|replay_|browser_)" -j "$jobs" || fail "failed under TSan"
}

run_gcc() {
  need run test
  configure gcc
  compile gcc
  run_ctest gcc gcc -L '^quick$' -j "$jobs" || fail "the core floors failed with g++"
}
