// SPDX-License-Identifier: MIT
#include "gateway/api/routes.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/api/json.hpp"
#include "gateway/api/wire.hpp"
#include "sip/message/uri.hpp"

namespace isthmus::gateway {
namespace {

constexpr std::string_view kPrefix = "/api/v1/";
constexpr uint64_t kMaxPage = 1000000;
constexpr uint64_t kMaxPerPage = 200;
constexpr uint64_t kPerPage = 50;
constexpr size_t kMaxIdentities = 16;
constexpr size_t kMaxTarget = 512;

HttpResponse json(int status, const Json& body) {
  return {status, "application/json", body.write(), {}};
}
HttpResponse not_found() {
  return HttpResponse::error(404, "not_found", "There is nothing here.");
}
HttpResponse not_allowed(std::string allow) {
  HttpResponse out = HttpResponse::error(405, "method_not_allowed", "This method is not for this resource.");
  out.headers.emplace_back("Allow", std::move(allow));
  return out;
}
HttpResponse bad_request(std::string_view param, std::string_view message) {
  Json error = Json::object({{"code", "bad_request"}, {"message", message}});
  if (!param.empty()) error.set("param", param);
  return json(400, Json::object({{"error", std::move(error)}}));
}
HttpResponse unknown_call() {
  return HttpResponse::error(404, "unknown_call", "No call has this id.");
}
HttpResponse unknown_client() {
  return HttpResponse::error(404, "unknown_client", "No client has this id.");
}
HttpResponse wrong_state() {
  return HttpResponse::error(409, "wrong_state", "The call is not in a state for this.");
}
HttpResponse wrong_direction() {
  return HttpResponse::error(409, "wrong_direction", "This is not for calls of this direction.");
}

HttpResponse response_to(CommandError error, const CallFacts& call) {
  switch (error) {
    case CommandError::none: return json(200, call_for_list(call));
    case CommandError::unknown_call: return unknown_call();
    case CommandError::unknown_client: return unknown_client();
    case CommandError::wrong_direction: return wrong_direction();
    case CommandError::client_offline:
      return HttpResponse::error(409, "client_offline", "The client is not connected.");
    case CommandError::unavailable: return HttpResponse::error(503, "overloaded", "There is no room for this now.");
    default: return wrong_state();
  }
}

struct PageRequest {
  uint64_t page = 1;
  uint64_t per_page = kPerPage;
};

// Digits only, within bounds; the parameter that is wrong otherwise.
Result<PageRequest, std::string_view> page_of(const HttpRequest& request) {
  PageRequest out;
  const auto read = [&](std::string_view name, uint64_t most, uint64_t& value) {
    if (!request.parameter(name)) return request.query.find(std::string(name) + "=") == std::string::npos;
    const auto number = parse_number(*request.parameter(name), most);
    value = number.value_or(0);
    return value > 0;
  };
  if (!read("page", kMaxPage, out.page)) return fail(std::string_view("page"));
  if (!read("perPage", kMaxPerPage, out.per_page)) return fail(std::string_view("perPage"));
  return out;
}

template <class List, class F>
HttpResponse page(const PageRequest& wanted, const List& all, F&& entry) {
  Json::Array entries;
  const size_t first = std::min<size_t>(all.size(), (wanted.page - 1) * wanted.per_page);
  const size_t last = std::min<size_t>(all.size(), first + wanted.per_page);
  for (size_t i = first; i < last; ++i) entries.push_back(entry(all[i]));
  return json(200, Json::object({{"page", size_t{wanted.page}},
                                 {"perPage", size_t{wanted.per_page}},
                                 {"totalPages", (all.size() + wanted.per_page - 1) / wanted.per_page},
                                 {"totalEntries", all.size()},
                                 {"entries", std::move(entries)}}));
}

// The body as an object; an absent one is empty. Or the response that says what is wrong with it.
Result<Json, HttpResponse> body_of(const HttpRequest& request) {
  if (request.body.empty()) return Json(Json::Object{});
  const std::string_view type = request.header("Content-Type");
  if (!equals_ignore_case(trim(type.substr(0, type.find(';'))), "application/json"))
    return fail(HttpResponse::error(415, "unsupported_media_type", "The body must be application/json."));
  auto body = parse_json(request.body);
  if (!body || !body->is_object()) return fail(bad_request({}, "The body must be a JSON object."));
  return std::move(*body);
}

// An optional text; false when it is there and does not fit.
template <class F>
bool take(const Json& body, std::string_view name, std::string& out, F&& fits) {
  const Json* value = body.find(name);
  if (value == nullptr) return true;
  if (value->text() == nullptr || !fits(*value->text())) return false;
  out = *value->text();
  return true;
}

bool is_sip_target(std::string_view text) {
  const auto uri = text.size() <= kMaxTarget ? sip::parse_uri(text) : sip::parse_uri("");
  return uri && uri->is_sip();
}

}  // namespace

Routes::Routes(Private<std::string> secret, Directory& directory, ApiSources sources, std::function<void()> wake)
    : secret_(std::move(secret)), directory_(directory), sources_(std::move(sources)), wake_(std::move(wake)) {}

// ---- who may

// Bearer, or Basic with the user `api`. Hashes are compared: the time says nothing about the secret, not even its
// length.
bool Routes::shows_secret(std::string_view authorization) const {
  const size_t space = authorization.find(' ');
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view value =
      space == std::string_view::npos ? std::string_view{} : trim(authorization.substr(space));
  std::string shown(value);
  if (equals_ignore_case(scheme, "Basic")) {
    const auto decoded = from_base64(value);
    shown = decoded ? std::string(as_text(*decoded)) : std::string{};
    if (!shown.starts_with("api:")) return false;
    shown.erase(0, 4);
  } else if (!equals_ignore_case(scheme, "Bearer")) {
    return false;
  }
  const auto a = crypto::sha256(as_bytes(shown));
  const auto b = crypto::sha256(as_bytes(secret_.reveal()));
  return crypto::equal_constant_time(a, b);
}

std::optional<HttpResponse> Routes::refuse(const HttpRequest& request) {
  const TimePoint now = sources_.clock().steady;
  const std::string source = Attempts::source(request.sender.ip);
  const auto wait = wrong_secrets_.wait(now, source);
  if (wait.count() > 0) {
    HttpResponse out = HttpResponse::error(429, "rate_limited", "Too many wrong secrets from this address.");
    out.headers.emplace_back("Retry-After", std::to_string(wait.count()));
    return out;
  }
  const std::string_view shown = request.header("Authorization");
  if (shows_secret(shown)) return std::nullopt;
  if (!shown.empty()) wrong_secrets_.failed(now, source);
  HttpResponse out = HttpResponse::error(401, "unauthorized", "The API secret is missing or wrong.");
  out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"isthmus\", Basic realm=\"isthmus\"");
  return out;
}

