// SPDX-License-Identifier: MIT
#include "transport/dns_answer.hpp"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace isthmus::transport {

int dns_number(RecordType type) {
  switch (type) {
    case RecordType::a: return ns_t_a;
    case RecordType::aaaa: return ns_t_aaaa;
    case RecordType::srv: return ns_t_srv;
    case RecordType::naptr: return ns_t_naptr;
  }
  return ns_t_a;
}

namespace {

// A cursor over the data of one resource record that stays inside it.
struct RecordData {
  const ns_msg& message;
  const u_char* at;
  const u_char* end;

  std::optional<uint16_t> u16() {
    if (end - at < 2) return std::nullopt;
    at += 2;
    return static_cast<uint16_t>((at[-2] << 8) | at[-1]);
  }
  std::optional<std::string> text() {
    if (at == end || end - at - 1 < *at) return std::nullopt;
    std::string out(reinterpret_cast<const char*>(at + 1), *at);
    at += 1 + out.size();
    return out;
  }
  std::optional<std::string> name() {
    std::array<char, NS_MAXDNAME> out{};
    const int used = dn_expand(ns_msg_base(message), ns_msg_end(message), at, out.data(), out.size());
    if (used < 0 || used > end - at) return std::nullopt;
    at += used;
    return std::string(out.data());
  }
};

bool read_address(RecordData data, Family family, Record& out) {
  const size_t length = family == Family::v4 ? 4 : 16;
  if (static_cast<size_t>(data.end - data.at) != length) return false;
  out.address.family = family;
  std::memcpy(out.address.octets.data(), data.at, length);
  return true;
}

bool read_srv(RecordData data, Record& out) {
  const auto priority = data.u16();
  const auto weight = data.u16();
  const auto port = data.u16();
  auto target = data.name();
  if (!priority || !weight || !port || !target) return false;
  out.priority = *priority;
  out.weight = *weight;
  out.port = *port;
  out.target = std::move(*target);
  return true;
}

bool read_naptr(RecordData data, Record& out) {
  const auto order = data.u16();
  const auto preference = data.u16();
  const auto flags = data.text();
  auto service = data.text();
  const auto expression = data.text();
  auto replacement = data.name();
  if (!order || !preference || !flags || !service || !expression || !replacement) return false;
  out.priority = *order;
  out.weight = *preference;
  out.service = std::move(*service);
  out.target = std::move(*replacement);
  return true;
}

bool read_record(const ns_msg& message, const ns_rr& rr, Record& out) {
  const RecordData data{message, ns_rr_rdata(rr), ns_rr_rdata(rr) + ns_rr_rdlen(rr)};
  switch (out.type) {
    case RecordType::a: return read_address(data, Family::v4, out);
    case RecordType::aaaa: return read_address(data, Family::v6, out);
    case RecordType::srv: return read_srv(data, out);
    case RecordType::naptr: return read_naptr(data, out);
  }
  return false;
}

}  // namespace

Result<Records, Fault> parse_dns_answer(RecordType type, Bytes message) {
  ns_msg parsed;
  const auto* bytes = reinterpret_cast<const u_char*>(message.data());
  if (message.size() > NS_MAXMSG || ns_initparse(bytes, static_cast<int>(message.size()), &parsed) != 0) {
    return fail(Fault{FaultCode::malformed});
  }
  if (ns_msg_getflag(parsed, ns_f_rcode) == ns_r_nxdomain) return fail(Fault{FaultCode::no_such_name});
  Records out;
  for (int i = 0; i < ns_msg_count(parsed, ns_s_an) && out.list.size() < kMaxDnsRecords; ++i) {
    ns_rr rr;
    if (ns_parserr(&parsed, ns_s_an, i, &rr) != 0) return fail(Fault{FaultCode::malformed});
    if (ns_rr_type(rr) != dns_number(type) || ns_rr_class(rr) != ns_c_in) continue;
    Record record{.type = type, .ttl = ns_rr_ttl(rr)};
    if (!read_record(parsed, rr, record)) return fail(Fault{FaultCode::malformed});
    out.list.push_back(std::move(record));
  }
  return out;
}

}  // namespace isthmus::transport
