// SPDX-License-Identifier: MIT
// The trace in the HTTP API (docs/api.md section 4): begin, end, read by sequence number, and as a pcapng file.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/api/http_message.hpp"
#include "gateway/observe/trace.hpp"

namespace isthmus::gateway {

struct TraceControl {
  Trace& trace;
  // The SIP Call-IDs of the call with this id; a call that is over has none.
  std::function<std::vector<std::string>(std::string_view call)> call_ids;
  std::function<void(bool on)> tap;  // lets the messages come by, or no longer
};

// For /api/v1/trace and /api/v1/trace.pcapng.
HttpResponse trace_response(const TraceControl& control, const HttpRequest& request);

}  // namespace isthmus::gateway
