// SPDX-License-Identifier: MIT
// isthmus run: starts the gateway, tells where to click, and runs until it is asked to end.
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "gateway/command/commands.hpp"
#include "gateway/command/load.hpp"
#include "gateway/first_start.hpp"
#include "gateway/gateway.hpp"
#include "gateway/observe/log.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {
namespace {

void introduce(const Config& config, const AccountList& accounts, const std::string& api_secret_file,
               const Gateway& gateway) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;  // passwords are shown to a person, never written into a log
  std::cout << "Isthmus " << ISTHMUS_VERSION << "\n";
  std::cout << "  page      http://" << gateway.web().text() << "/\n";
  for (const Bound& each : gateway.sip())
    std::cout << "  SIP       " << each.address.text() << (each.protocol == Protocol::udp ? " (udp)" : " (tcp)")
              << "\n";
  std::cout << "  media     ";
  for (const SocketAddress& each : gateway.media()) std::cout << each.text() << " ";
  std::cout << "(for browsers)\n";
  for (const DemoAccount& demo : accounts.demo)
    std::cout << "  account   " << demo.name << (terminal ? "  password " + demo.password.reveal() : "") << "\n";
  if (!accounts.demo.empty()) std::cout << "            passwords are in " << demo_file(config) << "\n";
  if (!config.echo.empty()) std::cout << "  dial      " << config.echo << " to hear yourself\n";
  if (!api_secret_file.empty()) std::cout << "  API       the secret is in " << api_secret_file << "\n";
  if (!config.webhook_url.empty()) std::cout << "  webhooks  " << config.webhook_url << "\n";
  std::cout << std::flush;
}

void warn_about(const AccountList& accounts) {
  for (const std::string& name : accounts.stale)
    log(LogLevel::warning,
        "account " + name + " is of another realm and cannot be used: isthmus account passwd " + name);
  for (const std::string& name : accounts.twice)
    log(LogLevel::warning,
        "account " + name + " stands in the configuration and in the database: the configuration counts");
}

}  // namespace

int command_run(const Arguments& arguments) {
  const auto loaded = load(arguments);
  if (!loaded) return complain(loaded.error());
  const Config& config = *loaded;

  std::signal(SIGPIPE, SIG_IGN);
  transport::raise_descriptor_limit();
  auto belongings = take_belongings(config, Random(transport::random_seed()));
  if (!belongings) {
    std::cerr << "isthmus: " << belongings.error() << "\n";
    return kFailed;
  }
  const AccountList accounts = belongings->accounts;
  const std::string api_secret_file = belongings->api_secret_file;
  auto gateway = Gateway::open(config, std::move(*belongings));
  if (!gateway) {
    std::cerr << "isthmus: " << gateway.error() << "\n";
    return kFailed;
  }
  introduce(config, accounts, api_secret_file, **gateway);
  warn_about(accounts);
  if (config.effective_admission() == Admission::allow_all)
    log(LogLevel::warning, "admission is \"allow-all\": every client may call everybody, nobody is asked");
  if (config.effective_admission() == Admission::closed)
    log(LogLevel::warning, "no web server is configured (webhook.url): every call of a client is refused");
  (*gateway)->on_reload([&arguments]() -> Result<Config, std::vector<std::string>> {
    auto again = load(arguments);
    if (again) return std::move(*again);
    std::vector<std::string> mistakes;
    for (const ConfigError& error : again.error()) mistakes.push_back(error.message());
    return fail(std::move(mistakes));
  });
  transport::notify_manager("READY=1");
  return (*gateway)->run();
}

}  // namespace isthmus::gateway
