// SPDX-License-Identifier: MIT
#include "media/rtp_packet.hpp"

#include <cstring>

namespace isthmus::media {

Result<RtpHeader, RtpFault> parse_rtp_header(Bytes packet) {
  if (packet.size() < kRtpHeaderSize) return fail(RtpFault::too_short);
  const uint8_t first = octet(packet[0]);
  const uint8_t second = octet(packet[1]);
  if (first >> 6 != 2) return fail(RtpFault::bad_version);
  RtpHeader header;
  header.padding = (first & 0x20) != 0;
  header.extension = (first & 0x10) != 0;
  header.csrc_count = first & 0x0f;
  header.marker = (second & 0x80) != 0;
  header.payload_type = second & 0x7f;
  header.sequence = read_u16(&packet[2]);
  header.timestamp = read_u32(&packet[4]);
  header.ssrc = read_u32(&packet[8]);
  size_t end = kRtpHeaderSize + size_t{4} * header.csrc_count;
  if (end > packet.size()) return fail(RtpFault::bad_csrc);
  if (header.extension) {
    if (packet.size() - end < 4) return fail(RtpFault::bad_extension);
    const size_t size = size_t{4} * read_u16(&packet[end + 2]);
    if (size > packet.size() - end - 4) return fail(RtpFault::bad_extension);
    header.extension_profile = read_u16(&packet[end]);
    header.extension_at = static_cast<uint16_t>(end + 4);
    header.extension_size = static_cast<uint16_t>(size);
    end += 4 + size;
  }
  if (end > UINT16_MAX) return fail(RtpFault::bad_extension);
  header.header_size = static_cast<uint16_t>(end);
  return header;
}

Result<RtpPacket, RtpFault> parse_rtp(Bytes packet) {
  ISTHMUS_TRY(header, parse_rtp_header(packet));
  RtpPacket parsed{header, packet.subspan(header.header_size), 0};
  if (header.padding) {
    const uint8_t size = parsed.payload.empty() ? 0 : octet(parsed.payload.back());
    if (size == 0 || size > parsed.payload.size()) return fail(RtpFault::bad_padding);
    parsed.padding_size = size;
    parsed.payload = parsed.payload.first(parsed.payload.size() - size);
  }
  return parsed;
}

size_t strip_rtp_header(MutableBytes packet, const RtpHeader& header) {
  const size_t cut = header.header_size - kRtpHeaderSize;
  if (cut == 0) return 0;
  std::memmove(packet.data() + cut, packet.data(), kRtpHeaderSize);
  packet[cut] &= std::byte{0xe0};  // version and padding stay
  return cut;
}

void write_rtp_header(MutableBytes room, uint8_t payload_type, bool marker, uint16_t sequence, uint32_t timestamp,
                      uint32_t ssrc) {
  room[0] = std::byte{0x80};
  room[1] = static_cast<std::byte>((marker ? 0x80 : 0) | (payload_type & 0x7f));
  set_rtp_sequence(room.data(), sequence);
  set_rtp_timestamp(room.data(), timestamp);
  set_rtp_ssrc(room.data(), ssrc);
}

RtpExtensions::RtpExtensions(Bytes packet, const RtpHeader& header) {
  one_byte_ = header.extension_profile == kOneByteExtensions;
  const bool two_byte = (header.extension_profile & 0xfff0) == kTwoByteExtensions;
  if (header.extension && (one_byte_ || two_byte)) {
    rest_ = packet.subspan(header.extension_at, header.extension_size);
  }
}

std::optional<RtpExtension> RtpExtensions::next() {
  while (!rest_.empty()) {
    const uint8_t first = octet(rest_[0]);
    if (first == 0) {  // a padding octet stands alone in both forms
      rest_ = rest_.subspan(1);
    } else if (!one_byte_) {
      if (rest_.size() >= 2) return take(2, first, octet(rest_[1]));
      malformed_ = true;
      rest_ = {};
    } else if (first >> 4 == 0 || first >> 4 == 15) {  // 4.2: id 15 ends all; id 0 with a length is reserved
      malformed_ = first >> 4 == 0;
      rest_ = {};
    } else {
      return take(1, first >> 4, size_t{1} + (first & 15));
    }
  }
  return std::nullopt;
}

std::optional<RtpExtension> RtpExtensions::take(size_t element_header, uint8_t id, size_t size) {
  if (size > rest_.size() - element_header) {
    malformed_ = true;
    rest_ = {};
    return std::nullopt;
  }
  const RtpExtension element{id, rest_.subspan(element_header, size)};
  rest_ = rest_.subspan(element_header + size);
  return element;
}

std::string_view describe(RtpFault fault) {
  switch (fault) {
    case RtpFault::too_short: return "shorter than an RTP header";
    case RtpFault::bad_version: return "RTP version is not 2";
    case RtpFault::bad_csrc: return "the CSRC list reaches behind the end";
    case RtpFault::bad_extension: return "the header extension reaches behind the end";
    case RtpFault::bad_padding: return "padding of no or too many octets";
  }
  return "unknown fault";
}

}  // namespace isthmus::media
