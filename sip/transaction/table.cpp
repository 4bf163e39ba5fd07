// SPDX-License-Identifier: MIT
// The transaction table: lookup, timers, and the execution of what the four machines say.
#include "sip/transaction/table.hpp"

#include <utility>

namespace isthmus::sip {
namespace {

ClientId client_of(TransactionRef ref) {
  return {ref.slot, ref.generation};
}
ServerId server_of(TransactionRef ref) {
  return {ref.slot, ref.generation};
}
TransactionRef ref_of(ClientId id) {
  return {Side::client, id.slot, id.generation};
}
TransactionRef ref_of(ServerId id) {
  return {Side::server, id.slot, id.generation};
}
std::vector<std::byte> copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}
void release(std::vector<std::byte>& bytes) {
  std::vector<std::byte>().swap(bytes);
}
// Keeps the same 64 random bits from serving two tables.
HashKey other_key(const HashKey& key) {
  return {key.k1, key.k0};
}

}  // namespace

std::string_view describe(TransactionTable::Drop drop) {
  using Drop = TransactionTable::Drop;
  switch (drop) {
    case Drop::full: return "full";
    case Drop::duplicate: return "duplicate";
    case Drop::key_too_long: return "key_too_long";
    case Drop::late_response: return "late_response";
    case Drop::repeated_request: return "repeated_request";
    case Drop::stray_ack: return "stray_ack";
    case Drop::late_answer: return "late_answer";
    case Drop::kCount: break;
  }
  return "unknown";
}

TransactionTable::TransactionTable(const TimerConfig& timers, const TableLimits& limits, const HashKey& hash_key,
                                   uint8_t shard)
    : config_(timers),
      limits_(limits),
      hash_key_(hash_key),
      clients_(shard),
      servers_(shard),
      lists_(other_key(hash_key)) {}

// --- client side ---------------------------------------------------------------------------------------------------

Result<ClientId, Refusal> TransactionTable::start(Pass& pass, NewTransaction given, Bytes request) {
  if (clients_.size() >= limits_.max_clients) return refuse(Refusal::full);
  const bool invite = given.invite;
  ISTHMUS_TRY(entry, make_entry(client_index_, std::move(given)));
  Client made{std::move(entry), {}};
  made.bytes = copy_of(request);
  if (!invite) made.machine = ClientRequest();
  const ClientId id = clients_.insert(std::move(made));
  Client& client = *clients_.find(id);
  client_index_.emplace(client.hash, ref_of(id));
  list(ref_of(id), client);
  const Step step = std::visit([&](auto& machine) { return machine.start(config_, client.reliable); }, client.machine);
  apply(pass, ref_of(id), client, step);
  return id;
}

ClientId TransactionTable::find_client(std::string_view key) const {
  return client_of(find(client_index_, key));
}

bool TransactionTable::needs_ack(ClientId id, int status) const {
  const Client* client = clients_.find(id);
  if (client == nullptr) return false;
  const auto* invite = std::get_if<ClientInvite>(&client->machine);
  return invite != nullptr && invite->needs_ack(status);
}

bool TransactionTable::receive_response(Pass& pass, ClientId id, int status, Bytes ack) {
  Client* client = clients_.find(id);
  if (client == nullptr) return false;
  if (needs_ack(id, status)) client->bytes = copy_of(ack);
  const Step step = std::visit([&](auto& machine) { return machine.response(config_, status); }, client->machine);
  if (step.tell == Tell::nothing && step.emit == Emit::nothing) drops_.add(Drop::late_response);
  const bool keeps = is_running(id) || step.emit == Emit::ack;
  if (!keeps && step.tell == Tell::message) release(client->bytes);
  apply(pass, ref_of(id), *client, step);
  return step.tell == Tell::message;
}

void TransactionTable::cancelled(Pass& pass, ClientId id) {
  Client* client = clients_.find(id);
  auto* invite = client == nullptr ? nullptr : std::get_if<ClientInvite>(&client->machine);
  if (invite != nullptr) apply(pass, ref_of(id), *client, invite->cancelled(config_));
}

Bytes TransactionTable::request_of(ClientId id) const {
  const Client* client = clients_.find(id);
  return client != nullptr && is_running(id) ? Bytes(client->bytes) : Bytes{};
}

