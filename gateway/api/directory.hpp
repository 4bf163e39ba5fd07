// SPDX-License-Identifier: MIT
// Who may sign in as a client: the accounts, and the clients made by the HTTP API. It checks secrets in constant time
// and with equal work for unknown names; it keeps hashes only. Identities are unique over all of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "gateway/call/settings.hpp"
#include "gateway/store/store.hpp"

namespace isthmus::gateway {

struct ClientEntry {
  std::string id;  // an account's name
  std::vector<std::string> identities;
  bool is_account = false;
  WallTime created;  // an account: when the program started
};

class Directory {
 public:
  enum class Fault : uint8_t { conflict, unknown, is_account, full, store_failed };
  static constexpr size_t kMaxClients = 100000;

  // The store outlives the directory.
  static Result<Directory, std::string> open(Store& store, const std::vector<Account>& accounts, std::string realm,
                                             const Random& random, WallTime now);

  const ClientEntry* check_password(std::string_view account, const Private<std::string>& password) const;
  const ClientEntry* check_key(std::string_view id, const Private<std::string>& key) const;

  const std::vector<ClientEntry>& list() const { return entries_; }  // accounts first, then oldest first
  const ClientEntry* find(std::string_view id) const;
  const ClientEntry* owner(std::string_view identity) const;  // whose identity it is

  // From now on these accounts; gives the names of those that are gone. A client made by the API that has an account's
  // name or identity keeps it: the account is then left out, and `taken` names it.
  std::vector<std::string> set_accounts(const std::vector<Account>& accounts, WallTime now,
                                        std::vector<std::string>& taken);

  struct Made {
    ClientEntry client;
    Private<std::string> key;  // shown once
  };
  Result<Made, Fault> make(std::string id, std::vector<std::string> identities, WallTime now);  // "": an id is made
  Result<void, Fault> remove(std::string_view id);

 private:
  Directory(Store& store, std::string realm, const Random& random)
      : store_(&store), realm_(std::move(realm)), random_(random) {}
  bool is_taken(std::string_view name) const;
  void add(ClientEntry entry);

  Store* store_;
  std::string realm_;
  Random random_;
  std::vector<ClientEntry> entries_;
  std::map<std::string, sip::StoredHa1, std::less<>> secrets_;  // of accounts
  std::map<std::string, std::string, std::less<>> key_hashes_;  // of clients
  std::map<std::string, std::string, std::less<>> owners_;      // identity and id, of both
};

}  // namespace isthmus::gateway
