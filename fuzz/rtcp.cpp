// SPDX-License-Identifier: MIT
// Door to RTCP: the compound walk under both rules and every typed view of every packet.
#include <cstdlib>

#include "media/rtcp_packet.hpp"

namespace {

using namespace isthmus;

size_t view(const media::RtcpPacket& packet) {
  size_t sum = 0;
  if (const auto report = media::as_report(packet)) {
    for (size_t i = 0; i < report->size(); ++i) sum += report->block(i).ssrc;
  }
  if (const auto bye = media::as_bye(packet)) {
    for (size_t i = 0; i < bye->size(); ++i) sum += bye->source(i);
    for (const char c : bye->reason) sum += static_cast<unsigned char>(c);
  }
  if (const auto application = media::as_application(packet)) sum += application->data.size();
  if (const auto feedback = media::as_feedback(packet)) {
    if (const auto rpsi = media::as_rpsi(*feedback)) {
      for (const std::byte b : rpsi->bits) sum += octet(b);
    }
  }
  media::SdesReader sdes(packet);
  while (const auto item = sdes.next()) {
    for (const char c : item->text) sum += static_cast<unsigned char>(c);
  }
  media::XrReader reports(packet);
  while (const auto block = reports.next()) {
    for (const std::byte b : block->contents) sum += octet(b);
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static volatile size_t sink = 0;
  const Bytes datagram{reinterpret_cast<const std::byte*>(data), size};
  for (const auto rules : {media::RtcpReader::Rules::compound, media::RtcpReader::Rules::reduced_size}) {
    media::RtcpReader reader(datagram, rules);
    size_t packets = 0;
    while (const auto packet = reader.next()) {
      sink = sink + view(*packet);
      ++packets;
    }
    if (packets > media::kMaxRtcpPackets) std::abort();
    if ((reader.fault() == media::RtcpFault::none) != (media::check_rtcp(datagram, rules) == media::RtcpFault::none)) {
      std::abort();
    }
  }
  return 0;
}
