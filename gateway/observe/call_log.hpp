// SPDX-License-Identifier: MIT
// Lines about calls, each with the id of its call: one for each that ended, which says who called whom, how it was
// routed, how it ended and what was heard.
#pragma once

#include <chrono>

#include "gateway/call/ask.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {

LogLine call_ended(const CallFacts& call);
LogLine call_refused(const CallRefused& refused);
// At `debug`, on the way of a call.
LogLine call_changed(const CallFacts& call);
LogLine leg_ended(const LegEnded& leg);
LogLine web_server_said(std::string_view call, const Policy& policy, Duration took);
LogLine request_refused(const RequestRefused& refused);
// `untold`: how many like it were passed over before.
LogLine credentials_refused(const CredentialsRefused& refused, uint64_t untold);
LogLine media_silent(const CallFacts& call, bool is_caller, std::chrono::seconds silence);

}  // namespace isthmus::gateway
