// SPDX-License-Identifier: MIT
// Certificates: what is made, and the exact words about files that do not do, an operator's first mistakes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/tls_files.hpp"
#include "transport/tls_authority.hpp"
#include "transport/tls_context.hpp"

namespace isthmus::transport::test {
namespace {

using isthmus::test::TlsFiles;
using isthmus::test::today;
using std::chrono::days;
using std::chrono::hours;

std::string mistake(const std::string& certificate, const std::string& key, WallTime now = today()) {
  const auto made = TlsContext::server(certificate, key, now);
  return made ? "" : made.error().message();
}

// A key with the passphrase "secret", made with openssl genpkey -aes256.
constexpr std::string_view kEncryptedKey = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgFnumaTRBHEgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJi+/9T9Jh9hRBihcnhPh5QEgZAn
/zTwcpzMTWfrTCVTOtZlle369DLfRo8Dh4LWUmYEg9zZMpS5gJqZV6QE2x7QhMcl
Dx0b6mHO3Gqn8Mlmz42/pQUfYtVnqOQCfw6QYcTziWAJ/KrD+c7I10nmkuO1ApGg
OgWLcHkn1KoBnNW/oZSl7HSkUiC0l4bsq0xqVp5RbB9wfB78MM1oSz9xfNfnKVI=
-----END ENCRYPTED PRIVATE KEY-----
)";

}  // namespace

TEST(TlsContext, AnIssuedCertificateIsTakenWithItsNames) {
  const TlsFiles files({"pbx.example.org", "192.0.2.7", "2001:db8::7", "*.example.net"});
  const auto context = TlsContext::server(files.certificate_file, files.key_file, today());
  ASSERT_TRUE(context) << context.error().message();
  EXPECT_EQ((*context)->names(),
            (std::vector<std::string>{"pbx.example.org", "192.0.2.7", "2001:db8::7", "*.example.net"}));
  EXPECT_EQ((*context)->valid_until().size(), std::string_view("2026-01-31 12:00 UTC").size());
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>((*context)->ends()));
  EXPECT_EQ((*context)->valid_until().substr(0, 4), std::to_string(static_cast<int>(day.year())));
  EXPECT_GT((*context)->ends(), today());
}

TEST(TlsContext, AChainIsTakenWhole) {
  const TlsFiles files;
  files.write("server.pem", TlsFiles::read(files.certificate_file) + "\n" + files.authority().certificate);
  EXPECT_EQ(mistake(files.certificate_file, files.key_file), "");
  std::string many = TlsFiles::read(files.certificate_file);
  for (int i = 0; i < 12; ++i) many += files.authority().certificate;
  files.write("server.pem", many);
  EXPECT_EQ(mistake(files.certificate_file, files.key_file), files.certificate_file + ": holds too many certificates");
}

TEST(TlsContext, EachMistakeIsToldWithItsFile) {
  TlsFiles files;
  const std::string& certificate = files.certificate_file;
  const std::string& key = files.key_file;
  const std::string absent = files.folder() + "/absent.pem";
  const std::string text = files.write("text.pem", "no PEM at all\n");
  const std::string empty = files.write("empty.pem", "");
  const std::string encrypted = files.write("encrypted.pem", kEncryptedKey);
  const std::string whole = TlsFiles::read(certificate);
  const std::string broken = files.write("broken.pem", whole.substr(0, whole.size() / 2));
  const std::string large = files.write("large.pem", std::string(kMaxPemBytes + 1, 'x'));
  const std::string pipe = files.folder() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const TlsFiles other;

  EXPECT_EQ(mistake(absent, key), absent + ": cannot be read: No such file or directory");
  EXPECT_EQ(mistake(certificate, absent), absent + ": cannot be read: No such file or directory");
  EXPECT_EQ(mistake(files.folder(), key), files.folder() + ": is not a regular file");
  EXPECT_EQ(mistake(pipe, key), pipe + ": is not a regular file");  // and nothing waits for a writer
  EXPECT_EQ(mistake(large, key), large + ": is too large for a file of certificates");
  EXPECT_EQ(mistake(text, key), text + ": holds no certificate in PEM form");
  EXPECT_EQ(mistake(empty, key), empty + ": holds no certificate in PEM form");
  EXPECT_EQ(mistake(key, key), key + ": holds no certificate in PEM form");
  EXPECT_TRUE(mistake(broken, key).starts_with(broken + ": holds a broken certificate: ")) << mistake(broken, key);
  EXPECT_EQ(mistake(certificate, text), text + ": holds no private key in PEM form");
  EXPECT_EQ(mistake(certificate, certificate), certificate + ": holds no private key in PEM form");
  EXPECT_EQ(mistake(certificate, encrypted),
            encrypted + ": is encrypted: a key without a passphrase is needed (openssl pkey)");
  EXPECT_EQ(mistake(certificate, other.key_file),
            other.key_file + ": does not belong to the certificate in " + certificate);

  const auto missing = TlsContext::client(absent);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), absent + ": cannot be read: No such file or directory");
  EXPECT_TRUE(TlsContext::client()) << "the system's certificates";
}

