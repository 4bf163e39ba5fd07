// SPDX-License-Identifier: MIT
#include "transport/port_owner.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.hpp"

namespace isthmus::transport {
namespace {

constexpr std::string_view kTcpListens = "0A";  // states of /proc/net/tcp

// An address as /proc/net writes it: words of four octets in the machine's order, in hexadecimal.
IpAddress address_of(std::string_view hex) {
  IpAddress out;
  out.family = hex.size() == 8 ? Family::v4 : Family::v6;
  for (size_t i = 0; i + 1 < hex.size() && i / 2 < out.octets.size(); i += 2) {
    const int octet = hex_digit(hex[i]) << 4 | hex_digit(hex[i + 1]);
    out.octets[(i / 8) * 4 + 3 - (i / 2) % 4] = static_cast<uint8_t>(octet);
  }
  return out;
}

bool overlaps(const IpAddress& held, const IpAddress& wanted) {
  if (held.is_unspecified() || wanted.is_unspecified()) return held.family == wanted.family || held.is_v6();
  return held == wanted;
}

// The inode of the socket that is bound there, "" for none.
std::string inode_of(const std::string& table, bool tcp, const SocketAddress& wanted) {
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);  // a heading
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::array<std::string, 10> word;
    for (std::string& each : word) words >> each;
    const size_t colon = word[1].find(':');
    if (colon == std::string::npos || (tcp && word[3] != kTcpListens)) continue;
    const auto port = static_cast<uint16_t>(std::strtoul(word[1].c_str() + colon + 1, nullptr, 16));
    if (port == wanted.port && overlaps(address_of(std::string_view(word[1]).substr(0, colon)), wanted.ip))
      return word[9];
  }
  return {};
}

bool holds(const std::filesystem::path& process, const std::string& socket) {
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(process / "fd", error)) {
    const auto target = std::filesystem::read_symlink(each.path(), error);
    if (!error && target.string() == socket) return true;
  }
  return false;
}

}  // namespace

std::string port_owner(Protocol protocol, const SocketAddress& address) {
  const bool tcp = protocol != Protocol::udp;
  const std::string table = std::string("/proc/net/") + (tcp ? "tcp" : "udp");
  std::string inode = inode_of(table, tcp, address);
  if (inode.empty()) inode = inode_of(table + "6", tcp, address);
  if (inode.empty()) return {};
  const std::string socket = "socket:[" + inode + "]";
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator("/proc", error)) {
    const std::string pid = each.path().filename().string();
    if (!std::all_of(pid.begin(), pid.end(), is_digit) || !holds(each.path(), socket)) continue;
    std::string name;
    std::getline(std::ifstream(each.path() / "comm"), name);
    return name + " (process " + pid + ")";
  }
  return "a process of another user";
}

}  // namespace isthmus::transport
