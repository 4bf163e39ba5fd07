// SPDX-License-Identifier: MIT
// RTCP (RFC 3550 section 6; feedback of RFC 4585 and 5104; XR of RFC 3611): a checked walk over a compound packet,
// typed views of its packets, and a writer. Every inner length is checked against the packet that holds it. Views live
// as long as the datagram.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"

namespace isthmus::media {

enum class RtcpType : uint8_t {
  sender_report = 200,
  receiver_report = 201,
  source_description = 202,
  bye = 203,
  application = 204,
  transport_feedback = 205,
  payload_feedback = 206,
  extended_report = 207
};
inline constexpr uint8_t kNackFormat = 1;  // transport feedback, RFC 4585 section 6.2.1
inline constexpr uint8_t kPliFormat = 1;   // payload feedback, 6.3.1
inline constexpr uint8_t kSliFormat = 2;
inline constexpr uint8_t kRpsiFormat = 3;  // 6.3.3
inline constexpr uint8_t kFirFormat = 4;   // RFC 5104 section 4.3.1
inline constexpr size_t kReportBlockSize = 24;
inline constexpr size_t kMaxReportBlocks = 31;
inline constexpr size_t kMaxCnameSize = 255;
inline constexpr size_t kMaxRtcpPackets = 64;  // in one compound; more is a walk for nothing

struct RtcpPacket {
  RtcpType type = RtcpType::receiver_report;
  uint8_t count = 0;  // report, source or chunk count; format of feedback; subtype of APP
  Bytes body;         // behind the 4-octet header, without padding
};

enum class RtcpFault : uint8_t {
  none,
  too_short,
  bad_version,
  bad_length,
  bad_padding,  // not on the last packet, zero, or longer than it (A.2)
  bad_first,    // a compound begins with SR or RR (A.2); reduced-size RTCP (RFC 5506) must be asked for
  too_many
};
std::string_view describe(RtcpFault fault);

class RtcpReader {
 public:
  enum class Rules : uint8_t { compound, reduced_size };
  explicit RtcpReader(Bytes datagram, Rules rules = Rules::compound) : rest_(datagram), rules_(rules) {}

  // The next packet; nothing at the end or at a fault.
  std::optional<RtcpPacket> next();
  RtcpFault fault() const { return fault_; }

 private:
  std::optional<RtcpPacket> stop(RtcpFault fault);

  Bytes rest_;
  Rules rules_;
  size_t seen_ = 0;
  RtcpFault fault_ = RtcpFault::none;
};

// The whole datagram obeys the rules above.
RtcpFault check_rtcp(Bytes datagram, RtcpReader::Rules rules = RtcpReader::Rules::compound);

struct ReportBlock {
  uint32_t ssrc = 0;
  uint8_t fraction_lost = 0;
  int32_t lost = 0;  // 24 bits, signed
  uint32_t highest_sequence = 0;
  uint32_t jitter = 0;
  uint32_t last_sr = 0;
  uint32_t delay_since_last_sr = 0;  // in 1/65536 s
  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};
struct SenderInfo {
  uint64_t ntp = 0;
  uint32_t rtp_timestamp = 0;
  uint32_t packets = 0;
  uint32_t octets = 0;
  friend bool operator==(const SenderInfo&, const SenderInfo&) = default;
};

// SR and RR. `blocks` holds as many whole blocks as the count says.
struct Report {
  uint32_t sender = 0;
  std::optional<SenderInfo> info;  // SR only
  Bytes blocks;
  size_t size() const { return blocks.size() / kReportBlockSize; }
  ReportBlock block(size_t index) const;  // index < size()
};
std::optional<Report> as_report(const RtcpPacket& packet);

// BYE: as many SSRCs as the count says, and a reason that may be empty.
struct Bye {
  Bytes sources;
  std::string_view reason;
  size_t size() const { return sources.size() / 4; }
  uint32_t source(size_t index) const { return read_u32(&sources[index * 4]); }
};
std::optional<Bye> as_bye(const RtcpPacket& packet);

struct Application {
  uint32_t sender = 0;
  std::string_view name;  // 4 characters
  Bytes data;
};
std::optional<Application> as_application(const RtcpPacket& packet);

// Feedback of both types; the format is in the packet's count.
struct Feedback {
  uint32_t sender = 0;
  uint32_t media = 0;
  Bytes control;  // FCI
};
std::optional<Feedback> as_feedback(const RtcpPacket& packet);

struct Rpsi {  // RFC 4585 section 6.3.3; the padding bits are checked against the string
  uint8_t payload_type = 0;
  Bytes bits;
  uint8_t padding_bits = 0;  // 0..7 of the last octet of `bits`
};
std::optional<Rpsi> as_rpsi(const Feedback& feedback);

// SDES items, chunk by chunk (6.5).
struct SdesItem {
  uint32_t source = 0;
  uint8_t type = 0;  // 1: CNAME
  std::string_view text;
};
class SdesReader {
 public:
  explicit SdesReader(const RtcpPacket& packet);
  std::optional<SdesItem> next();
  bool is_malformed() const { return malformed_; }

 private:
  std::optional<SdesItem> stop();

  Bytes rest_;
  size_t chunks_left_ = 0;
  size_t chunk_offset_ = 0;  // octets of the running chunk that were read; 0: between chunks
  uint32_t source_ = 0;
  bool malformed_ = false;
};

// XR blocks (RFC 3611 section 3).
struct XrBlock {
  uint8_t type = 0;
  uint8_t specific = 0;
  Bytes contents;
};
class XrReader {
 public:
  explicit XrReader(const RtcpPacket& packet);
  uint32_t sender() const { return sender_; }
  std::optional<XrBlock> next();
  bool is_malformed() const { return malformed_; }

 private:
  Bytes rest_;
  uint32_t sender_ = 0;
  bool malformed_ = false;
};

// Writes a compound packet into the caller's buffer. What does not fit makes the whole of it empty.
class RtcpWriter {
 public:
  explicit RtcpWriter(MutableBytes room) : room_(room) {}

  void sender_report(uint32_t sender, const SenderInfo& info, std::span<const ReportBlock> blocks);
  void receiver_report(uint32_t sender, std::span<const ReportBlock> blocks);
  void cname(uint32_t source, std::string_view name);
  void bye(uint32_t source, std::string_view reason = {});
  void feedback(RtcpType type, uint8_t format, uint32_t sender, uint32_t media, Bytes control = {});

  Bytes bytes() const { return full_ ? Bytes{} : Bytes{room_.first(size_)}; }

 private:
  std::byte* append(RtcpType type, uint8_t count, size_t body_size);
  static void put_blocks(std::byte* at, std::span<const ReportBlock> blocks);

  MutableBytes room_;
  size_t size_ = 0;
  bool full_ = false;
};

}  // namespace isthmus::media
