# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# Configures and builds one preset of CMakePresets.json under build/. Sourced by ./dev.

jobs=${ISTHMUS_JOBS:-$(nproc)}

# configure PRESET [CMAKE OPTION]...: only where it is not configured yet, or when options are given.
configure() {
  local preset=$1
  shift
  if [ ! -f "build/$preset/build.ninja" ] || [ $# -gt 0 ]; then
    mkdir -p "build/$preset"
    if ! cmake --preset "$preset" "$@" >"build/$preset/configure.log" 2>&1; then
      tail -n 40 "build/$preset/configure.log" >&2
      fail "cmake --preset $preset failed; the whole output is in build/$preset/configure.log"
    fi
  fi
}

# compile PRESET [TARGET]...
compile() {
  local preset=$1
  shift
  local targets=()
  [ $# -gt 0 ] && targets=(--target "$@")
  note "building build/$preset${*:+ ($*)}"
  cmake --build "build/$preset" -j "$jobs" "${targets[@]+"${targets[@]}"}" || fail "the build in build/$preset failed"
}

# test_targets PRESET REGEX: names of the test programs of a configured build that match.
test_targets() {
  ninja -C "build/$1" -t targets all | sed -n 's/^\([a-z0-9_]*\): phony$/\1/p' | grep -E "$2" || true
}

# has_option PRESET NAME=VALUE: is this what the build is configured with?
has_option() {
  grep -qE "^${2%%=*}:[A-Z]+=${2#*=}\$" "build/$1/CMakeCache.txt" 2>/dev/null
}

# with_option PRESET NAME=VALUE: configures again only when the value differs.
with_option() {
  if has_option "$1" "$2"; then configure "$1"; else configure "$1" "-D$2"; fi
}
