// SPDX-License-Identifier: MIT
// ICE user name fragments and passwords (RFC 8445 section 5.3, grammar of RFC 8839 section 5.4). A fragment that we
// make carries the shard of its leg beside 64 random bits; a password has 128. Nothing here reads a random source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"

namespace isthmus::ice {

inline constexpr size_t kMinUfragSize = 4;
inline constexpr size_t kMinPasswordSize = 22;
inline constexpr size_t kMaxCredentialSize = 256;  // either of the two
inline constexpr size_t kUfragBits = 64;           // random, beside the shard
inline constexpr size_t kPasswordBits = 128;

struct Credentials {
  std::string ufrag;
  std::string password;
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

Credentials make_credentials(Random& random, uint8_t shard);
// The shard that made this fragment; nothing for a fragment that none of ours can have made.
std::optional<uint8_t> shard_of_ufrag(std::string_view ufrag);

bool is_ufrag(std::string_view text);     // 4 to 256 ice-chars
bool is_password(std::string_view text);  // 22 to 256 ice-chars

// USERNAME of a check is "the receiver's fragment:the sender's" (RFC 8445 section 7.2.2). No colon, an empty half or a
// half above 256 characters: nothing.
struct Username {
  std::string_view receiver;
  std::string_view sender;
};
std::optional<Username> split_username(std::string_view username);

}  // namespace isthmus::ice
