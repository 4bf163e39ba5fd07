// SPDX-License-Identifier: MIT
#include "gateway/api/webhook_reply.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/api/json.hpp"
#include "gateway/api/wire.hpp"

namespace isthmus::gateway {
namespace {

Policy refused(DropReason reason, std::string text) {
  Policy out;
  out.reason = reason;
  out.text = std::move(text);
  return out;
}
Policy malformed() {
  return refused(DropReason::web_server_malformed, "the web server's answer could not be understood");
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// An optional text member; false when it is there and no text of that length.
bool take_text(const Json& body, std::string_view name, size_t most, std::string& out) {
  const Json* value = body.find(name);
  if (value == nullptr || value->is_null()) return true;
  if (value->text() == nullptr || value->text()->size() > most) return false;
  out = *value->text();
  return true;
}

Policy admission_from(const Json& body) {
  const Json* allowed = body.find("allowed");
  if (allowed == nullptr || allowed->boolean() == nullptr) return malformed();
  Policy out;
  if (!*allowed->boolean()) {
    if (!take_text(body, "reason", kMaxPolicyText, out.text)) return malformed();
    return out;
  }
  if (!take_text(body, "from", 64, out.from) || (!out.from.empty() && !is_user(out.from))) return malformed();
  if (!take_text(body, "target", kMaxPolicyTarget, out.target)) return malformed();
  out.verdict = Policy::allow;
  return out;
}

Policy incoming_from(const Json& body) {
  const Json* action = body.find("action");
  const std::string_view word = action == nullptr || action->text() == nullptr ? std::string_view{} : *action->text();
  Policy out;
  if (word == "drop") return out;
  if (word != "route" && word != "switch") return malformed();
  if (word == "switch" && (!take_text(body, "client", 64, out.target) || !is_id(out.target))) return malformed();
  out.verdict = Policy::allow;
  return out;
}

}  // namespace

Policy policy_from(PolicyKind kind, const WebhookReply& reply) {
  if (reply.status < 200 || reply.status > 299) {
    std::string text = "the web server answered ";
    append_number(text, static_cast<uint64_t>(std::max(reply.status, 0)));
    return refused(DropReason::web_server_error, std::move(text));
  }
  if (is_blank(reply.body)) {
    Policy out;
    out.verdict = Policy::later;
    return out;
  }
  const auto body = parse_json(reply.body);
  if (!body || !body->is_object()) return malformed();
  return kind == PolicyKind::incoming ? incoming_from(*body) : admission_from(*body);
}

Policy policy_from(WebhookFault fault) {
  switch (fault) {
    case WebhookFault::timed_out:
      return refused(DropReason::web_server_timeout, "the web server did not answer in time");
    case WebhookFault::malformed:
    case WebhookFault::too_large: return malformed();
    default: return refused(DropReason::web_server_unreachable, "the web server could not be reached");
  }
}

}  // namespace isthmus::gateway
