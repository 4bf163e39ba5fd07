// SPDX-License-Identifier: MIT
// Door to the transaction table: the input is a sequence of events of two octets each, what and for which transaction.
// In whatever order they come, in the end nothing may be left, and each transaction had its last word exactly once.
#include <cstdlib>

#include "sip/transaction/key.hpp"
#include "sip/transaction/table.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sip;

struct World {
  void act(uint8_t what, uint8_t which) {
    const bool invite = (which & 1) != 0;
    const bool reliable = (which & 2) != 0;
    const std::string branch = "z9hG4bK" + std::to_string(which & 15);
    const std::string_view method = invite ? "INVITE" : "BYE";
    const std::string to_us = server_key(branch, "a", 0, method);
    const std::string of_us = client_key(branch, method);
    const Path path{{which & 3U, 1}, {IpAddress::v4(192, 0, 2, which & 7), 5060}, {}};
    constexpr int kStatuses[] = {100, 180, 200, 302, 408, 486, 503, 603};
    const int status = kStatuses[which >> 4 & 7];
    const ClientId client = table.find_client(of_us);
    const ServerId server = table.find_server(to_us);
    switch (what % 12) {
      case 0: started += table.start(pass, {of_us, path, reliable, invite, 1}, as_bytes(method)) ? 1 : 0; break;
      case 1: started += table.accept(pass, {to_us, path, reliable, invite, 2}) ? 1 : 0; break;
      case 2: table.receive_response(pass, client, status, as_bytes("ACK")); break;
      case 3: table.respond(pass, server, status, as_bytes(method)); break;
      case 4: table.receive_repeat(pass, server); break;
      case 5: table.receive_ack(pass, server); break;
      case 6: table.cancelled(pass, client); break;
      case 7: ended += table.drop(client) ? 1 : 0; break;
      case 8: ended += table.drop(server) ? 1 : 0; break;
      case 9: table.flow_down(pass, path.flow); break;
      case 10: table.unreachable(pass, path); break;
      case 11: table.move(server, path, reliable); break;
    }
    pass.now.steady += std::chrono::milliseconds(what) * (which & 31);
    settle();
  }
  void settle() {
    table.expire(pass);
    while (const auto outcome = table.poll_outcome()) ended += outcome->ended ? 1 : 0;
    out.clear();
  }
  // Users end what no timer ends: ringing INVITEs and requests not answered.
  void finish() {
    for (int which = 0; which < 16; ++which) {
      const std::string branch = "z9hG4bK" + std::to_string(which);
      for (const std::string_view method : {"INVITE", "BYE"}) {
        const ClientId client = table.find_client(client_key(branch, method));
        const ServerId server = table.find_server(server_key(branch, "a", 0, method));
        table.cancelled(pass, client);
        table.respond(pass, server, 486, as_bytes("486"));
      }
    }
    pass.now.steady += std::chrono::seconds(65);
    settle();
    if (!table.census().empty() || table.next_deadline() != kNever || started != ended) std::abort();
  }

  Outbox out;
  Pass pass{{}, out};
  TransactionTable table{{}, {}, HashKey{1, 2}};
  uint64_t started = 0;
  uint64_t ended = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  World world;
  for (size_t i = 0; i + 1 < size && i < 4096; i += 2) world.act(data[i], data[i + 1]);
  world.finish();
  return 0;
}
