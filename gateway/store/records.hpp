// SPDX-License-Identifier: MIT
// What is kept over a restart: values only; bindings are KeptBinding, phones that ring RingingLeg. Never a password and
// never a key, only what they can be checked against.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "gateway/call/binding.hpp"
#include "gateway/call/ringing_leg.hpp"

namespace isthmus::gateway {

struct AccountRecord {
  std::string name;
  std::string realm;  // that the HA1s were made for
  std::string ha1_md5;
  std::string ha1_sha256;
  friend bool operator==(const AccountRecord&, const AccountRecord&) = default;
};

struct ClientRecord {  // made by the HTTP API
  std::string id;
  std::string key_hash;  // SHA-256 of the key, hexadecimal
  std::vector<std::string> identities;
  WallTime created;
  friend bool operator==(const ClientRecord&, const ClientRecord&) = default;
};

// What changes while calls and registrations come and go.
using StateChange = std::variant<BindingChanged, RingingChanged>;

}  // namespace isthmus::gateway
