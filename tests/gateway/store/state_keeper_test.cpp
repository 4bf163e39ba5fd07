// SPDX-License-Identifier: MIT
// The thread that keeps bindings and what rings (G15, G16): what is said to be kept is on disk, a locked file holds
// nobody and loses nothing, the queue is bounded and its loss counted. Waiting is for the thread, by condition, never
// by the clock.
#include "gateway/store/state_keeper.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>

#include "gateway/store/sqlite_store.hpp"

namespace isthmus::gateway {
namespace state_keeper_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{60};  // of a test, on a loaded machine

// The loop: runs in the test's thread what the keeper's hands over.
class Loop {
 public:
  StateKeeper::Post post() {
    return [this](std::function<void()> work) {
      const std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
      wake_.notify_one();
      return true;
    };
  }
  bool run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      std::unique_lock lock(mutex_);
      if (work_.empty()) wake_.wait_for(lock, milliseconds(5));
      if (std::chrono::steady_clock::now() > end) return false;
      if (work_.empty()) continue;
      const auto work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      work();
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
};

struct Bed {
  Bed() {
    char name[] = "/tmp/isthmus-keeper-XXXXXX";
    folder = mkdtemp(name);
    path = folder + "/isthmus.db";
    reader = *SqliteStore::open(path);
  }
  ~Bed() {
    keeper.reset();
    std::filesystem::remove_all(folder);
  }
  void start(const StateKeeper::Limits& limits = {.retry = milliseconds(1)}) {
    const auto news = [this](const std::string& trouble) { told.push_back(trouble.empty() ? "works" : "fails"); };
    keeper = std::make_unique<StateKeeper>(*SqliteStore::open(path, {.patience = milliseconds(1), .sync_each = false}),
                                           loop.post(), news, limits);
  }
  void put(int number, uint32_t cseq = 1, bool removed = false) {
    KeptBinding binding;
    binding.account = "alice";
    binding.contact = "sip:" + std::to_string(number) + "@192.0.2.1";
    binding.cseq = cseq;
    binding.remote = binding.local = *SocketAddress::parse("192.0.2.1:5060");
    keeper->put(BindingChanged{binding, removed});
  }
  void ask() {
    keeper->when_kept([this](bool kept) { words += kept ? "y" : "n"; });
  }
  size_t on_disk() const { return reader->bindings()->size(); }

  std::string folder, path;
  Loop loop;
  std::unique_ptr<SqliteStore> reader;
  std::string words;  // y: kept, n: not
  std::vector<std::string> told;
  std::unique_ptr<StateKeeper> keeper;
};

// Another program that holds the file.
class Lock {
 public:
  explicit Lock(const std::string& path) {
    EXPECT_EQ(sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    sqlite3_busy_timeout(database_, 10000);
    EXPECT_EQ(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~Lock() { sqlite3_close(database_); }

 private:
  sqlite3* database_ = nullptr;
};

TEST(StateKeeper, G15_WhatIsSaidToBeKeptIsOnDisk) {
  Bed bed;
  bed.start();
  for (int i = 0; i < 300; ++i) {
    bed.put(i);
    bed.ask();
    ASSERT_EQ(bed.words.size(), static_cast<size_t>(i)) << "never from inside the call";
    ASSERT_TRUE(bed.loop.run_until([&] { return bed.words.size() == static_cast<size_t>(i) + 1; }));
    ASSERT_EQ(bed.on_disk(), static_cast<size_t>(i) + 1);
  }
  EXPECT_EQ(bed.words.find('n'), std::string::npos);
  bed.put(0, 2, true);
  bed.ask();
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.words.size() == 301; }));
  EXPECT_EQ(bed.on_disk(), 299u);
  EXPECT_TRUE(bed.told.empty());
}

TEST(StateKeeper, WhatGathersIsCommittedTogether) {
  Bed bed;
  bed.start();
  {
    const Lock lock(bed.path);
    bed.put(-1);
    ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().failures > 0; }));
    for (int i = 0; i < 1000; ++i) bed.put(i);
  }
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().kept == 1001; }));
  EXPECT_LE(bed.keeper->figures().commits, 3u);
  EXPECT_EQ(bed.on_disk(), 1001u);
}

TEST(StateKeeper, WhoAsksWhileNothingWaitsIsToldSo) {
  Bed bed;
  bed.start();
  bed.ask();
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.words == "y"; }));
  EXPECT_EQ(bed.keeper->figures().commits, 0u);
}

