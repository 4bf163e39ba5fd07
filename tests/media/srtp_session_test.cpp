// SPDX-License-Identifier: MIT
#include "media/srtp_session.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "media/rtcp_packet.hpp"
#include "media/rtp_packet.hpp"
#include "tests/support/srtp_oracle.hpp"

namespace isthmus::media {
namespace {

using test::Octets;

constexpr SrtpProfile kProfiles[] = {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aes128_cm_sha1_32,
                                     SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm};
constexpr size_t kPayload = 160;

SrtpMaster master_of(uint64_t seed) {
  Random random(Seed::of(seed));
  SrtpMaster master;
  random.fill(master.key);
  random.fill(master.salt);
  return master;
}

SrtpKeys keys_of(SrtpProfile profile) {
  return {profile, master_of(1), master_of(2)};
}

SrtpKeys turned(const SrtpKeys& keys) {
  return {keys.profile, keys.theirs, keys.ours};
}

Octets rtp(uint16_t sequence, uint32_t ssrc = 0xcafebabe) {
  Octets packet(kRtpHeaderSize + kPayload, std::byte{0xab});
  write_rtp_header(packet, 0, false, sequence, sequence * 160U, ssrc);
  return packet;
}

Octets rtcp(uint32_t ssrc = 0xcafebabe) {
  Octets room(256);
  RtcpWriter writer(room);
  writer.receiver_report(ssrc, std::array{ReportBlock{1, 2, 3, 4, 5, 6, 7}});
  writer.cname(ssrc, "a@b");
  room.resize(writer.bytes().size());
  return room;
}

using Operation = Result<size_t, SrtpFault> (SrtpSession::*)(MutableBytes, size_t);
Result<Octets, SrtpFault> protect(SrtpSession& session, Octets packet, Operation operation) {
  const size_t size = packet.size();
  packet.resize(size + kMaxSrtpGrowth);
  const auto sealed = (session.*operation)(packet, size);
  if (!sealed) return fail(sealed.error());
  packet.resize(*sealed);
  return packet;
}
Octets seal_rtp(SrtpSession& session, const Octets& packet) {
  return protect(session, packet, &SrtpSession::protect_rtp).value_or(Octets{});
}
Octets seal_rtcp(SrtpSession& session, const Octets& packet) {
  return protect(session, packet, &SrtpSession::protect_rtcp).value_or(Octets{});
}
Result<Octets, SrtpFault> open_rtp(SrtpSession& session, Octets packet) {
  const auto opened = session.unprotect_rtp(packet);
  if (!opened) return fail(opened.error());
  packet.resize(*opened);
  return packet;
}
Result<Octets, SrtpFault> open_rtcp(SrtpSession& session, Octets packet) {
  const auto opened = session.unprotect_rtcp(packet);
  if (!opened) return fail(opened.error());
  packet.resize(*opened);
  return packet;
}

// The oracle itself, against the RFCs' own numbers.
TEST(SrtpOracle, RFC3711_B_2_key_stream) {
  const auto key = *from_hex("2b7e151628aed2a6abf7158809cf4f3c");
  const auto block = *from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000");
  EXPECT_EQ(to_hex(test::aes_cm_keystream(key, block, 48)),
            "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0");
}

TEST(SrtpOracle, RFC3711_B_3_key_derivation) {
  const auto key = *from_hex("e1f97a0d3e018be0d64fa32c06de4139");
  const auto salt = *from_hex("0ec675ad498afeebb6960b3aabe6");
  EXPECT_EQ(to_hex(test::derive(key, salt, 0, 16)), "c61e7a93744f39ee10734afe3ff7a087");
  EXPECT_EQ(to_hex(test::derive(key, salt, 2, 14)), "30cbbc08863d8c85d49db34a9ae1");
  EXPECT_EQ(to_hex(test::derive(key, salt, 1, 16)), "cebe321f6ff7716b6fd4ab49af256a15");
}

TEST(SrtpOracle, RFC7714_16_1_1_GCM_of_a_packet) {
  const auto key = *from_hex("000102030405060708090a0b0c0d0e0f");
  const auto nonce = *from_hex("51753c6580c2726f20718414");
  const auto header = *from_hex("8040f17b8041f8d35501a0b2");
  const std::string_view plain = "Gallia est omnis divisa in partes tres";
  EXPECT_EQ(to_hex(test::gcm_seal(key, nonce, header, as_bytes(plain))),
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
            "899d7f27beb16a9152cf765ee4390cce");
}

TEST(SrtpSession, RFC3711_RFC7714_sealed_packets_are_the_oracles_octet_for_octet) {
  for (const SrtpProfile profile : kProfiles) {
    const SrtpKeys keys = keys_of(profile);
    const auto session = make_libsrtp_session(keys);
    ASSERT_TRUE(session) << describe(profile);
    for (const uint16_t sequence : {1, 2, 700}) {
      EXPECT_EQ(seal_rtp(*session, rtp(sequence)), test::seal_rtp(profile, keys.ours, rtp(sequence), 0))
          << describe(profile);
    }
    for (uint32_t index = 1; index < 4; ++index) {
      EXPECT_EQ(seal_rtcp(*session, rtcp()), test::seal_rtcp(profile, keys.ours, rtcp(), index)) << describe(profile);
    }
  }
}

TEST(SrtpSession, packets_of_the_oracle_are_opened_and_those_with_header_extensions_too) {
  for (const SrtpProfile profile : kProfiles) {
    const SrtpKeys keys = keys_of(profile);
    const auto session = make_libsrtp_session(keys);
    EXPECT_EQ(open_rtp(*session, test::seal_rtp(profile, keys.theirs, rtp(9), 0)).value(), rtp(9));
    Octets extended = rtp(10);
    extended[0] |= std::byte{0x11};  // one CSRC, one extension of a word, in what was payload
    write_u32(&extended[16], 0xbede0001);
    EXPECT_EQ(open_rtp(*session, test::seal_rtp(profile, keys.theirs, extended, 0)).value(), extended);
    EXPECT_EQ(open_rtcp(*session, test::seal_rtcp(profile, keys.theirs, rtcp(), 5)).value(), rtcp());
  }
}

TEST(SrtpSession, all_profiles_carry_RTP_and_RTCP_both_ways_and_grow_as_stated) {
  for (const SrtpProfile profile : kProfiles) {
    const auto a = make_libsrtp_session(keys_of(profile));
    const auto b = make_libsrtp_session(turned(keys_of(profile)));
    ASSERT_TRUE(a && b);
    const SrtpSizes sizes = sizes_of(profile);
    for (uint16_t i = 0; i < 100; ++i) {
      const Octets there = seal_rtp(*a, rtp(i));
      EXPECT_EQ(there.size(), rtp(i).size() + sizes.rtp_tag);
      EXPECT_EQ(open_rtp(*b, there).value(), rtp(i));
      EXPECT_EQ(open_rtp(*a, seal_rtp(*b, rtp(i, 0x1111))).value(), rtp(i, 0x1111));
    }
    const Octets report = seal_rtcp(*a, rtcp());
    EXPECT_EQ(report.size(), rtcp().size() + sizes.rtcp_tag + 4);
    EXPECT_LE(sizes.rtcp_tag + 4, kMaxSrtpGrowth);
    EXPECT_EQ(open_rtcp(*b, report).value(), rtcp());
  }
}

TEST(SrtpSession, no_bit_flip_of_a_sealed_packet_is_opened) {
  for (const SrtpProfile profile : kProfiles) {
    const auto a = make_libsrtp_session(keys_of(profile));
    const auto b = make_libsrtp_session(turned(keys_of(profile)));
    const Octets packet = seal_rtp(*a, rtp(1));
    const Octets report = seal_rtcp(*a, rtcp());
    for (size_t bit = 0; bit < packet.size() * 8; ++bit) {
      Octets flipped = packet;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      EXPECT_FALSE(open_rtp(*b, flipped)) << describe(profile) << " bit " << bit;
    }
    for (size_t bit = 0; bit < report.size() * 8; ++bit) {
      Octets flipped = report;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      EXPECT_FALSE(open_rtcp(*b, flipped)) << describe(profile) << " bit " << bit;
    }
    EXPECT_EQ(open_rtp(*b, packet).value(), rtp(1));
    EXPECT_EQ(open_rtcp(*b, report).value(), rtcp());
  }
}

TEST(SrtpSession, a_flipped_payload_is_reported_as_a_bad_tag) {
  for (const SrtpProfile profile : kProfiles) {
    const auto a = make_libsrtp_session(keys_of(profile));
    const auto b = make_libsrtp_session(turned(keys_of(profile)));
    Octets packet = seal_rtp(*a, rtp(1));
    packet[20] ^= std::byte{1};
    EXPECT_EQ(open_rtp(*b, packet).error(), SrtpFault::bad_tag) << describe(profile);
    Octets report = seal_rtcp(*a, rtcp());
    report[10] ^= std::byte{1};
    EXPECT_EQ(open_rtcp(*b, report).error(), SrtpFault::bad_tag) << describe(profile);
  }
}

TEST(SrtpSession, RFC3711_3_3_2_replays_are_refused) {
  for (const SrtpProfile profile : kProfiles) {
    const auto a = make_libsrtp_session(keys_of(profile));
    const auto b = make_libsrtp_session(turned(keys_of(profile)));
    std::vector<Octets> packets;
    for (uint16_t i = 0; i < 2000; ++i) packets.push_back(seal_rtp(*a, rtp(i)));
    EXPECT_TRUE(open_rtp(*b, packets[1990]));
    EXPECT_TRUE(open_rtp(*b, packets[1500])) << "reordering inside the window is fine";
    EXPECT_EQ(open_rtp(*b, packets[1990]).error(), SrtpFault::replayed);
    EXPECT_EQ(open_rtp(*b, packets[1500]).error(), SrtpFault::replayed);
    EXPECT_EQ(open_rtp(*b, packets[1990 - kSrtpReplayWindow - 1]).error(), SrtpFault::too_old);
    const Octets report = seal_rtcp(*a, rtcp());
    EXPECT_TRUE(open_rtcp(*b, report));
    EXPECT_EQ(open_rtcp(*b, report).error(), SrtpFault::replayed);
  }
}

TEST(SrtpSession, RFC3711_3_3_1_the_roll_over_counter_follows_the_sequence_on_both_sides) {
  for (const SrtpProfile profile : kProfiles) {
    const SrtpKeys keys = keys_of(profile);
    const auto a = make_libsrtp_session(keys);
    const auto b = make_libsrtp_session(turned(keys));
    for (uint32_t i = 65500; i < 65600; ++i) {
      const auto sequence = static_cast<uint16_t>(i);
      const Octets sealed = seal_rtp(*a, rtp(sequence));
      EXPECT_EQ(sealed, test::seal_rtp(profile, keys.ours, rtp(sequence), i >> 16)) << i;
      EXPECT_EQ(open_rtp(*b, sealed).value(), rtp(sequence)) << i;
    }
  }
}

TEST(SrtpSession, RFC3711_9_1_one_sequence_number_is_sealed_once) {
  const auto session = make_libsrtp_session(keys_of(SrtpProfile::aead_aes_128_gcm));
  EXPECT_FALSE(seal_rtp(*session, rtp(5)).empty());
  EXPECT_EQ(protect(*session, rtp(5), &SrtpSession::protect_rtp).error(), SrtpFault::replayed);
}

TEST(SrtpSession, advisory_57_plain_packets_and_those_of_other_keys_are_never_opened) {
  for (const SrtpProfile profile : kProfiles) {
    const auto session = make_libsrtp_session(keys_of(profile));
    for (uint16_t i = 0; i < 100; ++i) {
      EXPECT_FALSE(open_rtp(*session, rtp(i)));
      EXPECT_FALSE(open_rtcp(*session, rtcp()));
    }
    const SrtpKeys foreign{profile, master_of(3), master_of(4)};
    const auto other = make_libsrtp_session(foreign);
    EXPECT_EQ(open_rtp(*session, seal_rtp(*other, rtp(1))).error(), SrtpFault::bad_tag);
    // Our own packets reflected at us are not the peer's.
    EXPECT_EQ(open_rtp(*session, seal_rtp(*session, rtp(1))).error(), SrtpFault::bad_tag);
  }
}

TEST(SrtpSession, advisory_4_ten_thousand_junk_packets_harm_nothing) {
  Random random(Seed::of(9));
  for (const SrtpProfile profile : kProfiles) {
    const auto a = make_libsrtp_session(keys_of(profile));
    const auto b = make_libsrtp_session(turned(keys_of(profile)));
    for (uint32_t i = 0; i < 10'000; ++i) {
      Octets junk(random.below(220));
      random.fill(junk);
      if (!junk.empty()) junk[0] = static_cast<std::byte>(0x80 | (octet(junk[0]) & 0x3f));
      EXPECT_FALSE(i % 2 == 0 ? open_rtp(*b, junk) : open_rtcp(*b, junk));
    }
    EXPECT_EQ(open_rtp(*b, seal_rtp(*a, rtp(1))).value(), rtp(1));
    EXPECT_EQ(open_rtcp(*b, seal_rtcp(*a, rtcp())).value(), rtcp());
  }
}

TEST(SrtpSession, sources_of_the_peer_are_bounded_and_forged_ones_do_not_count) {
  const SrtpKeys keys = keys_of(SrtpProfile::aes128_cm_sha1_80);
  const auto a = make_libsrtp_session(keys);
  const auto b = make_libsrtp_session(turned(keys));
  for (uint32_t ssrc = 1000; ssrc < 1100; ++ssrc) EXPECT_FALSE(open_rtp(*b, rtp(1, ssrc)));
  for (uint32_t ssrc = 1; ssrc <= kMaxSrtpSources; ++ssrc) EXPECT_TRUE(open_rtp(*b, seal_rtp(*a, rtp(1, ssrc))));
  EXPECT_EQ(open_rtp(*b, seal_rtp(*a, rtp(1, 500))).error(), SrtpFault::too_many_sources);
  EXPECT_TRUE(open_rtp(*b, seal_rtp(*a, rtp(2, 1))));
}

TEST(SrtpSession, short_rooms_and_packets_are_faults) {
  for (const SrtpProfile profile : kProfiles) {
    const auto session = make_libsrtp_session(keys_of(profile));
    Octets packet = rtp(1);
    EXPECT_EQ(session->protect_rtp(packet, packet.size()).error(), SrtpFault::no_room);
    Octets report = rtcp();
    EXPECT_EQ(session->protect_rtcp(report, report.size()).error(), SrtpFault::no_room);
    for (size_t size = 0; size < 24; ++size) {
      Octets small = rtp(1);
      small.resize(size);
      EXPECT_FALSE(open_rtp(*session, small));
      EXPECT_FALSE(open_rtcp(*session, small));
      if (size < 12) {
        EXPECT_EQ(protect(*session, small, &SrtpSession::protect_rtp).error(), SrtpFault::malformed);
      }
      if (size < 8) {
        EXPECT_EQ(protect(*session, small, &SrtpSession::protect_rtcp).error(), SrtpFault::malformed);
      }
    }
  }
}

TEST(SrtpKeys, RFC5764_4_2_exporter_material_is_cut_by_role) {
  for (const SrtpProfile profile : kProfiles) {
    const SrtpSizes sizes = sizes_of(profile);
    Octets material;
    for (const auto& [size, fill] : {std::pair{sizes.key, 1}, {sizes.key, 2}, {sizes.salt, 3}, {sizes.salt, 4}}) {
      material.insert(material.end(), size, static_cast<std::byte>(fill));
    }
    ASSERT_EQ(material.size(), exporter_size(profile));
    const auto client = keys_from_exporter(profile, material, DtlsRole::active);
    const auto server = keys_from_exporter(profile, material, DtlsRole::passive);
    ASSERT_TRUE(client && server);
    EXPECT_EQ(client->ours.key[0], std::byte{1});
    EXPECT_EQ(client->ours.salt[0], std::byte{3});
    EXPECT_EQ(client->theirs.key[0], std::byte{2});
    EXPECT_EQ(client->theirs.salt[sizes.salt - 1], std::byte{4});
    EXPECT_EQ(server->ours.key, client->theirs.key);
    EXPECT_EQ(server->theirs.salt, client->ours.salt);
    material.pop_back();
    EXPECT_FALSE(keys_from_exporter(profile, material, DtlsRole::active));
  }
}

TEST(SrtpKeys, every_profile_and_fault_has_a_name) {
  for (const SrtpProfile profile : kProfiles) EXPECT_NE(describe(profile), "unknown profile");
  for (uint8_t i = 0; i < static_cast<uint8_t>(SrtpFault::kCount); ++i) {
    EXPECT_NE(describe(static_cast<SrtpFault>(i)), "unknown fault");
  }
}

}  // namespace
}  // namespace isthmus::media
