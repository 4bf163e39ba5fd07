// SPDX-License-Identifier: MIT
// Transaction churn (R5.3): the four transactions of one call through a B2BUA (INVITE and BYE, served and sent), at a
// steady rate of calls, so that the finished ones of the last 32 s are lying in the table while new ones come.
// Reference `store`: the same keys, lookups, copies and sends over a plain hash map, without machines, timers and
// lists.
#include <benchmark/benchmark.h>

#include <deque>
#include <string>
#include <unordered_map>

#include "base/text.hpp"
#include "sip/transaction/key.hpp"
#include "sip/transaction/table.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sip;

const Path kPath{{1, 1}, {IpAddress::v4(192, 0, 2, 1), 5060}, {IpAddress::v4(192, 0, 2, 2), 5060}};
const std::string kInvite(1100, 'I'), kBye(480, 'B'), kRinging(420, 'R'), kOk(900, 'O'), kOkBye(380, 'o');
constexpr size_t kTransactionsPerCall = 4;

std::string branch_of(uint64_t number) {
  std::string branch = "z9hG4bK00112233445566778899";
  append_hex(branch, number + (uint64_t{1} << 32));
  return branch;
}

class Table {
 public:
  void call(uint64_t number, Duration pause) {
    pass_.now.steady += pause;
    table_.expire(pass_);
    while (table_.poll_outcome()) continue;
    const std::string branch = branch_of(number);
    serve(branch, "INVITE", true, kOk);
    send(branch, "INVITE", true, kInvite);
    serve(branch, "BYE", false, kOkBye);
    send(branch, "BYE", false, kBye);
    out_.clear();
  }
  size_t alive() const { return table_.clients() + table_.servers(); }

 private:
  void serve(const std::string& branch, std::string_view method, bool invite, std::string_view final) {
    const std::string key = server_key(branch, "phone.example.org", 5060, method);
    if (table_.find_server(key)) return;
    const auto id = table_.accept(pass_, {key, kPath, false, invite, 0});
    if (!id) return;
    if (invite) table_.respond(pass_, *id, 100, as_bytes(kRinging));
    if (invite) table_.respond(pass_, *id, 180, as_bytes(kRinging));
    table_.respond(pass_, *id, 200, as_bytes(final));
  }
  void send(const std::string& branch, std::string_view method, bool invite, std::string_view request) {
    if (!table_.start(pass_, {client_key(branch, method), kPath, false, invite, 0}, as_bytes(request))) return;
    for (const int status : {100, 180, 200}) {
      if (invite || status == 200)
        table_.receive_response(pass_, table_.find_client(client_key(branch, method)), status);
    }
  }

  Outbox out_;
  Pass pass_{{}, out_};
  TransactionTable table_{{}, {}, HashKey{1, 2}};
};

// Keeps as many calls as the table does in 32 s.
class Store {
 public:
  void call(uint64_t number, Duration pause) {
    const std::string branch = branch_of(number);
    serve(branch, "INVITE", 3, kOk);
    send(branch, "INVITE", 3, kInvite);
    serve(branch, "BYE", 1, kOkBye);
    send(branch, "BYE", 1, kBye);
    out_.clear();
    const auto kept = static_cast<size_t>(std::chrono::seconds(32) / pause) * kTransactionsPerCall;
    while (order_.size() > kept) {
      map_.erase(order_.front());
      order_.pop_front();
    }
  }
  size_t alive() const { return map_.size(); }

 private:
  void serve(const std::string& branch, std::string_view method, int responses, std::string_view final) {
    std::string key = server_key(branch, "phone.example.org", 5060, method);
    if (map_.contains(key)) return;
    std::string& kept = map_[key];
    for (int i = 0; i < responses; ++i) {
      kept = i + 1 == responses ? final : std::string_view(kRinging);
      out_.send(kPath, as_bytes(kept));
    }
    order_.push_back(std::move(key));
  }
  void send(const std::string& branch, std::string_view method, int responses, std::string_view request) {
    std::string& kept = map_[client_key(branch, method)];
    kept = request;
    out_.send(kPath, as_bytes(kept));
    for (int i = 0; i < responses; ++i) benchmark::DoNotOptimize(map_.find(client_key(branch, method)));
    std::string().swap(kept);
    order_.push_back(client_key(branch, method));
  }

  Outbox out_;
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> map_{0, TextHash{{1, 2}}};
  std::deque<std::string> order_;
};

template <class Party>
void churn(benchmark::State& state, int64_t calls_per_second) {
  const Duration pause = std::chrono::nanoseconds(1'000'000'000 / calls_per_second);
  Party party;
  uint64_t number = 0;
  for (int64_t i = 0; i < calls_per_second * 33; ++i) party.call(number++, pause);
  const size_t before = party.alive();
  for (auto _ : state) party.call(number++, pause);
  if (party.alive() + before / 10 < before || party.alive() > before + before / 10) {
    state.SkipWithError("the number of transactions is not steady");
  }
  state.counters["alive"] = static_cast<double>(party.alive());
}

void table_100(benchmark::State& state) {
  churn<Table>(state, 100);
}
void store_100(benchmark::State& state) {
  churn<Store>(state, 100);
}
void table_2000(benchmark::State& state) {
  churn<Table>(state, 2000);
}
void store_2000(benchmark::State& state) {
  churn<Store>(state, 2000);
}
BENCHMARK(table_100)->Name("transaction_churn_100cps/isthmus");
BENCHMARK(store_100)->Name("transaction_churn_100cps/store");
BENCHMARK(table_2000)->Name("transaction_churn_2000cps/isthmus");
BENCHMARK(store_2000)->Name("transaction_churn_2000cps/store");

}  // namespace

BENCHMARK_MAIN();
