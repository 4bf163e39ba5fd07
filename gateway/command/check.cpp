// SPDX-License-Identifier: MIT
// isthmus check FILE: every mistake of a file at once.
#include <iostream>

#include "gateway/certificates.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/load.hpp"
#include "gateway/ports.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {

int command_check(const Arguments& arguments) {
  const std::string path = arguments.text("FILE");
  const auto loaded = load_file(path);
  if (!loaded) return complain(loaded.error());
  // What the file names must do, too.
  const auto certificates = read_certificates(*loaded, transport::read_clocks().wall);
  if (!certificates) return complain({{path, 0, certificates.error().key, certificates.error().text}});
  std::cout << path << ": no mistakes found\n" << ports_to_open(*loaded);
  return kDone;
}

}  // namespace isthmus::gateway
