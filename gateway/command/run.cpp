// SPDX-License-Identifier: MIT
// isthmus run: starts the gateway, tells where to click, and runs until it is asked to end.
#include <unistd.h>

#include <chrono>
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
  std::cout << "  page      " << gateway.page() << "\n";
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

constexpr uint64_t kLeastDescriptors = 256;
constexpr uint64_t kDescriptorsOfACall = 4;  // two phones with two ports each
constexpr std::chrono::sys_days kOldestClock{std::chrono::year{2026} / 11 / 1};

// What this machine must give; "" when all is well.
std::string wrong_with_machine() {
  const WallTime now = transport::read_clocks().wall;
  if (now < WallTime(kOldestClock))
    return "the clock of this machine is before November 2026: certificates and signatures need the right time "
           "(timedatectl set-ntp true)";
  const uint64_t allowed = transport::raise_descriptor_limit();
  if (allowed < kLeastDescriptors)
    return "only " + std::to_string(allowed) + " open files are allowed, at least " +
           std::to_string(kLeastDescriptors) + " are needed (ulimit -n, LimitNOFILE in the unit)";
  return {};
}

void warn_about_descriptors(const Config& config) {
  const uint64_t allowed = transport::raise_descriptor_limit();
  const uint64_t wanted =
      kDescriptorsOfACall * config.limits.calls + config.limits.sip_connections + config.limits.web_connections;
  if (allowed < wanted)
    log(LogLevel::warning, "only " + std::to_string(allowed) + " open files are allowed; limits.calls, " +
                               "limits.sip_connections and limits.web_connections may need " + std::to_string(wanted) +
                               " (LimitNOFILE in the unit)");
}

void warn_about(const AccountList& accounts) {
  for (const std::string& name : accounts.stale)
    log(LogLevel::warning, "account " + shown_user(name) +
                               " is of another realm and cannot be used: isthmus account passwd " + shown_user(name));
  for (const std::string& name : accounts.twice)
    log(LogLevel::warning,
        "account " + shown_user(name) + " stands in the configuration and in the database: the configuration counts");
}

}  // namespace

int command_run(const Arguments& arguments) {
  const auto loaded = load(arguments);
  if (!loaded) return complain(loaded.error());
  const Config& config = *loaded;

  set_log(config.log);
  std::signal(SIGPIPE, SIG_IGN);
  if (const std::string wrong = wrong_with_machine(); !wrong.empty()) {
    std::cerr << "isthmus: " << wrong << "\n";
    return kFailed;
  }
  auto belongings = take_belongings(config, Random(transport::random_seed()));
  if (!belongings) {
    std::cerr << "isthmus: " << belongings.error() << "\n";
    return kFailed;
  }
  const AccountList accounts = belongings->accounts;
  const std::string api_secret_file = belongings->api_secret.file;
  auto gateway = Gateway::open(config, std::move(*belongings));
  if (!gateway) {
    std::cerr << "isthmus: " << gateway.error() << "\n";
    return kFailed;
  }
  introduce(config, accounts, api_secret_file, **gateway);
  if (config.effective_admission() == Admission::allow_all)
    log(LogLevel::warning, "admission is \"allow-all\": every client may call everybody, nobody is asked");
  if (config.effective_admission() == Admission::closed)
    log(LogLevel::warning, "no web server is configured (webhook.url): every call of a client is refused");
  if (config.effective_admission() == Admission::web_server && config.allow_on_failure)
    log(LogLevel::warning, std::string(kAllowsOnFailure));
  warn_about(accounts);
  warn_about_descriptors(config);
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
