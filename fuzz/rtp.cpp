// SPDX-License-Identifier: MIT
// Door to RTP: demux, headers, extensions, padding, the cut of a header, and the statistics behind them.
#include <cstdlib>
#include <vector>

#include "media/demux.hpp"
#include "media/rtp_packet.hpp"
#include "media/rtp_stats.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isthmus;
  std::vector<std::byte> packet(reinterpret_cast<const std::byte*>(data),
                                reinterpret_cast<const std::byte*>(data) + size);
  media::classify(packet);
  const auto header = media::parse_rtp_header(packet);
  if (!header) return 0;
  if (header->header_size > packet.size()) std::abort();
  media::RtpExtensions extensions(packet, *header);
  size_t octets = 0;
  while (const auto element = extensions.next()) octets += element->value.size();
  if (octets > header->extension_size) std::abort();
  const auto parsed = media::parse_rtp(packet);
  if (parsed && header->header_size + parsed->payload.size() + parsed->padding_size != packet.size()) std::abort();
  const size_t cut = media::strip_rtp_header(packet, *header);
  const auto again = media::parse_rtp_header(Bytes{packet}.subspan(cut));
  if (!again || again->header_size != media::kRtpHeaderSize || again->ssrc != header->ssrc) std::abort();
  media::RtpStats stats(header->payload_type * 1000U);
  for (size_t at = header->header_size; at + 2 <= packet.size(); at += 2) {
    stats.receive(read_u16(&packet[at]), read_u16(&packet[at]) * 7U, TimePoint{} + std::chrono::milliseconds(at));
  }
  stats.report(header->ssrc, TimePoint{} + std::chrono::seconds(header->sequence));
  return 0;
}
