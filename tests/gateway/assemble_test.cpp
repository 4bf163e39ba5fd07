// SPDX-License-Identifier: MIT
// What the media engine is told by a configuration: by default browsers are offered every address of this machine, and
// checks are looked at from these alone; the owner's words replace both.
#include "gateway/assemble.hpp"

#include <gtest/gtest.h>

#include <algorithm>

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

TEST(Assemble, AnAdvertisedAddressStandsWhereverOthersReadOne) {
  const auto toml =
      "advertise = [\"203.0.113.5\", \"2001:db8:f::5\"]\n[sip]\nudp = [\"192.0.2.7:5060\", "
      "\"[2001:db8::7]:5060\"]\ntcp = []\n";
  const auto engine = engine_of(toml);
  EXPECT_EQ(engine.browser_addresses.front().text(), "203.0.113.5:0");
  EXPECT_EQ(engine.browser_addresses[1].text(), "[2001:db8:f::5]:0");
  EXPECT_EQ(engine.browser_addresses.size(), 5u) << "and this machine's own, for browsers beside it";
  EXPECT_EQ(engine.rtp_advertised.v4.text(), "203.0.113.5");
  EXPECT_EQ(engine.rtp_advertised.v6.text(), "2001:db8:f::5");
  const auto config = *read_config(toml, "f.toml");
  const Settings settings =
      settings_for(config, {{Protocol::udp, config.sip.udp[0]}, {Protocol::udp, config.sip.udp[1]}}, kMachine, {});
  const auto& listeners = settings.user_agent.endpoint.listeners;
  EXPECT_EQ(listeners[0].host, "203.0.113.5");
  EXPECT_EQ(listeners[1].host, "[2001:db8:f::5]");
  for (const char* name : {"203.0.113.5", "192.0.2.7", "[2001:db8::7]"})
    EXPECT_NE(std::find(settings.domains.begin(), settings.domains.end(), name), settings.domains.end()) << name;
}

TEST(Assemble, AWildcardIsToldAsAnAddressOfItsOwnFamily) {
  const auto toml = "[sip]\nudp = [\"0.0.0.0:5060\", \"[::]:5060\"]\ntcp = []\n";
  const auto engine = engine_of(toml);
  EXPECT_EQ(engine.rtp_any.v4, kOwn);
  EXPECT_EQ(engine.rtp_any.v6.text(), "2001:db8::7");
  const auto config = *read_config(toml, "f.toml");
  const Settings settings =
      settings_for(config, {{Protocol::udp, config.sip.udp[0]}, {Protocol::udp, config.sip.udp[1]}}, kMachine, {});
  EXPECT_EQ(settings.user_agent.endpoint.listeners[0].host, "192.0.2.7");
  EXPECT_EQ(settings.user_agent.endpoint.listeners[1].host, "[2001:db8::7]");
}

}  // namespace assemble_test
}  // namespace isthmus::gateway