TEST(TlsContext, ACertificateOutOfDateIsRefusedWithItsDate) {
  TlsFiles files;
  const WallTime may = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4} + hours(12);
  files.issue({"localhost"}, may);
  const std::string& path = files.certificate_file;
  EXPECT_EQ(mistake(path, files.key_file, may), "");
  EXPECT_EQ(mistake(path, files.key_file, may + days(396)), "");
  // 397 days from one hour before.
  EXPECT_EQ(mistake(path, files.key_file, may + days(397)), path + ": expired on 2027-06-05 11:00 UTC");
  EXPECT_EQ(mistake(path, files.key_file, may - hours(2)), path + ": is not valid before 2026-05-04 11:00 UTC");
  const std::string leaf = TlsFiles::read(path);
  files.issue({"localhost"}, may + days(400));
  files.write("server.pem", TlsFiles::read(path) + leaf);
  EXPECT_EQ(mistake(path, files.key_file, may + days(410)),
            path + ": certificate 2 of the chain expired on 2027-06-05 11:00 UTC");
}

TEST(TlsAuthority, ItSignsForNamesAndAddressesOnly) {
  for (const std::string_view good : {"localhost", "a.b", "xn--bcher-kva.example", "192.0.2.1", "::1", "*.a.example"})
    EXPECT_TRUE(is_certificate_host(good)) << good;
  for (const std::string_view bad : {"", ".", "a..b", "-a", "a-", "a b", "a,DNS:b", "*.com", "*", "a.*.b",
                                     "192.0.2.300", "http://a", "a:80", "a/b", "a\nb", "b\xc3\xbc.example"})
    EXPECT_FALSE(is_certificate_host(bad)) << bad;
  EXPECT_FALSE(is_certificate_host(std::string(64, 'a') + ".example"));
  const auto authority = make_authority("a", today());
  ASSERT_TRUE(authority);
  EXPECT_EQ(issue_certificate(*authority, {}, today()).error(), "no host is named");
  EXPECT_EQ(issue_certificate(*authority, {"a,DNS:b"}, today()).error(),
            "a,DNS:b: is neither a DNS name nor an IP address");
}

TEST(TlsAuthority, AnAuthorityThatDoesNotDoIsRefused) {
  const auto authority = *make_authority("a", today());
  const auto other = *make_authority("b", today());
  EXPECT_EQ(issue_certificate({authority.certificate, other.key}, {"a"}, today()).error(),
            "the authority's key does not belong to its certificate");
  const auto leaf = *issue_certificate(authority, {"a"}, today());
  EXPECT_TRUE(issue_certificate(leaf, {"b"}, today()).error().starts_with("the authority's certificate is none"));
  EXPECT_EQ(issue_certificate(authority, {"a"}, today() + days(kAuthorityDays)).error(),
            "the authority's certificate has expired");
}

}  // namespace isthmus::transport::test