bool TransactionTable::is_running(ClientId id) const {
  const Client* client = clients_.find(id);
  return client != nullptr && std::visit([](const auto& machine) { return machine.is_running(); }, client->machine);
}

void TransactionTable::move(ClientId id, const Path& path, bool reliable) {
  if (Client* client = clients_.find(id)) move(ref_of(id), *client, path, reliable);
}

bool TransactionTable::drop(ClientId id) {
  Client* client = clients_.find(id);
  if (client == nullptr) return false;
  erase(ref_of(id), *client);
  return true;
}

// --- server side ---------------------------------------------------------------------------------------------------

Result<ServerId, Refusal> TransactionTable::accept(Pass& pass, NewTransaction given) {
  if (servers_.size() >= limits_.max_servers) return refuse(Refusal::full);
  const bool invite = given.invite;
  ISTHMUS_TRY(entry, make_entry(server_index_, std::move(given)));
  Server made{std::move(entry), {}};
  if (!invite) made.machine = ServerRequest();
  const ServerId id = servers_.insert(std::move(made));
  Server& server = *servers_.find(id);
  server_index_.emplace(server.hash, ref_of(id));
  list(ref_of(id), server);
  const Step step = std::visit([&](auto& machine) { return machine.start(config_, server.reliable); }, server.machine);
  apply(pass, ref_of(id), server, step);
  return id;
}

ServerId TransactionTable::find_server(std::string_view key) const {
  return server_of(find(server_index_, key));
}

void TransactionTable::receive_repeat(Pass& pass, ServerId id) {
  Server* server = servers_.find(id);
  if (server == nullptr) return;
  const Step step = std::visit([](auto& machine) { return machine.request(); }, server->machine);
  if (step.emit == Emit::nothing || server->bytes.empty()) drops_.add(Drop::repeated_request);
  apply(pass, ref_of(id), *server, step);
}

bool TransactionTable::receive_ack(Pass& pass, ServerId id) {
  Server* server = servers_.find(id);
  auto* invite = server == nullptr ? nullptr : std::get_if<ServerInvite>(&server->machine);
  const bool awaited = invite != nullptr && invite->state() != ServerInvite::State::proceeding &&
                       invite->state() != ServerInvite::State::confirmed;
  if (!awaited) {
    drops_.add(Drop::stray_ack);
    return false;
  }
  const Step step = invite->ack(config_);
  release(server->bytes);
  apply(pass, ref_of(id), *server, step);
  return step.tell == Tell::message;
}

bool TransactionTable::respond(Pass& pass, ServerId id, int status, Bytes response) {
  Server* server = servers_.find(id);
  if (server == nullptr || !std::visit([&](const auto& machine) { return machine.takes(status); }, server->machine)) {
    drops_.add(Drop::late_answer);
    return false;
  }
  server->bytes = copy_of(response);
  const Step step = std::visit([&](auto& machine) { return machine.respond(config_, status); }, server->machine);
  apply(pass, ref_of(id), *server, step);
  if (step.ended) return true;
  const auto* invite = std::get_if<ServerInvite>(&server->machine);
  const bool by_user = invite != nullptr && invite->state() == ServerInvite::State::accepted;
  if (by_user || (status >= 200 && step.emit == Emit::nothing)) release(server->bytes);
  return true;
}

bool TransactionTable::is_running(ServerId id) const {
  const Server* server = servers_.find(id);
  return server != nullptr && std::visit([](const auto& machine) { return machine.is_running(); }, server->machine);
}
bool TransactionTable::is_answered(ServerId id) const {
  return contains(id) && !is_running(id);
}

void TransactionTable::move(ServerId id, const Path& path, bool reliable) {
  if (Server* server = servers_.find(id)) move(ref_of(id), *server, path, reliable);
}

bool TransactionTable::drop(ServerId id) {
  Server* server = servers_.find(id);
  if (server == nullptr) return false;
  erase(ref_of(id), *server);
  return true;
}

// --- either side ---------------------------------------------------------------------------------------------------

