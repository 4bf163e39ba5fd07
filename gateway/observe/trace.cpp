// SPDX-License-Identifier: MIT
#include "gateway/observe/trace.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/observe/sip_secrets.hpp"

namespace isthmus::gateway {

std::string_view sip_call_id(std::string_view message) {
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find_first_of("\r\n"));
    const size_t colon = line.find(':');
    if (line.empty()) return {};
    const std::string_view name = trim(line.substr(0, std::min(colon, line.size())));
    if (colon != std::string_view::npos && (equals_ignore_case(name, "Call-ID") || equals_ignore_case(name, "i")))
      return trim(line.substr(colon + 1));
    message.remove_prefix(line.size());
    if (message.starts_with('\r')) message.remove_prefix(1);
    if (message.starts_with('\n')) message.remove_prefix(1);
  }
  return {};
}

void Trace::start(std::string wanted, OfCall of_call) {
  on_ = true;
  address_ = IpAddress::parse(wanted);
  wanted_ = std::move(wanted);
  of_call_ = std::move(of_call);
  entries_.clear();
  bytes_ = 0;
  pushed_out_ = 0;
  call_ids_.clear();
  learn();
}

void Trace::learn() {
  if (!of_call_) return;
  for (std::string& id : of_call_()) call_ids_.insert(std::move(id));
}

bool Trace::is_wanted(const Path& path, std::string_view message) {
  if (wanted_.empty()) return true;
  if (address_) return path.remote.ip == *address_;
  const std::string_view id = sip_call_id(message);
  learn();  // its other leg may have begun
  return id == wanted_ || call_ids_.contains(id);
}

void Trace::add(WallTime now, bool sent, Protocol protocol, const Path& path, Bytes bytes) {
  const std::string_view message = as_text(bytes);
  if (!on_ || !is_wanted(path, message)) return;
  std::string shown = without_secrets(message.substr(0, kMaxMessage));
  bytes_ += shown.size() + kEntryBytes;
  entries_.push_back({++last_, now, sent, protocol, sent ? path.local : path.remote, sent ? path.remote : path.local,
                      std::move(shown)});
  while (bytes_ > kRingBytes && !entries_.empty()) {
    bytes_ -= entries_.front().message.size() + kEntryBytes;
    entries_.pop_front();
    ++pushed_out_;
  }
}

}  // namespace isthmus::gateway
