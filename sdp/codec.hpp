// SPDX-License-Identifier: MIT
// What a payload type stands for: encoding, clock, channels, parameters. Static payload types of RFC 3551 section 6;
// clocks are the literal ones of the rtpmap (G722/8000, opus/48000/2: trap 32), never the true sampling rate.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/description.hpp"

namespace isthmus::sdp {

struct Codec {
  std::string encoding;  // empty: unknown
  uint32_t clock = 8000;
  uint16_t channels = 1;
  std::string parameters;  // fmtp, as its owner writes it
  friend bool operator==(const Codec&, const Codec&) = default;
};

Codec opus();  // RFC 7587, minptime=10;useinbandfec=1
Codec pcmu();
Codec pcma();
Codec g722();
Codec telephone_event(uint32_t clock = 8000);  // RFC 4733, events 0-15
// A name of the configuration, in any case: opus, PCMU, PCMA, G722, telephone-event.
std::optional<Codec> codec_by_name(std::string_view name);
std::vector<Codec> default_codecs();  // opus, PCMU, PCMA, G722, telephone-event

// Same encoding (without case), clock and channels. Parameters are declarations of each side for all codecs we know.
bool same_codec(const Codec& a, const Codec& b);
bool is_telephone_event(const Codec& codec);
// Speech or sound of its own; false for telephone-event, CN, RED and what is unknown.
bool carries_audio(const Codec& codec);

std::optional<Codec> static_codec(uint8_t payload);         // audio of RFC 3551 table 4
std::optional<uint8_t> static_payload(const Codec& codec);  // the number that needs no rtpmap
uint8_t usual_payload(const Codec& codec);                  // static, else what browsers and phones commonly take

struct Format {  // a codec under its number on one leg
  uint8_t payload = 0;
  Codec codec;
  friend bool operator==(const Format&, const Format&) = default;
};

// The formats of an m= line in its order: rtpmap, else the static table, else an unknown codec under its number. Words
// that are no payload number are left out; a number twice counts once.
std::vector<Format> formats_of(const Media& media);
// The number of an equal codec, if there is one.
std::optional<uint8_t> payload_of(std::span<const Format> formats, const Codec& codec);
const Format* find_payload(std::span<const Format> formats, uint8_t payload);
bool contains(std::span<const Codec> codecs, const Codec& codec);

}  // namespace isthmus::sdp
