// SPDX-License-Identifier: MIT
// JSON-RPC 2.0 as clients speak it (docs/api.md section 2): a message of text in, a request with checked parameters or
// the error to answer with out. Pure functions; nothing here knows a session.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "gateway/api/json.hpp"

namespace isthmus::gateway {

enum class RpcCode : int {
  parse_error = -32700,
  invalid_request = -32600,
  unknown_method = -32601,
  invalid_params = -32602,
  internal_error = -32603,
  not_signed_in = -32000,
  refused = -32001,
  bad_credentials = -32002,
  rate_limited = -32003,
  unknown_session = -32004,
  unknown_call = -32005,
  wrong_state = -32006,
  too_many_calls = -32007,
  not_acceptable = -32008,
  unavailable = -32009,
  already_signed_in = -32010,
};
std::string_view message_of(RpcCode code);

struct RpcError {
  RpcCode code = RpcCode::internal_error;
  Json data;  // null: none
};

namespace rpc {

struct SignIn {
  bool by_key = false;
  std::string name;  // account, or id of a client made by the HTTP API
  Private<std::string> secret;
};
struct Resume {
  Private<std::string> token;
  std::map<std::string, uint32_t, std::less<>> seen;
};
struct MakeCall {
  std::string to, from, target, sdp, ref;
};
struct Ringing {
  std::string call;
};
struct AcceptCall {
  std::string call, sdp;
};
struct RejectCall {
  std::string call;
  uint16_t code = 603;
};
struct DropCall {
  std::string call;
};
struct SendDtmf {
  std::string call, digits;
  uint16_t milliseconds = 160;
};
struct Candidates {
  std::string call;
};
struct Ping {};
struct SignOut {};
using Method = std::variant<SignIn, Resume, MakeCall, Ringing, AcceptCall, RejectCall, DropCall, SendDtmf, Candidates,
                            Ping, SignOut>;

}  // namespace rpc

// Absent: a notification, obeyed and not answered. Null stands for an id that could not be read.
using RpcId = std::variant<std::monostate, std::nullptr_t, int64_t, std::string>;

struct RpcRequest {
  RpcId id;
  std::string method;
  Json params;  // an object, perhaps empty
};
struct RpcFlaw {
  RpcId id;
  RpcError error;
};

inline constexpr size_t kMaxRpcId = 128;
inline constexpr size_t kMaxCandidates = 32;

Result<RpcRequest, RpcFlaw> parse_rpc(std::string_view text);
Result<rpc::Method, RpcError> parse_method(const RpcRequest& request);
bool needs_session(std::string_view method);  // all but sign_in, resume and ping, also unknown ones

// Empty for an absent id: nothing is answered.
std::string rpc_result(const RpcId& id, Json result);
std::string rpc_error(const RpcId& id, const RpcError& error);
std::string rpc_notification(std::string_view method, Json params);

}  // namespace isthmus::gateway