const Path* TransactionTable::path_of(ClientId id) const {
  const Client* client = clients_.find(id);
  return client == nullptr ? nullptr : &client->path;
}
const Path* TransactionTable::path_of(ServerId id) const {
  const Server* server = servers_.find(id);
  return server == nullptr ? nullptr : &server->path;
}
uint64_t TransactionTable::cookie_of(ClientId id) const {
  const Client* client = clients_.find(id);
  return client == nullptr ? 0 : client->cookie;
}
uint64_t TransactionTable::cookie_of(ServerId id) const {
  const Server* server = servers_.find(id);
  return server == nullptr ? 0 : server->cookie;
}
void TransactionTable::set_cookie(ClientId id, uint64_t cookie) {
  if (Client* client = clients_.find(id)) client->cookie = cookie;
}
void TransactionTable::set_cookie(ServerId id, uint64_t cookie) {
  if (Server* server = servers_.find(id)) server->cookie = cookie;
}

void TransactionTable::flow_down(Pass& pass, FlowId flow) {
  lose(pass, flow, {});
}
// A stream has no lists by peer: its flow_down tells the same.
void TransactionTable::unreachable(Pass& pass, const Path& path) {
  if (path.remote.is_set()) lose(pass, path.flow, path.remote);
}

// A machine that is fed may leave the list, so the next one is read first.
void TransactionTable::lose(Pass& pass, FlowId flow, const SocketAddress& remote) {
  TransactionRef ref = lists_.first(flow, remote);
  while (ref) {
    const Entry& entry = *entry_of(ref);
    const TransactionRef next = remote.is_set() ? entry.by_peer.next : entry.by_flow.next;
    feed_transport_error(pass, ref);
    ref = next;
  }
}

void TransactionTable::expire(Pass& pass) {
  while (const auto due = timers_.take_due(pass.now.steady)) feed_timer(pass, *due);
}

std::optional<Outcome> TransactionTable::poll_outcome() {
  if (polled_ == outcomes_.size()) {
    outcomes_.clear();
    polled_ = 0;
    return std::nullopt;
  }
  return outcomes_[polled_++];
}

Census TransactionTable::census() const {
  Census census;
  const auto count = [&](const auto& transaction) {
    const bool running = std::visit([](const auto& machine) { return machine.is_running(); }, transaction.machine);
    ++census[running ? Census::transactions : Census::lingering_transactions];
  };
  clients_.for_each([&](ClientId, const Client& client) { count(client); });
  servers_.for_each([&](ServerId, const Server& server) { count(server); });
  census[Census::timers] = static_cast<uint32_t>(timers_.size());
  return census;
}

uint32_t TransactionTable::running_clients() const {
  uint32_t out = 0;
  clients_.for_each([&](ClientId id, const Client&) { out += is_running(id) ? 1 : 0; });
  return out;
}

// --- parts ---------------------------------------------------------------------------------------------------------

std::unexpected<Refusal> TransactionTable::refuse(Refusal why) {
  drops_.add(why == Refusal::full ? Drop::full : why == Refusal::duplicate ? Drop::duplicate : Drop::key_too_long);
  return fail(why);
}

Result<TransactionTable::Entry, Refusal> TransactionTable::make_entry(const Index& index, NewTransaction&& given) {
  if (given.key.size() > limits_.max_key) return refuse(Refusal::key_too_long);
  if (find(index, given.key)) return refuse(Refusal::duplicate);
  Entry entry;
  entry.path = given.path;
  entry.reliable = given.reliable;
  entry.cookie = given.cookie;
  entry.hash = keyed_hash(hash_key_, given.key);
  entry.key = std::move(given.key);
  return entry;
}

TransactionTable::Entry* TransactionTable::entry_of(TransactionRef ref) {
  return const_cast<Entry*>(std::as_const(*this).entry_of(ref));
}
const TransactionTable::Entry* TransactionTable::entry_of(TransactionRef ref) const {
  if (ref.side == Side::client) return clients_.find(client_of(ref));
  return servers_.find(server_of(ref));
}

TransactionRef TransactionTable::find(const Index& index, std::string_view key) const {
  if (key.size() > limits_.max_key) return {};
  const auto [first, last] = index.equal_range(keyed_hash(hash_key_, key));
  for (auto at = first; at != last; ++at) {
    if (entry_of(at->second)->key == key) return at->second;
  }
  return {};
}

