// SPDX-License-Identifier: MIT
#include "media/rtcp_packet.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/encoding.hpp"

namespace isthmus::media {
namespace {

using Rules = RtcpReader::Rules;

std::vector<std::byte> raw(std::string_view hex) {
  return *from_hex(hex);
}

// One packet out of hexadecimal digits; the header's length is the true one.
std::vector<std::byte> one(uint8_t count, RtcpType type, std::string_view body_hex) {
  std::vector<std::byte> body = raw(body_hex);
  std::vector<std::byte> packet(4);
  packet[0] = static_cast<std::byte>(0x80 | count);
  packet[1] = static_cast<std::byte>(type);
  write_u16(&packet[2], static_cast<uint16_t>(body.size() / 4));
  packet.insert(packet.end(), body.begin(), body.end());
  return packet;
}

RtcpPacket first(Bytes datagram) {
  RtcpReader reader(datagram, Rules::reduced_size);
  const auto packet = reader.next();
  EXPECT_TRUE(packet);
  return packet.value_or(RtcpPacket{});
}

TEST(RtcpPacket, RFC3550_6_a_compound_is_written_and_read_back) {
  std::array<std::byte, 512> room{};
  RtcpWriter writer(room);
  const SenderInfo info{0x1122334455667788, 160, 10, 1600};
  const std::array blocks{ReportBlock{0xaaaa, 12, -5, 70000, 33, 44, 55},
                          ReportBlock{0xbbbb, 255, 0x7fffff, 1, 2, 3, 4}};
  writer.sender_report(0x5555, info, blocks);
  writer.cname(0x5555, "name@host");
  writer.bye(0x5555, "shut down");
  const Bytes compound = writer.bytes();
  EXPECT_EQ(compound.size() % 4, 0U);
  EXPECT_EQ(check_rtcp(compound), RtcpFault::none);
  RtcpReader reader(compound);
  const auto report = as_report(*reader.next());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sender, 0x5555U);
  EXPECT_EQ(report->info, info);
  ASSERT_EQ(report->size(), 2U);
  EXPECT_EQ(report->block(0), blocks[0]);
  EXPECT_EQ(report->block(1), blocks[1]);
  SdesReader sdes(*reader.next());
  const auto item = sdes.next();
  ASSERT_TRUE(item);
  EXPECT_EQ(item->source, 0x5555U);
  EXPECT_EQ(item->type, 1);
  EXPECT_EQ(item->text, "name@host");
  EXPECT_FALSE(sdes.next());
  EXPECT_FALSE(sdes.is_malformed());
  const auto bye = as_bye(*reader.next());
  ASSERT_TRUE(bye);
  EXPECT_EQ(bye->size(), 1U);
  EXPECT_EQ(bye->source(0), 0x5555U);
  EXPECT_EQ(bye->reason, "shut down");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.fault(), RtcpFault::none);
}

TEST(RtcpPacket, a_compound_that_does_not_fit_is_empty) {
  for (size_t size = 0; size < 28; ++size) {
    std::vector<std::byte> room(size);
    RtcpWriter writer(room);
    writer.receiver_report(1, {});
    writer.cname(1, "abcdefghi");
    EXPECT_TRUE(writer.bytes().empty()) << size;
  }
}

TEST(RtcpPacket, RFC3550_A_2_a_compound_begins_with_a_report_unless_reduced_size_is_agreed) {
  const auto bye = one(1, RtcpType::bye, "00000001");
  EXPECT_EQ(check_rtcp(bye), RtcpFault::bad_first);
  EXPECT_EQ(check_rtcp(bye, Rules::reduced_size), RtcpFault::none);
}

