// SPDX-License-Identifier: MIT
// What lies in the data directory: the store, the API secret, and, while no account is configured, two demo accounts
// with generated passwords. Made when it is not there; files are readable for their owner alone.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "gateway/accounts.hpp"
#include "gateway/config.hpp"
#include "gateway/store/store.hpp"

namespace isthmus::gateway {

// The data directory belongs to one running gateway; given back when this goes, whatever ends the process.
class DataLock {
 public:
  DataLock() = default;
  static Result<DataLock, std::string> take(const std::string& directory);
  DataLock(DataLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  DataLock& operator=(DataLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~DataLock();

 private:
  explicit DataLock(int file) : file_(file) {}
  int file_ = -1;
};

struct ApiSecret {
  Private<std::string> secret;
  std::string file;  // empty: it is configured
};

struct Belongings {
  DataLock lock;
  std::unique_ptr<Store> store;  // for the loop
  AccountList accounts;
  ApiSecret api_secret;
  std::unique_ptr<Store> state_store = nullptr;  // the same file, for the thread that keeps what changes
};

// The configured one, else that of the file, which is made when it is not there.
Result<ApiSecret, std::string> take_api_secret(const Config& config, Random random);

Result<void, std::string> make_data_directory(const Config& config);  // for its owner alone; fine when it is there
Result<Belongings, std::string> take_belongings(const Config& config, Random random);

}  // namespace isthmus::gateway
