// SPDX-License-Identifier: MIT
#include "gateway/observe/call_log.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxMethod = 32;  // of what a stranger calls one

int64_t tenths(Duration time) {
  return std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) / 100;
}
std::string seconds(Duration time) {
  return std::to_string(tenths(time) / 10) + "." + std::to_string(tenths(time) % 10) + " s";
}

// "caller 250 in 248 out"; dropped ones only where there are some.
std::string packets(std::string_view side, const std::optional<media::LegReport>& leg) {
  if (!leg) return std::string(side) + " none";
  std::string out =
      std::string(side) + " " + std::to_string(leg->received) + " in " + std::to_string(leg->sent) + " out";
  if (leg->dropped > 0) out += " " + std::to_string(leg->dropped) + " dropped";
  return out;
}
Json packets_json(const std::optional<media::LegReport>& leg) {
  if (!leg) return {};
  return Json::object({{"in", size_t{leg->received}}, {"out", size_t{leg->sent}}, {"dropped", size_t{leg->dropped}}});
}

std::string media_words(const CallFacts& call) {
  return call.media_text.empty() ? std::string(sentence(call.media_verdict)) : call.media_text;
}
// Where a side wants its media and nothing is sent.
std::string named_address(const std::optional<media::LegReport>& leg) {
  return leg && leg->refused.is_set() ? ", it names " + shown_address(leg->refused) : "";
}

struct Durations {
  Duration set_up;
  Duration talked;
};
Durations durations(const CallFacts& call) {
  const WallTime confirmed = call.confirmed.value_or(call.changed);
  return {confirmed - call.started, call.changed - confirmed};
}

uint16_t sip_code(const CallFacts& call) {
  return call.code != 0 ? call.code : call.sip_code;
}

constexpr std::string_view kNobodysNumber = "give it to an account, to trunk.numbers or to a route";

// What the operator can do about it; "" where the reason says all. The endings that a first installation meets.
std::string_view advice(const CallFacts& call) {
  const bool to_phone = call.module == "registrar";
  const bool to_trunk = !to_phone && call.module != "target";  // `target`: an address that client or web server gave
  switch (call.reason) {
    case DropReason::not_found: return kNobodysNumber;
    case DropReason::no_web_server: return "webhook.url names one, admission = \"allow-all\" does without";
    case DropReason::web_server_unreachable: return "is it running at webhook.url?";
    case DropReason::web_server_timeout: return "timers.policy_s and timers.decision_s are its limits";
    case DropReason::rejected:
      if (!to_trunk || (call.code != 401 && call.code != 407)) return {};
      return "trunk.user, trunk.password and trunk.realm must be what it asks for";
    case DropReason::unavailable:
      if (call.code == 486) return "limits.calls_per_account is reached";
      if (call.sip_code == 408) {
        if (to_phone) return "no answer at all: is the phone on, does a firewall or NAT keep the INVITE from it?";
        if (to_trunk)
          return "no answer at all: check trunk.host, trunk.port, trunk.transport, the firewall, and that the trunk "
                 "takes calls from this address";
      }
      if (call.sip_code == 503) {
        if (to_phone) return "it cannot be reached: is the phone on, is it where it registered from?";
        if (to_trunk) return "it cannot be reached: check trunk.host, trunk.port, trunk.transport and the firewall";
      }
      return {};
    default: return {};
  }
}
std::string with_advice(std::string_view sentence, std::string_view advice) {
  return std::string(sentence) + (advice.empty() ? "" : "; ") + std::string(advice);
}

std::string ended_text(const CallFacts& call) {
  std::string out = "call " + call.id + " " + std::string(word(call.direction)) + " from " + shown_user(call.from) +
                    " to " + shown_user(call.to);
  if (!call.module.empty()) out += " by " + printable(call.module);
  if (!call.client.empty()) out += " client " + shown_user(call.client);
  out += " ended: " + std::string(word(call.reason));
  const uint16_t code = sip_code(call);
  if (code != 0) out += " " + std::to_string(code);
  out += " (" + with_advice(sentence(call.reason), advice(call)) + ")";
  // In these words a number or a name may stand: they are somebody else's.
  if (!call.text.empty() && !is_masked()) out += " \"" + printable(call.text) + "\"";
  const Durations time = durations(call);
  out += ", route " + (call.route == 0 ? "none" : std::to_string(call.route));
  out += ", set up " + seconds(time.set_up) + ", talked " + seconds(time.talked);
  out += ", packets " + packets("caller", call.caller_media) + ", " + packets("callee", call.callee_media);
  return out + ", media: " + media_words(call) + named_address(call.caller_media) + named_address(call.callee_media);
}

}  // namespace

LogLine call_ended(const CallFacts& call) {
  const Durations time = durations(call);
  const uint16_t code = sip_code(call);
  Json fields = Json::object({{"call", call.id},
                              {"dir", word(call.direction)},
                              {"from", shown_user(call.from)},
                              {"to", shown_user(call.to)},
                              {"origin", printable(call.origin)},
                              {"module", printable(call.module)},
                              {"client", shown_user(call.client)},
                              {"route", call.route == 0 ? Json() : Json(call.route)},
                              {"reason", word(call.reason)},
                              {"why", sentence(call.reason)},
                              {"code", code == 0 ? Json() : Json(int{code})},
                              {"set_up_s", static_cast<double>(tenths(time.set_up)) / 10},
                              {"talked_s", static_cast<double>(tenths(time.talked)) / 10},
                              {"caller_packets", packets_json(call.caller_media)},
                              {"callee_packets", packets_json(call.callee_media)},
                              {"media", word(call.media_verdict)},
                              {"media_text", media_words(call)}});
  if (!advice(call).empty()) fields.set("advice", advice(call));
  if (!call.text.empty() && !is_masked()) fields.set("said", printable(call.text));
  return {LogLevel::info, ended_text(call), std::move(fields)};
}

