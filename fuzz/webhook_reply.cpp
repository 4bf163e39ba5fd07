// SPDX-License-Identifier: MIT
// Door of the web server's answers: any status and body. Whatever comes, a call goes on only with parts that fit.
#include "gateway/api/webhook_reply.hpp"

#include <cstdint>
#include <cstdlib>

#include "gateway/api/wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isthmus::gateway;
  const bool good = size == 0 || data[0] != '!';  // a first `!`: not a status of success
  const WebhookReply reply{good ? 200 : 500, std::string(reinterpret_cast<const char*>(data), size)};
  for (const PolicyKind kind : {PolicyKind::outgoing, PolicyKind::incoming}) {
    const Policy policy = policy_from(kind, reply);
    const bool fits = (policy.from.empty() || is_user(policy.from)) && policy.text.size() <= kMaxPolicyText &&
                      policy.target.size() <= kMaxPolicyTarget;
    if (!fits || (policy.verdict == Policy::allow && !good)) std::abort();
  }
  return 0;
}
