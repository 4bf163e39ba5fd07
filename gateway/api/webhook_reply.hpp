// SPDX-License-Identifier: MIT
// What the web server's answer to a question means (docs/api.md section 3.1). Pure functions; anything that is not
// clearly a yes is a no, with the reason that fits (R0.7).
#pragma once

#include "gateway/api/webhook.hpp"
#include "gateway/call/ask.hpp"

namespace isthmus::gateway {

inline constexpr size_t kMaxPolicyText = 256;
inline constexpr size_t kMaxPolicyTarget = 512;

Policy policy_from(PolicyKind kind, const WebhookReply& reply);
Policy policy_from(WebhookFault fault);

}  // namespace isthmus::gateway
