// SPDX-License-Identifier: MIT
#include "gateway/observe/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxLine = 512;   // of what one stranger wrote
constexpr size_t kMaxText = 4096;  // of a line
constexpr size_t kShownFrom = 5;   // so long a number or name must be
constexpr size_t kShownEnd = 2;    // for so much of its end to be shown

spdlog::level::level_enum native(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})";

struct Log {
  Log() {
    logger.set_pattern(kTextPattern);
    logger.flush_on(spdlog::level::debug);
  }
  spdlog::logger logger{"isthmus", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  LogRules rules;
};

Log& instance() {
  static Log log;
  return log;
}

}  // namespace

void set_log(const LogRules& rules) {
  Log& log = instance();
  log.rules = rules;
  log.logger.set_level(native(rules.level));
  log.logger.set_pattern(rules.format == LogFormat::json ? kJsonPattern : kTextPattern);
}

void log(const LogLine& line) {
  Log& log = instance();
  if (!is_logged(line.level)) return;
  const std::string out = written(line, log.rules.format);
  log.logger.log(native(line.level), spdlog::string_view_t(out.data(), out.size()));
}

void log(LogLevel level, std::string_view text) {
  log(LogLine{level, std::string(text)});
}

std::string written(const LogLine& line, LogFormat format) {
  if (format == LogFormat::json) {
    Json out = Json::object({{"text", line.text}});
    for (const auto& [name, value] : *line.fields.members()) out.set(name, value);
    const std::string whole = out.write();
    return whole.substr(1, whole.size() - 2);
  }
  std::string out = line.text.substr(0, kMaxText);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMaxLine));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

bool is_logged(LogLevel level) {
  return instance().logger.should_log(native(level));
}

bool is_masked() {
  return instance().rules.mask;
}

std::string shown_user(std::string_view user) {
  std::string out = printable(user);
  if (!is_masked() || out.empty()) return out;
  return out.size() < kShownFrom ? "***" : "***" + out.substr(out.size() - kShownEnd);
}

std::optional<uint64_t> LineLimit::admit(TimePoint now) {
  const auto given_back = static_cast<size_t>(std::max<int64_t>((now - since_) / each_, 0));
  if (given_back > 0) {
    spent_ -= std::min(spent_, given_back);
    since_ = now;
  }
  if (spent_ >= burst_) {
    ++untold_;
    return std::nullopt;
  }
  ++spent_;
  return std::exchange(untold_, 0);
}

std::string shown_address(const SocketAddress& address) {
  return is_masked() && address.is_set() ? shown_ip(address.ip) : address.text();
}

std::string shown_ip(const IpAddress& ip) {
  if (!is_masked()) return ip.text();
  const auto& octets = ip.octets;
  char out[48];
  if (ip.is_v4()) {
    std::snprintf(out, sizeof out, "%u.%u.%u.x", unsigned{octets[0]}, unsigned{octets[1]}, unsigned{octets[2]});
  } else {
    const auto group = [&](size_t i) { return unsigned{octets[2 * i]} << 8 | unsigned{octets[2 * i + 1]}; };
    std::snprintf(out, sizeof out, "%x:%x:%x:x", group(0), group(1), group(2));
  }
  return out;
}

}  // namespace isthmus::gateway
