// SPDX-License-Identifier: MIT
// SIGHUP: accounts, routes, trunks and certificates are read again, from the configuration, the database and the files
// it names. Calls and connections that are up are not touched. A mistake anywhere changes nothing.
#include "gateway/gateway_impl.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace {

// What only a new start changes, by the names of the tables.
std::vector<std::string> unchanged_until_start(const Config& now, const Config& wanted) {
  std::vector<std::string> out;
  const auto note = [&](bool same, const char* name) {
    if (!same) out.emplace_back(name);
  };
  note(now.data == wanted.data, "data");
  note(now.domain == wanted.domain && now.domains == wanted.domains, "domain");
  note(now.advertise == wanted.advertise, "advertise");
  note(now.realm == wanted.realm, "realm");
  note(now.echo == wanted.echo, "echo");
  note(now.effective_admission() == wanted.effective_admission(), "admission");
  note(now.allowed_targets == wanted.allowed_targets, "allowed_targets");
  note(now.sip == wanted.sip, "sip");
  Config::Web web = wanted.web;
  if (now.web.has_tls() && web.has_tls()) {  // a new certificate may have a new place
    web.certificate = now.web.certificate;
    web.key = now.web.key;
  }
  note(now.web == web, "web");
  note(now.media == wanted.media, "media");
  note(now.webhook_url == wanted.webhook_url, "webhook");
  note(now.codecs == wanted.codecs, "codecs");
  note(now.timers == wanted.timers, "timers");
  note(now.limits == wanted.limits, "limits");
  return out;
}

// What stands in the files now. Whether there is TLS at all only a new start changes.
Result<Certificates, CertificateError> certificates_again(const Config& now, const Config& wanted) {
  Config from = now;
  if (now.web.has_tls() && wanted.web.has_tls()) from.web = wanted.web;
  from.webhook_ca = wanted.webhook_ca;
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
  // The database and what is made for it stay where they are, whatever the file says now.
  wanted.data = config.data;
  const std::string realm = std::exchange(wanted.realm, config.realm);
  auto accounts = list_accounts(wanted, *belongings.store);
  if (!accounts) return log(LogLevel::error, "reload refused: " + accounts.error());
  wanted.realm = realm;
  auto renewed = certificates_again(config, wanted);
  if (!renewed) return log(LogLevel::error, "reload refused: " + renewed.error().message());
  waiting.emplace_back(
      [this, wanted = std::move(wanted), accounts = std::move(*accounts), renewed = std::move(*renewed)](Pass& pass) {
        take_in(pass, wanted, accounts);
        take_in(wanted, renewed);
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
  std::string later;
  for (const std::string& name : unchanged_until_start(config, wanted)) later += (later.empty() ? "" : ", ") + name;
  config.log = wanted.log;
  set_log(config.log);
  config.accounts = wanted.accounts;
  config.routes = wanted.routes;
  config.trunks = wanted.trunks;
  watch.set_trunks(trunk_names(config));
  log(LogLevel::info, "reloaded: " + std::to_string(accounts.accounts.size()) + " accounts, " +
                          std::to_string(wanted.trunks.size()) + " trunks, " + std::to_string(wanted.routes.size()) +
                          " routes");
  if (!later.empty()) log(LogLevel::warning, "changed, but only a new start takes it in: " + later);
}

void Gateway::Impl::take_in(const Config& wanted, const Certificates& renewed) {
  certificates = renewed;
  webhook->trust(renewed.webhook);
  config.webhook_ca = wanted.webhook_ca;
  if (!renewed.web) return;
  http->use_tls(renewed.web);
  config.web.certificate = wanted.web.certificate;
  config.web.key = wanted.web.key;
  log(LogLevel::info, "the certificate in " + config.web.certificate + " is valid until " + renewed.web->valid_until());
}

}  // namespace isthmus::gateway
