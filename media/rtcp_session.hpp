// SPDX-License-Identifier: MIT
// The RTCP of one leg (RFC 3550 section 6): what its peer's stream looks like here, what the peer says about ours, and
// our own reports, paced with the random factor of 6.3.1. Nothing of one leg's RTCP ever reaches another leg. It writes
// into the caller's buffer and sends nothing.
#pragma once

#include <optional>
#include <string_view>

#include "base/random.hpp"
#include "base/time.hpp"
#include "media/order.hpp"
#include "media/rtp_packet.hpp"
#include "media/rtp_stats.hpp"

namespace isthmus::media {

inline constexpr Duration kRtcpInterval = std::chrono::seconds(5);  // 6.2: the fixed minimum
inline constexpr size_t kMaxOwnRtcp = 256;                          // SR with one block, SDES with our CNAME, BYE

class RtcpSession {
 public:
  using Cname = SmallText<32>;
  struct PeerView {  // the peer's last report about our stream
    uint8_t fraction_lost = 0;
    int32_t lost = 0;
    uint32_t jitter = 0;
    Duration round_trip{};  // zero: not known
  };

  RtcpSession() = default;
  RtcpSession(uint32_t ssrc, Cname cname) : ssrc_(ssrc), cname_(cname) {}

  void received(const RtpHeader& header, uint32_t clock, TimePoint now);
  void sent(size_t payload_size) {
    ++packets_sent_;
    octets_sent_ += static_cast<uint32_t>(payload_size);
  }
  // A whole compound packet, reduced-size allowed (RFC 5506). False when it is malformed.
  bool receive(Bytes compound, const Now& now);

  // The report that is due: SR when we sent since the last one, else RR; `timestamp` is where our RTP line stands.
  Bytes report(MutableBytes room, const Now& now, uint32_t timestamp);
  Bytes bye(MutableBytes room, const Now& now);  // empty when nothing was ever said on this leg (6.3.7)

  void start(TimePoint now, Random& random);  // once the leg can send
  void next(TimePoint now, Random& random);
  TimePoint due() const { return due_; }

  std::optional<uint32_t> peer_ssrc() const { return peer_ssrc_; }
  const std::optional<PeerView>& peer_view() const { return peer_view_; }
  const std::optional<RtpStats>& stats() const { return stats_; }

 private:
  void note_block(const ReportBlock& block, const Now& now);
  size_t blocks(std::array<ReportBlock, 1>& out, TimePoint now);

  uint32_t ssrc_ = 0;
  Cname cname_;
  std::optional<RtpStats> stats_;
  std::optional<uint32_t> peer_ssrc_;
  std::optional<PeerView> peer_view_;
  uint32_t packets_sent_ = 0;
  uint32_t octets_sent_ = 0;
  uint32_t packets_reported_ = 0;
  bool has_reported_ = false;
  TimePoint due_ = kNever;
};

}  // namespace isthmus::media
