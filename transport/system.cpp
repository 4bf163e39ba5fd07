// SPDX-License-Identifier: MIT
#include "transport/system.hpp"

#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "transport/native_address.hpp"

namespace isthmus::transport {
namespace {

Duration read_clock(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

// IPv4 before IPv6, loopback after all others.
int rank(const IpAddress& ip) {
  return (ip.is_loopback() ? 2 : 0) + (ip.is_v6() ? 1 : 0);
}

}  // namespace

std::string SystemError::text() const {
  return std::system_category().message(number);
}

Now read_clocks() {
  return {TimePoint(read_clock(CLOCK_MONOTONIC)), WallTime(read_clock(CLOCK_REALTIME))};
}

Seed random_seed() {
  Seed seed;
  size_t filled = 0;
  while (filled < seed.octets.size()) {
    const ssize_t got = getrandom(seed.octets.data() + filled, seed.octets.size() - filled, 0);
    if (got > 0) {
      filled += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      std::abort();  // without randomness no tag, nonce or key of ours would be a secret
    }
  }
  return seed;
}

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0) return limit.rlim_max;
  return limit.rlim_cur;
}

void notify_manager(std::string_view state) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t size = name == nullptr ? 0 : std::strlen(name);
  if (size == 0 || size >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, name, size);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const int out = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (out < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  // Best effort: a manager that does not listen learns by its own time limit.
  static_cast<void>(
      sendto(out, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), length));
  close(out);
}

bool become_owner_of(const std::string& path) {
  struct stat facts{};
  if (geteuid() != 0 || stat(path.c_str(), &facts) != 0 || facts.st_uid == 0) return true;
  const passwd* user = getpwuid(facts.st_uid);
  const gid_t group = user == nullptr ? facts.st_gid : user->pw_gid;
  const int grouped = user == nullptr ? setgroups(0, nullptr) : initgroups(user->pw_name, group);
  return grouped == 0 && setresgid(group, group, group) == 0 &&
         setresuid(facts.st_uid, facts.st_uid, facts.st_uid) == 0;
}

std::string user_name() {
  const passwd* user = getpwuid(geteuid());
  return user == nullptr ? std::to_string(geteuid()) : user->pw_name;
}

ProcessFacts process_facts() {
  ProcessFacts out;
  uint64_t size = 0, resident = 0;  // in pages
  if (std::ifstream("/proc/self/statm") >> size >> resident)
    out.resident_bytes = resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  std::error_code failed;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd", failed);
  // The one that reads the folder is no descriptor of the program.
  if (!failed) out.open_descriptors = static_cast<uint64_t>(std::distance(begin(descriptors), end(descriptors))) - 1;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) out.descriptor_limit = limit.rlim_cur;
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    const auto time = [](const timeval& t) {
      return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
    };
    out.processor_time = time(used.ru_utime) + time(used.ru_stime);
  }
  return out;
}

std::vector<IpAddress> own_addresses() {
  std::vector<IpAddress> out;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return out;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    sockaddr_storage native{};
    const size_t length = each->ifa_addr->sa_family == AF_INET    ? sizeof(sockaddr_in)
                          : each->ifa_addr->sa_family == AF_INET6 ? sizeof(sockaddr_in6)
                                                                  : 0;
    std::memcpy(&native, each->ifa_addr, length);
    const IpAddress ip = length == 0 ? IpAddress{} : from_native(native).ip;
    if (ip.family == Family::none || (ip.is_v6() && ip.is_link_local())) continue;
    if (std::find(out.begin(), out.end(), ip) == out.end()) out.push_back(ip);
  }
  freeifaddrs(list);
  std::sort(out.begin(), out.end(),
            [](const IpAddress& a, const IpAddress& b) { return rank(a) != rank(b) ? rank(a) < rank(b) : a < b; });
  return out;
}

}  // namespace isthmus::transport
