// SPDX-License-Identifier: MIT
// RFC 3263 section 4: numeric hosts go directly, a port or a transport in the URI narrows the search, otherwise SRV
// records decide, and without any the addresses of the host.
#include "sip/locate.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace isthmus::sip {
namespace {

uint16_t default_port(Protocol protocol) {
  switch (protocol) {
    case Protocol::tls: return kSipsPort;
    case Protocol::ws: return 80;
    case Protocol::wss: return 443;
    case Protocol::udp:
    case Protocol::tcp: return kSipPort;
  }
  return kSipPort;
}

// RFC 3263 section 4.1; there is no SRV name for WebSocket.
std::string_view service_prefix(Protocol protocol) {
  switch (protocol) {
    case Protocol::udp: return "_sip._udp.";
    case Protocol::tcp: return "_sip._tcp.";
    case Protocol::tls: return "_sips._tcp.";
    case Protocol::ws:
    case Protocol::wss: return {};
  }
  return {};
}

std::optional<Protocol> service_protocol(std::string_view name) {
  for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::tls}) {
    if (name.starts_with(service_prefix(protocol))) return protocol;
  }
  return std::nullopt;
}

Protocol secured(Protocol protocol) {
  if (protocol == Protocol::tcp) return Protocol::tls;
  return protocol == Protocol::ws ? Protocol::wss : protocol;
}

std::string without_dot(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return lowered(host);
}

}  // namespace

bool is_host_name(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  if (host.size() >= 8 && equals_ignore_case(host.substr(host.size() - 8), ".invalid")) return false;
  size_t label = 0;
  for (const char c : host) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_') return false;
    if (++label > 63) return false;
  }
  return label > 0;
}

bool is_reachable_address(const IpAddress& address) {
  return address.family != Family::none && !address.is_broadcast() && !address.is_multicast() &&
         !address.is_unspecified();
}

std::string_view describe(Locate::Fault fault) {
  constexpr std::string_view kSentences[] = {"no fault", "the host is no name and no address",
                                             "the transport is not spoken here", "nothing may be sent to this address",
                                             "no address was found"};
  return kSentences[static_cast<size_t>(fault)];
}

void DeadTargets::mark(const NextHop& hop, TimePoint now) {
  std::erase_if(until_, [&](const auto& entry) { return entry.second <= now; });
  if (limit_ == 0) return;
  if (until_.size() >= limit_) {
    const auto earlier = [](const auto& a, const auto& b) { return a.second < b.second; };
    until_.erase(std::min_element(until_.begin(), until_.end(), earlier));
  }
  until_[Key{hop.protocol, hop.remote}] = now + hold_;
}
void DeadTargets::clear(const NextHop& hop) {
  until_.erase(Key{hop.protocol, hop.remote});
}
bool DeadTargets::is_dead(const NextHop& hop, TimePoint now) const {
  const auto at = until_.find(Key{hop.protocol, hop.remote});
  return at != until_.end() && at->second > now;
}

Locate::Locate(const LocateUri& uri, LocateOptions options, Random& random) : uri_(uri), options_(std::move(options)) {
  if (uri_.secure) uri_.transport = secured(uri_.transport.value_or(Protocol::tcp));
  const bool leaks = uri_.secure && *uri_.transport == Protocol::udp;  // RFC 3261 section 26.2.2: never in the clear
  if (leaks || (uri_.transport && !speaks(*uri_.transport))) {
    fault_ = Fault::unsupported_transport;
    return;
  }
  const auto address = IpAddress::parse(uri_.host);
  if (!address) {
    begin_named(random);
    return;
  }
  if (!is_reachable_address(*address)) {
    fault_ = Fault::forbidden_address;
    return;
  }
  const Protocol protocol = uri_.transport.value_or(options_.protocols.empty() ? Protocol::udp : options_.protocols[0]);
  Service& service = services_.emplace_back();
  service.protocol = protocol;
  service.port = uri_.port != 0 ? uri_.port : default_port(protocol);
  (address->is_v6() ? service.v6 : service.v4).push_back(*address);
}

void Locate::begin_named(Random& random) {
  if (!is_host_name(uri_.host)) {
    fault_ = Fault::bad_host;
    return;
  }
  if (uri_.port == 0) {
    for (const Protocol protocol : options_.protocols) {
      if (uri_.transport && protocol != *uri_.transport) continue;
      if (service_prefix(protocol).empty()) continue;
      ask(RecordType::srv, std::string(service_prefix(protocol)) + without_dot(uri_.host));
      asked_services_ = true;
    }
  }
  if (!asked_services_) order_services(random);
}

bool Locate::speaks(Protocol protocol) const {
  return std::find(options_.protocols.begin(), options_.protocols.end(), protocol) != options_.protocols.end();
}

