// SPDX-License-Identifier: MIT
// Whatever a name server, or somebody in its place, sends as an answer: read as each record type.
#include "transport/dns_answer.hpp"

#include <cstdlib>

using namespace isthmus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes message(reinterpret_cast<const std::byte*>(data), size);
  for (const RecordType type : {RecordType::a, RecordType::aaaa, RecordType::srv, RecordType::naptr}) {
    const auto records = transport::parse_dns_answer(type, message);
    if (records && records->list.size() > transport::kMaxDnsRecords) std::abort();
  }
  return 0;
}
