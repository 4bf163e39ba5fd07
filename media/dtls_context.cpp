// SPDX-License-Identifier: MIT
#include "media/dtls_context.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>

namespace isthmus::media {
namespace {

constexpr long kSecondsPerDay = 24L * 60 * 60;
constexpr int kSerialOctets = 8;

// AEAD suites with forward secrecy; RFC 8827 section 6.5 asks every peer for the first of them.
constexpr const char* kCipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20";

// AES-128-GCM first: one pass that encrypts and authenticates with a 128-bit tag, for six octets more than CM_SHA1_80
// and a fraction of its time in libsrtp (bench/srtp). CM_SHA1_80, which every peer has (RFC 5764 section 4.1.2), ends
// the list. CM_SHA1_32 is not offered: its tag of 32 bits can be guessed.
constexpr const char* kSrtpProfiles = "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";

template <auto Function>
struct With {
  template <class T>
  void operator()(T* thing) const {
    Function(thing);
  }
};
using Key = std::unique_ptr<EVP_PKEY, With<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, With<X509_free>>;
using Bio = std::unique_ptr<BIO, With<BIO_free_all>>;

// Octets behind `size` do not count.
bool is_same(const Fingerprint& a, const Fingerprint& b) {
  return a.hash == b.hash && a.size == b.size && a.size <= a.octets.size() &&
         std::equal(a.octets.begin(), a.octets.begin() + a.size, b.octets.begin());
}

// OpenSSL's chain check is replaced: certificates are self-signed, the fingerprint alone counts (RFC 8827 section 5.6).
int check_peer(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* check = static_cast<PeerCheck*>(SSL_get_app_data(ssl));
  const X509* certificate = X509_STORE_CTX_get0_cert(store);
  const auto found = certificate == nullptr ? std::nullopt : fingerprint_of(certificate, check->expected.hash);
  check->mismatched = !found || !is_same(*found, check->expected);
  if (check->mismatched) X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return check->mismatched ? 0 : 1;
}

std::string last_error(const char* what) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return std::string(what) + (reason == nullptr ? "" : ": ") + (reason == nullptr ? "" : reason);
}

Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  X509* x = certificate.get();
  std::array<unsigned char, kSerialOctets> serial{};
  if (x == nullptr || RAND_bytes(serial.data(), kSerialOctets) != 1) return nullptr;
  serial[0] &= 0x7f;  // positive
  const std::unique_ptr<BIGNUM, With<BN_free>> number(BN_bin2bn(serial.data(), kSerialOctets, nullptr));
  // The name is the same everywhere, so that it tells nothing about the machine.
  static constexpr unsigned char kName[] = "isthmus";
  X509_NAME* name = X509_get_subject_name(x);
  const bool ok = number && X509_set_version(x, X509_VERSION_3) == 1 &&
                  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x)) != nullptr &&
                  X509_gmtime_adj(X509_getm_notBefore(x), -kCertificateBackdateDays * kSecondsPerDay) != nullptr &&
                  X509_gmtime_adj(X509_getm_notAfter(x), kCertificateDays * kSecondsPerDay) != nullptr &&
                  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, kName, -1, -1, 0) == 1 &&
                  X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
                  X509_sign(x, key, EVP_sha256()) > 0;
  return ok ? std::move(certificate) : nullptr;
}

bool configure(SSL_CTX* context, X509* certificate, EVP_PKEY* key) {
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_SINGLE_ECDH_USE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, check_peer, nullptr);
  return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kCipherSuites) == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1 &&
         SSL_CTX_set_tlsext_use_srtp(context, kSrtpProfiles) == 0 &&  // 0 is success here
         SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
}

const EVP_MD* digest_of(HashName hash) {
  switch (hash) {
    case HashName::sha1: return EVP_sha1();
    case HashName::sha224: return EVP_sha224();
    case HashName::sha256: return EVP_sha256();
    case HashName::sha384: return EVP_sha384();
    case HashName::sha512: return EVP_sha512();
  }
  return nullptr;
}

Bio memory(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

void DtlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

std::optional<Fingerprint> fingerprint_of(const x509_st* certificate, HashName hash) {
  Fingerprint found;
  found.hash = hash;
  unsigned int size = 0;
  static_assert(EVP_MAX_MD_SIZE <= sizeof found.octets);
  const EVP_MD* digest = digest_of(hash);
  if (digest == nullptr || X509_digest(certificate, digest, found.octets.data(), &size) != 1) return std::nullopt;
  found.size = static_cast<uint8_t>(size);
  return found;
}

Result<DtlsContext, std::string> DtlsContext::make(x509_st* certificate, evp_pkey_st* key) {
  Handle handle(SSL_CTX_new(DTLS_method()));
  if (!handle || !configure(handle.get(), certificate, key)) return fail(last_error("cannot set DTLS up"));
  const auto fingerprint = fingerprint_of(certificate, HashName::sha256);
  if (!fingerprint) return fail(last_error("cannot hash our certificate"));
  return DtlsContext(std::move(handle), *fingerprint);
}

Result<DtlsContext, std::string> DtlsContext::make_self_signed() {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? self_signed(key.get()) : nullptr;
  if (!certificate) return fail(last_error("cannot make a certificate"));
  return make(certificate.get(), key.get());
}

Result<DtlsContext, std::string> DtlsContext::from_pem(std::string_view certificate, std::string_view key) {
  const Bio certificate_text = memory(certificate);
  const Bio key_text = memory(key);
  // An encrypted key is refused instead of asking a terminal for its passphrase.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  const Certificate parsed(PEM_read_bio_X509(certificate_text.get(), nullptr, no_passphrase, nullptr));
  if (!parsed) return fail(last_error("cannot read the DTLS certificate"));
  const Key parsed_key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_passphrase, nullptr));
  if (!parsed_key) return fail(last_error("cannot read the DTLS key"));
  return make(parsed.get(), parsed_key.get());
}

}  // namespace isthmus::media