TEST(RtcpPacket, RFC3550_A_2_versions_lengths_and_padding_are_checked) {
  EXPECT_EQ(check_rtcp({}), RtcpFault::too_short);
  EXPECT_EQ(check_rtcp(raw("80c900")), RtcpFault::too_short);
  EXPECT_EQ(check_rtcp(raw("40c9000100000001")), RtcpFault::bad_version);
  EXPECT_EQ(check_rtcp(raw("80c9000200000001")), RtcpFault::bad_length);
  EXPECT_EQ(check_rtcp(raw("80c9ffff00000001")), RtcpFault::bad_length);
  EXPECT_EQ(check_rtcp(raw("80c900010000000180")), RtcpFault::too_short);  // one octet behind the last packet
  EXPECT_EQ(check_rtcp(raw("a0c9000200000001"
                           "00000004")),
            RtcpFault::none);
  EXPECT_EQ(check_rtcp(raw("a0c9000200000001"
                           "00000000")),
            RtcpFault::bad_padding);
  EXPECT_EQ(check_rtcp(raw("a0c9000200000001"
                           "00000003")),
            RtcpFault::bad_padding);
  EXPECT_EQ(check_rtcp(raw("a0c9000200000001"
                           "0000000c")),
            RtcpFault::bad_padding);
  EXPECT_EQ(check_rtcp(raw("a0c90000")), RtcpFault::bad_padding);
  // Padding on a packet that is not the last.
  EXPECT_EQ(check_rtcp(raw("a0c900020000000100000004"
                           "80c9000100000001")),
            RtcpFault::bad_padding);
  std::string many;
  for (size_t i = 0; i <= kMaxRtcpPackets; ++i) many += "80c9000100000001";
  EXPECT_EQ(check_rtcp(raw(many)), RtcpFault::too_many);
}

TEST(RtcpPacket, reports_with_fewer_blocks_than_counted_are_no_reports) {
  for (uint8_t count = 0; count < 32; ++count) {
    EXPECT_EQ(as_report(first(one(count, RtcpType::receiver_report, "00000001"))).has_value(), count == 0) << +count;
    EXPECT_FALSE(as_report(first(one(count, RtcpType::sender_report, "00000001"))));
  }
  EXPECT_FALSE(as_report(first(one(0, RtcpType::receiver_report, ""))));
}

TEST(RtcpPacket, advisory_23_BYE_reasons_and_counts_are_checked_against_the_packet) {
  EXPECT_FALSE(as_bye(first(one(1, RtcpType::bye,
                                "00000001"
                                "ff414141"))));  // reason of 255 in what is left of 8
  EXPECT_FALSE(as_bye(first(one(31, RtcpType::bye, ""))));
  EXPECT_FALSE(as_bye(first(one(31, RtcpType::bye, "00000001"))));
  const auto exact = one(1, RtcpType::bye,
                         "00000001"
                         "03414243");
  EXPECT_EQ(as_bye(first(exact))->reason, "ABC");
  const auto none = one(0, RtcpType::bye, "");
  EXPECT_EQ(as_bye(first(none))->size(), 0U);
}

TEST(RtcpPacket, advisory_24_XR_blocks_end_at_the_packet) {
  const auto huge = one(0, RtcpType::extended_report,
                        "00000001"
                        "0400ffff"
                        "00000000");
  XrReader reader(first(huge));
  EXPECT_EQ(reader.sender(), 1U);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.is_malformed());
  const auto good = one(0, RtcpType::extended_report,
                        "00000002"
                        "04000002"
                        "1122334455667788"
                        "05010000");
  XrReader walk(first(good));
  auto block = walk.next();
  ASSERT_TRUE(block);
  EXPECT_EQ(block->type, 4);
  EXPECT_EQ(to_hex(block->contents), "1122334455667788");
  block = walk.next();
  ASSERT_TRUE(block);
  EXPECT_EQ(block->type, 5);
  EXPECT_EQ(block->specific, 1);
  EXPECT_TRUE(block->contents.empty());
  EXPECT_FALSE(walk.next());
  EXPECT_FALSE(walk.is_malformed());
  XrReader empty(first(one(0, RtcpType::extended_report, "")));
  EXPECT_FALSE(empty.next());
  EXPECT_TRUE(empty.is_malformed());
}

