// SPDX-License-Identifier: MIT
#include "gateway/call/media_plan.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

media::Codec relay_codec(const sdp::Codec& codec) {
  struct Name {
    std::string_view encoding;
    media::Codec codec;
  };
  static constexpr std::array kNames{Name{"PCMU", media::Codec::pcmu},
                                     Name{"PCMA", media::Codec::pcma},
                                     Name{"G722", media::Codec::g722},
                                     Name{"opus", media::Codec::opus},
                                     Name{"telephone-event", media::Codec::telephone_event},
                                     Name{"CN", media::Codec::comfort_noise}};
  for (const Name& name : kNames) {
    if (equals_ignore_case(name.encoding, codec.encoding)) return name.codec;
  }
  return media::Codec::none;
}

void add(media::PayloadMap& map, const sdp::Format& format) {
  const media::Codec codec = relay_codec(format.codec);
  const auto end = map.entries.begin() + map.count;
  const auto taken = [&format](const media::Payload& p) { return p.number == format.payload; };
  if (codec == media::Codec::none || map.count == map.entries.size() || std::any_of(map.entries.begin(), end, taken))
    return;
  map.entries[map.count++] = {format.payload, codec, format.codec.clock};
}

media::Fingerprint fingerprint(const sdp::Fingerprint& from) {
  return {static_cast<media::HashName>(from.hash), from.octets, from.size};
}
static_assert(static_cast<int>(media::HashName::sha512) == static_cast<int>(sdp::HashName::sha512));

media::DtlsRole role(sdp::DtlsRole from) {
  return from == sdp::DtlsRole::active ? media::DtlsRole::active : media::DtlsRole::passive;
}

media::ArmWebrtc arm_browser(media::LegId leg, const sdp::RemoteAudio& remote, const sdp::Agreed& agreed) {
  media::ArmWebrtc out;
  out.leg = leg;
  out.remote = {media::Ufrag::of(remote.ice.ufrag), media::Password::of(remote.ice.password)};
  out.fingerprint = fingerprint(remote.fingerprint);
  out.role = role(agreed.role);
  out.payloads = payload_map(agreed);
  return out;
}

SocketAddress reachable(SocketAddress address, const IpAddress& signalling) {
  if (address.is_set() && is_hidden(address.ip, signalling)) address.ip = signalling;
  return address;
}

media::ArmRtp arm_phone(media::LegId leg, const sdp::RemoteAudio& remote, const sdp::Agreed& agreed,
                        const IpAddress& signalling) {
  media::ArmRtp out;
  out.leg = leg;
  out.signalling = signalling;
  out.payloads = payload_map(agreed);
  if (agreed.refused) return out;
  out.remote = reachable(remote.address, signalling);
  out.remote_rtcp = reachable(remote.rtcp, signalling);
  return out;
}

}  // namespace

media::LegKind leg_kind(sdp::Profile profile) {
  return profile == sdp::Profile::browser ? media::LegKind::webrtc : media::LegKind::rtp;
}

sdp::LocalAudio local_audio(const media::LegReady& ready, sdp::Profile profile) {
  sdp::LocalAudio out;
  const size_t count = std::min<size_t>(ready.address_count, ready.addresses.size());
  if (profile == sdp::Profile::phone) {
    if (count > 0) out.addresses.push_back(ready.addresses[0]);
    if (count > 1) out.rtcp = ready.addresses[1];
    return out;
  }
  out.addresses.assign(ready.addresses.begin(), ready.addresses.begin() + static_cast<std::ptrdiff_t>(count));
  out.ice = {std::string(ready.local.ufrag.view()), std::string(ready.local.password.view())};
  out.fingerprint = {static_cast<sdp::HashName>(ready.fingerprint.hash), ready.fingerprint.octets,
                     ready.fingerprint.size};
  return out;
}

media::PayloadMap payload_map(const sdp::Agreed& agreed) {
  media::PayloadMap out;
  for (const sdp::Format& format : agreed.send) add(out, format);
  for (const sdp::Format& format : agreed.receive) add(out, format);
  return out;
}

media::Order arm_leg(media::LegId leg, const sdp::Leg& from, const IpAddress& signalling) {
  const sdp::RemoteAudio remote = from.remote().value_or(sdp::RemoteAudio{});
  const sdp::Agreed agreed = from.agreed().value_or(sdp::Agreed{});
  if (from.profile() == sdp::Profile::phone) return arm_phone(leg, remote, agreed, signalling);
  if (agreed.refused) return gates(leg, agreed);
  return arm_browser(leg, remote, agreed);
}

media::SwitchLeg gates(media::LegId leg, const sdp::Agreed& agreed, bool hear_peer) {
  return {leg, hear_peer && sdp::receives(agreed.direction), sdp::sends(agreed.direction)};
}

bool is_hidden(const IpAddress& media, const IpAddress& signalling) {
  if (signalling.family == Family::none || media.family != signalling.family || media == signalling) return false;
  if (media.is_loopback()) return !signalling.is_loopback();
  if (media.is_link_local()) return !signalling.is_link_local() && !signalling.is_loopback();
  const bool from_public = !signalling.is_private() && !signalling.is_loopback() && !signalling.is_link_local();
  return media.is_private() && from_public;
}

}  // namespace isthmus::gateway
