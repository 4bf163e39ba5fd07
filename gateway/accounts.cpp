// SPDX-License-Identifier: MIT
#include "gateway/accounts.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "gateway/secret_file.hpp"

namespace isthmus::gateway {
namespace {

constexpr std::array kDemoNames{"alice", "bob"};
constexpr size_t kPasswordGroups = 4;                                      // of four characters
constexpr std::string_view kReadable = "abcdefghjkmnpqrstuvwxyz23456789";  // nothing that looks like something else

std::vector<DemoAccount> parse_demo_accounts(const std::string& text) {
  std::vector<DemoAccount> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, password;
    if (words >> name >> password && !name.starts_with('#')) out.push_back({name, Private<std::string>(password)});
  }
  return out;
}

Account account_of(const AccountRecord& record) {
  return {record.name, {record.ha1_md5, record.ha1_sha256}};
}

Account account_of(const ConfigAccount& account, const std::string& realm) {
  if (account.password) return account_of(account_record(account.name, realm, *account.password));
  return {account.name, {account.ha1_md5, account.ha1_sha256}};
}

std::vector<DemoAccount> read_demo_accounts(const Config& config) {
  const auto text = read_secret_file(demo_file(config));
  return text ? parse_demo_accounts(*text) : std::vector<DemoAccount>{};
}

// Still the demo account of the file: nobody has given it a password of its own.
bool is_demo(const AccountRecord& record, const std::vector<DemoAccount>& demo) {
  return std::any_of(demo.begin(), demo.end(), [&](const DemoAccount& each) {
    return each.name == record.name && account_record(each.name, record.realm, each.password) == record;
  });
}

// New demo accounts, into their file and the database.
Result<void, std::string> make_demo_accounts(const Config& config, Random& random) {
  std::string lines;
  for (const char* name : kDemoNames) lines += std::string(name) + " " + make_password(random) + "\n";
  return write_secret_file(demo_file(config), lines);
}

}  // namespace

std::string demo_file(const Config& config) {
  return config.data + "/demo-accounts";
}

std::string make_password(Random& random) {
  std::string out;
  for (size_t i = 0; i < 4 * kPasswordGroups; ++i) {
    if (i > 0 && i % 4 == 0) out += '-';
    out += kReadable[random.below(kReadable.size())];
  }
  return out;
}

AccountRecord account_record(std::string_view name, std::string_view realm, const Private<std::string>& password) {
  const sip::StoredHa1 ha1s = sip::make_ha1s({&crypto::md5, &crypto::sha256}, name, realm, password.reveal());
  return {std::string(name), std::string(realm), ha1s.md5, ha1s.sha256};
}

bool is_account_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxAccountName && std::all_of(name.begin(), name.end(), is_user_character);
}

Result<AccountList, std::string> list_accounts(const Config& config, const Store& store) {
  AccountList out;
  for (const ConfigAccount& account : config.accounts) out.accounts.push_back(account_of(account, config.realm));
  const auto stored = store.accounts();
  if (!stored) return fail(stored.error());
  const std::vector<DemoAccount> demo = read_demo_accounts(config);
  for (const AccountRecord& record : *stored) {
    if (is_demo(record, demo)) continue;
    const bool configured = std::any_of(config.accounts.begin(), config.accounts.end(),
                                        [&](const ConfigAccount& each) { return each.name == record.name; });
    if (configured) {
      out.twice.push_back(record.name);
    } else if (record.realm != config.realm) {
      out.stale.push_back(record.name);
    } else {
      out.accounts.push_back(account_of(record));
    }
  }
  if (!out.accounts.empty()) return out;
  for (const DemoAccount& each : demo)
    out.accounts.push_back(account_of(account_record(each.name, config.realm, each.password)));
  out.demo = demo;
  return out;
}

Result<AccountList, std::string> take_accounts(const Config& config, Store& store, Random random) {
  auto out = list_accounts(config, store);
  if (!out || !out->accounts.empty()) return out;
  if (auto made = make_demo_accounts(config, random); !made) return fail(made.error());
  return list_accounts(config, store);
}

}  // namespace isthmus::gateway
