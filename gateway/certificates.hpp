// SPDX-License-Identifier: MIT
// The certificates that a configuration names, read from their files: the web listener's own, and those of the
// authorities that the web server's must come from.
#pragma once

#include <string>

#include "base/result.hpp"
#include "gateway/config.hpp"
#include "transport/tls_context.hpp"

namespace isthmus::gateway {

struct Certificates {
  transport::TlsContext::Ptr web;      // none: the listener speaks plain
  transport::TlsContext::Ptr webhook;  // none: webhook.url is not https
};

struct CertificateError {
  std::string key;   // of the configuration, "web.certificate"
  std::string text;  // "/etc/isthmus/server.pem: expired on 2026-01-31 12:00 UTC"

  std::string message() const { return key + ": " + text; }
};

Result<Certificates, CertificateError> read_certificates(const Config& config, WallTime now);

}  // namespace isthmus::gateway
