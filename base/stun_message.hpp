// SPDX-License-Identifier: MIT
// STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 section 16.1): a parser that is a view into the
// datagram and a writer into the caller's buffer. Every attribute's length is checked before its value is read. The
// digests are handed in as functions, so that nothing but the standard library is needed here. Never sends, never
// decides whether a message deserves an answer.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace isthmus::stun {

inline constexpr size_t kHeaderSize = 20;
inline constexpr uint32_t kMagicCookie = 0x2112a442;
inline constexpr size_t kMaxMessageSize = 2048;  // a connectivity check is about 100 octets, an error below 600
inline constexpr size_t kMaxAttributes = 64;
inline constexpr size_t kMaxUnknownReported = 8;         // in one UNKNOWN-ATTRIBUTES; the others are still refused
inline constexpr size_t kMaxUsernameSize = 512;          // 14.3: fewer than 513 octets
inline constexpr size_t kMaxTextSize = 763;              // 14.8, 14.14: reason phrase and SOFTWARE
inline constexpr size_t kIntegritySize = 20;             // HMAC-SHA1
inline constexpr size_t kMaxIntegritySha256Size = 32;    // 14.6: 16 to 32 in steps of 4
inline constexpr uint16_t kBinding = 0x001;              // the one method of ICE
inline constexpr uint32_t kFingerprintXor = 0x5354554e;  // 14.7: "STUN"

enum class Class : uint8_t { request, indication, success, error };

enum class Attribute : uint16_t {
  mapped_address = 0x0001,
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000a,
  realm = 0x0014,
  nonce = 0x0015,
  message_integrity_sha256 = 0x001c,
  xor_mapped_address = 0x0020,
  priority = 0x0024,
  use_candidate = 0x0025,
  software = 0x8022,
  fingerprint = 0x8028,
  ice_controlled = 0x8029,
  ice_controlling = 0x802a
};

enum class FaultCode : uint8_t {
  too_short,            // fewer than 20 octets
  too_long,             // above kMaxMessageSize
  not_stun,             // the first two bits or the magic cookie are wrong
  bad_length,           // the header's length is no multiple of 4 or differs from the datagram's
  truncated_attribute,  // an attribute reaches behind the end
  bad_attribute,        // a known attribute with a length or content that its section forbids
  too_many_attributes,  // above kMaxAttributes
  after_fingerprint     // 14.7: something follows FINGERPRINT
};
std::string_view describe(FaultCode code);

struct ParseFault {
  FaultCode code = FaultCode::too_short;
  uint16_t offset = 0;  // of the attribute or field
};

using TransactionId = std::array<std::byte, 12>;

struct ErrorCode {
  uint16_t code = 0;  // 300..699
  std::string_view reason;
};

// A parsed message. The views live as long as `bytes` does. The first occurrence of an attribute counts (RFC 8489
// section 14); whatever follows MESSAGE-INTEGRITY, except MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, is ignored.
struct Message {
  Bytes bytes;
  Class kind = Class::request;
  uint16_t method = 0;
  TransactionId transaction{};
  std::optional<std::string_view> username;
  std::optional<std::string_view> software;
  std::optional<SocketAddress> mapped;  // XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS
  std::optional<uint32_t> priority;
  std::optional<uint64_t> controlling;  // the tie-breaker
  std::optional<uint64_t> controlled;
  std::optional<ErrorCode> error;
  bool use_candidate = false;
  bool mapped_is_xor = false;
  uint8_t unknown_count = 0;                            // of `unknown` below
  std::array<uint16_t, kMaxUnknownReported> unknown{};  // comprehension-required attributes that are not known here
  uint16_t integrity_at = 0;                            // offset of MESSAGE-INTEGRITY; 0: none
  uint16_t integrity_sha256_at = 0;
  uint16_t fingerprint_at = 0;

  bool has_integrity() const { return integrity_at != 0; }
};

Result<Message, ParseFault> parse(Bytes datagram);

// Digests over the concatenation of parts; crypto::hmac_sha1, crypto::hmac_sha256 and crypto::crc32 fit.
using HmacSha1 = std::array<std::byte, 20> (*)(Bytes key, std::initializer_list<Bytes> parts);
using HmacSha256 = std::array<std::byte, 32> (*)(Bytes key, std::initializer_list<Bytes> parts);
using Crc32 = uint32_t (*)(std::initializer_list<Bytes> parts);
struct Digests {
  HmacSha1 hmac_sha1 = nullptr;
  HmacSha256 hmac_sha256 = nullptr;  // may stay null where MESSAGE-INTEGRITY-SHA256 is not used
  Crc32 crc32 = nullptr;
};

// 14.5, 14.6, 14.7. False when the attribute is absent. Values are compared in constant time.
bool integrity_matches(const Message& message, Bytes key, HmacSha1 hmac);
bool integrity_sha256_matches(const Message& message, Bytes key, HmacSha256 hmac);
bool fingerprint_matches(const Message& message, Crc32 crc32);

// Builds one message into the caller's buffer. What does not fit makes the whole message empty, never a torn one.
// Order is the caller's: integrity after all ordinary attributes, fingerprint last.
class Writer {
 public:
  Writer(MutableBytes room, Class kind, uint16_t method, const TransactionId& transaction);

  void attribute(Attribute type, Bytes value);
  void text(Attribute type, std::string_view value) { attribute(type, as_bytes(value)); }
  void number32(Attribute type, uint32_t value);
  void number64(Attribute type, uint64_t value);
  void flag(Attribute type) { attribute(type, {}); }
  void xor_mapped_address(const SocketAddress& address);
  void error_code(uint16_t code, std::string_view reason);
  void unknown_attributes(std::span<const uint16_t> types);
  void integrity(Bytes key, HmacSha1 hmac);
  void integrity_sha256(Bytes key, HmacSha256 hmac);
  void fingerprint(Crc32 crc32);

  Bytes bytes() const { return full_ ? Bytes{} : Bytes{room_.first(size_)}; }

 private:
  std::byte* append(Attribute type, size_t size);
  void set_length(size_t size) { write_u16(room_.data() + 2, static_cast<uint16_t>(size - kHeaderSize)); }

  MutableBytes room_;
  size_t size_ = 0;
  bool full_ = false;
};

}  // namespace isthmus::stun
