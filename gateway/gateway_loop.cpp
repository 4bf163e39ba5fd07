// SPDX-License-Identifier: MIT
// Values on their way between Exchange, engine, clients, HTTP API and webhooks; and the orderly end.
#include <algorithm>
#include <csignal>

#include "gateway/gateway_impl.hpp"
#include "gateway/observe/call_log.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace {

constexpr auto kEndPoll = std::chrono::milliseconds(20);     // while waiting for the far sides at the end
constexpr auto kQuiet = std::chrono::seconds(60);            // between two complaints about the web server
constexpr auto kLastWords = std::chrono::milliseconds(100);  // for what is queued to clients

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

// ---- inputs from clients, web server and timers

void Gateway::Impl::commands(Pass& pass) {
  while (!waiting.empty()) {
    const auto one = std::move(waiting.front());
    waiting.pop_front();
    one(pass);
  }
  while (const auto output = clients->poll()) obey(pass, *output);
  while (const auto output = routes->poll()) obey(pass, *output);
  while (const auto output = dispatcher->poll()) obey(pass, *output);
}

void Gateway::Impl::obey(Pass& pass, const ClientApi::Output& output) {
  if (const auto* command = std::get_if<Command>(&output)) return exchange->command(pass, *command);
  if (const auto* refused = std::get_if<CredentialsRefused>(&output)) return note_refused(pass.now.steady, *refused);
  const auto& news = std::get<ClientNews>(output);
  log({LogLevel::info,
       "client " + shown_user(news.client) + (news.connected ? " signed in, " : " is gone, ") + news.session,
       Json::object({{"client", shown_user(news.client)}, {"session", news.session}})});
  dispatcher->tell(pass.now, news);
}

void Gateway::Impl::note_refused(TimePoint now, const CredentialsRefused& refused) {
  ++refused_credentials;
  if (const auto untold = refusals.admit(now)) log(credentials_refused(refused, *untold));
}

void Gateway::Impl::obey(Pass& pass, const Routes::Output& output) {
  if (const auto* command = std::get_if<Command>(&output)) return exchange->command(pass, *command);
  clients->removed(std::get<ClientRemoved>(output).client);
}

void Gateway::Impl::obey(Pass& pass, const Dispatcher::Output& output) {
  if (const auto* post = std::get_if<Dispatcher::Post>(&output)) {
    return webhook->post(post->post, [this, ticket = post->ticket](Result<WebhookReply, WebhookFault> result) {
      note_web_server(result);
      dispatcher->finished(transport::read_clocks(), ticket, result);
      edge.wake();
    });
  }
  auto [ask, policy, call, took] = std::get<Dispatcher::Verdict>(output);
  if (is_logged(LogLevel::debug)) log(web_server_said(call, policy, took));
  // The web server names a client; the Exchange knows it by what it is called by.
  const ClientEntry* client = directory->find(policy.target);
  if (client != nullptr) policy.target = client->identities.front();
  exchange->reply(pass, ask, policy);
}

// The owner sees in the log that his web server fails, why, and when it works again: without it every call is refused.
void Gateway::Impl::note_web_server(const Result<WebhookReply, WebhookFault>& result) {
  const bool good = result && result->status >= 200 && result->status <= 299;
  if (good && std::exchange(web_server_failing, false)) log(LogLevel::info, "the web server answers again");
  const TimePoint now = transport::read_clocks().steady;
  if (good || web_server_failing || now < web_server_quiet) return;
  web_server_failing = true;
  web_server_quiet = now + kQuiet;
  std::string why = result ? "answers " + std::to_string(result->status) : std::string(describe(result.error()));
  if (result && result->status == 401)
    why += ": perhaps its secret is not webhook.secrets (ISTHMUS_WEBHOOK_SECRET), or one of the clocks is wrong";
  const std::string calls = config.allow_on_failure ? "calls go on unasked" : "calls are refused";
  log(LogLevel::warning,
      "the web server fails (" + why + "): " + calls + " and events are repeated, " + printable(config.webhook_url));
}

// ---- events of the machines

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
    while (const auto output = dispatcher->poll()) {
      obey(pass, *output);
      busy = true;
    }
  }
  routes->settle();
  outbox_dropped = pass.out.dropped;
  end_if_drained();
  arm();
}

// A call is a client's by its id, whichever of its identities was called.
CallFacts Gateway::Impl::named(CallFacts call) const {
  const ClientEntry* owner = call.client.empty() ? nullptr : directory->owner(call.client);
  if (owner != nullptr && directory->find(call.client) == nullptr) call.client = owner->id;
  return call;
}

CallFacts Gateway::Impl::with_media(CallFacts call) const {
  media_ledger.fill(call, transport::read_clocks().wall, [this](media::LegId leg) { return engine->report(leg); });
  return call;
}

CallFacts Gateway::Impl::whole(CallFacts call) const {
  return with_media(named(std::move(call)));
}

