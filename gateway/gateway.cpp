// SPDX-License-Identifier: MIT
#include "gateway/gateway.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>

#include "gateway/api/trace_api.hpp"
#include "gateway/api/web_files.hpp"
#include "gateway/gateway_impl.hpp"
#include "gateway/observe/log.hpp"
#include "gateway/observe/metrics.hpp"
#include "transport/port_owner.hpp"

namespace isthmus::gateway {
namespace {

constexpr int kPortTries = 16;                   // for one free port on all addresses, or for both UDP and TCP
constexpr size_t kWebhookConnections = 32;       // for questions, and as many for events, which no question waits for
constexpr uint16_t kFirstFreePort = 1024;        // below it a capability is needed
constexpr size_t kClientQueueBytes = 320 << 10;  // above the client interface's own limit, which says why it closes

// "Address already in use by baresip (process 4711)"
std::string why_not(Protocol protocol, const SocketAddress& address, const transport::SystemError& error) {
  const std::string owner = error.number == EADDRINUSE ? transport::port_owner(protocol, address) : std::string{};
  if (error.number == EACCES && address.port < kFirstFreePort)
    return error.text() + "; ports below 1024 need CAP_NET_BIND_SERVICE (in docs/deploy.md: A public server)";
  return error.text() + (owner.empty() ? "" : " by " + owner);
}

struct NotListening {
  Protocol protocol = Protocol::udp;
  SocketAddress address;
  transport::SystemError error;
};

// Where both leave the port to the system, one number serves both: one that is free for both.
Result<SocketAddress, NotListening> listen_both(transport::Edge& edge, const SocketAddress& free) {
  for (int tries = 1;; ++tries) {
    const auto flow = edge.listen_udp(free);
    if (!flow) return fail(NotListening{Protocol::udp, free, flow.error()});
    const SocketAddress address = edge.local(*flow);
    const auto listening = edge.listen_tcp(address);
    if (listening) return address;
    if (tries == kPortTries || listening.error().number != EADDRINUSE)
      return fail(NotListening{Protocol::tcp, address, listening.error()});
    Outbox release;
    release.close(*flow, CloseReason::done);
    edge.execute(release);
  }
}

std::string content_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

}  // namespace

// ---- opening

Result<void, std::string> Gateway::Impl::open_directory() {
  auto opened = Directory::open(*belongings.store, belongings.accounts.accounts, config.realm,
                                Random(random.fork("directory")), transport::read_clocks().wall);
  if (!opened) return fail(opened.error());
  directory = std::move(*opened);
  return {};
}

Result<void, std::string> Gateway::Impl::listen_sip() {
  const auto refuse = [](const NotListening& it) {
    const std::string name(word(it.protocol));
    return fail("cannot listen on " + name + " " + it.address.text() + ": " +
                why_not(it.protocol, it.address, it.error) + " (--sip HOST:PORT or sip." + name + " chooses another)");
  };
  const auto& udp = config.sip.udp;
  const auto& tcp = config.sip.tcp;
  std::map<size_t, SocketAddress> with_udp;  // listeners of TCP that are up already
  for (size_t i = 0; i < udp.size(); ++i) {
    if (i < tcp.size() && udp[i].port == 0 && udp[i] == tcp[i]) {
      const auto both = listen_both(edge, udp[i]);
      if (!both) return refuse(both.error());
      bound.push_back({Protocol::udp, *both});
      with_udp[i] = *both;
      continue;
    }
    const auto flow = edge.listen_udp(udp[i]);
    if (!flow) return refuse({Protocol::udp, udp[i], flow.error()});
    bound.push_back({Protocol::udp, edge.local(*flow)});
  }
  for (size_t i = 0; i < tcp.size(); ++i) {
    const auto up = with_udp.find(i);
    const auto local =
        up != with_udp.end() ? Result<SocketAddress, transport::SystemError>(up->second) : edge.listen_tcp(tcp[i]);
    if (!local) return refuse({Protocol::tcp, tcp[i], local.error()});
    bound.push_back({Protocol::tcp, *local});
  }
  return {};
}

// The same port on every address: what a browser is told differs in the address only.
Result<void, std::string> Gateway::Impl::listen_media() {
  std::vector<IpAddress> addresses = config.media.listen.empty() ? own : config.media.listen;
  if (addresses.empty()) addresses.push_back(IpAddress::v4(127, 0, 0, 1));
  if (addresses.size() > media::kMaxLocalAddresses) addresses.resize(media::kMaxLocalAddresses);
  std::string why;
  for (int tries = 0; tries < kPortTries; ++tries) {
    std::vector<std::pair<FlowId, SocketAddress>> up;
    uint16_t port = config.media.port;
    for (const IpAddress& ip : addresses) {
      const auto flow = edge.listen_udp({ip, port}, transport::Use::media);
      if (!flow) {
        why = "cannot listen on udp " + SocketAddress{ip, port}.text() +
              " for browsers: " + why_not(Protocol::udp, {ip, port}, flow.error()) +
              " (media.listen and media.port choose others)";
        break;
      }
      up.emplace_back(*flow, edge.local(*flow));
      port = up.back().second.port;
    }
    if (up.size() == addresses.size()) {
      shared = std::move(up);
      for (const auto& [flow, address] : shared) shared_addresses.push_back(address);
      return {};
    }
    Outbox release;
    for (const auto& [flow, address] : up) release.close(flow, CloseReason::done);
    edge.execute(release);
    if (config.media.port != 0) break;
  }
  return fail(std::move(why));
}

Result<void, std::string> Gateway::Impl::listen_web() {
  http.emplace(shard, http_for(config),
               [this](const HttpRequest& request, const HttpReply& reply) { routes->handle(request, reply); });
  if (certificates.web) http->use_tls(certificates.web);
  const auto local = http->listen(config.web.listen);
  if (!local) {
    return fail("cannot listen on tcp " + config.web.listen.text() + ": " +
                why_not(Protocol::tcp, config.web.listen, local.error()) +
                " (--web HOST:PORT or web.listen chooses another)");
  }
  web = *local;
  http->allow_host(web.text());
  http->allow_host("localhost:" + std::to_string(web.port));
  return {};
}

Result<void, std::string> Gateway::Impl::read_certificates() {
  auto read = gateway::read_certificates(config, transport::read_clocks().wall);
  if (!read) return fail(read.error().message());
  certificates = std::move(*read);
  return {};
}

void Gateway::Impl::compose() {
  const auto wake = [this] { edge.wake(); };
  exchange.emplace(settings_for(config, bound, own, belongings.accounts.accounts), random.fork("exchange"));
  exchange->explain(is_logged(LogLevel::debug));
  engine.emplace(engine_for(config, shared_addresses, own, *dtls), random.fork("engine"));
  for (const auto& [flow, address] : shared) engine->add_shared_port(flow, address);
  ClientApiConfig client_config;
  client_config.grace = config.timers.client_grace;
  clients.emplace(client_config, *directory, random.fork("clients"), transport::read_clocks, wake);
  routes.emplace(belongings.api_secret.secret, *directory, api_sources(), wake);
  DispatcherConfig webhooks;
  webhooks.url = config.webhook_url;
  webhooks.secrets = config.webhook_secrets;
  webhooks.reply_limit = config.timers.policy;
  dispatcher.emplace(std::move(webhooks), random.fork("webhooks"));
  webhook.emplace(shard, WebhookConfig{.connections = kWebhookConnections, .tls = certificates.webhook});
  serve();
  driver.emplace(
      edge, *exchange, *engine, [this](Pass& pass) { settle(pass); }, [this](Pass& pass) { commands(pass); });
  shard.on_signal({SIGTERM, SIGINT, SIGHUP}, [this](int signal) {
    if (signal == SIGHUP) return reload();
    end(signal);
  });
}

// The registrar goes on where the last run ended, what rang for its calls is called off, and changes are kept from now
// on.
Result<void, std::string> Gateway::Impl::restore() {
  const auto kept = belongings.store->bindings();
  if (!kept) return fail(kept.error());
  const auto rang = belongings.store->ringing();
  if (!rang) return fail(rang.error());
  exchange->restore(transport::read_clocks(), *kept);
  if (!kept->empty()) log(LogLevel::info, "restored " + std::to_string(kept->size()) + " bindings");
  const size_t lost = exchange->restore_ringing(transport::read_clocks(), *rang);
  if (lost > 0) log(LogLevel::info, "phones that rang for lost calls are called off: " + std::to_string(lost));
  const auto news = [](const std::string& trouble) {
    if (trouble.empty()) return log(LogLevel::info, "bindings are kept again");
    log(LogLevel::warning, "bindings cannot be kept: " + trouble);
  };
  keeper.emplace(
      std::move(belongings.state_store), [this](std::function<void()> work) { return shard.post(std::move(work)); },
      news, StateKeeper::Limits{});
  return {};
}

ApiSources Gateway::Impl::api_sources() {
  ApiSources out;
  out.clock = transport::read_clocks;
  out.calls = [this] {
    std::vector<CallFacts> calls = exchange->list();
    for (CallFacts& call : calls) call = whole(std::move(call));
    return calls;
  };
  out.call = [this](std::string_view id) {
    auto call = exchange->find(id);
    if (call) call = whole(std::move(*call));
    return call;
  };
  out.failures = [this]() -> const std::deque<Failure>& { return watch.failures(); };
  out.trunks = [this] { return trunk_rows(); };
  out.readiness = [this] { return readiness(); };
  out.drain = [this] { return draining; };
  out.set_drain = [this](Drain wanted) { set_drain(wanted); };
  out.registrations = [this] { return exchange->registrations(transport::read_clocks()); };
  out.dialogs = [this] { return exchange->dialogs(); };
  out.sessions_of = [this](std::string_view client) { return clients->sessions_of(client); };
  out.is_connected = [this](std::string_view client) { return clients->is_connected(client); };
  out.is_ending = [this] { return signals > 0; };
  out.trace = [this](const HttpRequest& request) {
    const auto call_ids = [this](std::string_view call) { return exchange->sip_call_ids(call); };
    return trace_response({trace, call_ids, [this](bool on) { tap(on); }}, request);
  };
  out.metrics = [this] {
    return metrics_page({*exchange, *engine, edge, *http, *clients, *dispatcher, watch, transport::process_facts(),
                         started, transport::read_clocks(), outbox_dropped, shard.dropped(), keeper->figures(),
                         certificate_ends(), refused_credentials});
  };
  return out;
}

std::vector<CertificateEnd> Gateway::Impl::certificate_ends() const {
  std::vector<CertificateEnd> out;
  if (certificates.web) out.push_back({"web", certificates.web->ends()});
  if (certificates.webhook && !certificates.webhook->valid_until().empty())
    out.push_back({"webhook_ca", certificates.webhook->ends()});
  return out;
}

// Everything is open from the first request on: the web listener is served last.
Readiness Gateway::Impl::readiness() const {
  Readiness out;
  if (signals > 0) out.reasons.emplace_back("The gateway is ending.");
  if (draining.on) out.reasons.emplace_back("The gateway is draining: it takes no new calls.");
  if (keeper->figures().failing)
    out.reasons.emplace_back("The database cannot be written: registrations would be lost.");
  if (dispatcher->is_on() && dispatcher->is_failing())
    out.notes.emplace_back("The web server gave no usable answer the last time.");
  return out;
}

std::vector<TrunkRow> Gateway::Impl::trunk_rows() const {
  const std::vector<CallFacts> calls = exchange->list();
  std::vector<TrunkRow> out;
  for (const TrunkFacts& facts : watch.trunks()) {
    const auto settings = std::find_if(config.trunks.begin(), config.trunks.end(),
                                       [&](const TrunkSettings& it) { return it.name == facts.name; });
    if (settings == config.trunks.end()) continue;
    TrunkRow& row = out.emplace_back(TrunkRow{*settings, facts});
    for (const CallFacts& call : calls) {
      if (call.state == CallState::dropped) continue;
      row.outgoing += static_cast<size_t>(call.module == facts.name && call.state != CallState::pending);
      row.incoming += static_cast<size_t>(call.origin == facts.name);
    }
  }
  return out;
}

void Gateway::Impl::serve() {
  for (const WebFile& file : web_files()) {
    const std::string name(file.name);
    HttpFile served{"/" + name, content_type(name), file.bytes, {{"Cache-Control", "no-cache"}}};
    if (name == "index.html") {
      served.headers.emplace_back("Permissions-Policy", "microphone=(self), camera=(), geolocation=()");
      HttpFile root = served;
      root.path = "/";
      http->serve_file(std::move(root));
    }
    if (name == "admin.html") {  // it needs nothing of the machine but its secret, which is typed in
      served.headers.emplace_back("Permissions-Policy", "microphone=(), camera=(), geolocation=()");
      HttpFile admin = served;
      admin.path = "/admin";
      http->serve_file(std::move(admin));
    }
    http->serve_file(std::move(served));
  }
  WsRoute route;
  route.path = "/ws";
  route.subprotocols = {"isthmus.v1"};
  route.limits.queue_bytes = kClientQueueBytes;
  route.opened = [this](std::shared_ptr<transport::WsConnection> connection, const HttpRequest& request) {
    clients->opened(std::move(connection), request.sender.ip);
  };
  http->serve_websocket(std::move(route));
}

// ---- the class

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;

Result<std::unique_ptr<Gateway>, std::string> Gateway::open(const Config& config, Belongings belongings) {
  auto impl = std::make_unique<Impl>(config, std::move(belongings));
  auto dtls = media::DtlsContext::make_self_signed();
  if (!dtls) return fail(dtls.error());
  impl->dtls = std::move(*dtls);
  if (auto done = impl->read_certificates(); !done) return fail(done.error());
  if (auto done = impl->open_directory(); !done) return fail(done.error());
  if (auto done = impl->listen_sip(); !done) return fail(done.error());
  if (auto done = impl->listen_media(); !done) return fail(done.error());
  if (auto done = impl->listen_web(); !done) return fail(done.error());
  impl->compose();
  if (auto done = impl->restore(); !done) return fail(done.error());
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

const SocketAddress& Gateway::web() const {
  return impl_->web;
}
std::string Gateway::page() const {
  const SocketAddress& web = impl_->web;
  if (!impl_->certificates.web) return "http://" + web.text() + "/";
  const auto& names = impl_->certificates.web->names();
  if (names.empty() || !web.ip.is_unspecified()) return "https://" + web.text() + "/";
  const auto ip = IpAddress::parse(names.front());
  return "https://" + (ip ? uri_host(*ip) : names.front()) + ":" + std::to_string(web.port) + "/";
}
const std::vector<Bound>& Gateway::sip() const {
  return impl_->bound;
}
const std::vector<SocketAddress>& Gateway::media() const {
  return impl_->shared_addresses;
}

void Gateway::on_reload(ReadAgain read_again) {
  impl_->read_again = std::move(read_again);
}

int Gateway::run() {
  impl_->shard.run();
  return impl_->status;
}

}  // namespace isthmus::gateway
