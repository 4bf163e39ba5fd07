// SPDX-License-Identifier: MIT
// Writes the offers and answers of one leg from capabilities and intent, as a browser or a phone wants them; nothing of
// another leg's text can enter. The leg owns what must stay the same for its life: session id, version (+1 only when
// our content changes, RFC 3264 section 8), order and mids of m-lines, payload numbers, DTLS role (RFC 8842). One audio
// section is carried, all others are refused with port 0. A copyable value without clock, randomness or sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "sdp/negotiator.hpp"
#include "sdp/remote_audio.hpp"

namespace isthmus::sdp {

// What this leg has on our side. Browser: host candidates, best first, with ICE credentials and the certificate's
// fingerprint. Phone: [0] is RTP.
struct LocalAudio {
  std::vector<SocketAddress> addresses;
  SocketAddress rtcp;  // phone; written as a=rtcp when it is not the port after RTP
  IceCredentials ice;
  Fingerprint fingerprint;
  friend bool operator==(const LocalAudio&, const LocalAudio&) = default;
};

// What the owner of the call wants of the next description. telephone-event of any clock means "events wanted".
struct Intent {
  std::vector<Codec> codecs;  // best first
  Direction direction = Direction::sendrecv;
  Preference preference = Preference::offer;  // of an answer
  uint16_t ptime = 20;                        // 0: not said
  friend bool operator==(const Intent&, const Intent&) = default;
};

enum class DtlsRole : uint8_t { active, passive };  // ours; active sends the ClientHello

// What both ends settled, from our point of view.
struct Agreed {
  std::vector<Format> send;                   // under the numbers the peer expects, best first
  std::vector<Format> receive;                // under the numbers we announced; the same in nearly all calls
  Direction direction = Direction::inactive;  // ours
  bool refused = false;                       // port 0: no media
  DtlsRole role = DtlsRole::passive;          // browser
  bool new_association = false;               // browser: this exchange starts a DTLS association (RFC 8842 section 5)
  friend bool operator==(const Agreed&, const Agreed&) = default;
};

enum class Refusal : uint8_t {
  no_common_codec,  // the gateway answers 488
  refused,          // the peer's answer has port 0 for our audio
  shape             // the peer's answer has other m-lines than our offer, or there was no offer
};
std::string_view describe(Refusal refusal);

class Leg {
 public:
  // `session_id` is random and belongs to the leg; the top bit is cleared, as some peers read it as a signed number.
  Leg(Profile profile, uint64_t session_id, LocalAudio local);

  Profile profile() const { return profile_; }

  // RFC 3264 sections 5 and 8. `actpass` always: the role moves with the answer only (RFC 8842 section 5.2).
  const std::string& offer(const Intent& intent);

  // Answers the peer's offer (section 6). A refusal leaves the leg as it was.
  Result<Agreed, Refusal> answer(const RemoteAudio& offer, const Intent& intent);

  // Answers an offer that changes nothing of the session with what is agreed already (session refresh, new address):
  // the text is the last answer when that would say the same. Requires agreed().
  Result<Agreed, Refusal> refresh(const RemoteAudio& offer);

  // Takes the peer's answer to our last offer. A refusal leaves the leg as it was before that offer, apart from the o=
  // version.
  Result<Agreed, Refusal> accept(const RemoteAudio& answer);

  const std::string& last() const { return last_text_; }                // the last description written
  const std::optional<Agreed>& agreed() const { return agreed_; }       // of the last complete exchange
  const std::optional<RemoteAudio>& remote() const { return remote_; }  // the peer's part of it

 private:
  bool is_browser() const { return profile_ == Profile::browser; }
  std::vector<Format> offered_formats(const Intent& intent) const;
  uint8_t free_payload(const Codec& codec, const std::vector<Format>& taken) const;
  Description begin() const;
  void write_transport(Media& media) const;
  void write_audio(Media& media, const std::vector<Format>& formats, Direction direction, uint16_t ptime) const;
  void write_refused(Description& out, const Section& section) const;
  void publish(Description&& description);
  void bind(const std::vector<Format>& formats);
  bool is_new_association(const RemoteAudio& remote) const;
  DtlsRole role_towards(const RemoteAudio& offer) const;

  Profile profile_;
  uint64_t session_id_;
  LocalAudio local_;
  uint64_t version_ = 0;
  Description last_;  // with version 0, for comparison
  std::string last_text_;
  std::vector<Section> sections_;  // of the last complete exchange, or of our first offer
  size_t section_ = 0;
  std::vector<Format> bound_;                   // payload numbers of this leg; a codec keeps its number (section 8.3.2)
  std::optional<std::vector<Format>> offered_;  // our open offer
  Direction offered_direction_ = Direction::sendrecv;
  uint16_t ptime_ = 0;  // of the last description
  std::optional<Agreed> agreed_;
  std::optional<RemoteAudio> remote_;
};

}  // namespace isthmus::sdp
