// SPDX-License-Identifier: MIT
// Where a request goes: RFC 3263 section 4 without NAPTR (a client that knows no NAPTR record asks for the SRV records
// of the transports it speaks), RFC 2782 for their order. Pure: it says what to look up and makes an ordered list of
// the answers. Host names that cannot exist are refused before anybody is asked. It never waits and sends nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.hpp"
#include "base/outbox.hpp"
#include "base/random.hpp"

namespace isthmus::sip {

inline constexpr uint16_t kSipPort = 5060;
inline constexpr uint16_t kSipsPort = 5061;

// The parts of a SIP URI that decide. `host` may be a numeric address, IPv6 with or without brackets.
struct LocateUri {
  std::string host;
  uint16_t port = 0;                  // 0: none
  std::optional<Protocol> transport;  // of the transport parameter
  bool secure = false;                // sips:
};

struct NextHop {
  Protocol protocol = Protocol::udp;
  SocketAddress remote;
  std::string tls_name;  // the name a certificate has to show: the host of the URI (RFC 5922)
  friend bool operator==(const NextHop&, const NextHop&) = default;
};

struct LocateQuestion {
  RecordType type = RecordType::a;
  std::string name;
  friend bool operator==(const LocateQuestion&, const LocateQuestion&) = default;
};

struct LocateOptions {
  std::vector<Protocol> protocols{Protocol::udp, Protocol::tcp};  // that we speak, the first is preferred
  bool ipv4 = true;
  bool ipv6 = true;
};

// Addresses that did not answer, for a while; bounded, the one that is forgiven first makes room.
class DeadTargets {
 public:
  explicit DeadTargets(Duration hold = std::chrono::seconds(30), size_t limit = 1024) : hold_(hold), limit_(limit) {}

  void mark(const NextHop& hop, TimePoint now);
  void clear(const NextHop& hop);  // it answered
  bool is_dead(const NextHop& hop, TimePoint now) const;
  size_t size() const { return until_.size(); }

 private:
  struct Key {
    Protocol protocol = Protocol::udp;
    SocketAddress remote;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  Duration hold_;
  size_t limit_;
  std::map<Key, TimePoint> until_;
};

// One search. Ask every question that poll_question() gives, hand in what comes back (an empty list also for a
// failure), and repeat until is_done().
class Locate {
 public:
  static constexpr size_t kMaxServices = 8;    // SRV records followed, the best ones
  static constexpr size_t kMaxHops = 16;       // in the list of results
  static constexpr size_t kMaxQuestions = 32;  // per search

  enum class Fault : uint8_t { none, bad_host, unsupported_transport, forbidden_address, nothing_found };

  Locate() = default;
  Locate(const LocateUri& uri, LocateOptions options, Random& random);

  std::optional<LocateQuestion> poll_question();
  // False: not asked, or answered already.
  bool answer(const LocateQuestion& question, const Records& records, Random& random);
  bool is_done() const { return waiting_.empty() && questions_.empty(); }
  // When done: in the order to be tried, the dead ones last. Empty: fault() tells why.
  std::vector<NextHop> hops(const DeadTargets& dead, TimePoint now) const;
  Fault fault() const { return fault_; }

 private:
  struct Service {  // one name to be resolved to addresses, in order of preference
    Protocol protocol = Protocol::udp;
    std::string host;
    uint16_t port = 0;
    std::vector<IpAddress> v6;
    std::vector<IpAddress> v4;
  };

  struct Found {  // an SRV record of a transport
    Protocol protocol = Protocol::udp;
    Record record;
  };

  void begin_named(Random& random);
  bool speaks(Protocol protocol) const;
  void ask(RecordType type, std::string name);
  void ask_addresses();
  void take_services(Protocol protocol, const Records& records);
  std::vector<Record> services_by_priority(Protocol protocol) const;
  void order_services(Random& random);
  void conclude();

  LocateUri uri_;
  LocateOptions options_;
  Fault fault_ = Fault::none;
  bool asked_services_ = false;
  bool denied_ = false;  // an SRV record said that there is no such service
  std::deque<LocateQuestion> questions_;
  std::vector<LocateQuestion> waiting_;
  size_t asked_ = 0;
  std::vector<Found> found_;
  std::vector<Service> services_;
};
std::string_view describe(Locate::Fault fault);

// Can DNS hold such a name? Labels of 1 to 63 letters, digits, hyphens or underscores, 253 in all; never ".invalid".
bool is_host_name(std::string_view host);
// May a datagram or connection of ours go there? Not broadcast, multicast or unspecified.
bool is_reachable_address(const IpAddress& address);

}  // namespace isthmus::sip
