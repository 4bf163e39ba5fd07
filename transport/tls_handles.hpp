// SPDX-License-Identifier: MIT
// OpenSSL's objects with one owner each, and its error queue as a text. For the tls_ files alone.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace isthmus::transport::tls {

template <auto Function>
struct With {
  template <class T>
  void operator()(T* thing) const {
    Function(thing);
  }
};
using Bio = std::unique_ptr<BIO, With<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, With<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, With<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, With<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, With<BN_free>>;
using Method = std::unique_ptr<BIO_METHOD, With<BIO_meth_free>>;

inline Bio memory(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The reason of the oldest error, "" when there is none; the queue is empty afterwards. Never holds a secret.
inline std::string take_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? std::string{} : reason;
}

}  // namespace isthmus::transport::tls
