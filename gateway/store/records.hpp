// SPDX-License-Identifier: MIT
// What is kept over a restart: values only; bindings are KeptBinding. Never a password and never a key, only what they
// can be checked against.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "gateway/call/binding.hpp"

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

}  // namespace isthmus::gateway
