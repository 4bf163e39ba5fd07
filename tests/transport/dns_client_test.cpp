// SPDX-License-Identifier: MIT
// The resolver against a name server of the test's own on loopback.
#include "transport/dns_client.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "tests/transport/bed.hpp"
#include "transport/dns_answer.hpp"
#include "transport/hosts_file.hpp"

namespace isthmus::transport::test {
namespace {

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}
std::string encoded(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return out + '\0';
}
std::string counted(std::string_view text) {
  return std::string(1, static_cast<char>(text.size())) + std::string(text);
}

struct Rr {
  unsigned type;
  std::string data;
};
// A response to `query` (RFC 1035 section 4) whose records all name the question.
std::string response(std::string_view query, unsigned rcode, const std::vector<Rr>& records) {
  std::string out(query.substr(0, 2));
  put16(out, 0x8180 | rcode);
  put16(out, 1);
  put16(out, static_cast<unsigned>(records.size()));
  put16(out, 0);
  put16(out, 0);
  const size_t question = query.find('\0', 12) + 5;
  out += query.substr(12, question - 12);
  for (const Rr& each : records) {
    put16(out, 0xc00c);
    put16(out, each.type);
    put16(out, 1);
    put16(out, 0);
    put16(out, 300);
    put16(out, static_cast<unsigned>(each.data.size()));
    out += each.data;
  }
  return out;
}
std::string srv_data(unsigned priority, unsigned weight, unsigned port, std::string_view target) {
  std::string out;
  put16(out, priority);
  put16(out, weight);
  put16(out, port);
  return out + encoded(target);
}
std::string naptr_data(unsigned order, unsigned preference, std::string_view service, std::string_view replacement) {
  std::string out;
  put16(out, order);
  put16(out, preference);
  return out + counted("s") + counted(service) + counted("") + encoded(replacement);
}

struct NameServer {
  UdpSocket socket = std::move(*UdpSocket::bind(loopback()));
  std::function<std::optional<std::string>(std::string_view query)> answer;
  size_t asked = 0;

  void pump() {
    PacketPool pool(8, 2048);
    const ReceiveOutcome outcome = socket.receive(pool.slots(), {});
    for (const PacketSlot& slot : pool.slots().first(outcome.received)) {
      ++asked;
      const auto reply = answer(as_text(slot.bytes()));
      if (reply) send_datagram(socket, slot.path.remote, *reply);
    }
  }
};

struct DnsBed {
  Shard shard;
  NameServer server;
  DnsClient client{shard,
                   {.servers = {server.socket.local()}, .hosts_file = "/nonexistent", .try_limit = 20ms, .tries = 2}};

  Result<Records, Fault> ask(RecordType type, std::string_view name) {
    std::optional<Result<Records, Fault>> out;
    client.lookup(type, name, [&](Result<Records, Fault> result) { out = std::move(result); });
    EXPECT_FALSE(out) << "answered from inside the call";
    shard.run_until(
        [&] {
          server.pump();
          return out.has_value();
        },
        kPatience);
    return out ? *out : Result<Records, Fault>(fail(Fault{FaultCode::limit}));
  }
};

}  // namespace

TEST(DnsClient, ReadsEachRecordType) {
  DnsBed bed;
  bed.server.answer = [](std::string_view query) { return response(query, 0, {{1, {'\xc0', 0, 2, 7}}}); };
  const auto a = bed.ask(RecordType::a, "phone.example");
  ASSERT_TRUE(a);
  ASSERT_EQ(a->list.size(), 1U);
  EXPECT_EQ(a->list[0].address.text(), "192.0.2.7");
  EXPECT_EQ(a->list[0].ttl, 300U);
  bed.server.answer = [](std::string_view query) {
    return response(query, 0, {{28, std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16)}});
  };
  const auto aaaa = bed.ask(RecordType::aaaa, "phone.example.");
  ASSERT_TRUE(aaaa && aaaa->list.size() == 1);
  EXPECT_EQ(aaaa->list[0].address.text(), "2001:db8::1");
  bed.server.answer = [](std::string_view query) {
    return response(query, 0, {{33, srv_data(10, 60, 5060, "a.example")}, {33, srv_data(20, 0, 5080, "b.example")}});
  };
  const auto srv = bed.ask(RecordType::srv, "_sip._udp.example");
  ASSERT_TRUE(srv && srv->list.size() == 2);
  EXPECT_EQ(srv->list[1].target, "b.example");
  EXPECT_EQ(srv->list[1].port, 5080);
  EXPECT_EQ(srv->list[0].weight, 60);
  bed.server.answer = [](std::string_view query) {
    return response(query, 0, {{35, naptr_data(50, 20, "SIP+D2U", "_sip._udp.example")}});
  };
  const auto naptr = bed.ask(RecordType::naptr, "example");
  ASSERT_TRUE(naptr && naptr->list.size() == 1);
  EXPECT_EQ(naptr->list[0].service, "SIP+D2U");
  EXPECT_EQ(naptr->list[0].target, "_sip._udp.example");
  EXPECT_EQ(naptr->list[0].priority, 50);
  EXPECT_EQ(bed.client.under_way(), 0U);
}

