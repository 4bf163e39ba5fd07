// SPDX-License-Identifier: MIT
// Byte spans and their view as text. Nothing here owns memory; a view lives as long as what it looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace isthmus {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline uint8_t octet(std::byte b) {
  return std::to_integer<uint8_t>(b);
}

// Big-endian (network order) reads and writes; the caller has checked that the bytes are there.
inline uint16_t read_u16(const std::byte* p) {
  return static_cast<uint16_t>((octet(p[0]) << 8) | octet(p[1]));
}
inline uint32_t read_u32(const std::byte* p) {
  return (uint32_t{read_u16(p)} << 16) | read_u16(p + 2);
}
inline uint64_t read_u64(const std::byte* p) {
  return (uint64_t{read_u32(p)} << 32) | read_u32(p + 4);
}
inline void write_u16(std::byte* p, uint16_t v) {
  p[0] = static_cast<std::byte>(v >> 8);
  p[1] = static_cast<std::byte>(v & 0xff);
}
inline void write_u32(std::byte* p, uint32_t v) {
  write_u16(p, static_cast<uint16_t>(v >> 16));
  write_u16(p + 2, static_cast<uint16_t>(v & 0xffff));
}
inline void write_u64(std::byte* p, uint64_t v) {
  write_u32(p, static_cast<uint32_t>(v >> 32));
  write_u32(p + 4, static_cast<uint32_t>(v & 0xffffffff));
}

}  // namespace isthmus
