// SPDX-License-Identifier: MIT
// Which accounts count: those of the configuration, then those of the database (`isthmus account`); while there is none
// of either, two demo accounts with generated passwords. Passwords are turned into HA1s here and kept nowhere, but for
// the demo accounts' own file.
#pragma once

#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "gateway/call/settings.hpp"
#include "gateway/config.hpp"
#include "gateway/store/store.hpp"

namespace isthmus::gateway {

struct DemoAccount {
  std::string name;
  Private<std::string> password;
};

struct AccountList {
  std::vector<Account> accounts;   // of the configuration first, then by name
  std::vector<DemoAccount> demo;   // empty: there are others
  std::vector<std::string> stale;  // names in the database whose HA1s are of another realm: nobody can use them
  std::vector<std::string> twice;  // names in the database that the configuration has too: that one counts
};

// Makes the demo accounts' file when it is needed and not there.
Result<AccountList, std::string> take_accounts(const Config& config, Store& store, Random random);

// What counts now, without making anything.
Result<AccountList, std::string> list_accounts(const Config& config, const Store& store);

std::string demo_file(const Config& config);
std::string make_password(Random& random);  // to be read out and typed; 79 bits
AccountRecord account_record(std::string_view name, std::string_view realm, const Private<std::string>& password);

// An account's name is the user part of a SIP URI that needs no escapes, at most kMaxAccountName characters.
constexpr size_t kMaxAccountName = 64;
bool is_account_name(std::string_view name);

}  // namespace isthmus::gateway
