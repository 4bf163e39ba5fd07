// SPDX-License-Identifier: MIT
#include "base/stun_message.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace isthmus::stun {
namespace {

using Octets = std::vector<std::byte>;

Octets hex(std::string text) {
  std::erase(text, ' ');
  auto bytes = from_hex(text);
  EXPECT_TRUE(bytes) << text;
  return bytes.value_or(Octets{});
}

struct Vector {
  const char* name;
  std::string octets;
  Octets key;
  bool fingerprint;
};

constexpr const char* kSoftware = "8022000b 7465737420766563746f7220";

// RFC 5769 section 2.
std::vector<Vector> rfc5769() {
  const std::string password = "VOkJxbRl1RmTxUk/WvJxBt";
  const Octets short_term(as_bytes(password).begin(), as_bytes(password).end());
  const auto md5 = crypto::md5(as_bytes("\u30de\u30c8\u30ea\u30c3\u30af\u30b9:example.org:TheMatrIX"));
  const std::string id = "2112a442 b7e7a701bc34d686fa87dfae";
  return {
      {"2.1 request",
       "00010058" + id +
           "80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36"
           "00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf",
       short_term, true},
      {"2.2 IPv4 response",
       "0101003c" + id + kSoftware +
           "00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96",
       short_term, true},
      {"2.3 IPv6 response",
       "01010048" + id + kSoftware +
           "00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9"
           "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c",
       short_term, true},
      {"2.4 long-term request",
       "00010060 2112a442 78ad3433c6ad72c029da412e 00060012 e3839ee38388e383aae38383e382afe382b90000"
       "0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341 0014000b 6578616d706c652e6f726700"
       "00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666",
       Octets(md5.begin(), md5.end()), false},
  };
}

bool is_accepted(Bytes datagram, Bytes key) {
  const auto message = parse(datagram);
  if (!message || !integrity_matches(*message, key, crypto::hmac_sha1)) return false;
  return message->fingerprint_at == 0 || fingerprint_matches(*message, crypto::crc32);
}

// A message of one attribute with a declared length of its own, however wrong.
Octets with_attribute(uint16_t type, uint16_t declared, size_t present) {
  Octets out(kHeaderSize + 4 + present);
  write_u16(out.data(), 0x0001);
  write_u16(&out[2], static_cast<uint16_t>(out.size() - kHeaderSize));
  write_u32(&out[4], kMagicCookie);
  write_u16(&out[20], type);
  write_u16(&out[22], declared);
  return out;
}

FaultCode fault_of(Bytes datagram) {
  const auto message = parse(datagram);
  EXPECT_FALSE(message);
  return message ? FaultCode::too_short : message.error().code;
}

TEST(StunMessage, G3_RFC5769_all_four_vectors_are_accepted) {
  for (const Vector& vector : rfc5769()) {
    const Octets octets = hex(vector.octets);
    const auto message = parse(octets);
    ASSERT_TRUE(message) << vector.name;
    EXPECT_TRUE(integrity_matches(*message, vector.key, crypto::hmac_sha1)) << vector.name;
    EXPECT_EQ(fingerprint_matches(*message, crypto::crc32), vector.fingerprint) << vector.name;
    EXPECT_EQ(message->unknown_count, 0) << vector.name;
  }
}

TEST(StunMessage, G3_RFC5769_attributes_have_the_stated_values) {
  const auto vectors = rfc5769();
  const Octets request = hex(vectors[0].octets);
  const auto first = parse(request);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, Class::request);
  EXPECT_EQ(first->method, kBinding);
  EXPECT_EQ(first->username, "evtj:h6vY");
  EXPECT_EQ(first->software, "STUN test client");
  EXPECT_EQ(first->priority, 0x6e0001ffU);
  EXPECT_EQ(first->controlled, 0x932ff9b151263b36U);
  EXPECT_FALSE(first->controlling || first->use_candidate || first->mapped || first->error);
  const Octets v4 = hex(vectors[1].octets);
  EXPECT_EQ(parse(v4)->mapped, SocketAddress::parse("192.0.2.1:32853"));
  const Octets v6 = hex(vectors[2].octets);
  EXPECT_EQ(parse(v6)->mapped, SocketAddress::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
}

TEST(StunMessage, G3_every_single_bit_flip_in_covered_octets_is_refused) {
  for (const Vector& vector : rfc5769()) {
    Octets octets = hex(vector.octets);
    const size_t covered = parse(octets)->integrity_at + 4 + kIntegritySize;
    for (size_t bit = 0; bit < covered * 8; ++bit) {
      octets[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      EXPECT_FALSE(is_accepted(octets, vector.key)) << vector.name << " bit " << bit;
      octets[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
    EXPECT_TRUE(is_accepted(octets, vector.key)) << vector.name;
  }
}

TEST(StunMessage, G3_a_flip_inside_the_fingerprint_value_is_refused) {
  Octets octets = hex(rfc5769()[0].octets);
  for (size_t bit = (octets.size() - 4) * 8; bit < octets.size() * 8; ++bit) {
    octets[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(fingerprint_matches(*parse(octets), crypto::crc32)) << bit;
    octets[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
}

TEST(StunMessage, RFC5769_response_is_written_octet_for_octet) {
  const Vector vector = rfc5769()[1];
  const Octets wanted = hex(vector.octets);
  std::array<std::byte, 128> room{};
  Writer writer(room, Class::success, kBinding, parse(wanted)->transaction);
  writer.text(Attribute::software, "test vector");
  writer.xor_mapped_address(*SocketAddress::parse("192.0.2.1:32853"));
  // The RFC pads with a space where we pad with zero, so the checks differ but everything before them is the same.
  const Octets before(wanted.begin(), wanted.begin() + 48);
  Octets ours(writer.bytes().begin(), writer.bytes().end());
  write_u16(&ours[2], 0x3c);
  ours[35] = std::byte{0x20};
  EXPECT_EQ(ours, before);
}

TEST(StunMessage, what_is_written_is_read_back_with_valid_checks) {
  std::array<std::byte, 512> room{};
  const TransactionId id{std::byte{7}, std::byte{9}};
  Writer writer(room, Class::error, kBinding, id);
  writer.error_code(420, "Unknown Attribute");
  const std::array<uint16_t, 3> types{0x7001, 0x7002, 0x7003};
  writer.unknown_attributes(types);
  writer.xor_mapped_address(*SocketAddress::parse("[2001:db8::5]:9"));
  writer.number64(Attribute::ice_controlling, 42);
  writer.flag(Attribute::use_candidate);
  writer.integrity(as_bytes("secret"), crypto::hmac_sha1);
  writer.integrity_sha256(as_bytes("secret"), crypto::hmac_sha256);
  writer.fingerprint(crypto::crc32);
  const auto message = parse(writer.bytes());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, Class::error);
  EXPECT_EQ(message->transaction, id);
  ASSERT_TRUE(message->error);
  EXPECT_EQ(message->error->code, 420);
  EXPECT_EQ(message->error->reason, "Unknown Attribute");
  EXPECT_EQ(message->mapped, SocketAddress::parse("[2001:db8::5]:9"));
  EXPECT_EQ(message->controlling, 42U);
  EXPECT_TRUE(message->use_candidate);
  EXPECT_TRUE(integrity_matches(*message, as_bytes("secret"), crypto::hmac_sha1));
  EXPECT_TRUE(integrity_sha256_matches(*message, as_bytes("secret"), crypto::hmac_sha256));
  EXPECT_TRUE(fingerprint_matches(*message, crypto::crc32));
  EXPECT_FALSE(integrity_matches(*message, as_bytes("Secret"), crypto::hmac_sha1));
  EXPECT_FALSE(integrity_sha256_matches(*message, as_bytes("Secret"), crypto::hmac_sha256));
}

TEST(StunMessage, a_message_that_does_not_fit_is_empty_never_torn) {
  for (size_t size = 0; size < 64; ++size) {
    Octets room(size);
    Writer writer(room, Class::success, kBinding, {});
    writer.xor_mapped_address(*SocketAddress::parse("192.0.2.1:1"));
    writer.integrity(as_bytes("k"), crypto::hmac_sha1);
    writer.fingerprint(crypto::crc32);
    EXPECT_TRUE(writer.bytes().empty()) << size;
  }
}

TEST(StunMessage, RFC8489_5_headers_that_are_not_stun_are_refused) {
  const Octets good = hex(rfc5769()[0].octets);
  for (size_t size = 0; size < kHeaderSize; ++size) {
    EXPECT_EQ(fault_of(Bytes{good}.first(size)), FaultCode::too_short);
  }
  for (size_t size = kHeaderSize; size < good.size(); ++size) EXPECT_FALSE(parse(Bytes{good}.first(size))) << size;
  Octets bad = good;
  bad[0] = std::byte{0x80};
  EXPECT_EQ(fault_of(bad), FaultCode::not_stun);
  bad = good;
  bad[5] ^= std::byte{1};
  EXPECT_EQ(fault_of(bad), FaultCode::not_stun);
  Octets tail = good;
  tail.resize(good.size() + 4);
  EXPECT_EQ(fault_of(tail), FaultCode::bad_length);
}

TEST(StunMessage, RFC8489_5_class_and_method_bits_are_kept_apart) {
  for (const Class kind : {Class::request, Class::indication, Class::success, Class::error}) {
    for (const uint16_t method : {0x001, 0x003, 0x00f, 0x010, 0x080, 0x0fff}) {
      std::array<std::byte, kHeaderSize> room{};
      const Writer writer(room, kind, method, {});
      const auto message = parse(writer.bytes());
      ASSERT_TRUE(message) << method;
      EXPECT_EQ(message->kind, kind);
      EXPECT_EQ(message->method, method);
    }
  }
}

TEST(StunMessage, advisory_16_an_attribute_longer_than_the_packet_is_refused) {
  for (const uint16_t type : {0x0001, 0x0006, 0x0008, 0x0009, 0x0020, 0x0024, 0x8022, 0x8028, 0x7777}) {
    for (const uint16_t length : {0xffff, 0xfffc, 0x0005, 0x0100}) {
      EXPECT_EQ(fault_of(with_attribute(type, length, 4)), FaultCode::truncated_attribute) << type << ' ' << length;
    }
  }
}

TEST(StunMessage, advisory_17_short_values_of_known_attributes_are_refused) {
  for (uint16_t size = 0; size < 4; ++size) {
    EXPECT_EQ(fault_of(with_attribute(0x0009, size, (size + 3U) / 4 * 4)), FaultCode::bad_attribute) << size;
    EXPECT_EQ(fault_of(with_attribute(0x0024, size, (size + 3U) / 4 * 4)), FaultCode::bad_attribute) << size;
  }
  for (const uint16_t type : {0x0008, 0x001c, 0x0020, 0x0001, 0x8028, 0x8029, 0x802a}) {
    EXPECT_EQ(fault_of(with_attribute(type, 0, 0)), FaultCode::bad_attribute) << type;
  }
  EXPECT_EQ(fault_of(with_attribute(0x0025, 4, 4)), FaultCode::bad_attribute);
}

TEST(StunMessage, advisory_18_an_error_code_outside_300_to_699_is_refused) {
  for (const auto& [high, low] : {std::pair{2, 99}, std::pair{7, 0}, std::pair{0, 0}, std::pair{4, 100}}) {
    Octets octets = with_attribute(0x0009, 4, 4);
    octets[26] = static_cast<std::byte>(high);
    octets[27] = static_cast<std::byte>(low);
    EXPECT_EQ(fault_of(octets), FaultCode::bad_attribute) << high << low;
  }
}

TEST(StunMessage, advisory_19_header_lengths_and_many_unknown_attributes_are_bounded) {
  for (const uint16_t length : {0xfffc, 0xffff, 0x0001, 0x0002, 0x0003, 0x0059}) {
    Octets octets = hex(rfc5769()[0].octets);
    write_u16(&octets[2], length);
    EXPECT_EQ(fault_of(octets), FaultCode::bad_length) << length;
  }
  const auto unknown = [](size_t count) {
    Octets octets(kHeaderSize + 4 * count);
    write_u16(octets.data(), 1);
    write_u16(&octets[2], static_cast<uint16_t>(4 * count));
    write_u32(&octets[4], kMagicCookie);
    for (size_t i = 0; i < count; ++i) write_u16(&octets[kHeaderSize + 4 * i], static_cast<uint16_t>(0x7000 + i));
    return octets;
  };
  EXPECT_EQ(fault_of(unknown(3000)), FaultCode::too_long);
  EXPECT_EQ(fault_of(unknown(kMaxAttributes + 1)), FaultCode::too_many_attributes);
  const Octets many = unknown(kMaxAttributes);
  const auto message = parse(many);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->unknown_count, kMaxUnknownReported);
}

TEST(StunMessage, advisory_21_a_user_name_above_512_octets_is_refused) {
  EXPECT_TRUE(parse(with_attribute(0x0006, 512, 512)));
  EXPECT_EQ(fault_of(with_attribute(0x0006, 513, 516)), FaultCode::bad_attribute);
  EXPECT_EQ(fault_of(with_attribute(0x0006, 60000, 60000)), FaultCode::too_long);
}

TEST(StunMessage, RFC8489_14_5_what_follows_the_integrity_is_ignored) {
  std::array<std::byte, 256> room{};
  Writer writer(room, Class::request, kBinding, {});
  writer.text(Attribute::username, "a:b");
  writer.integrity(as_bytes("k"), crypto::hmac_sha1);
  writer.flag(Attribute::use_candidate);
  writer.text(Attribute::username, "evil:b");
  const auto message = parse(writer.bytes());
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->use_candidate);
  EXPECT_EQ(message->username, "a:b");
  EXPECT_TRUE(integrity_matches(*message, as_bytes("k"), crypto::hmac_sha1));
}

TEST(StunMessage, RFC8489_14_7_nothing_may_follow_the_fingerprint) {
  std::array<std::byte, 256> room{};
  Writer writer(room, Class::request, kBinding, {});
  writer.fingerprint(crypto::crc32);
  writer.flag(Attribute::use_candidate);
  EXPECT_EQ(fault_of(writer.bytes()), FaultCode::after_fingerprint);
}

TEST(StunMessage, every_fault_has_a_sentence) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(FaultCode::after_fingerprint); ++i) {
    EXPECT_NE(describe(static_cast<FaultCode>(i)), "unknown fault");
  }
}

}  // namespace
}  // namespace isthmus::stun
