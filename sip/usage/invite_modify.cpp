// SPDX-License-Identifier: MIT
// Changes of a running session: re-INVITE in both directions (RFC 3261 section 14), UPDATE without a body (RFC
// 3311 5.2), and the peer's session timer (RFC 4028, as the side that does not refresh).
#include "base/text.hpp"
#include "sip/message/headers.hpp"
#include "sip/usage/invite.hpp"

namespace isthmus::sip {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kAllow = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";
constexpr std::string_view kSdp = "application/sdp";
constexpr uint8_t kMaxModifyAttempts = 6;
constexpr uint32_t kLeastSessionExpires = 90;  // RFC 4028 5
constexpr uint32_t kLatestBye = 32;            // RFC 4028 10: min(32, SE/3) before the expiry

}  // namespace

// ---- the peer's

void InviteUsage::reinvite(UsageContext& context) {
  const Message& message = context.endpoint.message();
  const auto retry_later = [&] {
    std::string value;
    append_number(value, context.endpoint.random().below(11));
    respond_once(context, 500, {{"Retry-After", value}});
  };
  if (ending_ || state_ == State::over) return respond_once(context, 481);                      // E17
  if (state_ == State::calling || state_ == State::ringing) return retry_later();               // E21
  if (remote_offer_) return retry_later();                                                      // E5, 14.2
  if (local_offer_ && !context.timers.is_set(glare_timer_)) return respond_once(context, 491);  // E3, E4
  if (unacked_ && unacked_->carried_offer) return respond_once(context, 491);  // E11: our offer is still open
  const ServerId server = context.endpoint.admit(context.pass);
  if (!server) return;
  modify_server_ = server;
  modify_cseq_ = message.cseq().number;
  modify_has_offer_ = message.has_body();
  remote_offer_ = true;
  branch_of(message.from_tag())->dialog.refresh_target(message);
  note_expiry(context, message);
  emit(context, UserAgentEventKind::offer, 0, true);
}

void InviteUsage::answer(UsageContext& context, std::string_view body) {
  if (ending_ || !modify_server_) return;
  const ServerId server = std::exchange(modify_server_, ServerId{});
  remote_offer_ = false;
  send_2xx(context, server, modify_cseq_, body, !modify_has_offer_);
}

void InviteUsage::reject(UsageContext& context, int status, const std::vector<HeaderLine>& headers) {
  if (ending_ || !modify_server_) return;
  const ServerId server = std::exchange(modify_server_, ServerId{});
  remote_offer_ = false;
  Draft draft = context.endpoint.response(server, status);
  for (const HeaderLine& line : headers) draft.add_text(line.name, line.value);
  context.endpoint.respond(context.pass, server, draft);
  try_modify(context);
}

// S6: a target refresh, always answered 200 and at once; an offer in it is refused, so that the peer falls back to
// re-INVITE.
void InviteUsage::update(UsageContext& context) {
  const Message& message = context.endpoint.message();
  if (ending_ || state_ == State::over) return respond_once(context, 481);
  if (message.has_body()) return respond_once(context, 488);
  Branch* branch = branch_of(message.from_tag());
  branch->dialog.refresh_target(message);
  note_expiry(context, message);
  watch_expiry(context);
  std::vector<HeaderLine> headers{{"Contact", context.endpoint.contact(context.endpoint.path(), contact_user_)},
                                  {"Allow", std::string(kAllow)}};
  if (!session_expires_.empty()) {
    headers.push_back({"Require", "timer"});
    headers.push_back({"Session-Expires", session_expires_});
  }
  respond_once(context, 200, headers);
}

// ---- ours

void InviteUsage::modify(UsageContext& context, std::string body) {
  if (ending_ || state_ == State::over) return;
  queued_modify_ = std::move(body);
  modify_attempts_ = 0;
  try_modify(context);
}

// 14.1: not while an INVITE is in progress in either direction.
void InviteUsage::try_modify(UsageContext& context) {
  if (state_ != State::confirmed || ending_ || remote_offer_ || unacked_ || !chosen_) return;
  if (modify_ || context.timers.is_set(glare_timer_)) return;
  if (!local_offer_ && !queued_modify_) return;  // local_offer_ alone: again after a 491 or a challenge
  if (queued_modify_) {
    modify_body_ = *std::exchange(queued_modify_, std::nullopt);
    auth_.settled();
  }
  local_offer_ = true;
  ++modify_attempts_;
  Branch& branch = branches_[*chosen_];
  Draft draft = branch.dialog.request(Method::invite);
  branch.reinvite_lines = dialog_credentials(branch, draft);
  for (const AuthLine& line : branch.reinvite_lines) draft.add_text(credentials_header(line.proxy), line.value);
  draft.add(Header::allow, kAllow);
  draft.add(Header::user_agent, context.config.product);
  if (!modify_body_.empty()) draft.set_body(kSdp, modify_body_);
  arm(context, modify_timer_, SessionTimer::modify, context.endpoint.timers().limit());
  modify_ =
      context.endpoint.send(context.pass, outgoing(branch, std::move(draft)),
                            {uint64_t{id_.slot} << 32 | id_.generation, static_cast<uint32_t>(Purpose::modify), 0});
}

