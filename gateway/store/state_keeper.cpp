// SPDX-License-Identifier: MIT
#include "gateway/store/state_keeper.hpp"

#include <utility>

namespace isthmus::gateway {

StateKeeper::StateKeeper(std::unique_ptr<Store> store, Post post, News news, const Limits& limits)
    : store_(std::move(store)), post_(std::move(post)), news_(std::move(news)), limits_(limits) {
  thread_ = std::thread([this] { work(); });
}

StateKeeper::~StateKeeper() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

StateKeeper::Key StateKeeper::key_of(const StateChange& change) {
  if (const auto* ringing = std::get_if<RingingChanged>(&change)) return {change.index(), ringing->leg.call, {}, {}, 0};
  const KeptBinding& binding = std::get<BindingChanged>(change).binding;
  return {change.index(), binding.account, binding.contact, binding.instance, binding.reg_id};
}

// ---- the loop's side

void StateKeeper::put(const StateChange& change) {
  const std::lock_guard lock(mutex_);
  const auto known = places_.find(key_of(change));
  if (known != places_.end()) {
    queue_[known->second] = change;
    return;
  }
  // Calls come and go while a store is broken; phones that registered meanwhile must find room.
  const bool of_a_call = std::holds_alternative<RingingChanged>(change);
  if (queue_.size() + under_way_ >= (of_a_call ? limits_.waiting / 2 : limits_.waiting)) {
    ++figures_.lost;
    refused_ = refused_ || !of_a_call;
    return;
  }
  places_[key_of(change)] = ++last_place_;
  queue_.emplace(last_place_, change);
  wake_.notify_one();
}

void StateKeeper::when_kept(Word word) {
  std::vector<Word> now;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(refused_, false) || figures_.failing) {
      now.push_back(std::move(word));
    } else {
      asked_.emplace_back(last_place_, std::move(word));
      wake_.notify_one();
    }
  }
  say(std::move(now), false);
}

StateKeeper::Figures StateKeeper::figures() const {
  const std::lock_guard lock(mutex_);
  Figures out = figures_;
  out.waiting = queue_.size() + under_way_;
  return out;
}

void StateKeeper::say(std::vector<Word> words, bool kept) {
  if (words.empty()) return;
  post_([words = std::move(words), kept] {
    for (const Word& word : words) word(kept);
  });
}

// ---- the thread

void StateKeeper::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || !queue_.empty() || !asked_.empty(); });
    if (queue_.empty() && asked_.empty()) return;
    Queue batch = take();
    std::vector<StateChange> changes;
    under_way_ = batch.size();
    changes.reserve(batch.size());
    for (const auto& [place, change] : batch) changes.push_back(change);
    lock.unlock();
    const Store::Done done = changes.empty() ? Store::Done{} : store_->change(changes);
    lock.lock();
    under_way_ = 0;
    if (done) {
      figures_.kept += changes.size();
      figures_.commits += changes.empty() ? 0 : 1;
    } else {
      ++figures_.failures;
      put_back(std::move(batch));
    }
    const bool is_news = std::exchange(figures_.failing, !done) == done.has_value();
    std::vector<Word> words = due(done.has_value());
    lock.unlock();
    if (is_news) post_([news = news_, trouble = done ? std::string() : done.error()] { news(trouble); });
    say(std::move(words), done.has_value());
    lock.lock();
    if (done) continue;
    if (ending_) return;
    wake_.wait_for(lock, limits_.retry, [this] { return ending_; });
  }
}

StateKeeper::Queue StateKeeper::take() {
  Queue batch;
  while (batch.size() < limits_.batch && !queue_.empty()) {
    auto node = queue_.extract(queue_.begin());
    places_.erase(key_of(node.mapped()));
    batch.insert(std::move(node));
  }
  return batch;
}

// What changed again meanwhile keeps its old place, so that nobody is told too early, and its newer content.
void StateKeeper::put_back(Queue&& batch) {
  for (auto& [place, change] : batch) {
    const auto newer = places_.find(key_of(change));
    if (newer != places_.end()) {
      change = std::move(queue_.at(newer->second));
      queue_.erase(newer->second);
    }
    places_[key_of(change)] = place;
    queue_.emplace(place, std::move(change));
  }
}

// Those who can be told: after a failure all, otherwise those before whose place nothing waits any more.
std::vector<StateKeeper::Word> StateKeeper::due(bool kept) {
  std::vector<Word> out;
  const uint64_t open = queue_.empty() ? last_place_ + 1 : queue_.begin()->first;
  std::erase_if(asked_, [&](auto& each) {
    if (kept && each.first >= open) return false;
    out.push_back(std::move(each.second));
    return true;
  });
  return out;
}

}  // namespace isthmus::gateway
