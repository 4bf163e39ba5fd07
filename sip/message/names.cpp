// SPDX-License-Identifier: MIT
#include "sip/message/names.hpp"

#include <array>
#include <cstring>

#include "base/text.hpp"
#include "sip/message/stopped.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace isthmus::sip {
namespace {

struct Name {
  std::string_view text;
  char compact;
};

// In the order of the enum. Compact forms: RFC 3261, 3265 (o, u), 3515 (r), 3892 (b), 4028 (x), 4474 (y, n),
// 3841 (a, j, d).
constexpr std::array<Name, kHeaderCount> kNames = {{
    {"", 0},
    {"Accept", 0},
    {"Accept-Contact", 'a'},
    {"Accept-Encoding", 0},
    {"Accept-Language", 0},
    {"Alert-Info", 0},
    {"Allow", 0},
    {"Allow-Events", 'u'},
    {"Authentication-Info", 0},
    {"Authorization", 0},
    {"Call-ID", 'i'},
    {"Call-Info", 0},
    {"Contact", 'm'},
    {"Content-Disposition", 0},
    {"Content-Encoding", 'e'},
    {"Content-Language", 0},
    {"Content-Length", 'l'},
    {"Content-Type", 'c'},
    {"CSeq", 0},
    {"Date", 0},
    {"Diversion", 0},
    {"Error-Info", 0},
    {"Event", 'o'},
    {"Expires", 0},
    {"Flow-Timer", 0},
    {"From", 'f'},
    {"History-Info", 0},
    {"Identity", 'y'},
    {"Identity-Info", 'n'},
    {"In-Reply-To", 0},
    {"Info-Package", 0},
    {"Join", 0},
    {"Max-Forwards", 0},
    {"MIME-Version", 0},
    {"Min-Expires", 0},
    {"Min-SE", 0},
    {"Organization", 0},
    {"P-Access-Network-Info", 0},
    {"P-Asserted-Identity", 0},
    {"P-Associated-URI", 0},
    {"P-Called-Party-ID", 0},
    {"P-Charging-Vector", 0},
    {"P-Preferred-Identity", 0},
    {"Path", 0},
    {"Priority", 0},
    {"Privacy", 0},
    {"Proxy-Authenticate", 0},
    {"Proxy-Authorization", 0},
    {"Proxy-Require", 0},
    {"RAck", 0},
    {"Reason", 0},
    {"Record-Route", 0},
    {"Recv-Info", 0},
    {"Refer-Sub", 0},
    {"Refer-To", 'r'},
    {"Referred-By", 'b'},
    {"Reject-Contact", 'j'},
    {"Remote-Party-ID", 0},
    {"Replaces", 0},
    {"Reply-To", 0},
    {"Request-Disposition", 'd'},
    {"Require", 0},
    {"Retry-After", 0},
    {"Route", 0},
    {"RSeq", 0},
    {"Server", 0},
    {"Service-Route", 0},
    {"Session-Expires", 'x'},
    {"SIP-ETag", 0},
    {"SIP-If-Match", 0},
    {"Subject", 's'},
    {"Subscription-State", 0},
    {"Supported", 'k'},
    {"Target-Dialog", 0},
    {"Timestamp", 0},
    {"To", 't'},
    {"Unsupported", 0},
    {"User-Agent", 0},
    {"User-To-User", 0},
    {"Via", 'v'},
    {"Warning", 0},
    {"WWW-Authenticate", 0},
}};
static_assert(kNames[static_cast<size_t>(Header::www_authenticate)].text == "WWW-Authenticate");
static_assert(kNames[static_cast<size_t>(Header::min_se)].text == "Min-SE");

constexpr size_t kLongest = 32;
constexpr uint32_t kMultiplier = 0xf9333f75;
constexpr int kHashBits = 9;

constexpr uint32_t fold(char c) {
  return static_cast<uint8_t>(c) | 0x20U;
}
constexpr uint32_t hash_name(const char* name, size_t size) {
  const uint32_t key =
      fold(name[0]) | fold(name[size - 1]) << 8 | fold(name[size / 2]) << 16 | static_cast<uint32_t>(size) << 24;
  return (key * kMultiplier) >> (32 - kHashBits);
}

// A name in lower case and, per octet, the bit that case may differ in: letters only, so that the comparison is exact.
struct Folded {
  char lower[kLongest] = {};
  char mask[kLongest] = {};
  uint64_t size = 0;
};

struct Tables {
  std::array<Folded, kHeaderCount> folded{};
  std::array<uint8_t, size_t{1} << kHashBits> slots{};  // hash -> header
  std::array<uint8_t, 128> compact{};                   // letter -> header
  bool perfect = true;
};

constexpr Tables make_tables() {
  Tables tables;
  for (size_t i = 1; i < kHeaderCount; ++i) {
    const Name& name = kNames[i];
    Folded& folded = tables.folded[i];
    folded.size = name.text.size();
    for (size_t at = 0; at < name.text.size(); ++at) {
      folded.lower[at] = to_lower(name.text[at]);
      folded.mask[at] = is_alpha(name.text[at]) ? 0x20 : 0;
    }
    uint8_t& slot = tables.slots[hash_name(name.text.data(), name.text.size())];
    if (slot != 0 || name.text.size() > kLongest) tables.perfect = false;
    slot = static_cast<uint8_t>(i);
    if (name.compact != 0) {
      tables.compact[static_cast<size_t>(name.compact)] = static_cast<uint8_t>(i);
      tables.compact[static_cast<size_t>(name.compact - 32)] = static_cast<uint8_t>(i);
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();
static_assert(kTables.perfect, "two header names share a hash: look for another multiplier");

template <class Word>
bool same(const char* name, const Folded& folded, size_t at) {
  Word word;
  Word mask;
  Word lower;
  std::memcpy(&word, name + at, sizeof word);
  std::memcpy(&mask, folded.mask + at, sizeof mask);
  std::memcpy(&lower, folded.lower + at, sizeof lower);
  return (word | mask) == lower;
}

bool matches(const char* name, size_t size, const Folded& folded) {
  if (size != folded.size) return false;
  if (size >= 8) {
    for (size_t at = 0; at + 8 <= size; at += 8) {
      if (!same<uint64_t>(name, folded, at)) return false;
    }
    return same<uint64_t>(name, folded, size - 8);
  }
  if (size >= 4) return same<uint32_t>(name, folded, 0) && same<uint32_t>(name, folded, size - 4);
  return same<uint16_t>(name, folded, 0) && same<uint16_t>(name, folded, size - 2);
}

constexpr std::array<std::string_view, static_cast<size_t>(Method::kCount)> kMethods = {
    "",       "INVITE", "ACK",   "CANCEL", "BYE",       "OPTIONS", "REGISTER", "PRACK",
    "UPDATE", "INFO",   "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH"};

// Reads 32 octets from `name` on.
bool matches_stopped(const char* name, size_t size, const Folded& folded) {
#if defined(__SSE2__)
  if (size != folded.size) return false;
  const auto same_16 = [&](size_t at) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(name + at));
    const __m128i mask = _mm_loadu_si128(reinterpret_cast<const __m128i*>(folded.mask + at));
    const __m128i lower = _mm_loadu_si128(reinterpret_cast<const __m128i*>(folded.lower + at));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(text, mask), lower)));
  };
  const unsigned low = same_16(0);
  if (size <= 16) return ((low + 1) & ((1U << size) - 1)) == 0;
  return low == 0xffff && ((same_16(16) + 1) & ((1U << (size - 16)) - 1)) == 0;
