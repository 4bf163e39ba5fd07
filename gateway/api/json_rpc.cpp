// SPDX-License-Identifier: MIT
#include "gateway/api/json_rpc.hpp"

#include <algorithm>
#include <optional>

#include "gateway/api/wire.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxMethod = 64;
constexpr size_t kMaxSecret = 1024;
constexpr size_t kMaxUri = 512;
constexpr size_t kMaxRef = 64;
constexpr size_t kMaxDigits = 32;
constexpr size_t kMaxSeen = 256;
constexpr size_t kMaxCandidate = 2048;

RpcError bad_param(std::string_view name) {
  return {RpcCode::invalid_params, Json::object({{"param", name}})};
}

// Reads members of `params`; the first that does not fit is remembered.
class Params {
 public:
  explicit Params(const Json& params) : params_(params) {}

  std::string text(std::string_view name, size_t least, size_t most) {
    const Json* value = params_.find(name);
    if (value == nullptr && least == 0) return {};
    const std::string* text = value == nullptr ? nullptr : value->text();
    if (text == nullptr || text->size() < least || text->size() > most) {
      complain(name);
      return {};
    }
    return *text;
  }
  Private<std::string> secret(std::string_view name) { return Private<std::string>(text(name, 1, kMaxSecret)); }
  std::string call() {
    std::string id = text("call_id", 1, 64);
    if (!id.empty() && !is_id(id)) complain("call_id");
    return id;
  }
  int64_t number(std::string_view name, int64_t otherwise, int64_t least, int64_t most) {
    const Json* value = params_.find(name);
    if (value == nullptr) return otherwise;
    const int64_t* number = value->integer();
    if (number != nullptr && *number >= least && *number <= most) return *number;
    complain(name);
    return otherwise;
  }
  const Json* raw(std::string_view name) const { return params_.find(name); }
  void complain(std::string_view name) {
    if (!wrong_) wrong_ = bad_param(name);
  }
  Result<rpc::Method, RpcError> done(rpc::Method method) const {
    if (wrong_) return fail(*wrong_);
    return method;
  }

 private:
  const Json& params_;
  std::optional<RpcError> wrong_;
};

using Parsed = Result<rpc::Method, RpcError>;

Parsed sign_in(Params params) {
  rpc::SignIn out;
  out.by_key = params.raw("client") != nullptr && params.raw("account") == nullptr;
  out.name = params.text(out.by_key ? "client" : "account", 1, 128);
  out.secret = params.secret(out.by_key ? "key" : "password");
  return params.done(std::move(out));
}

Parsed resume(Params params) {
  rpc::Resume out{params.secret("token"), {}};
  const Json* seen = params.raw("seen");
  if (seen != nullptr && (!seen->is_object() || seen->members()->size() > kMaxSeen)) {
    params.complain("seen");
    seen = nullptr;
  }
  if (seen != nullptr) {
    for (const auto& [call, sequence] : *seen->members()) {
      const int64_t* number = sequence.integer();
      if (number == nullptr || *number < 0 || *number > UINT32_MAX) {
        params.complain("seen");
        break;
      }
      out.seen[call] = static_cast<uint32_t>(*number);
    }
  }
  return params.done(std::move(out));
}

Parsed make_call(Params params) {
  rpc::MakeCall out;
  out.to = params.text("to", 1, kMaxUri);
  out.from = params.text("from", 0, 128);
  out.target = params.text("target", 0, kMaxUri);
  out.sdp = params.text("sdp", 1, kMaxJsonBytes);
  out.ref = params.text("ref", 0, kMaxRef);
  return params.done(std::move(out));
}

Parsed accept_call(Params params) {
  rpc::AcceptCall out;
  out.call = params.call();
  out.sdp = params.text("sdp", 1, kMaxJsonBytes);
  return params.done(std::move(out));
}

Parsed reject_call(Params params) {
  rpc::RejectCall out;
  out.call = params.call();
  const int64_t code = params.number("code", 603, 480, 603);
  if (code != 603 && code != 486 && code != 480) params.complain("code");
  out.code = static_cast<uint16_t>(code);
  return params.done(std::move(out));
}

Parsed send_dtmf(Params params) {
  rpc::SendDtmf out;
  out.call = params.call();
  out.digits = params.text("digits", 1, kMaxDigits);
  if (out.digits.find_first_not_of("0123456789*#ABCD") != std::string::npos) params.complain("digits");
  out.milliseconds = static_cast<uint16_t>(params.number("duration_ms", 160, 40, 2000));
  return params.done(std::move(out));
}

// They are of no use to an ICE-lite agent; their form is checked all the same.
Parsed candidates(Params params) {
  rpc::Candidates out;
  out.call = params.call();
  const Json* list = params.raw("candidates");
  const Json::Array* array = list == nullptr ? nullptr : list->array();
  const bool good = array != nullptr && array->size() <= kMaxCandidates &&
                    std::all_of(array->begin(), array->end(), [](const Json& each) {
                      const Json* text = each.find("candidate");
                      return text != nullptr && text->text() != nullptr && text->text()->size() <= kMaxCandidate;
                    });
  if (!good) params.complain("candidates");
  return params.done(std::move(out));
}

