// SPDX-License-Identifier: MIT
// The contract of the store. All calls of one object come from one thread; each is done when it returns. Failure is a
// text for the log, and then nothing was changed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "gateway/store/records.hpp"

namespace isthmus::gateway {

class Store {
 public:
  using Done = Result<void, std::string>;

  virtual ~Store() = default;
  virtual Result<std::vector<AccountRecord>, std::string> accounts() const = 0;  // by name
  virtual Done put_account(const AccountRecord& account) = 0;                    // new, or instead of the one before
  virtual Done remove_account(const std::string& name) = 0;                      // an unknown one: nothing happens
  virtual Result<std::vector<ClientRecord>, std::string> clients() const = 0;    // oldest first
  virtual Done add_client(const ClientRecord& client) = 0;                       // fails when the id is taken
  virtual Done remove_client(const std::string& id) = 0;                         // an unknown one: nothing happens
  virtual Result<std::vector<KeptBinding>, std::string> bindings() const = 0;    // by account, oldest update first
  virtual Result<std::vector<RingingLeg>, std::string> ringing() const = 0;      // oldest first
  virtual Done change(std::span<const StateChange> changes) = 0;                 // in their order; all or none
};

}  // namespace isthmus::gateway
