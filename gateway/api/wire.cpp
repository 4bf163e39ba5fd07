// SPDX-License-Identifier: MIT
#include "gateway/api/wire.hpp"

#include <algorithm>
#include <cstdio>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxName = 64;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

void add_ending(Json& out, const CallFacts& call) {
  if (call.state != CallState::dropped) return;
  if (call.code != 0) out.set("code", int{call.code});
  out.set("reason", word(call.reason));
  if (!call.text.empty()) out.set("text", call.text);
  if (!call.media_text.empty()) out.set("media_verdict", call.media_text);
}

Json leg_json(const std::optional<media::LegReport>& leg) {
  if (!leg) return {};
  return Json::object(
      {{"received", size_t{leg->received}}, {"sent", size_t{leg->sent}}, {"dropped", size_t{leg->dropped}}});
}

std::string sentence_of(const CallFacts& call) {
  return call.media_text.empty() ? std::string(sentence(call.media_verdict)) : call.media_text;
}

Json prior_of(const CallFacts& call) {
  return call.prior ? Json(word(*call.prior)) : Json();
}

Json facts_of(const CallFacts& call) {
  Json out = Json::object({{"id", call.id},
                           {"seq", call.sequence},
                           {"dir", word(call.direction)},
                           {"current_state", word(call.state)},
                           {"prior_state", prior_of(call)},
                           {"from", call.from},
                           {"to", call.to},
                           {"target", text_or_null(call.target)},
                           {"module", text_or_null(call.module)},
                           {"client", text_or_null(call.client)}});
  if (!call.from_name.empty()) out.set("from_name", call.from_name);
  add_ending(out, call);
  return out;
}

Json result_json(const std::optional<TrunkResult>& result) {
  if (!result) return {};
  Json out = Json::object({{"at", timestamp(result->at)}, {"call", result->call}});
  if (result->code != 0) out.set("code", int{result->code});
  if (result->reason != DropReason::none) out.set("reason", word(result->reason));
  if (!result->text.empty()) out.set("text", result->text);
  return out;
}

bool consists_of(std::string_view text, std::string_view more) {
  return !text.empty() && text.size() <= kMaxName && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alpha(c) || is_digit(c) || more.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string timestamp(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - day));
  char out[40];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return out;
}

Json call_for_client(const CallFacts& call, bool offer) {
  Json out = Json::object({{"call_id", call.id}});
  if (!call.reference.empty()) out.set("ref", call.reference);
  out.set("seq", call.sequence).set("dir", word(call.direction)).set("state", word(call.state));
  out.set("prior_state", prior_of(call)).set("from", call.from);
  if (offer && !call.from_name.empty()) out.set("from_name", call.from_name);
  out.set("to", call.to).set("at", timestamp(call.changed));
  if (call.state == CallState::ringing && call.direction == CallDirection::outgoing)
    out.set("early_media", call.early_media);
  if (!call.sdp.empty()) out.set("sdp", call.sdp);
  add_ending(out, call);
  return out;
}

Json call_for_server(const CallFacts& call) {
  Json out = facts_of(call);
  if (call.state == CallState::ringing) out.set("early_media", call.early_media);
  if (call.state == CallState::confirmed && !call.sdp.empty()) out.set("sdp", call.sdp);
  return out;
}

Json call_for_list(const CallFacts& call) {
  Json out = facts_of(call);
  out.set("created_at", timestamp(call.started)).set("changed_at", timestamp(call.changed));
  out.set("reaping_legs", int{call.reaping_legs});
  out.set("route", call.route == 0 ? Json() : Json(call.route));
  out.set("media", Json::object({{"verdict", word(call.media_verdict)},
                                 {"sentence", sentence_of(call)},
                                 {"caller", leg_json(call.caller_media)},
                                 {"callee", leg_json(call.callee_media)}}));
  return out;
}

Json failure_for_list(const Failure& failure) {
  Json out = call_for_list(failure.call);
  out.set("reached", word(failure.reached)).set("why", sentence(failure.call.reason));
  return out;
}

Json trunk_for_list(const TrunkRow& trunk) {
  const TrunkSettings& settings = trunk.settings;
  const TrunkFacts& facts = trunk.facts;
  return Json::object({{"name", settings.name},
                       {"host", text_or_null(settings.host)},
                       {"port", settings.port == 0 ? Json() : Json(int{settings.port})},
                       {"transport", settings.transport},
                       {"calls", Json::object({{"outgoing", trunk.outgoing}, {"incoming", trunk.incoming}})},
                       {"placed", size_t{facts.placed}},
                       {"came", size_t{facts.came}},
                       {"failed", size_t{facts.failed}},
                       {"last_success", result_json(facts.last_success)},
                       {"last_failure", result_json(facts.last_failure)},
                       {"last_came_at", facts.last_came ? Json(timestamp(*facts.last_came)) : Json()}});
}

Json registration_for_list(const RegistrationFacts& registration) {
  return Json::object({{"user", registration.user},
                       {"host", registration.host},
                       {"contact", registration.contact},
                       {"status", registration.status},
                       {"expires_at", timestamp(registration.expires)},
                       {"expires_in", registration.expires_in},
                       {"user_agent", text_or_null(registration.user_agent)},
                       {"call_id", registration.call_id},
                       {"transport", word(registration.transport)},
                       {"source_ip", registration.source.ip.text()},
                       {"source_port", int{registration.source.port}}});
}

Json dialog_for_list(const DialogFacts& dialog) {
  return Json::object({{"call", dialog.call},
                       {"uuid", dialog.uuid},
                       {"call_id", dialog.call_id},
                       {"direction", dialog.inbound ? "inbound" : "outbound"},
                       {"state", dialog.state},
                       {"from_user", dialog.from_user},
                       {"from_host", dialog.from_host},
                       {"to_user", dialog.to_user},
                       {"to_host", dialog.to_host},
                       {"contact_user", dialog.contact_user},
                       {"contact_host", dialog.contact_host},
                       {"user_agent", text_or_null(dialog.user_agent)}});
}

bool is_user(std::string_view text) {
  return consists_of(text, "_.!~*'()&=+$,;?/-");
}

bool is_id(std::string_view text) {
  return consists_of(text, "-_");
}

}  // namespace isthmus::gateway
