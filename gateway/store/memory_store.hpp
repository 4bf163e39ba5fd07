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
  Result<std::vector<RingingLeg>, std::string> ringing() const override;
  Done change(std::span<const StateChange> changes) override;

 private:
  void apply(const BindingChanged& change);
  void apply(const RingingChanged& change);

  std::map<std::string, AccountRecord> accounts_;
  std::vector<ClientRecord> clients_;
  std::vector<KeptBinding> bindings_;
  std::map<std::string, RingingLeg> ringing_;  // by call
};

}  // namespace isthmus::gateway
