// SPDX-License-Identifier: MIT
// Answering digest challenges.
#include "sip/auth/client_auth.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace isthmus::sip {
namespace {

constexpr size_t kCnonceBits = 64;

// SHA-256 before MD5, and a response that is valid once before a session key.
int rank(Algorithm algorithm) {
  return (is_sha256(algorithm) ? 2 : 0) + (is_sess(algorithm) ? 0 : 1);
}

// Is "auth" among the options of the list "auth,auth-int"?
bool offers_auth(std::string_view options) {
  while (!options.empty()) {
    const size_t comma = std::min(options.find(','), options.size());
    if (equals_ignore_case(trim(options.substr(0, comma)), "auth")) return true;
    options.remove_prefix(std::min(comma + 1, options.size()));
  }
  return false;
}

void append(std::string& out, std::string_view name, std::string_view value, bool quoted) {
  out.append(out.empty() ? "Digest " : ", ").append(name).append(quoted ? "=\"" : "=").append(value);
  if (quoted) out.push_back('"');
}

std::string nonce_count(uint32_t count) {
  std::string digits;
  append_hex(digits, count);
  return std::string(8 - digits.size(), '0') + digits;
}

}  // namespace

std::string_view challenge_header(bool proxy) {
  return proxy ? "Proxy-Authenticate" : "WWW-Authenticate";
}
std::string_view credentials_header(bool proxy) {
  return proxy ? "Proxy-Authorization" : "Authorization";
}

std::string_view describe(AuthAnswer answer) {
  constexpr std::string_view kSentences[] = {"the challenge can be answered", "there are no credentials for this realm",
                                             "no challenge of a known kind", "the credentials were not accepted"};
  return kSentences[static_cast<size_t>(answer)];
}

// A challenge that we know how to answer; views into its line.
struct ClientAuth::Challenge {
  bool proxy = false;
  std::string_view realm;
  std::string_view nonce;
  std::optional<std::string_view> opaque;
  Algorithm algorithm = Algorithm::md5;
  bool names_algorithm = false;
  bool qop_auth = false;
  bool stale = false;

  static std::optional<Challenge> read(const AuthLine& line) {
    const auto params = DigestParams::parse(line.value);
    if (!params) return std::nullopt;
    const auto realm = params->find("realm");
    const auto nonce = params->find("nonce");
    const auto named = params->find("algorithm");
    const auto qop = params->find("qop");
    const auto algorithm = named ? parse_algorithm(*named) : Algorithm::md5;
    if (!realm || !nonce || !algorithm || (qop && !offers_auth(*qop))) return std::nullopt;
    const bool stale = equals_ignore_case(params->find("stale").value_or("false"), "true");
    return Challenge{line.proxy,        *realm,          *nonce, params->find("opaque"), *algorithm,
                     named.has_value(), qop.has_value(), stale};
  }
};

ClientAuth::ClientAuth(const Digests& digests, std::vector<Credential> credentials)
    : digests_(digests), credentials_(std::move(credentials)) {}

AuthAnswer ClientAuth::challenged(std::string_view host, std::span<const AuthLine> challenges, Random& random) {
  std::vector<Challenge> best;  // one per realm
  for (const AuthLine& line : challenges.first(std::min<size_t>(challenges.size(), kMaxChallenges))) {
    const auto challenge = Challenge::read(line);
    if (!challenge) continue;
    const auto same = std::find_if(best.begin(), best.end(), [&](const Challenge& other) {
      return other.proxy == challenge->proxy && other.realm == challenge->realm;
    });
    if (same == best.end()) {
      best.push_back(*challenge);
    } else if (rank(challenge->algorithm) > rank(same->algorithm)) {
      *same = *challenge;
    }
  }
  AuthAnswer all = AuthAnswer::unsupported;
  for (const Challenge& challenge : best) {
    const AuthAnswer one = take(host, challenge, random);
    if (one == AuthAnswer::given_up) {
      realms_.clear();
      return one;
    }
    if (all != AuthAnswer::retry) all = one;
  }
  return all;
}

