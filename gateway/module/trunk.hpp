// SPDX-License-Identifier: MIT
// A trunk: a static peer known by its addresses (R1.1, R4.1). It never registers; its requests are admitted by exact
// prefix and unchallenged, and a stranger never inherits its rights (advisory 41). Calls out go to its host, with
// digest credentials where it wants some.
#pragma once

#include "gateway/call/module.hpp"
#include "gateway/call/settings.hpp"

namespace isthmus::gateway {

class Trunk : public Module {
 public:
  explicit Trunk(TrunkSettings settings) : settings_(std::move(settings)) {}

  std::string_view name() const override { return settings_.name; }
  int weight() const override { return settings_.weight; }
  InVerdict callin(Now now, const Incoming& request) override;
  OutVerdict callout(Now now, const Parties& parties) override;
  InVerdict vouch(Now now, const Incoming& request, const Party& party) override;

 private:
  bool is_source(const IpAddress& ip) const;

  TrunkSettings settings_;
};

}  // namespace isthmus::gateway