// ---- which way

void Routes::handle(const HttpRequest& request, const HttpReply& reply) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (request.path == "/healthz" || request.path == "/readyz") {
    if (!reading) return reply(not_allowed("GET, HEAD"));
    return reply(request.path == "/readyz" ? ready() : json(200, Json::object({{"status", "ok"}})));
  }
  const bool is_api = request.path.starts_with(kPrefix);
  if (!is_api && request.path != "/metrics") return reply(not_found());
  if (auto refused = refuse(request)) return reply(std::move(*refused));
  if (is_api) return api(request, reply);
  if (!reading) return reply(not_allowed("GET, HEAD"));
  reply({200, "text/plain; version=0.0.4; charset=utf-8", sources_.metrics(), {}});
}

// For whoever spreads calls over gateways. Sentences of ours alone: it is answered without a secret.
HttpResponse Routes::ready() const {
  const Readiness now = sources_.readiness();
  if (!now.reasons.empty()) {
    std::string why;
    for (const std::string_view reason : now.reasons) why.append(why.empty() ? "" : " ").append(reason);
    return HttpResponse::error(503, "not_ready", why);
  }
  Json out = Json::object({{"status", "ready"}});
  if (!now.notes.empty()) out.set("notes", Json::Array(now.notes.begin(), now.notes.end()));
  return json(200, out);
}

void Routes::api(const HttpRequest& request, const HttpReply& reply) {
  if (sources_.is_ending()) return reply(HttpResponse::error(503, "overloaded", "The gateway is ending."));
  std::string_view rest = std::string_view(request.path).substr(kPrefix.size());
  std::string_view pieces[3];
  for (std::string_view& piece : pieces) {
    piece = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), piece.size() + 1));
  }
  const Target target{pieces[0], pieces[1], pieces[2]};
  const std::string whole = std::string(kPrefix) + std::string(target.resource) +
                            (target.id.empty() ? "" : "/" + std::string(target.id)) +
                            (target.verb.empty() ? "" : "/" + std::string(target.verb));
  if (whole != request.path) return reply(not_found());
  if (target.id.empty()) {
    if (auto listed = table(request, target.resource)) return reply(std::move(*listed));
  }
  if (target.resource == "drain" && target.id.empty()) return reply(drain(request));
  const bool trace = target.resource == "trace" || target.resource == "trace.pcapng";
  if (trace && target.id.empty()) return reply(sources_.trace(request));
  if (target.resource == "calls") return calls(request, target, reply);
  if (target.resource == "clients" && target.verb.empty()) return clients(request, target, reply);
  const bool table = target.resource == "registrations" || target.resource == "dialogs";
  if (table && target.id.empty()) {
    const bool reading = request.method == "GET" || request.method == "HEAD";
    if (!reading) return reply(not_allowed("GET, HEAD"));
    return reply(target.resource == "dialogs" ? dialog_page(request) : registration_page(request));
  }
  reply(not_found());
}

