// SPDX-License-Identifier: MIT
// Traced messages as a pcapng file. Blocks are little-endian, packets begin with their IP header.
#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>
#include <utility>

#include "gateway/observe/trace.hpp"

namespace isthmus::gateway {
namespace {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kInterface = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint16_t kRawIp = 101;
constexpr size_t kMaxSegment = 65535 - 60;   // of a stream, in one packet of either IP version
constexpr size_t kMaxDatagram = 65535 - 28;  // of IPv4, which is less than that of IPv6
constexpr uint8_t kUdp = 17;
constexpr uint8_t kTcp = 6;
constexpr size_t kUdpHeader = 8;
constexpr size_t kTcpHeader = 20;

template <class Number>
void little(std::string& out, Number value) {
  for (size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}
template <class Number>
void big(std::string& out, Number value) {
  for (size_t i = sizeof value; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void block(std::string& out, uint32_t type, std::string body) {
  body.resize((body.size() + 3) / 4 * 4);
  const auto length = static_cast<uint32_t>(body.size() + 12);
  little(out, type);
  little(out, length);
  out += body;
  little(out, length);
}

uint16_t checksum(std::string_view bytes) {  // RFC 1071
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += uint32_t{static_cast<uint8_t>(bytes[i])} << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

std::string octets(const IpAddress& ip) {
  const size_t size = ip.is_v6() ? 16 : 4;
  return {reinterpret_cast<const char*>(ip.octets.data()), size};
}

// IP header and transport header around a payload; where the two families meet (never), the sender's counts.
std::string packet(const TraceEntry& entry, uint8_t protocol, std::string transport, size_t sum_at) {
  std::string pseudo = octets(entry.from.ip) + octets(entry.to.ip);
  if (entry.from.ip.is_v6()) {
    big(pseudo, static_cast<uint32_t>(transport.size()));
    big(pseudo, uint32_t{protocol});
  } else {
    big(pseudo, uint16_t{protocol});
    big(pseudo, static_cast<uint16_t>(transport.size()));
  }
  uint16_t sum = checksum(pseudo + transport);
  if (sum == 0 && protocol == kUdp) sum = 0xffff;  // RFC 768: 0 says that there is none
  transport[sum_at] = static_cast<char>(sum >> 8);
  transport[sum_at + 1] = static_cast<char>(sum & 0xff);

  std::string out;
  if (entry.from.ip.is_v6()) {  // RFC 8200 section 3
    big(out, uint32_t{6} << 28);
    big(out, static_cast<uint16_t>(transport.size()));
    big(out, protocol);
    big(out, uint8_t{64});
    return out + octets(entry.from.ip) + octets(entry.to.ip) + transport;
  }
  big(out, uint16_t{0x4500});  // RFC 791 section 3.1
  big(out, static_cast<uint16_t>(transport.size() + 20));
  big(out, uint32_t{0x00004000});  // not to be fragmented
  big(out, uint8_t{64});
  big(out, protocol);
  big(out, uint16_t{0});
  out += octets(entry.from.ip) + octets(entry.to.ip);
  const uint16_t header = checksum(out);
  out[10] = static_cast<char>(header >> 8);
  out[11] = static_cast<char>(header & 0xff);
  return out + transport;
}

std::string udp(const TraceEntry& entry, std::string_view payload) {
  std::string out;
  big(out, entry.from.port);
  big(out, entry.to.port);
  big(out, static_cast<uint16_t>(kUdpHeader + payload.size()));
  big(out, uint16_t{0});
  out += payload;
  return packet(entry, kUdp, std::move(out), 6);
}

std::string tcp(const TraceEntry& entry, std::string_view payload, uint32_t sequence, uint32_t acknowledged) {
  std::string out;
  big(out, entry.from.port);
  big(out, entry.to.port);
  big(out, sequence);
  big(out, acknowledged);
  big(out, uint16_t{kTcpHeader / 4 << 12 | 0x18});  // PSH, ACK
  big(out, uint16_t{65535});
  big(out, uint32_t{0});
  out += payload;
  return packet(entry, kTcp, std::move(out), 16);
}

void packet_block(std::string& out, WallTime at, const std::string& bytes) {
  const auto time =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count());
  std::string body;
  little(body, uint32_t{0});
  little(body, static_cast<uint32_t>(time >> 32));
  little(body, static_cast<uint32_t>(time & 0xffffffff));
  little(body, static_cast<uint32_t>(bytes.size()));
  little(body, static_cast<uint32_t>(bytes.size()));
  block(out, kEnhancedPacket, body + bytes);
}

}  // namespace

std::string pcapng(const std::deque<TraceEntry>& entries) {
  std::string out, section, interface;
  little(section, uint32_t{0x1a2b3c4d});
  little(section, uint16_t{1});
  little(section, uint16_t{0});
  little(section, ~uint64_t{0});  // the length is not told
  block(out, kSectionHeader, section);
  little(interface, kRawIp);
  little(interface, uint16_t{0});
  little(interface, uint32_t{0});  // whole packets
  block(out, kInterface, interface);

  // Of each direction of a stream: how much has passed.
  using Direction = std::tuple<std::string, std::string>;
  std::map<Direction, uint32_t> passed;
  for (const TraceEntry& entry : entries) {
    if (entry.from.ip.family != entry.to.ip.family || !entry.from.is_set()) continue;
    std::string_view rest = entry.message;
    if (entry.protocol == Protocol::udp) {
      packet_block(out, entry.at, udp(entry, rest.substr(0, kMaxDatagram)));
      continue;
    }
    const std::string from = entry.from.text(), to = entry.to.text();
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, kMaxSegment);
      uint32_t& sequence = passed.try_emplace({from, to}, 1).first->second;
      const uint32_t acknowledged = passed.try_emplace({to, from}, 1).first->second;
      packet_block(out, entry.at, tcp(entry, part, sequence, acknowledged));
      sequence += static_cast<uint32_t>(part.size());
      rest.remove_prefix(part.size());
    }
  }
  return out;
}

}  // namespace isthmus::gateway
