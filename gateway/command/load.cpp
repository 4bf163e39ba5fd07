// SPDX-License-Identifier: MIT
#include "gateway/command/load.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "gateway/command/commands.hpp"
#include "gateway/config_keys.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxConfigFile = 16 << 20;
constexpr const char* kSecretVariable = "ISTHMUS_WEBHOOK_SECRET";

using Errors = std::vector<ConfigError>;

// "host:port" of an option into an address.
Result<void, Errors> take_address(const std::string& text, const char* option, SocketAddress& out) {
  const auto address = SocketAddress::parse(text);
  if (!address || text.find(':') == std::string::npos)
    return fail(Errors{{"isthmus", 0, option, "must be an address with a port, 127.0.0.1:5060"}});
  out = *address;
  return {};
}

Result<void, Errors> apply(const Arguments& arguments, Config& config) {
  if (arguments.has("--webhook-url")) config.webhook_url = arguments.text("--webhook-url");
  if (arguments.has("--data")) config.data = arguments.text("--data");
  if (arguments.has("--web")) {
    if (auto taken = take_address(arguments.text("--web"), "--web", config.web.listen); !taken) return taken;
  }
  // A word of the command line is what would stand in the file.
  for (const char* name : {"level", "format"}) {
    const std::string option = "--log-" + std::string(name);
    if (!arguments.has(option)) continue;
    const ConfigKey* key = find_config_key("log", name);
    const std::string wrong = key->read(config, {arguments.text(option)});
    if (!wrong.empty()) return fail(Errors{{"isthmus", 0, option, wrong}});
  }
  if (arguments.has("--sip")) {
    config.sip.udp.clear();
    for (const std::string& each : arguments.all("--sip")) {
      if (auto taken = take_address(each, "--sip", config.sip.udp.emplace_back()); !taken) return taken;
    }
    config.sip.tcp = config.sip.udp;
  }
  // Two secrets, while one is being changed, stand with a comma between them.
  if (const char* secrets = std::getenv(kSecretVariable); secrets != nullptr && *secrets != '\0') {
    config.webhook_secrets.clear();
    std::istringstream list{std::string(secrets)};
    for (std::string each; std::getline(list, each, ',');) {
      if (!each.empty()) config.webhook_secrets.emplace_back(each);
    }
  }
  return {};
}

}  // namespace

Result<Config, std::vector<ConfigError>> load_file(const std::string& path) {
  if (path.empty()) return Config{};
  const auto refuse = [&](const std::string& why) { return fail(Errors{{path, 0, {}, "cannot be read: " + why}}); };
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return refuse("it is a directory");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) return refuse(std::strerror(errno));
  if (text.view().size() > kMaxConfigFile) return refuse("it is larger than 16 MiB");
  return read_config(text.view(), path);
}

Result<Config, std::vector<ConfigError>> load(const Arguments& arguments) {
  const std::string path = arguments.text("--config");
  auto config = load_file(path);
  if (!config) return config;
  if (auto applied = apply(arguments, *config); !applied) return fail(applied.error());
  auto errors = check_config(*config, path.empty() ? "isthmus" : path, true);
  if (!errors.empty()) return fail(std::move(errors));
  return config;
}

Result<Config, std::vector<ConfigError>> load_for_client(const Arguments& arguments) {
  auto config = load_file(arguments.text("--config"));
  if (!config) return config;
  if (auto applied = apply(arguments, *config); !applied) return fail(applied.error());
  return config;
}

int complain(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) std::cerr << error.message() << "\n";
  return kBadConfig;
}

}  // namespace isthmus::gateway
