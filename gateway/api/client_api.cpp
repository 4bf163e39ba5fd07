// SPDX-License-Identifier: MIT
// Connections, sessions and methods; what the Exchange says comes in by client_api_events.cpp.
#include "gateway/api/client_api.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kTokenOctets = 32;
constexpr size_t kSessionOctets = 9;

std::string token_key(const Private<std::string>& token) {
  return to_hex(crypto::sha256(as_bytes(token.reveal())));
}

}  // namespace

ClientApi::ClientApi(ClientApiConfig config, const Directory& directory, const Seed& seed, std::function<Now()> clock,
                     std::function<void()> wake)
    : config_(config),
      directory_(directory),
      random_(Random(seed).fork("client api")),
      clock_(std::move(clock)),
      wake_(std::move(wake)),
      by_name_(config.per_name),
      by_source_(config.per_source) {}

// ---- connections

void ClientApi::opened(std::shared_ptr<transport::WsConnection> connection, const IpAddress& source) {
  if (ending_) return connection->close(static_cast<uint16_t>(WsClose::going_away), "ending");
  transport::WsConnection& socket = *connection;  // the peer owns it from here on
  const PeerId id = peers_.insert(Peer{std::move(connection), source, {}, 0, {}});
  peers_.find(id)->sign_in = timers_.set(clock_().steady + config_.sign_in_limit, Alarm{id, {}});
  transport::WsConnection::Events events;
  events.message = [this, id, alive = std::weak_ptr(alive_)](Bytes message, bool text) {
    if (alive.lock()) take(id, message, text);
  };
  events.closed = [this, id, alive = std::weak_ptr(alive_)](transport::WsEnd) {
    if (alive.lock()) lost(id);
  };
  socket.start(std::move(events));
  wake_();  // there is a new deadline
}

void ClientApi::take(PeerId id, Bytes message, bool text) {
  const Peer* peer = peers_.find(id);
  if (peer == nullptr) return;
  if (!text) return close(id, WsClose::unsupported_data, "text only");
  const auto request = parse_rpc(as_text(message));
  if (!request) return send(id, rpc_error(request.error().id, request.error().error));
  const Context context{id, peer->session, request->id};
  if (!context.session && needs_session(request->method)) return error(context, RpcCode::not_signed_in);
  const auto method = parse_method(*request);
  if (!method) return send(id, rpc_error(request->id, method.error()));
  std::visit([&](const auto& one) { obey(context, one); }, *method);
}

// The connection is over, whoever ended it. Its session waits for the client to come back.
void ClientApi::lost(PeerId id) {
  const Peer* peer = peers_.find(id);
  if (peer == nullptr) return;
  const ClientId session_id = peer->session;
  TimerId sign_in = peer->sign_in;
  timers_.cancel(sign_in);
  peers_.erase(id);
  Session* session = sessions_.find(session_id);
  if (session == nullptr) return;
  session->peer = {};
  session->lost_at = clock_().steady;
  session->grace = timers_.set(session->lost_at + config_.grace, Alarm{{}, session_id});
  put(Command(ClientLost{session_id}));
}

void ClientApi::close(PeerId id, WsClose code, std::string_view reason) {
  const Peer* peer = peers_.find(id);
  if (peer == nullptr) return;
  const auto socket = peer->socket;
  write_waiting(id);
  lost(id);
  socket->close(static_cast<uint16_t>(code), reason);
}

// Behind what the Exchange has still to take: who reads that it is signed in, or back, can be called.
void ClientApi::send(PeerId id, const std::string& message) {
  if (outputs_.empty()) return write(id, message);
  if (peers_.find(id) != nullptr) outputs_.emplace_back(Say{id, message});
}

void ClientApi::write(PeerId id, const std::string& message) {
  const Peer* peer = peers_.find(id);
  if (peer == nullptr || message.empty()) return;
  const auto socket = peer->socket;  // sending may end the connection, and with it the peer
  if (socket->queued() + message.size() > config_.queue_bytes) return close(id, WsClose::slow_reader, "not reading");
  socket->send(message);
}