TEST(RtcpPacket, advisory_25_RPSI_padding_is_checked_against_the_string) {
  const auto rpsi = [](std::string_view control) {
    const auto packet = one(kRpsiFormat, RtcpType::payload_feedback, "0000000100000002" + std::string(control));
    return as_rpsi(*as_feedback(first(packet))).has_value();
  };
  EXPECT_FALSE(rpsi("ff600000"));  // 255 bits of padding in 16
  EXPECT_FALSE(rpsi("11600000"));
  EXPECT_FALSE(rpsi(""));
  EXPECT_TRUE(rpsi("10600000"));
  const auto packet = one(kRpsiFormat, RtcpType::payload_feedback,
                          "0000000100000002"
                          "0be0f8"
                          "00");
  const auto parsed = as_rpsi(*as_feedback(first(packet)));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->payload_type, 0x60);
  EXPECT_EQ(to_hex(parsed->bits), "f8");
  EXPECT_EQ(parsed->padding_bits, 3);
}

TEST(RtcpPacket, feedback_and_application_packets_need_their_fixed_part) {
  for (const char* body : {"", "00000001"}) {
    EXPECT_FALSE(as_feedback(first(one(1, RtcpType::payload_feedback, body))));
    EXPECT_FALSE(as_application(first(one(1, RtcpType::application, body))));
  }
  std::array<std::byte, 64> room{};
  RtcpWriter writer(room);
  writer.feedback(RtcpType::payload_feedback, kPliFormat, 1, 2);
  const RtcpPacket packet = first(writer.bytes());
  EXPECT_EQ(packet.count, kPliFormat);
  const auto feedback = as_feedback(packet);
  ASSERT_TRUE(feedback);
  EXPECT_EQ(feedback->sender, 1U);
  EXPECT_EQ(feedback->media, 2U);
  EXPECT_TRUE(feedback->control.empty());
  const auto application = one(3, RtcpType::application, "0000000158595a30aabbccdd");
  EXPECT_EQ(as_application(first(application))->name, "XYZ0");
}

TEST(RtcpPacket, RFC3550_6_5_SDES_chunks_end_inside_the_packet) {
  const auto walk = [](uint8_t count, std::string_view body, bool* malformed) {
    const auto packet = one(count, RtcpType::source_description, body);
    SdesReader reader(first(packet));
    size_t items = 0;
    while (reader.next()) ++items;
    *malformed = reader.is_malformed();
    return items;
  };
  bool malformed = false;
  EXPECT_EQ(walk(2,
                 "00000001"
                 "01014100"
                 "00000002"
                 "01014200",
                 &malformed),
            2U);
  EXPECT_FALSE(malformed);
  EXPECT_EQ(walk(1,
                 "00000001"
                 "01014102"
                 "01420000",
                 &malformed),
            2U);
  EXPECT_FALSE(malformed);
  EXPECT_EQ(walk(1,
                 "00000001"
                 "01ff4142",
                 &malformed),
            0U);
  EXPECT_TRUE(malformed);
  EXPECT_EQ(walk(1,
                 "00000001"
                 "01024142",
                 &malformed),
            1U);  // no null octet ends the chunk
  EXPECT_TRUE(malformed);
  EXPECT_EQ(walk(31,
                 "00000001"
                 "00000000",
                 &malformed),
            0U);
  EXPECT_TRUE(malformed);
  EXPECT_EQ(walk(1, "", &malformed), 0U);
  EXPECT_TRUE(malformed);
}

TEST(RtcpPacket, every_fault_has_a_sentence) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(RtcpFault::too_many); ++i) {
    EXPECT_NE(describe(static_cast<RtcpFault>(i)), "unknown fault");
  }
}

}  // namespace
}  // namespace isthmus::media
