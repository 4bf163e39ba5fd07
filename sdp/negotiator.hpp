// SPDX-License-Identifier: MIT
// Offer/answer (RFC 3264) as pure functions: which formats remain, which direction an answer has, whether a new
// description means the same as the last one. Nothing is stored here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sdp/attributes.hpp"
#include "sdp/codec.hpp"
#include "sdp/remote_audio.hpp"

namespace isthmus::sdp {

// Order of an answer: the offer's ("generous") or our own ("greedy").
enum class Preference : uint8_t { offer, own };

// The offered formats that we speak, under the offer's numbers and with our parameters. Equal codecs count once.
// telephone-event in `own`, of any clock, stands for events at every clock: kept is one number per clock of the audio
// that remains, or, when no clock fits, the first offered. Empty when no audio remains: no common codec.
std::vector<Format> intersect(std::span<const Format> offered, std::span<const Codec> own, Preference preference);

// As seen from the other end: sendonly <-> recvonly.
Direction reversed(Direction direction);
bool sends(Direction direction);
bool receives(Direction direction);
// RFC 3264 section 6.1: what may be answered to `offered` by someone who would like `wish` (his own view).
Direction answer_direction(Direction offered, Direction wish);

// What differs between two descriptions of one leg, its o= line left out (rows E1, E2). `usable` are the codecs that
// could be chosen at all: others come and go without meaning.
struct Difference {
  bool media = false;         // our audio came, went or moved; sections that this leg never carries do not count
  bool direction = false;     // hold, resume
  bool codecs = false;        // the set of usable codecs
  bool address = false;       // address or port
  bool payloads = false;      // numbers of the same codecs
  bool ice = false;           // new credentials: an ICE restart
  bool dtls = false;          // fingerprint, tls-id or role: perhaps a new association
  bool version_kept = false;  // something differs though the o= version does not (RFC 3264 section 8 forbids it)

  bool session() const { return media || direction || codecs; }
  bool transport() const { return address || payloads || ice || dtls; }
  bool none() const { return !session() && !transport(); }
  friend bool operator==(const Difference&, const Difference&) = default;
};
Difference compare(const RemoteAudio& before, const RemoteAudio& after, std::span<const Codec> usable);

}  // namespace isthmus::sdp
