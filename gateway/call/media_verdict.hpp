// SPDX-License-Identifier: MIT
// Why nothing was heard, told from what the media legs of a call have seen: a pure function of counters, for the line
// of the ended call, the API and the client. And the ledger that keeps the last report of legs that are closed.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/call/facts.hpp"

namespace isthmus::gateway {

// A call is judged when it was confirmed for so long: before, a browser is still connecting.
inline constexpr Duration kJudgedAfter = std::chrono::seconds(2);

// Of the first leg for which something is wrong, the caller's first. `call` needs its legs' reports, state, prior
// state, reason and times. Nothing is judged before a call was confirmed for kJudgedAfter, except one that was dropped
// because of its media.
MediaVerdict judge_media(const CallFacts& call, WallTime now);
// For people: "no RTP from the phone (callee)", with both sides where both are at fault; "" for none and well.
std::string media_sentence(const CallFacts& call, WallTime now);

class MediaLedger {
 public:
  using Live = std::function<std::optional<media::LegReport>(media::LegId)>;
  // Reports of closed legs, read in the pass that closes them; the oldest go first.
  static constexpr size_t kKept = 256;

  // Right before the leg is closed, with what the engine knows of it then.
  void closing(media::LegId leg, const std::optional<media::LegReport>& last);
  // Sets the reports of both legs and the verdict: of closed legs what is kept, of others what `live` says.
  void fill(CallFacts& call, WallTime now, const Live& live) const;
  size_t size() const { return kept_.size(); }

 private:
  std::map<media::LegId, media::LegReport> kept_;
  std::deque<media::LegId> order_;
};

}  // namespace isthmus::gateway
