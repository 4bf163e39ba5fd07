// SPDX-License-Identifier: MIT
// RTP packets (RFC 3550 section 5.1) with header extensions (RFC 8285): checked headers, in-place field writes, header
// building. All offsets are inside the packet once a function here has returned them. Never owns a packet.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace isthmus::media {

inline constexpr size_t kRtpHeaderSize = 12;
inline constexpr uint16_t kOneByteExtensions = 0xbede;  // RFC 8285 section 4.2
inline constexpr uint16_t kTwoByteExtensions = 0x1000;  // section 4.3: 0x100 and four bits of the application

enum class RtpFault : uint8_t {
  too_short,      // the fixed header does not fit
  bad_version,    // not 2
  bad_csrc,       // the CSRC list reaches behind the end
  bad_extension,  // the extension reaches behind the end
  bad_padding     // zero, or more than there is payload
};
std::string_view describe(RtpFault fault);

struct RtpHeader {
  bool padding = false;
  bool marker = false;
  uint8_t csrc_count = 0;
  uint8_t payload_type = 0;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  bool extension = false;
  uint16_t extension_profile = 0;
  uint16_t extension_at = 0;  // of the first octet behind the extension's own header
  uint16_t extension_size = 0;
  uint16_t header_size = kRtpHeaderSize;  // with CSRC list and extension: the payload begins here
};

// Fixed header, CSRC list and extension: all that can be read of an SRTP packet before it is opened.
Result<RtpHeader, RtpFault> parse_rtp_header(Bytes packet);

// A plain packet: the header as above, and the payload without its padding.
struct RtpPacket {
  RtpHeader header;
  Bytes payload;
  uint8_t padding_size = 0;
};
Result<RtpPacket, RtpFault> parse_rtp(Bytes packet);

// In-place writes into a packet whose header has been parsed.
inline void set_rtp_payload_type(std::byte* packet, uint8_t type) {
  packet[1] = (packet[1] & std::byte{0x80}) | static_cast<std::byte>(type & 0x7f);
}
inline void set_rtp_marker(std::byte* packet, bool marker) {
  packet[1] = (packet[1] & std::byte{0x7f}) | (marker ? std::byte{0x80} : std::byte{0});
}
inline void set_rtp_sequence(std::byte* packet, uint16_t sequence) {
  write_u16(packet + 2, sequence);
}
inline void set_rtp_timestamp(std::byte* packet, uint32_t timestamp) {
  write_u32(packet + 4, timestamp);
}
inline void set_rtp_ssrc(std::byte* packet, uint32_t ssrc) {
  write_u32(packet + 8, ssrc);
}

// Takes CSRC list and header extension out of a parsed plain packet, by moving the fixed header up to the payload.
// Returns how many octets at the front no longer belong to the packet: it now begins that much later.
size_t strip_rtp_header(MutableBytes packet, const RtpHeader& header);

// The fixed header of a packet of our own: no CSRC, extension or padding. `room` holds at least kRtpHeaderSize octets.
void write_rtp_header(MutableBytes room, uint8_t payload_type, bool marker, uint16_t sequence, uint32_t timestamp,
                      uint32_t ssrc);

// Iterates over the elements of a header extension of either form; another profile has none. Ends at the first element
// that is reserved or reaches behind the end.
struct RtpExtension {
  uint8_t id = 0;
  Bytes value;
};
class RtpExtensions {
 public:
  RtpExtensions(Bytes packet, const RtpHeader& header);
  std::optional<RtpExtension> next();
  bool is_malformed() const { return malformed_; }

 private:
  std::optional<RtpExtension> take(size_t element_header, uint8_t id, size_t size);

  Bytes rest_;
  bool one_byte_ = false;
  bool malformed_ = false;
};

}  // namespace isthmus::media
