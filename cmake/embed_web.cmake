# SPDX-License-Identifier: MIT
# cmake -DOUT=web_files.cpp -DFROM=gateway/web -P embed_web.cmake: the files of the page as bytes of a C++ source.
file(GLOB names RELATIVE "${FROM}" "${FROM}/*")
list(SORT names)
set(arrays "")
set(rows "")
set(number 0)
foreach(name IN LISTS names)
  file(READ "${FROM}/${name}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x[0-9a-f][0-9a-f],){24})" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {\n${bytes}};\n")
  string(APPEND rows "    {\"${name}\", {reinterpret_cast<const char*>(kFile${number}), sizeof kFile${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}.new" "// Made by cmake/embed_web.cmake from gateway/web; not to be edited.
#include \"gateway/api/web_files.hpp\"

namespace isthmus::gateway {
namespace {

${arrays}
}  // namespace

const std::vector<WebFile>& web_files() {
  static const std::vector<WebFile> files{
${rows}  };
  return files;
}

}  // namespace isthmus::gateway
")
file(COPY_FILE "${OUT}.new" "${OUT}" ONLY_IF_DIFFERENT)
file(REMOVE "${OUT}.new")
