// SPDX-License-Identifier: MIT
#include "transport/shard.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "transport/io.hpp"

namespace isthmus::transport {
namespace {

constexpr auto kAskAgain = std::chrono::milliseconds(1);  // run_until looks up that often, whatever the loop does

void next_signal(const std::shared_ptr<asio::signal_set>& set, const std::function<void(int)>& work) {
  set->async_wait([set, work](IoError failed, int number) {
    if (failed) return;
    next_signal(set, work);
    work(number);
  });
}

}  // namespace

struct SignalSlot final : asio::execution_context::service {
  using key_type = SignalSlot;
  static asio::execution_context::id id;
  explicit SignalSlot(asio::execution_context& context) : service(context) {}
  void shutdown() override { set.reset(); }
  std::shared_ptr<asio::signal_set> set;
};
asio::execution_context::id SignalSlot::id;

Shard::Shard() : io_(std::make_unique<Io>()), posted_(std::make_shared<std::atomic<size_t>>(0)) {}
Shard::~Shard() = default;

void Shard::run() {
  io_->context.restart();
  const auto guard = asio::make_work_guard(io_->context);
  io_->context.run();
}

void Shard::stop() {
  io_->context.stop();
}

bool Shard::run_until(const std::function<bool()>& done, Duration limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  io_->context.restart();
  const auto guard = asio::make_work_guard(io_->context);
  while (!done()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end || io_->context.stopped()) return false;
    io_->context.run_one_until(std::min(end, now + kAskAgain));
  }
  return true;
}

bool Shard::post(std::function<void()> work) {
  if (posted_->fetch_add(1, std::memory_order_relaxed) >= kPostedLimit) {
    posted_->fetch_sub(1, std::memory_order_relaxed);
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  asio::post(io_->context, [count = posted_, work = std::move(work)] {
    count->fetch_sub(1, std::memory_order_relaxed);
    work();
  });
  return true;
}

void Shard::after(Duration delay, std::function<void()> work) {
  auto timer = std::make_shared<asio::steady_timer>(io_->context, delay);
  timer->async_wait([timer, work = std::move(work)](IoError failed) {
    if (!failed) work();
  });
}

void Shard::on_signal(std::initializer_list<int> signals, const std::function<void(int)>& work) {
  auto& slot = asio::use_service<SignalSlot>(io_->context);
  if (slot.set) slot.set->cancel();
  slot.set = std::make_shared<asio::signal_set>(io_->context);
  for (const int number : signals) slot.set->add(number);
  next_signal(slot.set, work);
}

}  // namespace isthmus::transport
