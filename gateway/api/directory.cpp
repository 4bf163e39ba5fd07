// SPDX-License-Identifier: MIT
#include "gateway/api/directory.hpp"

#include <algorithm>
#include <array>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kKeyOctets = 32;  // 43 characters
constexpr size_t kIdOctets = 9;
const sip::Digests kDigests{&crypto::md5, &crypto::sha256};

std::string hash_of(std::string_view text) {
  return to_hex(crypto::sha256(as_bytes(text)));
}
bool same(std::string_view a, std::string_view b) {
  return crypto::equal_constant_time(as_bytes(a), as_bytes(b));
}

}  // namespace

Result<Directory, std::string> Directory::open(Store& store, const std::vector<Account>& accounts, std::string realm,
                                               const Random& random, WallTime now) {
  Directory out(store, std::move(realm), random);
  for (const Account& account : accounts) {
    out.add({account.name, {account.name}, true, now});
    out.secrets_[account.name] = account.secret;
  }
  auto clients = store.clients();
  if (!clients) return fail(clients.error());
  for (ClientRecord& client : *clients) {
    // An account that was configured since may have taken its names.
    std::erase_if(client.identities, [&](const std::string& identity) { return out.is_taken(identity); });
    if (out.is_taken(client.id) || client.identities.empty()) continue;
    out.key_hashes_[client.id] = client.key_hash;
    out.add({client.id, std::move(client.identities), false, client.created});
  }
  return out;
}

const ClientEntry* Directory::find(std::string_view id) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const ClientEntry& entry) { return entry.id == id; });
  return found == entries_.end() ? nullptr : &*found;
}

const ClientEntry* Directory::check_password(std::string_view account, const Private<std::string>& password) const {
  const sip::StoredHa1 shown = sip::make_ha1s(kDigests, account, realm_, password.reveal());
  // Nobody's secret: compared with when there is none, so that an unknown name costs the same.
  static const sip::StoredHa1 kNobody{std::string(32, 'x'), std::string(64, 'x')};
  const auto found = secrets_.find(account);
  const sip::StoredHa1& stored = found == secrets_.end() ? kNobody : found->second;
  const bool sha256 = same(shown.sha256, stored.sha256.empty() ? kNobody.sha256 : stored.sha256);
  const bool md5 = same(shown.md5, stored.md5.empty() ? kNobody.md5 : stored.md5);
  const bool good = stored.sha256.empty() ? md5 : sha256;
  return good && found != secrets_.end() ? find(account) : nullptr;
}

const ClientEntry* Directory::check_key(std::string_view id, const Private<std::string>& key) const {
  static const std::string kNobody(64, 'x');
  const auto found = key_hashes_.find(id);
  const bool good = same(hash_of(key.reveal()), found == key_hashes_.end() ? kNobody : found->second);
  return good && found != key_hashes_.end() ? find(id) : nullptr;
}

const ClientEntry* Directory::owner(std::string_view identity) const {
  const auto found = owners_.find(identity);
  return found == owners_.end() ? nullptr : find(found->second);
}

bool Directory::is_taken(std::string_view name) const {
  return find(name) != nullptr || owners_.contains(name);
}

void Directory::add(ClientEntry entry) {
  for (const std::string& identity : entry.identities) owners_[identity] = entry.id;
  entries_.push_back(std::move(entry));
}

std::vector<std::string> Directory::set_accounts(const std::vector<Account>& accounts, WallTime now,
                                                 std::vector<std::string>& taken) {
  std::map<std::string, ClientEntry, std::less<>> before;
  for (const ClientEntry& entry : entries_) {
    if (entry.is_account) before.emplace(entry.id, entry);
  }
  std::vector<ClientEntry> clients;
  for (ClientEntry& entry : entries_) {
    if (!entry.is_account) clients.push_back(std::move(entry));
  }
  entries_ = std::move(clients);
  for (const auto& [name, entry] : before) owners_.erase(name);
  secrets_.clear();
  std::vector<ClientEntry> now_there;
  for (const Account& account : accounts) {
    if (is_taken(account.name)) {
      taken.push_back(account.name);
      continue;
    }
    const auto known = before.find(account.name);
    now_there.push_back(known != before.end() ? known->second : ClientEntry{account.name, {account.name}, true, now});
    owners_[account.name] = account.name;
    secrets_[account.name] = account.secret;
    before.erase(account.name);
  }
  entries_.insert(entries_.begin(), now_there.begin(), now_there.end());
  std::vector<std::string> gone;
  for (const auto& [name, entry] : before) gone.push_back(name);
  return gone;
}

Result<Directory::Made, Directory::Fault> Directory::make(std::string id, std::vector<std::string> identities,
                                                          WallTime now) {
  if (entries_.size() >= kMaxClients) return fail(Fault::full);
  if (id.empty()) {
    std::array<std::byte, kIdOctets> octets{};
    random_.fill(octets);
    id = "k_" + to_base64url(octets);
  }
  if (is_taken(id)) return fail(Fault::conflict);
  for (size_t i = 0; i < identities.size(); ++i) {
    const bool twice = std::find(identities.begin(), identities.begin() + static_cast<ptrdiff_t>(i), identities[i]) !=
                       identities.begin() + static_cast<ptrdiff_t>(i);
    if (twice || is_taken(identities[i])) return fail(Fault::conflict);
  }
  std::array<std::byte, kKeyOctets> octets{};
  random_.fill(octets);
  Private<std::string> key(to_base64url(octets));
  const std::string hash = hash_of(key.reveal());
  if (!store_->add_client({id, hash, identities, now})) return fail(Fault::store_failed);
  key_hashes_[id] = hash;
  add({std::move(id), std::move(identities), false, now});
  return Made{entries_.back(), std::move(key)};
}

Result<void, Directory::Fault> Directory::remove(std::string_view id) {
  const ClientEntry* entry = find(id);
  if (entry == nullptr) return fail(Fault::unknown);
  if (entry->is_account) return fail(Fault::is_account);
  const std::string name(id);
  if (!store_->remove_client(name)) return fail(Fault::store_failed);
  key_hashes_.erase(name);
  std::erase_if(owners_, [&](const auto& each) { return each.second == name; });
  std::erase_if(entries_, [&](const ClientEntry& each) { return each.id == name; });
  return {};
}

}  // namespace isthmus::gateway
