// SPDX-License-Identifier: MIT
// Where calls to a trunk go: a port that the owner wrote is taken, otherwise the SRV records of its host decide
// (RFC 3263 section 4.2), of the transport that he wrote and no other.
#include <gtest/gtest.h>

#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using namespace gateway;

const SocketAddress kFirst{IpAddress::v4(192, 0, 2, 31), 5070};
const SocketAddress kSecond{IpAddress::v4(192, 0, 2, 32), 5080};

Settings trunk_without_port() {
  Settings out = bed_settings();
  out.trunks[1].host = "trunk.example";
  return out;
}

// SRV: the first priority is `first`, the second is `second`; the name itself has the address of B, port 5060.
struct Carrier : Flow {
  SipPeer first{world, "first", kFirst, kGateway};
  SipPeer second{world, "second", kSecond, kGateway};

  explicit Carrier(const Settings& settings) : Flow(settings) {
    zone("_sip._udp.trunk.example",
         {service("one.trunk.example", kFirst.port, 1), service("two.trunk.example", kSecond.port, 2)});
    zone("_sip._tcp.trunk.example", {service("one.trunk.example", 5099, 1)});
    zone("one.trunk.example", {address(kFirst)});
    zone("two.trunk.example", {address(kSecond)});
    zone("trunk.example", {address(kB)});
  }
  static Record service(std::string host, uint16_t port, uint16_t priority) {
    return {RecordType::srv, 60, {}, std::move(host), port, priority, 0, {}};
  }
  static Record address(const SocketAddress& of) { return {RecordType::a, 60, of.ip, {}, 0, 0, 0, {}}; }
  void zone(std::string name, std::vector<Record> records) { bed.host.set_zone(std::move(name), {std::move(records)}); }
  void dial() {
    a.invite("2000", phone_sdp(4000));
    run();
  }
};

TEST(TrunkHost, WithoutAPortTheSrvRecordsDecideAndTheNextOneIsTriedAfter503) {
  Carrier flow(trunk_without_port());
  flow.dial();
  ASSERT_TRUE(flow.first.has("INVITE"));
  EXPECT_EQ(flow.first.last("INVITE").request_uri(), "sip:2000@trunk.example");
  flow.first.reply("INVITE", 503);
  flow.run();
  ASSERT_TRUE(flow.second.has("INVITE"));
  flow.second.reply("INVITE", 486);
  flow.run();
  EXPECT_TRUE(flow.a.has("486 INVITE"));
  flow.a.ack_failure("486 INVITE");
  flow.run();
  EXPECT_EQ(flow.b.log(), "");
  expect_rest(flow);
}

TEST(TrunkHost, APortThatIsWrittenIsTaken) {
  Settings settings = trunk_without_port();
  settings.trunks[1].port = 5060;
  Carrier flow(settings);
  flow.dial();
  ASSERT_TRUE(flow.b.has("INVITE"));
  EXPECT_EQ(flow.b.last("INVITE").request_uri(), "sip:2000@trunk.example:5060");
  EXPECT_EQ(flow.first.log() + flow.second.log(), "");
}

TEST(TrunkHost, OverUdpNobodyIsAskedForServicesOverTcp) {
  Carrier flow(trunk_without_port());
  flow.zone("_sip._udp.trunk.example", {});
  flow.dial();
  EXPECT_TRUE(flow.b.has("INVITE")) << "no SRV record of UDP: the address of the name, port 5060";
}

}  // namespace
}  // namespace isthmus::test
