// SPDX-License-Identifier: MIT
// Door of sdp: any bytes are parsed, written and parsed again; what can be read is negotiated and answered as browser
// and as phone. Invariants: writing is a fixed point, our own descriptions are read by our own parser with the formats
// that were agreed, a description means the same as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sdp/parser.hpp"
#include "sdp/profile.hpp"
#include "sdp/writer.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sdp;

void require(bool invariant) {
  if (!invariant) std::abort();
}

LocalAudio local_audio() {
  LocalAudio out;
  out.addresses = {{IpAddress::v4(192, 0, 2, 7), 30000}};
  out.rtcp = {IpAddress::v4(192, 0, 2, 7), 30005};
  out.ice = {"abcdefgh", "abcdefghijklmnopqrstuvwx"};
  out.fingerprint.size = 32;
  return out;
}

void check_own(const Leg& leg, const Agreed& agreed, size_t sections) {
  const auto own = parse(leg.last());
  require(own && own->ignored_lines == 0 && own->media.size() == sections && write(*own) == leg.last());
  const auto read = read_remote(*own, leg.profile());
  require(read && read->refused == agreed.refused);
  if (!agreed.refused) require(read->formats.size() == agreed.receive.size() && read->direction == agreed.direction);
}

void negotiate(const Description& description, Profile profile) {
  const auto remote = read_remote(description, profile);
  if (!remote) return;
  require(compare(*remote, *remote, default_codecs()).none());
  Leg leg(profile, 1, local_audio());
  for (const Preference preference : {Preference::offer, Preference::own}) {
    const auto agreed = leg.answer(*remote, {default_codecs(), Direction::sendrecv, preference});
    if (!agreed) return;
    check_own(leg, *agreed, remote->sections.size());
    const auto again = leg.refresh(*remote);
    require(again && again->send == agreed->send && !again->new_association);
  }
  require(parse(leg.offer({default_codecs(), Direction::sendonly})).has_value());
  const auto accepted = leg.accept(*remote);
  if (accepted) require(!accepted->send.empty() && !receives(accepted->direction));
}

// Typed readings that nothing above asks for; what we can write must read back.
void read_attributes(const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) {
    (void)parse_candidate(attribute.value);
    (void)parse_extmap(attribute.value);
    (void)parse_ssrc(attribute.value);
    (void)parse_msid(attribute.value);
    if (const auto rtpmap = parse_rtpmap(attribute.value)) require(parse_rtpmap(write_rtpmap(*rtpmap)) == rtpmap);
    if (const auto print = parse_fingerprint(attribute.value))
      require(parse_fingerprint(write_fingerprint(*print)) == print);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse(text);
  if (!parsed) return 0;
  const std::string once = write(*parsed);
  const auto again = parse(once);
  // The default t= and s= lines may push a description over the limits of its size; nothing else may.
  if (!again) {
    require(once.size() > kMaxDescriptionBytes || again.error().code == ParseFault::too_many_lines);
    return 0;
  }
  require(write(*again) == once);
  read_attributes(parsed->attributes);
  for (const Media& media : parsed->media) read_attributes(media.attributes);
  (void)profile_of(*parsed);
  for (const Profile profile : {Profile::browser, Profile::phone}) negotiate(*parsed, profile);
  return 0;
}
