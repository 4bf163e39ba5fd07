// SPDX-License-Identifier: MIT
// The interfaces over the real Exchange, without a socket: client interface, HTTP API and webhooks composed as the
// program does it, scripted media, SIP peers A and B on the network of tests/support, and a scripted web server, all in
// virtual time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/api/client_api.hpp"
#include "gateway/api/dispatcher.hpp"
#include "gateway/api/routes.hpp"
#include "gateway/call/media_verdict.hpp"
#include "gateway/store/memory_store.hpp"
#include "tests/support/call_bed.hpp"

namespace isthmus::test {

using gateway::Json;

inline const Json kNoJson;

// A member, or null; never a null pointer.
inline const Json& at(const Json& json, std::string_view name) {
  const Json* found = json.find(name);
  return found == nullptr ? kNoJson : *found;
}
inline std::string text(const Json& json, std::string_view name) {
  const std::string* found = at(json, name).text();
  return found == nullptr ? "" : *found;
}
inline int64_t number(const Json& json, std::string_view name) {
  const int64_t* found = at(json, name).integer();
  return found == nullptr ? -1 : *found;
}

// The server's end of a WebSocket whose peer is the test.
class FakeSocket : public transport::WsConnection {
 public:
  void start(Events events) override { events_ = std::move(events); }
  bool send(std::string_view message) override {
    if (!open_) return false;
    sent.push_back(*gateway::parse_json(message));
    raw.emplace_back(message);
    return true;
  }
  void close(uint16_t code, std::string_view) override {
    if (!open_) return;
    close_code = code;
    cut(transport::WsEnd::closed_by_us);
  }
  void cut(transport::WsEnd why) override {
    if (!std::exchange(open_, false)) return;
    const Events events = events_;
    if (events.closed) events.closed(why);
  }
  void abandon() override { open_ = false, events_ = {}; }
  size_t queued() const override { return waiting; }
  bool is_open() const override { return open_; }
  const SocketAddress& remote() const override { return address; }
  const std::string& subprotocol() const override { return protocol_; }

  void say(std::string_view message, bool is_text = true) {
    const Events events = events_;
    events.message(as_bytes(message), is_text);
  }
  std::string states(std::string_view call = {}) const {
    std::string out;
    for (const Json& each : sent) {
      const Json& params = at(each, "params");
      if (each.find("method") == nullptr || (!call.empty() && isthmus::test::text(params, "call_id") != call)) continue;
      out += (out.empty() ? "" : " ") + isthmus::test::text(params, "state");
    }
    return out;
  }

  std::vector<Json> sent;
  std::vector<std::string> raw;
  uint16_t close_code = 0;
  size_t waiting = 0;
  SocketAddress address{IpAddress::v4(127, 0, 0, 1), 50000};

 private:
  Events events_;
  bool open_ = true;
  std::string protocol_ = "isthmus.v1";
};

class ApiBed : public Node {
 public:
  explicit ApiBed(gateway::Settings settings = bed_settings())
      : exchange(settings, Seed::of(7)),
        directory(
            *gateway::Directory::open(store, settings.accounts, settings.realm, Random(Seed::of(8)), world.now().wall)),
        clients(
            {.grace = settings.client_grace}, directory, Seed::of(9), [this] { return world.now(); }, [] {}),
        routes(Private<std::string>("api secret"), directory, sources(), [] {}),
        dispatcher({.url = "http://hook/", .secrets = {Private<std::string>("hook secret")}}, Seed::of(10)),
        host(world, *this, kGateway, true) {
    web_server = [](const Json& event) {
      const std::string type = text(event, "type");
      if (type == "call.admission") return gateway::WebhookReply{200, R"({"allowed":true})"};
      if (type == "call.incoming") return gateway::WebhookReply{200, R"({"action":"route"})"};
      return gateway::WebhookReply{204, ""};
    };
  }

  World world;
  gateway::MemoryStore store;
  gateway::CallWatch watch{{"left", "right"}};
  gateway::Readiness readiness;
  gateway::Drain drain;
  gateway::Exchange exchange;
  FakeMedia media;
  gateway::MediaLedger ledger;
  gateway::Directory directory;
  gateway::ClientApi clients;
  gateway::Routes routes;
  gateway::Dispatcher dispatcher;
  Host host;
  SipPeer a{world, "1000", kA, kGateway};
  SipPeer b{world, "2000", kB, kGateway};

