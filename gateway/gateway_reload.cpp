// SPDX-License-Identifier: MIT
// SIGHUP: accounts, routes, trunks, secrets, certificates and the rules of the log are read again, from the
// configuration, the database and the files it names. Calls and connections that are up are not touched. A mistake
// anywhere changes nothing. What waits for a new start (gateway/config_keys) is named in the log.
#include "gateway/config_keys.hpp"
#include "gateway/gateway_impl.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace {

// What stands in the files now. Whether there is TLS at all only a new start changes.
Result<Certificates, CertificateError> certificates_again(const Config& now, const Config& wanted) {
  Config from = now;
  if (now.web.has_tls() && wanted.web.has_tls()) from.web = wanted.web;
  if (!wanted.webhook_url.empty()) from.webhook_ca = wanted.webhook_ca;
  return read_certificates(from, transport::read_clocks().wall);
}

}  // namespace

void Gateway::Impl::reload() {
  if (!read_again) return;
  auto read = read_again();
  if (!read) {
    for (const std::string& mistake : read.error()) log(LogLevel::error, mistake);
    return log(LogLevel::error, "reload refused: nothing was changed");
  }
  Config wanted = std::move(*read);
  std::string later;
  for (const std::string& name : until_next_start(config, wanted)) later += (later.empty() ? "" : ", ") + name;
  // The database and what is made for it stay where they are, whatever the file says now.
  wanted.data = config.data;
  const std::string realm = std::exchange(wanted.realm, config.realm);
  auto accounts = list_accounts(wanted, *belongings.store);
  if (!accounts) return log(LogLevel::error, "reload refused: " + accounts.error());
  wanted.realm = realm;
  auto renewed = certificates_again(config, wanted);
  if (!renewed) return log(LogLevel::error, "reload refused: " + renewed.error().message());
  auto api_secret = take_api_secret(wanted, Random(transport::random_seed()));  // the last: it may make a file
  if (!api_secret) return log(LogLevel::error, "reload refused: " + api_secret.error());
  waiting.emplace_back([this, wanted = std::move(wanted), accounts = std::move(*accounts),
                        api_secret = std::move(*api_secret), renewed = std::move(*renewed),
                        later = std::move(later)](Pass& pass) {
    take_in(pass, wanted, accounts);
    take_in(wanted, api_secret);
    take_in(wanted, renewed);
    if (!later.empty()) log(LogLevel::warning, "changed, but only a new start takes it in: " + later);
  });
  edge.wake();
}

void Gateway::Impl::take_in(Pass& pass, const Config& wanted, const AccountList& accounts) {
  std::vector<std::string> taken;
  const auto gone = directory->set_accounts(accounts.accounts, pass.now.wall, taken);
  for (const std::string& name : taken)
    log(LogLevel::warning, "account " + shown_user(name) + " is left out: a client of the API has that name");
  exchange->reload(pass, accounts.accounts, wanted.routes, wanted.trunks);
  for (const std::string& name : gone) clients->account_gone(name);
  config.log = wanted.log;
  set_log(config.log);
  exchange->explain(is_logged(LogLevel::debug));
  config.accounts = wanted.accounts;
  config.routes = wanted.routes;
  config.trunks = wanted.trunks;
  watch.set_trunks(trunk_names(config));
  log(LogLevel::info, "reloaded: " + std::to_string(accounts.accounts.size()) + " accounts, " +
                          std::to_string(wanted.trunks.size()) + " trunks, " + std::to_string(wanted.routes.size()) +
                          " routes");
}

void Gateway::Impl::take_in(const Config& wanted, const ApiSecret& api_secret) {
  routes->use_secret(api_secret.secret);
  // A web server goes with a new start only, and until then all that is its own stays.
  if (wanted.webhook_url.empty()) return;
  dispatcher->use_secrets(wanted.webhook_secrets);
  config.webhook_secrets = wanted.webhook_secrets;
  exchange->allow_on_failure(wanted.allow_on_failure);
  if (wanted.allow_on_failure && !config.allow_on_failure) log(LogLevel::warning, std::string(kAllowsOnFailure));
  config.allow_on_failure = wanted.allow_on_failure;
}

void Gateway::Impl::take_in(const Config& wanted, const Certificates& renewed) {
  certificates = renewed;
  webhook->trust(renewed.webhook);
  if (!wanted.webhook_url.empty()) config.webhook_ca = wanted.webhook_ca;
  if (!renewed.web) return;
  http->use_tls(renewed.web);
  config.web.certificate = wanted.web.certificate;
  config.web.key = wanted.web.key;
  log(LogLevel::info, "the certificate in " + config.web.certificate + " is valid until " + renewed.web->valid_until());
}

}  // namespace isthmus::gateway
