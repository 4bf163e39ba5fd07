// SPDX-License-Identifier: MIT
// The metrics page of the gateway: gauges are read from the machines and containers at the moment of asking, never
// counted up and down beside them; every drop of every part is there by its reason. docs/metrics.md lists them all.
#pragma once

#include <string>

#include "gateway/api/client_api.hpp"
#include "gateway/api/dispatcher.hpp"
#include "gateway/api/http_server.hpp"
#include "gateway/call/exchange.hpp"
#include "gateway/observe/call_watch.hpp"
#include "gateway/store/state_keeper.hpp"
#include "media/engine.hpp"
#include "transport/edge.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {

struct CertificateEnd {
  std::string_view use;  // "web", "webhook_ca"
  std::chrono::sys_seconds at;
};

struct MetricSources {
  const Exchange& exchange;
  const media::Engine& engine;
  const transport::Edge& edge;
  const HttpServer& http;
  const ClientApi& clients;
  const Dispatcher& webhooks;
  const CallWatch& watch;
  transport::ProcessFacts process;
  Now started;
  Now now;
  uint64_t outbox_dropped = 0;
  uint64_t posted_dropped = 0;
  StateKeeper::Figures keeper;
  std::vector<CertificateEnd> certificates;
  uint64_t refused_credentials = 0;
};

std::string metrics_page(const MetricSources& from);

}  // namespace isthmus::gateway
