// SPDX-License-Identifier: MIT
// Names that need no query: addresses written as text, "localhost" and below it (RFC 6761 section 6.3), and the lines
// of a hosts file, read again when it has changed.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.hpp"

namespace isthmus::transport {

class HostsFile {
 public:
  static constexpr size_t kMaxLines = 10000;

  explicit HostsFile(std::string path) : path_(std::move(path)) {}

  // Nothing: ask the name servers. An empty list: the name is known here, without addresses of that kind.
  std::optional<Records> find(RecordType type, std::string_view name);

 private:
  void refresh();

  std::string path_;
  std::filesystem::file_time_type read_at_{};
  std::map<std::string, std::vector<IpAddress>, std::less<>> names_;  // in lower case
};

}  // namespace isthmus::transport
