// SPDX-License-Identifier: MIT
// The client side of the endpoint: targets (RFC 3263), Via and Contact (RFC 3261 18.1.1), CANCEL (9.1) and the ACKs
// (17.1.1.3, 13.2.2.4).
#include <algorithm>

#include "base/text.hpp"
#include "sip/endpoint.hpp"
#include "sip/message/parser.hpp"
#include "sip/message/shard_key.hpp"
#include "sip/transaction/key.hpp"

namespace isthmus::sip {
namespace {

constexpr size_t kLargestDatagram = 1300;  // 18.1.1
constexpr size_t kMaxAcks = 16;            // dialogs of one INVITE whose 2xx we acknowledge again
constexpr int kRequestLimits = 3;          // 64*T1 each: afterwards no further target of a request is begun

std::string_view via_token(Protocol protocol) {
  switch (protocol) {
    case Protocol::udp: return "UDP";
    case Protocol::tcp: return "TCP";
    case Protocol::tls: return "TLS";
    case Protocol::ws: return "WS";
    case Protocol::wss: return "WSS";
  }
  return "UDP";
}

std::optional<Protocol> protocol_of(std::string_view transport) {
  for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::tls, Protocol::ws, Protocol::wss}) {
    if (equals_ignore_case(transport, via_token(protocol))) return protocol;
  }
  return std::nullopt;
}

uint64_t packed(RequestId id) {
  return uint64_t{id.slot} << 32 | id.generation;
}
RequestId unpacked(uint64_t cookie) {
  return {static_cast<uint32_t>(cookie >> 32), static_cast<uint32_t>(cookie)};
}

}  // namespace

RequestId Endpoint::send(Pass& pass, Outgoing request, Cookie cookie) {
  if (attempts_.size() >= config_.max_requests) {
    drops_.add(SipDrop::overload);
    events_.push_back({.kind = EndpointEventKind::failed, .cookie = cookie, .status = 503});
    return {};
  }
  Attempt attempt;
  attempt.request = std::move(request);
  attempt.cookie = cookie;
  attempt.give_up = pass.now.steady + kRequestLimits * config_.timers.limit();
  const RequestId id = attempts_.insert(std::move(attempt));
  begin(pass, id);
  drain_outcomes(pass);
  return id;
}

void Endpoint::acknowledge(Pass& pass, RequestId request, std::string_view to_tag, Outgoing ack) {
  Attempt attempt;
  attempt.request = std::move(ack);
  attempt.is_ack = true;
  attempt.give_up = pass.now.steady + config_.timers.limit();  // a peer that repeats its 2xx does so no longer
  attempt.cookie.owner = packed(request);
  attempt.cancel_reason = to_tag;  // of an ACK: the tag under which it is kept
  if (attempts_.size() >= config_.max_requests) {
    drops_.add(SipDrop::overload);
    return;
  }
  begin(pass, attempts_.insert(std::move(attempt)));
}

void Endpoint::begin(Pass& pass, RequestId id) {
  Attempt& attempt = *attempts_.find(id);
  const auto& kept = attempt.request.target.path;
  if (kept && is_up(*kept)) {
    start_on(pass, id, *kept, facts(kept->flow)->protocol);
    return;
  }
  const auto uri = parse_uri(attempt.request.target.uri);
  if (!uri || !uri->is_sip()) return finish_request(pass, id, 503);
  LocateUri wanted{std::string(uri->host), uri->port, std::nullopt, uri->is_secure()};
  if (const auto transport = uri->param("transport")) wanted.transport = protocol_of(*transport);
  attempt.search = Locate(wanted, LocateOptions{}, random_);
  advance(pass, id);
}

// Asks the next question, or goes on with the targets that were found.
void Endpoint::advance(Pass& pass, RequestId id) {
  Attempt& attempt = *attempts_.find(id);
  attempt.stage = Attempt::Stage::locating;
  const bool in_time = pass.now.steady < attempt.give_up;
  if (auto question = in_time ? attempt.search.poll_question() : std::nullopt) {
    attempt.ask = new_ask(pass, Asked{id, std::nullopt, {}}, config_.lookup_limit);
    pass.out.lookup(*attempt.ask, question->type, question->name);
    attempt.question = std::move(question);
    return;
  }
  attempt.hops = attempt.search.hops(dead_, pass.now.steady);
  attempt.next_hop = 0;
  take_hop(pass, id);
}

