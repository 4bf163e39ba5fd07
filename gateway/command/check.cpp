// SPDX-License-Identifier: MIT
// isthmus check FILE: every mistake of a file at once, and whether what it names can be used. Root asks for the one who
// will run the gateway: from the data directory on, files are read as its owner reads them.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "gateway/certificates.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/data_directory.hpp"
#include "gateway/command/load.hpp"
#include "gateway/ports.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {
namespace {

namespace fs = std::filesystem;

// The folder itself, or the nearest above it that is there and in which it would be made.
fs::path nearest_that_is_there(const std::string& data) {
  std::error_code error;
  fs::path each = fs::absolute(data).lexically_normal();
  while (!fs::exists(each, error) && each.has_relative_path()) each = each.parent_path();
  return each;
}

// What of the data directory would keep a gateway from starting; "" when nothing does.
std::string wrong_with_data(const std::string& data) {
  const fs::path place = nearest_that_is_there(data);
  std::error_code error;
  if (!fs::is_directory(place, error)) return place.string() + " is not a directory";
  if (::access(place.c_str(), R_OK | W_OK | X_OK) == 0) return {};
  const std::string reason = std::strerror(errno);
  const bool is_there = fs::exists(data, error);
  return data + (is_there ? " cannot be used" : " cannot be made") + " by " + transport::user_name() + ": " + reason;
}

// All that `run` would refuse, but for what may come from its environment.
std::vector<ConfigError> mistakes(const Config& config, const std::string& path) {
  std::vector<ConfigError> out = check_config(config, path, true);
  std::erase_if(out, [](const ConfigError& each) { return each.key == "webhook.secrets"; });
  if (const std::string wrong = wrong_with_data(config.data); !wrong.empty()) out.push_back({path, 0, "data", wrong});
  if (const auto read = read_certificates(config, transport::read_clocks().wall); !read)
    out.push_back({path, 0, read.error().key, read.error().text});
  return out;
}

std::string notes(const Config& config) {
  std::string out;
  std::error_code error;
  if (::geteuid() == 0 && !fs::exists(config.data, error))
    out += "Note: data: " + config.data + " is not there yet; who starts the gateway must be able to make it.\n";
  out += note_of_root(config.data);
  if (!config.webhook_url.empty() && config.webhook_secrets.empty())
    out += "Note: webhook.secrets is missing: ISTHMUS_WEBHOOK_SECRET must stand in the environment of the gateway.\n";
  return out;
}

}  // namespace

int command_check(const Arguments& arguments) {
  const std::string path = arguments.text("FILE");
  auto loaded = load_file(path);
  if (!loaded) return complain(loaded.error());
  std::string as_whom;
  if (::geteuid() == 0) {
    if (!transport::become_owner_of(loaded->data)) {
      std::cerr << "isthmus: cannot act as the owner of " << loaded->data << "\n";
      return kFailed;
    }
    if (::geteuid() != 0) {
      as_whom = "read as " + transport::user_name() + ", the owner of " + loaded->data;
      loaded = load_file(path);
    }
  }
  const std::vector<ConfigError> errors = loaded ? mistakes(*loaded, path) : loaded.error();
  if (!errors.empty()) {
    if (!as_whom.empty()) std::cerr << path << ": " << as_whom << "\n";
    return complain(errors);
  }
  std::cout << path << ": no mistakes found" << (as_whom.empty() ? "" : " (" + as_whom + ")") << "\n"
            << notes(*loaded) << ports_to_open(*loaded);
  return kDone;
}

}  // namespace isthmus::gateway
