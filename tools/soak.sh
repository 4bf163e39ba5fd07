# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev soak: the program under a steady load of calls with media for some minutes; bounds are in tests/interop/soak_bounds.py.
# Sourced by ./dev.

# run_soak MINUTES [--record]
run_soak() {
  local minutes= word commit= report=$PWD/build/soak.report failed=
  for word in "$@"; do
    if [ "$word" = --record ]; then commit=$(python3 tools/endurance.py commit); else minutes=$word; fi
  done
  [[ "$minutes" =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "how long? ./dev soak MINUTES [--record]"
  need run interop
  configure release
  compile release isthmus
  rm -f "$report"
  ISTHMUS_SOAK_MINUTES=$minutes ISTHMUS_SOAK_REPORT=$report tests/interop/run soak_test.py || failed=yes
  # A run that broke before its end has no figures, and is told all the same.
  [ -f "$report" ] || printf '0\nfailed: it did not come to its end\n' >"$report"
  [ -z "$commit" ] || python3 tools/endurance.py add "$commit" soak "$(sed -n 1p "$report")" "$(sed -n 2p "$report")"
  [ -z "$failed" ] || fail "the soak broke a bound"
}
