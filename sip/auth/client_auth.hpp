// SPDX-License-Identifier: MIT
// Our side as a client that is challenged: RFC 3261 section 22.2 and 22.3, RFC 7616, RFC 8760. One value per session or
// registration. Credentials are bound to a host and a realm and go nowhere else (CVE-2021-41158); a challenge is
// answered once per request, once more when the nonce was only stale (AST-2020-002). It sends nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "sip/auth/auth_params.hpp"
#include "sip/auth/digest.hpp"

namespace isthmus::sip {

struct Credential {
  std::string host;   // where they may go: the host asked for, without case; empty: nowhere
  std::string realm;  // empty: any realm of that host
  std::string user;
  Private<std::string> password;
};

// One WWW-Authenticate (or Proxy-Authenticate) line coming in, one Authorization (or Proxy-Authorization) line going
// out.
struct AuthLine {
  bool proxy = false;
  std::string value;
};
std::string_view challenge_header(bool proxy);    // "WWW-Authenticate", "Proxy-Authenticate"
std::string_view credentials_header(bool proxy);  // "Authorization", "Proxy-Authorization"

enum class AuthAnswer : uint8_t {
  retry,           // send the request again with lines(), CSeq + 1
  no_credentials,  // none for this host and realm
  unsupported,     // no Digest challenge with an algorithm and a qop that we know
  given_up         // the answer was not good enough, or challenges do not end
};
std::string_view describe(AuthAnswer answer);

class ClientAuth {
 public:
  static constexpr uint32_t kMaxChallenges = 16;  // lines read of one response
  static constexpr uint32_t kMaxRealms = 4;       // remembered at once

  ClientAuth() = default;
  ClientAuth(const Digests& digests, std::vector<Credential> credentials);

  // A request to `host` was answered 401 or 407 with these lines.
  AuthAnswer challenged(std::string_view host, std::span<const AuthLine> challenges, Random& random);
  // The credentials for the next request to `host`, with its nonce count; empty before the first challenge. Give the
  // method and Request-URI exactly as they will be written. An ACK and a CANCEL repeat the lines of their INVITE.
  std::vector<AuthLine> lines(std::string_view host, std::string_view method, std::string_view uri);
  // The request got a final answer other than 401 or 407: the next challenge belongs to a new request.
  void settled();

 private:
  struct Realm {  // a realm that has challenged us
    std::string host;
    bool proxy = false;
    std::string realm;  // as written, escapes and all
    std::string nonce;
    std::optional<std::string> opaque;
    bool qop_auth = false;
    Algorithm algorithm = Algorithm::md5;
    bool names_algorithm = false;
    std::string cnonce;
    uint32_t count = 0;  // of requests with this nonce
    size_t credential = 0;
    bool answered = false;  // a challenge to the request in hand
    bool forgave_stale = false;
  };
  struct Challenge;

  const Credential* credential_for(std::string_view host, std::string_view realm) const;
  Realm* realm_of(std::string_view host, bool proxy, std::string_view realm);
  AuthAnswer take(std::string_view host, const Challenge& challenge, Random& random);
  std::string credentials_of(const Realm& realm, std::string_view method, std::string_view uri) const;

  Digests digests_;
  std::vector<Credential> credentials_;
  std::vector<Realm> realms_;
};

}  // namespace isthmus::sip
