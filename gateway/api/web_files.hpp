// SPDX-License-Identifier: MIT
// The files of the phone page, held in the program: made at build time from gateway/web by cmake/embed_web.cmake.
#pragma once

#include <string_view>
#include <vector>

namespace isthmus::gateway {

struct WebFile {
  std::string_view name;   // "index.html"
  std::string_view bytes;  // lives as long as the program
};
const std::vector<WebFile>& web_files();

}  // namespace isthmus::gateway
