# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# The Debian packages of the project, all lists in this one place, and `need`, which installs what is missing. Sourced by
# ./dev. Never here: libboost-dev (Boost 1.74, conflicts with 1.81) and, as a build package, libnice-dev (pulls GTK).

# What the gateway needs to be built and started.
packages_run=(
  clang-19 cmake ninja-build ccache mold pkg-config g++ python3 ca-certificates
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev libsrtp2-dev libsqlite3-dev libc-ares-dev
  libspdlog-dev libcli11-dev libtomlplusplus-dev prometheus-cpp-dev
)
# What the in-process tests need beside that.
packages_test=(libgtest-dev libgmock-dev git openssl nodejs)
# Sanitizers and fuzzing; llvm-19 gives their reports line numbers.
packages_sanitize=(libclang-rt-19-dev llvm-19)
packages_lint=(clang-format-19 clang-tidy-19 git)
# The peers of the tests from outside: SIP programs, browser, decoders of traffic and sound.
packages_interop=(faketime nginx-light sip-tester baresip-core tshark sox iproute2 nftables procps curl)
packages_browser=(chromium libnss3-tools baresip-core sox iproute2 nodejs npm nftables)
# Benches need the library; the parsers of other projects are compared with where they are installed.
packages_bench=(libbenchmark-dev)
packages_bench_peers=(libosip2-dev libsofia-sip-ua-dev libre-dev valgrind)
# Rarer peers, for ./dev deep only.
packages_deep=(firefox-esr kamailio libnice-dev valgrind)
# The Debian package, and the machine it is tried out in.
packages_package=(dpkg-dev file debootstrap systemd man-db iproute2 openssl python3)
packages_fresh=(debootstrap git)

# One package is there? nodejs and npm count as there when the commands are: a Node from elsewhere often provides both and
# conflicts with Debian's npm.
package_present() {
  case "$1" in
    nodejs) command -v node >/dev/null 2>&1 && return 0 ;;
    npm) command -v npm >/dev/null 2>&1 && return 0 ;;
  esac
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# missing_packages GROUP...: prints the packages of these groups that are not installed, one a line.
missing_packages() {
  local group package
  for group in "$@"; do
    local -n listed="packages_$group"
    for package in "${listed[@]}"; do package_present "$package" || echo "$package"; done
  done | sort -u
}

# need GROUP...: installs what is missing, after asking; nothing happens when all is there.
need() {
  local missing
  if ! command -v apt-get >/dev/null 2>&1; then
    note "no apt-get here: make sure yourself that the packages of tools/packages.sh ($*) are installed"
    return 0
  fi
  missing=$(missing_packages "$@" | tr '\n' ' ')
  missing=${missing% }
  [ -n "$missing" ] || return 0
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  note "missing packages; they are installed with:"
  note "  ${as_root[*]:+${as_root[*]} }apt-get install -y --no-install-recommends $missing"
  if [ "$assume_yes" != true ]; then
    [ -t 0 ] || fail "cannot ask here: run the line above, or say --yes"
    local reply
    read -r -p "Install them now? [Y/n] " reply
    case "$reply" in ""|y|Y|yes) ;; *) fail "not installed; nothing was changed" ;; esac
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
    fail "neither root nor sudo here: run the line above as root, then call ./dev again"
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  "${apt[@]}" update >/dev/null || note "apt-get update failed; going on with the lists that are there"
  # shellcheck disable=SC2086 # a list of package names
  "${apt[@]}" install -y --no-install-recommends $missing || fail "apt-get could not install: $missing"
}
