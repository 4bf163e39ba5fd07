# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# Runs groups of tests by ctest and writes what happened to build/reports/*.xml, from which tools/tally.py counts. A group
# that runs no test is a failure: a wrong label must not look like success. Sourced by ./dev.

reports=build/reports

# run_ctest REPORT PRESET CTEST-ARGUMENT...
run_ctest() {
  local report=$1 preset=$2
  shift 2
  mkdir -p "$reports"
  rm -f "$reports/$report.xml"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --output-junit "$PWD/$reports/$report.xml" "$@"
}

# The folders of tests that stand behind a label; a label whose folder does not exist has nothing to run.
group_folder() {
  case "$1" in
    interop) echo tests/interop ;;
    browser) echo tests/browser ;;
    package) echo tests/package ;;
    *) echo tests ;;
  esac
}

# npm packages of the browser tests, exactly those of the committed lock file.
install_npm() {
  [ -f tests/browser/package-lock.json ] || return 0
  local stamp=tests/browser/node_modules/.package-lock.json
  if [ ! -f "$stamp" ] || [ tests/browser/package-lock.json -nt "$stamp" ]; then
    note "npm ci in tests/browser"
    (cd tests/browser && npm ci --no-audit --no-fund --loglevel=error) || fail "npm ci failed in tests/browser"
    touch "$stamp"
  fi
}

# Root, or sudo that lets us be root: it asks for the password where there is somebody to ask.
may_be_root() {
  [ "$(id -u)" = 0 ] && return 0
  command -v sudo >/dev/null 2>&1 || return 1
  if [ -t 0 ]; then sudo true; else sudo -n true 2>/dev/null; fi
}

# need_rights GROUP...: ends before anything is built when this user cannot run one of the groups, and says which remain.
need_rights() {
  [ "$(id -u)" = 0 ] && return 0
  local group others=()
  for group in "$@"; do
    case "$group" in interop|browser|deep)
      unshare -Urn true 2>/dev/null ||
        fail "$group makes networks of its own: as root, or in a user namespace, which this machine forbids (sysctl kernel.unprivileged_userns_clone); without: ./dev test quick slow"
    esac
    [ "$group" = package ] || others+=("$group")
  done
  case " $* " in *" package "*) may_be_root || fail "package makes a chroot: it needs root or sudo; without: ./dev test ${others[*]:-quick slow interop browser}" ;; esac
}

# run_group GROUP PRESET REPORT: one label; tests from outside run one at a time, they are about time and ports.
run_group() {
  local group=$1 preset=$2 report=$3 parallel=1
  [ -f "$(group_folder "$group")/CMakeLists.txt" ] || { note "$group: there is no $(group_folder "$group") yet, nothing to run"; return 0; }
  case "$group" in quick|slow) parallel=$jobs ;; esac
  note "tests of group $group in build/$preset"
  run_ctest "$report" "$preset" -L "^$group\$" -j "$parallel"
}

# ./dev test [quick|interop|browser|slow|package|deep|NAME-REGEX]...
run_suite() {
  local groups=("$@") group failed=()
  if [ ${#groups[@]} -eq 0 ]; then
    groups=(quick slow interop browser package)
    # First what asks for a password, while somebody is looking.
    [ "$(id -u)" = 0 ] || groups=(package quick slow interop browser)
  fi
  need_rights "${groups[@]}"
  local needed=(run test)
  for group in "${groups[@]}"; do
    case "$group" in
      interop|browser|package) needed+=("$group") ;;
      deep) needed+=(deep interop browser) ;;
    esac
  done
  need "${needed[@]}"
  with_option release ISTHMUS_TESTS=ON
  compile release
  for group in "${groups[@]}"; do
    case "$group" in
      browser|deep) install_npm ;;
      # The build may have taken longer than sudo remembers.
      package) run_package; may_be_root || fail "package: neither root nor sudo any more" ;;
    esac
    case "$group" in
      quick|interop|browser|slow|deep|package) run_group "$group" release "$group" || failed+=("$group") ;;
      *) run_ctest named release -R "$group" || failed+=("$group") ;;
    esac
  done
  [ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
  note "all groups passed: ${groups[*]}"
}
