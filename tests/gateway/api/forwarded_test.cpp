// SPDX-License-Identifier: MIT
// Whom a request is from: tables of what proxies write, and of what strangers write to be taken for somebody else.
#include "gateway/api/forwarded.hpp"

#include <gtest/gtest.h>

namespace isthmus::gateway::test {
namespace {

struct Row {
  const char* peer;
  std::vector<HttpHeader> headers;
  const char* ip;
  bool secure = false;
  bool disbelieved = false;
};

const std::vector<Prefix> kTrusted{*Prefix::parse("10.1.0.0/16"), *Prefix::parse("127.0.0.1"),
                                   *Prefix::parse("2001:db8:1::/48")};

void expect(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    std::string shown = row.peer;
    for (const auto& [name, value] : row.headers) shown += " | " + name + ": " + value;
    const Sender sender = sender_of(row.headers, *IpAddress::parse(row.peer), false, kTrusted);
    EXPECT_EQ(sender.ip.text(), row.ip) << shown;
    EXPECT_EQ(sender.is_secure, row.secure) << shown;
    EXPECT_EQ(sender.disbelieved, row.disbelieved) << shown;
  }
}

constexpr const char* kFor = "X-Forwarded-For";
constexpr const char* kProto = "X-Forwarded-Proto";
constexpr const char* kForwarded = "Forwarded";

}  // namespace

TEST(Forwarded, ATrustedProxyIsBelieved) {
  expect({
      {"10.1.2.3", {}, "10.1.2.3"},
      {"10.1.2.3", {{kFor, "192.0.2.1"}}, "192.0.2.1"},
      {"10.1.2.3", {{"x-forwarded-for", " 192.0.2.1 "}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "192.0.2.1:4711"}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "2001:db8::1"}}, "2001:db8::1"},
      {"10.1.2.3", {{kFor, "[2001:db8::1]:4711"}}, "2001:db8::1"},
      {"10.1.2.3", {{kFor, "::ffff:192.0.2.1"}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "192.0.2.1"}, {kProto, "https"}}, "192.0.2.1", true},
      {"10.1.2.3", {{kFor, "192.0.2.1"}, {kProto, "HTTPS"}}, "192.0.2.1", true},
      {"10.1.2.3", {{kFor, "192.0.2.1"}, {kProto, "http"}}, "192.0.2.1"},
      {"10.1.2.3", {{kForwarded, "for=192.0.2.1"}}, "192.0.2.1"},
      {"10.1.2.3", {{kForwarded, "For=\"[2001:db8::1]:4711\";Proto=https;by=10.1.2.3"}}, "2001:db8::1", true},
      {"10.1.2.3", {{kForwarded, "proto=http; for=\"192.0.2.1:80\"; host=\"a;b,c\""}}, "192.0.2.1"},
      {"10.1.2.3", {{kForwarded, "for=\"192.0.2\\.1\""}}, "192.0.2.1"},
      {"127.0.0.1", {{kFor, "192.0.2.1"}}, "192.0.2.1"},
      {"2001:db8:1::5", {{kFor, "192.0.2.1"}}, "192.0.2.1"},
      // Both kinds, of one mind.
      {"10.1.2.3", {{kFor, "192.0.2.1"}, {kForwarded, "for=192.0.2.1;proto=https"}}, "192.0.2.1", true},
  });
}

TEST(Forwarded, OfManyHopsTheLastUntrustedOneCounts) {
  expect({
      // The client wrote the first address itself.
      {"10.1.2.3", {{kFor, "203.0.113.9, 192.0.2.1"}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "127.0.0.1, 192.0.2.1"}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "203.0.113.9"}, {kFor, "192.0.2.1"}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "nonsense, 192.0.2.1"}}, "192.0.2.1"},
      // Two proxies of ours, one behind the other.
      {"10.1.2.3", {{kFor, "203.0.113.9, 192.0.2.1, 10.1.0.9"}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "192.0.2.1"}, {kFor, "10.1.0.9"}}, "192.0.2.1"},
      {"10.1.2.3",
       {{kForwarded, "for=203.0.113.9, for=192.0.2.1;proto=https, for=10.1.0.9;proto=http"}},
       "192.0.2.1",
       true},
      // The proxy's own machine.
      {"10.1.2.3", {{kFor, "10.1.0.9"}}, "10.1.0.9"},
      {"10.1.2.3", {{kFor, "10.1.0.8, 10.1.0.9"}}, "10.1.0.8"},
      {"10.1.2.3", {{kForwarded, "for=203.0.113.9"}, {kForwarded, "for=192.0.2.1"}}, "192.0.2.1"},
      // One hop that says http is enough.
      {"10.1.2.3", {{kFor, "192.0.2.1, 10.1.0.9"}, {kProto, "https, http"}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "192.0.2.1"}, {kProto, "http"}, {kProto, "https"}}, "192.0.2.1"},
      {"10.1.2.3", {{kFor, "192.0.2.1, 10.1.0.9"}, {kProto, "https, https"}}, "192.0.2.1", true},
  });
}

