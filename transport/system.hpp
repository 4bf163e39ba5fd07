// SPDX-License-Identifier: MIT
// The only room that reads the clocks, the random source, the limits and the interfaces of the machine. It keeps
// nothing and decides nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/random.hpp"
#include "base/time.hpp"

namespace isthmus::transport {

// An errno of the operating system, kept as a value.
struct SystemError {
  int number = 0;
  std::string text() const;
};

Now read_clocks();
Seed random_seed();  // 32 octets from getrandom(2); ends the program when the kernel has none

// Raises RLIMIT_NOFILE to its hard limit; returns how many descriptors the process may now open.
uint64_t raise_descriptor_limit();

// Tells who started the program how it is, in the words of sd_notify(3): "READY=1", "RELOADING=1", "STOPPING=1".
// Nothing happens when nobody wants to know (NOTIFY_SOCKET).
void notify_manager(std::string_view state);

// A process of root goes on as the owner of `path`, for good, with the groups of that user (an owner without a name has
// that of `path` alone), so that it can read and write what that owner can, and nothing else. True when nothing had to
// be done or it was done.
bool become_owner_of(const std::string& path);

std::string user_name();  // of whom this process acts as; the number where it has no name

// What the kernel says of this process; 0 where it says nothing.
struct ProcessFacts {
  uint64_t resident_bytes = 0;
  uint64_t open_descriptors = 0;
  uint64_t descriptor_limit = 0;
  std::chrono::microseconds processor_time{};  // of all threads, in user and kernel mode
};
ProcessFacts process_facts();

// Addresses of interfaces that are up: IPv4 first, loopback last; no IPv6 link-local ones.
std::vector<IpAddress> own_addresses();

}  // namespace isthmus::transport