void Endpoint::take_hop(Pass& pass, RequestId id) {
  Attempt& attempt = *attempts_.find(id);
  if (attempt.next_hop >= attempt.hops.size() || pass.now.steady >= attempt.give_up)
    return finish_request(pass, id, attempt.refused || !attempt.client ? 503 : 408);
  const NextHop& hop = attempt.hops[attempt.next_hop];
  if (hop.protocol == Protocol::udp) {
    const auto path = datagram_path(hop.remote);
    if (!path) {
      ++attempt.next_hop;
      return take_hop(pass, id);
    }
    const bool large = !attempt.is_ack && datagram_size(attempt, *path) > kLargestDatagram;
    if (!large || attempt.tried_stream) {
      ++attempt.next_hop;
      attempt.tried_stream = false;
      return start_on(pass, id, *path, Protocol::udp);
    }
    attempt.tried_stream = true;
  } else {
    ++attempt.next_hop;
  }
  attempt.stage = Attempt::Stage::opening;
  attempt.ask = new_ask(pass, Asked{id, std::nullopt, {}}, config_.open_limit);
  pass.out.open(*attempt.ask, hop.protocol == Protocol::udp ? Protocol::tcp : hop.protocol, hop.remote, hop.tls_name);
}

// Of what would go to this path, with Via and Contact; all branches of ours are equally long.
size_t Endpoint::datagram_size(const Attempt& attempt, const Path& path) {
  if (!attempt.written.empty()) return attempt.written.size();
  const Outgoing& request = attempt.request;
  write_via(path, Protocol::udp, request.branch.empty() ? make_branch(config_.shard, random_) : request.branch,
            via_scratch_);
  const size_t size = request_size(request.draft, via_scratch_);
  if (!request.contact_user) return size;
  return size + std::string_view("Contact: \r\n").size() + contact(path, *request.contact_user).size();
}

void Endpoint::answer_attempt(Pass& pass, RequestId id, const Answer& reply) {
  Attempt* attempt = attempts_.find(id);
  if (attempt == nullptr) {
    drops_.add(SipDrop::late_answer);
    return;
  }
  attempt->ask.reset();
  if (attempt->stage == Attempt::Stage::locating && attempt->question) {
    const auto* records = std::get_if<Records>(&reply);
    attempt->search.answer(*std::exchange(attempt->question, std::nullopt), records != nullptr ? *records : Records{},
                           random_);
    return advance(pass, id);
  }
  if (attempt->stage == Attempt::Stage::running) return reopened(pass, id, reply);
  if (const auto* up = std::get_if<FlowFacts>(&reply); up != nullptr && take_up(pass, *up)) {
    if (std::exchange(attempt->tried_stream, false)) ++attempt->next_hop;  // the stream stands in for that hop
    return start_on(pass, id, up->path, up->protocol);
  }
  take_hop(pass, id);
}

const Endpoint::Flow* Endpoint::datagram_flow(const SocketAddress& remote) const {
  const Flow* any = nullptr;
  for (const FlowId id : datagrams_) {
    const Flow& flow = flows_.at(id);
    const IpAddress& local = flow.facts.path.local.ip;
    if (local.family != remote.ip.family) continue;
    if (local.is_unspecified() || local.is_loopback() == remote.ip.is_loopback()) return &flow;
    if (any == nullptr) any = &flow;
  }
  return any;
}

std::optional<Path> Endpoint::datagram_path(const SocketAddress& remote) const {
  const Flow* flow = datagram_flow(remote);
  if (flow == nullptr || is_forbidden(remote)) return std::nullopt;
  return Path{flow->facts.path.flow, remote, flow->facts.path.local};
}

