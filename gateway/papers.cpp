// SPDX-License-Identifier: MIT
// Prints what is made from the tables of keys and commands: `papers example|reference|isthmus.1|isthmus.toml.5`. For
// ./dev docs and for the package; it is not installed.
#include <cstdio>
#include <string>
#include <string_view>

#include "gateway/command/commands.hpp"
#include "gateway/config_text.hpp"

int main(int argc, char** argv) {
  using namespace isthmus::gateway;
  const std::string_view which = argc == 2 ? argv[1] : "";
  std::string text;
  if (which == "example") text = config_example();
  if (which == "reference") text = config_reference();
  if (which == "isthmus.1") text = command_manual();
  if (which == "isthmus.toml.5") text = config_manual();
  if (text.empty()) {
    std::fputs("usage: papers example|reference|isthmus.1|isthmus.toml.5\n", stderr);
    return 2;
  }
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
