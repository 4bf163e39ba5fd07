// SPDX-License-Identifier: MIT
// The registrar (RFC 3261 section 10.3, R1.17, R1.18) and the policy for its accounts (R1.4): credentials decide, for
// every method alike. A request is believed unchallenged only on a stream that authenticated the same account itself.
// Bindings belong to the flow that their REGISTER came by (R1.33). Passwords are never here, only one HA1 per
// algorithm.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/call/ask.hpp"
#include "gateway/call/binding.hpp"
#include "gateway/call/module.hpp"
#include "gateway/call/settings.hpp"
#include "sip/auth/server_auth.hpp"
#include "sip/message/headers.hpp"

namespace isthmus::gateway {

struct Binding {
  std::string contact;  // URI as the phone wrote it
  std::string instance;
  uint32_t reg_id = 0;
  std::string call_id;
  uint32_t cseq = 0;
  Path path;  // flow none: it ended with an earlier run of the program
  Protocol protocol = Protocol::udp;
  TimePoint expires;
  TimePoint updated;
  std::string user_agent;
};

// How calls reach it: "active", by the flow of its REGISTER. Restored after a restart without that flow: "restored", by
// its Contact; "waiting", not at all until the phone registers again.
std::string_view binding_status(const Binding& binding);

class Registrar : public Module {
 public:
  Registrar(const Settings& settings, const Seed& seed);

  std::string_view name() const override { return "registrar"; }
  int weight() const override { return 60; }
  InVerdict callin(Now now, const Incoming& request) override;
  OutVerdict callout(Now now, const Parties& parties) override;
  InVerdict vouch(Now now, const Incoming& request, const Party& party) override;

  struct Change {  // of a binding, for keep-alives and the store
    std::string account;
    Binding binding;
    bool added = false;
    bool removed = false;
    std::optional<Path> moved_from;  // the binding was renewed over another way
  };
  struct Outcome {
    int status = 200;
    std::vector<sip::HeaderLine> headers;
    bool stateless = false;  // a challenge or refusal: no transaction is made for it (R4.1)
    std::vector<Change> changes;
  };
  Outcome register_(Now now, const Incoming& request);
  std::vector<Change> expire(TimePoint now);
  TimePoint next_deadline() const { return earliest_; }  // may be earlier than the next expiry, never later
  // What a stream had authenticated is forgotten, and its bindings are: nobody is reached by them any more.
  std::vector<Change> flow_down(FlowId flow);

  // What an earlier run of the program knew, before any flow is up. Gives those that are no longer of use.
  std::vector<Change> restore(Now now, const std::vector<KeptBinding>& kept);
  // A listening socket is up: the restored bindings that were made through it have their flow again.
  std::vector<Path> flow_up(const FlowFacts& facts);
  static KeptBinding keep(const std::string& account, const Binding& binding, Now now);

  const std::vector<Binding>* bindings(std::string_view account) const;
  const std::map<std::string, std::vector<Binding>, std::less<>>& all_bindings() const { return bindings_; }
  // From now on these. Bindings of accounts that are gone go with them, and a stream whose account is gone or has a new
  // secret has to authenticate again.
  std::vector<Change> set_accounts(const std::vector<Account>& accounts);
  bool is_own_domain(std::string_view host) const;
  // Of the request that was handed in last, if its credentials were refused.
  std::optional<CredentialsRefused> take_refused() { return std::exchange(refused_, std::nullopt); }
  uint64_t hash_operations() const { return auth_.hash_operations(); }

 private:
  // Who sends this? A challenge or refusal otherwise. `proxy`: 407, else 401.
  InVerdict authenticate(Now now, const Incoming& request, bool proxy);
  Refuse challenge(Now now, const sip::Message& asking, bool proxy, bool stale, bool after_refusal = false) const;
  std::optional<Path> take_lost(const std::string& account, const sip::Contact& contact);
  Refuse foreign(Now now, const Incoming& request, bool proxy, const std::string& user, std::string_view why);
  void note_refused(const Incoming& request, const std::string& user, std::string_view why);
  bool speaks_for(const sip::Message& message, std::string_view account) const;
  Outcome apply(Now now, const Incoming& request, const std::string& account);
  Outcome list(Now now, const std::string& account) const;

  std::map<std::string, sip::StoredHa1, std::less<>> accounts_;
  std::vector<std::string> domains_;
  std::chrono::seconds min_expires_;
  std::chrono::seconds max_expires_;
  size_t max_bindings_;
  mutable sip::ServerAuth auth_;
  std::map<std::string, std::vector<Binding>, std::less<>> bindings_;
  // Bindings whose stream was lost: a new REGISTER of the same phone brings its calls along. At most as many for one
  // account as it may have.
  std::map<std::string, std::vector<Binding>, std::less<>> lost_;
  TimePoint earliest_ = kNever;
  std::optional<CredentialsRefused> refused_;
  std::map<FlowId, std::string> proved_;  // streams that authenticated an account
  // Accounts with bindings made over a stream, some of which may have gone since: no more than accounts and
  // connections.
  std::map<FlowId, std::set<std::string>> streams_;
};

}  // namespace isthmus::gateway
