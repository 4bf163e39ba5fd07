// SPDX-License-Identifier: MIT
#include "transport/tls_authority.hpp"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "base/address.hpp"
#include "base/text.hpp"
#include "transport/tls_handles.hpp"

namespace isthmus::transport {
namespace {

using namespace tls;

constexpr long kHour = 3600;
constexpr long kDay = 24 * kHour;
constexpr int kSerialOctets = 16;  // RFC 5280 section 4.1.2.2: at most 20
constexpr size_t kMaxName = 253;   // RFC 1035 section 2.3.4, as text
constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxCommonName = 64;  // RFC 5280, ub-common-name

int no_passphrase(char*, int, int, void*) {
  return -1;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
}

bool add_extension(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(to, extension.get(), -1) == 1;
}

bool set_serial(X509* to) {
  std::array<unsigned char, kSerialOctets> octets{};
  if (RAND_bytes(octets.data(), kSerialOctets) != 1) return false;
  octets[0] = static_cast<unsigned char>((octets[0] & 0x3f) | 0x40);  // positive, and of full length
  const Number number(BN_bin2bn(octets.data(), kSerialOctets, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(to)) != nullptr;
}

bool set_name(X509* to, std::string_view name) {
  name = name.substr(0, kMaxCommonName);
  const auto* octets = reinterpret_cast<const unsigned char*>(name.data());
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(to), "CN", MBSTRING_UTF8, octets,
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

// What both kinds have in common; not yet signed.
Certificate blank(EVP_PKEY* key, std::string_view name, WallTime now, int days) {
  Certificate out(X509_new());
  const auto from = static_cast<time_t>(unix_seconds(now) - kBackdateHours * kHour);
  const bool ok = out && X509_set_version(out.get(), X509_VERSION_3) == 1 && set_serial(out.get()) &&
                  ASN1_TIME_set(X509_getm_notBefore(out.get()), from) != nullptr &&
                  ASN1_TIME_set(X509_getm_notAfter(out.get()), from + days * kDay) != nullptr &&
                  set_name(out.get(), name) && X509_set_pubkey(out.get(), key) == 1;
  return ok ? std::move(out) : nullptr;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(std::max(0L, size))};
}

Result<PemPair, std::string> written(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_secmem()));
  if (!certificate_text || !key_text || PEM_write_bio_X509(certificate_text.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail("cannot write a certificate: " + take_error());
  }
  return PemPair{text_of(certificate_text.get()), Private<std::string>(text_of(key_text.get()))};
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string out;
  for (const std::string& host : hosts) {
    const auto ip = IpAddress::parse(host);
    out += (out.empty() ? "" : ",") + (ip ? "IP:" + ip->text() : "DNS:" + lowered(host));
  }
  return out;
}

}  // namespace

bool is_certificate_host(std::string_view host) {
  if (IpAddress::parse(host)) return true;
  if (host.starts_with("*.")) {
    host.remove_prefix(2);
    if (host.find('.') == std::string_view::npos) return false;
  }
  if (host.empty() || host.size() > kMaxName) return false;
  std::string_view last;
  while (true) {
    const size_t dot = host.find('.');
    last = host.substr(0, dot);
    if (!is_label(last)) return false;
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
  }
  return !std::all_of(last.begin(), last.end(), is_digit);  // "192.0.2.300" is a mistyped address
}

Result<PemPair, std::string> make_authority(std::string_view name, WallTime now) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? blank(key.get(), name, now, kAuthorityDays) : nullptr;
  X509* const x = certificate.get();
  const bool ok = x != nullptr && X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
                  add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                  add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                  add_extension(x, x, NID_subject_key_identifier, "hash") && X509_sign(x, key.get(), EVP_sha256()) > 0;
  if (!ok) return fail("cannot make an authority: " + take_error());
  return written(x, key.get());
}

Result<PemPair, std::string> issue_certificate(const PemPair& authority, const std::vector<std::string>& hosts,
                                               WallTime now) {
  const auto bad = std::find_if_not(hosts.begin(), hosts.end(), is_certificate_host);
  if (hosts.empty() || bad != hosts.end())
    return fail(hosts.empty() ? "no host is named" : *bad + ": is neither a DNS name nor an IP address");
  const Bio issuer_text = memory(authority.certificate);
  const Bio issuer_key_text = memory(authority.key.reveal());
  const Certificate issuer(PEM_read_bio_X509(issuer_text.get(), nullptr, no_passphrase, nullptr));
  if (!issuer || X509_check_ca(issuer.get()) != 1) return fail("the authority's certificate is none: " + take_error());
  const Key issuer_key(PEM_read_bio_PrivateKey(issuer_key_text.get(), nullptr, no_passphrase, nullptr));
  if (!issuer_key || X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    ERR_clear_error();
    return fail(std::string("the authority's key does not belong to its certificate"));
  }
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? blank(key.get(), hosts.front(), now, kCertificateDays) : nullptr;
  X509* const x = certificate.get();
  if (x == nullptr) return fail("cannot make a certificate: " + take_error());
  if (ASN1_TIME_compare(X509_get0_notAfter(x), X509_get0_notAfter(issuer.get())) > 0) {
    auto seconds = static_cast<time_t>(unix_seconds(now));
    if (X509_cmp_time(X509_get0_notAfter(issuer.get()), &seconds) <= 0)
      return fail(std::string("the authority's certificate has expired"));
    X509_set1_notAfter(x, X509_get0_notAfter(issuer.get()));
  }
  const bool ok = X509_set_issuer_name(x, X509_get_subject_name(issuer.get())) == 1 &&
                  add_extension(x, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                  add_extension(x, issuer.get(), NID_key_usage, "critical,digitalSignature") &&
                  add_extension(x, issuer.get(), NID_ext_key_usage, "serverAuth") &&
                  add_extension(x, issuer.get(), NID_subject_alt_name, alternative_names(hosts)) &&
                  add_extension(x, issuer.get(), NID_subject_key_identifier, "hash") &&
                  add_extension(x, issuer.get(), NID_authority_key_identifier, "keyid:always") &&
                  X509_sign(x, issuer_key.get(), EVP_sha256()) > 0;
  if (!ok) return fail("cannot make a certificate: " + take_error());
  return written(x, key.get());
}

Result<std::string, std::string> certificate_fingerprint(std::string_view certificate) {
  const Bio text = memory(certificate);
  const Certificate parsed(PEM_read_bio_X509(text.get(), nullptr, no_passphrase, nullptr));
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned int size = 0;
  if (!parsed || X509_digest(parsed.get(), EVP_sha256(), octets.data(), &size) != 1)
    return fail("holds no certificate: " + take_error());
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    if (i > 0) out += ':';
    out += "0123456789ABCDEF"[octets[i] >> 4];
    out += "0123456789ABCDEF"[octets[i] & 15];
  }
  return out;
}

}  // namespace isthmus::transport
