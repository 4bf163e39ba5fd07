// SPDX-License-Identifier: MIT
#include "gateway/store/memory_store.hpp"

#include <algorithm>
#include <tuple>

namespace isthmus::gateway {

Result<std::vector<AccountRecord>, std::string> MemoryStore::accounts() const {
  std::vector<AccountRecord> out;
  out.reserve(accounts_.size());
  for (const auto& [name, account] : accounts_) out.push_back(account);
  return out;
}

Store::Done MemoryStore::put_account(const AccountRecord& account) {
  accounts_[account.name] = account;
  return {};
}

Store::Done MemoryStore::remove_account(const std::string& name) {
  accounts_.erase(name);
  return {};
}

Result<std::vector<ClientRecord>, std::string> MemoryStore::clients() const {
  return clients_;
}

Store::Done MemoryStore::add_client(const ClientRecord& client) {
  const bool taken =
      std::any_of(clients_.begin(), clients_.end(), [&](const ClientRecord& other) { return other.id == client.id; });
  if (taken) return fail(std::string("the id is taken"));
  clients_.push_back(client);
  return {};
}

Store::Done MemoryStore::remove_client(const std::string& id) {
  std::erase_if(clients_, [&](const ClientRecord& client) { return client.id == id; });
  return {};
}

Result<std::vector<KeptBinding>, std::string> MemoryStore::bindings() const {
  std::vector<KeptBinding> out = bindings_;
  std::sort(out.begin(), out.end(), [](const KeptBinding& a, const KeptBinding& b) {
    return std::tie(a.account, a.updated, a.contact) < std::tie(b.account, b.updated, b.contact);
  });
  return out;
}

Result<std::vector<RingingLeg>, std::string> MemoryStore::ringing() const {
  std::vector<RingingLeg> out;
  out.reserve(ringing_.size());
  for (const auto& [call, leg] : ringing_) out.push_back(leg);
  std::sort(out.begin(), out.end(), [](const RingingLeg& a, const RingingLeg& b) {
    return std::tie(a.since, a.call) < std::tie(b.since, b.call);
  });
  return out;
}

Store::Done MemoryStore::change(std::span<const StateChange> changes) {
  for (const StateChange& change : changes) std::visit([this](const auto& one) { apply(one); }, change);
  return {};
}

void MemoryStore::apply(const BindingChanged& change) {
  std::erase_if(bindings_, [&](const KeptBinding& known) { return is_same_name(known, change.binding); });
  if (!change.removed) bindings_.push_back(change.binding);
}

void MemoryStore::apply(const RingingChanged& change) {
  ringing_.erase(change.leg.call);
  if (!change.removed) ringing_.emplace(change.leg.call, change.leg);
}

}  // namespace isthmus::gateway
