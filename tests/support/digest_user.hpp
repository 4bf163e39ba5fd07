// SPDX-License-Identifier: MIT
// A phone's answer to a digest challenge (RFC 7616) in the hands of a test: each parameter may be bent. It keeps no
// state but the nonce count that the test sets.
#pragma once

#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "sip/auth/auth_params.hpp"
#include "sip/auth/digest.hpp"
#include "sip/message/message.hpp"

namespace isthmus::test {

struct DigestUser {
  std::string user;
  std::string password = "correct horse";
  sip::Algorithm algorithm = sip::Algorithm::sha256;

  // The header line, with its end, that answers the challenge of a 401 or 407.
  std::string line(const sip::Message& challenged, std::string_view method, std::string_view uri,
                   uint32_t count = 1) const {
    const bool proxy = challenged.status() == 407;
    const auto header = proxy ? sip::Header::proxy_authenticate : sip::Header::www_authenticate;
    for (const std::string_view value : challenged.values(header)) {
      const auto params = sip::DigestParams::parse(value);
      if (!params || sip::parse_algorithm(params->find("algorithm").value_or("MD5")) != algorithm) continue;
      return (proxy ? "Proxy-Authorization: " : "Authorization: ") + credentials(*params, method, uri, count) + "\r\n";
    }
    return {};
  }

 private:
  std::string credentials(const sip::DigestParams& params, std::string_view method, std::string_view uri,
                          uint32_t count) const {
    const sip::Digests digests{&crypto::md5, &crypto::sha256};
    const std::string realm(params.find("realm").value_or(""));
    const std::string nonce(params.find("nonce").value_or(""));
    char nc[9];
    snprintf(nc, sizeof nc, "%08x", count);
    const std::string ha1 = sip::make_ha1(digests, sip::is_sha256(algorithm), user, realm, password);
    const std::string response = sip::digest_response(digests, {.algorithm = algorithm,
                                                                .ha1 = ha1,
                                                                .nonce = nonce,
                                                                .method = method,
                                                                .uri = uri,
                                                                .qop_auth = true,
                                                                .nc = nc,
                                                                .cnonce = "cafe"});
    return "Digest username=\"" + user + "\", realm=\"" + realm + "\", nonce=\"" + nonce + "\", uri=\"" +
           std::string(uri) + "\", response=\"" + response + "\", algorithm=" + std::string(sip::name(algorithm)) +
           ", qop=auth, nc=" + nc + ", cnonce=\"cafe\"";
  }
};

}  // namespace isthmus::test
