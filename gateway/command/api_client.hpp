// SPDX-License-Identifier: MIT
// How a command speaks to the gateway that runs: one HTTP/1.1 request on its web listener with the API secret, blocking
// and bounded in time and size. Address and secret come from the same configuration that the gateway was started with.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "gateway/command/arguments.hpp"
#include "gateway/config.hpp"
#include "transport/tls_context.hpp"

namespace isthmus::gateway {

inline constexpr std::chrono::milliseconds kApiLimit{10000};  // from the connection to the last byte of the reply
inline constexpr size_t kMaxApiReply = 256 << 20;             // far above what any resource of the API gives

struct ApiAccess {
  SocketAddress address;  // where to connect
  std::string host;       // for the Host header
  Private<std::string> secret;
  transport::TlsContext::Ptr tls;  // trusts the certificate of the listener and no other; none: it speaks plain
  std::string tls_host;            // a name that it is for
};

struct ApiReply {
  int status = 0;
  std::string body;
};

// Where a gateway with this configuration listens, and its secret: of the configuration, or of the file that the first
// start made. Errors are sentences for the operator.
Result<ApiAccess, std::string> api_access(const Config& config);

// `target` is the path with its query. `body`, when there is one, is JSON. Any status is a reply; only what is no HTTP
// response within the limits is an error, as a sentence.
Result<ApiReply, std::string> ask_api(const ApiAccess& access, std::string_view method, std::string_view target,
                                      std::string_view body = {}, std::chrono::milliseconds limit = kApiLimit);

// Both in one for a command with the options --config, --data and --web. Not allowed (401) is an error, too.
Result<ApiReply, std::string> ask_gateway(const Arguments& arguments, std::string_view method, std::string_view target,
                                          std::string_view body = {});

// What the API says in an error: the sentence of {"error":{"message":...}}, or its status where there is none.
std::string api_message(const ApiReply& reply);

}  // namespace isthmus::gateway