// ---- tables of the moment

// A list that can only be read; none: this is no such list.
std::optional<HttpResponse> Routes::table(const HttpRequest& request, std::string_view resource) const {
  const bool known = resource == "failures" || resource == "trunks";
  if (!known) return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") return not_allowed("GET, HEAD");
  const auto wanted = page_of(request);
  if (!wanted) return bad_request(wanted.error(), "A page is a number from 1.");
  if (resource == "trunks") return page(*wanted, sources_.trunks(), trunk_for_list);
  return page(*wanted, sources_.failures(), failure_for_list);
}

// ---- calls

HttpResponse Routes::call_page(const HttpRequest& request) const {
  const auto wanted = page_of(request);
  if (!wanted) return bad_request(wanted.error(), "A page is a number from 1.");
  return page(*wanted, sources_.calls(), call_for_list);
}

// ---- tables of the moment (R4.7, R4.8)

HttpResponse Routes::registration_page(const HttpRequest& request) const {
  const auto wanted = page_of(request);
  if (!wanted) return bad_request(wanted.error(), "A page is a number from 1.");
  return page(*wanted, sources_.registrations(), registration_for_list);
}

HttpResponse Routes::dialog_page(const HttpRequest& request) const {
  const auto wanted = page_of(request);
  if (!wanted) return bad_request(wanted.error(), "A page is a number from 1.");
  return page(*wanted, sources_.dialogs(), dialog_for_list);
}

void Routes::calls(const HttpRequest& request, const Target& target, const HttpReply& reply) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (!target.verb.empty()) return command(request, target, reply);
  if (!reading) return reply(not_allowed("GET, HEAD"));
  if (target.id.empty()) return reply(call_page(request));
  const auto call = sources_.call(target.id);
  reply(json(200, call ? call_for_list(*call) : Json()));
}

void Routes::command(const HttpRequest& request, const Target& target, const HttpReply& reply) {
  const bool known = target.verb == "drop" || target.verb == "allow" || target.verb == "switch";
  if (!known) return reply(not_found());
  if (request.method != "POST") return reply(not_allowed("POST"));
  const auto body = body_of(request);
  if (!body) return reply(body.error());

  std::string from, uri, client;
  if (target.verb == "allow") {
    if (!take(*body, "from", from, is_user)) return reply(bad_request("from", "This is no user."));
    if (!take(*body, "target", uri, is_sip_target)) return reply(bad_request("target", "This is no SIP URI."));
  }
  if (target.verb == "switch" && (!take(*body, "client", client, is_id) || client.empty()))
    return reply(bad_request("client", "The id of a client is needed."));

  const auto call = sources_.call(target.id);
  if (!call) return reply(unknown_call());
  const bool outgoing = call->direction == CallDirection::outgoing;
  if ((target.verb == "allow" && !outgoing) || (target.verb == "switch" && outgoing)) return reply(wrong_direction());
  if (call->state == CallState::dropped) return reply(wrong_state());
  const ClientEntry* entry = client.empty() ? nullptr : directory_.find(client);
  if (target.verb == "switch" && entry == nullptr) return reply(unknown_client());

  const uint64_t token = ++tokens_;
  waiting_[token] = {reply, call->id, std::nullopt, {}};
  if (target.verb == "drop") put(Command(DropCall{token, {}, call->id}));
  if (target.verb == "allow") put(Command(AllowCall{token, call->id, from, uri}));
  // The Exchange knows clients by what they are called by.
  if (target.verb == "switch") put(Command(SwitchCall{token, call->id, entry->identities.front()}));
}

void Routes::done(const CommandDone& done) {
  const auto found = waiting_.find(done.token);
  if (found == waiting_.end()) return;
  found->second.error = done.error;
  found->second.facts = done.call;
}

void Routes::ended(const CallFacts& call) {
  for (auto& [token, waiting] : waiting_) {
    if (waiting.error && waiting.call == call.id) waiting.facts = call;
  }
}

