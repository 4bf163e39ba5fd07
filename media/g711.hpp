// SPDX-License-Identifier: MIT
// Mu-law to A-law and back (ITU-T G.711), octet by octet in place. Payloads keep size and clock, so the relay can join
// a leg that takes PCMU only to one that takes PCMA only: a caller that was answered before the callee has spoken
// (R0.12) sends one of them whatever comes.
#pragma once

#include "base/bytes.hpp"
#include "media/order.hpp"

namespace isthmus::media {

enum class LawChange : uint8_t { none, mu_to_a, a_to_mu };

// What turns `from` into `to`; none when nothing does, or when nothing has to.
constexpr LawChange law_change(Codec from, Codec to) {
  if (from == Codec::pcmu && to == Codec::pcma) return LawChange::mu_to_a;
  if (from == Codec::pcma && to == Codec::pcmu) return LawChange::a_to_mu;
  return LawChange::none;
}

void change_law(LawChange change, MutableBytes payload);

// One sample: 14-bit linear for mu-law, 13-bit for A-law, scaled to 16 bit.
int16_t linear_of_mu(uint8_t octet);
int16_t linear_of_a(uint8_t octet);
uint8_t mu_of_linear(int16_t sample);
uint8_t a_of_linear(int16_t sample);

}  // namespace isthmus::media
