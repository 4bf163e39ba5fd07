// SPDX-License-Identifier: MIT
// isthmus trace: SIP messages of the gateway that runs, without their secrets: on, off, shown as they come, or saved as
// a file for Wireshark.
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

#include "gateway/api/json.hpp"
#include "gateway/command/api_client.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/secret_file.hpp"

namespace isthmus::gateway {
namespace {

constexpr auto kPause = std::chrono::milliseconds(300);  // between two looks
constexpr size_t kMaxPage = 4 << 20;                     // far above what the API gives at once
std::atomic<bool> interrupted = false;

int failed(const Result<ApiReply, std::string>& reply) {
  std::cerr << "isthmus: " << (reply ? api_message(*reply) : reply.error()) << "\n";
  return kFailed;
}

std::string text_of(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return value != nullptr && value->text() != nullptr ? *value->text() : std::string{};
}
int64_t number_of(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return value != nullptr && value->integer() != nullptr ? *value->integer() : 0;
}
bool is_on(const Json& json) {
  const Json* value = json.find("on");
  return value != nullptr && value->boolean() != nullptr && *value->boolean();
}

// Nothing that a terminal obeys: strangers wrote it.
std::string shown(std::string_view message) {
  std::string out;
  for (const char c : message) {
    if (c == '\r') continue;
    const auto octet = static_cast<unsigned char>(c);
    out += c == '\n' || c == '\t' || (octet >= 0x20 && octet != 0x7f) ? c : '?';
  }
  return out;
}

void show(const Json& entry) {
  std::cout << "---- " << text_of(entry, "at") << " " << text_of(entry, "direction") << " "
            << text_of(entry, "protocol") << " " << text_of(entry, "from") << " > " << text_of(entry, "to") << "\n"
            << shown(text_of(entry, "message")) << "\n";
}

// Reads on from `after`; nothing when it failed, which was said.
std::optional<Json> read_on(const Arguments& arguments, int64_t after) {
  const auto reply = ask_gateway(arguments, "GET", "/api/v1/trace?after=" + std::to_string(after));
  auto json = reply && reply->status == 200 ? parse_json(reply->body, kMaxPage) : Result<Json, JsonFlaw>(Json());
  const Json* entries = json && json->is_object() ? json->find("entries") : nullptr;
  if (entries == nullptr || entries->array() == nullptr) {
    failed(reply);
    return std::nullopt;
  }
  return std::move(*json);
}

}  // namespace

int command_trace(const Arguments& arguments) {
  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGTERM, [](int) { interrupted = true; });
  for (int64_t after = 0; !interrupted;) {
    const auto page = read_on(arguments, after);
    if (!page) return kFailed;
    for (const Json& entry : *page->find("entries")->array()) show(entry);
    std::cout << std::flush;
    if (!std::cout) return kFailed;  // nobody reads any more
    const bool more = number_of(*page, "next") > after;
    after = number_of(*page, "next");
    if (more) continue;
    if (!is_on(*page)) {
      std::cerr << "isthmus: tracing is off; isthmus trace on begins it\n";
      return kFailed;
    }
    std::this_thread::sleep_for(kPause);
  }
  return kDone;
}

int command_trace_on(const Arguments& arguments) {
  const std::string wanted = arguments.text("WHAT");
  const std::string body = wanted.empty() ? "{}" : Json::object({{"wanted", wanted}}).write();
  const auto reply = ask_gateway(arguments, "POST", "/api/v1/trace", body);
  if (!reply || reply->status != 200) return failed(reply);
  std::cout << "tracing " << (wanted.empty() ? "every SIP message" : wanted)
            << "; isthmus trace shows, isthmus trace save FILE saves, isthmus trace off ends it\n";
  return kDone;
}

int command_trace_off(const Arguments& arguments) {
  const auto reply = ask_gateway(arguments, "DELETE", "/api/v1/trace");
  if (!reply || reply->status != 200) return failed(reply);
  const auto json = parse_json(reply->body);
  std::cout << "tracing is off; " << (json && json->is_object() ? number_of(*json, "kept") : 0)
            << " messages are kept for isthmus trace save FILE until it begins again\n";
  return kDone;
}

int command_trace_save(const Arguments& arguments) {
  const auto reply = ask_gateway(arguments, "GET", "/api/v1/trace.pcapng");
  if (!reply || reply->status != 200) return failed(reply);
  const std::string path = arguments.text("FILE");
  if (const auto written = write_secret_file(path, reply->body); !written) {
    std::cerr << "isthmus: " << written.error() << " (a file that is there is not written over)\n";
    return kFailed;
  }
  std::cout << path << " is written: " << reply->body.size() << " bytes\n";
  return kDone;
}

}  // namespace isthmus::gateway
