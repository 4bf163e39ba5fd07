// SPDX-License-Identifier: MIT
#include "sdp/negotiator.hpp"

#include <algorithm>

namespace isthmus::sdp {
namespace {

constexpr uint8_t kSends = static_cast<uint8_t>(Direction::sendonly);
constexpr uint8_t kReceives = static_cast<uint8_t>(Direction::recvonly);

const Codec* find_codec(std::span<const Codec> codecs, const Codec& codec) {
  for (const Codec& other : codecs) {
    if (same_codec(other, codec)) return &other;
  }
  return nullptr;
}

void add_once(std::vector<Format>& out, uint8_t payload, const Codec& codec) {
  if (!payload_of(out, codec)) out.push_back({payload, codec});
}

std::vector<Format> common_audio(std::span<const Format> offered, std::span<const Codec> own, Preference preference) {
  std::vector<Format> out;
  if (preference == Preference::offer) {
    for (const Format& format : offered) {
      const Codec* mine = carries_audio(format.codec) ? find_codec(own, format.codec) : nullptr;
      if (mine != nullptr) add_once(out, format.payload, *mine);
    }
    return out;
  }
  for (const Codec& codec : own) {
    const auto number = carries_audio(codec) ? payload_of(offered, codec) : std::nullopt;
    if (number) add_once(out, *number, codec);
  }
  return out;
}

void add_events(std::vector<Format>& out, std::span<const Format> offered) {
  std::vector<Format> events;
  for (const Format& format : offered) {
    if (!is_telephone_event(format.codec)) continue;
    const auto fits = [&format](const Format& audio) { return audio.codec.clock == format.codec.clock; };
    if (std::any_of(out.begin(), out.end(), fits))
      add_once(events, format.payload, telephone_event(format.codec.clock));
  }
  if (events.empty()) {
    const auto first =
        std::find_if(offered.begin(), offered.end(), [](const Format& f) { return is_telephone_event(f.codec); });
    if (first != offered.end()) events.push_back({first->payload, telephone_event(first->codec.clock)});
  }
  out.insert(out.end(), events.begin(), events.end());
}

bool wants_events(std::span<const Codec> codecs) {
  return std::any_of(codecs.begin(), codecs.end(), is_telephone_event);
}

std::vector<Format> usable_formats(const RemoteAudio& remote, std::span<const Codec> usable) {
  std::vector<Format> out;
  for (const Format& format : remote.formats) {
    const bool event = is_telephone_event(format.codec) && wants_events(usable);
    if (event || find_codec(usable, format.codec) != nullptr) add_once(out, format.payload, format.codec);
  }
  return out;
}

bool same_codecs(std::span<const Format> a, std::span<const Format> b) {
  return a.size() == b.size() &&
         std::all_of(a.begin(), a.end(), [b](const Format& f) { return payload_of(b, f.codec).has_value(); });
}

bool same_numbers(std::span<const Format> a, std::span<const Format> b) {
  return std::all_of(a.begin(), a.end(), [b](const Format& f) {
    const auto number = payload_of(b, f.codec);
    return !number || *number == f.payload;
  });
}

}  // namespace

std::vector<Format> intersect(std::span<const Format> offered, std::span<const Codec> own, Preference preference) {
  std::vector<Format> out = common_audio(offered, own, preference);
  if (!out.empty() && wants_events(own)) add_events(out, offered);
  return out;
}

Direction reversed(Direction direction) {
  if (direction == Direction::sendonly) return Direction::recvonly;
  if (direction == Direction::recvonly) return Direction::sendonly;
  return direction;
}

bool sends(Direction direction) {
  return (static_cast<uint8_t>(direction) & kSends) != 0;
}

bool receives(Direction direction) {
  return (static_cast<uint8_t>(direction) & kReceives) != 0;
}

Direction answer_direction(Direction offered, Direction wish) {
  return static_cast<Direction>(static_cast<uint8_t>(reversed(offered)) & static_cast<uint8_t>(wish));
}

Difference compare(const RemoteAudio& before, const RemoteAudio& after, std::span<const Codec> usable) {
  Difference out;
  out.media = before.refused != after.refused || before.section != after.section;
  out.direction = before.direction != after.direction;
  if (!before.refused && !after.refused) {
    const auto old_formats = usable_formats(before, usable);
    const auto new_formats = usable_formats(after, usable);
    out.codecs = !same_codecs(old_formats, new_formats);
    out.payloads = !same_numbers(old_formats, new_formats);
    out.address = before.address != after.address || before.rtcp != after.rtcp;
    out.ice = before.ice != after.ice;
    out.dtls = before.fingerprint != after.fingerprint || before.tls_id != after.tls_id;
  }
  out.version_kept = !out.none() && before.origin == after.origin;
  return out;
}

}  // namespace isthmus::sdp