TEST(DnsClient, AMissingNameAMissingTypeAndASilentServerAreThreeThings) {
  DnsBed bed;
  bed.server.answer = [](std::string_view query) { return response(query, 3, {}); };
  EXPECT_EQ(bed.ask(RecordType::a, "nowhere.example").error().code, FaultCode::no_such_name);
  bed.server.answer = [](std::string_view query) { return response(query, 0, {}); };
  const auto empty = bed.ask(RecordType::naptr, "example");
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->list.empty());
  bed.server.answer = [](std::string_view) { return std::nullopt; };
  bed.server.asked = 0;
  EXPECT_EQ(bed.ask(RecordType::a, "silent.example").error().code, FaultCode::timed_out);
  EXPECT_EQ(bed.server.asked, 2U);  // it was tried again
}

TEST(DnsClient, NamesThatCannotExistAskNobody) {  // advisory 40
  DnsBed bed;
  bed.server.answer = [](std::string_view query) { return response(query, 3, {}); };
  const std::string label64(64, 'a');
  const std::string long_name = [] {
    std::string out;
    for (int i = 0; i < 60; ++i) out += "abcd.";
    return out + "example";
  }();
  for (const std::string_view name : {std::string_view(""), std::string_view("."), std::string_view("a..b"),
                                      std::string_view(".a"), std::string_view(label64), std::string_view(long_name),
                                      std::string_view("a b"), std::string_view("a\0b", 3), std::string_view("\xff")}) {
    const auto result = bed.ask(RecordType::a, name);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, FaultCode::malformed) << name;
  }
  EXPECT_EQ(bed.server.asked, 0U);
}

TEST(DnsClient, LocalhostAddressesAndTheHostsFileNeedNoServer) {
  DnsBed bed;
  EXPECT_EQ(bed.ask(RecordType::a, "localhost")->list.at(0).address.text(), "127.0.0.1");
  EXPECT_EQ(bed.ask(RecordType::aaaa, "LocalHost.")->list.at(0).address.text(), "::1");
  EXPECT_EQ(bed.ask(RecordType::a, "192.0.2.9")->list.at(0).address.text(), "192.0.2.9");
  EXPECT_TRUE(bed.ask(RecordType::aaaa, "192.0.2.9")->list.empty());
  const std::string path = testing::TempDir() + "hosts." + std::to_string(getpid());
  std::ofstream(path) << "# comment\n192.0.2.1 Alpha beta # gamma\nnonsense delta\n2001:db8::2 beta\n";
  HostsFile hosts(path);
  EXPECT_EQ(hosts.find(RecordType::a, "alpha")->list.at(0).address.text(), "192.0.2.1");
  EXPECT_EQ(hosts.find(RecordType::aaaa, "BETA")->list.at(0).address.text(), "2001:db8::2");
  EXPECT_FALSE(hosts.find(RecordType::a, "gamma"));
  EXPECT_FALSE(hosts.find(RecordType::a, "delta"));
  EXPECT_FALSE(hosts.find(RecordType::srv, "alpha"));
  std::remove(path.c_str());
}

TEST(DnsClient, BrokenAnswersAreRefusedAtEveryCut) {
  std::string query = "ab";
  put16(query, 0x0100);
  for (const unsigned count : {1U, 0U, 0U, 0U}) put16(query, count);
  query += encoded("x.example");
  put16(query, 33);
  put16(query, 1);
  const std::string whole = response(query, 0, {{33, srv_data(1, 2, 3, "t.example")}});
  const auto good = parse_dns_answer(RecordType::srv, as_bytes(whole));
  ASSERT_TRUE(good && good->list.size() == 1);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_dns_answer(RecordType::srv, as_bytes(std::string_view(whole).substr(0, size)))) << size;
  }
  // The data is shorter than its type needs although the message is whole.
  for (const std::string& data : {std::string(), std::string("\0\1\0", 3), std::string("\0\1\0\2\0\3", 6)}) {
    EXPECT_FALSE(parse_dns_answer(RecordType::srv, as_bytes(response(query, 0, {{33, data}}))));
  }
  EXPECT_FALSE(parse_dns_answer(RecordType::a, as_bytes(response(query, 0, {{1, "abc"}}))));
  EXPECT_FALSE(parse_dns_answer(RecordType::naptr, as_bytes(response(query, 0, {{35, "\1\2\3\4\xff"}}))));
  const std::vector<Rr> many(100, {1, {'\xc0', 0, 2, 7}});
  EXPECT_EQ(parse_dns_answer(RecordType::a, as_bytes(response(query, 0, many)))->list.size(), kMaxDnsRecords);
}

TEST(DnsClient, NothingIsAnsweredAfterItsEnd) {
  Shard shard;
  NameServer server;
  server.answer = [](std::string_view) { return std::nullopt; };
  bool answered = false;
  {
    DnsClient client(shard, {.servers = {server.socket.local()}});
    client.lookup(RecordType::a, "x.example", [&](auto) { answered = true; });
    client.lookup(RecordType::a, "localhost", [&](auto) { answered = true; });
  }
  bool turned = false;
  shard.after(1ms, [&] { turned = true; });
  shard.run_until([&] { return turned; }, kPatience);
  EXPECT_FALSE(answered);
}

}  // namespace isthmus::transport::test
