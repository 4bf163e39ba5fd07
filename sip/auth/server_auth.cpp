// SPDX-License-Identifier: MIT
// Challenging and verifying.
#include "sip/auth/server_auth.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace isthmus::sip {
namespace {

constexpr size_t kMarkSize = 16;                   // octets of the HMAC that a nonce carries
constexpr size_t kNonceSize = 32 + 2 * kMarkSize;  // time, serial and mark in hexadecimal
constexpr uint64_t kWindow = 64;
constexpr uint64_t kAfterRefusal = 1;  // bit of a nonce's serial

uint64_t milliseconds_of(const Now& now) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.steady.time_since_epoch()).count());
}

std::string fixed_hex(uint64_t value) {
  std::array<std::byte, 8> bytes;
  write_u64(bytes.data(), value);
  return to_hex(bytes);
}

std::optional<uint64_t> parse_hex(std::string_view digits) {
  uint64_t value = 0;
  for (const char c : digits) {
    const int digit = hex_digit(c);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<uint64_t>(digit);
  }
  return value;
}

bool is_hex(std::string_view text) {
  return parse_hex(text).has_value();
}

// The parameters that have to be there, in the shape they have to have (RFC 7616 section 3.4).
Result<ClaimedCredentials, AuthFlaw> claims_of(const DigestParams& params) {
  const auto user = params.find("username");
  const auto nonce = params.find("nonce");
  const auto uri = params.find("uri");
  const auto response = params.find("response");
  const auto algorithm = parse_algorithm(params.find("algorithm").value_or("MD5"));
  if (!user || !nonce || !uri || !response || !algorithm) return fail(AuthFlaw::missing);
  if (response->size() != (is_sha256(*algorithm) ? 64 : 32) || !is_hex(*response)) return fail(AuthFlaw::missing);
  ClaimedCredentials claimed{.user = unescaped(*user),
                             .nonce = std::string(*nonce),
                             .uri = std::string(*uri),
                             .response = lowered(*response),
                             .cnonce = std::string(params.find("cnonce").value_or("")),
                             .nc = std::string(params.find("nc").value_or("")),
                             .algorithm = *algorithm,
                             .qop_auth = false};
  if (const auto qop = params.find("qop")) {
    if (!equals_ignore_case(*qop, "auth") || claimed.cnonce.empty()) return fail(AuthFlaw::missing);
    if (claimed.nc.size() != 8 || parse_hex(claimed.nc).value_or(0) == 0) return fail(AuthFlaw::missing);
    claimed.qop_auth = true;
  }
  return claimed;
}

}  // namespace

std::string_view describe(AuthVerdict verdict) {
  constexpr std::string_view kSentences[] = {"accepted", "the nonce is stale", "refused", "the nonce count was used"};
  return kSentences[static_cast<size_t>(verdict)];
}

ServerAuth::ServerAuth(const Digests& digests, ServerAuthConfig config, const Seed& seed)
    : digests_(digests), config_(std::move(config)), random_(seed) {
  random_.fill(secret_);
  nobody_ = random_.token(256);
}

std::vector<std::string> ServerAuth::challenge(const Now& now, bool stale, bool after_refusal) {
  const std::string nonce = make_nonce(now, after_refusal);
  std::vector<std::string> lines;
  for (const Algorithm algorithm : {Algorithm::sha256, Algorithm::md5}) {
    if (!(algorithm == Algorithm::sha256 ? config_.offer_sha256 : config_.offer_md5)) continue;
    std::string& line = lines.emplace_back("Digest realm=\"");
    line.append(escaped(config_.realm)).append("\", nonce=\"").append(nonce).append("\", algorithm=");
    line.append(name(algorithm)).append(", qop=\"auth\"");
    if (stale) line.append(", stale=true");
  }
  return lines;
}

Result<std::optional<ClaimedCredentials>, AuthFlaw> ServerAuth::read(std::span<const std::string_view> values) const {
  std::optional<AuthFlaw> flaw;
  for (const std::string_view value : values) {
    const auto params = DigestParams::parse(value);
    if (!params) {
      if (params.error() != AuthFlaw::not_digest) flaw = params.error();
      continue;
    }
    const auto realm = params->find("realm");
    if (!realm || unescaped(*realm) != config_.realm) continue;
    auto claimed = claims_of(*params);
    if (claimed) return std::optional(std::move(*claimed));
    flaw = claimed.error();
  }
  if (flaw) return fail(*flaw);
  return std::optional<ClaimedCredentials>{};
}