void Locate::ask(RecordType type, std::string name) {
  LocateQuestion question{type, std::move(name)};
  if (asked_ == kMaxQuestions || std::find(questions_.begin(), questions_.end(), question) != questions_.end()) return;
  ++asked_;
  questions_.push_back(std::move(question));
}

std::optional<LocateQuestion> Locate::poll_question() {
  if (questions_.empty()) return std::nullopt;
  LocateQuestion question = std::move(questions_.front());
  questions_.pop_front();
  waiting_.push_back(question);
  return question;
}

bool Locate::answer(const LocateQuestion& question, const Records& records, Random& random) {
  const auto at = std::find(waiting_.begin(), waiting_.end(), question);
  if (at == waiting_.end()) return false;
  waiting_.erase(at);
  if (question.type == RecordType::srv) {
    if (const auto protocol = service_protocol(question.name)) take_services(*protocol, records);
    if (is_done()) order_services(random);
    return true;
  }
  for (Service& service : services_) {
    if (service.host != question.name) continue;
    for (const Record& record : records.list) {
      if (record.type != question.type || !is_reachable_address(record.address)) continue;
      auto& list = record.type == RecordType::aaaa ? service.v6 : service.v4;
      if (list.size() < kMaxHops) list.push_back(record.address);
    }
  }
  if (is_done()) conclude();
  return true;
}

void Locate::take_services(Protocol protocol, const Records& records) {
  for (const Record& record : records.list) {
    if (record.type != RecordType::srv) continue;
    if (record.target.empty() || record.target == ".") {
      denied_ = true;
      continue;
    }
    if (is_host_name(record.target) && record.port != 0) found_.push_back({protocol, record});
  }
}

// Lowest priority first; in each, those of weight 0 first (RFC 2782); otherwise as they came.
std::vector<Record> Locate::services_by_priority(Protocol protocol) const {
  std::vector<Record> records;
  const auto before = [](const Record& a, const Record& b) {
    return std::pair(a.priority, a.weight != 0) < std::pair(b.priority, b.weight != 0);
  };
  for (const Found& found : found_) {
    if (found.protocol != protocol) continue;
    records.insert(std::upper_bound(records.begin(), records.end(), found.record, before), found.record);
  }
  return records;
}

// RFC 2782: lowest priority first; among equals a draw by weight. The transports stay in the order we prefer.
void Locate::order_services(Random& random) {
  for (const Protocol protocol : options_.protocols) {
    std::vector<Record> records = services_by_priority(protocol);
    for (auto first = records.begin(); first != records.end() && services_.size() < kMaxServices; ++first) {
      const auto last =
          std::find_if(first, records.end(), [&](const Record& r) { return r.priority != first->priority; });
      uint64_t sum = 0;
      for (auto at = first; at != last; ++at) sum += at->weight;
      uint64_t drawn = random.below(sum + 1);
      auto chosen = first;
      while (chosen->weight < drawn) drawn -= (chosen++)->weight;
      std::rotate(first, chosen, chosen + 1);
      Service& service = services_.emplace_back();
      service.protocol = protocol;
      service.host = without_dot(first->target);
      service.port = first->port;
    }
  }
  found_.clear();
  if (services_.empty() && !denied_) {
    Service& service = services_.emplace_back();
    service.protocol = uri_.transport.value_or(options_.protocols.empty() ? Protocol::udp : options_.protocols[0]);
    service.host = without_dot(uri_.host);
    service.port = uri_.port != 0 ? uri_.port : default_port(service.protocol);
  }
  ask_addresses();
  if (is_done()) conclude();
}

void Locate::ask_addresses() {
  for (const Service& service : services_) {
    if (options_.ipv6) ask(RecordType::aaaa, service.host);
    if (options_.ipv4) ask(RecordType::a, service.host);
  }
}

void Locate::conclude() {
  const bool any =
      std::any_of(services_.begin(), services_.end(), [](const Service& s) { return !s.v6.empty() || !s.v4.empty(); });
  if (!any) fault_ = Fault::nothing_found;
}

std::vector<NextHop> Locate::hops(const DeadTargets& dead, TimePoint now) const {
  std::vector<NextHop> alive;
  std::vector<NextHop> last;
  for (const Service& service : services_) {
    for (const auto* list : {&service.v6, &service.v4}) {
      for (const IpAddress& address : *list) {
        NextHop hop{service.protocol, {address, service.port}, uri_.host};
        auto& out = dead.is_dead(hop, now) ? last : alive;
        if (std::find(out.begin(), out.end(), hop) == out.end()) out.push_back(std::move(hop));
      }
    }
  }
  alive.insert(alive.end(), last.begin(), last.end());
  if (alive.size() > kMaxHops) alive.resize(kMaxHops);
  return alive;
}

}  // namespace isthmus::sip
