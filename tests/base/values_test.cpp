// SPDX-License-Identifier: MIT
// base: text, addresses, encodings, random, hash, digests, outbox.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/address.hpp"
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/machine.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/text.hpp"

#include <sstream>

namespace isthmus {
namespace {

TEST(Text, NumbersNeverWrap) {
  EXPECT_EQ(parse_number("0"), 0u);
  EXPECT_EQ(parse_number("4294967295", UINT32_MAX), 4294967295u);
  EXPECT_EQ(parse_number("4294967296", UINT32_MAX), std::nullopt);
  EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_number("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_number("9", 5), std::nullopt);
  for (const auto* bad : {"", "-1", "+1", " 1", "1 ", "1a"}) EXPECT_EQ(parse_number(bad), std::nullopt) << bad;
}

TEST(Text, EditDistanceFindsTheNearestKey) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("listen", "lisetn"), 2u);
  EXPECT_EQ(edit_distance("port", "port"), 0u);
}

TEST(Address, ParsesAndPrintsBothFamilies) {
  for (const auto* text :
       {"192.0.2.1", "0.0.0.0", "::", "::1", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "fe80::1:0:0:1"}) {
    const auto ip = IpAddress::parse(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(ip->text(), text);
  }
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1")->text(), "::ffff:c000:201");
  EXPECT_EQ(IpAddress::parse("1:0:0:2:0:0:0:3")->text(), "1:0:0:2::3");
  for (const auto* bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", ":::", "1::2::3",
                          "12345::", "1:2:3:4:5:6:7:8:9", "[::1", "g::1", "1.2.3.4:"}) {
    EXPECT_FALSE(IpAddress::parse(bad)) << bad;
  }
}

TEST(Address, SocketAddressesRoundTrip) {
  for (const auto* text : {"192.0.2.1:5060", "[2001:db8::1]:5060"}) EXPECT_EQ(SocketAddress::parse(text)->text(), text);
  EXPECT_EQ(SocketAddress::parse("192.0.2.1", 5060)->port, 5060);
  for (const auto* bad : {"192.0.2.1:", "192.0.2.1:65536", "[::1]x", "[::1]:", "host:1"})
    EXPECT_FALSE(SocketAddress::parse(bad)) << bad;
}

TEST(Address, PrefixesContainExactlyTheirAddresses) {
  const auto prefix = Prefix::parse("192.0.2.128/25");
  ASSERT_TRUE(prefix);
  EXPECT_TRUE(prefix->contains(IpAddress::v4(192, 0, 2, 200)));
  EXPECT_FALSE(prefix->contains(IpAddress::v4(192, 0, 2, 127)));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("::1")));
  EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(IpAddress::v4(9, 9, 9, 9)));
  EXPECT_FALSE(Prefix::parse("192.0.2.0/33"));
}

TEST(Address, KnowsSpecialRanges) {
  EXPECT_TRUE(IpAddress::parse("127.9.9.9")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
  EXPECT_TRUE(IpAddress::parse("239.0.0.1")->is_multicast());
  EXPECT_TRUE(IpAddress::parse("255.255.255.255")->is_broadcast());
  EXPECT_TRUE(IpAddress::parse("169.254.1.1")->is_link_local());
  EXPECT_TRUE(IpAddress::parse("100.64.0.1")->is_private());
  EXPECT_FALSE(IpAddress::parse("192.0.2.1")->is_private());
}

TEST(Encoding, Rfc4648Vectors) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    const auto back = from_base64(encoded);
    ASSERT_TRUE(back);
    EXPECT_EQ(as_text(*back), plain);
  }
  for (const auto* bad : {"Zg=", "Zg", "Z===", "Zh==", "Z-==", "Zg==Zg=="}) EXPECT_FALSE(from_base64(bad)) << bad;
  EXPECT_EQ(to_hex(as_bytes("\x01\xfe")), "01fe");
  EXPECT_FALSE(from_hex("0g"));
  EXPECT_EQ(to_base64url(as_bytes("\xfb\xff")), "-_8");
}

TEST(Random, IsAValueAndForksByName) {
  Random a(Seed::of(1));
  Random b = a;
  EXPECT_EQ(a.next(), b.next());
  const Seed fork = a.fork("timers");
  a.next();
  EXPECT_EQ(fork, a.fork("timers")) << "a fork does not depend on what was drawn";
  EXPECT_FALSE(fork == a.fork("tags"));
  EXPECT_NE(Random(fork).next(), Random(Seed::of(1)).next());
  EXPECT_EQ(a.token(64).size(), 16u);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(a.below(7), 7u);
}

TEST(Random, IsChaCha20) {  // RFC 8439 appendix A.1, test vector 1: all-zero key, counter and nonce
  Random zero{Seed{}};
  std::array<std::byte, 16> out{};
  zero.fill(out);
  EXPECT_EQ(to_hex(out), "76b8e0ada0f13d90405d6ae55386bd28");
}

TEST(Hash, IsSipHash24) {  // the reference vector of its authors: key 00..0f, input 00..0e
  std::array<std::byte, 15> input{};
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i);
  EXPECT_EQ(keyed_hash({0x0706050403020100, 0x0f0e0d0c0b0a0908}, Bytes(input)), 0xa129ca6149be45e5u);
}

TEST(Crypto, KnownVectors) {
  EXPECT_EQ(to_hex(crypto::md5(as_bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(to_hex(crypto::sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(crypto::hmac_sha1(as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")})),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(to_hex(crypto::hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want for nothing?")})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(crypto::crc32({as_bytes("12345"), as_bytes("6789")}), 0xcbf43926u);
  EXPECT_TRUE(crypto::equal_constant_time(as_bytes("a"), as_bytes("a")));
  EXPECT_FALSE(crypto::equal_constant_time(as_bytes("a"), as_bytes("b")));
  EXPECT_FALSE(crypto::equal_constant_time(as_bytes("a"), as_bytes("ab")));
}

TEST(Log, APrivateValueIsNeverPrinted) {
  std::ostringstream out;
  out << Private<std::string>("hunter2");
  EXPECT_EQ(out.str(), "***");
}

TEST(Outbox, NamesBytesByOffsetAndCountsWhatDoesNotFit) {
  Outbox out;
  out.send({}, as_bytes("first"));
  out.send({}, as_bytes("second"));
  ASSERT_EQ(out.actions.size(), 2u);
  EXPECT_EQ(as_text(out.view(std::get<Send>(out.actions[1]).bytes)), "second");
  const std::vector<std::byte> huge(Outbox::kMaxBytes);
  out.send({}, huge);
  EXPECT_EQ(out.actions.size(), 2u);
  EXPECT_EQ(out.dropped, 1u);
}

Result<int, std::string> half(int n) {
  if (n % 2 != 0) return fail<std::string>("odd");
  return n / 2;
}
Result<int, std::string> quarter(int n) {
  ISTHMUS_TRY(once, half(n));
  ISTHMUS_TRY(twice, half(once));
  return twice;
}
TEST(Result, TryPassesTheErrorOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error(), "odd");
}

}  // namespace
}  // namespace isthmus
