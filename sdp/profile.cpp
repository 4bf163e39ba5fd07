// SPDX-License-Identifier: MIT
#include "sdp/profile.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sdp/writer.hpp"

namespace isthmus::sdp {
namespace {

constexpr uint16_t kDiscardPort = 9;  // RFC 8829 section 5.1.1: no candidate yet
constexpr uint8_t kFirstDynamic = 96;
constexpr uint8_t kLastDynamic = 127;
constexpr uint32_t kPhoneEventClock = 8000;
constexpr std::string_view kBrowserProtocol = "UDP/TLS/RTP/SAVPF";
constexpr std::string_view kPhoneProtocol = "RTP/AVP";
constexpr std::string_view kOwnMid = "0";
// RFC 8830: one stream for the whole call, so that a page finds its track in a stream.
constexpr std::string_view kStream = "isthmus audio";

// The codecs of an offer: audio in order, then one telephone-event per audio clock for browsers, RFC 4733's usual 8000
// for phones.
std::vector<Codec> with_events(const std::vector<Codec>& codecs, Profile profile) {
  std::vector<Codec> out;
  bool events = false;
  for (const Codec& codec : codecs) {
    events = events || is_telephone_event(codec);
    if (carries_audio(codec) && !contains(out, codec)) out.push_back(codec);
  }
  if (!events) return out;
  const size_t audio = out.size();
  for (size_t i = 0; i < audio; ++i) {
    const uint32_t clock = profile == Profile::browser ? out[i].clock : kPhoneEventClock;
    if (!contains(out, telephone_event(clock))) out.push_back(telephone_event(clock));
  }
  return out;
}

// An answer may leave out the rtpmap of a number that our offer explained.
std::vector<Format> explained(std::vector<Format> formats, const std::vector<Format>& offered) {
  for (Format& format : formats) {
    const Format* ours = format.codec.encoding.empty() ? find_payload(offered, format.payload) : nullptr;
    if (ours != nullptr) format.codec = ours->codec;
  }
  return formats;
}

std::vector<Codec> codecs_of(const std::vector<Format>& formats) {
  std::vector<Codec> out;
  for (const Format& format : formats) out.push_back(format.codec);
  return out;
}

bool same_shape(const std::vector<Section>& offer, const std::vector<Section>& answer) {
  if (offer.size() != answer.size()) return false;
  for (size_t i = 0; i < offer.size(); ++i) {
    if (offer[i].kind != answer[i].kind) return false;
  }
  return true;
}

}  // namespace

Leg::Leg(Profile profile, uint64_t session_id, LocalAudio local)
    : profile_(profile), session_id_(session_id & (UINT64_MAX >> 1)), local_(std::move(local)) {}

const std::string& Leg::offer(const Intent& intent) {
  if (sections_.empty()) {
    Section own{"audio", std::string(is_browser() ? kBrowserProtocol : kPhoneProtocol), {}, {}, false};
    if (is_browser()) own.mid = kOwnMid;
    sections_.push_back(std::move(own));
  }
  std::vector<Format> formats = offered_formats(intent);
  Description out = begin();
  const bool bundled = is_browser() && !sections_[section_].mid.empty();
  if (bundled) out.add("group", "BUNDLE " + sections_[section_].mid);
  for (size_t i = 0; i < sections_.size(); ++i) {
    if (i != section_) {
      write_refused(out, sections_[i]);
      continue;
    }
    Media media{sections_[i].kind, 0, 1, sections_[i].protocol, {}, {}, {}, {}, {}};
    if (bundled) media.add("mid", sections_[i].mid);
    write_transport(media);
    if (is_browser()) media.add("setup", std::string(name_of(Setup::actpass)));
    write_audio(media, formats, intent.direction, intent.ptime);
    out.media.push_back(std::move(media));
  }
  publish(std::move(out));
  offered_ = std::move(formats);
  offered_direction_ = intent.direction;
  ptime_ = intent.ptime;
  return last_text_;
}

Result<Agreed, Refusal> Leg::answer(const RemoteAudio& offer, const Intent& intent) {
  Agreed agreed;
  agreed.refused = offer.refused;
  if (!offer.refused) {
    agreed.send = intersect(offer.formats, intent.codecs, intent.preference);
    if (agreed.send.empty()) return fail(Refusal::no_common_codec);
    agreed.receive = agreed.send;
    agreed.direction = answer_direction(offer.direction, intent.direction);
    agreed.role = role_towards(offer);
    agreed.new_association = is_new_association(offer) || (is_browser() && agreed.role != agreed_->role);
  }
  Description out = begin();
  const auto& bundle = offer.bundle;
  const bool bundled = !offer.refused && is_browser() && !offer.mid().empty() &&
                       std::find(bundle.begin(), bundle.end(), offer.mid()) != bundle.end();
  if (bundled) out.add("group", "BUNDLE " + offer.mid());
  for (size_t i = 0; i < offer.sections.size(); ++i) {
    const Section& section = offer.sections[i];
    if (i != offer.section || offer.refused) {
      write_refused(out, section);
      continue;
    }
    Media media{section.kind, 0, 1, section.protocol, {}, {}, {}, {}, {}};
    if (is_browser() && !section.mid.empty()) media.add("mid", section.mid);
    write_transport(media);
    if (is_browser())
      media.add("setup", std::string(name_of(agreed.role == DtlsRole::active ? Setup::active : Setup::passive)));
    write_audio(media, agreed.send, agreed.direction, intent.ptime);
    out.media.push_back(std::move(media));
  }
  publish(std::move(out));
  offered_.reset();
  ptime_ = intent.ptime;
  sections_ = offer.sections;
  section_ = offer.section;
  bind(agreed.send);
  remote_ = offer;
  agreed_ = agreed;
  return agreed;
}

Result<Agreed, Refusal> Leg::refresh(const RemoteAudio& offer) {
  if (!agreed_) return fail(Refusal::shape);
  return answer(offer, {codecs_of(agreed_->send), agreed_->direction, Preference::own, ptime_});
}

Result<Agreed, Refusal> Leg::accept(const RemoteAudio& answer) {
  if (!offered_) return fail(Refusal::shape);
  const std::vector<Format> offered = std::move(*offered_);
  offered_.reset();
  if (!same_shape(sections_, answer.sections) || answer.section != section_) return fail(Refusal::shape);
  if (answer.refused) return fail(Refusal::refused);
  Agreed agreed;
  agreed.send = intersect(explained(answer.formats, offered), codecs_of(offered), Preference::offer);
  if (agreed.send.empty()) return fail(Refusal::no_common_codec);
  for (const Format& format : agreed.send) {
    if (const auto number = payload_of(offered, format.codec)) agreed.receive.push_back({*number, format.codec});
  }
  agreed.direction = answer_direction(answer.direction, offered_direction_);
  agreed.new_association = is_new_association(answer);
  agreed.role = agreed_ && !agreed.new_association ? agreed_->role : DtlsRole::passive;
  if (agreed.new_association && answer.setup_given && answer.setup == Setup::passive) agreed.role = DtlsRole::active;
  bind(agreed.receive);
  remote_ = answer;
  agreed_ = agreed;
  return agreed;
}

// The numbers of an offer: what the leg has bound already, else the usual one, else the next that is free.
std::vector<Format> Leg::offered_formats(const Intent& intent) const {
  std::vector<Format> out;
  for (const Codec& codec : with_events(intent.codecs, profile_)) {
    const auto bound = payload_of(bound_, codec);
    out.push_back({bound ? *bound : free_payload(codec, out), codec});
  }
  return out;
}

uint8_t Leg::free_payload(const Codec& codec, const std::vector<Format>& taken) const {
  const auto is_free = [&](uint8_t number) {
    return find_payload(bound_, number) == nullptr && find_payload(taken, number) == nullptr;
  };
  const uint8_t usual = usual_payload(codec);
  if (is_free(usual)) return usual;
  for (uint8_t number = kFirstDynamic; number < kLastDynamic; ++number) {
    if (is_free(number)) return number;
  }
  return kLastDynamic;
}

Description Leg::begin() const {
  Description out;
  out.origin.session_id.clear();
  append_number(out.origin.session_id, session_id_);
  const IpAddress ip = local_.addresses.empty() ? IpAddress::v4(0, 0, 0, 0) : local_.addresses.front().ip;
  const Connection connection = Connection::of(ip);
  out.origin.family = connection.family;
  out.origin.address = connection.address;
  out.connection = connection;
  out.times.push_back({});
  if (is_browser()) out.add("ice-lite");
  return out;
}

void Leg::write_transport(Media& media) const {
  media.port = local_.addresses.empty() ? kDiscardPort : local_.addresses.front().port;
  if (profile_ == Profile::phone) {
    const bool usual = !local_.rtcp.is_set() || local_.addresses.empty() ||
                       (local_.rtcp.port == media.port + 1 && local_.rtcp.ip == local_.addresses.front().ip);
    if (usual) return;
    std::string value;
    append_number(value, local_.rtcp.port);
    if (local_.rtcp.ip != local_.addresses.front().ip)
      value += (local_.rtcp.ip.is_v6() ? " IN IP6 " : " IN IP4 ") + local_.rtcp.ip.text();
    media.add("rtcp", std::move(value));
    return;
  }
  media.add("rtcp-mux");
  media.add("ice-ufrag", local_.ice.ufrag);
  media.add("ice-pwd", local_.ice.password);
  for (std::string& candidate : host_candidates(local_.addresses)) media.add("candidate", std::move(candidate));
  media.add("end-of-candidates");
  media.add("fingerprint", write_fingerprint(local_.fingerprint));
}

void Leg::write_audio(Media& media, const std::vector<Format>& formats, Direction direction, uint16_t ptime) const {
  for (const Format& format : formats) {
    std::string number;
    append_number(number, format.payload);
    media.add("rtpmap",
              write_rtpmap({format.payload, format.codec.encoding, format.codec.clock, format.codec.channels}));
    if (!format.codec.parameters.empty()) media.add("fmtp", number + " " + format.codec.parameters);
    media.formats.push_back(std::move(number));
  }
  if (ptime != 0) {
    std::string value;
    append_number(value, ptime);
    media.add("ptime", std::move(value));
  }
  media.add(std::string(name_of(direction)));
  if (is_browser() && sends(direction)) media.add("msid", std::string(kStream));
}

// RFC 3264 section 6: port 0, the offer's protocol and formats; nothing else is needed, the mid is kept for browsers.
void Leg::write_refused(Description& out, const Section& section) const {
  Media media{section.kind, 0, 1, section.protocol, section.formats, {}, {}, {}, {}};
  if (media.formats.empty()) media.formats.emplace_back("0");
  if (is_browser() && !section.mid.empty()) media.add("mid", section.mid);
  media.add(std::string(name_of(Direction::inactive)));
  out.media.push_back(std::move(media));
}

void Leg::publish(Description&& description) {
  if (version_ == 0 || description != last_) ++version_;
  last_ = std::move(description);
  last_.origin.version = "0";
  Description versioned = last_;
  versioned.origin.version.clear();
  append_number(versioned.origin.version, version_);
  last_text_ = write(versioned);
}

void Leg::bind(const std::vector<Format>& formats) {
  for (const Format& format : formats) {
    const auto known = std::find_if(bound_.begin(), bound_.end(), [&](const Format& b) {
      return same_codec(b.codec, format.codec) || b.payload == format.payload;
    });
    if (known != bound_.end()) bound_.erase(known);
    bound_.push_back(format);
  }
}

// RFC 8842 section 4: a new association needs a new fingerprint set or tls-id; an ICE restart is none.
bool Leg::is_new_association(const RemoteAudio& remote) const {
  if (!is_browser()) return false;
  if (!agreed_ || !remote_ || agreed_->refused) return true;
  return remote.fingerprint != remote_->fingerprint || remote.tls_id != remote_->tls_id;
}

DtlsRole Leg::role_towards(const RemoteAudio& offer) const {
  const bool keep = agreed_ && !is_new_association(offer);
  if (keep && offer.setup == Setup::actpass) return agreed_->role;
  if (offer.setup == Setup::passive) return DtlsRole::active;
  return DtlsRole::passive;
}

std::string_view describe(Refusal refusal) {
  switch (refusal) {
    case Refusal::no_common_codec: return "no common codec";
    case Refusal::refused: return "the peer refuses the audio";
    case Refusal::shape: return "the answer does not fit the offer";
  }
  return "unknown";
}

}  // namespace isthmus::sdp
