// SPDX-License-Identifier: MIT
// A call: two sides and what is known of them. Values only; the Exchange moves it from state to state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/deadlines.hpp"
#include "gateway/call/ask.hpp"
#include "gateway/call/module.hpp"
#include "gateway/call/sdp_bridge.hpp"
#include "media/order.hpp"
#include "sdp/profile.hpp"
#include "sip/user_agent.hpp"

namespace isthmus::gateway {

struct Side {
  enum class Kind : uint8_t { none, sip, client, echo };

  Kind kind = Kind::none;
  sip::SessionId session;     // sip
  bool session_over = false;  // the user agent said so, or was told: nothing may be asked of it any more
  bool session_gone = true;   // nothing is left of it (set false when it is made)
  ClientId client;
  std::string account;  // authenticated
  std::string module;   // that admitted or took this side
  Path source;          // sip: where it was seen last
  IpAddress signalling;

  media::LegId leg;
  bool leg_ready = false;
  bool leg_armed = false;
  std::optional<sdp::Leg> sdp;            // since the media leg is ready
  std::optional<sdp::RemoteAudio> offer;  // its open offer
  bool answered = false;                  // it has our answer, frozen from now on (R0.12)
  bool offering = false;                  // our offer is open there (E9, trap 17)

  sdp::Profile profile() const { return kind == Kind::client ? sdp::Profile::browser : sdp::Profile::phone; }
  bool has_media() const { return kind == Kind::sip || kind == Kind::client; }
};

struct Call {
  CallFacts facts;
  uint64_t number = 0;  // in the order of beginning
  Side a;               // who calls
  Side b;               // who is called
  Parties parties;
  CallTarget target;
  uint64_t make_token = 0;  // of a MakeCall that is not answered yet
  std::optional<Id<AskTag>> ask;
  PolicyKind ask_kind = PolicyKind::outgoing;
  uint8_t max_forwards = 70;
  bool deciding = false;                    // the web server said `later`
  bool placed = false;                      // B has been called
  bool held = false;                        // B has answered, A's answer waits for an ask (D11)
  bool delayed_offer = false;               // A's INVITE had no SDP: we make the offer in the 200 (E9)
  std::optional<sdp::Intent> early_answer;  // what A can be answered before B has spoken
  std::optional<sdp::Leg> preview;          // B's SDP after an unreliable 18x (trap 11)
  // 3: whose re-offer was cancelled, the other side's answer is still to come.
  uint8_t modifying = 0;              // 1: A's re-offer waits for B; 2: B's waits for A
  std::optional<RingingLeg> ringing;  // B's, as it was told; until its final response
  TimerId policy_timer, ring_timer, hold_timer;

  bool is_over() const { return facts.state == CallState::dropped; }
};

}  // namespace isthmus::gateway
