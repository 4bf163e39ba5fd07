// SPDX-License-Identifier: MIT
// isthmus calls: the calls of the gateway that runs, one a line, oldest first.
#include <iostream>

#include "gateway/api/json.hpp"
#include "gateway/command/api_client.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace {

constexpr int kPerPage = 50;     // a page of calls stays far below kMaxJsonBytes
constexpr int kMaxPages = 1000;  // a list that grows while it is read comes to an end

std::string text_of(const Json& entry, std::string_view name) {
  const Json* value = entry.find(name);
  return value != nullptr && value->text() != nullptr ? printable(*value->text()) : std::string{};
}

// "c_8xk2 confirmed incoming from 1000 to 2000 by registrar since 2026-01-31T12:00:00.000Z"
std::string line_of(const Json& call) {
  std::string out = text_of(call, "id") + " " + text_of(call, "current_state") + " " + text_of(call, "dir") + " from " +
                    text_of(call, "from") + " to " + text_of(call, "to");
  if (const std::string module = text_of(call, "module"); !module.empty()) out += " by " + module;
  return out + " since " + text_of(call, "created_at");
}

}  // namespace

int command_calls(const Arguments& arguments) {
  for (int page = 1; page <= kMaxPages; ++page) {
    const auto reply = ask_gateway(
        arguments, "GET", "/api/v1/calls?page=" + std::to_string(page) + "&perPage=" + std::to_string(kPerPage));
    const auto json = reply && reply->status == 200 ? parse_json(reply->body) : Result<Json, JsonFlaw>(Json());
    const Json* entries = json && json->is_object() ? json->find("entries") : nullptr;
    if (entries == nullptr || entries->array() == nullptr) {
      std::cerr << "isthmus: " << (reply ? api_message(*reply) : reply.error()) << "\n";
      return kFailed;
    }
    for (const Json& call : *entries->array()) std::cout << line_of(call) << "\n";
    if (entries->array()->size() < kPerPage) break;
  }
  return kDone;
}

}  // namespace isthmus::gateway
