// SPDX-License-Identifier: MIT
#include "ice/credentials.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace isthmus::ice {
namespace {

constexpr size_t kShardDigits = 2;

bool is_ice_char(char c) {
  return is_alpha(c) || is_digit(c) || c == '+' || c == '/';
}

bool is_credential(std::string_view text, size_t min) {
  return text.size() >= min && text.size() <= kMaxCredentialSize && std::all_of(text.begin(), text.end(), is_ice_char);
}

}  // namespace

Credentials make_credentials(Random& random, uint8_t shard) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  Credentials made;
  made.ufrag.push_back(kDigits[shard >> 4]);
  made.ufrag.push_back(kDigits[shard & 15]);
  made.ufrag += random.token(kUfragBits);
  made.password = random.token(kPasswordBits);
  return made;
}

std::optional<uint8_t> shard_of_ufrag(std::string_view ufrag) {
  if (ufrag.size() != kShardDigits + kUfragBits / 4) return std::nullopt;
  const int high = hex_digit(ufrag[0]);
  const int low = hex_digit(ufrag[1]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high * 16 + low);
}

bool is_ufrag(std::string_view text) {
  return is_credential(text, kMinUfragSize);
}

bool is_password(std::string_view text) {
  return is_credential(text, kMinPasswordSize);
}

std::optional<Username> split_username(std::string_view username) {
  const size_t colon = username.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const Username halves{username.substr(0, colon), username.substr(colon + 1)};
  const auto fits = [](std::string_view half) { return !half.empty() && half.size() <= kMaxCredentialSize; };
  if (!fits(halves.receiver) || !fits(halves.sender)) return std::nullopt;
  return halves;
}

}  // namespace isthmus::ice
