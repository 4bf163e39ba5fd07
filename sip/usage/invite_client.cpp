// SPDX-License-Identifier: MIT
// The INVITE usage as caller: RFC 3261 section 13.2, credentials of section 22.2, and what is common to both roles.
#include "base/text.hpp"
#include "sip/message/shard_key.hpp"
#include "sip/usage/invite.hpp"

namespace isthmus::sip {
namespace {

constexpr std::string_view kAllow = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";
constexpr size_t kMaxBranches = 16;  // dialogs of one INVITE
constexpr std::string_view kSdp = "application/sdp";
constexpr size_t kMaxAgent = 128;  // of a peer's User-Agent, for people

std::string_view host_of(std::string_view uri_text) {
  const auto uri = parse_uri(uri_text);
  return uri ? uri->host : std::string_view{};
}

std::vector<AuthLine> challenges_of(const Message& response) {
  std::vector<AuthLine> out;
  for (const auto value : response.values(Header::www_authenticate)) out.push_back({false, std::string(value)});
  for (const auto value : response.values(Header::proxy_authenticate)) out.push_back({true, std::string(value)});
  return out;
}

}  // namespace

InviteUsage::InviteUsage(UsageContext& context, SessionId id, InviteSpec spec, uint64_t cookie, const Digests& digests)
    : id_(id),
      cookie_(cookie),
      contact_user_(spec.contact_user),
      keep_flow_(spec.keep_flow),
      spec_(std::move(spec)),
      auth_(digests, spec_.credentials) {
  call_id_ = make_call_id(id.shard(), context.endpoint.random());
  local_tag_ = make_tag(id.shard(), context.endpoint.random());
  invite_cseq_ = 1 + static_cast<uint32_t>(context.endpoint.random().below(1U << 16));
  send_invite(context);
}

void InviteUsage::send_invite(UsageContext& context) {
  Draft draft = Draft::request(Method::invite, spec_.request_uri);
  draft.add_number(Header::max_forwards, spec_.max_forwards);
  draft.add(Header::from, spec_.from + ";tag=" + local_tag_);
  draft.add(Header::to, spec_.to);
  draft.add(Header::call_id, call_id_);
  std::string cseq;
  append_number(cseq, invite_cseq_);
  draft.add(Header::cseq, cseq + " INVITE");
  invite_lines_ = auth_.lines(auth_host(), "INVITE", spec_.request_uri);
  for (const AuthLine& line : invite_lines_) draft.add_text(credentials_header(line.proxy), line.value);
  draft.add(Header::allow, kAllow);
  draft.add(Header::user_agent, context.config.product);
  for (const HeaderLine& line : spec_.headers) draft.add_text(line.name, line.value);
  if (!spec_.body.empty()) draft.set_body(kSdp, spec_.body);
  invite_ =
      context.endpoint.send(context.pass, {std::move(draft), spec_.target, contact_user_, {}, false},
                            {uint64_t{id_.slot} << 32 | id_.generation, static_cast<uint32_t>(Purpose::invite), 0});
}

void InviteUsage::response(UsageContext& context, Purpose purpose, uint32_t detail, RequestId request) {
  if (purpose == Purpose::bye) return bye_response(context, detail);
  if (purpose == Purpose::modify) return modify_response(context, request);
  invite_peer_ = context.endpoint.path().remote.ip;
  note_agent(context.endpoint.message());
  switch (context.endpoint.message().status_class()) {
    case 1: return provisional(context);
    case 2: return success(context, request);
    default: return refusal(context);
  }
}

InviteUsage::Branch* InviteUsage::branch_of(std::string_view remote_tag) {
  for (Branch& branch : branches_) {
    if (branch.dialog.remote_tag == remote_tag) return &branch;
  }
  return nullptr;
}

// A dialog of the set beside the one that became the session (D4): it is being ended.
bool InviteUsage::is_unwanted(const Branch& branch) const {
  return chosen_ && &branch != &branches_[*chosen_];
}

InviteUsage::Branch& InviteUsage::branch_of_response(UsageContext& context) {
  const Message& message = context.endpoint.message();
  Branch* known = branch_of(message.to_tag());
  if (known == nullptr) {
    known = &branches_.emplace_back();
    known->dialog = Dialog::as_client(message);
    known->dialog.source = context.endpoint.path();
    if (keep_flow_) known->dialog.kept_path = context.endpoint.path();
    if (known->dialog.remote_target.empty()) known->dialog.remote_target = spec_.request_uri;  // a Contact is missing
  }
  return *known;
}

// 12.1: a 101-199 with a To tag makes an early dialog. After CANCEL it is remembered for the fast abort, nothing is
// told (C15).
void InviteUsage::provisional(UsageContext& context) {
  const Message& message = context.endpoint.message();
  if (message.status() == 100) {
    if (state_ == State::calling && !ending_) emit(context, UserAgentEventKind::trying, 100, false);
    return;
  }
  rang_ = true;
  if (!message.to_tag().empty() && (branches_.size() < kMaxBranches || branch_of(message.to_tag()) != nullptr)) {
    branch_of_response(context).dialog.refresh_target(message);
  }
  if (state_ == State::calling && !ending_) {
    emit(context, UserAgentEventKind::ringing, static_cast<uint16_t>(message.status()), true);
  }
}

// 13.2.2.4: every 2xx gets its ACK at once; the first one makes the session, unless nobody wants it any more. The
// endpoint repeats the ACK for repeats of a 2xx (D2).
void InviteUsage::success(UsageContext& context, RequestId request) {
  const Message& message = context.endpoint.message();
  const Branch* known = branch_of(message.to_tag());
  if (known == nullptr && branches_.size() >= kMaxBranches) return context.endpoint.count(SipDrop::overload);
  Branch& branch = branch_of_response(context);
  if (branch.confirmed) {  // a repeat that came before its ACK could be sent
    return acknowledge(context, request, branch, message.cseq().number, invite_lines_);
  }
  // RFC 3261 13.2.2.4: the route set is computed anew from the 2xx.
  const uint32_t cseq = branch.dialog.local_cseq;
  const Dialog fresh = Dialog::as_client(message);
  branch.dialog.route_set = fresh.route_set;
  if (!fresh.remote_target.empty()) branch.dialog.remote_target = fresh.remote_target;
  branch.dialog.local_cseq = std::max(cseq, fresh.local_cseq);
  branch.confirmed = true;
  branch.dialog.source = context.endpoint.path();
  invite_ = {};
  auth_.settled();
  acknowledge(context, request, branch, message.cseq().number, invite_lines_);
  if (ending_ || state_ != State::calling) {
    bye(context, branch);  // C4, C5, C8, D4, D8: a session that nobody wants
    return;
  }
  chosen_ = static_cast<size_t>(&branch - branches_.data());
  state_ = State::confirmed;
  note_expiry(context, message);
  watch_expiry(context);
  emit(context, UserAgentEventKind::answered, static_cast<uint16_t>(message.status()), true);
}

// 22.1: an ACK cannot be challenged; it repeats the credentials of its INVITE as they were.
void InviteUsage::acknowledge(UsageContext& context, RequestId request, Branch& branch, uint32_t cseq,
                              const std::vector<AuthLine>& credentials) {
  Draft ack = branch.dialog.acknowledge(cseq);
  for (const AuthLine& line : credentials) ack.add_text(credentials_header(line.proxy), line.value);
  context.endpoint.acknowledge(context.pass, request, branch.dialog.remote_tag, outgoing(branch, std::move(ack)));
}

void InviteUsage::refusal(UsageContext& context) {
  const Message& message = context.endpoint.message();
  const int status = message.status();
  invite_ = {};
  branches_.clear();
  if (ending_) return;  // C1, C12, C16: the transaction has sent the ACK
  if ((status == 401 || status == 407) && retry_with_credentials(context)) {
    ++invite_cseq_;
    send_invite(context);
    return;
  }
  state_ = State::over;
  told_ = true;
  emit(context, UserAgentEventKind::failed, static_cast<uint16_t>(status), true);
}

// Credentials are bound to the host that the session was begun with, whatever Contact that host has given.
std::string_view InviteUsage::auth_host() const {
  return host_of(spec_.request_uri);
}

bool InviteUsage::retry_with_credentials(UsageContext& context) {
  const auto challenges = challenges_of(context.endpoint.message());
  return auth_.challenged(auth_host(), challenges, context.endpoint.random()) == AuthAnswer::retry;
}

// Do requests of this dialog go to that host? Known by its name, or as the address that answered the INVITE.
bool InviteUsage::is_own_hop(const Branch& branch) const {
  const std::string next = branch.dialog.next_hop();
  const std::string_view host = host_of(next);
  return branch.proved_hop || is_same_host(host, auth_host()) || IpAddress::parse(host) == invite_peer_;
}

std::vector<AuthLine> InviteUsage::dialog_credentials(const Branch& branch, const Draft& draft) {
  if (!is_own_hop(branch)) return {};
  return auth_.lines(auth_host(), draft.method_text(), draft.request_uri());
}

// A challenge within the dialog is answered only to the host that the INVITE went to (CVE-2021-41158).
bool InviteUsage::retry_in_dialog(UsageContext& context, Branch& branch) {
  if (!caller_ || context.endpoint.path().remote.ip != invite_peer_) return false;
  branch.proved_hop = true;
  return retry_with_credentials(context);
}

void InviteUsage::failed(UsageContext& context, Purpose purpose, uint32_t detail, uint16_t status) {
  if (purpose == Purpose::bye) {
    return bye_failed(context, detail, status);
  }
  if (purpose == Purpose::modify) return modify_failed(context, status);
  invite_ = {};
  if (ending_) {
    // C6, C7: no final response in 64*T1 after the CANCEL. What early dialogs exist are ended by BYE (R1.27).
    if (cancel_answered_ || status == 408) bye_all(context);
    return;
  }
  state_ = State::over;
  told_ = true;
  branches_.clear();
  emit(context, UserAgentEventKind::failed, status, false);
}

Outgoing InviteUsage::outgoing(Branch& branch, Draft draft) const {
  // A flow that is kept and down is not replaced by a guess (R1.33): the peer registers again, and its calls move with
  // it.
  Target target{branch.dialog.kept_path, branch.dialog.kept_path ? std::string{} : branch.dialog.next_hop()};
  const bool wants_contact = draft.method() == Method::invite;
  return {std::move(draft), std::move(target), wants_contact ? std::optional(contact_user_) : std::nullopt, {}, false};
}

const Dialog* InviteUsage::dialog() const {
  if (chosen_) return &branches_[*chosen_].dialog;
  return branches_.empty() ? nullptr : &branches_.front().dialog;
}

LegState InviteUsage::leg_state() const {
  if (ending_) return LegState::terminating;
  switch (state_) {
    case State::calling: return rang_ ? LegState::proceeding : LegState::calling;
    case State::ringing: return rang_ ? LegState::early : LegState::received;
    case State::accepted: return LegState::completed;
    case State::confirmed: return LegState::ready;
    case State::over: break;
  }
  return LegState::terminating;
}

void InviteUsage::note_agent(const Message& message) {
  const auto said = message.header(message.is_request() ? Header::user_agent : Header::server);
  const auto agent = said ? said : message.header(Header::user_agent);
  if (agent) peer_agent_ = agent->substr(0, kMaxAgent);
}

void InviteUsage::emit(UsageContext& context, UserAgentEventKind kind, uint16_t status, bool has_message) {
  context.events.push_back({.kind = kind,
                            .session = id_,
                            .cookie = cookie_,
                            .status = status,
                            .has_message = has_message,
                            .registration = {}});
}

void InviteUsage::arm(UsageContext& context, TimerId& timer, SessionTimer what, Duration in) {
  context.timers.cancel(timer);
  timer = context.timers.set(context.pass.now.steady + in, SessionAlarm{id_, what});
}

void InviteUsage::clear_timers(UsageContext& context) {
  for (TimerId* timer :
       {&repeat_timer_, &ack_timer_, &abort_timer_, &reap_timer_, &glare_timer_, &modify_timer_, &expiry_timer_})
    context.timers.cancel(*timer);
}

bool InviteUsage::is_done() const {
  if (forced_) return true;
  if (state_ != State::over || invite_ || modify_ || server_ || unacked_) return false;
  for (const Branch& branch : branches_) {
    if (branch.bye_running) return false;
  }
  return true;
}

void InviteUsage::move_flow(UsageContext& context, const Path& path) {
  for (Branch& branch : branches_) {
    if (branch.dialog.kept_path) branch.dialog.kept_path = path;
    branch.dialog.source = path;
  }
  for (const ServerId server : {server_, modify_server_, unacked_ ? unacked_->server : ServerId{}}) {
    if (server) context.endpoint.move(context.pass, server, path);
  }
  for (const RequestId request : {invite_, modify_}) context.endpoint.move(context.pass, request, path);
  for (const Branch& branch : branches_) context.endpoint.move(context.pass, branch.bye, path);
}

bool InviteUsage::is_dialog_of(const Message& message) const {
  if (message.call_id() != call_id_) return false;
  for (const Branch& branch : branches_) {
    if (branch.dialog.remote_tag == message.from_tag()) return true;
  }
  return false;
}

bool InviteUsage::is_known_source(const Endpoint& endpoint) const {
  const Path& path = endpoint.path();
  for (const Branch& branch : branches_) {
    if (branch.dialog.remote_tag != endpoint.message().from_tag()) continue;
    const Path& source = branch.dialog.source;
    return source.flow == path.flow && (is_reliable(endpoint.protocol()) || source.remote == path.remote);
  }
  return false;
}

void InviteUsage::believe_source(const Endpoint& endpoint) {
  Branch* branch = branch_of(endpoint.message().from_tag());
  if (branch == nullptr) return;
  branch->dialog.source = endpoint.path();
  if (branch->dialog.kept_path) branch->dialog.kept_path = endpoint.path();
}

}  // namespace isthmus::sip
