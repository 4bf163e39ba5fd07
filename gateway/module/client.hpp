// SPDX-License-Identifier: MIT
// The signed-in clients: browsers over the client interface. A call to an account rings at its newest connected client;
// a client whose socket is lost is kept for the grace time with its calls (R0.20). SIP requests never come from here.
#pragma once

#include <algorithm>
#include <map>

#include "gateway/call/facts.hpp"
#include "gateway/call/module.hpp"

namespace isthmus::gateway {

class Clients : public Module {
 public:
  struct Client {
    std::string account;
    std::vector<std::string> identities;
    bool connected = true;
    uint64_t order = 0;  // of signing in
    TimerId grace;
  };

  std::string_view name() const override { return "client"; }
  int weight() const override { return 80; }
  InVerdict callin(Now, const Incoming&) override { return NotMine{}; }
  OutVerdict callout(Now, const Parties& parties) override {
    if (!newest(parties.to)) return NotMine{};
    return Mine{ClientTarget{parties.to}};
  }
  InVerdict vouch(Now, const Incoming&, const Party&) override { return NotMine{}; }

  void add(ClientId id, std::string account, std::vector<std::string> identities) {
    list_[id] = {std::move(account), std::move(identities), true, ++order_, {}};
  }
  void remove(ClientId id) { list_.erase(id); }
  Client* find(ClientId id) {
    const auto found = list_.find(id);
    return found == list_.end() ? nullptr : &found->second;
  }
  // The newest connected client with this identity, other than `except`; none: nobody is there.
  std::optional<ClientId> newest(std::string_view identity, ClientId except = {}) const {
    std::optional<ClientId> best;
    uint64_t order = 0;
    for (const auto& [id, client] : list_) {
      const bool is_it =
          std::find(client.identities.begin(), client.identities.end(), identity) != client.identities.end();
      if (!is_it || id == except || !client.connected || client.order <= order) continue;
      best = id;
      order = client.order;
    }
    return best;
  }
  size_t size() const { return list_.size(); }

 private:
  std::map<ClientId, Client> list_;
  uint64_t order_ = 0;
};

}  // namespace isthmus::gateway
