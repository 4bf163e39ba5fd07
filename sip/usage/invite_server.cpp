// SPDX-License-Identifier: MIT
// The INVITE usage as callee: RFC 3261 section 13.3, the repeated 2xx of 13.3.1.4, and the way of requests into the
// session.
#include "sip/usage/invite.hpp"

namespace isthmus::sip {
namespace {

constexpr std::string_view kAllow = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";
constexpr std::string_view kSdp = "application/sdp";

}  // namespace

InviteUsage::InviteUsage(UsageContext& context, SessionId id, ServerId server, const AdmitSpec& spec,
                         const Digests& digests)
    : id_(id),
      cookie_(spec.cookie),
      state_(State::ringing),
      caller_(false),
      contact_user_(spec.contact_user),
      keep_flow_(spec.keep_flow),
      auth_(digests, {}),
      server_(server) {
  const Message& message = context.endpoint.message();
  call_id_ = message.call_id();
  local_tag_ = context.endpoint.to_tag(server);
  server_cseq_ = message.cseq().number;
  offer_in_invite_ = message.has_body();
  Branch& branch = branches_.emplace_back();
  branch.dialog = Dialog::as_server(message, local_tag_);
  branch.dialog.source = context.endpoint.path();
  if (keep_flow_) branch.dialog.kept_path = context.endpoint.path();
  chosen_ = 0;
  note_agent(message);
  note_expiry(context, message);
}

void InviteUsage::ring(UsageContext& context, int status, std::string_view body) {
  if (ending_ || !server_) return;
  rang_ = true;
  Draft draft = context.endpoint.response(server_, status);
  draft.add(Header::contact, context.endpoint.contact(branches_.front().dialog.source, contact_user_));
  draft.add(Header::allow, kAllow);
  if (!body.empty()) draft.set_body(kSdp, body);
  context.endpoint.respond(context.pass, server_, draft);
}

void InviteUsage::accept(UsageContext& context, std::string_view body) {
  if (ending_ || !server_ || state_ != State::ringing) return;
  state_ = State::accepted;
  branches_.front().confirmed = true;
  const ServerId server = std::exchange(server_, ServerId{});
  send_2xx(context, server, server_cseq_, body, !offer_in_invite_);
}

void InviteUsage::send_2xx(UsageContext& context, ServerId server, uint32_t cseq, std::string_view body,
                           bool carries_offer) {
  const Dialog& peer = branches_[chosen_.value_or(0)].dialog;
  Draft draft = context.endpoint.response(server, 200);
  draft.add(Header::contact, context.endpoint.contact(peer.source, contact_user_));
  draft.add(Header::allow, kAllow);
  draft.add(Header::server, context.config.product);
  if (!session_expires_.empty()) {  // RFC 4028 9: the peer refreshes
    draft.add(Header::require, "timer");
    draft.add(Header::session_expires, session_expires_);
  }
  if (!body.empty()) draft.set_body(kSdp, body);
  watch_expiry(context);
  stop_repeating(context);
  const Duration t1 = context.endpoint.timers().t1;
  unacked_ = Unacked{server, cseq, draft, t1, carries_offer};
  arm(context, repeat_timer_, SessionTimer::repeat_2xx, t1);
  arm(context, ack_timer_, SessionTimer::ack_limit, context.endpoint.timers().limit());
  context.endpoint.respond(context.pass, server, draft);
}

// 13.3.1.4: at T1, doubling up to T2, on reliable transports too.
void InviteUsage::repeat_2xx(UsageContext& context) {
  if (!unacked_) return;
  unacked_->interval = context.endpoint.timers().doubled(unacked_->interval);
  arm(context, repeat_timer_, SessionTimer::repeat_2xx, unacked_->interval);
  context.endpoint.respond(context.pass, unacked_->server, unacked_->response);
}

void InviteUsage::stop_repeating(UsageContext& context) {
  unacked_.reset();
  context.timers.cancel(repeat_timer_);
  context.timers.cancel(ack_timer_);
}

// 13.3.1.4: no ACK in 64*T1: the dialog is there, the session is not; BYE (D1).
void InviteUsage::no_ack(UsageContext& context) {
  stop_repeating(context);
  bye_all(context);
  end_for_peer(context, 408);
}

void InviteUsage::acknowledged(UsageContext& context) {
  const Message& message = context.endpoint.message();
  if (!unacked_ || message.cseq().number != unacked_->cseq) return;  // repeated, or of a refused re-INVITE
  stop_repeating(context);
  if (ending_) {  // D9: now the BYE that waited for it
    bye_all(context);
    return;
  }
  if (state_ == State::accepted) state_ = State::confirmed;
  if (state_ == State::confirmed) {
    emit(context, UserAgentEventKind::confirmed, 0, true);
    try_modify(context);
  }
}

void InviteUsage::cancelled(UsageContext& context, ServerId server) {
  if (server == modify_server_ && modify_server_) {  // C20: the session stays as it is
    modify_server_ = {};
    remote_offer_ = false;
    context.endpoint.respond(context.pass, server, context.endpoint.response(server, 487));
    if (ending_) return;
    emit(context, UserAgentEventKind::offer_gone, 0, false);
    return try_modify(context);
  }
  if (server != server_ || !server_) return;
  server_ = {};
  state_ = State::over;
  context.endpoint.respond(context.pass, server, context.endpoint.response(server, 487));
  if (ending_ || told_) return;
  told_ = true;
  emit(context, UserAgentEventKind::cancelled, 487, false);
}

// The transaction of an INVITE of the peer is over: by itself that says nothing, unless its final response could not be
// delivered (C26).
void InviteUsage::server_gone(UsageContext& context, ServerId server, uint16_t status) {
  if (status != 503) return;
  if (unacked_ && unacked_->server == server) {
    stop_repeating(context);
    if (state_ == State::accepted) {
      bye_all(context);
      end_for_peer(context, 503);
    }
    return;
  }
  if (server != server_ || !server_) return;
  server_ = {};
  end_for_peer(context, 503);
}

// A request within the dialog whose source is believed. RFC 3261 12.2.2.
void InviteUsage::request(UsageContext& context) {
  const Message& message = context.endpoint.message();
  Branch* branch = branch_of(message.from_tag());
  if (branch == nullptr) return context.endpoint.respond_stateless(context.pass, 481);
  if (!branch->dialog.take_remote_cseq(message.cseq().number))
    return context.endpoint.respond_stateless(context.pass, 500);  // E6
  if (is_unwanted(*branch) && message.method() != Method::bye) return respond_once(context, 481);
  switch (message.method()) {
    case Method::bye: return bye_received(context);
    case Method::invite: return reinvite(context);
    case Method::update: return update(context);
    case Method::options:
      return respond_once(context, 200, {{"Allow", std::string(kAllow)}, {"Accept", std::string(kSdp)}});
    case Method::prack: return respond_once(context, 481);  // P5: no reliable response was sent
    default:
      return respond_once(context, message.method() == Method::unknown ? 501 : 405, {{"Allow", std::string(kAllow)}});
  }
}

// A final response with a transaction, so that repeats of the request find it.
void InviteUsage::respond_once(UsageContext& context, int status, const std::vector<HeaderLine>& headers) {
  const ServerId server = context.endpoint.admit(context.pass);
  if (!server) return;
  Draft draft = context.endpoint.response(server, status);
  for (const HeaderLine& line : headers) draft.add_text(line.name, line.value);
  context.endpoint.respond(context.pass, server, draft);
}

void InviteUsage::expired(UsageContext& context, SessionTimer timer) {
  switch (timer) {
    case SessionTimer::repeat_2xx: return repeat_2xx(context);
    case SessionTimer::ack_limit: return no_ack(context);
    case SessionTimer::fast_abort: return bye_all(context);
    case SessionTimer::reap_limit: return force(context);
    case SessionTimer::glare: return try_modify(context);
    case SessionTimer::modify: return context.endpoint.cancel(context.pass, modify_);
    case SessionTimer::expiry:  // RFC 4028 10, S4
      bye_all(context);
      return end_for_peer(context, 408);
  }
}

}  // namespace isthmus::sip
