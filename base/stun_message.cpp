// SPDX-License-Identifier: MIT
#include "base/stun_message.hpp"

#include <algorithm>
#include <cstring>

namespace isthmus::stun {
namespace {

constexpr size_t kAttributeHeader = 4;

constexpr size_t padded(size_t size) {
  return (size + 3) & ~size_t{3};
}

// Section 5: the class bits lie at 0x0010 and 0x0100 among the method's.
constexpr uint16_t type_of(Class kind, uint16_t method) {
  const auto c = static_cast<uint16_t>(kind);
  return static_cast<uint16_t>((method & 0x000f) | ((method & 0x0070) << 1) | ((method & 0x0f80) << 2) |
                               ((c & 1) << 4) | ((c & 2) << 7));
}

Class class_of(uint16_t type) {
  return static_cast<Class>(((type >> 4) & 1) | ((type >> 7) & 2));
}

uint16_t method_of(uint16_t type) {
  return static_cast<uint16_t>((type & 0x000f) | ((type >> 1) & 0x0070) | ((type >> 2) & 0x0f80));
}

// 14.1, 14.2. `mask` is the cookie and the transaction id, or zeros for MAPPED-ADDRESS.
std::optional<SocketAddress> read_address(Bytes value, const std::array<std::byte, 16>& mask) {
  if (value.size() != 8 && value.size() != 20) return std::nullopt;
  const uint8_t family = octet(value[1]);
  if ((family == 1) != (value.size() == 8) || family < 1 || family > 2) return std::nullopt;
  SocketAddress address;
  address.ip.family = family == 1 ? Family::v4 : Family::v6;
  address.port = static_cast<uint16_t>(read_u16(&value[2]) ^ read_u16(mask.data()));
  for (size_t i = 0; i < value.size() - 4; ++i) address.ip.octets[i] = octet(value[4 + i] ^ mask[i]);
  return address;
}

std::array<std::byte, 16> address_mask(const TransactionId& transaction) {
  std::array<std::byte, 16> mask{};
  write_u32(mask.data(), kMagicCookie);
  std::copy(transaction.begin(), transaction.end(), mask.begin() + 4);
  return mask;
}

std::optional<ErrorCode> read_error(Bytes value) {  // 14.8
  if (value.size() < 4 || value.size() > 4 + kMaxTextSize) return std::nullopt;
  const unsigned hundreds = octet(value[2]) & 7;
  const unsigned rest = octet(value[3]);
  if (hundreds < 3 || hundreds > 6 || rest > 99) return std::nullopt;
  return ErrorCode{static_cast<uint16_t>(hundreds * 100 + rest), as_text(value.subspan(4))};
}

template <class T>
void keep_first(std::optional<T>& slot, const T& value) {
  if (!slot) slot = value;
}

// Takes one attribute in; false when a known one breaks its section's rules.
bool take(Message& message, uint16_t type, Bytes value) {
  switch (static_cast<Attribute>(type)) {
    case Attribute::username:
      if (value.size() > kMaxUsernameSize) return false;
      keep_first(message.username, as_text(value));
      return true;
    case Attribute::software:
      if (value.size() > kMaxTextSize) return false;
      keep_first(message.software, as_text(value));
      return true;
    case Attribute::xor_mapped_address: {
      const auto address = read_address(value, address_mask(message.transaction));
      if (address && !message.mapped_is_xor) message.mapped = *address;
      message.mapped_is_xor = true;
      return address.has_value();
    }
    case Attribute::mapped_address: {
      const auto address = read_address(value, {});
      if (address) keep_first(message.mapped, *address);
      return address.has_value();
    }
    case Attribute::error_code: {
      const auto error = read_error(value);
      if (error) keep_first(message.error, *error);
      return error.has_value();
    }
    case Attribute::priority:
      if (value.size() != 4) return false;
      keep_first(message.priority, read_u32(value.data()));
      return true;
    case Attribute::use_candidate: message.use_candidate = true; return value.empty();
    case Attribute::ice_controlling:
      if (value.size() != 8) return false;
      keep_first(message.controlling, read_u64(value.data()));
      return true;
    case Attribute::ice_controlled:
      if (value.size() != 8) return false;
      keep_first(message.controlled, read_u64(value.data()));
      return true;
    case Attribute::unknown_attributes: return value.size() % 2 == 0;
    case Attribute::realm:
    case Attribute::nonce: return value.size() <= kMaxTextSize;  // long-term credentials: understood, not used here
    default: break;
  }
  const bool required = type < 0x8000;
  if (required && message.unknown_count < message.unknown.size()) message.unknown[message.unknown_count++] = type;
  return true;
}

// The three attributes whose position matters; their values are checked later, against a key.
enum class Place : uint8_t { ordinary, noted, wrong, ignored };

Place take_check(Message& message, uint16_t type, size_t size, uint16_t at) {
  switch (static_cast<Attribute>(type)) {
    case Attribute::message_integrity:
      if (size != kIntegritySize) return Place::wrong;
      if (message.integrity_at != 0 || message.integrity_sha256_at != 0) return Place::ignored;
      message.integrity_at = at;
      return Place::noted;
    case Attribute::message_integrity_sha256:
      if (size < 16 || size > kMaxIntegritySha256Size || size % 4 != 0) return Place::wrong;
      if (message.integrity_sha256_at != 0) return Place::ignored;
      message.integrity_sha256_at = at;
      return Place::noted;
    case Attribute::fingerprint:
      if (size != 4) return Place::wrong;
      message.fingerprint_at = at;
      return Place::noted;
    default: break;
  }
  const bool sealed = message.integrity_at != 0 || message.integrity_sha256_at != 0;
  return sealed ? Place::ignored : Place::ordinary;
}

Result<Message, ParseFault> parse_header(Bytes datagram) {
  if (datagram.size() < kHeaderSize) return fail(ParseFault{FaultCode::too_short, 0});
  if (datagram.size() > kMaxMessageSize) return fail(ParseFault{FaultCode::too_long, 0});
  const uint16_t type = read_u16(datagram.data());
  if ((type & 0xc000) != 0) return fail(ParseFault{FaultCode::not_stun, 0});
  if (read_u32(&datagram[4]) != kMagicCookie) return fail(ParseFault{FaultCode::not_stun, 4});
  const size_t length = read_u16(&datagram[2]);
  if (length % 4 != 0 || length + kHeaderSize != datagram.size()) return fail(ParseFault{FaultCode::bad_length, 2});
  Message message;
  message.bytes = datagram;
  message.kind = class_of(type);
  message.method = method_of(type);
  std::memcpy(message.transaction.data(), &datagram[8], message.transaction.size());
  return message;
}

// The checks are computed as if the message ended with the attribute that carries them.
std::array<std::byte, 2> length_up_to(size_t end) {
  std::array<std::byte, 2> length{};
  write_u16(length.data(), static_cast<uint16_t>(end - kHeaderSize));
  return length;
}

bool equal_in_constant_time(Bytes a, Bytes b) {
  std::byte difference{0};
  for (size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return difference == std::byte{0};
}

template <class Hmac>
bool check_matches(Bytes bytes, size_t at, Bytes key, Hmac hmac) {
  if (at == 0) return false;
  const size_t size = read_u16(&bytes[at + 2]);
  const auto length = length_up_to(at + kAttributeHeader + size);
  const auto computed = hmac(key, {bytes.first(2), length, bytes.subspan(4, at - 4)});
  return equal_in_constant_time(bytes.subspan(at + kAttributeHeader, size), Bytes{computed}.first(size));
}

}  // namespace

Result<Message, ParseFault> parse(Bytes datagram) {
  auto parsed = parse_header(datagram);
  if (!parsed) return parsed;
  Message& message = *parsed;
  size_t at = kHeaderSize;
  for (size_t count = 0; at < datagram.size(); ++count) {
    const auto offset = static_cast<uint16_t>(at);
    if (count == kMaxAttributes) return fail(ParseFault{FaultCode::too_many_attributes, offset});
    if (message.fingerprint_at != 0) return fail(ParseFault{FaultCode::after_fingerprint, offset});
    // The datagram is a multiple of four long, so an attribute's header is always whole.
    const uint16_t type = read_u16(&datagram[at]);
    const size_t size = read_u16(&datagram[at + 2]);
    if (padded(size) > datagram.size() - at - kAttributeHeader) {
      return fail(ParseFault{FaultCode::truncated_attribute, offset});
    }
    const Place place = take_check(message, type, size, offset);
    const bool good = place == Place::ordinary ? take(message, type, datagram.subspan(at + kAttributeHeader, size))
                                               : place != Place::wrong;
    if (!good) return fail(ParseFault{FaultCode::bad_attribute, offset});
    at += kAttributeHeader + padded(size);
  }
  return parsed;
}

bool integrity_matches(const Message& message, Bytes key, HmacSha1 hmac) {
  return check_matches(message.bytes, message.integrity_at, key, hmac);
}

bool integrity_sha256_matches(const Message& message, Bytes key, HmacSha256 hmac) {
  return check_matches(message.bytes, message.integrity_sha256_at, key, hmac);
}

bool fingerprint_matches(const Message& message, Crc32 crc32) {
  const size_t at = message.fingerprint_at;
  if (at == 0) return false;
  return (crc32({message.bytes.first(at)}) ^ kFingerprintXor) == read_u32(&message.bytes[at + kAttributeHeader]);
}

Writer::Writer(MutableBytes room, Class kind, uint16_t method, const TransactionId& transaction) : room_(room) {
  full_ = room.size() < kHeaderSize;
  if (full_) return;
  size_ = kHeaderSize;
  write_u16(room_.data(), type_of(kind, method));
  write_u32(room_.data() + 4, kMagicCookie);
  std::memcpy(room_.data() + 8, transaction.data(), transaction.size());
  set_length(size_);
}

// Room for one attribute with its padding zeroed, or null when the message is full.
std::byte* Writer::append(Attribute type, size_t size) {
  full_ = full_ || std::min(room_.size(), kMaxMessageSize) - size_ < kAttributeHeader + padded(size);
  if (full_) return nullptr;
  std::byte* at = room_.data() + size_;
  write_u16(at, static_cast<uint16_t>(type));
  write_u16(at + 2, static_cast<uint16_t>(size));
  std::fill_n(at + kAttributeHeader + size, padded(size) - size, std::byte{0});
  size_ += kAttributeHeader + padded(size);
  set_length(size_);
  return at + kAttributeHeader;
}

void Writer::attribute(Attribute type, Bytes value) {
  std::byte* at = append(type, value.size());
  if (at != nullptr) std::copy(value.begin(), value.end(), at);
}

void Writer::number32(Attribute type, uint32_t value) {
  std::byte* at = append(type, 4);
  if (at != nullptr) write_u32(at, value);
}

void Writer::number64(Attribute type, uint64_t value) {
  std::byte* at = append(type, 8);
  if (at != nullptr) write_u64(at, value);
}

void Writer::xor_mapped_address(const SocketAddress& address) {
  const size_t octets = address.ip.is_v6() ? 16 : 4;
  std::byte* at = append(Attribute::xor_mapped_address, 4 + octets);
  if (at == nullptr) return;
  TransactionId transaction;
  std::memcpy(transaction.data(), room_.data() + 8, transaction.size());
  const auto mask = address_mask(transaction);
  at[0] = std::byte{0};
  at[1] = address.ip.is_v6() ? std::byte{2} : std::byte{1};
  write_u16(at + 2, static_cast<uint16_t>(address.port ^ read_u16(mask.data())));
  for (size_t i = 0; i < octets; ++i) at[4 + i] = std::byte{address.ip.octets[i]} ^ mask[i];
}

void Writer::error_code(uint16_t code, std::string_view reason) {
  std::byte* at = append(Attribute::error_code, 4 + reason.size());
  if (at == nullptr) return;
  write_u16(at, 0);
  at[2] = static_cast<std::byte>(code / 100);
  at[3] = static_cast<std::byte>(code % 100);
  std::memcpy(at + 4, reason.data(), reason.size());
}

void Writer::unknown_attributes(std::span<const uint16_t> types) {
  std::byte* at = append(Attribute::unknown_attributes, types.size() * 2);
  if (at == nullptr) return;
  for (size_t i = 0; i < types.size(); ++i) write_u16(at + 2 * i, types[i]);
}

void Writer::integrity(Bytes key, HmacSha1 hmac) {
  const size_t covered = size_;
  std::byte* at = append(Attribute::message_integrity, kIntegritySize);
  if (at == nullptr) return;
  const auto value = hmac(key, {Bytes{room_}.first(covered)});
  std::copy(value.begin(), value.end(), at);
}

void Writer::integrity_sha256(Bytes key, HmacSha256 hmac) {
  const size_t covered = size_;
  std::byte* at = append(Attribute::message_integrity_sha256, kMaxIntegritySha256Size);
  if (at == nullptr) return;
  const auto value = hmac(key, {Bytes{room_}.first(covered)});
  std::copy(value.begin(), value.end(), at);
}

void Writer::fingerprint(Crc32 crc32) {
  const size_t covered = size_;
  std::byte* at = append(Attribute::fingerprint, 4);
  if (at != nullptr) write_u32(at, crc32({Bytes{room_}.first(covered)}) ^ kFingerprintXor);
}

std::string_view describe(FaultCode code) {
  switch (code) {
    case FaultCode::too_short: return "shorter than a STUN header";
    case FaultCode::too_long: return "longer than any STUN message we take";
    case FaultCode::not_stun: return "not a STUN message";
    case FaultCode::bad_length: return "the header's length does not fit the datagram";
    case FaultCode::truncated_attribute: return "an attribute reaches behind the end";
    case FaultCode::bad_attribute: return "an attribute breaks its rules";
    case FaultCode::too_many_attributes: return "too many attributes";
    case FaultCode::after_fingerprint: return "something follows the fingerprint";
  }
  return "unknown fault";
}

}  // namespace isthmus::stun
