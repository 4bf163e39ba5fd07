// SPDX-License-Identifier: MIT
// What all TLS connections of one kind share: for a listener the certificate with its key, for a client whom it trusts.
// TLS 1.2 and 1.3, suites with forward secrecy and AEAD, no renegotiation, no compression, no resumption: nothing of a
// connection outlives it, and after a change of the certificate no old ticket is worth anything. A context is made from
// files, is never changed, and lives as long as a connection uses it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

struct ssl_ctx_st;  // OpenSSL's, whose headers stay inside the source files

namespace isthmus::transport {

inline constexpr size_t kMaxPemBytes = 1 << 20;  // of a file with certificates or a key

// What is wrong with which file; for the operator, and without a word of what the file holds.
struct TlsFileError {
  enum class File : uint8_t { certificate, key, authorities };
  File file = File::certificate;
  std::string path;
  std::string text;  // "expired on 2026-01-31 12:00 UTC"

  std::string message() const { return path + ": " + text; }
};

class TlsContext {
 public:
  using Ptr = std::shared_ptr<const TlsContext>;

  // For a listener: PEM files, the certificate first and then its chain. Each certificate must be valid at `now`, the
  // key must be the certificate's and must not ask for a passphrase. ALPN answers http/1.1 (RFC 7301).
  static Result<Ptr, TlsFileError> server(const std::string& certificate_file, const std::string& key_file,
                                          WallTime now);
  // For a client: trusts the certificates of that PEM file, or those of the system when it names none. The host's name
  // is checked by the stream.
  static Result<Ptr, TlsFileError> client(const std::string& authorities_file = {});

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  // Of the first certificate in the file: the DNS names and IP addresses that it is for, and when it ends.
  const std::vector<std::string>& names() const { return names_; }
  const std::string& valid_until() const { return valid_until_; }  // "2026-01-31 12:00 UTC"
  std::chrono::sys_seconds ends() const { return ends_; }          // the epoch: nobody knows

  ssl_ctx_st* handle() const { return handle_; }  // for tls_stream alone

 private:
  TlsContext() = default;

  ssl_ctx_st* handle_ = nullptr;
  std::vector<std::string> names_;
  std::string valid_until_;
  std::chrono::sys_seconds ends_{};
};

}  // namespace isthmus::transport
