// SPDX-License-Identifier: MIT
// The trace: what is hidden of a message, what is kept, and the file made of it. Wireshark's own word on that file is
// in tests/gateway/outside.
#include "gateway/observe/trace.hpp"

#include <gtest/gtest.h>

#include "gateway/observe/sip_secrets.hpp"

namespace isthmus::gateway {
namespace trace_test {

const SocketAddress kPhone{IpAddress::v4(192, 0, 2, 10), 5062};
const SocketAddress kGateway{IpAddress::v4(192, 0, 2, 1), 5060};
const Path kPath{{1, 1}, kPhone, kGateway};

std::string message(std::string_view call_id, std::string_view more = {}) {
  return "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: " + std::string(call_id) + "\r\n" + std::string(more) + "\r\n";
}
void add(Trace& trace, std::string_view text, bool sent = false, const Path& path = kPath) {
  trace.add({}, sent, Protocol::udp, path, as_bytes(text));
}

TEST(SipSecrets, OnlyWhatMayBeReadOfCredentialsIsLeft) {
  const std::string in =
      "REGISTER sip:example.org SIP/2.0\r\n"
      "authorization : Digest username=\"1000\", realm=\"isthmus\",nonce=\"n-secret, with comma\", uri=\"sip:x\",\r\n"
      " response=\"r-secret\", cnonce=c-secret, nc=00000001, qop=auth, algorithm=MD5, unknown=\"u-secret\"\r\n"
      "Proxy-Authorization: Basic b-secret==\r\n"
      "Authorization: Bearer t-secret\r\n"
      "WWW-Authenticate: Digest realm=\"r\",nonce=\"w-secret\\\"more-secret\"\r\n"
      "Authentication-Info: nextnonce=\"x-secret\", rspauth=\"y-secret\"\r\n"
      "Authorization: Digest z-secret\r\n"
      "Contact: <sips:1000:p-secret@192.0.2.10:5061>\r\n"
      "Subject: 12:30 for me@example.org\r\n"
      "Content-Length: 0\r\n\r\n";
  const std::string out = without_secrets(in);
  EXPECT_EQ(out.size(), in.size()) << "lengths stay true";
  EXPECT_EQ(out.find("secret"), std::string::npos) << out;
  for (const char* kept :
       {"username=\"1000\"", "realm=\"isthmus\"", "uri=\"sip:x\"", "nc=00000001", "qop=auth", "algorithm=MD5",
        "<sips:1000:********@192.0.2.10:5061>", "Subject: 12:30 for me@example.org", "Content-Length: 0"})
    EXPECT_NE(out.find(kept), std::string::npos) << kept << "\n" << out;
}

TEST(SipSecrets, KeysInSdpAndDigitsAreHidden) {
  const std::string in =
      "INVITE sip:b SIP/2.0\r\nContent-Length: 1\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
      "inline:k-secret|2^31\r\na=ice-ufrag:abcd\r\na=ice-pwd:i-secret\r\nk=clear:s-secret\r\na=key-mgmt:mikey "
      "m-secret\r\n"
      "Signal= 7\r\nDuration=160\r\n";
  const std::string out = without_secrets(in);
  EXPECT_EQ(out.size(), in.size());
  EXPECT_EQ(out.find("secret"), std::string::npos) << out;
  EXPECT_EQ(out.find("7"), std::string::npos);
  EXPECT_NE(out.find("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:****"), std::string::npos) << out;
  EXPECT_NE(out.find("a=ice-ufrag:abcd"), std::string::npos);
}

TEST(SipSecrets, WhateverBrokenTextComesNothingIsAddedOrLost) {
  for (const std::string in : {"", "\r\n", "\n\n\n", "Authorization:", "Authorization: Digest response",
                               "Authorization: Digest a=\"b\\", "Authorization: Digest =,=,\"", "sip:", "sip:a:@",
                               "Authorization:\r\n \r\n\tDigest response=x\r", "\r\r\n\ra"}) {
    EXPECT_EQ(without_secrets(in).size(), in.size());
  }
  EXPECT_EQ(without_secrets("A: b\nAuthorization: Digest response=abc\nC: d\n"),
            "A: b\nAuthorization: Digest response=***\nC: d\n")
      << "bare line feeds";
  EXPECT_EQ(without_secrets("Authorization: Other\r\n \tse cret\r\nC: d\r\n"),
            "Authorization: Other\r\n \t*******\r\nC: d\r\n")
      << "a folded line stays one (RFC 3261 7.3.1)";
  EXPECT_EQ(without_secrets("Authorization: Odd\"<a=b, response=secret\r\n"),
            "Authorization: Odd\"<a=b,****************\r\n")
      << "no scheme and no parameter: nothing of it is shown";
}

TEST(Trace, OffKeepsNothingAndOnKeepsWhatIsWanted) {
  Trace trace;
  add(trace, message("one"));
  EXPECT_TRUE(trace.entries().empty());
  trace.start("", {});
  add(trace, message("one"));
  add(trace, message("two"), true);
  ASSERT_EQ(trace.entries().size(), 2u);
  EXPECT_EQ(trace.entries()[0].from, kPhone);
  EXPECT_EQ(trace.entries()[1].from, kGateway);

  trace.start("192.0.2.99", {});
  add(trace, message("one"));
  add(trace, message("one"), false, {{1, 1}, {IpAddress::v4(192, 0, 2, 99), 5060}, kGateway});
  EXPECT_EQ(trace.entries().size(), 1u) << "an address";

  trace.start("sip-call-id@host", {});
  add(trace, message("sip-call-id@host"));
  add(trace, "SIP/2.0 200 OK\r\ni:\tsip-call-id@host\r\n\r\n");
  add(trace, message("other"));
  EXPECT_EQ(trace.entries().size(), 2u) << "a SIP Call-ID, in its compact form too";

  std::vector<std::string> ids{"leg b"};
  trace.start("c_1", [&] { return ids; });
  add(trace, message("leg a"));
  add(trace, message("leg b"));
  EXPECT_EQ(trace.entries().size(), 1u) << "the id of a call";
  ids.clear();
  add(trace, message("leg b"));
  EXPECT_EQ(trace.entries().size(), 2u) << "its last messages come when it is over";

  trace.stop();
  add(trace, message("leg b"));
  EXPECT_EQ(trace.entries().size(), 2u) << "kept until it begins again";
}

TEST(Trace, TheRingIsBoundedAndSaysHowMuchWasPushedOut) {
  Trace trace;
  trace.start("", {});
  const std::string large = message("x", "Subject: " + std::string(60000, 'x') + "\r\n");
  for (int i = 0; i < 500; ++i) add(trace, large);
  EXPECT_LE(trace.bytes(), Trace::kRingBytes);
  EXPECT_GT(trace.entries().size(), 100u);
  EXPECT_EQ(trace.pushed_out() + trace.entries().size(), 500u);
  EXPECT_EQ(trace.entries().back().sequence, 500u);
  add(trace, std::string(200000, 'A'));
  EXPECT_EQ(trace.entries().back().message.size(), Trace::kMaxMessage);
}

TEST(Trace, APcapngFileOfEachFamilyAndTransport) {
  Trace trace;
  trace.start("", {});
  EXPECT_EQ(pcapng(trace.entries()).size(), 28u + 20u) << "section header and interface";
  const std::string text = message("one");
  add(trace, text);
  const size_t udp = pcapng(trace.entries()).size();
  EXPECT_EQ(udp, 48 + 32 + (20 + 8 + text.size() + 3) / 4 * 4);
  const Path six{{2, 1}, {*IpAddress::parse("2001:db8::9"), 5060}, {*IpAddress::parse("2001:db8::1"), 5060}};
  trace.add({}, true, Protocol::tcp, six, as_bytes(text));
  EXPECT_EQ(pcapng(trace.entries()).size(), udp + 32 + (40 + 20 + text.size() + 3) / 4 * 4);
}

// The packet of the only entry: behind section header, interface and the head of its block.
std::string only_packet(const Path& path, const std::string& text) {
  Trace trace;
  trace.start("", {});
  add(trace, text, false, path);
  return pcapng(trace.entries()).substr(28 + 20 + 28);
}

TEST(Trace, APacketGoesFromSenderToReceiver) {
  const Path six{{2, 1}, {*IpAddress::parse("2001:db8::9"), 5062}, {*IpAddress::parse("2001:db8::1"), 5060}};
  EXPECT_EQ(only_packet(kPath, message("one")).substr(12, 12),
            std::string("\xc0\0\x02\x0a\xc0\0\x02\x01\x13\xc6\x13\xc4", 12));
  const std::string net("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0", 15);
  EXPECT_EQ(only_packet(six, message("one")).substr(8, 36), net + "\x09" + net + "\x01" + "\x13\xc6\x13\xc4");
}

// RFC 768: 0 says that there is none, which is forbidden over IPv6 (RFC 8200 section 8.1); all ones says the same sum.
TEST(Trace, ADatagramWhoseChecksumIsZeroSaysAllOnes) {
  const Path six{{2, 1}, {*IpAddress::parse("2001:db8::9"), 5060}, {*IpAddress::parse("2001:db8::1"), 5060}};
  for (const auto& [path, header] : {std::pair{kPath, size_t{20}}, std::pair{six, size_t{40}}}) {
    const auto sum = [&](const std::string& text) { return only_packet(path, text).substr(header + 6, 2); };
    // The last two octets take in what was left of the sum when they were 0.
    std::string text = message("even");
    text.resize(text.size() / 2 * 2);
    text += sum(text + std::string(2, '\0'));
    EXPECT_EQ(sum(text), "\xff\xff");
  }
}

TEST(Trace, TheLargestDatagramIsWhole) {
  const std::string text =
      message("large", "Subject: " + std::string(65507 - message("large", "Subject: \r\n").size(), 'x') + "\r\n");
  ASSERT_EQ(text.size(), 65507u) << "of IPv4";
  EXPECT_TRUE(only_packet(kPath, text).substr(28, text.size()) == text);
}

}  // namespace trace_test
}  // namespace isthmus::gateway
