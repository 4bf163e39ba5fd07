#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Configures and builds one library with -DISTHMUS_ONLY=LIBRARY, links its example against that build, and compares what
# the example prints. base, sip, sdp and exchange must build with a compiler alone: for them, every foreign package is hidden.
# usage: alone.sh LIBRARY SOURCE-FOLDER BUILD-FOLDER COMPILER
set -euo pipefail
library=$1 source=$2 build=$3 compiler=$4

hidden=()
case "$library" in
  base|sip|sdp|exchange)
    for package in OpenSSL Boost GTest benchmark PkgConfig Threads spdlog tomlplusplus CLI11 SQLite3; do
      hidden+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON")
    done
    export PKG_CONFIG_LIBDIR=/nonexistent PKG_CONFIG_PATH=
    ;;
esac

mkdir -p "$build"
if ! cmake -S "$source" -B "$build" -G Ninja "-DCMAKE_CXX_COMPILER=$compiler" -DCMAKE_BUILD_TYPE=Release \
  "-DISTHMUS_ONLY=$library" "${hidden[@]+"${hidden[@]}"}" >"$build/configure.log" 2>&1; then
  cat "$build/configure.log"
  exit 1
fi
cmake --build "$build" -j 2 >"$build/build.log" 2>&1 || { tail -n 60 "$build/build.log"; exit 1; }
examples=0
for source_file in "$source/examples/embed/$library.cpp" "$source/examples/embed/${library}_"*.cpp; do
  [ -f "$source_file" ] || continue
  name=$(basename "$source_file" .cpp)
  example=$build/bin/example_$name
  timeout 20 "$example" >"$build/$name.txt"
  diff -u "$source/examples/embed/$name.expected" "$build/$name.txt"
  case "$library" in
    base|sip|sdp|exchange)
      if ldd "$example" | grep -vE 'linux-vdso|ld-linux|lib(stdc\+\+|gcc_s|m|c)\.so'; then
        echo "$library needs more than the standard library"
        exit 1
      fi
      ;;
  esac
  examples=$((examples + 1))
done
[ "$examples" -gt 0 ] || { echo "$library has no example"; exit 1; }
echo "$library stands alone"
