// SPDX-License-Identifier: MIT
// The log of the program: lines on the standard error, with time and level, as text or as one JSON object each. What a
// stranger wrote is made printable. Secrets are Private values (base/log.hpp) and never get here; packets and messages
// are not logged at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/time.hpp"
#include "gateway/api/json.hpp"
#include "gateway/log_rules.hpp"

namespace isthmus::gateway {

struct LogLine {
  LogLevel level = LogLevel::info;
  std::string text;                    // for people; says everything
  Json fields = Json(Json::Object{});  // for programs: members of the JSON line beside time, level and text
};

// Lines that strangers can provoke: so many in a row, then one for each time that is over; the rest is counted.
class LineLimit {
 public:
  LineLimit(size_t burst, Duration each) : burst_(burst), each_(each) {}
  // None: not this one. Otherwise how many were passed over since the last.
  std::optional<uint64_t> admit(TimePoint now);

 private:
  size_t burst_;
  Duration each_;
  size_t spent_ = 0;
  TimePoint since_{};
  uint64_t untold_ = 0;
};

void set_log(const LogRules& rules);  // from now on
void log(const LogLine& line);
void log(LogLevel level, std::string_view text);
bool is_logged(LogLevel level);  // else a line needs not be made

// Control characters and bytes that are no ASCII become `?`; at most 512 octets.
std::string printable(std::string_view text);
// Personal data, as the log may show it: printable; where the rules mask, of a number or name the last two characters
// are left when it has five or more ("***67", else "***"), and of an address its network: 192.0.2.x, 2001:db8:0:x
// (IPv4 /24, IPv6 /48). The same always looks the same.
std::string shown_user(std::string_view user);
std::string shown_address(const SocketAddress& address);
std::string shown_ip(const IpAddress& ip);
bool is_masked();

// What stands behind time and level in a line: of a text line the text without control characters, of a JSON line the
// members after "level".
std::string written(const LogLine& line, LogFormat format);

}  // namespace isthmus::gateway
