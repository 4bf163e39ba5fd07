# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev package: the Debian package. Sourced by ./dev.

run_package() {
  need run package
  [ -f build/release/build.ninja ] || configure release -DISTHMUS_TESTS=OFF
  compile release isthmus package_papers
  mkdir -p build/package
  rm -rf build/package/isthmus_*.deb build/package/_CPack_Packages
  (cd build/release && cpack -G DEB >../package/cpack.log 2>&1) || { tail -n 30 build/package/cpack.log >&2; fail "cpack failed"; }
  rm -rf build/package/_CPack_Packages
  note "made $(ls build/package/isthmus_*.deb)"
}
