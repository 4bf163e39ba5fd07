// SPDX-License-Identifier: MIT
// A folder of the test's own with an authority and what it signs, gone with the test.
#pragma once

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "transport/system.hpp"
#include "transport/tls_authority.hpp"
#include "transport/tls_context.hpp"

namespace isthmus::test {

inline WallTime today() {
  return transport::read_clocks().wall;
}

class TlsFiles {
 public:
  explicit TlsFiles(std::vector<std::string> hosts = {"localhost", "127.0.0.1"}) {
    std::string name = std::filesystem::temp_directory_path() / "isthmus-tls-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
    folder_ = name;
    authority_ = *transport::make_authority("test authority", today() - std::chrono::days(1));
    authority_file = write("ca.pem", authority_.certificate);
    certificate_file = folder_ + "/server.pem";
    key_file = folder_ + "/server-key.pem";
    issue(hosts);
  }
  ~TlsFiles() { std::filesystem::remove_all(folder_); }
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  // A new certificate with a new key in place of the old one.
  void issue(const std::vector<std::string>& hosts, WallTime now = today()) {
    const auto made = *transport::issue_certificate(authority_, hosts, now);
    write("server.pem", made.certificate);
    write("server-key.pem", made.key.reveal());
  }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  transport::TlsContext::Ptr server() const {
    return *transport::TlsContext::server(certificate_file, key_file, today());
  }
  transport::TlsContext::Ptr client() const { return *transport::TlsContext::client(authority_file); }
  const transport::PemPair& authority() const { return authority_; }
  const std::string& folder() const { return folder_; }

  std::string authority_file, certificate_file, key_file;

 private:
  std::string folder_;
  transport::PemPair authority_;
};

}  // namespace isthmus::test