TEST(StateKeeper, G16_ALockedFileHoldsNobodyAndLosesNothing) {
  Bed bed;
  bed.start();
  {
    const Lock lock(bed.path);
    bed.put(1);
    bed.ask();
    ASSERT_TRUE(bed.loop.run_until([&] { return bed.words == "n" && !bed.told.empty(); })) << bed.words;
    for (uint32_t cseq = 2; cseq <= 50; ++cseq) {  // its phone goes on registering
      bed.put(1, cseq);
      bed.put(2, cseq);
      bed.ask();
    }
    ASSERT_TRUE(bed.loop.run_until([&] { return bed.words.size() == 50; }));
    EXPECT_EQ(bed.words, std::string(50, 'n')) << "said at once, not after the lock";
    ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().failures > 3; })) << "it is tried again";
    EXPECT_LE(bed.keeper->figures().waiting, 4u) << "of a binding one change is under way, and the newest waits";
    EXPECT_TRUE(bed.keeper->figures().failing);
    EXPECT_EQ(bed.on_disk(), 0u);
  }
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.told.size() == 2; }));
  EXPECT_EQ(bed.told, (std::vector<std::string>{"fails", "works"}));
  bed.ask();
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.words.ends_with("y"); }));
  const auto bindings = *bed.reader->bindings();
  ASSERT_EQ(bindings.size(), 2u);
  EXPECT_EQ(bindings[0].cseq, 50u);
  EXPECT_EQ(bindings[1].cseq, 50u);
  EXPECT_EQ(bed.keeper->figures().lost, 0u);
}

TEST(StateKeeper, G16_CallsThatComeAndGoWhileTheStoreIsBrokenLeaveRoomForPhones) {
  Bed bed;
  bed.start({.waiting = 4, .batch = 2, .retry = milliseconds(1)});
  {
    const Lock lock(bed.path);
    bed.put(0);
    ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().failures > 0; }));
    for (int i = 0; i < 9; ++i) {
      RingingLeg leg;
      leg.call = "c_" + std::to_string(i);
      bed.keeper->put(RingingChanged{leg, true});
    }
    EXPECT_EQ(bed.keeper->figures().waiting, 2u);
    EXPECT_EQ(bed.keeper->figures().lost, 8u) << "counted all the same";
    bed.put(1), bed.put(2);
    EXPECT_EQ(bed.keeper->figures().lost, 8u);
  }
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().waiting == 0; }));
  EXPECT_EQ(bed.on_disk(), 3u);
}

TEST(StateKeeper, G16_TheQueueIsBoundedAndLossIsCountedAndSaid) {
  Bed bed;
  bed.start({.waiting = 3, .batch = 2, .retry = milliseconds(1)});
  {
    const Lock lock(bed.path);
    bed.put(0);
    ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().failures > 0; }));
    for (int i = 1; i <= 9; ++i) bed.put(i);
    const auto figures = bed.keeper->figures();
    EXPECT_EQ(figures.lost, 7u);
    EXPECT_EQ(figures.waiting, 3u) << "whether under way or not";
  }
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().waiting == 0; }));
  EXPECT_EQ(bed.on_disk(), 3u) << "what was not lost is there";
  bed.ask();
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.words == "n"; })) << "a change before found no room";
  bed.put(9);
  bed.ask();
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.words == "ny"; }));
}

TEST(StateKeeper, G15_WhatRingsIsKeptBesideTheBindingsAndForgotten) {
  Bed bed;
  bed.start();
  RingingLeg leg;
  leg.call = "sip:1@192.0.2.1";
  leg.remote = leg.local = *SocketAddress::parse("192.0.2.1:5060");
  bed.put(1);
  bed.keeper->put(RingingChanged{leg, false});
  bed.ask();
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.words == "y"; }));
  EXPECT_EQ(*bed.reader->ringing(), std::vector{leg});
  EXPECT_EQ(bed.on_disk(), 1u);
  bed.keeper->put(RingingChanged{leg, true});
  bed.ask();
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.words == "yy"; }));
  EXPECT_TRUE(bed.reader->ringing()->empty());
  EXPECT_EQ(bed.on_disk(), 1u);
  {  // What stopped ringing before it was on disk takes the place of its beginning.
    const Lock lock(bed.path);
    const uint64_t before = bed.keeper->figures().failures;
    bed.put(2);
    ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().failures > before; }));
    for (int i = 0; i < 10; ++i) bed.keeper->put(RingingChanged{leg, i % 2 == 1});
    EXPECT_LE(bed.keeper->figures().waiting, 3u);
  }
  ASSERT_TRUE(bed.loop.run_until([&] { return bed.keeper->figures().waiting == 0; }));
  EXPECT_TRUE(bed.reader->ringing()->empty());
}

TEST(StateKeeper, TheEndKeepsWhatWaits) {
  Bed bed;
  bed.start();
  for (int i = 0; i < 500; ++i) bed.put(i);
  bed.keeper.reset();
  EXPECT_EQ(bed.on_disk(), 500u);
}

}  // namespace state_keeper_test
}  // namespace isthmus::gateway