void Endpoint::write_via(const Path& path, Protocol protocol, std::string_view branch, std::string& via) const {
  const Listener* listener = listener_for(protocol, path.local.ip);
  via = "SIP/2.0/";
  via += via_token(protocol);
  via += ' ';
  via += listener != nullptr ? host_port(listener->host, listener->port) : path.local.text();
  via += ";branch=";
  via += branch;
  via += ";rport";
}

void Endpoint::write_placed(const Outgoing& request, const Path& path, std::string_view via, std::string& bytes) const {
  if (!request.contact_user) return write_request(request.draft, via, bytes);
  Draft draft = request.draft;
  draft.set(Header::contact, contact(path, *request.contact_user));
  write_request(draft, via, bytes);
}

void Endpoint::start_on(Pass& pass, RequestId id, const Path& path, Protocol protocol) {
  Attempt& attempt = *attempts_.find(id);
  attempt.path = path;
  attempt.protocol = protocol;
  attempt.stage = Attempt::Stage::running;
  attempt.provisional = false;
  attempt.branch = attempt.request.branch.empty() ? make_branch(config_.shard, random_) : attempt.request.branch;
  if (attempt.written.empty()) {
    write_via(path, protocol, attempt.branch, attempt.via);
    write_placed(attempt.request, path, attempt.via, scratch_);
  } else {
    scratch_ = attempt.written;
  }
  if (attempt.is_ack) return finish_ack(pass, id);
  const bool invite = attempt.request.draft.method() == Method::invite;
  const auto started = table_.start(pass,
                                    {client_key(attempt.branch, attempt.request.draft.method_text()), path,
                                     is_reliable(protocol), invite, packed(id)},
                                    as_bytes(scratch_));
  if (!started) {
    drops_.add(SipDrop::overload);
    return finish_request(pass, id, 503);
  }
  attempt.client = *started;
}

// The ACK of a 2xx is sent and kept with its INVITE for repeats of the 2xx.
void Endpoint::finish_ack(Pass& pass, RequestId id) {
  Attempt& ack = *attempts_.find(id);
  pass.out.send(ack.path, as_bytes(scratch_));
  Attempt* invite = attempts_.find(unpacked(ack.cookie.owner));
  if (invite != nullptr) {
    std::erase_if(invite->acks, [&](const Attempt::Ack& known) { return known.to_tag == ack.cancel_reason; });
    if (invite->acks.size() < kMaxAcks) invite->acks.push_back({ack.cancel_reason, ack.path, scratch_});
  }
  attempts_.erase(id);
}

void Endpoint::finish_request(Pass& pass, RequestId id, uint16_t status) {
  Attempt* attempt = attempts_.find(id);
  if (attempt == nullptr) return;
  forget_ask(pass, *attempt);
  if (!attempt->is_unheard()) {
    events_.push_back({.kind = EndpointEventKind::failed, .request = id, .cookie = attempt->cookie, .status = status});
  } else {
    drops_.add(SipDrop::undeliverable);
  }
  attempts_.erase(id);
}

void Endpoint::forget_ask(Pass& pass, Attempt& attempt) {
  if (!attempt.ask) return;
  pass.out.forget(*attempt.ask);
  drop_ask(*std::exchange(attempt.ask, std::nullopt));
}

// ---- responses

