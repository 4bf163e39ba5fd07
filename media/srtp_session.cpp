// SPDX-License-Identifier: MIT
#include "media/srtp_session.hpp"

#include <algorithm>

namespace isthmus::media {

SrtpSizes sizes_of(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aes128_cm_sha1_80: return {16, 14, 10, 10};
    case SrtpProfile::aes128_cm_sha1_32: return {16, 14, 4, 10};  // RFC 5764 4.1.2: RTCP keeps the long tag
    case SrtpProfile::aead_aes_128_gcm: return {16, 12, 16, 16};
    case SrtpProfile::aead_aes_256_gcm: return {32, 12, 16, 16};
  }
  return {};
}

size_t exporter_size(SrtpProfile profile) {
  const SrtpSizes sizes = sizes_of(profile);
  return 2 * (sizes.key + sizes.salt);
}

std::optional<SrtpKeys> keys_from_exporter(SrtpProfile profile, Bytes material, DtlsRole role) {
  if (material.size() != exporter_size(profile)) return std::nullopt;
  const SrtpSizes sizes = sizes_of(profile);
  SrtpMaster client;
  SrtpMaster server;
  const auto take = [&material](size_t size, std::byte* to) {
    std::copy_n(material.begin(), size, to);
    material = material.subspan(size);
  };
  take(sizes.key, client.key.data());
  take(sizes.key, server.key.data());
  take(sizes.salt, client.salt.data());
  take(sizes.salt, server.salt.data());
  const bool is_client = role == DtlsRole::active;
  return SrtpKeys{profile, is_client ? client : server, is_client ? server : client};
}

std::string_view describe(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aes128_cm_sha1_80: return "SRTP_AES128_CM_SHA1_80";
    case SrtpProfile::aes128_cm_sha1_32: return "SRTP_AES128_CM_SHA1_32";
    case SrtpProfile::aead_aes_128_gcm: return "SRTP_AEAD_AES_128_GCM";
    case SrtpProfile::aead_aes_256_gcm: return "SRTP_AEAD_AES_256_GCM";
  }
  return "unknown profile";
}

std::string_view describe(SrtpFault fault) {
  switch (fault) {
    case SrtpFault::malformed: return "not a packet of this profile";
    case SrtpFault::bad_tag: return "authentication tag does not match";
    case SrtpFault::replayed: return "replayed packet";
    case SrtpFault::too_old: return "behind the replay window";
    case SrtpFault::no_room: return "no room for the tag";
    case SrtpFault::too_many_sources: return "too many sources";
    case SrtpFault::key_exhausted: return "key used up";
    case SrtpFault::internal: return "the SRTP library failed";
    case SrtpFault::kCount: break;
  }
  return "unknown fault";
}

}  // namespace isthmus::media
