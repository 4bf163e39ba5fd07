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

struct Belongings {
  std::unique_ptr<Store> store;
  AccountList accounts;
  Private<std::string> api_secret;
  std::string api_secret_file;  // empty: it is configured
};

Result<void, std::string> make_data_directory(const Config& config);  // for its owner alone; fine when it is there
Result<Belongings, std::string> take_belongings(const Config& config, Random random);

}  // namespace isthmus::gateway