void Endpoint::client_response(Pass& pass, ClientId client) {
  const RequestId id = unpacked(table_.cookie_of(client));
  Attempt* attempt = attempts_.find(id);
  const int status = message_.status();
  if (attempt == nullptr) {
    table_.receive_response(pass, client, status);
    return;
  }
  if (client == attempt->cancel) {
    if (table_.receive_response(pass, client, status) && status >= 200) {
      events_.push_back({.kind = EndpointEventKind::cancel_done,
                         .request = id,
                         .cookie = attempt->cookie,
                         .status = static_cast<uint16_t>(status)});
    }
    return;
  }
  const bool invite = attempt->request.draft.method() == Method::invite;
  if (invite && status / 100 == 2 && repeat_ack(pass, *attempt)) {
    table_.receive_response(pass, client, status);
    return;
  }
  std::string ack;
  if (table_.needs_ack(client, status)) {
    if (!is_up(attempt->path))
      table_.move(client, path_, is_reliable(protocol_));  // its peer has come back by this one
    ack = make_ack(*attempt);
  }
  const bool is_ours = table_.receive_response(pass, client, status, as_bytes(ack));
  if (!is_ours || client != attempt->client) return;
  if (attempt->is_unheard()) {
    if (status >= 200) attempts_.erase(id);
    return;
  }
  if (status == 503 && !attempt->cancelled && !attempt->abandoned && attempt->next_hop < attempt->hops.size()) {
    attempt->refused = true;
    return take_hop(pass, id);
  }
  events_.push_back({.kind = EndpointEventKind::response,
                     .request = id,
                     .cookie = attempt->cookie,
                     .status = static_cast<uint16_t>(status)});
  if (status < 200) {
    attempt->provisional = true;
    if (attempt->cancelled && !attempt->cancel_begun) send_cancel(pass, id);
    if (attempt->abandoned) table_.cancelled(pass, attempt->client);
    return;
  }
  attempt->final_seen = true;
  forget_ask(pass, *attempt);
  if (!invite || status >= 300) attempts_.erase(id);
}

// True: this dialog's 2xx was acknowledged before; the same ACK goes out again and nobody is told (D2).
bool Endpoint::repeat_ack(Pass& pass, const Attempt& attempt) {
  for (const Attempt::Ack& ack : attempt.acks) {
    if (ack.to_tag != message_.to_tag()) continue;
    pass.out.send(is_up(ack.path) ? ack.path : path_, as_bytes(ack.bytes));
    return true;
  }
  return false;
}

// 17.1.1.3: the top Via, Route, From, Call-ID and CSeq number of the INVITE, the To of the response.
std::string Endpoint::make_ack(const Attempt& attempt) const {
  const Draft& invite = attempt.request.draft;
  Draft ack = Draft::request(Method::ack, invite.request_uri());
  for (size_t i = 0; i < invite.line_count(); ++i) {
    const Header header = invite.line_header(i);
    const bool copied = header == Header::route || header == Header::max_forwards || header == Header::from ||
                        header == Header::call_id || header == Header::authorization ||
                        header == Header::proxy_authorization;
    if (copied) ack.add(header, invite.line_value(i));
  }
  ack.add(Header::to, message_.header(Header::to).value_or(std::string_view{}));
  std::string cseq;
  append_number(cseq, message_.cseq().number);
  ack.add(Header::cseq, cseq + " ACK");
  std::string bytes;
  write_request(ack, attempt.via, bytes);
  return bytes;
}

void Endpoint::client_outcome(Pass& pass, const Outcome& outcome) {
  const RequestId id = unpacked(outcome.cookie);
  Attempt* attempt = attempts_.find(id);
  if (attempt == nullptr || !outcome.ended) return;
  if (outcome.client == attempt->cancel) {
    if (outcome.kind == Outcome::Kind::timeout || outcome.kind == Outcome::Kind::transport_error)
      cancel_lost(id, *attempt);
    return;
  }
  if (outcome.client != attempt->client) return;
  if (attempt->final_seen) {  // an INVITE whose 2xx came: Accepted is over
    attempts_.erase(id);
    return;
  }
  const bool silent = outcome.kind == Outcome::Kind::timeout;
  if (attempt->next_hop > 0 && attempt->next_hop <= attempt->hops.size())
    dead_.mark(attempt->hops[attempt->next_hop - 1], pass.now.steady);
  const bool wanted = !attempt->cancelled && !attempt->abandoned;
  if (wanted && attempt->next_hop < attempt->hops.size()) return take_hop(pass, id);
  finish_request(pass, id, silent ? 408 : 503);
}

// ---- CANCEL