// The response shows the call as it is now, or as it ended.
void Routes::settle() {
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    Waiting& waiting = each->second;
    if (!waiting.error) {
      ++each;
      continue;
    }
    const auto call = sources_.call(waiting.call);
    waiting.reply(response_to(*waiting.error, call ? *call : waiting.facts));
    each = waiting_.erase(each);
  }
}

// ---- clients

Json Routes::client_json(const ClientEntry& entry) const {
  return Json::object({{"id", entry.id},
                       {"identities", Json::Array(entry.identities.begin(), entry.identities.end())},
                       {"source", entry.is_account ? "account" : "api"},
                       {"connected", sources_.is_connected(entry.id)},
                       {"sessions", sources_.sessions_of(entry.id)},
                       {"created_at", timestamp(entry.created)}});
}

HttpResponse Routes::client_page(const HttpRequest& request) const {
  const auto wanted = page_of(request);
  if (!wanted) return bad_request(wanted.error(), "A page is a number from 1.");
  return page(*wanted, directory_.list(), [this](const ClientEntry& entry) { return client_json(entry); });
}

void Routes::clients(const HttpRequest& request, const Target& target, const HttpReply& reply) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (target.id.empty()) {
    if (reading) return reply(client_page(request));
    return reply(request.method == "POST" ? make_client(request) : not_allowed("GET, HEAD, POST"));
  }
  if (request.method == "DELETE") return reply(remove_client(target.id));
  if (!reading) return reply(not_allowed("GET, HEAD, DELETE"));
  const ClientEntry* entry = directory_.find(target.id);
  reply(json(200, entry == nullptr ? Json() : client_json(*entry)));
}

// GET tells, POST begins, DELETE ends it. Calls that are up go on; `stop` ends the program with the last of them.
HttpResponse Routes::drain(const HttpRequest& request) {
  if (request.method == "POST") {
    const auto body = body_of(request);
    if (!body) return body.error();
    const Json* stop = body->find("stop");
    if (stop != nullptr && stop->boolean() == nullptr) return bad_request("stop", "It is true or false.");
    sources_.set_drain({true, stop != nullptr && *stop->boolean()});
  } else if (request.method == "DELETE") {
    sources_.set_drain({});
  } else if (request.method != "GET") {
    return not_allowed("GET, POST, DELETE");
  }
  const Drain now = sources_.drain();
  const std::vector<CallFacts> calls = sources_.calls();
  const auto up =
      std::count_if(calls.begin(), calls.end(), [](const CallFacts& call) { return call.state != CallState::dropped; });
  return json(200, Json::object({{"draining", now.on}, {"stop", now.stop}, {"calls", static_cast<size_t>(up)}}));
}

HttpResponse Routes::make_client(const HttpRequest& request) {
  const auto body = body_of(request);
  if (!body) return body.error();
  std::string id;
  if (!take(*body, "id", id, is_id)) return bad_request("id", "An id is 1 to 64 letters, digits, - or _.");
  const Json* list = body->find("identities");
  const Json::Array* array = list == nullptr ? nullptr : list->array();
  if (array == nullptr || array->empty() || array->size() > kMaxIdentities)
    return bad_request("identities", "A client has 1 to 16 identities.");
  std::vector<std::string> identities;
  for (const Json& each : *array) {
    if (each.text() == nullptr || !is_user(*each.text())) return bad_request("identities", "An identity is a user.");
    identities.push_back(*each.text());
  }
  const auto made = directory_.make(std::move(id), std::move(identities), sources_.clock().wall);
  if (!made && made.error() == Directory::Fault::conflict)
    return HttpResponse::error(409, "conflict", "The id or an identity is taken.");
  if (!made) return HttpResponse::error(503, "overloaded", "The client could not be kept.");
  Json out = client_json(made->client);
  out.set("key", made->key.reveal());
  return json(201, out);
}

HttpResponse Routes::remove_client(std::string_view id) {
  const std::string name(id);
  const auto removed = directory_.remove(name);
  if (removed) {
    put(ClientRemoved{name});
    return {204, "application/json", {}, {}};
  }
  if (removed.error() == Directory::Fault::unknown) return unknown_client();
  if (removed.error() == Directory::Fault::is_account)
    return HttpResponse::error(409, "conflict", "This is an account of the configuration.");
  return HttpResponse::error(503, "overloaded", "The client could not be removed.");
}

void Routes::put(Output output) {
  outputs_.push_back(std::move(output));
  wake_();
}

std::optional<Routes::Output> Routes::poll() {
  if (outputs_.empty()) return std::nullopt;
  Output out = std::move(outputs_.front());
  outputs_.pop_front();
  return out;
}

}  // namespace isthmus::gateway
