// SPDX-License-Identifier: MIT
// RFC 3263 and RFC 2782 as a pure search: what is asked, and in which order the answers are tried.
#include "sip/locate.hpp"

#include <gtest/gtest.h>

namespace isthmus::sip {
namespace {

using Questions = std::vector<LocateQuestion>;
using Texts = std::vector<std::string>;

Record srv_record(std::string target, uint16_t port, uint16_t priority = 0, uint16_t weight = 0) {
  return {.type = RecordType::srv, .target = std::move(target), .port = port, .priority = priority, .weight = weight};
}
Record address_record(std::string_view text) {
  const IpAddress ip = *IpAddress::parse(text);
  return {.type = ip.is_v6() ? RecordType::aaaa : RecordType::a, .address = ip};
}

std::string text_of(const NextHop& hop) {
  constexpr const char* kNames[] = {"udp ", "tcp ", "tls ", "ws ", "wss "};
  return kNames[static_cast<size_t>(hop.protocol)] + hop.remote.text();
}

struct LocateBed {
  explicit LocateBed(LocateUri uri, LocateOptions options = {}, uint64_t seed = 1)
      : random(Seed::of(seed)), search(uri, std::move(options), random) {}

  Questions ask() {
    Questions all;
    while (auto question = search.poll_question()) all.push_back(std::move(*question));
    return all;
  }
  void answer(RecordType type, const std::string& name, std::vector<Record> records = {}) {
    EXPECT_TRUE(search.answer({type, name}, {std::move(records)}, random)) << name;
  }
  // Both families, by hand-written text.
  void addresses(const std::string& host, std::initializer_list<std::string_view> list) {
    std::vector<Record> all;
    for (const std::string_view text : list) all.push_back(address_record(text));
    answer(RecordType::aaaa, host, all);
    answer(RecordType::a, host, all);
  }
  Texts hops(const DeadTargets& dead = DeadTargets(), TimePoint now = {}) {
    EXPECT_TRUE(search.is_done());
    Texts all;
    for (const NextHop& hop : search.hops(dead, now)) all.push_back(text_of(hop));
    return all;
  }