void Gateway::Impl::handle(Pass& pass, const Request& request) {
  std::visit(Overloaded{
                 [&](const OrderMedia& it) {
                   // What a leg has seen is known until it is closed, and told in the same pass.
                   if (const auto* close = std::get_if<media::CloseLeg>(&it.order))
                     media_ledger.closing(close->leg, engine->report(close->leg));
                   engine->obey(pass, it.order);
                 },
                 [&](const AskPolicy& it) {
                   if (is_logged(LogLevel::debug)) log(call_changed(it.call));
                   watch.changed(pass.now, it.call);
                   dispatcher->ask(pass.now, {it.ask, it.kind, named(it.call)});
                 },
                 [&](const TellServer& it) {
                   if (is_logged(LogLevel::debug)) log(call_changed(it.call));
                   watch.changed(pass.now, it.call);
                   dispatcher->tell(pass.now, whole(it.call));
                 },
                 [&](const TellClient& it) { clients->tell({it.client, with_media(it.call)}); },
                 [&](const CommandDone& it) {
                   clients->done(it);
                   routes->done({it.token, it.error, whole(it.call)});
                 },
                 [&](const CallEnded& it) {
                   const CallFacts call = whole(it.call);
                   routes->ended(call);
                   watch.ended(pass.now, call);
                   log(call_ended(call));
                 },
                 [&](const CallRefused& it) { log(call_refused(it)); },
                 [&](const LegEnded& it) { log(leg_ended(it)); },
                 [&](const RequestRefused& it) { log(request_refused(it)); },
                 [&](const CredentialsRefused& it) { note_refused(pass.now.steady, it); },
                 [&](const MediaSilent& it) { log(media_silent(whole(it.call), it.is_caller, config.timers.silence)); },
                 [&](const BindingChanged& it) {
                   log(LogLevel::info, (it.removed ? "unregistered " : "registered ") + shown_user(it.binding.account) +
                                           " from " + shown_address(it.binding.remote));
                   keeper->put(it);
                 },
                 [&](const RingingChanged& it) { keeper->put(it); },
                 [&](const AskKept& it) { ask_keeper(it.ask); },
             },
             request);
}

void Gateway::Impl::ask_keeper(AskId ask) {
  keeper->when_kept([this, ask](bool kept) {
    waiting.emplace_back([this, ask, kept](Pass& pass) {
      exchange->reply(pass, ask, kept ? Reply(Kept{}) : Reply(Fault{FaultCode::limit}));
    });
    edge.wake();
  });
}

// ---- messages to look at

void Gateway::Impl::tap(bool on) {
  exchange->trace(on);
  edge.observe({});
  edge.observe_sends({});
  if (!on) return;
  edge.observe([this](const Note& note, Bytes bytes) {
    if (note.kind == NoteKind::sip_received)
      trace.add(transport::read_clocks().wall, false, static_cast<Protocol>(note.subject), note.path, bytes);
  });
  edge.observe_sends([this](const Path& path, Bytes bytes) {
    // Of media the endpoint knows no flow; a keep-alive is no message.
    const auto flow = exchange->user_agent().endpoint().facts(path.flow);
    if (flow && as_text(bytes).find_first_not_of("\r\n") != std::string_view::npos)
      trace.add(transport::read_clocks().wall, true, flow->protocol, path, bytes);
  });
}

// ---- time for clients and webhooks

void Gateway::Impl::arm() {
  const TimePoint next = std::min(clients->next_deadline(), dispatcher->next_deadline());
  if (next >= armed) return;
  armed = next;
  const TimePoint now = transport::read_clocks().steady;
  shard.after(std::max(Duration{}, next - now), [this, next] {
    if (armed == next) tick();
  });
}

void Gateway::Impl::tick() {
  armed = kNever;
  const Now now = transport::read_clocks();
  clients->expire(now);
  dispatcher->expire(now);
  edge.wake();
}

// ---- draining

void Gateway::Impl::set_drain(Drain wanted) {
  if (wanted.on != draining.on) log(LogLevel::info, wanted.on ? "draining: no new calls" : "new calls are taken again");
  draining = wanted;
  exchange->refuse_new_calls(wanted.on || signals > 0);
  edge.wake();
}

void Gateway::Impl::end_if_drained() {
  if (!draining.on || !draining.stop || signals > 0 || exchange->census()[Census::calls] > 0) return;
  log(LogLevel::info, "drained: the last call is over");
  end(SIGTERM);
}

// ---- the end

bool Gateway::Impl::nothing_left() const {
  const Census census = exchange->census();
  return census[Census::calls] == 0 && census[Census::sessions] == 0 && census[Census::reaping] == 0 &&
         dispatcher->empty();
}

void Gateway::Impl::end(int signal) {
  if (++signals > 1) {
    log(LogLevel::warning, "asked a second time: ending at once");
    status = 1;
    return shard.stop();
  }
  log(LogLevel::info, signal == SIGTERM ? "asked to end" : "interrupted: ending");
  transport::notify_manager("STOPPING=1");
  edge.stop_listening();
  exchange->refuse_new_calls(true);  // what would begin now could not end in words
  waiting.emplace_back([this](Pass& pass) {
    exchange->drop_all(pass);
    const TimePoint now = pass.now.steady;
    shard.after(Duration{}, [this, now] {
      clients->end();
      watch_end(now + kLastWords, now + config.timers.shutdown);
    });
  });
  edge.wake();
}

void Gateway::Impl::watch_end(TimePoint not_before, TimePoint give_up) {
  const TimePoint now = transport::read_clocks().steady;
  const bool over = nothing_left();
  if (now >= give_up && !over) log(LogLevel::warning, "not everybody answered in time");
  if (now >= give_up || (over && now >= not_before)) return shard.stop();
  shard.after(kEndPoll, [this, not_before, give_up] { watch_end(not_before, give_up); });
}

}  // namespace isthmus::gateway
