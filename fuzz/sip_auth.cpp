// SPDX-License-Identifier: MIT
// Door to digest authentication on both sides. The input is the value of a header. As Authorization it is verified as
// it is and once more with the right response put in, so that the code behind the check is reached; as a challenge it
// is answered, and what we write must be readable again.
#include <cstdlib>

#include "sip/auth/client_auth.hpp"
#include "sip/auth/server_auth.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sip;

// Stands in for a hash: quick, and every octet counts.
template <class Value>
Value spread(Bytes text) {
  Value out{};
  uint64_t state = 0xcbf29ce484222325;
  for (const std::byte b : text) state = (state ^ octet(b)) * 0x100000001b3;
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::byte>((state = state * 6364136223846793005 + 1) >> 56);
  return out;
}
constexpr Digests kDigests{spread<Md5Value>, spread<Sha256Value>};

void verify(std::string_view value) {
  ServerAuth server(kDigests, {.realm = "r", .max_nonces = 4}, Seed::of(1));
  const Now now{TimePoint(std::chrono::seconds(9)), {}};
  const auto ours = server.challenge(now, false);
  const auto read = server.read({&value, 1});
  if (!read || !*read) return;
  ClaimedCredentials claimed = **read;
  const StoredHa1 known = make_ha1s(kDigests, claimed.user, "r", "password");
  server.verify(now, "INVITE", claimed, known);
  claimed.nonce = std::string(*DigestParams::parse(ours[0])->find("nonce"));
  const DigestInput input{.algorithm = claimed.algorithm,
                          .ha1 = is_sha256(claimed.algorithm) ? known.sha256 : known.md5,
                          .nonce = claimed.nonce,
                          .method = "INVITE",
                          .uri = claimed.uri,
                          .qop_auth = claimed.qop_auth,
                          .nc = claimed.nc,
                          .cnonce = claimed.cnonce};
  claimed.response = digest_response(kDigests, input);
  const AuthVerdict expected = is_sess(claimed.algorithm) ? AuthVerdict::refused : AuthVerdict::accepted;
  if (server.verify(now, "INVITE", claimed, known) != expected) std::abort();
  if (server.verify(now, "INVITE", claimed, known) == AuthVerdict::accepted) std::abort();
}

void answer(std::string_view value) {
  ClientAuth client(kDigests, {{.host = "h", .realm = "", .user = "u\"\\", .password = Private<std::string>("p")}});
  Random random(Seed::of(2));
  const AuthLine challenge{true, std::string(value)};
  if (client.challenged("h", {&challenge, 1}, random) != AuthAnswer::retry) return;
  for (const AuthLine& line : client.lines("h", "INVITE", "sip:x")) {
    const auto params = DigestParams::parse(line.value);
    if (!params || unescaped(params->find("username").value_or("")) != "u\"\\") std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  verify(value);
  answer(value);
  return 0;
}
