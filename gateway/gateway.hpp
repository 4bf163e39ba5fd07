// SPDX-License-Identifier: MIT
// The gateway as a running thing: one shard with its edge, the Exchange beside the media engine, the web listener with
// page and interfaces, the webhooks. It composes and carries values from one to the other; it decides nothing about
// calls.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "gateway/assemble.hpp"
#include "gateway/first_start.hpp"

namespace isthmus::gateway {

// What the owner is warned of who wrote it.
inline constexpr std::string_view kAllowsOnFailure =
    "webhook.on_failure is \"allow\": while the web server fails, nobody is asked";

class Gateway {
 public:
  // Binds all sockets. The error says what could not be had, and which key chooses another.
  static Result<std::unique_ptr<Gateway>, std::string> open(const Config& config, Belongings belongings);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  const SocketAddress& web() const;
  std::string page() const;  // its address as a person opens it
  const std::vector<Bound>& sip() const;
  const std::vector<SocketAddress>& media() const;  // of the port that browsers share

  // At SIGHUP: reads the configuration again, or says what is wrong with it.
  using ReadAgain = std::function<Result<Config, std::vector<std::string>>()>;
  void on_reload(ReadAgain read_again);

  // Runs until SIGTERM or SIGINT, then ends the calls and waits, within timers.shutdown, for the far sides to know. A
  // second signal ends at once. Returns the exit status of the program.
  int run();

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace isthmus::gateway
