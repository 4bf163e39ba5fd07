// SPDX-License-Identifier: MIT
// Keeps in the store what changes with calls and registrations, the registrar's bindings and the phones that ring,
// without making the loop wait: changes go to a thread of their own, which commits together what has gathered while the
// commit before ran. Only the newest change of a thing waits, and the queue is bounded. A store that is locked or
// broken is tried again until it works; nobody waits for it meanwhile (G16).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "gateway/store/store.hpp"

namespace isthmus::gateway {

class StateKeeper {
 public:
  struct Limits {
    size_t waiting = 100000;               // changes that are not on disk; more are dropped and counted. Those of
                                           // phones that ring have half of it
    size_t batch = 2000;                   // changes of one commit
    std::chrono::milliseconds retry{250};  // pause after a commit that failed
  };
  // Hands work to the loop; false: there is no room.
  using Post = std::function<bool(std::function<void()>)>;
  using Word = std::function<void(bool kept)>;
  // In the loop: the store begins to fail (why), or works again ("").
  using News = std::function<void(const std::string& trouble)>;

  // The store is this object's alone.
  StateKeeper(std::unique_ptr<Store> store, Post post, News news, const Limits& limits);
  ~StateKeeper();  // tries once more to keep what waits
  StateKeeper(const StateKeeper&) = delete;
  StateKeeper& operator=(const StateKeeper&) = delete;

  // From the loop.
  void put(const StateChange& change);
  // Is what was put before on disk? Said later in the loop, never from inside the call: true as soon as it is; false at
  // once while the store fails, and when a change found no room.
  void when_kept(Word word);

  struct Figures {
    size_t waiting = 0;  // with those under way
    uint64_t kept = 0;
    uint64_t commits = 0;
    uint64_t failures = 0;  // of commits
    uint64_t lost = 0;      // changes that found no room
    bool failing = false;
  };
  Figures figures() const;

 private:
  using Key = std::tuple<size_t, std::string, std::string, std::string, uint32_t>;  // its kind, its name
  using Queue = std::map<uint64_t, StateChange>;  // by the place in which it began to wait

  static Key key_of(const StateChange& change);
  void work();
  Queue take();
  void put_back(Queue&& batch);
  std::vector<Word> due(bool kept);
  void say(std::vector<Word> words, bool kept);

  std::unique_ptr<Store> store_;  // the thread's
  Post post_;
  News news_;
  Limits limits_;

  mutable std::mutex mutex_;  // all below
  std::condition_variable wake_;
  Queue queue_;
  std::map<Key, uint64_t> places_;
  size_t under_way_ = 0;                          // taken out for the commit that runs
  std::vector<std::pair<uint64_t, Word>> asked_;  // each waits for all places up to its own
  uint64_t last_place_ = 0;
  Figures figures_;
  bool refused_ = false;  // since the last question
  bool ending_ = false;
  std::thread thread_;  // the last: it uses all of the above
};

}  // namespace isthmus::gateway
