// SPDX-License-Identifier: MIT
// Exchange: the tables that an operator may read (R4.7, R4.8): values of this moment, made when they are asked for.
#include <algorithm>

#include "gateway/call/exchange.hpp"

namespace isthmus::gateway {
namespace {

// User and host of a URI or a name-addr; empty where there is none.
void split(std::string_view text, std::string& user, std::string& host) {
  const auto address = sip::parse_name_addr(text);
  const auto uri = sip::parse_uri(address ? address->uri : text);
  if (!uri) return;
  user = sip::unescape(uri->user);
  host = uri->host;
}

}  // namespace

std::vector<RegistrationFacts> Exchange::registrations(Now now) const {
  std::vector<RegistrationFacts> out;
  for (const auto& [account, bindings] : registrar_.all_bindings()) {
    for (const Binding& binding : bindings) {
      if (binding.expires <= now.steady) continue;
      RegistrationFacts& facts = out.emplace_back();
      const Duration left = binding.expires - now.steady;
      facts.user = account;
      facts.host = settings_.domain;
      facts.contact = binding.contact;
      facts.status = binding_status(binding);
      facts.expires = now.wall + left;
      facts.expires_in = static_cast<uint32_t>(std::chrono::ceil<std::chrono::seconds>(left).count());
      facts.user_agent = binding.user_agent;
      facts.call_id = binding.call_id;
      facts.source = binding.path.remote;
      facts.transport = binding.protocol;
    }
  }
  return out;
}

std::vector<DialogFacts> Exchange::dialogs() const {
  std::vector<std::pair<uint64_t, const Call*>> found;
  calls_.for_each([&](CallId, const Call& call) { found.emplace_back(call.number, &call); });
  std::sort(found.begin(), found.end());
  std::vector<DialogFacts> out;
  for (const auto& [number, call] : found) {
    for (const Side* side : {&call->a, &call->b}) {
      const auto session = side->kind == Side::Kind::sip ? user_agent_.facts(side->session) : std::nullopt;
      if (!session) continue;
      DialogFacts& facts = out.emplace_back();
      facts.call = call->facts.id;
      facts.uuid = call->facts.id + (side == &call->a ? "-a" : "-b");
      facts.call_id = session->call_id;
      facts.inbound = !session->caller;
      facts.state = sip::word(session->state);
      split(session->from, facts.from_user, facts.from_host);
      split(session->to, facts.to_user, facts.to_host);
      split(session->remote_target, facts.contact_user, facts.contact_host);
      facts.user_agent = session->user_agent;
    }
  }
  return out;
}

}  // namespace isthmus::gateway
