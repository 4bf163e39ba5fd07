// SPDX-License-Identifier: MIT
// The inside of the gateway, shared by gateway.cpp (opening), gateway_loop.cpp (running and ending) and
// gateway_reload.cpp. For these alone.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "gateway/api/client_api.hpp"
#include "gateway/api/dispatcher.hpp"
#include "gateway/api/routes.hpp"
#include "gateway/api/webhook.hpp"
#include "gateway/call/exchange.hpp"
#include "gateway/call/media_verdict.hpp"
#include "gateway/certificates.hpp"
#include "gateway/gateway.hpp"
#include "gateway/observe/call_watch.hpp"
#include "gateway/observe/log.hpp"
#include "gateway/observe/metrics.hpp"
#include "gateway/observe/trace.hpp"
#include "gateway/store/state_keeper.hpp"
#include "media/dtls_context.hpp"
#include "transport/driver.hpp"
#include "transport/shard.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {

struct Gateway::Impl {
  Impl(const Config& the_config, Belongings the_belongings)
      : config(the_config), belongings(std::move(the_belongings)), edge(shard, edge_for(config)) {}

  // Opening, in this order.
  Result<void, std::string> open_directory();
  Result<void, std::string> listen_sip();
  Result<void, std::string> listen_media();
  Result<void, std::string> listen_web();
  Result<void, std::string> read_certificates();
  void compose();
  void serve();
  Result<void, std::string> restore();
  ApiSources api_sources();
  std::vector<CertificateEnd> certificate_ends() const;
  Readiness readiness() const;
  std::vector<TrunkRow> trunk_rows() const;

  // The loop.
  void commands(Pass& pass);
  void settle(Pass& pass);
  void handle(Pass& pass, const Request& request);
  void obey(Pass& pass, const ClientApi::Output& output);
  void obey(Pass& pass, const Routes::Output& output);
  void obey(Pass& pass, const Dispatcher::Output& output);
  void ask_keeper(AskId ask);
  CallFacts named(CallFacts call) const;
  void note_refused(TimePoint now, const CredentialsRefused& refused);
  void note_web_server(const Result<WebhookReply, WebhookFault>& result);
  CallFacts with_media(CallFacts call) const;
  CallFacts whole(CallFacts call) const;  // named, and with its media
  void tap(bool on);                      // SIP messages come by the trace, or no longer
  void arm();
  void tick();

  // SIGHUP.
  void reload();
  void take_in(Pass& pass, const Config& wanted, const AccountList& accounts);
  void take_in(const Config& wanted, const ApiSecret& api_secret);
  void take_in(const Config& wanted, const Certificates& renewed);

  // No new calls (isthmus drain).
  void set_drain(Drain wanted);
  void end_if_drained();

  // The end.
  void end(int signal);
  void watch_end(TimePoint not_before, TimePoint give_up);
  bool nothing_left() const;

  const Now started = transport::read_clocks();
  Config config;
  Gateway::ReadAgain read_again;
  Belongings belongings;
  std::vector<IpAddress> own = transport::own_addresses();
  Random random{transport::random_seed()};
  std::optional<Directory> directory;
  transport::Shard shard;
  transport::Edge edge;
  std::vector<Bound> bound;
  std::vector<std::pair<FlowId, SocketAddress>> shared;
  std::vector<SocketAddress> shared_addresses;
  SocketAddress web;
  Certificates certificates;
  std::optional<media::DtlsContext> dtls;
  std::optional<Exchange> exchange;
  std::optional<media::Engine> engine;
  std::optional<ClientApi> clients;
  std::optional<Routes> routes;
  std::optional<StateKeeper> keeper;
  std::optional<Dispatcher> dispatcher;
  std::optional<WebhookClient> webhook;
  std::optional<HttpServer> http;
  MediaLedger media_ledger;
  Trace trace;
  CallWatch watch{trunk_names(config)};
  std::deque<std::function<void(Pass&)>> waiting;  // for the next pass
  std::optional<transport::Driver<Exchange, media::Engine>> driver;
  TimePoint armed = kNever;                      // when tick() comes
  bool web_server_failing = false;               // and the log says so
  TimePoint web_server_quiet;                    // until then nothing more is said about it
  static constexpr size_t kRefusalsInARow = 10;  // lines about wrong credentials; then one in
  static constexpr std::chrono::seconds kRefusalEach{6};
  LineLimit refusals{kRefusalsInARow, kRefusalEach};
  uint64_t refused_credentials = 0;
  uint64_t outbox_dropped = 0;
  Drain draining;
  int signals = 0;
  int status = 0;
};

}  // namespace isthmus::gateway
