// SPDX-License-Identifier: MIT
// What the media engine is told by a configuration: by default browsers are offered every address of this machine, and
// checks are looked at from these alone; the owner's words replace both.
#include "gateway/assemble.hpp"

#include <gtest/gtest.h>

#include "ice/mux.hpp"

namespace isthmus::gateway {
namespace assemble_test {

const IpAddress kOwn = IpAddress::v4(192, 0, 2, 7);
const IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);
const std::vector<IpAddress> kMachine{kOwn, *IpAddress::parse("2001:db8::7"), kLoopback};

media::EngineConfig engine_of(std::string_view toml) {
  static const auto dtls = media::DtlsContext::make_self_signed();
  const auto config = read_config(toml, "f.toml");
  EXPECT_TRUE(config) << toml;
  std::vector<SocketAddress> shared;
  for (const IpAddress& ip : kMachine) shared.push_back({ip, 40000});
  return engine_for(*config, shared, kMachine, *dtls);
}

bool admits(const media::EngineConfig& engine, std::string_view source) {
  return ice::SourceFilter(engine.stun_sources).admits(*IpAddress::parse(source));
}

TEST(Assemble, ByDefaultEveryOwnAddressIsOfferedAndOnlyTheseMayCheck) {
  const auto engine = engine_of("");
  EXPECT_EQ(engine.browser_addresses,
            (std::vector<SocketAddress>{{kOwn, 40000}, {kMachine[1], 40000}, {kLoopback, 40000}}));
  for (const char* own : {"192.0.2.7", "2001:db8::7", "127.0.0.1", "127.0.0.53"})
    EXPECT_TRUE(admits(engine, own)) << own;
  for (const char* foreign : {"192.0.2.8", "192.0.2.6", "198.51.100.1", "10.0.0.1", "2001:db8::8", "::1"}) {
    EXPECT_FALSE(admits(engine, foreign)) << foreign;
  }
  EXPECT_EQ(engine.rtp_bind, kLoopback);
  EXPECT_TRUE(engine.allow_loopback_targets) << "a deployment on loopback alone";
}

TEST(Assemble, TheOwnerSaysWhoMayCheckAndWhatIsOffered) {
  const auto prefix = engine_of("[media]\nstun_sources = [\"198.51.100.0/24\"]\nadvertised = [\"203.0.113.1\"]\n");
  EXPECT_EQ(prefix.browser_addresses, (std::vector<SocketAddress>{{*IpAddress::parse("203.0.113.1"), 0}}));
  EXPECT_TRUE(admits(prefix, "198.51.100.77"));
  EXPECT_FALSE(admits(prefix, "192.0.2.7"));
  EXPECT_FALSE(admits(prefix, "198.51.101.1"));
  const auto any = engine_of("[media]\nstun_sources = \"any\"\n");
  EXPECT_TRUE(admits(any, "198.51.100.1"));
  EXPECT_TRUE(admits(any, "2001:db8::8"));
}

TEST(Assemble, Advisory52OutsideOfLoopbackNoPeerMayNameIt) {
  const auto engine = engine_of("[sip]\nudp = [\"192.0.2.7:5060\"]\ntcp = []\n");
  EXPECT_FALSE(engine.allow_loopback_targets);
  EXPECT_EQ(engine.rtp_bind, kOwn);
}

}  // namespace assemble_test
}  // namespace isthmus::gateway
