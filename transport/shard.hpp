// SPDX-License-Identifier: MIT
// A shard: one thread that runs one event loop. All that lives on the loop (edge, connections, HTTP server) is used
// from its thread alone; other threads hand work over with post(), through a bounded queue. The loop itself stays
// hidden: only the connection files see it. The shard outlives all that lives on it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "base/time.hpp"

namespace isthmus::transport {

struct Io;  // the event loop; transport/io.hpp

class Shard {
 public:
  static constexpr size_t kPostedLimit = 65536;  // functions handed over and not yet run

  Shard();
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  void run();   // in the calling thread, until stop()
  void stop();  // from any thread or from the loop; run() returns, nothing is lost, run() may be called again

  // Runs the loop in the calling thread until `done` says true (asked after each handler, and at least each
  // millisecond) or `limit` has passed;
  // returns the last word of `done`. For tests and for an orderly end.
  bool run_until(const std::function<bool()>& done, Duration limit);

  // From any thread: runs `work` once in the loop. False when the queue is full: the work is dropped and counted.
  bool post(std::function<void()> work);
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  // From the loop's thread: runs `work` once, that much later; dropped when the shard is destroyed before.
  void after(Duration delay, std::function<void()> work);

  // Calls `work` in the loop at each of these signals; replaces what was set before.
  void on_signal(std::initializer_list<int> signals, const std::function<void(int)>& work);

  Io& io() { return *io_; }

 private:
  std::unique_ptr<Io> io_;
  std::shared_ptr<std::atomic<size_t>> posted_;
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace isthmus::transport