// Everything is computed before anything is decided, so that time and work tell nothing.
AuthVerdict ServerAuth::verify(const Now& now, std::string_view method, const ClaimedCredentials& claimed,
                               const std::optional<StoredHa1>& known) {
  const bool sha256 = is_sha256(claimed.algorithm);
  const bool offered = (sha256 ? config_.offer_sha256 : config_.offer_md5) && !is_sess(claimed.algorithm);
  const std::string_view nobody = std::string_view(nobody_).substr(0, sha256 ? 64 : 32);
  const std::string_view stored = !known ? nobody : sha256 ? known->sha256 : known->md5;
  const DigestInput input{.algorithm = claimed.algorithm,
                          .ha1 = stored.size() == nobody.size() ? stored : nobody,
                          .nonce = claimed.nonce,
                          .method = method,
                          .uri = claimed.uri,
                          .qop_auth = claimed.qop_auth,
                          .nc = claimed.nc,
                          .cnonce = claimed.cnonce};
  const std::string expected = digest_response(digests_, input);
  hash_operations_ += digest_cost(claimed.algorithm);
  const auto name = own_nonce(claimed.nonce);
  const bool good = equal_constant_time(expected, claimed.response);
  if (!good || !offered || !known) return AuthVerdict::refused;
  if (!name || !is_fresh(now, *name)) return AuthVerdict::stale;
  return use(now, *name, claimed);
}

// A full table forgets the oldest nonce, and with it all that are older still: replays stay impossible, and whoever
// comes with a new one is served, however many nonces somebody else uses up. False: this one is older than all in use.
bool ServerAuth::make_room(const Now& now, const NonceName& name) {
  while (!windows_.empty() && !is_fresh(now, windows_.begin()->first)) windows_.erase(windows_.begin());
  if (windows_.size() < config_.max_nonces) return true;
  if (windows_.empty() || name < windows_.begin()->first) return false;
  forgotten_ = windows_.begin()->first;
  windows_.erase(windows_.begin());
  return true;
}

AuthVerdict ServerAuth::use(const Now& now, const NonceName& name, const ClaimedCredentials& claimed) {
  const uint32_t count = claimed.qop_auth ? static_cast<uint32_t>(parse_hex(claimed.nc).value_or(0)) : 1;
  const auto at = windows_.find(name);
  if (at == windows_.end()) {
    if (!make_room(now, name)) return AuthVerdict::stale;
    windows_.emplace(name, Window{count, 1});
    return AuthVerdict::accepted;
  }
  if (!claimed.qop_auth) return AuthVerdict::stale;  // without a count a nonce serves once
  Window& window = at->second;
  if (count > window.highest) {
    const uint64_t shift = count - window.highest;
    window.seen = (shift < kWindow ? window.seen << shift : 0) | 1;
    window.highest = count;
    return AuthVerdict::accepted;
  }
  const uint64_t back = window.highest - count;
  if (back >= kWindow || (window.seen >> back & 1) != 0) return AuthVerdict::replayed;
  window.seen |= uint64_t{1} << back;
  return AuthVerdict::accepted;
}

// A nonce is "time, serial, mark"; the mark also covers the realm, so that a nonce of another realm is none of ours.
std::string ServerAuth::mark(std::string_view name) {
  hash_operations_ += 2;
  const Sha256Value full = hmac_sha256(digests_, secret_, {as_bytes(name), as_bytes(config_.realm)});
  return to_hex(Bytes(full).first(kMarkSize));
}

bool ServerAuth::is_second_try(const ClaimedCredentials& claimed) {
  const auto name = own_nonce(claimed.nonce);
  return name && (name->serial & kAfterRefusal) != 0;
}

std::string ServerAuth::make_nonce(const Now& now, bool after_refusal) {
  const uint64_t serial = (random_.next() & ~kAfterRefusal) | (after_refusal ? kAfterRefusal : 0);
  std::string text = fixed_hex(milliseconds_of(now)) + fixed_hex(serial);
  text += mark(text);
  return text;
}

std::optional<ServerAuth::NonceName> ServerAuth::own_nonce(std::string_view nonce) {
  const bool shaped = nonce.size() == kNonceSize;
  const std::string_view name = nonce.substr(0, shaped ? 32 : 0);
  const std::string expected = mark(name);
  if (!shaped || !equal_constant_time(nonce.substr(32), expected)) return std::nullopt;
  const auto issued = parse_hex(name.substr(0, 16));
  const auto serial = parse_hex(name.substr(16));
  if (!issued || !serial) return std::nullopt;
  return NonceName{*issued, *serial};
}

bool ServerAuth::is_fresh(const Now& now, const NonceName& name) const {
  const auto life =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(config_.nonce_life).count());
  const uint64_t at = milliseconds_of(now);
  return name.issued_ms <= at && at - name.issued_ms <= life && name > forgotten_;
}

}  // namespace isthmus::sip