#else
  return matches(name, size, folded);
#endif
}

}  // namespace

Header stopped::header_of(std::string_view name) {
  if (name.size() < 2) return sip::header_of(name);
  const size_t index = kTables.slots[hash_name(name.data(), name.size())];
  return index != 0 && matches_stopped(name.data(), name.size(), kTables.folded[index]) ? static_cast<Header>(index)
                                                                                        : Header::other;
}

Header header_of(std::string_view name) {
  if (name.size() < 2) {
    if (name.empty() || static_cast<uint8_t>(name[0]) >= 128) return Header::other;
    return static_cast<Header>(kTables.compact[static_cast<uint8_t>(name[0])]);
  }
  const size_t index = kTables.slots[hash_name(name.data(), name.size())];
  return index != 0 && matches(name.data(), name.size(), kTables.folded[index]) ? static_cast<Header>(index)
                                                                                : Header::other;
}

std::string_view text(Header header) {
  return kNames[static_cast<size_t>(header)].text;
}

Method method_of(std::string_view name) {
  const auto either = [name](auto... candidates) {
    Method found = Method::unknown;
    ((name == text(candidates) ? void(found = candidates) : void()), ...);
    return found;
  };
  switch (name.size()) {
    case 3: return either(Method::ack, Method::bye);
    case 4: return either(Method::info);
    case 5: return either(Method::prack, Method::refer);
    case 6: return either(Method::invite, Method::cancel, Method::update, Method::notify);
    case 7: return either(Method::options, Method::message, Method::publish);
    case 8: return either(Method::register_);
    case 9: return either(Method::subscribe);
    default: return Method::unknown;
  }
}