TEST(Forwarded, StrangersAreNotBelieved) {
  expect({
      {"192.0.2.66", {{kFor, "127.0.0.1"}, {kProto, "https"}}, "192.0.2.66", false, true},
      {"192.0.2.66", {{kForwarded, "for=127.0.0.1;proto=https"}}, "192.0.2.66", false, true},
      {"192.0.2.66", {{kFor, "10.1.2.3"}}, "192.0.2.66", false, true},
      {"127.0.0.2", {{kFor, "192.0.2.1"}}, "127.0.0.2", false, true},
      {"10.2.0.1", {{kFor, "192.0.2.1"}}, "10.2.0.1", false, true},
      {"192.0.2.66", {{"X-Forwarded-Host", "here"}}, "192.0.2.66", false, true},
  });
}

TEST(Forwarded, WhatIsNoAddressLeavesTheProxy) {
  std::string long_way = "192.0.2.1";
  for (int i = 0; i < 40; ++i) long_way += ", 10.1.0.9";
  expect({
      {"10.1.2.3", {{kFor, "unknown"}, {kProto, "https"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kFor, ""}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kFor, "192.0.2.1,"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kFor, "192.0.2.1, nonsense"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kFor, "192.0.2.1, unknown, 10.1.0.9"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kFor, "192.0.2.300"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kFor, long_way}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kProto, "https"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for=unknown"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for=_secret;proto=https"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "proto=https"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, ""}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for="}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "=192.0.2.1"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for=[2001:db8::1]"}}, "10.1.2.3", false, true},  // must be quoted
      {"10.1.2.3", {{kForwarded, "for=\"192.0.2.1"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for=\"192.0.2.1\"x"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for=\"192.0.2.1\\"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "fo=\"a\\"}}, "10.1.2.3", false, true},  // found by fuzzing: read behind the end
      // The client opened a quotation mark to swallow what the proxy appends.
      {"10.1.2.3", {{kForwarded, "for=203.0.113.9;x=\", for=192.0.2.1"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for=203.0.113.9;x=\", for=\"[2001:db8::1]\""}}, "10.1.2.3", false, true},
  });
}

TEST(Forwarded, OfTwoKindsThatDifferNoneIsBelieved) {
  // The proxy writes one and passes the other on as the client sent it.
  expect({
      {"10.1.2.3", {{kForwarded, "for=203.0.113.9"}, {kFor, "192.0.2.1"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kFor, "203.0.113.9"}, {kForwarded, "for=192.0.2.1;proto=https"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "nonsense"}, {kFor, "192.0.2.1"}}, "10.1.2.3", false, true},
      {"10.1.2.3", {{kForwarded, "for=192.0.2.1"}, {kFor, "unknown"}}, "10.1.2.3", false, true},
  });
}

// This machine has no rights of its own; what it would cost to be taken for it is the count of wrong secrets.
TEST(Forwarded, NobodyBecomesLoopbackByAHeader) {
  for (const char* name : {"Forwarded", "forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto",
                           "X-Forwarded-Port", "X-FORWARDED-"}) {
    for (const char* value : {"127.0.0.1", "for=127.0.0.1", "::1", "for=\"[::1]\""}) {
      const Sender sender = sender_of({{name, value}}, *IpAddress::parse("192.0.2.66"), false, kTrusted);
      EXPECT_EQ(sender.ip.text(), "192.0.2.66") << name << ": " << value;
      EXPECT_TRUE(sender.disbelieved) << name << ": " << value;
    }
  }
}

}  // namespace isthmus::gateway::test
