// SPDX-License-Identifier: MIT
// A store that forgets: for tests.
#pragma once

#include <map>

#include "gateway/store/store.hpp"

namespace isthmus::gateway {

class MemoryStore : public Store {
 public:
  Result<std::vector<AccountRecord>, std::string> accounts() const override;
  Done put_account(const AccountRecord& account) override;
  Done remove_account(const std::string& name) override;
  Result<std::vector<ClientRecord>, std::string> clients() const override;
  Done add_client(const ClientRecord& client) override;
  Done remove_client(const std::string& id) override;
  Result<std::vector<KeptBinding>, std::string> bindings() const override;
  Done change_bindings(std::span<const BindingChanged> changes) override;

 private:
  std::map<std::string, AccountRecord> accounts_;
  std::vector<ClientRecord> clients_;
  std::vector<KeptBinding> bindings_;
};

}  // namespace isthmus::gateway
