// SPDX-License-Identifier: MIT
#include "tests/support/documented.hpp"

#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "tests/support/source_dir.hpp"

namespace isthmus::test {
namespace {

// Of each reason what stands in its column `code`: numbers, a range of them, `none`.
const std::map<std::string, std::string, std::less<>>& documented_codes() {
  static const auto table = [] {
    std::ifstream file(source_dir() + "/docs/api.md");
    std::stringstream text;
    text << file.rdbuf();
    std::string page = text.str();
    page.erase(0, page.find("| `reason` | `code` |"));
    page.erase(page.find("\n\n"));
    std::map<std::string, std::string, std::less<>> out;
    const std::regex row(R"(\| `(\w+)` \| ([^|]+) \|)");
    for (std::sregex_iterator it(page.begin(), page.end(), row), end; it != end; ++it) out[(*it)[1]] = (*it)[2];
    return out;
  }();
  return table;
}

}  // namespace

bool is_documented(std::string_view reason, int64_t code) {
  const auto row = documented_codes().find(reason);
  if (row == documented_codes().end()) return false;
  if (code < 1) return row->second.find("none") != std::string::npos;
  static const std::regex number(R"((\d{3})(?:-(\d{3}))?)");
  for (std::sregex_iterator it(row->second.begin(), row->second.end(), number), end; it != end; ++it) {
    const int64_t low = std::stoi((*it)[1]);
    const int64_t high = (*it)[2].matched ? std::stoi((*it)[2]) : low;
    if (code >= low && code <= high) return true;
  }
  return false;
}

}  // namespace isthmus::test