// Of a connection that is about to be closed.
void ClientApi::write_waiting(PeerId id) {
  std::vector<std::string> messages;
  std::erase_if(outputs_, [&](const auto& each) {
    const auto* say = std::get_if<Say>(&each);
    if (say == nullptr || say->peer != id) return false;
    messages.push_back(say->message);
    return true;
  });
  for (const std::string& message : messages) write(id, message);
}

void ClientApi::error(const Context& context, RpcCode code, Json data) {
  send(context.peer, rpc_error(context.id, {code, std::move(data)}));
}
void ClientApi::result(const Context& context, Json value) {
  send(context.peer, rpc_result(context.id, std::move(value)));
}

void ClientApi::put(Output output) {
  outputs_.push_back(std::move(output));
  wake_();
}

std::optional<ClientApi::Output> ClientApi::poll() {
  while (!outputs_.empty()) {
    auto next = std::move(outputs_.front());
    outputs_.pop_front();
    if (auto* output = std::get_if<Output>(&next)) return std::move(*output);
    const Say& say = std::get<Say>(next);
    write(say.peer, say.message);
  }
  return std::nullopt;
}

std::string ClientApi::random_name(size_t octets) {
  std::vector<std::byte> bytes(octets);
  random_.fill(bytes);
  return to_base64url(bytes);
}

// ---- signing in

std::optional<std::chrono::seconds> ClientApi::must_wait(TimePoint now, const std::string& name,
                                                         const std::string& source) {
  const auto wait = std::max(by_name_.wait(now, name + "@" + source), by_source_.wait(now, source));
  return wait.count() == 0 ? std::nullopt : std::optional(wait);
}

void ClientApi::fail_sign_in(const Context& context, const RpcError& why) {
  send(context.peer, rpc_error(context.id, why));
  Peer* peer = peers_.find(context.peer);
  if (peer != nullptr && ++peer->failures >= config_.failures_per_connection)
    close(context.peer, WsClose::not_signed_in, "too many attempts");
}

void ClientApi::obey(const Context& context, const rpc::SignIn& method) {
  if (context.session) return error(context, RpcCode::already_signed_in);
  if (ending_) return error(context, RpcCode::unavailable);
  const Now now = clock_();
  const std::string source = Attempts::source(peers_.find(context.peer)->source);
  if (const auto wait = must_wait(now.steady, method.name, source)) {
    const Json data = Json::object({{"retry_after", int64_t{wait->count()}}});
    return fail_sign_in(context, {RpcCode::rate_limited, data});
  }
  const ClientEntry* entry = method.by_key ? directory_.check_key(method.name, method.secret)
                                           : directory_.check_password(method.name, method.secret);
  if (entry == nullptr) {
    by_name_.failed(now.steady, method.name + "@" + source);
    by_source_.failed(now.steady, source);
    const std::string_view wrong = method.by_key ? "wrong key" : "wrong password";
    put(CredentialsRefused{method.name, directory_.find(method.name) != nullptr ? wrong : "no such account", "sign_in",
                           peers_.find(context.peer)->source});
    return fail_sign_in(context, {RpcCode::bad_credentials, {}});
  }
  if (!make_room(entry->id)) return error(context, RpcCode::unavailable);
  Session session{
      entry->id, "s_" + random_name(kSessionOctets), random_name(kTokenOctets), entry->identities, {}, {}, {}, {}, {}};
  const std::string key = token_key(Private<std::string>(session.token));
  const ClientId id = sessions_.insert(std::move(session));
  by_token_[key] = id;
  attach(context.peer, id);
  put(Command(ClientUp{id, entry->id, entry->identities}));
  const Session& made = *sessions_.find(id);
  put(ClientNews{true, made.client, made.name, made.identities});
  result(context, sign_in_result(made));
}