void Endpoint::cancel(Pass& pass, RequestId id, std::string_view reason) {
  Attempt* attempt = attempts_.find(id);
  if (attempt == nullptr || attempt->cancelled || attempt->final_seen) return;
  attempt->cancelled = true;
  attempt->request.reaping = true;
  attempt->cancel_reason = reason;
  if (attempt->stage != Attempt::Stage::running) return finish_request(pass, id, 487);  // no datagram was sent (C28)
  if (attempt->provisional) send_cancel(pass, id);
  drain_outcomes(pass);
}

void Endpoint::abandon(Pass& pass, RequestId id) {
  Attempt* attempt = attempts_.find(id);
  if (attempt == nullptr || attempt->final_seen) return;
  attempt->abandoned = true;
  attempt->request.reaping = true;
  if (attempt->stage != Attempt::Stage::running) return finish_request(pass, id, 487);
  if (attempt->provisional) table_.cancelled(pass, attempt->client);
  drain_outcomes(pass);
}

void Endpoint::drop(Pass& pass, RequestId id) {
  Attempt* attempt = attempts_.find(id);
  if (attempt == nullptr) return;
  forget_ask(pass, *attempt);
  table_.drop(attempt->client);
  table_.drop(attempt->cancel);
  attempts_.erase(id);
}

// 9.1: Request-URI, Call-ID, To, From, CSeq number, Route and the one Via of the INVITE, to the same destination.
void Endpoint::send_cancel(Pass& pass, RequestId id) {
  Attempt& attempt = *attempts_.find(id);
  if (!std::exchange(attempt.cancel_begun, true)) table_.cancelled(pass, attempt.client);
  attempt.cancel_waits = !is_up(attempt.path);
  if (attempt.cancel_waits) {
    if (!reopen(pass, id)) cancel_lost(id, attempt);
    return;
  }
  write_cancel(attempt, scratch_);
  const auto started = table_.start(
      pass, {client_key(attempt.branch, "CANCEL"), attempt.path, is_reliable(attempt.protocol), false, packed(id)},
      as_bytes(scratch_));
  if (started) attempt.cancel = *started;
}

// Nobody hears the CANCEL: as if it had never been answered, until its peer is reached by another way.
void Endpoint::cancel_lost(RequestId id, Attempt& attempt) {
  attempt.cancel_waits = true;
  events_.push_back({.kind = EndpointEventKind::cancel_done, .request = id, .cookie = attempt.cookie, .status = 408});
}

// The connection that the running INVITE went by is gone: a new one to the same hop, if it was ours to make. False: it
// was not; only its peer can come back, and is moved to then.
bool Endpoint::reopen(Pass& pass, RequestId id) {
  Attempt& attempt = *attempts_.find(id);
  const auto is_hop = [&](const NextHop& hop) { return hop.remote == attempt.path.remote; };
  const auto hop = std::find_if(attempt.hops.begin(), attempt.hops.end(), is_hop);
  if (hop == attempt.hops.end() || !is_reliable(attempt.protocol)) return false;
  attempt.ask = new_ask(pass, Asked{id, std::nullopt, {}}, config_.open_limit);
  pass.out.open(*attempt.ask, attempt.protocol, hop->remote, hop->tls_name);
  return true;
}

void Endpoint::reopened(Pass& pass, RequestId id, const Answer& reply) {
  if (const auto* up = std::get_if<FlowFacts>(&reply); up != nullptr && take_up(pass, *up))
    return move(pass, id, up->path);
  cancel_lost(id, *attempts_.find(id));
}

void Endpoint::move(Pass& pass, RequestId id, const Path& path) {
  Attempt* attempt = attempts_.find(id);
  const auto known = facts(path.flow);
  if (attempt == nullptr || attempt->stage != Attempt::Stage::running || !known) return;
  forget_ask(pass, *attempt);  // of a new connection
  attempt->path = path;
  attempt->protocol = known->protocol;
  const bool reliable = is_reliable(known->protocol);
  table_.move(attempt->client, path, reliable);
  table_.move(attempt->cancel, path, reliable);
  if (attempt->cancel_waits) send_cancel(pass, id);
  drain_outcomes(pass);
}

