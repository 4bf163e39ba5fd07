// SPDX-License-Identifier: MIT
#include "media/rtcp_packet.hpp"

#include <algorithm>
#include <cstring>

namespace isthmus::media {
namespace {

constexpr size_t kHeaderSize = 4;
constexpr size_t kSenderInfoSize = 20;
constexpr uint8_t kCnameItem = 1;

constexpr size_t padded(size_t size) {
  return (size + 3) & ~size_t{3};
}

bool begins_a_compound(RtcpType type) {
  return type == RtcpType::sender_report || type == RtcpType::receiver_report;
}

}  // namespace

std::optional<RtcpPacket> RtcpReader::stop(RtcpFault fault) {
  fault_ = fault;
  rest_ = {};
  return std::nullopt;
}

std::optional<RtcpPacket> RtcpReader::next() {
  if (fault_ != RtcpFault::none) return std::nullopt;
  if (rest_.empty()) return seen_ == 0 ? stop(RtcpFault::too_short) : std::nullopt;
  if (rest_.size() < kHeaderSize) return stop(RtcpFault::too_short);
  if (seen_ == kMaxRtcpPackets) return stop(RtcpFault::too_many);
  const uint8_t first = octet(rest_[0]);
  if (first >> 6 != 2) return stop(RtcpFault::bad_version);
  const size_t body_size = size_t{4} * read_u16(&rest_[2]);
  if (body_size > rest_.size() - kHeaderSize) return stop(RtcpFault::bad_length);
  RtcpPacket packet{static_cast<RtcpType>(octet(rest_[1])), static_cast<uint8_t>(first & 31),
                    rest_.subspan(kHeaderSize, body_size)};
  rest_ = rest_.subspan(kHeaderSize + body_size);
  if ((first & 0x20) != 0) {
    const uint8_t padding = packet.body.empty() ? 0 : octet(packet.body.back());
    if (!rest_.empty() || padding == 0 || padding % 4 != 0 || padding > body_size) return stop(RtcpFault::bad_padding);
    packet.body = packet.body.first(body_size - padding);
  }
  if (seen_++ == 0 && rules_ == Rules::compound && !begins_a_compound(packet.type)) return stop(RtcpFault::bad_first);
  return packet;
}

RtcpFault check_rtcp(Bytes datagram, RtcpReader::Rules rules) {
  RtcpReader reader(datagram, rules);
  while (reader.next()) {
  }
  return reader.fault();
}

ReportBlock Report::block(size_t index) const {
  const std::byte* at = &blocks[index * kReportBlockSize];
  ReportBlock block;
  block.ssrc = read_u32(at);
  block.fraction_lost = octet(at[4]);
  const uint32_t lost = read_u32(at + 4) & 0xffffff;
  block.lost = static_cast<int32_t>(lost << 8) >> 8;  // sign of 24 bits
  block.highest_sequence = read_u32(at + 8);
  block.jitter = read_u32(at + 12);
  block.last_sr = read_u32(at + 16);
  block.delay_since_last_sr = read_u32(at + 20);
  return block;
}

std::optional<Report> as_report(const RtcpPacket& packet) {
  if (!begins_a_compound(packet.type)) return std::nullopt;
  const bool sender = packet.type == RtcpType::sender_report;
  const size_t blocks_at = sender ? 4 + kSenderInfoSize : 4;
  const size_t blocks_size = packet.count * kReportBlockSize;
  if (packet.body.size() < blocks_at + blocks_size) return std::nullopt;
  const std::byte* at = packet.body.data();
  Report report;
  report.sender = read_u32(at);
  if (sender) report.info = {read_u64(at + 4), read_u32(at + 12), read_u32(at + 16), read_u32(at + 20)};
  report.blocks = packet.body.subspan(blocks_at, blocks_size);
  return report;
}

std::optional<Bye> as_bye(const RtcpPacket& packet) {
  const size_t sources_size = size_t{4} * packet.count;
  if (packet.type != RtcpType::bye || packet.body.size() < sources_size) return std::nullopt;
  Bye bye{packet.body.first(sources_size), {}};
  const Bytes rest = packet.body.subspan(sources_size);
  if (rest.empty()) return bye;
  const size_t size = octet(rest[0]);
  if (size > rest.size() - 1) return std::nullopt;
  bye.reason = as_text(rest.subspan(1, size));
  return bye;
}

std::optional<Application> as_application(const RtcpPacket& packet) {
  if (packet.type != RtcpType::application || packet.body.size() < 8) return std::nullopt;
  return Application{read_u32(packet.body.data()), as_text(packet.body.subspan(4, 4)), packet.body.subspan(8)};
}

std::optional<Feedback> as_feedback(const RtcpPacket& packet) {
  const bool feedback = packet.type == RtcpType::transport_feedback || packet.type == RtcpType::payload_feedback;
  if (!feedback || packet.body.size() < 8) return std::nullopt;
  return Feedback{read_u32(packet.body.data()), read_u32(packet.body.data() + 4), packet.body.subspan(8)};
}

std::optional<Rpsi> as_rpsi(const Feedback& feedback) {
  if (feedback.control.size() < 2) return std::nullopt;
  const size_t padding = octet(feedback.control[0]);
  const Bytes string = feedback.control.subspan(2);
  if (padding > string.size() * 8) return std::nullopt;
  return Rpsi{static_cast<uint8_t>(octet(feedback.control[1]) & 0x7f),
              string.first((string.size() * 8 - padding + 7) / 8), static_cast<uint8_t>(padding % 8)};
}

SdesReader::SdesReader(const RtcpPacket& packet) {
  if (packet.type != RtcpType::source_description) return;
  rest_ = packet.body;
  chunks_left_ = packet.count;
}

std::optional<SdesItem> SdesReader::stop() {
  malformed_ = true;
  chunks_left_ = 0;
  return std::nullopt;
}

std::optional<SdesItem> SdesReader::next() {
  while (chunks_left_ > 0) {
    if (chunk_offset_ == 0) {
      if (rest_.size() < 4) return stop();
      source_ = read_u32(rest_.data());
      chunk_offset_ = 4;
    }
    if (chunk_offset_ >= rest_.size()) return stop();  // no null octet ends the chunk
    const uint8_t type = octet(rest_[chunk_offset_]);
    if (type == 0) {
      const size_t end = padded(chunk_offset_ + 1);
      if (end > rest_.size()) return stop();
      rest_ = rest_.subspan(end);
      chunk_offset_ = 0;
      --chunks_left_;
      continue;
    }
    if (rest_.size() - chunk_offset_ < 2) return stop();
    const size_t size = octet(rest_[chunk_offset_ + 1]);
    if (size > rest_.size() - chunk_offset_ - 2) return stop();
    const SdesItem item{source_, type, as_text(rest_.subspan(chunk_offset_ + 2, size))};
    chunk_offset_ += 2 + size;
    return item;
  }
  return std::nullopt;
}

XrReader::XrReader(const RtcpPacket& packet) {
  if (packet.type != RtcpType::extended_report) return;
  malformed_ = packet.body.size() < 4;
  if (malformed_) return;
  sender_ = read_u32(packet.body.data());
  rest_ = packet.body.subspan(4);
}

std::optional<XrBlock> XrReader::next() {
  if (rest_.empty()) return std::nullopt;
  const size_t size = rest_.size() < 4 ? 0 : size_t{4} * read_u16(&rest_[2]);
  if (rest_.size() < 4 || size > rest_.size() - 4) {
    malformed_ = true;
    rest_ = {};
    return std::nullopt;
  }
  const XrBlock block{octet(rest_[0]), octet(rest_[1]), rest_.subspan(4, size)};
  rest_ = rest_.subspan(4 + size);
  return block;
}

// Room for one packet with zeroed body, or null when the compound is full.
std::byte* RtcpWriter::append(RtcpType type, uint8_t count, size_t body_size) {
  const size_t size = kHeaderSize + padded(body_size);
  full_ = full_ || room_.size() - size_ < size;
  if (full_) return nullptr;
  std::byte* at = room_.data() + size_;
  at[0] = static_cast<std::byte>(0x80 | (count & 31));
  at[1] = static_cast<std::byte>(type);
  write_u16(at + 2, static_cast<uint16_t>(padded(body_size) / 4));
  std::fill_n(at + kHeaderSize, padded(body_size), std::byte{0});
  size_ += size;
  return at + kHeaderSize;
}

void RtcpWriter::put_blocks(std::byte* at, std::span<const ReportBlock> blocks) {
  for (const ReportBlock& block : blocks) {
    write_u32(at, block.ssrc);
    write_u32(at + 4, (uint32_t{block.fraction_lost} << 24) | (static_cast<uint32_t>(block.lost) & 0xffffff));
    write_u32(at + 8, block.highest_sequence);
    write_u32(at + 12, block.jitter);
    write_u32(at + 16, block.last_sr);
    write_u32(at + 20, block.delay_since_last_sr);
    at += kReportBlockSize;
  }
}

void RtcpWriter::sender_report(uint32_t sender, const SenderInfo& info, std::span<const ReportBlock> blocks) {
  blocks = blocks.first(std::min(blocks.size(), kMaxReportBlocks));
  std::byte* at = append(RtcpType::sender_report, static_cast<uint8_t>(blocks.size()),
                         4 + kSenderInfoSize + blocks.size() * kReportBlockSize);
  if (at == nullptr) return;
  write_u32(at, sender);
  write_u64(at + 4, info.ntp);
  write_u32(at + 12, info.rtp_timestamp);
  write_u32(at + 16, info.packets);
  write_u32(at + 20, info.octets);
  put_blocks(at + 4 + kSenderInfoSize, blocks);
}

void RtcpWriter::receiver_report(uint32_t sender, std::span<const ReportBlock> blocks) {
  blocks = blocks.first(std::min(blocks.size(), kMaxReportBlocks));
  std::byte* at =
      append(RtcpType::receiver_report, static_cast<uint8_t>(blocks.size()), 4 + blocks.size() * kReportBlockSize);
  if (at == nullptr) return;
  write_u32(at, sender);
  put_blocks(at + 4, blocks);
}

void RtcpWriter::cname(uint32_t source, std::string_view name) {
  name = name.substr(0, kMaxCnameSize);
  // One null octet at least ends the items of the chunk.
  std::byte* at = append(RtcpType::source_description, 1, 4 + 2 + name.size() + 1);
  if (at == nullptr) return;
  write_u32(at, source);
  at[4] = std::byte{kCnameItem};
  at[5] = static_cast<std::byte>(name.size());
  std::memcpy(at + 6, name.data(), name.size());
}

void RtcpWriter::bye(uint32_t source, std::string_view reason) {
  reason = reason.substr(0, kMaxCnameSize);
  std::byte* at = append(RtcpType::bye, 1, reason.empty() ? 4 : 4 + 1 + reason.size());
  if (at == nullptr) return;
  write_u32(at, source);
  if (reason.empty()) return;
  at[4] = static_cast<std::byte>(reason.size());
  std::memcpy(at + 5, reason.data(), reason.size());
}

void RtcpWriter::feedback(RtcpType type, uint8_t format, uint32_t sender, uint32_t media, Bytes control) {
  std::byte* at = append(type, format, 8 + control.size());
  if (at == nullptr) return;
  write_u32(at, sender);
  write_u32(at + 4, media);
  std::copy(control.begin(), control.end(), at + 8);
}

std::string_view describe(RtcpFault fault) {
  switch (fault) {
    case RtcpFault::none: return "no fault";
    case RtcpFault::too_short: return "shorter than an RTCP header";
    case RtcpFault::bad_version: return "RTCP version is not 2";
    case RtcpFault::bad_length: return "a packet reaches behind the end";
    case RtcpFault::bad_padding: return "padding breaks its rules";
    case RtcpFault::bad_first: return "a compound begins with neither SR nor RR";
    case RtcpFault::too_many: return "too many packets in one datagram";
  }
  return "unknown fault";
}

}  // namespace isthmus::media