// A session too many displaces the one whose connection was lost first; connected ones are not touched.
bool ClientApi::make_room(const std::string& client) {
  size_t count = 0;
  ClientId oldest;
  TimePoint since = kNever;
  sessions_.for_each([&](ClientId id, const Session& session) {
    if (session.client != client) return;
    ++count;
    if (session.peer || session.lost_at >= since) return;
    oldest = id;
    since = session.lost_at;
  });
  if (count < config_.sessions_per_client) return true;
  if (!oldest) return false;
  end_session(oldest, true);
  return true;
}

void ClientApi::attach(PeerId peer_id, ClientId session_id) {
  Peer& peer = *peers_.find(peer_id);
  timers_.cancel(peer.sign_in);
  peer.session = session_id;
  sessions_.find(session_id)->peer = peer_id;
}

Json ClientApi::sign_in_result(const Session& session) const {
  Json::Array identities(session.identities.begin(), session.identities.end());
  std::vector<const Record*> alive;
  for (const auto& [id, record] : session.calls) {
    if (record.last.state != CallState::dropped) alive.push_back(&record);
  }
  std::sort(alive.begin(), alive.end(), [](const Record* a, const Record* b) { return a->number < b->number; });
  Json::Array calls;
  for (const Record* record : alive) {
    const CallFacts& call = record->last;
    Json entry = Json::object({{"call_id", call.id}});
    if (!call.reference.empty()) entry.set("ref", call.reference);
    entry.set("seq", call.sequence).set("dir", word(call.direction)).set("state", word(call.state));
    entry.set("from", call.from).set("to", call.to);
    calls.push_back(std::move(entry));
  }
  return Json::object(
      {{"client", session.client},
       {"session", session.name},
       {"token", session.token},
       {"identities", std::move(identities)},
       {"grace_seconds", int64_t{std::chrono::duration_cast<std::chrono::seconds>(config_.grace).count()}},
       {"calls", std::move(calls)}});
}

void ClientApi::obey(const Context& context, const rpc::Resume& method) {
  if (context.session) return error(context, RpcCode::already_signed_in);
  const auto found = by_token_.find(token_key(method.token));
  Session* session = found == by_token_.end() ? nullptr : sessions_.find(found->second);
  const bool expired = session != nullptr && !session->peer && clock_().steady >= session->lost_at + config_.grace;
  if (session == nullptr || expired || ending_) return fail_sign_in(context, {RpcCode::unknown_session, {}});
  const ClientId id = found->second;
  if (session->peer) {
    const PeerId other = session->peer;
    peers_.find(other)->session = {};
    close(other, WsClose::replaced, "resumed elsewhere");
  } else {
    timers_.cancel(session->grace);
    put(Command(ClientBack{id}));
  }
  attach(context.peer, id);
  result(context, sign_in_result(*session));
  replay(id, method.seen);
}

void ClientApi::obey(const Context& context, const rpc::SignOut&) {
  result(context, Json(Json::Object{}));
  end_session(context.session, true);
  close(context.peer, WsClose::removed, "signed out");
}

void ClientApi::obey(const Context& context, const rpc::Ping&) {
  result(context, Json(Json::Object{}));
}

// The session is no more; its connection stays for whoever called this to close.
void ClientApi::end_session(ClientId id, bool tell_exchange) {
  Session* session = sessions_.find(id);
  if (session == nullptr) return;
  timers_.cancel(session->grace);
  if (Peer* peer = peers_.find(session->peer)) peer->session = {};
  by_token_.erase(token_key(Private<std::string>(session->token)));
  const ClientNews news{false, session->client, session->name, session->identities};
  sessions_.erase(id);
  if (tell_exchange) put(Command(ClientGone{id}));
  put(news);
}

// ---- calls

// The command's token; the answer comes with CommandDone.
uint64_t ClientApi::wait_for(const Context& context, Answer answer, std::string call, size_t digits) {
  waiting_[++tokens_] = {context.peer, context.session, context.id, answer, digits, std::move(call)};
  return tokens_;
}

