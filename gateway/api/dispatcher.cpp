// SPDX-License-Identifier: MIT
#include "gateway/api/dispatcher.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/api/webhook_reply.hpp"
#include "gateway/api/wire.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kEventOctets = 12;

}  // namespace

std::string_view describe(WebhookOutcome outcome) {
  switch (outcome) {
    case WebhookOutcome::acknowledged: return "acknowledged";
    case WebhookOutcome::repeated: return "repeated";
    case WebhookOutcome::answered: return "answered";
    case WebhookOutcome::left_open: return "left_open";
    case WebhookOutcome::failed_question: return "failed_question";
    case WebhookOutcome::kCount: break;
  }
  return "unknown";
}

std::string_view describe(WebhookLoss loss) {
  return loss == WebhookLoss::given_up ? "given_up" : "no_room";
}

std::string webhook_signature(const std::vector<Private<std::string>>& secrets, WallTime now, std::string_view body) {
  std::string time;
  append_number(time, static_cast<uint64_t>(std::max<int64_t>(0, unix_seconds(now))));
  std::string out = "t=" + time;
  for (const Private<std::string>& secret : secrets) {
    out += ",v1=";
    out += to_hex(crypto::hmac_sha256(as_bytes(secret.reveal()), {as_bytes(time), as_bytes("."), as_bytes(body)}));
  }
  return out;
}

Histogram Dispatcher::make_times() {
  using std::chrono::milliseconds;
  return Histogram({milliseconds(5), milliseconds(10), milliseconds(25), milliseconds(50), milliseconds(100),
                    milliseconds(250), milliseconds(500), milliseconds(1000), milliseconds(2500), milliseconds(5000),
                    milliseconds(10000)});
}

Dispatcher::Dispatcher(DispatcherConfig config, const Seed& seed)
    : config_(std::move(config)), random_(Random(seed).fork("webhooks")) {}

void Dispatcher::ask(Now now, const AskPolicy& question) {
  Event event;
  event.ask = question.ask;
  event.kind = question.kind;
  event.call = question.call.id;
  const bool incoming = question.kind == PolicyKind::incoming;
  Json data = Json::object({{"call", call_for_server(question.call)}});
  put(now, "call " + question.call.id, incoming ? "call.incoming" : "call.admission", std::move(data),
      std::move(event));
}

void Dispatcher::tell(Now now, const CallFacts& call) {
  put(now, "call " + call.id, "call.state", Json::object({{"call", call_for_server(call)}}), {});
}

void Dispatcher::tell(Now now, const ClientNews& client) {
  Json::Array identities(client.identities.begin(), client.identities.end());
  Json facts =
      Json::object({{"id", client.client}, {"session", client.session}, {"identities", std::move(identities)}});
  put(now, "client " + client.client, client.connected ? "client.connected" : "client.disconnected",
      Json::object({{"client", std::move(facts)}}), {});
}

void Dispatcher::put(Now now, const std::string& name, std::string_view type, Json data, Event event) {
  if (!is_on()) return;
  std::array<std::byte, kEventOctets> octets{};
  random_.fill(octets);
  event.body = Json::object({{"id", "e_" + to_base64url(octets)},
                             {"type", type},
                             {"time", timestamp(now.wall)},
                             {"data", std::move(data)}})
                   .write();
  const auto found = subjects_.find(name);
  const size_t behind = found == subjects_.end() ? 0 : found->second.queue.size();
  size_t& waiting = waiting_[event.ask ? 1 : 0];
  if (behind > config_.waiting_per_subject || waiting >= config_.waiting_in_all) {
    lost_.add(WebhookLoss::no_room);
    if (event.ask) outputs_.push_back(Verdict{*event.ask, policy_from(WebhookFault::overload), event.call});
    return;
  }
  Subject& subject = subjects_[name];
  subject.queue.push_back(std::move(event));
  ++waiting;
  if (subject.queue.size() == 1) send_front(now, name, subject);
}

// Signed at the time of sending: a repetition is not stale (R0.24).
void Dispatcher::send_front(Now now, const std::string& name, Subject& subject) {
  Event& event = subject.queue.front();
  if (event.tries++ == 0) event.first = now.steady;
  event.sent = now.steady;
  subject.ticket = ++last_ticket_;
  tickets_[subject.ticket] = name;
  WebhookPost post;
  post.url = config_.url;
  post.headers.emplace_back("Isthmus-Signature", webhook_signature(config_.secrets, now.wall, event.body));
  post.body = event.body;
  post.is_question = event.ask.has_value();
  post.total_limit = config_.reply_limit;
  outputs_.push_back(Post{subject.ticket, std::move(post)});
}

// True when the event needs no repetition; otherwise `pause` says how long to wait.
bool Dispatcher::is_done(Now now, Event& event, const Result<WebhookReply, WebhookFault>& result, Duration& pause) {
  if (event.ask) {
    const Policy policy = result ? policy_from(event.kind, *result) : policy_from(result.error());
    const bool by_word = policy.verdict == Policy::allow || policy.reason == DropReason::refused;
    outcomes_.add(policy.verdict == Policy::later ? WebhookOutcome::left_open
                  : by_word                       ? WebhookOutcome::answered
                                                  : WebhookOutcome::failed_question);
    outputs_.push_back(Verdict{*event.ask, policy, event.call, now.steady - event.first});
    return true;
  }
  if (result && result->status >= 200 && result->status <= 299) {
    outcomes_.add(WebhookOutcome::acknowledged);
    return true;
  }
  pause = kRetryPauses[std::min(event.tries, kRetryPauses.size()) - 1];
  if (now.steady + pause >= event.first + config_.give_up) {
    lost_.add(WebhookLoss::given_up);
    return true;
  }
  outcomes_.add(WebhookOutcome::repeated);
  return false;
}

void Dispatcher::finished(Now now, uint64_t ticket, const Result<WebhookReply, WebhookFault>& result) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return;
  const std::string name = found->second;
  tickets_.erase(found);
  Subject& subject = subjects_.find(name)->second;
  subject.ticket = 0;
  const Event& event = subject.queue.front();
  times_[event.ask ? 1 : 0].observe(now.steady - event.sent);
  failing_ = !result || result->status < 200 || result->status > 299;
  Duration pause{};
  if (!is_done(now, subject.queue.front(), result, pause)) {
    timers_.set(now.steady + pause, name);
    return;
  }
  --waiting_[subject.queue.front().ask ? 1 : 0];
  subject.queue.pop_front();
  next(now, name);
}

void Dispatcher::next(Now now, const std::string& name) {
  const auto found = subjects_.find(name);
  if (!found->second.queue.empty()) return send_front(now, name, found->second);
  subjects_.erase(found);
}

void Dispatcher::expire(Now now) {
  while (const auto due = timers_.take_due(now.steady)) {
    const auto found = subjects_.find(*due);
    if (found == subjects_.end() || found->second.ticket != 0) continue;
    send_front(now, found->first, found->second);
  }
}

std::optional<Dispatcher::Output> Dispatcher::poll() {
  if (outputs_.empty()) return std::nullopt;
  Output out = std::move(outputs_.front());
  outputs_.pop_front();
  return out;
}

}  // namespace isthmus::gateway
