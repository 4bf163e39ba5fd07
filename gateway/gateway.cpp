// SPDX-License-Identifier: MIT
#include "gateway/gateway.hpp"

#include <csignal>
#include <deque>
#include <optional>
#include <utility>

#include "gateway/api/web_files.hpp"
#include "gateway/call/exchange.hpp"
#include "gateway/observe/call_log.hpp"
#include "gateway/observe/log.hpp"
#include "media/dtls_context.hpp"
#include "transport/driver.hpp"
#include "transport/shard.hpp"
#include "transport/system.hpp"

namespace isthmus::gateway {
namespace {

constexpr auto kEndPoll = std::chrono::milliseconds(20);  // while waiting for the far sides at the end
constexpr int kPortTries = 16;                            // for one free port on all addresses

std::string content_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

}  // namespace

struct Gateway::Impl {
  Impl(const Config& the_config, Belongings the_belongings)
      : config(the_config), belongings(std::move(the_belongings)), edge(shard, edge_for(config)) {}

  // Opening, in this order.
  Result<void, std::string> listen_sip();
  Result<void, std::string> listen_media();
  Result<void, std::string> listen_web();
  void compose();
  void serve_page();

  // The loop.
  void commands(Pass& pass);
  void settle(Pass& pass);
  void handle(Pass& pass, const Request& request);
  void end(int signal);
  void watch_end(TimePoint give_up);
  bool nothing_left() const;
  void answer(HttpRequest&& request, HttpReply reply);

