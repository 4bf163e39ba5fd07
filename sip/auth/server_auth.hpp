// SPDX-License-Identifier: MIT
// Our side as a server that challenges: RFC 3261 section 22, RFC 7616, RFC 8760. Nonces are stateless (a time, random
// bits and a keyed mark over both and the realm); only after its first good use a nonce takes room in a bounded table,
// with a window of 64 nonce counts, because phones send in parallel. It never stores or sees a password, sends nothing,
// and looks up no account: the caller does, between read() and verify().
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "sip/auth/auth_params.hpp"
#include "sip/auth/digest.hpp"

namespace isthmus::sip {

struct ServerAuthConfig {
  std::string realm;
  Duration nonce_life = std::chrono::minutes(5);
  size_t max_nonces = 65536;  // in use at once; beyond, the oldest give way and are called stale
  bool offer_sha256 = true;
  bool offer_md5 = true;  // can be refused per realm
};

enum class AuthVerdict : uint8_t {
  accepted,
  stale,     // all good but the nonce: challenge with stale=true
  refused,   // wrong password, unknown user or an algorithm that was not offered: not told apart
  replayed,  // this nonce count was used before: refuse, no stale
};
std::string_view describe(AuthVerdict verdict);

// What a request claims; not yet believed.
struct ClaimedCredentials {
  std::string user;
  std::string nonce;
  std::string uri;  // to be compared with the Request-URI by the caller (RFC 3261 section 22.4)
  std::string response;
  std::string cnonce;
  std::string nc;
  Algorithm algorithm = Algorithm::md5;
  bool qop_auth = false;
};

class ServerAuth {
 public:
  ServerAuth(const Digests& digests, ServerAuthConfig config, const Seed& seed);

  // Values of WWW-Authenticate or Proxy-Authenticate, one line each: SHA-256 first, MD5 last (RFC 8760 section 2.4).
  // `after_refusal`: the nonce remembers that credentials were refused, so that nothing has to be kept here.
  std::vector<std::string> challenge(const Now& now, bool stale, bool after_refusal = false);

  // Finds the line of our realm among the values of Authorization or Proxy-Authorization. No value: nothing of ours is
  // there. A flaw: one is there and cannot be used (400, or challenge again).
  Result<std::optional<ClaimedCredentials>, AuthFlaw> read(std::span<const std::string_view> values) const;

  // `known` is empty for an unknown user; the work is the same.
  AuthVerdict verify(const Now& now, std::string_view method, const ClaimedCredentials& claimed,
                     const std::optional<StoredHa1>& known);

  // Was this nonce made by a challenge after refused credentials?
  bool is_second_try(const ClaimedCredentials& claimed);

  const std::string& realm() const { return config_.realm; }
  size_t nonces_in_use() const { return windows_.size(); }
  uint64_t hash_operations() const { return hash_operations_; }

 private:
  struct NonceName {  // ordered by time, so that what is over lies in front
    uint64_t issued_ms = 0;
    uint64_t serial = 0;
    friend auto operator<=>(const NonceName&, const NonceName&) = default;
  };
  struct Window {
    uint32_t highest = 0;
    uint64_t seen = 0;  // bit i: highest - i was used
  };

  std::string mark(std::string_view name);
  std::string make_nonce(const Now& now, bool after_refusal);
  std::optional<NonceName> own_nonce(std::string_view nonce);
  bool is_fresh(const Now& now, const NonceName& name) const;
  bool make_room(const Now& now, const NonceName& name);
  AuthVerdict use(const Now& now, const NonceName& name, const ClaimedCredentials& claimed);

  Digests digests_;
  ServerAuthConfig config_;
  Random random_;
  std::array<std::byte, 32> secret_{};
  std::string nobody_;  // HA1 that no password has
  std::map<NonceName, Window> windows_;
  NonceName forgotten_;  // up to this one nonces are stale: what was used of them is not known any more
  uint64_t hash_operations_ = 0;
};

}  // namespace isthmus::sip
