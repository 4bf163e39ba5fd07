// SPDX-License-Identifier: MIT
// isthmus drain: the running gateway takes no new calls; the command waits until the last one is over.
#include <chrono>
#include <iostream>
#include <thread>

#include "gateway/api/json.hpp"
#include "gateway/command/api_client.hpp"
#include "gateway/command/commands.hpp"

namespace isthmus::gateway {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{500};

int refuse(const std::string& why) {
  std::cerr << "isthmus: " << why << "\n";
  return kFailed;
}

// How many calls are up, of what the API says.
Result<int64_t, std::string> calls_of(const ApiReply& reply) {
  if (reply.status != 200) return fail(api_message(reply));
  const auto body = parse_json(reply.body);
  const Json* calls = body ? body->find("calls") : nullptr;
  if (calls == nullptr || calls->integer() == nullptr) return fail(std::string("the gateway's answer is none"));
  return *calls->integer();
}

}  // namespace

int command_drain(const Arguments& arguments) {
  const bool off = arguments.has("--off"), stop = arguments.has("--stop");
  const auto begun = ask_gateway(arguments, off ? "DELETE" : "POST", "/api/v1/drain", stop ? R"({"stop":true})" : "");
  if (!begun) return refuse(begun.error());
  auto left = calls_of(*begun);
  if (!left) return refuse(left.error());
  if (off) {
    std::cout << "new calls are taken again\n";
    return kDone;
  }
  for (int64_t told = -1; *left > 0;) {
    if (*left != told) std::cout << "no new calls; " << (told = *left) << " up\n" << std::flush;
    std::this_thread::sleep_for(kBetweenLooks);
    const auto now = ask_gateway(arguments, "GET", "/api/v1/drain");
    if (!now && stop) break;  // it has ended with its last call
    if (!now) return refuse(now.error());
    left = calls_of(*now);
    if (!left) return refuse(left.error());
  }
  std::cout << (stop ? "drained; the gateway ends\n" : "drained; new calls are refused until isthmus drain --off\n");
  return kDone;
}

}  // namespace isthmus::gateway