void Endpoint::write_cancel(const Attempt& attempt, std::string& bytes) const {
  const Draft& invite = attempt.request.draft;
  Draft cancel = Draft::request(Method::cancel, invite.request_uri());
  for (size_t i = 0; i < invite.line_count(); ++i) {
    const Header header = invite.line_header(i);
    const bool copied = header == Header::route || header == Header::max_forwards || header == Header::from ||
                        header == Header::to || header == Header::call_id;
    if (copied) cancel.add(header, invite.line_value(i));
    if (header == Header::cseq) {
      const std::string_view value = invite.line_value(i);
      cancel.add(Header::cseq, std::string(value.substr(0, value.find(' '))) + " CANCEL");
    }
  }
  if (!attempt.cancel_reason.empty()) cancel.add(Header::reason, attempt.cancel_reason);
  write_request(cancel, attempt.via, bytes);
}

// ---- CANCEL after the end of this program

std::optional<CallOff> Endpoint::cancel_of(RequestId id) const {
  const Attempt* attempt = attempts_.find(id);
  if (attempt == nullptr || attempt->stage != Attempt::Stage::running) return std::nullopt;
  if (!attempt->provisional || attempt->final_seen || attempt->request.draft.method() != Method::invite)
    return std::nullopt;
  const auto flow = facts(attempt->path.flow);
  const bool can_come_back =
      flow && (flow->protocol == Protocol::udp || (flow->protocol == Protocol::tcp && !flow->inbound));
  if (!can_come_back) return std::nullopt;
  CallOff out{attempt->protocol, attempt->path.remote, attempt->path.local, {}};
  write_cancel(*attempt, out.cancel);
  return out;
}

// The words of an earlier run come from a file: they are read like those of anybody else before they go out.
void Endpoint::call_off(Pass& pass, const CallOff& lost) {
  Message cancel;
  const bool good = parse(as_bytes(lost.cancel), cancel) && cancel.is_request() && cancel.method() == Method::cancel &&
                    is_magic_branch(cancel.branch());
  if (!good) return drops_.add(SipDrop::malformed);
  if (is_forbidden(lost.remote)) return drops_.add(SipDrop::forbidden_target);
  if (attempts_.size() >= config_.max_requests) return drops_.add(SipDrop::overload);
  Attempt attempt;
  attempt.request.draft = Draft::request(Method::cancel, cancel.request_uri());
  attempt.request.branch = cancel.branch();
  attempt.request.reaping = true;
  attempt.written = lost.cancel;
  attempt.give_up = pass.now.steady + config_.timers.limit();
  const Flow* socket = is_reliable(lost.protocol) ? nullptr : datagram_flow_at(lost.local);
  if (is_reliable(lost.protocol)) attempt.hops.push_back({lost.protocol, lost.remote, {}});
  const RequestId id = attempts_.insert(std::move(attempt));
  if (socket != nullptr) {
    start_on(pass, id, {socket->facts.path.flow, lost.remote, lost.local}, lost.protocol);
  } else {
    take_hop(pass, id);
  }
  drain_outcomes(pass);
}

bool has_address(const SocketAddress& bound, const SocketAddress& local) {
  if (bound.port != local.port || bound.ip.family != local.ip.family) return false;
  return bound.ip == local.ip || bound.ip.is_unspecified();
}

// The socket that is bound to just this address, or else one that has it.
const Endpoint::Flow* Endpoint::datagram_flow_at(const SocketAddress& local) const {
  const Flow* any = nullptr;
  for (const FlowId id : datagrams_) {
    const Flow& flow = flows_.at(id);
    const SocketAddress& bound = flow.facts.path.local;
    if (bound == local) return &flow;
    if (has_address(bound, local) && any == nullptr) any = &flow;
  }
  return any;
}

std::optional<Path> Endpoint::path_of(RequestId request) const {
  const Attempt* attempt = attempts_.find(request);
  if (attempt == nullptr || attempt->stage != Attempt::Stage::running) return std::nullopt;
  return attempt->path;
}

}  // namespace isthmus::sip
