// SPDX-License-Identifier: MIT
#include "gateway/command/data_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <system_error>

#include "gateway/first_start.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {

Result<void, std::string> enter_data_directory(const Config& config) {
  std::error_code error;
  const bool was_there = std::filesystem::exists(config.data, error);
  if (auto made = make_data_directory(config); !made) return made;
  if (!was_there) std::cerr << note_of_root(config.data);
  if (!transport::become_owner_of(config.data)) return fail("cannot act as the owner of " + config.data);
  return {};
}

std::string note_of_root(const std::string& data) {
  struct stat facts{};
  if (::geteuid() != 0 || ::stat(data.c_str(), &facts) != 0 || facts.st_uid != 0) return {};
  return "Note: data: " + data + " belongs to root: only a gateway that runs as root can use it.\n";
}

}  // namespace isthmus::gateway