struct Known {
  std::string_view name;
  bool needs_session;
  Parsed (*parse)(Params);
};
constexpr Known kMethods[] = {
    {"sign_in", false, sign_in},
    {"resume", false, resume},
    {"ping", false, [](Params params) { return params.done(rpc::Ping{}); }},
    {"make_call", true, make_call},
    {"ringing", true,
     [](Params params) {
       rpc::Ringing out{params.call()};
       return params.done(std::move(out));
     }},
    {"accept_call", true, accept_call},
    {"reject_call", true, reject_call},
    {"drop_call", true,
     [](Params params) {
       rpc::DropCall out{params.call()};
       return params.done(std::move(out));
     }},
    {"send_dtmf", true, send_dtmf},
    {"candidates", true, candidates},
    {"sign_out", true, [](Params params) { return params.done(rpc::SignOut{}); }},
};

const Known* find_method(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Known& known) { return known.name == name; });
  return found == std::end(kMethods) ? nullptr : found;
}

Json json_of(const RpcId& id) {
  if (const auto* number = std::get_if<int64_t>(&id)) return *number;
  if (const auto* text = std::get_if<std::string>(&id)) return *text;
  return nullptr;
}

// False when there is an id that is neither an integer nor a short text.
bool read_id(const Json& message, RpcId& out) {
  const Json* id = message.find("id");
  if (id == nullptr) return true;
  if (const int64_t* number = id->integer()) {
    out = *number;
    return true;
  }
  const std::string* text = id->text();
  if (text == nullptr || text->size() > kMaxRpcId) return false;
  out = *text;
  return true;
}

}  // namespace

std::string_view message_of(RpcCode code) {
  switch (code) {
    case RpcCode::parse_error: return "parse error";
    case RpcCode::invalid_request: return "invalid request";
    case RpcCode::unknown_method: return "unknown method";
    case RpcCode::invalid_params: return "invalid params";
    case RpcCode::internal_error: return "internal error";
    case RpcCode::not_signed_in: return "not signed in";
    case RpcCode::refused: return "refused";
    case RpcCode::bad_credentials: return "bad credentials";
    case RpcCode::rate_limited: return "rate limited";
    case RpcCode::unknown_session: return "unknown session";
    case RpcCode::unknown_call: return "unknown call";
    case RpcCode::wrong_state: return "wrong state";
    case RpcCode::too_many_calls: return "too many calls";
    case RpcCode::not_acceptable: return "not acceptable";
    case RpcCode::unavailable: return "unavailable";
    case RpcCode::already_signed_in: return "already signed in";
  }
  return "internal error";
}

Result<RpcRequest, RpcFlaw> parse_rpc(std::string_view text) {
  auto message = parse_json(text);
  if (!message) return fail(RpcFlaw{nullptr, {RpcCode::parse_error, {}}});
  RpcRequest out;
  const Json* version = message->find("jsonrpc");
  const Json* method = message->find("method");
  const bool whole = read_id(*message, out.id) && version != nullptr && version->text() != nullptr &&
                     *version->text() == "2.0" && method != nullptr && method->text() != nullptr &&
                     !method->text()->empty() && method->text()->size() <= kMaxMethod;
  if (!whole) {
    const bool has_id = !std::holds_alternative<std::monostate>(out.id);
    return fail(RpcFlaw{has_id ? out.id : RpcId(nullptr), {RpcCode::invalid_request, {}}});
  }
  out.method = *method->text();
  out.params = Json(Json::Object{});
  if (const Json* params = message->find("params")) {
    if (!params->is_object()) return fail(RpcFlaw{out.id, bad_param("params")});
    out.params = *params;
  }
  return out;
}

bool needs_session(std::string_view method) {
  const Known* known = find_method(method);
  return known == nullptr || known->needs_session;
}

Result<rpc::Method, RpcError> parse_method(const RpcRequest& request) {
  const Known* known = find_method(request.method);
  if (known == nullptr) return fail(RpcError{RpcCode::unknown_method, {}});
  return known->parse(Params(request.params));
}

std::string rpc_result(const RpcId& id, Json result) {
  if (std::holds_alternative<std::monostate>(id)) return {};
  return Json::object({{"jsonrpc", "2.0"}, {"id", json_of(id)}, {"result", std::move(result)}}).write();
}

std::string rpc_error(const RpcId& id, const RpcError& error) {
  if (std::holds_alternative<std::monostate>(id)) return {};
  Json body = Json::object({{"code", static_cast<int>(error.code)}, {"message", message_of(error.code)}});
  if (!error.data.is_null()) body.set("data", error.data);
  return Json::object({{"jsonrpc", "2.0"}, {"id", json_of(id)}, {"error", std::move(body)}}).write();
}

std::string rpc_notification(std::string_view method, Json params) {
  return Json::object({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}}).write();
}

}  // namespace isthmus::gateway