AuthAnswer ClientAuth::take(std::string_view host, const Challenge& challenge, Random& random) {
  const Credential* credential = credential_for(host, challenge.realm);
  if (credential == nullptr) return AuthAnswer::no_credentials;
  Realm* realm = realm_of(host, challenge.proxy, challenge.realm);
  if (realm == nullptr) {
    if (realms_.size() == kMaxRealms) return AuthAnswer::given_up;
    realm = &realms_.emplace_back();
    realm->host = host;
    realm->proxy = challenge.proxy;
    realm->realm = challenge.realm;
  }
  const bool again = realm->answered;
  if (again && (!challenge.stale || realm->forgave_stale)) return AuthAnswer::given_up;
  realm->forgave_stale = again;
  realm->answered = true;
  realm->credential = static_cast<size_t>(credential - credentials_.data());
  realm->nonce = challenge.nonce;
  realm->opaque = challenge.opaque;
  realm->algorithm = challenge.algorithm;
  realm->names_algorithm = challenge.names_algorithm;
  realm->qop_auth = challenge.qop_auth;
  realm->cnonce = random.token(kCnonceBits);
  realm->count = 0;
  return AuthAnswer::retry;
}

std::vector<AuthLine> ClientAuth::lines(std::string_view host, std::string_view method, std::string_view uri) {
  std::vector<AuthLine> out;
  for (Realm& realm : realms_) {
    if (!equals_ignore_case(realm.host, host)) continue;
    ++realm.count;
    out.push_back({realm.proxy, credentials_of(realm, method, uri)});
  }
  return out;
}

void ClientAuth::settled() {
  for (Realm& realm : realms_) realm.answered = realm.forgave_stale = false;
}

const Credential* ClientAuth::credential_for(std::string_view host, std::string_view realm) const {
  for (const Credential& credential : credentials_) {
    if (credential.host.empty() || !equals_ignore_case(credential.host, host)) continue;
    if (credential.realm.empty() || credential.realm == unescaped(realm)) return &credential;
  }
  return nullptr;
}

ClientAuth::Realm* ClientAuth::realm_of(std::string_view host, bool proxy, std::string_view realm) {
  for (Realm& known : realms_) {
    if (known.proxy == proxy && known.realm == realm && equals_ignore_case(known.host, host)) return &known;
  }
  return nullptr;
}

std::string ClientAuth::credentials_of(const Realm& realm, std::string_view method, std::string_view uri) const {
  const Credential& credential = credentials_[realm.credential];
  const std::string ha1 =
      make_ha1(digests_, is_sha256(realm.algorithm), credential.user, realm.realm, credential.password.reveal());
  const std::string nc = nonce_count(realm.count);
  const DigestInput input{.algorithm = realm.algorithm,
                          .ha1 = ha1,
                          .nonce = realm.nonce,
                          .method = method,
                          .uri = uri,
                          .qop_auth = realm.qop_auth,
                          .nc = nc,
                          .cnonce = realm.cnonce};
  std::string out;
  append(out, "username", escaped(credential.user), true);
  append(out, "realm", realm.realm, true);
  append(out, "nonce", realm.nonce, true);
  append(out, "uri", uri, true);
  append(out, "response", digest_response(digests_, input), true);
  if (realm.names_algorithm) append(out, "algorithm", name(realm.algorithm), false);
  if (realm.qop_auth || is_sess(realm.algorithm)) append(out, "cnonce", realm.cnonce, true);
  if (realm.qop_auth) append(out, "qop", "auth", false);
  if (realm.qop_auth) append(out, "nc", nc, false);
  if (realm.opaque) append(out, "opaque", *realm.opaque, true);
  return out;
}

}  // namespace isthmus::sip