// The session ends before our re-INVITE has: no CANCEL (E18), a 2xx still gets its ACK.
void InviteUsage::abandon_modify(UsageContext& context) {
  context.timers.cancel(modify_timer_);
  if (modify_) context.endpoint.abandon(context.pass, modify_);
}

void InviteUsage::modify_response(UsageContext& context, RequestId request) {
  const Message& message = context.endpoint.message();
  const int status = message.status();
  if (message.status_class() == 1 || !chosen_) return;
  Branch* branch = &branches_[*chosen_];
  if (request != modify_) {  // a repeat of an earlier 2xx, before its ACK could be sent
    if (message.status_class() == 2)
      acknowledge(context, request, *branch, message.cseq().number, branch->reinvite_lines);
    return;
  }
  modify_ = {};
  context.timers.cancel(modify_timer_);
  if (message.status_class() == 2) {
    acknowledge(context, request, *branch, message.cseq().number, branch->reinvite_lines);
    auth_.settled();
    if (ending_) return;
    local_offer_ = false;
    branch->dialog.refresh_target(message);
    note_expiry(context, message);  // RFC 4028 10: the peer counts from here, too
    watch_expiry(context);
    emit(context, UserAgentEventKind::modified, static_cast<uint16_t>(status), true);
    try_modify(context);
    return;
  }
  if (ending_) return;
  if (status == 491 &&
      modify_attempts_ <
          kMaxModifyAttempts) {  // 14.1: 2.1-4 s for the owner of the Call-ID, 0-2 s otherwise, in steps of 10 ms
    const uint64_t steps = context.endpoint.random().below(caller_ ? 191 : 201);
    arm(context, glare_timer_, SessionTimer::glare,
        milliseconds((caller_ ? 2100 : 0) + static_cast<int64_t>(steps) * 10));
    return;
  }
  if ((status == 401 || status == 407) && retry_in_dialog(context, *branch)) {
    try_modify(context);
    return;
  }
  modify_failed(context, static_cast<uint16_t>(status));
}

// E8: 481, 408 and silence mean that the dialog is gone (12.2.1.2); everything else leaves the session as it was
// (14.1).
void InviteUsage::modify_failed(UsageContext& context, uint16_t status) {
  local_offer_ = false;
  modify_ = {};
  context.timers.cancel(modify_timer_);
  if (ending_) return;
  if (status == 481 || status == 408) {
    bye_all(context);
    end_for_peer(context, status);
    return;
  }
  emit(context, UserAgentEventKind::modified, status, false);
  try_modify(context);
}

// ---- RFC 4028

// The peer refreshes and we watch. Refreshing ourselves is not offered, so a request that names us as refresher, or
// whose sender does not know of timers (a proxy has asked for one, section 8.1), runs without a timer: section 9 would
// let us name nobody but ourselves. What a message says is noted; the timer begins with the 2xx (section 10).
void InviteUsage::note_expiry(UsageContext& context, const Message& message) {
  const auto value = message.header(Header::session_expires);
  const auto parsed =
      value ? parse_session_expires(*value) : Result<SessionExpires, Flaw>(flaw(ParseCode::missing_header, 0));
  using Refresher = SessionExpires::Refresher;
  const bool peer_refreshes =
      parsed && (message.is_request() ? parsed->refresher != Refresher::uas && message.lists(Header::supported, "timer")
                                      : parsed->refresher == Refresher::uas);
  session_expires_.clear();
  session_interval_ = {};
  if (!peer_refreshes) return;
  const auto asked_least = message.header(Header::min_se);
  const uint32_t least = asked_least ? parse_min_se(*asked_least).value_or(0) : 0;
  const auto longest = std::max(static_cast<uint32_t>(context.config.max_session_expires.count()), least);
  // What we wait for is at least the RFC's least interval; what we say is never more than the peer asked for, and not
  // less than its Min-SE (section 9).
  session_interval_ = seconds(std::clamp(parsed->seconds, kLeastSessionExpires, longest));
  if (!message.is_request()) return;
  append_number(session_expires_, std::min(parsed->seconds, longest));
  session_expires_ += ";refresher=uac";
}

void InviteUsage::watch_expiry(UsageContext& context) {
  context.timers.cancel(expiry_timer_);
  if (session_interval_.count() == 0) return;
  const auto before = std::min<seconds>(seconds(kLatestBye), session_interval_ / 3);
  arm(context, expiry_timer_, SessionTimer::expiry, session_interval_ - before);
}

}  // namespace isthmus::sip
