// SPDX-License-Identifier: MIT
#include "media/rtp_packet.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/encoding.hpp"
#include "media/rtp_stats.hpp"

namespace isthmus::media {
namespace {

std::vector<std::byte> octets(std::string_view hex) {
  return *from_hex(hex);
}

// Marker, payload type 96, two CSRCs, one-byte extension with two elements, payload aabbcc, three octets of padding.
const std::string kFull =
    "b2e0123400000064deadbeef"
    "1111111122222222"
    "bede0002"
    "10ff"
    "21abcd"
    "000000"
    "aabbcc"
    "000003";

TEST(RtpPacket, RFC3550_5_1_all_parts_of_a_header_are_read) {
  const auto packet = octets(kFull);
  const auto parsed = parse_rtp(packet);
  ASSERT_TRUE(parsed);
  const RtpHeader& header = parsed->header;
  EXPECT_TRUE(header.padding && header.marker && header.extension);
  EXPECT_EQ(header.payload_type, 96);
  EXPECT_EQ(header.sequence, 0x1234);
  EXPECT_EQ(header.timestamp, 100U);
  EXPECT_EQ(header.ssrc, 0xdeadbeefU);
  EXPECT_EQ(header.csrc_count, 2);
  EXPECT_EQ(header.header_size, 32);
  EXPECT_EQ(to_hex(parsed->payload), "aabbcc");
  EXPECT_EQ(parsed->padding_size, 3);
}

TEST(RtpPacket, advisory_26_packets_cut_at_any_octet_are_refused_or_shorter) {
  const auto packet = octets(kFull);
  for (size_t size = 0; size < packet.size(); ++size) {
    const auto header = parse_rtp_header(Bytes{packet}.first(size));
    EXPECT_EQ(header.has_value(), size >= 32) << size;
    if (header) {
      EXPECT_LE(header->header_size, size);
    }
  }
  EXPECT_EQ(parse_rtp_header(octets("8000000100000001000000")).error(), RtpFault::too_short);  // 11 octets
  EXPECT_TRUE(parse_rtp_header(octets("800000010000000100000001")));                           // 12
}

TEST(RtpPacket, advisory_26_CSRC_counts_and_extension_lengths_are_checked_against_the_end) {
  EXPECT_EQ(parse_rtp_header(octets("8f0000010000000100000001")).error(), RtpFault::bad_csrc);
  EXPECT_EQ(parse_rtp_header(octets("900000010000000100000001")).error(), RtpFault::bad_extension);
  EXPECT_EQ(parse_rtp_header(octets("900000010000000100000001bedeffff")).error(), RtpFault::bad_extension);
  EXPECT_EQ(parse_rtp_header(octets("900000010000000100000001bede000100")).error(), RtpFault::bad_extension);
  EXPECT_TRUE(parse_rtp_header(octets("900000010000000100000001bede0000")));
  for (const char* version : {"00", "40", "c0"}) {
    EXPECT_EQ(parse_rtp_header(octets(std::string(version) + "0000010000000100000001")).error(), RtpFault::bad_version);
  }
}

TEST(RtpPacket, advisory_27_padding_of_zero_all_or_more_than_the_payload) {
  const std::string header = "a00000010000000100000001";
  EXPECT_EQ(parse_rtp(octets(header)).error(), RtpFault::bad_padding);
  EXPECT_EQ(parse_rtp(octets(header + "aa00")).error(), RtpFault::bad_padding);
  EXPECT_EQ(parse_rtp(octets(header + "aaff")).error(), RtpFault::bad_padding);
  EXPECT_EQ(parse_rtp(octets(header + "aa03")).error(), RtpFault::bad_padding);
  const auto all = octets(header + "aa02");
  const auto parsed = parse_rtp(all);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->payload.empty());
  EXPECT_EQ(parsed->padding_size, 2);
}

TEST(RtpPacket, fields_are_written_in_place_and_nothing_else_moves) {
  auto packet = octets(kFull);
  set_rtp_payload_type(packet.data(), 111);
  set_rtp_sequence(packet.data(), 0xfffe);
  set_rtp_timestamp(packet.data(), 0x01020304);
  set_rtp_ssrc(packet.data(), 0xcafebabe);
  auto header = parse_rtp_header(packet);
  EXPECT_TRUE(header->marker);
  EXPECT_EQ(header->payload_type, 111);
  EXPECT_EQ(header->sequence, 0xfffe);
  EXPECT_EQ(header->timestamp, 0x01020304U);
  EXPECT_EQ(header->ssrc, 0xcafebabeU);
  set_rtp_marker(packet.data(), false);
  header = parse_rtp_header(packet);
  EXPECT_FALSE(header->marker);
  EXPECT_EQ(header->payload_type, 111);
  EXPECT_EQ(to_hex(Bytes{packet}.subspan(12)), kFull.substr(24));
}

TEST(RtpPacket, CSRCs_and_extension_are_taken_out_by_moving_the_fixed_header) {
  auto packet = octets(kFull);
  const auto header = parse_rtp_header(packet);
  const size_t cut = strip_rtp_header(packet, *header);
  EXPECT_EQ(cut, 20U);
  EXPECT_EQ(to_hex(Bytes{packet}.subspan(cut)), "a0e0123400000064deadbeefaabbcc000003");
  auto plain = octets("800000010000000100000001aa");
  EXPECT_EQ(strip_rtp_header(plain, *parse_rtp_header(plain)), 0U);
}

TEST(RtpPacket, headers_of_our_own_are_read_back) {
  std::array<std::byte, kRtpHeaderSize> room{};
  write_rtp_header(room, 101, true, 7, 160, 0x12345678);
  EXPECT_EQ(to_hex(room),
            "80e5000700"
            "0000a0"
            "12345678");
}

std::vector<std::pair<int, std::string>> elements(std::string_view profile, std::string_view words, bool* malformed) {
  const size_t count = words.size() / 8;
  std::string hex = "900000010000000100000001";
  hex += profile;
  hex += to_hex(std::array{static_cast<std::byte>(count >> 8), static_cast<std::byte>(count & 0xff)});
  hex += words;
  const auto packet = octets(hex);
  const auto header = parse_rtp_header(packet);
  RtpExtensions reader(packet, *header);
  std::vector<std::pair<int, std::string>> found;
  while (const auto element = reader.next()) found.emplace_back(element->id, to_hex(element->value));
  *malformed = reader.is_malformed();
  return found;
}

TEST(RtpPacket, RFC8285_elements_of_both_forms_are_walked_and_bounded) {
  using Elements = std::vector<std::pair<int, std::string>>;
  bool malformed = false;
  EXPECT_EQ(elements("bede", "10ff21abcd000000", &malformed), (Elements{{1, "ff"}, {2, "abcd"}}));
  EXPECT_FALSE(malformed);
  EXPECT_EQ(elements("bede", "f0ff21abcd000000", &malformed), Elements{});  // id 15 ends the walk
  EXPECT_FALSE(malformed);
  EXPECT_EQ(elements("bede", "10ff2fab", &malformed), (Elements{{1, "ff"}}));
  EXPECT_TRUE(malformed);
  EXPECT_EQ(elements("1000", "0100020203040000", &malformed), (Elements{{1, ""}, {2, "0304"}}));
  EXPECT_FALSE(malformed);
  EXPECT_EQ(elements("100f", "01ff0203", &malformed), Elements{});
  EXPECT_TRUE(malformed);
  EXPECT_EQ(elements("1000", "00000005", &malformed), Elements{});
  EXPECT_TRUE(malformed);
  EXPECT_EQ(elements("abcd", "10ff21abcd000000", &malformed), Elements{});  // another profile: opaque
  EXPECT_FALSE(malformed);
}

TimePoint at(int64_t milliseconds) {
  return TimePoint{} + std::chrono::milliseconds(milliseconds);
}

TEST(RtpStats, RFC3550_A_1_a_source_counts_after_two_packets_in_order) {
  RtpStats stats(8000);
  EXPECT_FALSE(stats.receive(100, 0, at(0)));
  EXPECT_TRUE(stats.receive(101, 160, at(20)));
  EXPECT_EQ(stats.received(), 1U);
  RtpStats jumping(8000);
  EXPECT_FALSE(jumping.receive(100, 0, at(0)));
  EXPECT_FALSE(jumping.receive(300, 0, at(20)));
  EXPECT_TRUE(jumping.receive(301, 0, at(40)));
}

TEST(RtpStats, RFC3550_A_1_wrap_around_extends_the_highest_sequence) {
  RtpStats stats(8000);
  for (uint32_t i = 0; i < 20; ++i) stats.receive(static_cast<uint16_t>(65526 + i), 160 * i, at(20 * i));
  EXPECT_EQ(stats.extended_highest(), 65536U + 9);
  EXPECT_EQ(stats.lost(), 0);
}

TEST(RtpStats, RFC3550_A_3_loss_is_counted_cumulative_and_per_interval) {
  RtpStats stats(8000);
  for (uint16_t i = 0; i < 100; ++i) {
    if (i % 4 != 3) stats.receive(i, 160U * i, at(20 * i));
  }
  stats.receive(100, 16000, at(2000));
  const ReportBlock first = stats.report(7, at(2000));
  EXPECT_EQ(first.ssrc, 7U);
  EXPECT_EQ(first.lost, 25);
  EXPECT_EQ(first.fraction_lost, 25 * 256 / 100);
  EXPECT_EQ(first.highest_sequence, 100U);
  for (uint16_t i = 101; i <= 150; ++i) stats.receive(i, 160U * i, at(20 * i));
  const ReportBlock second = stats.report(7, at(3000));
  EXPECT_EQ(second.lost, 25);
  EXPECT_EQ(second.fraction_lost, 0);
}

TEST(RtpStats, RFC3550_A_3_duplicates_make_the_loss_negative_and_the_fraction_zero) {
  RtpStats stats(8000);
  for (uint16_t i = 0; i < 10; ++i) {
    stats.receive(i, 0, at(0));
    if (i > 1) stats.receive(i, 0, at(0));
  }
  EXPECT_EQ(stats.report(1, at(0)).lost, -8);
  EXPECT_EQ(stats.report(1, at(0)).fraction_lost, 0);
}

TEST(RtpStats, RFC3550_A_1_a_large_jump_needs_two_packets_to_restart) {
  RtpStats stats(8000);
  for (uint16_t i = 0; i < 10; ++i) stats.receive(i, 0, at(0));
  EXPECT_FALSE(stats.receive(30000, 0, at(0)));
  EXPECT_EQ(stats.extended_highest(), 9U);
  EXPECT_TRUE(stats.receive(30001, 0, at(0)));
  EXPECT_EQ(stats.extended_highest(), 30001U);
  EXPECT_EQ(stats.lost(), 0);
}

TEST(RtpStats, RFC3550_A_8_jitter_converges_to_the_deviation_of_transit) {
  RtpStats even(8000);
  RtpStats uneven(8000);
  for (uint32_t i = 0; i < 1000; ++i) {
    even.receive(static_cast<uint16_t>(i), 160 * i, at(20 * i));
    uneven.receive(static_cast<uint16_t>(i), 160 * i, at(20 * i + (i % 2) * 10));
  }
  EXPECT_EQ(even.jitter(), 0U);
  EXPECT_NEAR(uneven.jitter(), 80, 2);  // 10 ms at 8 kHz
}

TEST(RtpStats, RFC3550_6_4_1_last_SR_and_delay_since_it_are_reported) {
  RtpStats stats(8000);
  stats.sender_report(0x0000'1234'5678'0000, at(1000));
  const ReportBlock block = stats.report(1, at(2500));
  EXPECT_EQ(block.last_sr, 0x12345678U);
  EXPECT_EQ(block.delay_since_last_sr, 65536U * 3 / 2);
  EXPECT_EQ(RtpStats(8000).report(1, at(5)).last_sr, 0U);
}

TEST(RtpStats, RFC3550_4_NTP_time_of_the_Unix_epoch) {
  EXPECT_EQ(ntp_time(WallTime{}), uint64_t{2208988800} << 32);
  EXPECT_EQ(ntp_time(WallTime{} + std::chrono::milliseconds(1500)), (uint64_t{2208988801} << 32) | 0x80000000U);
}

}  // namespace
}  // namespace isthmus::media
