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

}  // namespace isthmus::gateway
