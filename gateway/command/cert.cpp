// SPDX-License-Identifier: MIT
// isthmus cert HOST...: an authority of one's own and a certificate of it for the web listener, as files below the data
// directory; then what to write into the configuration and how to make browsers trust it. An authority that is there is
// used again, so that who trusts it need not be asked twice. Root does it all as the owner of the data directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

#include "base/text.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/data_directory.hpp"
#include "gateway/command/load.hpp"
#include "transport/system.hpp"
#include "transport/tls_authority.hpp"
#include "transport/tls_context.hpp"

namespace isthmus::gateway {
namespace {

namespace fs = std::filesystem;
using transport::PemPair;

struct Paths {
  explicit Paths(const std::string& data)
      : folder(fs::absolute(fs::path(data) / "tls").lexically_normal().string()),
        authority(folder + "/ca.pem"),
        authority_key(folder + "/ca-key.pem"),
        certificate(folder + "/server.pem"),
        key(folder + "/server-key.pem") {}
  std::string folder, authority, authority_key, certificate, key;
};

int refuse(const std::string& why) {
  std::cerr << "isthmus cert: " << why << "\n";
  return kFailed;
}

std::string reason() {
  return std::generic_category().message(errno);
}

bool is_there(const std::string& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

Result<std::string, std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(transport::kMaxPemBytes, '\0');
  if (!in) return fail(path + ": cannot be read: " + reason());
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

// Beside its place first, then in one step over what is there: a running gateway never reads half a file.
Result<void, std::string> write_file(const std::string& path, std::string_view text, mode_t mode) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (file < 0) return fail(path + ": cannot be written: " + reason());
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  const std::string why = reason();
  if (::close(file) != 0 || !written || ::rename(fresh.c_str(), path.c_str()) != 0) {
    ::unlink(fresh.c_str());
    return fail(path + ": cannot be written: " + (written ? reason() : why));
  }
  return {};
}

// The key first: a certificate is never there without it.
Result<void, std::string> write_pair(const std::string& certificate, const std::string& key, const PemPair& pair) {
  if (auto written = write_file(key, pair.key.reveal(), 0600); !written) return written;
  return write_file(certificate, pair.certificate, 0644);
}

std::string machine_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "this machine";
  return name;
}

Result<PemPair, std::string> take_authority(const Paths& paths, bool& made) {
  made = !is_there(paths.authority) && !is_there(paths.authority_key);
  if (made) {
    const WallTime now = transport::read_clocks().wall;
    auto pair = transport::make_authority("Isthmus authority of " + machine_name(), now);
    if (!pair) return pair;
    if (auto written = write_pair(paths.authority, paths.authority_key, *pair); !written) return fail(written.error());
    return pair;
  }
  auto certificate = read_file(paths.authority);
  if (!certificate) return fail(certificate.error());
  auto key = read_file(paths.authority_key);
  if (!key) return fail(key.error());
  return PemPair{std::move(*certificate), Private<std::string>(std::move(*key))};
}

Result<void, std::string> make_folder(const Paths& paths) {
  if (::mkdir(paths.folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(paths.folder + ": cannot be made: " + reason());
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(paths.folder, error))) return fail(paths.folder + ": is not a directory");
  return {};
}

void tell(const Paths& paths, const std::vector<std::string>& hosts, bool new_authority, const std::string& mark) {
  std::string names;
  for (const std::string& host : hosts) names += (names.empty() ? "" : ", ") + host;
  std::cout
      << "A certificate for " << names << " is in\n  " << paths.certificate << "\n  " << paths.key << "\n"
      << "signed by " << (new_authority ? "a new authority" : "the authority that was there") << "\n  "
      << paths.authority << "\n  SHA-256 " << mark << "\n\n"
      << "Write into the configuration:\n\n"
      << "  [web]\n"
      << "  listen = \"0.0.0.0:8443\"\n"
      << "  certificate = \"" << paths.certificate << "\"\n"
      << "  key = \"" << paths.key << "\"\n\n"
      << "and open https://"
      << (hosts.front().find(':') == std::string::npos ? hosts.front() : "[" + hosts.front() + "]")
      << ":8443/. Copy ca.pem, and nothing else, to each machine that is to trust it:\n\n"
      << "  Debian    cp ca.pem /usr/local/share/ca-certificates/isthmus.crt && update-ca-certificates\n"
      << "  Firefox   Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import\n"
      << "  Chromium  Settings, Privacy and security, Security, Manage certificates, Authorities, Import\n"
      << "  Android   Settings, Security, Encryption & credentials, Install a certificate, CA certificate\n"
      << "  iOS       open ca.pem, install the profile; General, About, Certificate Trust Settings, switch it on\n\n"
      << "Whoever has " << paths.authority_key << " can pretend to be any site to those machines: keep it here.\n"
      << "The certificate ends after " << transport::kCertificateDays
      << " days; `isthmus cert --force HOST...` makes the next, SIGHUP lets a running gateway use it.\n";
}

}  // namespace

int command_cert(const Arguments& arguments) {
  const std::vector<std::string> hosts = arguments.all("HOST");
  for (const std::string& host : hosts) {
    if (transport::is_certificate_host(host)) continue;
    std::cerr << "isthmus cert: " << host << ": is neither a DNS name nor an IP address\n";
    return kBadConfig;
  }
  auto config = load_file(arguments.text("--config"));
  if (!config) return complain(config.error());
  if (arguments.has("--data")) config->data = arguments.text("--data");
  if (auto entered = enter_data_directory(*config); !entered) return refuse(entered.error());
  const Paths paths(config->data);
  if (!arguments.has("--force") && (is_there(paths.certificate) || is_there(paths.key)))
    return refuse(paths.certificate + " is there already; --force replaces it");
  if (auto made = make_folder(paths); !made) return refuse(made.error());
  bool new_authority = false;
  const auto authority = take_authority(paths, new_authority);
  if (!authority) return refuse(authority.error());
  const auto pair = transport::issue_certificate(*authority, hosts, transport::read_clocks().wall);
  if (!pair) return refuse(paths.authority + ": " + pair.error());
  if (auto written = write_pair(paths.certificate, paths.key, *pair); !written) return refuse(written.error());
  const auto mark = transport::certificate_fingerprint(authority->certificate);
  tell(paths, hosts, new_authority, mark.value_or("unknown"));
  return kDone;
}

}  // namespace isthmus::gateway
