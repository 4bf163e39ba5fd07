# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev fuzz: libFuzzer on one door or on all. New inputs collect in build/fuzz/corpus/NAME; what crashes is kept in
# build/fuzz/crashes with the way from there to a seed. Sourced by ./dev.

# fuzz_once NAME SECONDS: one run by the clock; adds its user and system time to build/fuzz/NAME.time. What hangs is killed after a
# minute: on a busy machine an input has taken ten seconds of it for 14 ms of its own.
fuzz_once() {
  local name=$1 seconds=$2 dictionary=() TIMEFORMAT='%U %S'
  [ -f "fuzz/$name.dict" ] && dictionary=("-dict=fuzz/$name.dict")
  { time timeout $((seconds + 180)) "build/fuzz/bin/fuzz_$name" "${dictionary[@]}" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 \
    -print_final_stats=1 "-artifact_prefix=build/fuzz/crashes/$name-" "build/fuzz/corpus/$name" "fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1
  } 2>>"build/fuzz/$name.time"
}

# fuzz_door NAME SECONDS [COMMIT]: with a commit the run gets its row in docs/endurance.md, and SECONDS are of CPU: a busy machine
# runs again, for at most four times as long.
fuzz_door() {
  local name=$1 seconds=$2 commit=${3:-}
  local crashes=build/fuzz/crashes log=build/fuzz/$name.log status=0 began=$SECONDS left=$2 spent runs=0 more result
  mkdir -p "build/fuzz/corpus/$name" "$crashes" "fuzz/corpus/$name"
  : >"build/fuzz/$name.time"
  while :; do
    fuzz_once "$name" "$left" || status=$?
    spent=$(awk '{ spent += $1 + $2 } END { printf "%.1f", spent }' "build/fuzz/$name.time")
    more=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    runs=$((runs + ${more:-0}))
    left=$((seconds - ${spent%.*}))
    [ "$status" = 0 ] && [ -n "$commit" ] && [ $((20 * left)) -gt "$seconds" ] && [ $((SECONDS - began)) -lt $((4 * seconds)) ] || break
  done
  if [ "$status" != 0 ]; then
    result="failed: status $status"
    tail -n 60 "$log" >&2
    {
      echo "dev: the door $name found something; the input lies in $crashes/$name-*. From here:"
      echo "  build/fuzz/bin/fuzz_$name $crashes/$name-...      runs it once more"
      echo "  build/fuzz/bin/fuzz_$name -minimize_crash=1 -max_total_time=60 $crashes/$name-...   makes it small"
      echo "  copy it to fuzz/corpus/$name/ under a name that says what it was: ./dev test quick replays it from then on"
    } >&2
  elif [ "$runs" -eq 0 ]; then
    result="failed: nothing was executed"
    note "$name: nothing was executed"
  else
    result="clean: $runs inputs in $((SECONDS - began)) s"
    note "$(printf '%-16s %9s inputs in %s s (%s s of CPU), nothing found' "$name" "$runs" $((SECONDS - began)) "$spent")"
  fi
  [ -z "$commit" ] || python3 tools/endurance.py add "$commit" "fuzz $name" "$spent" "$result"
  [[ "$result" == clean* ]]
}

# run_fuzz [NAME|all] [SECONDS] [--record]
run_fuzz() {
  local words=() word commit=
  for word in "$@"; do
    if [ "$word" = --record ]; then commit=$(python3 tools/endurance.py commit); else words+=("$word"); fi
  done
  local which=${words[0]:-} seconds=${words[1]:-20}
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
    fuzz_door "$door" "$seconds" "$commit" &
    pids+=($!) names+=("$door")
    if [ ${#pids[@]} -ge "$jobs" ]; then
      for i in "${!pids[@]}"; do wait "${pids[$i]}" || failed+=("${names[$i]}"); done
      pids=() names=()
    fi
  done
  for i in "${!pids[@]}"; do wait "${pids[$i]}" || failed+=("${names[$i]}"); done
  [ ${#failed[@]} -eq 0 ] || fail "doors that found something: ${failed[*]}"
}
