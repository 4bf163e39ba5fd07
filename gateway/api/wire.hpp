// SPDX-License-Identifier: MIT
// Calls, registrations and dialogs as they stand in messages to clients, in webhooks and in the HTTP API (docs/api.md
// sections 2.3, 3 and 4).
#pragma once

#include <string>

#include "gateway/api/json.hpp"
#include "gateway/call/facts.hpp"
#include "gateway/call/settings.hpp"
#include "gateway/observe/call_watch.hpp"

namespace isthmus::gateway {

std::string timestamp(WallTime time);  // RFC 3339 in UTC with milliseconds

// `params` of on_call_state_changed, or of on_incoming_call when `offer` is true.
Json call_for_client(const CallFacts& call, bool offer);
// `data.call` of a webhook.
Json call_for_server(const CallFacts& call);
// An entry of the call list.
Json call_for_list(const CallFacts& call);

// An entry of the list of failures.
Json failure_for_list(const Failure& failure);
// An entry of the list of trunks: what the configuration says, its calls now, and what is known since the start.
struct TrunkRow {
  TrunkSettings settings;
  TrunkFacts facts;
  size_t outgoing = 0;  // calls alive
  size_t incoming = 0;
};
Json trunk_for_list(const TrunkRow& trunk);
// An entry of the registration table and of the dialog table (R4.7, R4.8).
Json registration_for_list(const RegistrationFacts& registration);
Json dialog_for_list(const DialogFacts& dialog);

// A user, as `from` and `to` may be written: 1 to 64 of a fixed set of characters.
bool is_user(std::string_view text);
// An id of a call or client: 1 to 64 of A-Z a-z 0-9 - _
bool is_id(std::string_view text);

}  // namespace isthmus::gateway