LogLine call_refused(const CallRefused& refused) {
  const std::string from = shown_user(refused.from), to = shown_user(refused.to);
  const std::string_view advice = refused.status == 404 ? kNobodysNumber : std::string_view{};
  Json fields = Json::object({{"from", from},
                              {"to", to},
                              {"source", shown_address(refused.source)},
                              {"code", int{refused.status}},
                              {"why", refused.why}});
  if (!advice.empty()) fields.set("advice", advice);
  return {LogLevel::info,
          "no call from " + from + " at " + shown_address(refused.source) + " to " + to + ": refused with " +
              std::to_string(refused.status) + " (" + with_advice(refused.why, advice) + ")",
          std::move(fields)};
}

LogLine call_changed(const CallFacts& call) {
  const Json route = call.route == 0 ? Json() : Json(call.route);
  std::string text = "call " + call.id + " " + std::string(word(call.state)) + ": " + shown_user(call.from) + " to " +
                     shown_user(call.to) + ", route " + (call.route == 0 ? "none" : std::to_string(call.route)) +
                     ", module " + (call.module.empty() ? "none" : printable(call.module));
  if (call.sip_code != 0) text += ", SIP " + std::to_string(call.sip_code);
  return {LogLevel::debug, std::move(text),
          Json::object({{"call", call.id},
                        {"state", word(call.state)},
                        {"from", shown_user(call.from)},
                        {"to", shown_user(call.to)},
                        {"route", route},
                        {"module", printable(call.module)},
                        {"code", call.sip_code == 0 ? Json() : Json(int{call.sip_code})}})};
}

LogLine leg_ended(const LegEnded& leg) {
  const std::string_view side = leg.is_caller ? "caller" : "callee";
  const std::string_view how = leg.how == LegEnded::How::by_itself    ? "ended by that side"
                               : leg.how == LegEnded::How::by_gateway ? "ended by the gateway"
                                                                      : "gone, nothing is owed to it any more";
  return {LogLevel::debug,
          "call " + leg.call + " leg of the " + std::string(side) + (leg.is_client ? " (client): " : " (SIP): ") +
              std::string(how),
          Json::object({{"call", leg.call}, {"side", side}, {"leg", how}})};
}

LogLine web_server_said(std::string_view call, const Policy& policy, Duration took) {
  const std::string_view verdict = policy.verdict == Policy::allow   ? "allowed"
                                   : policy.verdict == Policy::later ? "left open"
                                                                     : "refused";
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  std::string text = "call " + std::string(call) + " web server: " + std::string(verdict);
  if (policy.verdict == Policy::refuse) text += " (" + std::string(word(policy.reason)) + ")";
  return {LogLevel::debug, text + " after " + std::to_string(milliseconds) + " ms",
          Json::object({{"call", call}, {"web_server", verdict}, {"took_ms", static_cast<int64_t>(milliseconds)}})};
}

LogLine request_refused(const RequestRefused& refused) {
  const std::string source = shown_address(refused.source), method = printable(refused.method.substr(0, kMaxMethod));
  return {
      LogLevel::debug,
      "no call: " + method + " from " + source + " refused with " + std::to_string(refused.status) + " (" +
          printable(refused.why) + ")",
      Json::object(
          {{"source", source}, {"method", method}, {"code", int{refused.status}}, {"why", printable(refused.why)}})};
}

// A name that is none could say more than who it is: that it came from somebody else's address.
LogLine credentials_refused(const CredentialsRefused& refused, uint64_t untold) {
  std::string name = refused.user;
  std::replace_if(name.begin(), name.end(), [](char c) { return !is_user_character(c); }, '?');
  const std::string source = shown_ip(refused.source), user = shown_user(name);
  const std::string why(refused.why), method(refused.method);
  return {LogLevel::info,
          "refused " + user + " from " + source + ": " + why + " (" + method + ")" +
              (untold == 0 ? "" : "; " + std::to_string(untold) + " more before it were not told"),
          Json::object({{"source", source}, {"user", user}, {"why", why}, {"method", method}, {"untold", untold}})};
}

LogLine media_silent(const CallFacts& call, bool is_caller, std::chrono::seconds silence) {
  const auto& leg = is_caller ? call.caller_media : call.callee_media;
  const std::string_view side = is_caller ? "caller" : "callee";
  const std::string what = leg && leg->kind == media::LegKind::webrtc ? "browser" : "phone";
  const std::string ever = leg && leg->received > 0 ? "no more RTP from the " : "no RTP from the ";
  const bool refused = leg && leg->refused.is_set();
  const std::string words = refused ? std::string(sentence(MediaVerdict::address_refused)) + " (" + std::string(side) +
                                          ")" + named_address(leg)
                                    : ever + what + " (" + std::string(side) + ")";
  return {LogLevel::warning,
          "call " + call.id + " silent for " + std::to_string(silence.count()) + " s: " + words + ", packets " +
              packets("caller", call.caller_media) + ", " + packets("callee", call.callee_media),
          Json::object({{"call", call.id},
                        {"side", side},
                        {"media_text", words},
                        {"caller_packets", packets_json(call.caller_media)},
                        {"callee_packets", packets_json(call.callee_media)}})};
}

}  // namespace isthmus::gateway
