// SPDX-License-Identifier: MIT
// A certificate authority of one's own, for a machine that no public authority can vouch for: ECDSA P-256, PEM texts in
// and out. It touches no file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace isthmus::transport {

inline constexpr int kAuthorityDays = 3650;
inline constexpr int kCertificateDays = 397;  // browsers take no longer ones from public authorities, 398 days
inline constexpr int kBackdateHours = 1;      // clocks of others may be behind

struct PemPair {
  std::string certificate;
  Private<std::string> key;  // PKCS #8, without a passphrase
};

// A DNS name (with "*." in front if need be) or an IP address?
bool is_certificate_host(std::string_view host);

// Errors are sentences.
Result<PemPair, std::string> make_authority(std::string_view name, WallTime now);
// A server's certificate for these names and addresses, at least one (RFC 5280 section 4.2.1.6); never longer than the
// authority's own.
Result<PemPair, std::string> issue_certificate(const PemPair& authority, const std::vector<std::string>& hosts,
                                               WallTime now);
// SHA-256 of a certificate as the programs show it that ask whether to trust it: "AB:CD:...".
Result<std::string, std::string> certificate_fingerprint(std::string_view certificate);

}  // namespace isthmus::transport