void TransactionTable::list(TransactionRef ref, Entry& entry) {
  lists_.add(entry.path.flow, {}, ref, [this](TransactionRef r) -> FlowLinks& { return entry_of(r)->by_flow; });
  if (entry.reliable || !entry.path.remote.is_set()) return;
  lists_.add(entry.path.flow, entry.path.remote, ref,
             [this](TransactionRef r) -> FlowLinks& { return entry_of(r)->by_peer; });
}
void TransactionTable::unlist(TransactionRef ref, Entry& entry) {
  lists_.remove(entry.path.flow, {}, ref, [this](TransactionRef r) -> FlowLinks& { return entry_of(r)->by_flow; });
  if (entry.reliable || !entry.path.remote.is_set()) return;
  lists_.remove(entry.path.flow, entry.path.remote, ref,
                [this](TransactionRef r) -> FlowLinks& { return entry_of(r)->by_peer; });
}

// The machine keeps the timers that it began with.
void TransactionTable::move(TransactionRef ref, Entry& entry, const Path& path, bool reliable) {
  unlist(ref, entry);
  entry.path = path;
  entry.reliable = reliable;
  list(ref, entry);
}

void TransactionTable::arm(Pass& pass, TransactionRef ref, TimerId& timer, const Alarm& alarm) {
  if (alarm.what == Alarm::What::keep) return;
  timers_.cancel(timer);
  if (alarm.what == Alarm::What::set) timer = timers_.set(pass.now.steady + alarm.in, Due{ref, alarm.timer});
}

// After this the entry may be gone: `step.ended` tells.
void TransactionTable::apply(Pass& pass, TransactionRef ref, Entry& entry, const Step& step) {
  if (step.emit != Emit::nothing && !entry.bytes.empty()) pass.out.send(entry.path, entry.bytes);
  arm(pass, ref, entry.repeat, step.repeat);
  arm(pass, ref, entry.limit, step.limit);
  if (step.tell == Tell::timeout) tell(Outcome::Kind::timeout, ref, entry, step.ended);
  if (step.tell == Tell::transport_error) tell(Outcome::Kind::transport_error, ref, entry, step.ended);
  if (step.tell == Tell::hundred_due) tell(Outcome::Kind::hundred_due, ref, entry, false);
  if (!step.ended) return;
  if (step.tell == Tell::nothing || step.tell == Tell::message) tell(Outcome::Kind::terminated, ref, entry, true);
  erase(ref, entry);
}

void TransactionTable::tell(Outcome::Kind kind, TransactionRef ref, const Entry& entry, bool ended) {
  Outcome outcome{.kind = kind, .ended = ended, .cookie = entry.cookie};
  if (ref.side == Side::client) outcome.client = client_of(ref);
  if (ref.side == Side::server) outcome.server = server_of(ref);
  outcomes_.push_back(outcome);
}

void TransactionTable::erase(TransactionRef ref, Entry& entry) {
  timers_.cancel(entry.repeat);
  timers_.cancel(entry.limit);
  unlist(ref, entry);
  Index& index = ref.side == Side::client ? client_index_ : server_index_;
  const auto [first, last] = index.equal_range(entry.hash);
  for (auto at = first; at != last; ++at) {
    if (at->second != ref) continue;
    index.erase(at);
    break;
  }
  if (ref.side == Side::client) clients_.erase(client_of(ref));
  if (ref.side == Side::server) servers_.erase(server_of(ref));
}

void TransactionTable::feed_timer(Pass& pass, const Due& due) {
  if (Client* client = due.ref.side == Side::client ? clients_.find(client_of(due.ref)) : nullptr) {
    const auto fire = [&](auto& machine) { return machine.timer(config_, due.timer); };
    apply(pass, due.ref, *client, std::visit(fire, client->machine));
  } else if (Server* server = due.ref.side == Side::server ? servers_.find(server_of(due.ref)) : nullptr) {
    const auto fire = [&](auto& machine) { return machine.timer(config_, due.timer); };
    apply(pass, due.ref, *server, std::visit(fire, server->machine));
  }
}

void TransactionTable::feed_transport_error(Pass& pass, TransactionRef ref) {
  const auto lose_one = [](auto& machine) { return machine.transport_error(); };
  if (Client* client = ref.side == Side::client ? clients_.find(client_of(ref)) : nullptr) {
    apply(pass, ref, *client, std::visit(lose_one, client->machine));
  } else if (Server* server = ref.side == Side::server ? servers_.find(server_of(ref)) : nullptr) {
    apply(pass, ref, *server, std::visit(lose_one, server->machine));
  }
}

}  // namespace isthmus::sip
