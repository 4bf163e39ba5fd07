// SPDX-License-Identifier: MIT
// A leg's own RTCP (RFC 3550 section 6): what is reported about the peer, what the peer's reports tell: R3.17.
#include "media/rtcp_session.hpp"

#include <gtest/gtest.h>

namespace isthmus::media {
namespace rtcp_session_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kOurs = 0xaaaa0001;
constexpr uint32_t kTheirs = 0xbbbb0002;

Now at(int64_t ms) {
  return {TimePoint(milliseconds(ms)), WallTime(seconds(1'700'000'000) + milliseconds(ms))};
}

RtpHeader header(uint16_t sequence) {
  RtpHeader out;
  out.ssrc = kTheirs;
  out.sequence = sequence;
  out.timestamp = sequence * 160U;
  return out;
}

std::optional<Report> first_report(Bytes compound) {
  RtcpReader reader(compound);
  const auto packet = reader.next();
  return packet ? as_report(*packet) : std::nullopt;
}

TEST(RtcpSession, R3_17ReportsWhatItHeardAndWhenTheLastSenderReportCame) {
  RtcpSession session(kOurs, RtcpSession::Cname::of("name"));
  for (uint16_t i = 0; i < 10; ++i) session.received(header(i), 8000, at(20 * i).steady);
  std::array<std::byte, kMaxOwnRtcp> room;
  RtcpWriter writer(room);
  const uint64_t ntp = 0x0123456789abcdef;
  writer.sender_report(kTheirs, {ntp, 0, 10, 1600}, {});
  EXPECT_TRUE(session.receive(writer.bytes(), at(1000)));
  std::array<std::byte, kMaxOwnRtcp> out;
  const auto report = first_report(session.report(out, at(3000), 0));
  ASSERT_TRUE(report && report->size() == 1);
  EXPECT_FALSE(report->info) << "nothing was sent, so it is a receiver report";
  EXPECT_EQ(report->block(0).ssrc, kTheirs);
  EXPECT_EQ(report->block(0).last_sr, 0x456789abu);
  EXPECT_EQ(report->block(0).delay_since_last_sr, 2u * 65536);
}

TEST(RtcpSession, R3_17LearnsLossAndRoundTripFromThePeersReports) {
  RtcpSession session(kOurs, RtcpSession::Cname::of("name"));
  session.sent(160);
  std::array<std::byte, kMaxOwnRtcp> out;
  const auto own = first_report(session.report(out, at(1000), 77));
  ASSERT_TRUE(own && own->info);
  EXPECT_EQ(own->info->rtp_timestamp, 77u);
  EXPECT_EQ(own->info->packets, 1u);
  EXPECT_EQ(own->info->octets, 160u);

  std::array<std::byte, kMaxOwnRtcp> room;
  RtcpWriter writer(room);
  const ReportBlock blocks[] = {{0x12345678, 255, 99, 0, 0, 0, 0},
                                {kOurs, 64, 3, 0, 5, ntp_middle(own->info->ntp), 65536 / 2}};
  writer.receiver_report(kTheirs, blocks);
  EXPECT_TRUE(session.receive(writer.bytes(), at(1600)));
  ASSERT_TRUE(session.peer_view());
  EXPECT_EQ(session.peer_view()->fraction_lost, 64);
  EXPECT_EQ(session.peer_view()->lost, 3);
  EXPECT_NEAR(std::chrono::duration<double>(session.peer_view()->round_trip).count(), 0.1, 0.001);
}

TEST(RtcpSession, IsPacedBetweenHalfAndOneAndAHalfIntervals) {
  RtcpSession session(kOurs, RtcpSession::Cname::of("name"));
  Random random(Seed::of(1));
  EXPECT_EQ(session.due(), kNever);
  session.start(at(0).steady, random);
  EXPECT_LE(session.due(), at(0).steady + kRtcpInterval * 3 / 4);
  TimePoint earliest = kNever;
  TimePoint latest{};
  for (int i = 0; i < 1000; ++i) {
    session.next(TimePoint{}, random);
    earliest = std::min(earliest, session.due());
    latest = std::max(latest, session.due());
  }
  EXPECT_GE(earliest, TimePoint{} + kRtcpInterval / 2);
  EXPECT_LE(latest, TimePoint{} + kRtcpInterval * 3 / 2);
  EXPECT_GT(latest - earliest, kRtcpInterval / 2);
}

TEST(RtcpSession, SaysNothingAtTheEndWhenItNeverSpoke) {
  RtcpSession session(kOurs, RtcpSession::Cname::of("name"));
  std::array<std::byte, kMaxOwnRtcp> room;
  EXPECT_TRUE(session.bye(room, at(0)).empty());
  session.sent(1);
  EXPECT_FALSE(session.bye(room, at(0)).empty());
  EXPECT_FALSE(session.receive(Bytes(room).first(6), at(0)));
}

}  // namespace rtcp_session_test
}  // namespace isthmus::media