std::string_view text(Method method) {
  return kMethods[static_cast<size_t>(method)];
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Trying";
    case 180: return "Ringing";
    case 181: return "Call Is Being Forwarded";
    case 182: return "Queued";
    case 183: return "Session Progress";
    case 199: return "Early Dialog Terminated";
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Notification";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Moved Temporarily";
    case 305: return "Use Proxy";
    case 380: return "Alternative Service";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 410: return "Gone";
    case 412: return "Conditional Request Failed";
    case 413: return "Request Entity Too Large";
    case 414: return "Request-URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Unsupported URI Scheme";
    case 420: return "Bad Extension";
    case 421: return "Extension Required";
    case 422: return "Session Interval Too Small";
    case 423: return "Interval Too Brief";
    case 428: return "Use Identity Header";
    case 429: return "Provide Referrer Identity";
    case 430: return "Flow Failed";
    case 433: return "Anonymity Disallowed";
    case 436: return "Bad Identity Info";
    case 437: return "Unsupported Credential";
    case 438: return "Invalid Identity Header";
    case 439: return "First Hop Lacks Outbound Support";
    case 440: return "Max-Breadth Exceeded";
    case 469: return "Bad Info Package";
    case 470: return "Consent Needed";
    case 480: return "Temporarily Unavailable";
    case 481: return "Call/Transaction Does Not Exist";
    case 482: return "Loop Detected";
    case 483: return "Too Many Hops";
    case 484: return "Address Incomplete";
    case 485: return "Ambiguous";
    case 486: return "Busy Here";
    case 487: return "Request Terminated";
    case 488: return "Not Acceptable Here";
    case 489: return "Bad Event";
    case 491: return "Request Pending";
    case 493: return "Undecipherable";
    case 494: return "Security Agreement Required";
    case 500: return "Server Internal Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Server Time-out";
    case 505: return "Version Not Supported";
    case 513: return "Message Too Large";
    case 580: return "Precondition Failure";
    case 600: return "Busy Everywhere";
    case 603: return "Decline";
    case 604: return "Does Not Exist Anywhere";
    case 606: return "Not Acceptable";
    case 607: return "Unwanted";
    case 608: return "Rejected";
    default: break;
  }
  switch (status / 100) {
    case 1: return "Session Progress";
    case 2: return "OK";
    case 3: return "Redirected";
    case 4: return "Bad Request";
    case 5: return "Server Internal Error";
    case 6: return "Declined";
    default: return "Unknown";
  }
}

}  // namespace isthmus::sip
