// SPDX-License-Identifier: MIT
// The echo application: a number at which a caller hears itself. It originates nothing (R1.3).
#pragma once

#include "gateway/call/module.hpp"

namespace isthmus::gateway {

class Echo : public Module {
 public:
  explicit Echo(std::string number) : number_(std::move(number)) {}

  std::string_view name() const override { return "echo"; }
  int weight() const override { return 100; }
  InVerdict callin(Now, const Incoming&) override { return NotMine{}; }
  OutVerdict callout(Now, const Parties& parties) override {
    if (number_.empty() || parties.to != number_) return NotMine{};
    return Mine{EchoTarget{}};
  }
  InVerdict vouch(Now, const Incoming&, const Party&) override { return NotMine{}; }

 private:
  std::string number_;
};

}  // namespace isthmus::gateway
