// SPDX-License-Identifier: MIT
// Door of the headers that name a sender: whatever a client sends in them, an honest proxy that appends its own word to
// it is the one that is believed.
#include "gateway/api/forwarded.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isthmus;
  using namespace isthmus::gateway;
  const std::string sent(reinterpret_cast<const char*>(data), size);
  const IpAddress proxy = IpAddress::v4(10, 0, 0, 1);
  const IpAddress client = IpAddress::v4(192, 0, 2, 1);
  const std::vector<Prefix> trusted{{proxy, 8}};
  const auto sender = [&](const std::vector<HttpHeader>& headers) {
    return sender_of(headers, proxy, false, trusted).ip;
  };
  if (sender({{"X-Forwarded-For", sent + ", 192.0.2.1"}}) != client) std::abort();
  if (sender({{"X-Forwarded-For", sent}, {"X-Forwarded-For", "192.0.2.1"}}) != client) std::abort();
  if (sender({{"Forwarded", sent}, {"Forwarded", "for=192.0.2.1"}}) != client) std::abort();
  // In one line an open quotation mark can swallow that word: then nobody is believed.
  const IpAddress joined = sender({{"Forwarded", sent + ", for=192.0.2.1"}});
  if (joined != client && joined != proxy) std::abort();
  const Sender stranger = sender_of({{"Forwarded", sent}, {"X-Forwarded-For", sent}}, client, false, trusted);
  if (stranger.ip != client || stranger.is_secure) std::abort();
  return 0;
}
