// SPDX-License-Identifier: MIT
// How a session ends: RFC 3261 sections 9 and 15, the law of hanging up (R1.25 to R1.27). Whatever the network loses,
// the owner is free at once; what is owed to the peer is done behind its back and bounded.
#include "sip/usage/invite.hpp"

namespace isthmus::sip {
namespace {

constexpr int kReapLimits = 3;   // R1.26: 3 x 64*T1 + T4
constexpr int kFastAbortT1 = 8;  // R1.27: 8*T1 by default
constexpr uint8_t kMaxByes = 2;  // for one dialog: again with credentials, or when the connection broke under it

}  // namespace

InviteUsage::InviteUsage(UsageContext& context, SessionId id, RequestId invite, const Digests& digests)
    : id_(id), ending_(true), told_(true), auth_(digests, {}), orphan_(true) {
  const Message& message = context.endpoint.message();
  call_id_ = message.call_id();
  local_tag_ = message.from_tag();
  state_ = State::over;
  start_reaping(context);
  success(context, invite);
}

void InviteUsage::start_reaping(UsageContext& context) {
  const TimerConfig& timers = context.endpoint.timers();
  if (!context.timers.is_set(reap_timer_))
    arm(context, reap_timer_, SessionTimer::reap_limit, kReapLimits * timers.limit() + timers.t4);
}

// R1.26: the bound is reached, and nothing of ours goes on beyond it.
void InviteUsage::force(UsageContext& context) {
  forced_ = true;
  answer_what_waits(context, 480);
  for (const RequestId request : {invite_, modify_}) context.endpoint.drop(context.pass, request);
  for (const Branch& branch : branches_) context.endpoint.drop(context.pass, branch.bye);
}

void InviteUsage::end(UsageContext& context, const EndReason& reason) {
  if (ending_) return;
  ending_ = true;
  end_reason_ = reason.reason;
  const State was = std::exchange(state_, State::over);
  queued_modify_.reset();
  context.timers.cancel(glare_timer_);
  context.timers.cancel(expiry_timer_);
  abandon_modify(context);
  start_reaping(context);
  if (modify_server_) {  // the peer's re-INVITE is still open
    const ServerId server = std::exchange(modify_server_, ServerId{});
    context.endpoint.respond(context.pass, server, context.endpoint.response(server, 487));
  }
  switch (was) {
    case State::calling:
      if (invite_) context.endpoint.cancel(context.pass, invite_, end_reason_);  // waits for a 1xx by itself (C2)
      return;
    case State::ringing: {
      const ServerId server = std::exchange(server_, ServerId{});
      Draft draft = context.endpoint.response(server, reason.status);
      if (!reason.reason.empty()) draft.add(Header::reason, reason.reason);
      context.endpoint.respond(context.pass, server, draft);
      return;
    }
    case State::accepted:
      if (!unacked_) bye_all(context);  // otherwise 15: the callee sends no BYE before the ACK or its time-out (D9)
      return;
    case State::confirmed:
      if (!unacked_) bye_all(context);
      return;
    case State::over: return;
  }
}

// The CANCEL came to its end. 200 and no final response: after the fast-abort time the early dialogs are ended by BYE
// (C5). 481 is no error: a 200 or 487 is on its way (C8).
void InviteUsage::cancel_done(UsageContext& context, uint16_t status) {
  if (!invite_ || status == 481) return;
  cancel_answered_ = true;
  const TimerConfig& timers = context.endpoint.timers();
  Duration wait = kFastAbortT1 * timers.t1;
  if (context.config.fast_abort.count() >= 0) wait = context.config.fast_abort;
  if (spec_.fast_abort && spec_.fast_abort->count() >= 0) wait = *spec_.fast_abort;
  if (wait > Duration{}) arm(context, abort_timer_, SessionTimer::fast_abort, wait);
}

// 15: only the caller may end an early dialog by BYE. Beside a session, who forked the INVITE cancels the other
// branches (16.7); one that answers all the same gets its BYE then (13.2.2.4).
void InviteUsage::bye_all(UsageContext& context) {
  for (Branch& branch : branches_) {
    if (branch.confirmed || (caller_ && !chosen_)) bye(context, branch);
  }
}

void InviteUsage::bye(UsageContext& context, Branch& branch) {
  if (branch.bye_running || branch.bye_done) return;
  if (branch.bye_attempts == 0) auth_.settled();
  Draft draft = branch.dialog.request(Method::bye);
  for (const AuthLine& line : dialog_credentials(branch, draft))
    draft.add_text(credentials_header(line.proxy), line.value);
  draft.add(Header::user_agent, context.config.product);
  if (!end_reason_.empty()) draft.add(Header::reason, end_reason_);
  branch.bye_running = true;
  ++branch.bye_attempts;
  const auto index = static_cast<uint32_t>(&branch - branches_.data());
  Outgoing request = outgoing(branch, std::move(draft));
  request.reaping = true;
  branch.bye =
      context.endpoint.send(context.pass, std::move(request),
                            {uint64_t{id_.slot} << 32 | id_.generation, static_cast<uint32_t>(Purpose::bye), index});
}

// Any final response ends the dialog (F3); a challenge is answered once (F2).
void InviteUsage::bye_response(UsageContext& context, uint32_t index) {
  if (index >= branches_.size()) return;
  Branch& branch = branches_[index];
  const Message& message = context.endpoint.message();
  if (message.status_class() == 1) return;
  branch.bye_running = false;
  const bool challenged = message.status() == 401 || message.status() == 407;
  if (challenged && branch.bye_attempts < kMaxByes && retry_in_dialog(context, branch)) {
    bye(context, branch);
    return;
  }
  // An early dialog that answers 481 may still become a session by a late 2xx, which then gets a BYE of its own (C5).
  branch.bye_done = branch.confirmed || message.status_class() == 2;
}

// Silence ends the dialog (F3). A connection that broke may have swallowed the BYE: once more, by a new one (RFC 3263
// section 4.3).
void InviteUsage::bye_failed(UsageContext& context, uint32_t index, uint16_t status) {
  if (index >= branches_.size()) return;
  Branch& branch = branches_[index];
  branch.bye_running = false;
  if (status == 503 && branch.confirmed && branch.bye_attempts < kMaxByes) return bye(context, branch);
  branch.bye_done = true;
}

void InviteUsage::bye_received(UsageContext& context) {
  respond_once(context, 200);
  Branch* branch = branch_of(context.endpoint.message().from_tag());
  if (branch != nullptr && !branch->bye_running) branch->bye_done = true;
  if (branch != nullptr && is_unwanted(*branch)) return;  // the session is another dialog
  stop_repeating(context);                                // D6
  answer_what_waits(context, 487);                        // C22: 15.1.2, the pending INVITE; E18
  if (caller_ && invite_) return;  // a BYE on an early dialog of ours: that dialog is gone, the INVITE goes on
  end_for_peer(context, 0);
}

// INVITEs of the peer that have no final response yet.
void InviteUsage::answer_what_waits(UsageContext& context, int status) {
  for (ServerId* waiting : {&server_, &modify_server_}) {
    if (!*waiting) continue;
    const ServerId server = std::exchange(*waiting, ServerId{});
    context.endpoint.respond(context.pass, server,
                             context.endpoint.response(server, waiting == &server_ ? status : 487));
  }
}

void InviteUsage::end_for_peer(UsageContext& context, uint16_t status) {
  answer_what_waits(context, 480);
  state_ = State::over;
  context.timers.cancel(glare_timer_);
  context.timers.cancel(expiry_timer_);
  abandon_modify(context);
  queued_modify_.reset();
  if (ending_ || told_) return;
  told_ = true;
  ending_ = true;
  start_reaping(context);
  emit(context, UserAgentEventKind::ended, status, false);
}

// D10: a 2xx to an INVITE whose transaction is gone, while this reaping entry lives: ACK and BYE.
void InviteUsage::stray_2xx(UsageContext& context) {
  if (ending_) success(context, {});
}

}  // namespace isthmus::sip
