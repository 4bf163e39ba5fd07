// SPDX-License-Identifier: MIT
#include "gateway/call/media_verdict.hpp"

namespace isthmus::gateway {
namespace {

bool is_judged(const CallFacts& call, WallTime now) {
  if (call.reason == DropReason::media_failed) return true;
  const WallTime end = call.state == CallState::dropped ? call.changed : now;
  return call.confirmed && end - *call.confirmed >= kJudgedAfter;
}

MediaVerdict judge_leg(const std::optional<media::LegReport>& leg) {
  if (!leg || !leg->armed) return MediaVerdict::none;
  const bool browser = leg->kind == media::LegKind::webrtc;
  if (browser && !leg->had_pair) return MediaVerdict::no_ice_pair;
  if (browser && !leg->had_keys) return MediaVerdict::dtls_failed;
  if (leg->refused.is_set()) return MediaVerdict::address_refused;
  if (leg->received > 0 || !leg->listening) return MediaVerdict::well;
  return browser ? MediaVerdict::no_rtp_from_browser : MediaVerdict::no_rtp_from_phone;
}

bool is_fault(MediaVerdict verdict) {
  return verdict != MediaVerdict::none && verdict != MediaVerdict::well;
}

}  // namespace

std::string_view word(MediaVerdict verdict) {
  switch (verdict) {
    case MediaVerdict::none: return "none";
    case MediaVerdict::well: return "well";
    case MediaVerdict::no_ice_pair: return "no_ice_pair";
    case MediaVerdict::dtls_failed: return "dtls_failed";
    case MediaVerdict::address_refused: return "address_refused";
    case MediaVerdict::no_rtp_from_phone: return "no_rtp_from_phone";
    case MediaVerdict::no_rtp_from_browser: return "no_rtp_from_browser";
  }
  return "";
}

std::string_view sentence(MediaVerdict verdict) {
  switch (verdict) {
    case MediaVerdict::none: return "not judged";
    case MediaVerdict::well: return "all well";
    case MediaVerdict::no_ice_pair: return "no ICE pair";
    case MediaVerdict::dtls_failed: return "DTLS failed";
    case MediaVerdict::address_refused: return "the phone's SDP names an address where nothing is sent";
    case MediaVerdict::no_rtp_from_phone: return "no RTP from the phone";
    case MediaVerdict::no_rtp_from_browser: return "no RTP from the browser";
  }
  return "";
}

MediaVerdict judge_media(const CallFacts& call, WallTime now) {
  if (!is_judged(call, now)) return MediaVerdict::none;
  const MediaVerdict caller = judge_leg(call.caller_media);
  const MediaVerdict callee = judge_leg(call.callee_media);
  if (is_fault(caller)) return caller;
  if (is_fault(callee)) return callee;
  return caller == MediaVerdict::well || callee == MediaVerdict::well ? MediaVerdict::well : MediaVerdict::none;
}

std::string media_sentence(const CallFacts& call, WallTime now) {
  std::string out;
  if (!is_judged(call, now)) return out;
  const auto add = [&](const std::optional<media::LegReport>& leg, std::string_view side) {
    const MediaVerdict verdict = judge_leg(leg);
    if (!is_fault(verdict)) return;
    if (!out.empty()) out += ", ";
    out += std::string(sentence(verdict)) + " (" + std::string(side) + ")";
  };
  add(call.caller_media, "caller");
  add(call.callee_media, "callee");
  return out;
}

void MediaLedger::closing(media::LegId leg, const std::optional<media::LegReport>& last) {
  if (!last || !kept_.try_emplace(leg, *last).second) return;
  order_.push_back(leg);
  if (order_.size() <= kKept) return;
  kept_.erase(order_.front());
  order_.pop_front();
}

void MediaLedger::fill(CallFacts& call, WallTime now, const Live& live) const {
  const auto report = [&](media::LegId leg) -> std::optional<media::LegReport> {
    if (!leg) return std::nullopt;
    const auto kept = kept_.find(leg);
    return kept != kept_.end() ? kept->second : live(leg);
  };
  call.caller_media = report(call.caller_leg);
  call.callee_media = report(call.callee_leg);
  call.media_verdict = judge_media(call, now);
  call.media_text = media_sentence(call, now);
}

}  // namespace isthmus::gateway
