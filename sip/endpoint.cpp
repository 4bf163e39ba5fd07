// SPDX-License-Identifier: MIT
// Endpoint: flows, framing, the server side, and the verbs of the machine. The client side lies in sip/attempt.cpp.
#include "sip/endpoint.hpp"

#include "base/text.hpp"
#include "sip/message/parser.hpp"
#include "sip/message/shard_key.hpp"
#include "sip/transaction/key.hpp"

namespace isthmus::sip {
namespace {

constexpr uint16_t kDefaultPort = 5060;

uint64_t packed(ServerId id) {
  return uint64_t{id.slot} << 32 | id.generation;
}

HashKey hash_key(const Random& random, std::string_view name) {
  Random fork(random.fork(name));
  return {fork.next(), fork.next()};
}

}  // namespace

std::string_view describe(SipDrop drop) {
  switch (drop) {
    case SipDrop::malformed: return "malformed";
    case SipDrop::not_sip: return "not_sip";
    case SipDrop::stray_response: return "stray_response";
    case SipDrop::stray_ack: return "stray_ack";
    case SipDrop::unknown_flow: return "unknown_flow";
    case SipDrop::overload: return "overload";
    case SipDrop::undeliverable: return "undeliverable";
    case SipDrop::forbidden_target: return "forbidden_target";
    case SipDrop::rate_limited: return "rate_limited";
    case SipDrop::late_answer: return "late_answer";
    case SipDrop::unanswered: return "unanswered";
    case SipDrop::unfinished: return "unfinished";
    case SipDrop::kCount: break;
  }
  return "unknown";
}

Endpoint::Endpoint(EndpointConfig config, const Seed& seed)
    : config_(std::move(config)),
      random_(seed),
      tag_key_(hash_key(random_, "stateless tag")),
      table_(config_.timers, TableLimits{}, hash_key(random_, "transactions"), config_.shard),
      attempts_(config_.shard),
      asks_(config_.shard),
      merged_(8, TextHash{hash_key(random_, "merged")}) {}

// ---- flows and bytes

void Endpoint::receive(Pass& pass, const Path& path, Bytes bytes) {
  const auto found = flows_.find(path.flow);
  if (found == flows_.end()) {
    drops_.add(SipDrop::unknown_flow);
    return;
  }
  Flow& flow = found->second;
  if (flow.facts.framing != Framing::stream) {
    stream_ = {};
    take_message(pass, path, bytes, flow.facts.framing == Framing::message);
    return;
  }
  flow.framer.feed(bytes);
  stream_ = path.flow;
  proceed(pass);
  const auto still = flows_.find(path.flow);
  if (still != flows_.end()) still->second.framer.keep();
}

bool Endpoint::proceed(Pass& pass) {
  in_hand_ = false;
  const auto found = flows_.find(stream_);
  if (found == flows_.end()) return false;
  const Path path = found->second.facts.path;
  for (;;) {
    const Frame frame = found->second.framer.next();
    if (frame.kind != Frame::Kind::none) message_limits_.cancel(found->second.unfinished);
    switch (frame.kind) {
      case Frame::Kind::none:
        stream_ = {};
        if (found->second.framer.waiting() > 0 && !message_limits_.is_set(found->second.unfinished))
          found->second.unfinished = message_limits_.set(pass.now.steady + config_.message_limit, path.flow);
        return false;
      case Frame::Kind::pong: break;
      case Frame::Kind::ping: pass.out.send(path, as_bytes("\r\n")); break;
      case Frame::Kind::message: take_message(pass, path, frame.bytes, true); return true;
      case Frame::Kind::error: {  // what could be read serves for a 400 only: the stream has lost its frame
        stream_ = {};
        path_ = path;
        protocol_ = found->second.facts.protocol;
        const auto result = parse(frame.bytes, message_, ParseLimits{}, true);
        if (!result) answer_malformed(pass, result.error());
        pass.out.close(path.flow, CloseReason::protocol_error);
        return false;
      }
    }
  }
}

void Endpoint::flow_up(Pass& pass, const FlowFacts& facts) {
  if (flows_.size() >= config_.max_flows) {
    drops_.add(SipDrop::overload);
    pass.out.close(facts.path.flow, CloseReason::limit);
    return;
  }
  const bool known = flows_.contains(facts.path.flow);
  flows_.insert_or_assign(facts.path.flow, Flow{facts, Framer{}});
  if (!known && facts.protocol == Protocol::udp) datagrams_.push_back(facts.path.flow);
}

void Endpoint::flow_down(Pass& pass, FlowId flow, Fault) {
  if (const auto lost = flows_.find(flow); lost != flows_.end()) {
    message_limits_.cancel(lost->second.unfinished);
    flows_.erase(lost);
  }
  std::erase(datagrams_, flow);
  keepalive_.flow_down(flow);
  if (stream_ == flow) stream_ = {};
  table_.flow_down(pass, flow);
  drain_outcomes(pass);
}

void Endpoint::unreachable(Pass& pass, const Path& path, Fault) {
  table_.unreachable(pass, path);
  drain_outcomes(pass);
}

// The flow of an answered open; false: there was no room for it.
bool Endpoint::take_up(Pass& pass, const FlowFacts& facts) {
  if (!is_up(facts.path)) flow_up(pass, facts);
  return is_up(facts.path);
}

bool Endpoint::is_up(const Path& path) const {
  return flows_.contains(path.flow);
}

std::optional<FlowFacts> Endpoint::facts(FlowId flow) const {
  const auto found = flows_.find(flow);
  if (found == flows_.end()) return std::nullopt;
  return found->second.facts;
}

void Endpoint::keep_alive(Pass& pass, const Path& path, bool wanted) {
  const auto known = facts(path.flow);
  if (!known) return;
  if (wanted) {
    keepalive_.add(path, known->protocol, pass.now.steady);
  } else {
    keepalive_.remove(path);
  }
}

// ---- messages

void Endpoint::take_message(Pass& pass, const Path& path, Bytes bytes, bool framed) {
  path_ = path;
  in_hand_ = false;
  if (const auto known = facts(path.flow)) protocol_ = known->protocol;
  if (as_text(bytes).find_first_not_of("\r\n") == std::string_view::npos) return;  // a keep-alive (RFC 5626 4.4.1)
  if (tracing_) pass.out.note(NoteKind::sip_received, static_cast<uint64_t>(protocol_), path, bytes);
  const auto result = parse(bytes, message_, ParseLimits{}, framed);
  if (!result) {
    answer_malformed(pass, result.error());
    return;
  }
  if (message_.is_request()) {
    message_.mark_source(path.remote);
    take_request(pass);
  } else {
    take_response(pass);
  }
  drain_outcomes(pass);
}

void Endpoint::answer_malformed(Pass& pass, const ParseError& error) {
  if (!error.answerable) {
    drops_.add(error.code == ParseCode::not_sip ? SipDrop::not_sip : SipDrop::malformed);
    return;
  }
  message_.mark_source(path_.remote);
  respond_stateless(pass, error.status, nullptr, error.status == 400 ? describe(error.code) : std::string_view{});
}

std::string Endpoint::request_key(std::string_view method) const {
  const Via via = message_.via();
  if (is_magic_branch(via.branch)) return server_key(via.branch, via.host, via.port, method);
  return legacy_key({message_.request_uri(), message_.from_tag(), message_.call_id(), message_.cseq().number, via.text},
                    method);
}

// RFC 3261 8.2.2.2: the same request over another way, seen by a UAS.
std::string Endpoint::merge_key() const {
  std::string key(message_.from_tag());
  key += '\n';
  key += message_.call_id();
  key += '\n';
  append_number(key, message_.cseq().number);
  key += message_.method_text();
  return key;
}

void Endpoint::take_request(Pass& pass) {
  if (message_.method() == Method::ack) return take_ack(pass);
  const ServerId known = table_.find_server(request_key(message_.method_text()));
  if (known) {
    table_.receive_repeat(pass, known);
    return;
  }
  if (message_.method() == Method::cancel) return take_cancel(pass);
  in_hand_ = true;
  if (message_.to_tag().empty() && merged_.contains(merge_key())) {
    respond_stateless(pass, 482);
    return;
  }
  events_.push_back({.kind = EndpointEventKind::request});
}

void Endpoint::take_ack(Pass& pass) {
  const ServerId known = table_.find_server(request_key("INVITE"));
  if (known) {
    if (table_.receive_ack(pass, known)) events_.push_back({.kind = EndpointEventKind::ack, .server = known});
    return;
  }
  if (message_.to_tag() == stateless_tag()) return;  // ends a stateless refusal (R4.1)
  events_.push_back({.kind = EndpointEventKind::ack});
}

// RFC 3261 9.2: found by the branch of its INVITE; answered here, with the tag of the INVITE's answers (X13).
void Endpoint::take_cancel(Pass& pass) {
  const ServerId invite = table_.find_server(request_key("INVITE"));
  in_hand_ = true;
  const auto served = served_.find(packed(invite));
  if (!invite || served == served_.end()) {
    respond_stateless(pass, 481);
    return;
  }
  const std::string tag = served->second.to_tag;
  const bool was_running = table_.is_running(invite);
  auto made = table_.accept(pass, {request_key("CANCEL"), response_path(), is_reliable(protocol_), false, 0});
  write_response(message_, Reply{.status = 200, .to_tag = tag}, scratch_);
  if (made) {
    table_.respond(pass, *made, 200, as_bytes(scratch_));
  } else {
    pass.out.send(response_path(), as_bytes(scratch_));
  }
  in_hand_ = false;
  if (was_running) events_.push_back({.kind = EndpointEventKind::cancelled, .server = invite});
}

void Endpoint::take_response(Pass& pass) {
  const ClientId client = table_.find_client(client_key(message_.branch(), message_.cseq().method_text));
  if (client) return client_response(pass, client);
  if (message_.cseq().method == Method::invite && message_.status_class() == 2) {
    events_.push_back({.kind = EndpointEventKind::stray_response, .status = static_cast<uint16_t>(message_.status())});
    return;
  }
  drops_.add(SipDrop::stray_response);
}

// ---- server side

// RFC 3261 18.2.2 and RFC 3581: the flow of the request; on datagrams its source address, and its source port if rport
// was asked for. `maddr` is not followed: a stranger does not choose whom we send to.
Path Endpoint::response_path() const {
  Path path = path_;
  if (is_reliable(protocol_)) return path;
  const Via via = message_.via();
  if (!via.rport) path.remote.port = via.port != 0 ? via.port : kDefaultPort;
  return path;
}

SocketAddress Endpoint::response_fallback() const {
  const Via via = message_.via();
  return {path_.remote.ip, via.port != 0 ? via.port : kDefaultPort};
}

bool Endpoint::is_forbidden(const SocketAddress& address) const {
  const IpAddress& ip = address.ip;
  return !address.is_set() || ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() || address.port == 0;
}

// The same for all repeats of a request, and unguessable: the ACK of a stateless refusal is known by it.
std::string Endpoint::stateless_tag() const {
  std::string text(message_.branch());
  text += '\n';
  text += message_.call_id();
  text += '\n';
  text += message_.from_tag();
  std::string tag = "s";
  append_hex(tag, keyed_hash(tag_key_, text));
  return tag;
}

void Endpoint::respond_stateless(Pass& pass, int status, const Draft* extra, std::string_view reason) {
  in_hand_ = false;
  if (message_.method() == Method::ack) return;
  Draft draft = respond_to(message_, status, reason, stateless_tag());
  if (extra != nullptr) {
    for (size_t i = 0; i < extra->line_count(); ++i) draft.add_text(extra->line_name(i), extra->line_value(i));
  }
  write_response(draft, scratch_);
  const Path path = response_path();
  if (is_forbidden(path.remote)) {
    drops_.add(SipDrop::forbidden_target);
    return;
  }
  pass.out.send(path, as_bytes(scratch_));
}

ServerId Endpoint::admit(Pass& pass) {
  const Path path = response_path();
  if (!in_hand_ || is_forbidden(path.remote)) {
    drops_.add(SipDrop::forbidden_target);
    return {};
  }
  const bool invite = message_.method() == Method::invite;
  const auto made = table_.accept(pass, {request_key(message_.method_text()), path, is_reliable(protocol_), invite, 0});
  if (!made) {
    drops_.add(SipDrop::overload);
    respond_stateless(pass, 503);
    return {};
  }
  in_hand_ = false;
  last_admitted_ = *made;
  Served served;
  served.to_tag = message_.to_tag().empty() ? make_tag(config_.shard, random_) : std::string(message_.to_tag());
  served.base = respond_to(message_, 180, {}, served.to_tag);
  served.method = message_.method();
  served.fallback = response_fallback();
  if (message_.to_tag().empty()) {
    served.merge_key = merge_key();
    merged_.emplace(served.merge_key, *made);
  }
  served_.emplace(packed(*made), std::move(served));
  if (invite) {
    write_response(message_, Reply{.status = 100}, scratch_);
    table_.respond(pass, *made, 100, as_bytes(scratch_));
  }
  return *made;
}

Draft Endpoint::response(ServerId server, int status, std::string_view reason) const {
  const auto found = served_.find(packed(server));
  Draft out = Draft::response(status, reason);
  if (found == served_.end()) return out;
  const Draft& base = found->second.base;
  for (size_t i = 0; i < base.line_count(); ++i) {
    if (base.line_header(i) == Header::record_route && status >= 300) continue;
    out.add_text(base.line_name(i), base.line_value(i));
  }
  return out;
}

std::string Endpoint::to_tag(ServerId server) const {
  const auto found = served_.find(packed(server));
  return found == served_.end() ? std::string{} : found->second.to_tag;
}

void Endpoint::respond(Pass& pass, ServerId server, const Draft& response) {
  const Path* path = table_.path_of(server);
  if (path == nullptr) return;
  write_response(response, scratch_);
  if (!is_up(*path)) {
    open_for_response(pass, server, response.status(), scratch_);
    return;
  }
  table_.respond(pass, server, response.status(), as_bytes(scratch_));
  drain_outcomes(pass);
}

// 18.2.2: the connection of the request is gone; a new one to the address it came from, at the port of sent-by (C26).
void Endpoint::open_for_response(Pass& pass, ServerId server, int status, std::string bytes) {
  const auto served = served_.find(packed(server));
  if (served == served_.end() || status < 200) return;
  if (served->second.opening) {  // a repeat: the newest goes when the connection is there
    asks_.find(served->second.opening->ask)->response = WaitingResponse{server, status, std::move(bytes)};
    return;
  }
  if (waiting_responses_ >= config_.max_waiting_responses || is_forbidden(served->second.fallback)) {
    drops_.add(SipDrop::undeliverable);
    table_.drop(server);
    finish_server({.kind = Outcome::Kind::transport_error, .ended = true, .client = {}, .server = server, .cookie = 0});
    return;
  }
  const SocketAddress remote = served->second.fallback;
  const AskId ask = new_ask(pass, Asked{{}, WaitingResponse{server, status, std::move(bytes)}, {}}, config_.open_limit);
  served->second.opening = ask;
  ++waiting_responses_;
  pass.out.open(ask, Protocol::tcp, remote);
}

void Endpoint::opened_for_response(Pass& pass, AskId ask, const Answer& reply) {
  const WaitingResponse waiting = std::move(*asks_.find(ask.ask)->response);
  drop_ask(ask);
  --waiting_responses_;
  if (const auto served = served_.find(packed(waiting.server)); served != served_.end()) served->second.opening.reset();
  if (const auto* up = std::get_if<FlowFacts>(&reply); up != nullptr && take_up(pass, *up)) {
    table_.move(waiting.server, up->path, is_reliable(up->protocol));
    table_.respond(pass, waiting.server, waiting.status, as_bytes(waiting.bytes));
    drain_outcomes(pass);
    return;
  }
  drops_.add(SipDrop::undeliverable);
  if (!table_.drop(waiting.server)) return;
  finish_server(
      {.kind = Outcome::Kind::transport_error, .ended = true, .client = {}, .server = waiting.server, .cookie = 0});
}

void Endpoint::move(Pass& pass, ServerId server, const Path& path) {
  auto known = facts(path.flow);
  if (!known) return;
  table_.move(server, path, is_reliable(known->protocol));
  const auto served = served_.find(packed(server));
  if (served == served_.end() || !served->second.opening) return;
  const AskId ask = *served->second.opening;
  pass.out.forget(ask);
  known->path = path;
  opened_for_response(pass, ask, *known);
}

void Endpoint::finish_server(const Outcome& outcome) {
  const auto found = served_.find(packed(outcome.server));
  if (found == served_.end()) return;
  const bool invite = found->second.method == Method::invite;
  const auto [first, last] = merged_.equal_range(found->second.merge_key);
  for (auto it = first; it != last; ++it) {
    if (it->second != outcome.server) continue;
    merged_.erase(it);
    break;
  }
  served_.erase(found);
  if (!invite) return;
  uint16_t status = 0;
  if (outcome.kind == Outcome::Kind::timeout) status = 408;
  if (outcome.kind == Outcome::Kind::transport_error) status = 503;
  events_.push_back({.kind = EndpointEventKind::server_gone, .server = outcome.server, .status = status});
}

void Endpoint::drain_outcomes(Pass& pass) {
  while (const auto outcome = table_.poll_outcome()) {
    if (outcome->client) {
      client_outcome(pass, *outcome);
    } else if (outcome->ended) {
      finish_server(*outcome);
    } else if (outcome->kind == Outcome::Kind::hundred_due) {
      write_response(response(outcome->server, 100), scratch_);
      table_.respond(pass, outcome->server, 100, as_bytes(scratch_));
    }
  }
}

// ---- the machine's other verbs

// The law of asks: who asks owns the time limit.
AskId Endpoint::new_ask(Pass& pass, Asked asked, Duration limit) {
  const auto id = asks_.insert(std::move(asked));
  asks_.find(id)->limit = ask_limits_.set(pass.now.steady + limit, id);
  return {Room::endpoint, id};
}

void Endpoint::drop_ask(AskId ask) {
  if (Asked* asked = asks_.find(ask.ask)) ask_limits_.cancel(asked->limit);
  asks_.erase(ask.ask);
}

void Endpoint::answer(Pass& pass, AskId ask, const Answer& reply) {
  const Asked* asked = asks_.find(ask.ask);
  if (ask.room != Room::endpoint || asked == nullptr) {
    drops_.add(SipDrop::late_answer);
    return;
  }
  if (asked->response) return opened_for_response(pass, ask, reply);
  const RequestId request = asked->request;
  drop_ask(ask);
  answer_attempt(pass, request, reply);
  drain_outcomes(pass);
}

void Endpoint::expire(Pass& pass) {
  table_.expire(pass);
  drain_outcomes(pass);
  keepalive_.expire(pass);
  while (const auto late = ask_limits_.take_due(pass.now.steady)) {
    drops_.add(SipDrop::unanswered);
    const AskId ask{Room::endpoint, *late};
    pass.out.forget(ask);
    answer(pass, ask, Fault{FaultCode::timed_out});
  }
  while (const auto slow = message_limits_.take_due(pass.now.steady)) {
    drops_.add(SipDrop::unfinished);
    pass.out.close(*slow, CloseReason::limit);
  }
}

TimePoint Endpoint::next_deadline() const {
  return std::min({table_.next_deadline(), keepalive_.next_deadline(), ask_limits_.next(), message_limits_.next()});
}

std::optional<EndpointEvent> Endpoint::poll_event() {
  if (events_.empty()) return std::nullopt;
  const EndpointEvent event = events_.front();
  events_.pop_front();
  return event;
}

// What a user who is gone leaves behind lingers, it does not live (R1.26): an attempt that is reaping or an ACK, with
// its question or its connection; a CANCEL that is not answered when its INVITE is over; a final response that waits
// for its connection.
Census Endpoint::census() const {
  Census out = table_.census();
  out[Census::asks] += static_cast<uint32_t>(asks_.size());
  out[Census::timers] += static_cast<uint32_t>(ask_limits_.size() + message_limits_.size());
  const auto lingers = [&](Census::Kind kind, uint32_t count) {
    out[kind] -= count;
    out[Census::lingering_transactions] += count;
  };
  uint32_t left = table_.running_clients();
  attempts_.for_each([&](RequestId, const Attempt& attempt) {
    const bool reaping = attempt.request.reaping || attempt.is_unheard();
    for (const ClientId client : {attempt.client, attempt.cancel})
      left -= !reaping && table_.is_running(client) ? 1 : 0;
    if (reaping && attempt.ask) lingers(Census::asks, 1);
  });
  lingers(Census::transactions, left);
  asks_.for_each([&](Id<struct AskTag>, const Asked& asked) {
    if (!asked.response) return;
    lingers(Census::asks, 1);
    if (table_.is_running(asked.response->server)) lingers(Census::transactions, 1);
  });
  return out;
}

// ---- names

const Listener* Endpoint::listener_for(Protocol protocol, const IpAddress& local) const {
  const Listener* same_family = nullptr;
  const Listener* any = nullptr;
  for (const Listener& listener : config_.listeners) {
    if (listener.protocol != protocol) continue;
    if (listener.bound.ip == local) return &listener;
    if (same_family == nullptr && listener.bound.ip.family == local.family) same_family = &listener;
    if (any == nullptr) any = &listener;
  }
  return same_family != nullptr ? same_family : any;
}

std::string Endpoint::contact(const Path& path, std::string_view user) const {
  const auto known = facts(path.flow);
  const Protocol protocol = known ? known->protocol : Protocol::udp;
  std::string out = "<sip:";
  if (!user.empty()) {
    out += escape_user(user);
    out += '@';
  }
  const Listener* listener = listener_for(protocol, path.local.ip);
  out += listener != nullptr ? host_port(listener->host, listener->port) : path.local.text();
  if (protocol == Protocol::tcp) out += ";transport=tcp";
  out += '>';
  return out;
}

bool Endpoint::is_own_host(std::string_view host, uint16_t port) const {
  for (const Listener& listener : config_.listeners) {
    if (is_same_host(listener.host, host) && (port == 0 ? kDefaultPort : port) == listener.port) return true;
  }
  return false;
}

}  // namespace isthmus::sip
