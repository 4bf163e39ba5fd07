// SPDX-License-Identifier: MIT
// What the Exchange says, on its way to clients: notifications, kept for `resume`, and answers to methods.
#include <algorithm>

#include "gateway/api/client_api.hpp"
#include "gateway/api/wire.hpp"
#include "gateway/observe/log.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kKeptOver = 32;  // ended calls whose notifications are kept per session, for a client that comes back

RpcError error_of(const CommandDone& done) {
  const auto param = [](std::string_view name) { return Json::object({{"param", name}}); };
  const auto why = [](std::string_view text) { return Json::object({{"why", text}}); };
  switch (done.error) {
    case CommandError::refused: {
      Json data = Json::object({{"call_id", done.call.id}, {"reason", word(done.call.reason)}});
      if (done.call.code != 0) data.set("code", int{done.call.code});
      if (!done.call.text.empty()) data.set("text", done.call.text);
      return {RpcCode::refused, std::move(data)};
    }
    case CommandError::foreign_identity: return {RpcCode::invalid_params, param("from")};
    case CommandError::bad_number: return {RpcCode::invalid_params, param("to")};
    case CommandError::foreign_target: return {RpcCode::invalid_params, param("target")};
    case CommandError::unusable_sdp: return {RpcCode::not_acceptable, why("the SDP cannot be used")};
    case CommandError::no_dtmf: return {RpcCode::not_acceptable, why("the far side takes no telephone events")};
    case CommandError::no_media_path:
      return {RpcCode::not_acceptable, why("nothing can be sent to the far side now: it holds, or has no media path")};
    case CommandError::unknown_call: return {RpcCode::unknown_call, {}};
    case CommandError::wrong_state:
    case CommandError::wrong_direction: return {RpcCode::wrong_state, Json::object({{"state", word(done.call.state)}})};
    case CommandError::too_many_calls: return {RpcCode::too_many_calls, {}};
    case CommandError::client_offline:
    case CommandError::unavailable: return {RpcCode::unavailable, {}};
    case CommandError::none:
    case CommandError::unknown_client: break;
  }
  return {RpcCode::internal_error, {}};
}

}  // namespace

void ClientApi::tell(const TellClient& told) {
  Session* session = sessions_.find(told.client);
  if (session == nullptr) return;
  const CallFacts& call = told.call;
  auto [place, is_new] = session->calls.try_emplace(call.id);
  Record& record = place->second;
  if (is_new) record.number = ++calls_seen_;
  const bool offer = call.direction == CallDirection::incoming && call.state == CallState::calling;
  std::string message =
      rpc_notification(offer ? "on_incoming_call" : "on_call_state_changed", call_for_client(call, offer));
  record.last = call;
  record.last.sdp.clear();
  record.notes.emplace_back(call.sequence, message);
  if (call.state == CallState::dropped) {
    record.over_unseen = !session->peer;
    session->over.push_back(call.id);
    forget_over(*session);
  }
  send(session->peer, message);
  end_if_retired(told.client);
}

void ClientApi::forget_over(Session& session) {
  while (session.over.size() > kKeptOver) {
    session.calls.erase(session.over.front());
    session.over.pop_front();
  }
}

// What the client has not seen, call by call in the order of their seq. An ended call that the client no longer names
// is repeated only when it ended while nobody listened.
void ClientApi::replay(ClientId id, const std::map<std::string, uint32_t, std::less<>>& seen) {
  Session* session = sessions_.find(id);
  std::vector<Record*> records;
  records.reserve(session->calls.size());
  for (auto& [call, record] : session->calls) records.push_back(&record);
  std::sort(records.begin(), records.end(), [](const Record* a, const Record* b) { return a->number < b->number; });
  std::vector<std::string> messages;
  for (Record* record : records) {
    const auto known = seen.find(record->last.id);
    const bool over = record->last.state == CallState::dropped;
    const bool unseen = std::exchange(record->over_unseen, false);
    if (over && known == seen.end() && !unseen) continue;
    for (const auto& [sequence, message] : record->notes) {
      if (known == seen.end() || sequence > known->second) messages.push_back(message);
    }
  }
  const PeerId peer = session->peer;
  for (const std::string& message : messages) send(peer, message);
}

// A call that was never made has no line of its own but this.
void ClientApi::explain_refusal(ClientId id, const RpcError& error) const {
  const Session* session = sessions_.find(id);
  if (session == nullptr || !is_logged(LogLevel::debug)) return;
  const std::string client = shown_user(session->client), why(message_of(error.code));
  log({LogLevel::debug,
       "no call: make_call of client " + client + " refused: " + why +
           (error.data.is_null() ? "" : " " + error.data.write()),
       Json::object({{"client", client}, {"session", session->name}, {"method", "make_call"}, {"why", why}})});
}

void ClientApi::done(const CommandDone& done) {
  const auto found = waiting_.find(done.token);
  if (found == waiting_.end()) return;
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  const Context context{waiting.peer, waiting.session, waiting.id};
  if (done.error != CommandError::none) {
    const RpcError error = error_of(done);
    if (waiting.answer == Answer::make_call && done.call.id.empty()) explain_refusal(waiting.session, error);
    return send(waiting.peer, rpc_error(waiting.id, error));
  }
  switch (waiting.answer) {
    case Answer::make_call: return result(context, Json::object({{"continue", done.call.id}}));
    case Answer::call_id: return result(context, Json::object({{"call_id", waiting.call}}));
    case Answer::digits: return result(context, Json::object({{"call_id", waiting.call}, {"digits", waiting.digits}}));
    case Answer::dropped:
      // The client has ended it: nothing more of this call is said (docs/api.md section 1).
      if (Session* session = sessions_.find(waiting.session)) session->calls.erase(waiting.call);
      result(context, Json::object({{"call_id", waiting.call}, {"state", "dropped"}}));
      return end_if_retired(waiting.session);
  }
}

}  // namespace isthmus::gateway
