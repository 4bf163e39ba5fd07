// SPDX-License-Identifier: MIT
// A DNS answer message as records (RFC 1035 section 4, RFC 2782, RFC 3403 section 4, RFC 3596). Pure: bytes in, values
// out. Aliases on the way (CNAME) have been followed by the server: all records of the type count.
#pragma once

#include "base/bytes.hpp"
#include "base/dns.hpp"
#include "base/outbox.hpp"
#include "base/result.hpp"

namespace isthmus::transport {

inline constexpr size_t kMaxDnsRecords = 64;  // of one answer; more are left out

int dns_number(RecordType type);  // RFC 1035 section 3.2.2 and its successors

// Faults: malformed, and no_such_name when the message says so.
Result<Records, Fault> parse_dns_answer(RecordType type, Bytes message);

}  // namespace isthmus::transport
