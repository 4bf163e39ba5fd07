#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cmake --install of this build, then a project that knows nothing but find_package(isthmus COMPONENTS ...): the ten lines of the README, and one for each
# other component with its example from examples/embed. usage: outside_project.sh BUILD-FOLDER COMPILER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$1" --component dev --prefix "$folder/prefix" >"$folder/install.log"

# The README's own words are the project.
awk '/^```cmake$/ { cmake = 1; next } /^```cpp$/ { cpp = 1; next } /^```$/ { cmake = cpp = 0 } cmake { print > "'"$folder"'/CMakeLists.txt" } cpp { print > "'"$folder"'/parse.cpp" }' "$root/README.md"
[ "$(cat "$folder/CMakeLists.txt" "$folder/parse.cpp" | wc -l)" -le 20 ] || { echo "the README's example has grown"; exit 1; }
configure() { cmake -S "$1" -B "$1/build" -G Ninja "-DCMAKE_CXX_COMPILER=$2" "-DCMAKE_PREFIX_PATH=$folder/prefix" >"$1/log" 2>&1; }
configure "$folder" "$2" || { cat "$folder/log"; exit 1; }
cmake --build "$folder/build" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
[ "$("$folder/build/parse")" = "OPTIONS sip:bob@example.org" ] || { echo "it printed: $("$folder/build/parse")"; exit 1; }

for component in base sip sdp ice media transport exchange; do
  mkdir "$folder/$component"
  cp "$root/examples/embed/$component.cpp" "$folder/$component/"
  cat >"$folder/$component/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES CXX)
find_package(isthmus 0.1 REQUIRED COMPONENTS $component)
add_executable(example $component.cpp)
target_link_libraries(example PRIVATE isthmus::$component)
CMAKE
  configure "$folder/$component" "$2" || { cat "$folder/$component/log"; exit 1; }
  cmake --build "$folder/$component/build" >"$folder/$component/log" 2>&1 || { tail -n 40 "$folder/$component/log"; exit 1; }
  timeout 20 "$folder/$component/build/example" | diff -u "$root/examples/embed/$component.expected" -
done
# A component that does not exist is named.
mkdir "$folder/none"
sed 's/COMPONENTS .*)/COMPONENTS matrix)/' "$folder/base/CMakeLists.txt" >"$folder/none/CMakeLists.txt"
if configure "$folder/none" "$2"; then echo "a component that is not there was found"; exit 1; fi
grep -q "isthmus has no component matrix" "$folder/none/log"
echo "an outside project finds every component"