void ClientApi::obey(const Context& context, const rpc::MakeCall& method) {
  if (ending_ || sessions_.find(context.session)->retired) return error(context, RpcCode::unavailable);
  const uint64_t token = wait_for(context, Answer::make_call);
  put(Command(MakeCall{token, context.session, method.from, method.to, method.target, method.sdp, method.ref}));
}

void ClientApi::obey(const Context& context, const rpc::Ringing& method) {
  put(Command(ClientRings{wait_for(context, Answer::call_id, method.call), context.session, method.call}));
}

void ClientApi::obey(const Context& context, const rpc::AcceptCall& method) {
  const uint64_t token = wait_for(context, Answer::call_id, method.call);
  put(Command(AcceptCall{token, context.session, method.call, method.sdp}));
}

void ClientApi::obey(const Context& context, const rpc::RejectCall& method) {
  const uint64_t token = wait_for(context, Answer::dropped, method.call);
  put(Command(RejectCall{token, context.session, method.call, method.code}));
}

void ClientApi::obey(const Context& context, const rpc::DropCall& method) {
  put(Command(DropCall{wait_for(context, Answer::dropped, method.call), context.session, method.call}));
}

void ClientApi::obey(const Context& context, const rpc::SendDtmf& method) {
  const uint64_t token = wait_for(context, Answer::digits, method.call, method.digits.size());
  put(Command(SendDigits{token, context.session, method.call, method.digits, method.milliseconds}));
}

void ClientApi::obey(const Context& context, const rpc::Candidates& method) {
  const Session& session = *sessions_.find(context.session);
  const auto call = session.calls.find(method.call);
  const bool alive = call != session.calls.end() && call->second.last.state != CallState::dropped;
  if (!alive) return error(context, RpcCode::unknown_call);
  result(context, Json::object({{"call_id", method.call}}));
}

// ---- from outside

void ClientApi::removed(std::string_view client) {
  std::vector<std::pair<ClientId, PeerId>> theirs;
  sessions_.for_each([&](ClientId id, const Session& session) {
    if (session.client == client) theirs.emplace_back(id, session.peer);
  });
  for (const auto& [session, peer] : theirs) {
    end_session(session, true);
    close(peer, WsClose::removed, "removed");
  }
}

void ClientApi::account_gone(std::string_view account) {
  std::vector<ClientId> theirs;
  sessions_.for_each([&](ClientId id, Session& session) {
    if (session.client != account) return;
    session.retired = true;
    theirs.push_back(id);
  });
  for (const ClientId id : theirs) end_if_retired(id);
}

void ClientApi::end_if_retired(ClientId id) {
  const Session* session = sessions_.find(id);
  if (session == nullptr || !session->retired) return;
  const bool busy = std::any_of(session->calls.begin(), session->calls.end(),
                                [](const auto& each) { return each.second.last.state != CallState::dropped; });
  if (busy) return;
  const PeerId peer = session->peer;
  end_session(id, true);
  close(peer, WsClose::removed, "removed");
}

void ClientApi::end() {
  ending_ = true;
  std::vector<PeerId> all;
  peers_.for_each([&](PeerId id, const Peer&) { all.push_back(id); });
  for (const PeerId id : all) close(id, WsClose::going_away, "ending");
}

void ClientApi::expire(Now now) {
  while (const auto due = timers_.take_due(now.steady)) {
    if (due->peer) {
      close(due->peer, WsClose::not_signed_in, "not signed in");
    } else {
      end_session(due->session, false);  // the Exchange has a timer of its own
    }
  }
}

size_t ClientApi::sessions_of(std::string_view client) const {
  size_t count = 0;
  sessions_.for_each([&](ClientId, const Session& session) { count += session.client == client ? 1 : 0; });
  return count;
}

bool ClientApi::is_connected(std::string_view client) const {
  bool connected = false;
  sessions_.for_each([&](ClientId, const Session& session) { connected |= session.client == client && session.peer; });
  return connected;
}

}  // namespace isthmus::gateway
