// SPDX-License-Identifier: MIT
#include "gateway/certificates.hpp"

namespace isthmus::gateway {
namespace {

CertificateError told(const transport::TlsFileError& error) {
  using File = transport::TlsFileError::File;
  // Without a file of its own the webhook trusts the system's authorities.
  if (error.file == File::authorities) return {"webhook.ca", error.path.empty() ? error.text : error.message()};
  return {error.file == File::key ? "web.key" : "web.certificate", error.message()};
}

}  // namespace

Result<Certificates, CertificateError> read_certificates(const Config& config, WallTime now) {
  Certificates out;
  if (config.web.has_tls()) {
    auto web = transport::TlsContext::server(config.web.certificate, config.web.key, now);
    if (!web) return fail(told(web.error()));
    out.web = std::move(*web);
  }
  if (is_https(config.webhook_url)) {
    auto webhook = transport::TlsContext::client(config.webhook_ca);
    if (!webhook) return fail(told(webhook.error()));
    out.webhook = std::move(*webhook);
  }
  return out;
}

}  // namespace isthmus::gateway
