// SPDX-License-Identifier: MIT
#include "sdp/codec.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "sdp/attributes.hpp"

namespace isthmus::sdp {
namespace {

struct StaticPayload {
  uint8_t number;
  std::string_view encoding;
  uint32_t clock;
  uint16_t channels;
};
// RFC 3551 table 4.
constexpr std::array kStatic{
    StaticPayload{0, "PCMU", 8000, 1},   StaticPayload{3, "GSM", 8000, 1},    StaticPayload{4, "G723", 8000, 1},
    StaticPayload{5, "DVI4", 8000, 1},   StaticPayload{6, "DVI4", 16000, 1},  StaticPayload{7, "LPC", 8000, 1},
    StaticPayload{8, "PCMA", 8000, 1},   StaticPayload{9, "G722", 8000, 1},   StaticPayload{10, "L16", 44100, 2},
    StaticPayload{11, "L16", 44100, 1},  StaticPayload{12, "QCELP", 8000, 1}, StaticPayload{13, "CN", 8000, 1},
    StaticPayload{14, "MPA", 90000, 1},  StaticPayload{15, "G728", 8000, 1},  StaticPayload{16, "DVI4", 11025, 1},
    StaticPayload{17, "DVI4", 22050, 1}, StaticPayload{18, "G729", 8000, 1},
};

constexpr uint8_t kUsualOpus = 111;
constexpr uint8_t kUsualEvent8000 = 101;
constexpr uint8_t kUsualEvent48000 = 110;
constexpr uint8_t kFirstDynamic = 96;

}  // namespace

Codec opus() {
  return {"opus", 48000, 2, "minptime=10;useinbandfec=1"};
}
Codec pcmu() {
  return {"PCMU", 8000, 1, ""};
}
Codec pcma() {
  return {"PCMA", 8000, 1, ""};
}
Codec g722() {
  return {"G722", 8000, 1, ""};
}
Codec telephone_event(uint32_t clock) {
  return {"telephone-event", clock, 1, "0-15"};
}

std::vector<Codec> default_codecs() {
  return {opus(), pcmu(), pcma(), g722(), telephone_event()};
}

std::optional<Codec> codec_by_name(std::string_view name) {
  for (Codec& codec : default_codecs()) {
    if (equals_ignore_case(codec.encoding, name)) return std::move(codec);
  }
  return std::nullopt;
}

bool same_codec(const Codec& a, const Codec& b) {
  return !a.encoding.empty() && a.clock == b.clock && a.channels == b.channels &&
         equals_ignore_case(a.encoding, b.encoding);
}

bool is_telephone_event(const Codec& codec) {
  return equals_ignore_case(codec.encoding, "telephone-event");
}

bool carries_audio(const Codec& codec) {
  for (const std::string_view other : {"", "telephone-event", "CN", "red"}) {
    if (equals_ignore_case(codec.encoding, other)) return false;
  }
  return true;
}

std::optional<Codec> static_codec(uint8_t payload) {
  for (const StaticPayload& entry : kStatic) {
    if (entry.number == payload) return Codec{std::string(entry.encoding), entry.clock, entry.channels, ""};
  }
  return std::nullopt;
}

std::optional<uint8_t> static_payload(const Codec& codec) {
  for (const StaticPayload& entry : kStatic) {
    if (entry.clock == codec.clock && entry.channels == codec.channels &&
        equals_ignore_case(entry.encoding, codec.encoding))
      return entry.number;
  }
  return std::nullopt;
}

uint8_t usual_payload(const Codec& codec) {
  if (const auto number = static_payload(codec)) return *number;
  if (same_codec(codec, opus())) return kUsualOpus;
  if (same_codec(codec, telephone_event(8000))) return kUsualEvent8000;
  if (same_codec(codec, telephone_event(48000))) return kUsualEvent48000;
  return kFirstDynamic;
}

std::vector<Format> formats_of(const Media& media) {
  std::vector<Format> out;
  for (const std::string& word : media.formats) {
    const auto number = parse_number(word, kMaxPayload);
    if (!number || find_payload(out, static_cast<uint8_t>(*number)) != nullptr) continue;
    const auto payload = static_cast<uint8_t>(*number);
    out.push_back({payload, static_codec(payload).value_or(Codec{})});
  }
  std::array<bool, kMaxPayload + 1> mapped{};
  std::array<bool, kMaxPayload + 1> described{};
  const auto place = [&out](uint8_t payload) {
    return std::find_if(out.begin(), out.end(), [payload](const Format& format) { return format.payload == payload; });
  };
  for (const Attribute& attribute : media.attributes) {
    if (attribute.name == "rtpmap") {
      auto rtpmap = parse_rtpmap(attribute.value);
      if (!rtpmap || mapped[rtpmap->payload]) continue;
      mapped[rtpmap->payload] = true;
      const auto at = place(rtpmap->payload);
      if (at == out.end()) continue;
      at->codec.encoding = std::move(rtpmap->encoding);
      at->codec.clock = rtpmap->clock;
      at->codec.channels = rtpmap->channels;
    } else if (attribute.name == "fmtp") {
      auto fmtp = parse_fmtp(attribute.value);
      if (!fmtp || described[fmtp->payload]) continue;
      described[fmtp->payload] = true;
      const auto at = place(fmtp->payload);
      if (at != out.end()) at->codec.parameters = std::move(fmtp->parameters);
    }
  }
  return out;
}

std::optional<uint8_t> payload_of(std::span<const Format> formats, const Codec& codec) {
  for (const Format& format : formats) {
    if (same_codec(format.codec, codec)) return format.payload;
  }
  return std::nullopt;
}

const Format* find_payload(std::span<const Format> formats, uint8_t payload) {
  for (const Format& format : formats) {
    if (format.payload == payload) return &format;
  }
  return nullptr;
}

bool contains(std::span<const Codec> codecs, const Codec& codec) {
  return std::any_of(codecs.begin(), codecs.end(), [&codec](const Codec& other) { return same_codec(other, codec); });
}

}  // namespace isthmus::sdp
