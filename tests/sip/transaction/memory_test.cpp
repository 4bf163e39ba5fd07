// SPDX-License-Identifier: MIT
// What a finished transaction costs while its timers run (performance budget: 2 KiB), measured at the allocator.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "sip/transaction/key.hpp"
#include "sip/transaction/table.hpp"

namespace {
size_t g_live_bytes = 0;
}

void* operator new(size_t size) {
  void* const at = std::malloc(size);
  if (at == nullptr) std::abort();
  g_live_bytes += malloc_usable_size(at);
  return at;
}
void operator delete(void* at) noexcept {
  if (at != nullptr) g_live_bytes -= malloc_usable_size(at);
  std::free(at);
}
void operator delete(void* at, size_t) noexcept {
  operator delete(at);
}

namespace isthmus::sip {
namespace {

TEST(TransactionMemory, AFinishedTransactionTakesAtMost2KiBAndEndedOnesGiveRoomToNewOnes) {
  constexpr size_t kCount = 8000;
  constexpr size_t kRounds = 3;
  Outbox out;
  Pass pass{{}, out};
  TransactionTable table({}, {}, HashKey{3, 4});
  const std::string request(1100, 'q'), ack(420, 'a'), refusal(600, 'r');
  const Path path{{1, 1}, {IpAddress::v4(192, 0, 2, 1), 5060}, {IpAddress::v4(192, 0, 2, 2), 5060}};
  const size_t before = g_live_bytes;
  size_t filled[kRounds] = {};
  for (size_t round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < kCount / 2; ++i) {
      const std::string branch = "z9hG4bK0123456789abcdef" + std::to_string(round * kCount + i);
      const auto client = table.start(pass, {client_key(branch, "INVITE"), path, false, true, 0}, as_bytes(request));
      table.receive_response(pass, *client, 486, as_bytes(ack));
      const auto server =
          table.accept(pass, {server_key(branch, "host.example", 5060, "INVITE"), path, false, true, 0});
      table.respond(pass, *server, 100, as_bytes(refusal));
      table.respond(pass, *server, 486, as_bytes(refusal));
      out.clear();
    }
    EXPECT_EQ(table.census()[Census::lingering_transactions], kCount);
    filled[round] = g_live_bytes - before - out.bytes.capacity() - out.actions.capacity() * sizeof(Action);
    pass.now.steady += std::chrono::seconds(40);
    table.expire(pass);
    out.clear();
    while (table.poll_outcome()) continue;
    EXPECT_TRUE(table.census().empty());
  }
  EXPECT_LE(filled[0] / kCount, 2048u);
  EXPECT_LE(filled[2], filled[0] + filled[0] / 8);
  RecordProperty("bytes_per_transaction", static_cast<int>(filled[0] / kCount));
}

}  // namespace
}  // namespace isthmus::sip