  // H: what it answers, after `web_server_delay`; nothing: it hangs until the client's limit.
  std::function<std::optional<gateway::WebhookReply>(const Json& event)> web_server;
  Duration web_server_delay = std::chrono::milliseconds(1);
  std::optional<gateway::WebhookFault> web_server_fault;
  struct Event {
    Json json;
    std::string body, signature;
    TimePoint at;
  };
  std::vector<Event> events;  // as H received them
  std::vector<gateway::CallFacts> ended;

  void run(Duration time = std::chrono::milliseconds(20)) {
    host.with([](Pass&) {});
    world.run_for(time);
  }

  // ---- W
  std::shared_ptr<FakeSocket> connect() {
    auto socket = std::make_shared<FakeSocket>();
    clients.opened(socket, socket->address.ip);
    return socket;
  }
  // Sends a request and gives the answer to it once it is there.
  Json request(FakeSocket& socket, std::string_view method, Json params = Json(Json::Object{})) {
    const int64_t id = ++ids_;
    const size_t from = socket.sent.size();
    socket.say(
        Json::object({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}).write());
    for (int tries = 0; tries < 3; ++tries) {
      for (size_t i = from; i < socket.sent.size(); ++i) {
        if (number(socket.sent[i], "id") == id) return socket.sent[i];
      }
      run();
    }
    return {};
  }
  std::shared_ptr<FakeSocket> sign_in(std::string_view account = "alice") {
    auto socket = connect();
    const Json answer = request(*socket, "sign_in", Json::object({{"account", account}, {"password", kPassword}}));
    EXPECT_EQ(text(at(answer, "result"), "client"), account);
    return socket;
  }
  // The id of a call to `to`, once make_call was answered.
  std::string make_call(FakeSocket& socket, std::string_view to = "echo", std::string_view reference = {}) {
    Json params = Json::object({{"to", to}, {"sdp", browser_sdp()}});
    if (!reference.empty()) params.set("ref", reference);
    const Json answer = request(socket, "make_call", std::move(params));
    return text(at(answer, "result"), "continue");
  }

  // ---- the API
  gateway::Sender sender{IpAddress::v4(127, 0, 0, 1)};  // of the requests
  struct Reply {
    int status = 0;
    Json body;
    gateway::HttpResponse whole;
  };
  Reply http(std::string method, std::string target, std::string body = {},
             std::string authorization = "Bearer api secret") {
    gateway::HttpRequest request;
    request.method = std::move(method);
    const size_t question = std::min(target.find('?'), target.size());
    request.path = target.substr(0, question);
    request.query = target.substr(std::min(target.size(), question + 1));
    if (!authorization.empty()) request.headers.emplace_back("Authorization", std::move(authorization));
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    request.remote = {IpAddress::v4(127, 0, 0, 1), 40000};
    request.sender = sender;
    std::optional<Reply> out;
    routes.handle(request, [&out](gateway::HttpResponse response) {
      auto json = gateway::parse_json(response.body);
      out = Reply{response.status, json ? *json : Json(), std::move(response)};
    });
    host.with([](Pass&) {});
    if (!out) run();
    return out.value_or(Reply{});
  }

  // What H heard of a call, "pending calling ...".
  std::string told(std::string_view call = {}) const {
    std::string out;
    for (const Event& event : events) {
      const Json& facts = at(at(event.json, "data"), "call");
      if (facts.is_null() || (!call.empty() && text(facts, "id") != call)) continue;
      out += (out.empty() ? "" : " ") + text(facts, "current_state");
    }
    return out;
  }

  void receive(Pass& pass, const Path& path, Bytes bytes) override { exchange.receive(pass, path, bytes); }
  void flow_up(Pass& pass, const FlowFacts& facts) override { exchange.flow_up(pass, facts); }
  void flow_down(Pass& pass, FlowId flow, Fault why) override { exchange.flow_down(pass, flow, why); }
  void answer(Pass& pass, AskId ask, const Answer& reply) override { exchange.answer(pass, ask, reply); }
  void expire(Pass& pass) override {
    exchange.expire(pass);
    media.expire(pass);
    clients.expire(pass.now);
    dispatcher.expire(pass.now);
  }
  TimePoint next_deadline() const override {
    return std::min(
        {exchange.next_deadline(), media.next_deadline(), clients.next_deadline(), dispatcher.next_deadline()});
  }
  void after(Pass& pass) override {
    for (bool busy = true; busy;) {
      busy = false;
      while (const auto output = clients.poll()) {
        if (const auto* command = std::get_if<gateway::Command>(&*output)) exchange.command(pass, *command);
        if (const auto* news = std::get_if<gateway::ClientNews>(&*output)) dispatcher.tell(pass.now, *news);
        busy = true;
      }
      while (const auto output = routes.poll()) {
        if (const auto* command = std::get_if<gateway::Command>(&*output)) exchange.command(pass, *command);
        if (const auto* gone = std::get_if<gateway::ClientRemoved>(&*output)) clients.removed(gone->client);
        busy = true;
      }
      while (const auto request = exchange.poll_event()) take(pass, *request), busy = true;
      while (const auto event = media.poll_event()) exchange.media(pass, *event), busy = true;
      while (const auto output = dispatcher.poll()) obey(pass, *output), busy = true;
    }
    routes.settle();
  }

