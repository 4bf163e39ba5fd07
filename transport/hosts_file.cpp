// SPDX-License-Identifier: MIT
#include "transport/hosts_file.hpp"

#include <fstream>
#include <sstream>
#include <utility>

#include "base/text.hpp"

namespace isthmus::transport {
namespace {

Records of_family(RecordType type, const std::vector<IpAddress>& addresses) {
  const Family family = type == RecordType::a ? Family::v4 : Family::v6;
  Records out;
  for (const IpAddress& ip : addresses) {
    if (ip.family == family) out.list.push_back({.type = type, .address = ip});
  }
  return out;
}

}  // namespace

std::optional<Records> HostsFile::find(RecordType type, std::string_view name) {
  if (type != RecordType::a && type != RecordType::aaaa) return std::nullopt;
  if (const auto ip = IpAddress::parse(name)) return of_family(type, {*ip});
  const std::string key = lowered(name);
  if (key == "localhost" || key.ends_with(".localhost")) {
    return of_family(type, {*IpAddress::parse("127.0.0.1"), *IpAddress::parse("::1")});
  }
  refresh();
  const auto at = names_.find(key);
  if (at == names_.end()) return std::nullopt;
  return of_family(type, at->second);
}

void HostsFile::refresh() {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(path_, error);
  if (error || written == read_at_) return;
  read_at_ = written;
  names_.clear();
  std::ifstream file(path_);
  std::string line;
  for (size_t count = 0; count < kMaxLines && std::getline(file, line); ++count) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    words >> word;
    const auto ip = IpAddress::parse(word);
    while (ip && words >> word) names_[lowered(word)].push_back(*ip);
  }
}

}  // namespace isthmus::transport