  Config config;
  Belongings belongings;
  std::vector<IpAddress> own = transport::own_addresses();
  Random random{transport::random_seed()};
  transport::Shard shard;
  transport::Edge edge;
  std::vector<Bound> bound;
  std::vector<std::pair<FlowId, SocketAddress>> shared;
  std::vector<SocketAddress> shared_addresses;
  SocketAddress web;
  std::optional<media::DtlsContext> dtls;
  std::optional<Exchange> exchange;
  std::optional<media::Engine> engine;
  std::optional<HttpServer> http;
  CallLog call_log;
  std::deque<std::function<void(Pass&)>> waiting;  // for the next pass
  std::optional<transport::Driver<Exchange, media::Engine>> driver;
  int signals = 0;
  int status = 0;
};

// ---- opening

Result<void, std::string> Gateway::Impl::listen_sip() {
  const auto refuse = [](const char* protocol, const SocketAddress& address, const transport::SystemError& error) {
    return fail("cannot listen on " + std::string(protocol) + " " + address.text() + ": " + error.text() +
                " (--sip HOST:PORT or sip." + protocol + " chooses another)");
  };
  for (const SocketAddress& address : config.sip.udp) {
    const auto flow = edge.listen_udp(address);
    if (!flow) return refuse("udp", address, flow.error());
    bound.push_back({Protocol::udp, edge.local(*flow)});
  }
  for (size_t i = 0; i < config.sip.tcp.size(); ++i) {
    SocketAddress address = config.sip.tcp[i];
    // Where both leave the port to the system, one number serves both.
    if (address.port == 0 && i < config.sip.udp.size() && config.sip.udp[i] == address)
      address.port = bound[i].address.port;
    const auto local = edge.listen_tcp(address);
    if (!local) return refuse("tcp", address, local.error());
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
        why = "cannot listen on udp " + SocketAddress{ip, port}.text() + " for browsers: " + flow.error().text() +
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
               [this](HttpRequest&& request, HttpReply reply) { answer(std::move(request), std::move(reply)); });
  const auto local = http->listen(config.web.listen);
  if (!local) {
    return fail("cannot listen on tcp " + config.web.listen.text() + ": " + local.error().text() +
                " (--web HOST:PORT or web.listen chooses another)");
  }
  web = *local;
  http->allow_host(web.text());
  http->allow_host("localhost:" + std::to_string(web.port));
  return {};
}

void Gateway::Impl::compose() {
  exchange.emplace(settings_for(config, bound, own, belongings.accounts), random.fork("exchange"));
  engine.emplace(engine_for(config, shared_addresses, own, *dtls), random.fork("engine"));
  for (const auto& [flow, address] : shared) engine->add_shared_port(flow, address);
  serve_page();
  driver.emplace(
      edge, *exchange, *engine, [this](Pass& pass) { settle(pass); }, [this](Pass& pass) { commands(pass); });
  shard.on_signal({SIGTERM, SIGINT}, [this](int signal) { end(signal); });
}

void Gateway::Impl::serve_page() {
  for (const WebFile& file : web_files()) {
    const std::string name(file.name);
    HttpFile served{"/" + name, content_type(name), file.bytes, {{"Cache-Control", "no-cache"}}};
    if (name == "index.html") {
      served.headers.emplace_back("Permissions-Policy", "microphone=(self), camera=(), geolocation=()");
      HttpFile root = served;
      root.path = "/";
      http->serve_file(std::move(root));
    }
    http->serve_file(std::move(served));
  }
}

// ---- the loop

void Gateway::Impl::commands(Pass& pass) {
  while (!waiting.empty()) {
    const auto one = std::move(waiting.front());
    waiting.pop_front();
    one(pass);
  }
}

// An event of one machine may make the other say something: until both are silent.
void Gateway::Impl::settle(Pass& pass) {
  for (bool busy = true; busy;) {
    busy = false;
    while (const auto event = engine->poll_event()) {
      exchange->media(pass, *event);
      busy = true;
    }
    while (const auto request = exchange->poll_event()) {
      handle(pass, *request);
      busy = true;
    }
  }
}

void Gateway::Impl::handle(Pass& pass, const Request& request) {
  if (const auto* order = std::get_if<OrderMedia>(&request)) {
    engine->obey(pass, order->order);
  } else if (const auto* told = std::get_if<TellServer>(&request)) {
    call_log.changed(told->call);
  } else if (const auto* ended = std::get_if<CallEnded>(&request)) {
    log(LogLevel::info, call_log.ended(ended->call));
  } else if (const auto* binding = std::get_if<BindingChanged>(&request)) {
    log(LogLevel::info, (binding->expires == 0 ? "unregistered " : "registered ") + printable(binding->account) +
                            " from " + binding->source.text());
  }
}

void Gateway::Impl::answer(HttpRequest&& request, HttpReply reply) {
  if (request.path == "/healthz") return reply({200, "application/json", R"({"status":"ok"})", {}});
  reply(HttpResponse::error(404, "not_found", "There is nothing here."));
}

// ---- the end

bool Gateway::Impl::nothing_left() const {
  const Census census = exchange->census();
  return census[Census::calls] == 0 && census[Census::sessions] == 0 && census[Census::reaping] == 0;
}

void Gateway::Impl::end(int signal) {
  if (++signals > 1) {
    log(LogLevel::warning, "asked a second time: ending at once");
    status = 1;
    return shard.stop();
  }
  log(LogLevel::info, signal == SIGTERM ? "asked to end" : "interrupted: ending");
  edge.stop_listening();
  waiting.emplace_back([this](Pass& pass) {
    exchange->drop_all(pass);
    const TimePoint give_up = pass.now.steady + config.timers.shutdown;
    shard.after(Duration{}, [this, give_up] { watch_end(give_up); });
  });
  edge.wake();
}

void Gateway::Impl::watch_end(TimePoint give_up) {
  const bool late = transport::read_clocks().steady >= give_up;
  if (late && !nothing_left()) log(LogLevel::warning, "some far sides did not answer in time");
  if (late || nothing_left()) return shard.stop();
  shard.after(kEndPoll, [this, give_up] { watch_end(give_up); });
}

// ---- the class

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;

Result<std::unique_ptr<Gateway>, std::string> Gateway::open(const Config& config, Belongings belongings) {
  auto impl = std::make_unique<Impl>(config, std::move(belongings));
  auto dtls = media::DtlsContext::make_self_signed();
  if (!dtls) return fail(dtls.error());
  impl->dtls = std::move(*dtls);
  if (auto done = impl->listen_sip(); !done) return fail(done.error());
  if (auto done = impl->listen_media(); !done) return fail(done.error());
  if (auto done = impl->listen_web(); !done) return fail(done.error());
  impl->compose();
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

const SocketAddress& Gateway::web() const {
  return impl_->web;
}
const std::vector<Bound>& Gateway::sip() const {
  return impl_->bound;
}
const std::vector<SocketAddress>& Gateway::media() const {
  return impl_->shared_addresses;
}

int Gateway::run() {
  impl_->shard.run();
  return impl_->status;
}

}  // namespace isthmus::gateway