 private:
  gateway::ApiSources sources() {
    return {.clock = [this] { return world.now(); },
            .calls =
                [this] {
                  std::vector<gateway::CallFacts> calls = exchange.list();
                  for (gateway::CallFacts& call : calls) call = with_media(std::move(call));
                  return calls;
                },
            .call =
                [this](std::string_view id) {
                  auto call = exchange.find(id);
                  return call ? std::optional(with_media(std::move(*call))) : std::nullopt;
                },
            .failures = [this]() -> const std::deque<gateway::Failure>& { return watch.failures(); },
            .trunks = [this] { return trunk_rows(); },
            .registrations = [this] { return exchange.registrations(world.now()); },
            .dialogs = [this] { return exchange.dialogs(); },
            .sessions_of = [this](std::string_view client) { return clients.sessions_of(client); },
            .is_connected = [this](std::string_view client) { return clients.is_connected(client); },
            .metrics = [] { return std::string("metrics\n"); },
            .is_ending = [] { return false; },
            .readiness = [this] { return readiness; },
            .drain = [this] { return drain; },
            .set_drain =
                [this](gateway::Drain wanted) {
                  drain = wanted;
                  exchange.refuse_new_calls(wanted.on);
                }};
  }
  std::vector<gateway::TrunkRow> trunk_rows() const {
    std::vector<gateway::TrunkRow> out;
    for (const gateway::TrunkFacts& facts : watch.trunks()) {
      gateway::TrunkRow& row = out.emplace_back();
      row.facts = facts;
      row.settings.name = facts.name;
      row.settings.host = "192.0.2.2";
    }
    return out;
  }
  gateway::CallFacts with_media(gateway::CallFacts call) const {
    ledger.fill(call, world.now().wall, [this](isthmus::media::LegId leg) { return media.report(leg); });
    return call;
  }
  void take(Pass& pass, const gateway::Request& request) {
    if (const auto* order = std::get_if<gateway::OrderMedia>(&request)) {
      if (const auto* close = std::get_if<isthmus::media::CloseLeg>(&order->order))
        ledger.closing(close->leg, media.report(close->leg));
      media.obey(pass, order->order);
    }
    if (const auto* ask = std::get_if<gateway::AskPolicy>(&request))
      watch.changed(pass.now, ask->call), dispatcher.ask(pass.now, *ask);
    if (const auto* told = std::get_if<gateway::TellServer>(&request))
      watch.changed(pass.now, told->call), dispatcher.tell(pass.now, with_media(told->call));
    if (const auto* told = std::get_if<gateway::TellClient>(&request))
      clients.tell({told->client, with_media(told->call)});
    if (const auto* end = std::get_if<gateway::CallEnded>(&request))
      routes.ended(with_media(end->call)), watch.ended(pass.now, with_media(end->call)),
          ended.push_back(with_media(end->call));
    if (const auto* end = std::get_if<gateway::CommandDone>(&request)) clients.done(*end), routes.done(*end);
  }
  void obey(Pass& pass, const gateway::Dispatcher::Output& output) {
    if (const auto* verdict = std::get_if<gateway::Dispatcher::Verdict>(&output))
      return exchange.reply(pass, verdict->ask, verdict->policy);
    const auto& [number, post] = std::get<gateway::Dispatcher::Post>(output);
    events.push_back({*gateway::parse_json(post.body), post.body, post.headers.at(0).second, pass.now.steady});
    const auto reply = web_server_fault ? std::nullopt : web_server(events.back().json);
    Result<gateway::WebhookReply, gateway::WebhookFault> result =
        fail(web_server_fault.value_or(gateway::WebhookFault::timed_out));
    if (reply) result = *reply;
    const Duration delay = reply || web_server_fault ? web_server_delay : post.total_limit;
    world.later(delay, [this, ticket = number, result] {
      host.with([&](Pass& later) { dispatcher.finished(later.now, ticket, result); });
    });
  }

  int64_t ids_ = 0;
};

}  // namespace isthmus::test
