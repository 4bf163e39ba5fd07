# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev fuzz: libFuzzer on one door or on all. New inputs collect in build/fuzz/corpus/NAME; what crashes is kept in
# build/fuzz/crashes with the way from there to a seed. Sourced by ./dev.

# fuzz_door NAME SECONDS
fuzz_door() {
  local name=$1 seconds=$2
  local found=build/fuzz/corpus/$name crashes=build/fuzz/crashes log=build/fuzz/$name.log
  mkdir -p "$found" "$crashes" "fuzz/corpus/$name"
  local dictionary=()
  [ -f "fuzz/$name.dict" ] && dictionary=("-dict=fuzz/$name.dict")
  if ! timeout $((seconds + 120)) "build/fuzz/bin/fuzz_$name" "${dictionary[@]}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 "-artifact_prefix=$crashes/$name-" "$found" "fuzz/corpus/$name" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    {
      echo "dev: the door $name found something; the input lies in $crashes/$name-*. From here:"
      echo "  build/fuzz/bin/fuzz_$name $crashes/$name-...      runs it once more"
      echo "  build/fuzz/bin/fuzz_$name -minimize_crash=1 -max_total_time=60 $crashes/$name-...   makes it small"
      echo "  copy it to fuzz/corpus/$name/ under a name that says what it was: ./dev test quick replays it from then on"
    } >&2
    return 1
  fi
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  [ "${runs:-0}" -gt 0 ] || { note "$name: nothing was executed"; return 1; }
  note "$(printf '%-16s %9s inputs in %s s, nothing found' "$name" "$runs" "$seconds")"
}

run_fuzz() {
  local which=${1:-} seconds=${2:-20}
  [[ "$seconds" =~ ^[0-9]+$ ]] || fail "seconds must be a number: ./dev fuzz NAME|all [SECONDS]"
  need run test sanitize
  configure fuzz
  local doors door failed=()
  doors=$(test_targets fuzz '^fuzz_' | sed 's/^fuzz_//')
  [ -n "$doors" ] || fail "the build has no fuzz door (fuzz/*.cmake)"
  if [ -z "$which" ]; then
    echo "Doors: ${doors//$'\n'/ }"
    fail "which one? ./dev fuzz NAME|all [SECONDS]"
  fi
  if [ "$which" != all ]; then
    grep -qx -- "$which" <<<"$doors" || fail "no door $which; there are: ${doors//$'\n'/ }"
    doors=$which
  fi
  # shellcheck disable=SC2086 # a list of names
  compile fuzz $(sed 's/^/fuzz_/' <<<"$doors")
  # Two cores: doors run in pairs.
  local pids=() names=() i
  for door in $doors; do
    fuzz_door "$door" "$seconds" &
    pids+=($!) names+=("$door")
    if [ ${#pids[@]} -ge "$jobs" ]; then
      for i in "${!pids[@]}"; do wait "${pids[$i]}" || failed+=("${names[$i]}"); done
      pids=() names=()
    fi
  done
  for i in "${!pids[@]}"; do wait "${pids[$i]}" || failed+=("${names[$i]}"); done
  [ ${#failed[@]} -eq 0 ] || fail "doors that found something: ${failed[*]}"
}
