// SPDX-License-Identifier: MIT
// The program: command line, configuration file, environment; then the gateway runs until it is asked to end.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>

#include "gateway/config.hpp"
#include "gateway/first_start.hpp"
#include "gateway/gateway.hpp"
#include "gateway/observe/log.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {
namespace {

constexpr int kFailed = 1;     // what was asked for is not possible
constexpr int kBadConfig = 2;  // the configuration has mistakes
constexpr size_t kMaxConfigFile = 16 << 20;
constexpr const char* kSecretVariable = "ISTHMUS_WEBHOOK_SECRET";

struct Options {
  std::string config_file;
  std::string check_file;
  std::string webhook_url;
  std::vector<std::string> sip;
  std::string web;
  std::string data;
};

int complain(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) std::cerr << error.message() << "\n";
  return kBadConfig;
}

Result<Config, std::vector<ConfigError>> load(const std::string& path) {
  if (path.empty()) return Config{};
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || text.view().size() > kMaxConfigFile)
    return fail(std::vector<ConfigError>{{path, 0, {}, "cannot be read"}});
  return read_config(text.view(), path);
}

// "host:port" of an option into an address; false after a complaint.
bool take_address(const std::string& text, const char* option, SocketAddress& out) {
  const auto address = SocketAddress::parse(text);
  if (!address || text.find(':') == std::string::npos) {
    std::cerr << "isthmus: " << option << ": must be an address with a port, 127.0.0.1:5060\n";
    return false;
  }
  out = *address;
  return true;
}

bool apply(const Options& options, Config& config) {
  if (!options.webhook_url.empty()) config.webhook_url = options.webhook_url;
  if (!options.data.empty()) config.data = options.data;
  if (!options.web.empty() && !take_address(options.web, "--web", config.web.listen)) return false;
  if (!options.sip.empty()) {
    config.sip.udp.clear();
    for (const std::string& each : options.sip) {
      if (!take_address(each, "--sip", config.sip.udp.emplace_back())) return false;
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
  return true;
}

void introduce(const Config& config, const Belongings& belongings, const Gateway& gateway) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;  // passwords are shown to a person, never written into a log
  std::cout << "Isthmus " << ISTHMUS_VERSION << "\n";
  std::cout << "  page      http://" << gateway.web().text() << "/\n";
  for (const Bound& each : gateway.sip())
    std::cout << "  SIP       " << each.address.text() << (each.protocol == Protocol::udp ? " (udp)" : " (tcp)")
              << "\n";
  std::cout << "  media     ";
  for (const SocketAddress& each : gateway.media()) std::cout << each.text() << " ";
  std::cout << "(for browsers)\n";
  for (const DemoAccount& demo : belongings.demo)
    std::cout << "  account   " << demo.name << (terminal ? "  password " + demo.password.reveal() : "") << "\n";
  if (!belongings.demo.empty()) std::cout << "            passwords are in " << belongings.demo_file << "\n";
  if (!config.echo.empty()) std::cout << "  dial      " << config.echo << " to hear yourself\n";
  if (!belongings.api_secret_file.empty())
    std::cout << "  API       the secret is in " << belongings.api_secret_file << "\n";
  if (!config.webhook_url.empty()) std::cout << "  webhooks  " << config.webhook_url << "\n";
  std::cout << std::flush;
}

int start(const Options& options) {
  auto loaded = load(options.config_file);
  if (!loaded) return complain(loaded.error());
  Config& config = *loaded;
  if (!apply(options, config)) return kBadConfig;
  const std::string source = options.config_file.empty() ? "isthmus" : options.config_file;
  const auto errors = check_config(config, source, true);
  if (!errors.empty()) return complain(errors);

  std::signal(SIGPIPE, SIG_IGN);
  transport::raise_descriptor_limit();
  auto belongings = take_belongings(config, Random(transport::random_seed()));
  if (!belongings) {
    std::cerr << "isthmus: " << belongings.error() << "\n";
    return kFailed;
  }
  const Belongings shown{nullptr, {}, belongings->demo, belongings->demo_file, {}, belongings->api_secret_file};
  auto gateway = Gateway::open(config, std::move(*belongings));
  if (!gateway) {
    std::cerr << "isthmus: " << gateway.error() << "\n";
    return kFailed;
  }
  introduce(config, shown, **gateway);
  if (config.effective_admission() == Admission::allow_all)
    log(LogLevel::warning, "admission is \"allow-all\": every client may call everybody, nobody is asked");
  if (config.effective_admission() == Admission::closed)
    log(LogLevel::warning, "no web server is configured (webhook.url): every call of a client is refused");
  return (*gateway)->run();
}

int check(const std::string& path) {
  const auto loaded = load(path);
  if (!loaded) return complain(loaded.error());
  std::cout << path << ": no mistakes found\n";
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"A SIP stack and WebRTC gateway: browsers call SIP phones, SIP phones call browsers."};
  app.set_version_flag("--version", std::string("isthmus ") + ISTHMUS_VERSION);
  app.require_subcommand(0, 1);
  const auto add_options = [&](CLI::App& to) {
    to.add_option("--config", options.config_file,
                  "Configuration file (TOML); without one the gateway runs on loopback");
    to.add_option("--webhook-url", options.webhook_url,
                  "The web server that is asked and told about calls; its secret comes in ISTHMUS_WEBHOOK_SECRET");
    to.add_option("--sip", options.sip, "Listen for SIP here, UDP and TCP (127.0.0.1:5060)")->type_name("HOST:PORT");
    to.add_option("--web", options.web, "Listen for page, clients and API here (127.0.0.1:8080)")
        ->type_name("HOST:PORT");
    to.add_option("--data", options.data, "Directory for state and generated secrets (data)")->type_name("DIR");
  };
  add_options(app);
  add_options(*app.add_subcommand("run", "Run the gateway (what happens without a command)"));
  CLI::App* checking = app.add_subcommand("check", "Read a configuration file and say what is wrong with it");
  checking->add_option("FILE", options.check_file, "The file")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadConfig;
  }
  return checking->parsed() ? check(options.check_file) : start(options);
}

}  // namespace
}  // namespace isthmus::gateway

int main(int argc, char** argv) {
  try {
    return isthmus::gateway::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "isthmus: %s\n", error.what());
    return 1;
  }
}
