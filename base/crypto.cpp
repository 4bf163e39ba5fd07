// SPDX-License-Identifier: MIT
#include "base/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <memory>
#include <stdexcept>

namespace isthmus::crypto {
namespace {

const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

template <class Out>
Out digest(const EVP_MD* type, Bytes data) {
  Out out{};
  unsigned int size = 0;
  if (EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), &size, type, nullptr) != 1 ||
      size != out.size()) {
    throw std::runtime_error("OpenSSL does not offer a digest that Isthmus needs");
  }
  return out;
}

// Fetched once: a fetch walks OpenSSL's provider tables.
EVP_MAC* hmac_method() {
  static EVP_MAC* const method = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return method;
}

template <class Out>
Out hmac(const char* digest_name, Bytes key, std::initializer_list<Bytes> parts) {
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(hmac_method()),
                                                                          &EVP_MAC_CTX_free);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest_name), 0),
      OSSL_PARAM_construct_end()};
  static constexpr unsigned char kEmptyKey = 0;  // a null key would mean "as before" to OpenSSL
  const unsigned char* key_data = key.empty() ? &kEmptyKey : raw(key);
  Out out{};
  size_t size = 0;
  bool ok = context && EVP_MAC_init(context.get(), key_data, key.size(), parameters) == 1;
  for (const Bytes part : parts) ok = ok && EVP_MAC_update(context.get(), raw(part), part.size()) == 1;
  ok = ok && EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, out.size()) == 1 &&
       size == out.size();
  if (!ok) throw std::runtime_error("OpenSSL failed to compute an HMAC");
  return out;
}

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xedb88320U ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}

}  // namespace

Md5 md5(Bytes data) {
  return digest<Md5>(EVP_md5(), data);
}
Sha1 sha1(Bytes data) {
  return digest<Sha1>(EVP_sha1(), data);
}
Sha256 sha256(Bytes data) {
  return digest<Sha256>(EVP_sha256(), data);
}
Sha1 hmac_sha1(Bytes key, std::initializer_list<Bytes> parts) {
  return hmac<Sha1>("SHA1", key, parts);
}
Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> parts) {
  return hmac<Sha256>("SHA256", key, parts);
}

uint32_t crc32(std::initializer_list<Bytes> parts) {
  static constexpr std::array<uint32_t, 256> kTable = make_crc_table();
  uint32_t crc = 0xffffffff;
  for (const Bytes part : parts) {
    for (const std::byte b : part) crc = kTable[(crc ^ octet(b)) & 0xff] ^ (crc >> 8);
  }
  return crc ^ 0xffffffff;
}

bool equal_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace isthmus::crypto
