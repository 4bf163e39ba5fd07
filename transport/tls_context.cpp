// SPDX-License-Identifier: MIT
#include "transport/tls_context.hpp"

#include <fcntl.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/address.hpp"
#include "transport/tls_handles.hpp"
#include "transport/udp_socket.hpp"

namespace isthmus::transport {
namespace {

using namespace tls;
using File = TlsFileError::File;

// RFC 9325 section 4.2: forward secrecy and AEAD alone. TLS 1.3 has nothing else.
constexpr const char* kCipherList = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr unsigned char kAlpn[] = "\x08http/1.1";
constexpr unsigned int kAlpnSize = sizeof kAlpn - 1;
constexpr int kMaxChain = 10;  // certificates of a chain

Result<std::string, TlsFileError> read_file(File which, const std::string& path) {
  const auto refuse = [&](std::string text) { return fail(TlsFileError{which, path, std::move(text)}); };
  // Without O_NONBLOCK a named pipe would stop the whole loop at a reload.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return refuse("cannot be read: " + std::generic_category().message(errno));
  struct stat facts{};
  if (::fstat(file.number(), &facts) != 0 || !S_ISREG(facts.st_mode)) return refuse("is not a regular file");
  if (facts.st_size > static_cast<off_t>(kMaxPemBytes)) return refuse("is too large for a file of certificates");
  std::string text(static_cast<size_t>(facts.st_size), '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.number(), text.data() + size, text.size() - size);
    if (got < 0) return refuse("cannot be read: " + std::generic_category().message(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

// Keeps OpenSSL from asking a terminal, and remembers that it wanted to.
int no_passphrase(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown time";
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d UTC", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min);
  return text;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

// "" when the certificate is valid at that time.
std::string out_of_date(const X509* certificate, WallTime now) {
  auto seconds = static_cast<time_t>(unix_seconds(now));
  const ASN1_TIME* from = X509_get0_notBefore(certificate);
  const ASN1_TIME* until = X509_get0_notAfter(certificate);
  if (X509_cmp_time(until, &seconds) <= 0) return "expired on " + text_of(until);
  if (X509_cmp_time(from, &seconds) > 0) return "is not valid before " + text_of(from);
  return {};
}

// RFC 6125 section 6.4: the alternative names count, the common name does not.
std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> out;
  const std::unique_ptr<GENERAL_NAMES, With<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char* octets = ASN1_STRING_get0_data(value);
    const auto size = static_cast<size_t>(ASN1_STRING_length(value));
    if (name->type == GEN_DNS) {
      out.emplace_back(reinterpret_cast<const char*>(octets), size);
    } else if (size == 4 || size == 16) {
      IpAddress ip;
      ip.family = size == 4 ? Family::v4 : Family::v6;
      std::copy(octets, octets + size, ip.octets.begin());
      out.push_back(ip.text());
    }
  }
  return out;
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, kAlpn, kAlpnSize, offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool configure(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_SINGLE_ECDH_USE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  return SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kCipherList) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

// The certificate of the file, then those that lead from it to an authority.
Result<std::vector<Certificate>, TlsFileError> read_certificates(File which, const std::string& path) {
  auto text = read_file(which, path);
  if (!text) return fail(text.error());
  const Bio in = memory(*text);
  std::vector<Certificate> out;
  while (out.size() <= kMaxChain) {
    Certificate one(PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr));
    if (!one) break;
    out.push_back(std::move(one));
  }
  // The end of the file is told as an error, too; anything else is a broken certificate.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = take_error();
  if (out.size() > kMaxChain) return fail(TlsFileError{which, path, "holds too many certificates"});
  if (!at_end) return fail(TlsFileError{which, path, "holds a broken certificate: " + reason});
  if (out.empty()) return fail(TlsFileError{which, path, "holds no certificate in PEM form"});
  return out;
}

Result<Key, TlsFileError> read_key(const std::string& path) {
  auto text = read_file(File::key, path);
  if (!text) return fail(text.error());
  const Bio in = memory(*text);
  bool asked = false;
  Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, &asked));
  OPENSSL_cleanse(text->data(), text->size());
  ERR_clear_error();
  if (key) return key;
  if (asked)
    return fail(TlsFileError{File::key, path, "is encrypted: a key without a passphrase is needed (openssl pkey)"});
  return fail(TlsFileError{File::key, path, "holds no private key in PEM form"});
}

}  // namespace

TlsContext::~TlsContext() {
  SSL_CTX_free(handle_);
}

Result<TlsContext::Ptr, TlsFileError> TlsContext::server(const std::string& certificate_file,
                                                         const std::string& key_file, WallTime now) {
  auto chain = read_certificates(File::certificate, certificate_file);
  if (!chain) return fail(chain.error());
  const auto refuse = [&](std::string text) {
    ERR_clear_error();
    return fail(TlsFileError{File::certificate, certificate_file, std::move(text)});
  };
  for (size_t i = 0; i < chain->size(); ++i) {
    const std::string wrong = out_of_date((*chain)[i].get(), now);
    if (!wrong.empty())
      return refuse(i == 0 ? wrong : "certificate " + std::to_string(i + 1) + " of the chain " + wrong);
  }
  auto key = read_key(key_file);
  if (!key) return fail(key.error());
  X509* const leaf = chain->front().get();
  if (X509_check_private_key(leaf, key->get()) != 1) {
    ERR_clear_error();
    return fail(TlsFileError{File::key, key_file, "does not belong to the certificate in " + certificate_file});
  }
  std::shared_ptr<TlsContext> out(new TlsContext);
  out->handle_ = SSL_CTX_new(TLS_server_method());
  if (out->handle_ == nullptr || !configure(out->handle_)) return refuse("TLS cannot be set up: " + take_error());
  SSL_CTX_set_alpn_select_cb(out->handle_, choose_alpn, nullptr);
  bool taken = SSL_CTX_use_certificate(out->handle_, leaf) == 1;
  for (size_t i = 1; i < chain->size(); ++i)
    taken = taken && SSL_CTX_add1_chain_cert(out->handle_, (*chain)[i].get()) == 1;
  if (!taken || SSL_CTX_use_PrivateKey(out->handle_, key->get()) != 1) return refuse("cannot be used: " + take_error());
  out->names_ = names_of(leaf);
  out->valid_until_ = text_of(X509_get0_notAfter(leaf));
  out->ends_ = time_of(X509_get0_notAfter(leaf));
  return out;
}

Result<TlsContext::Ptr, TlsFileError> TlsContext::client(const std::string& authorities_file) {
  const auto refuse = [&](const std::string& text) {
    return fail(TlsFileError{File::authorities, authorities_file, text + take_error()});
  };
  std::shared_ptr<TlsContext> out(new TlsContext);
  out->handle_ = SSL_CTX_new(TLS_client_method());
  if (out->handle_ == nullptr || !configure(out->handle_) ||
      SSL_CTX_set_alpn_protos(out->handle_, kAlpn, kAlpnSize) != 0) {  // 0 is success here
    return refuse("TLS cannot be set up: ");
  }
  SSL_CTX_set_verify(out->handle_, SSL_VERIFY_PEER, nullptr);
  if (authorities_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(out->handle_) != 1) return refuse("the system's certificates: ");
    return out;
  }
  auto authorities = read_certificates(File::authorities, authorities_file);
  if (!authorities) return fail(authorities.error());
  X509_STORE* const store = SSL_CTX_get_cert_store(out->handle_);
  // Whoever is named here is trusted, an authority or the one server's own certificate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const Certificate& each : *authorities) {
    if (X509_STORE_add_cert(store, each.get()) != 1) return refuse("cannot be used: ");
  }
  out->names_ = names_of(authorities->front().get());
  out->valid_until_ = text_of(X509_get0_notAfter(authorities->front().get()));
  out->ends_ = time_of(X509_get0_notAfter(authorities->front().get()));
  return out;
}

}  // namespace isthmus::transport
