// SPDX-License-Identifier: MIT
// DNS answers as values: what a Lookup asks for and what comes back (RFC 1035, 2782, 3403). No query is made here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.hpp"

namespace isthmus {

enum class RecordType : uint8_t { a, aaaa, srv, naptr };

struct Record {
  RecordType type = RecordType::a;
  uint32_t ttl = 0;       // seconds
  IpAddress address;      // a, aaaa
  std::string target;     // srv: host; naptr: replacement
  uint16_t port = 0;      // srv
  uint16_t priority = 0;  // srv: priority; naptr: order
  uint16_t weight = 0;    // srv: weight; naptr: preference
  std::string service;    // naptr, e.g. "SIP+D2U"
};

struct Records {
  std::vector<Record> list;  // an empty list means: the name exists, without such records
};

}  // namespace isthmus
