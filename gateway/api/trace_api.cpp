// SPDX-License-Identifier: MIT
#include "gateway/api/trace_api.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/api/json.hpp"
#include "gateway/api/wire.hpp"
#include "gateway/call/facts.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kPageBytes = 256 << 10;  // of messages in one response; one longer message comes alone
constexpr size_t kPageEntries = 200;
constexpr size_t kMaxWanted = 256;

HttpResponse not_allowed(std::string allow) {
  HttpResponse out = HttpResponse::error(405, "method_not_allowed", "This method is not for this resource.");
  out.headers.emplace_back("Allow", std::move(allow));
  return out;
}

Json status_of(const Trace& trace) {
  return Json::object({{"on", trace.is_on()},
                       {"wanted", trace.wanted().empty() ? Json() : Json(trace.wanted())},
                       {"kept", trace.entries().size()},
                       {"bytes", trace.bytes()},
                       {"pushed_out", size_t{trace.pushed_out()}}});
}

Json entry_json(const TraceEntry& entry) {
  return Json::object({{"seq", size_t{entry.sequence}},
                       {"at", timestamp(entry.at)},
                       {"direction", entry.sent ? "sent" : "received"},
                       {"protocol", word(entry.protocol)},
                       {"from", entry.from.text()},
                       {"to", entry.to.text()},
                       {"message", entry.message}});
}

HttpResponse page(const Trace& trace, const HttpRequest& request) {
  uint64_t after = 0;
  if (const auto given = request.parameter("after")) {
    const auto number = parse_number(*given, UINT64_MAX >> 1);
    if (!number) return HttpResponse::error(400, "bad_request", "`after` is the sequence number read last.");
    after = *number;
  }
  const auto& all = trace.entries();
  auto from = std::upper_bound(all.begin(), all.end(), after,
                               [](uint64_t wanted, const TraceEntry& entry) { return wanted < entry.sequence; });
  Json::Array entries;
  size_t bytes = 0;
  uint64_t next = std::max(after, from == all.end() ? trace.last() : after);
  for (; from != all.end() && entries.size() < kPageEntries; ++from) {
    bytes += from->message.size();
    if (bytes > kPageBytes && !entries.empty()) break;
    entries.push_back(entry_json(*from));
    next = from->sequence;
  }
  Json out = status_of(trace);
  out.set("next", size_t{next}).set("entries", std::move(entries));
  return {200, "application/json", out.write(), {}};
}

HttpResponse start(const TraceControl& control, const HttpRequest& request) {
  std::string wanted;
  if (!request.body.empty()) {
    const auto body = parse_json(request.body);
    if (!body || !body->is_object()) return HttpResponse::error(400, "bad_request", "The body must be a JSON object.");
    const Json* given = body->find("wanted");
    const std::string* text = given == nullptr ? nullptr : given->text();
    if (given != nullptr && (text == nullptr || text->size() > kMaxWanted))
      return HttpResponse::error(400, "bad_request", "`wanted` is the id of a call, a SIP Call-ID or an IP address.");
    if (text != nullptr) wanted = *text;
  }
  Trace::OfCall of_call = [call_ids = control.call_ids, wanted] { return call_ids(wanted); };
  control.trace.start(std::move(wanted), std::move(of_call));
  control.tap(true);
  return {200, "application/json", status_of(control.trace).write(), {}};
}

}  // namespace

HttpResponse trace_response(const TraceControl& control, const HttpRequest& request) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (request.path.ends_with(".pcapng")) {
    if (!reading) return not_allowed("GET, HEAD");
    return {200, "application/x-pcapng", pcapng(control.trace.entries()), {}};
  }
  if (reading) return page(control.trace, request);
  if (request.method == "POST") return start(control, request);
  if (request.method != "DELETE") return not_allowed("GET, HEAD, POST, DELETE");
  control.tap(false);
  control.trace.stop();
  return {200, "application/json", status_of(control.trace).write(), {}};
}

}  // namespace isthmus::gateway
