// SPDX-License-Identifier: MIT
#include "media/rtcp_session.hpp"

namespace isthmus::media {

namespace {

// RFC 3550 6.3.1: between half and one and a half of the interval.
Duration paced(Random& random) {
  return kRtcpInterval / 2 + Duration(static_cast<int64_t>(random.below(static_cast<uint64_t>(kRtcpInterval.count()))));
}

}  // namespace

void RtcpSession::received(const RtpHeader& header, uint32_t clock, TimePoint now) {
  if (peer_ssrc_ != header.ssrc) {
    peer_ssrc_ = header.ssrc;
    stats_.emplace(clock);
  }
  stats_->receive(header.sequence, header.timestamp, now);
}

bool RtcpSession::receive(Bytes compound, const Now& now) {
  if (check_rtcp(compound, RtcpReader::Rules::reduced_size) != RtcpFault::none) return false;
  RtcpReader reader(compound, RtcpReader::Rules::reduced_size);
  while (const auto packet = reader.next()) {
    if (packet->type != RtcpType::sender_report && packet->type != RtcpType::receiver_report) continue;
    const auto report = as_report(*packet);
    if (!report) return false;
    if (report->info && stats_ && peer_ssrc_ == report->sender) {
      stats_->sender_report(report->info->ntp, now.steady);
    }
    for (size_t i = 0; i < report->size(); ++i) note_block(report->block(i), now);
  }
  return true;
}

// 6.4.1: round trip = now - LSR - DLSR, all in the middle 32 bits of NTP time.
void RtcpSession::note_block(const ReportBlock& block, const Now& now) {
  if (block.ssrc != ssrc_) return;
  PeerView view{block.fraction_lost, block.lost, block.jitter, {}};
  if (block.last_sr != 0) {
    const uint32_t trip = ntp_middle(ntp_time(now.wall)) - block.last_sr - block.delay_since_last_sr;
    if (trip < 0x80000000) view.round_trip = Duration(uint64_t{trip} * 1'000'000'000 / 65536);
  }
  peer_view_ = view;
}

size_t RtcpSession::blocks(std::array<ReportBlock, 1>& out, TimePoint now) {
  if (!stats_) return 0;
  out[0] = stats_->report(*peer_ssrc_, now);
  return 1;
}

Bytes RtcpSession::report(MutableBytes room, const Now& now, uint32_t timestamp) {
  std::array<ReportBlock, 1> block;
  const std::span<const ReportBlock> about(block.data(), blocks(block, now.steady));
  RtcpWriter writer(room);
  if (packets_sent_ != packets_reported_) {
    writer.sender_report(ssrc_, {ntp_time(now.wall), timestamp, packets_sent_, octets_sent_}, about);
    packets_reported_ = packets_sent_;
  } else {
    writer.receiver_report(ssrc_, about);
  }
  writer.cname(ssrc_, cname_.view());
  has_reported_ = true;
  return writer.bytes();
}

Bytes RtcpSession::bye(MutableBytes room, const Now& now) {
  if (!has_reported_ && packets_sent_ == 0) return {};
  std::array<ReportBlock, 1> block;
  const std::span<const ReportBlock> about(block.data(), blocks(block, now.steady));
  RtcpWriter writer(room);
  writer.receiver_report(ssrc_, about);
  writer.cname(ssrc_, cname_.view());
  writer.bye(ssrc_);
  return writer.bytes();
}

void RtcpSession::start(TimePoint now, Random& random) {
  // 6.2: the first report may come after half the interval.
  if (due_ == kNever) due_ = now + paced(random) / 2;
}

void RtcpSession::next(TimePoint now, Random& random) {
  due_ = now + paced(random);
}

}  // namespace isthmus::media
