// SPDX-License-Identifier: MIT
// The HTTP API (docs/api.md section 4): requests of the web server and the operator in, responses out, at once or when
// the Exchange has obeyed. The secret is compared in constant time and wrong ones are counted per address.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "gateway/api/attempts.hpp"
#include "gateway/api/directory.hpp"
#include "gateway/api/http_server.hpp"
#include "gateway/api/wire.hpp"
#include "gateway/call/ask.hpp"

namespace isthmus::gateway {

class Json;

// May new calls come? `reasons`: why not, in sentences that strangers may read; none: ready. `notes`: what is wrong
// although calls may come.
struct Readiness {
  std::vector<std::string_view> reasons;
  std::vector<std::string_view> notes;
};

// What the API reads of the rest of the gateway.
struct Drain {
  bool on = false;
  bool stop = false;  // the program ends with the last call
};

struct ApiSources {
  std::function<Now()> clock;
  std::function<std::vector<CallFacts>()> calls;
  std::function<std::optional<CallFacts>(std::string_view)> call;
  std::function<const std::deque<Failure>&()> failures;
  std::function<std::vector<TrunkRow>()> trunks;
  std::function<std::vector<RegistrationFacts>()> registrations;
  std::function<std::vector<DialogFacts>()> dialogs;
  std::function<size_t(std::string_view)> sessions_of;
  std::function<bool(std::string_view)> is_connected;
  std::function<std::string()> metrics;
  std::function<bool()> is_ending;
  std::function<Readiness()> readiness;
  std::function<Drain()> drain;
  std::function<void(Drain)> set_drain;
  std::function<HttpResponse(const HttpRequest&)> trace;  // /trace and /trace.pcapng
};

struct ClientRemoved {
  std::string client;
};

class Routes {
 public:
  using Output = std::variant<Command, ClientRemoved>;
  static constexpr uint64_t kTokens = uint64_t{1} << 63;  // its tokens begin here, away from those of clients

  // The directory outlives this; `wake` is called when there is something to poll.
  Routes(Private<std::string> secret, Directory& directory, ApiSources sources, std::function<void()> wake);

  void use_secret(Private<std::string> secret) { secret_ = std::move(secret); }  // from the next request on
  void handle(const HttpRequest& request, const HttpReply& reply);
  void done(const CommandDone& done);  // of a token that this gave; others are ignored
  void ended(const CallFacts& call);   // each call that ended
  void settle();                       // after the events of a pass: what was waited for is answered
  std::optional<Output> poll();

 private:
  struct Target {  // the path behind /api/v1/, in pieces
    std::string_view resource, id, verb;
  };
  struct Waiting {
    HttpReply reply;
    std::string call;
    std::optional<CommandError> error;  // set when the Exchange has obeyed
    CallFacts facts;
  };

  std::optional<HttpResponse> refuse(const HttpRequest& request);
  bool shows_secret(std::string_view authorization) const;
  HttpResponse ready() const;
  std::optional<HttpResponse> table(const HttpRequest& request, std::string_view resource) const;
  void api(const HttpRequest& request, const HttpReply& reply);
  void calls(const HttpRequest& request, const Target& target, const HttpReply& reply);
  void command(const HttpRequest& request, const Target& target, const HttpReply& reply);
  HttpResponse drain(const HttpRequest& request);
  void clients(const HttpRequest& request, const Target& target, const HttpReply& reply);
  HttpResponse make_client(const HttpRequest& request);
  HttpResponse remove_client(std::string_view id);
  Json client_json(const ClientEntry& entry) const;
  HttpResponse call_page(const HttpRequest& request) const;
  HttpResponse client_page(const HttpRequest& request) const;
  HttpResponse registration_page(const HttpRequest& request) const;
  HttpResponse dialog_page(const HttpRequest& request) const;
  void put(Output output);

  Private<std::string> secret_;
  Directory& directory_;
  ApiSources sources_;
  std::function<void()> wake_;
  Attempts wrong_secrets_{{20, std::chrono::seconds(60), 10000}};
  std::map<uint64_t, Waiting> waiting_;
  uint64_t tokens_ = kTokens;
  std::deque<Output> outputs_;
};

}  // namespace isthmus::gateway