  Random random;
  Locate search;
};

TEST(Locate, Section4_1_ANumericHostIsTheTarget) {
  EXPECT_EQ(LocateBed({.host = "192.0.2.1"}).hops(), (Texts{"udp 192.0.2.1:5060"}));
  EXPECT_EQ(LocateBed({.host = "192.0.2.1", .port = 5070}).hops(), (Texts{"udp 192.0.2.1:5070"}));
  EXPECT_EQ(LocateBed({.host = "192.0.2.1", .transport = Protocol::tcp}).hops(), (Texts{"tcp 192.0.2.1:5060"}));
  EXPECT_EQ(LocateBed({.host = "[2001:db8::1]"}).hops(), (Texts{"udp [2001:db8::1]:5060"}));
  const LocateOptions tls{.protocols = {Protocol::udp, Protocol::tls}};
  EXPECT_EQ(LocateBed({.host = "192.0.2.1", .secure = true}, tls).hops(), (Texts{"tls 192.0.2.1:5061"}));
}

TEST(Locate, Section4_2_APortMeansAddressesOfTheHostAndUdp) {
  LocateBed bed({.host = "Example.ORG", .port = 5080});
  EXPECT_EQ(bed.ask(), (Questions{{RecordType::aaaa, "example.org"}, {RecordType::a, "example.org"}}));
  EXPECT_FALSE(bed.search.is_done());
  bed.addresses("example.org", {"192.0.2.7", "2001:db8::7", "192.0.2.8"});
  EXPECT_EQ(bed.hops(), (Texts{"udp [2001:db8::7]:5080", "udp 192.0.2.7:5080", "udp 192.0.2.8:5080"}));
}

TEST(Locate, Section4_1_WithoutPortAndTransportTheServicesOfEachTransportAreAsked) {
  LocateBed bed({.host = "example.org"});
  EXPECT_EQ(bed.ask(),
            (Questions{{RecordType::srv, "_sip._udp.example.org"}, {RecordType::srv, "_sip._tcp.example.org"}}));
  bed.answer(RecordType::srv, "_sip._tcp.example.org", {srv_record("t.example.org", 5062)});
  EXPECT_TRUE(bed.ask().empty());
  bed.answer(RecordType::srv, "_sip._udp.example.org",
             {srv_record("b.example.org", 5061, 20), srv_record("a.example.org", 5060, 10)});
  EXPECT_EQ(bed.ask().size(), 6u);
  bed.addresses("t.example.org", {"192.0.2.3"});
  bed.addresses("a.example.org", {"192.0.2.1"});
  bed.addresses("b.example.org", {"192.0.2.2"});
  EXPECT_EQ(bed.hops(), (Texts{"udp 192.0.2.1:5060", "udp 192.0.2.2:5061", "tcp 192.0.2.3:5062"}));
}

TEST(Locate, Section4_2_WithATransportOnlyItsServiceIsAsked) {
  LocateBed bed({.host = "example.org", .transport = Protocol::tcp});
  EXPECT_EQ(bed.ask(), (Questions{{RecordType::srv, "_sip._tcp.example.org"}}));
  bed.answer(RecordType::srv, "_sip._tcp.example.org");
  EXPECT_EQ(bed.ask().size(), 2u);
  bed.addresses("example.org", {"192.0.2.1"});
  EXPECT_EQ(bed.hops(), (Texts{"tcp 192.0.2.1:5060"}));
}

TEST(Locate, Section4_2_WithoutServicesTheHostItselfIsTried) {
  LocateBed bed({.host = "example.org"});
  bed.ask();
  bed.answer(RecordType::srv, "_sip._udp.example.org");
  bed.answer(RecordType::srv, "_sip._tcp.example.org");
  EXPECT_EQ(bed.ask().size(), 2u);
  bed.addresses("example.org", {"192.0.2.1"});
  EXPECT_EQ(bed.hops(), (Texts{"udp 192.0.2.1:5060"}));
}

TEST(Locate, Rfc2782_ADotSaysThatThereIsNoService) {
  LocateBed bed({.host = "example.org", .transport = Protocol::udp});
  bed.ask();
  bed.answer(RecordType::srv, "_sip._udp.example.org", {srv_record(".", 0)});
  EXPECT_TRUE(bed.ask().empty());
  EXPECT_TRUE(bed.hops().empty());
  EXPECT_EQ(bed.search.fault(), Locate::Fault::nothing_found);
}

TEST(Locate, Rfc2782_EqualPrioritiesAreDrawnByWeight) {
  int first_heavy = 0;
  constexpr int kRuns = 400;
  for (int seed = 0; seed < kRuns; ++seed) {
    LocateBed bed({.host = "x.org", .transport = Protocol::udp}, {.ipv6 = false}, static_cast<uint64_t>(seed));
    bed.ask();
    bed.answer(RecordType::srv, "_sip._udp.x.org",
               {srv_record("light.x.org", 1, 5, 10), srv_record("heavy.x.org", 2, 5, 30),
                srv_record("last.x.org", 3, 6, 65535)});
    bed.ask();
    bed.answer(RecordType::a, "light.x.org", {address_record("192.0.2.1")});
    bed.answer(RecordType::a, "heavy.x.org", {address_record("192.0.2.2")});
    bed.answer(RecordType::a, "last.x.org", {address_record("192.0.2.3")});
    const Texts hops = bed.hops();
    ASSERT_EQ(hops.size(), 3u);
    EXPECT_EQ(hops[2], "udp 192.0.2.3:3");
    first_heavy += hops[0] == "udp 192.0.2.2:2" ? 1 : 0;
  }
  EXPECT_GT(first_heavy, kRuns * 65 / 100);  // three in four
  EXPECT_LT(first_heavy, kRuns * 85 / 100);
}

TEST(Locate, Section26_2_2_ASecureUriIsNeverSentInTheClear) {
  const LocateOptions all{.protocols = {Protocol::udp, Protocol::tcp, Protocol::tls, Protocol::wss}};
  LocateBed bed({.host = "example.org", .secure = true}, all);
  EXPECT_EQ(bed.ask(), (Questions{{RecordType::srv, "_sips._tcp.example.org"}}));
  EXPECT_EQ(LocateBed({.host = "192.0.2.1", .transport = Protocol::tcp, .secure = true}, all).hops(),
            (Texts{"tls 192.0.2.1:5061"}));
  EXPECT_EQ(LocateBed({.host = "192.0.2.1", .transport = Protocol::ws, .secure = true}, all).hops(),
            (Texts{"wss 192.0.2.1:443"}));
  LocateBed udp({.host = "192.0.2.1", .transport = Protocol::udp, .secure = true}, all);
  EXPECT_TRUE(udp.hops().empty());
  EXPECT_EQ(udp.search.fault(), Locate::Fault::unsupported_transport);
  LocateBed no_tls({.host = "192.0.2.1", .secure = true});
  EXPECT_EQ(no_tls.search.fault(), Locate::Fault::unsupported_transport);
}

// advisory 40
TEST(Locate, HostsThatCannotExistAreNeverAsked_advisory40) {
  const std::string label63(63, 'a');
  for (const std::string& host :
       {std::string(), std::string("."), std::string("a..b"), std::string(".a"), std::string("a b"), std::string("a/b"),
        std::string("x.invalid"), std::string("X.INVALID."), std::string("a\0b", 3), std::string("[::1"),
        std::string(64, 'a') + ".org", std::string(32768, 'a'),
        label63 + "." + label63 + "." + label63 + "." + label63}) {
    LocateBed bed({.host = host});
    EXPECT_TRUE(bed.ask().empty()) << host.substr(0, 80);
    EXPECT_TRUE(bed.hops().empty());
    EXPECT_EQ(bed.search.fault(), Locate::Fault::bad_host);
  }
  EXPECT_TRUE(is_host_name(label63 + ".org."));
  EXPECT_TRUE(is_host_name("_sip._udp.x-1.example"));
}

TEST(Locate, NothingIsSentToBroadcastMulticastOrUnspecifiedAddresses) {
  for (const char* host : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "[ff02::1]", "[::]"}) {
    EXPECT_EQ(LocateBed({.host = host}).search.fault(), Locate::Fault::forbidden_address) << host;
  }
  LocateBed bed({.host = "evil.org", .port = 1});
  bed.ask();
  bed.addresses("evil.org", {"224.0.0.1", "192.0.2.1", "::"});
  EXPECT_EQ(bed.hops(), (Texts{"udp 192.0.2.1:1"}));
}

TEST(Locate, ManyRecordsAreCutToTheLimits) {
  LocateBed bed({.host = "big.org", .transport = Protocol::udp});
  bed.ask();
  std::vector<Record> many;
  for (uint16_t i = 0; i < 500; ++i) many.push_back(srv_record("h" + std::to_string(i) + ".big.org", 5060, i));
  bed.answer(RecordType::srv, "_sip._udp.big.org", many);
  const Questions asked = bed.ask();
  EXPECT_EQ(asked.size(), 2 * Locate::kMaxServices);
  EXPECT_EQ(asked[0].name, "h0.big.org");
  for (const LocateQuestion& question : asked) {
    std::vector<Record> flood;
    for (uint8_t i = 0; i < 200; ++i) flood.push_back({.type = RecordType::a, .address = IpAddress::v4(10, 0, 0, i)});
    EXPECT_TRUE(bed.search.answer(question, {flood}, bed.random));
  }
  EXPECT_EQ(bed.hops().size(), Locate::kMaxHops);
}

TEST(Locate, LateDoubleAndForeignAnswersChangeNothing) {
  LocateBed bed({.host = "example.org", .port = 1});
  EXPECT_FALSE(bed.search.answer({RecordType::a, "example.org"}, {}, bed.random));  // not yet asked
  bed.ask();
  EXPECT_FALSE(bed.search.answer({RecordType::a, "other.org"}, {{address_record("192.0.2.9")}}, bed.random));
  bed.addresses("example.org", {"192.0.2.1"});
  EXPECT_FALSE(bed.search.answer({RecordType::a, "example.org"}, {{address_record("192.0.2.9")}}, bed.random));
  EXPECT_EQ(bed.hops(), (Texts{"udp 192.0.2.1:1"}));
}

TEST(DeadTargets, TheDeadAreTriedLastAndForgivenWithTime) {
  LocateBed bed({.host = "example.org", .port = 1});
  bed.ask();
  bed.addresses("example.org", {"192.0.2.1", "192.0.2.2"});
  DeadTargets dead(std::chrono::seconds(30));
  const TimePoint now{std::chrono::seconds(100)};
  dead.mark({Protocol::udp, {IpAddress::v4(192, 0, 2, 1), 1}, ""}, now);
  EXPECT_EQ(bed.hops(dead, now), (Texts{"udp 192.0.2.2:1", "udp 192.0.2.1:1"}));
  EXPECT_EQ(bed.hops(dead, now + std::chrono::seconds(30)), (Texts{"udp 192.0.2.1:1", "udp 192.0.2.2:1"}));
  dead.clear({Protocol::udp, {IpAddress::v4(192, 0, 2, 1), 1}, ""});
  EXPECT_EQ(bed.hops(dead, now), (Texts{"udp 192.0.2.1:1", "udp 192.0.2.2:1"}));
}

TEST(DeadTargets, TheMemoryIsBounded) {
  DeadTargets dead(std::chrono::seconds(30), 10);
  const auto hop = [](uint16_t port) { return NextHop{Protocol::udp, {IpAddress::v4(192, 0, 2, 1), port}, ""}; };
  for (uint16_t port = 1; port <= 100; ++port) dead.mark(hop(port), TimePoint(std::chrono::milliseconds(port)));
  const TimePoint now{std::chrono::seconds(1)};
  EXPECT_EQ(dead.size(), 10u);
  EXPECT_FALSE(dead.is_dead(hop(90), now));
  EXPECT_TRUE(dead.is_dead(hop(91), now));
  EXPECT_TRUE(dead.is_dead(hop(100), now));
  dead.mark(hop(1), TimePoint(std::chrono::seconds(60)));
  EXPECT_EQ(dead.size(), 1u);
}

}  // namespace
}  // namespace isthmus::sip
