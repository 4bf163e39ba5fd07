// SPDX-License-Identifier: MIT
// What all DTLS associations of the program share (RFC 5763, RFC 5764, RFC 8827): our certificate and its fingerprint,
// DTLS 1.2 alone, cipher suites, SRTP profiles; no renegotiation, no tickets, no resumption. Made once at start; must
// outlive its sessions. Reads OpenSSL's random source and clock: the one exception among the cores.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "media/order.hpp"

struct ssl_ctx_st;  // OpenSSL's, whose headers stay inside the source files
struct x509_st;
struct evp_pkey_st;

namespace isthmus::media {

inline constexpr uint16_t kDtlsMtu = 1200;  // octets of a UDP payload: fits every path that carries WebRTC
inline constexpr int kCertificateDays = 30;
inline constexpr int kCertificateBackdateDays = 1;  // peers' clocks may be behind

class DtlsContext {
 public:
  // A self-signed ECDSA P-256 certificate that lives as long as the context. Fails only when OpenSSL does.
  static Result<DtlsContext, std::string> make_self_signed();
  // Certificate and private key as PEM text.
  static Result<DtlsContext, std::string> from_pem(std::string_view certificate, std::string_view key);

  // SHA-256 of our certificate, for a=fingerprint.
  const Fingerprint& fingerprint() const { return fingerprint_; }

 private:
  friend class DtlsSession;
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  using Handle = std::unique_ptr<ssl_ctx_st, Free>;
  static Result<DtlsContext, std::string> make(x509_st* certificate, evp_pkey_st* key);
  DtlsContext(Handle handle, const Fingerprint& fingerprint) : handle_(std::move(handle)), fingerprint_(fingerprint) {}

  Handle handle_;
  Fingerprint fingerprint_;
};

// What a session has its peer's certificate compared with, from inside the handshake (RFC 8122 section 6.2).
struct PeerCheck {
  Fingerprint expected;
  bool mismatched = false;
};

// Hash over the DER form of a certificate; nothing when OpenSSL does not offer the hash.
std::optional<Fingerprint> fingerprint_of(const x509_st* certificate, HashName hash);

}  // namespace isthmus::media
