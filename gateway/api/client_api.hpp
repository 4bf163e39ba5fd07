// SPDX-License-Identifier: MIT
// The client interface: JSON-RPC sessions over WebSocket (docs/api.md section 2). A session belongs to a client and
// survives its connection for the grace time; its notifications are kept until they are surely of no use, so that
// `resume` can repeat them. It turns methods into commands of the Exchange and what the Exchange tells into messages.
// It opens no socket, reads no clock (one is handed in) and decides nothing about calls.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/deadlines.hpp"
#include "base/random.hpp"
#include "base/slots.hpp"
#include "gateway/api/attempts.hpp"
#include "gateway/api/directory.hpp"
#include "gateway/api/json_rpc.hpp"
#include "gateway/call/ask.hpp"
#include "transport/ws_connection.hpp"

namespace isthmus::gateway {

// A session began or ended; for webhooks and log.
struct ClientNews {
  bool connected = false;
  std::string client;
  std::string session;
  std::vector<std::string> identities;
};

struct ClientApiConfig {
  Duration sign_in_limit = std::chrono::seconds(10);
  Duration grace = std::chrono::seconds(10);  // the same as Settings::client_grace
  size_t sessions_per_client = 8;
  size_t queue_bytes = 256 << 10;      // waiting for a client that does not read
  size_t failures_per_connection = 5;  // wrong secrets, then it is closed
  Attempts::Limits per_name{5, std::chrono::seconds(60), 10000};
  Attempts::Limits per_source{20, std::chrono::seconds(60), 10000};
};

enum class WsClose : uint16_t {
  going_away = 1001,
  unsupported_data = 1003,
  not_signed_in = 4001,
  replaced = 4002,
  removed = 4003,
  slow_reader = 4004
};

class ClientApi {
 public:
  using Output = std::variant<Command, ClientNews, CredentialsRefused>;

  // `wake` is called when there is something to poll; the directory outlives this.
  ClientApi(ClientApiConfig config, const Directory& directory, const Seed& seed, std::function<Now()> clock,
            std::function<void()> wake);

  // `source`: who counts as having sent the upgrade; wrong secrets are counted there.
  void opened(std::shared_ptr<transport::WsConnection> connection, const IpAddress& source);
  void tell(const TellClient& told);
  void done(const CommandDone& done);  // of a token that this gave; others are ignored
  // An account is gone (SIGHUP): its sessions make no new calls and end with the last one that is up.
  void account_gone(std::string_view account);
  void removed(std::string_view client);  // it is no client any more: its sessions and calls end
  void end();                             // closes every connection; nobody comes in any more
  void expire(Now now);
  TimePoint next_deadline() const { return timers_.next(); }
  std::optional<Output> poll();

  size_t connections() const { return peers_.size(); }
  size_t sessions() const { return sessions_.size(); }
  size_t sessions_of(std::string_view client) const;
  bool is_connected(std::string_view client) const;

 private:
  using PeerId = Id<struct PeerTag>;
  struct Peer {
    std::shared_ptr<transport::WsConnection> socket;
    IpAddress source;
    ClientId session;
    size_t failures = 0;
    TimerId sign_in;
  };
  struct Record {  // of a call, as this client knows it
    CallFacts last;
    uint64_t number = 0;
    std::vector<std::pair<uint32_t, std::string>> notes;  // by seq, as they were sent
    bool over_unseen = false;                             // it ended while the connection was lost
  };
  struct Session {
    std::string client;
    std::string name;
    std::string token;
    std::vector<std::string> identities;
    PeerId peer;  // none: lost, within the grace
    TimePoint lost_at;
    TimerId grace;
    std::map<std::string, Record, std::less<>> calls;
    std::deque<std::string> over;  // ended ones, oldest first
    bool retired = false;          // its account is gone: it ends with its last call
  };
  struct Alarm {
    PeerId peer;       // has not signed in
    ClientId session;  // was not resumed
  };
  enum class Answer : uint8_t { make_call, call_id, dropped, digits };
  struct Waiting {
    PeerId peer;
    ClientId session;
    RpcId id;
    Answer answer = Answer::call_id;
    size_t digits = 0;
    std::string call;
  };
  struct Say {  // to a client, once everything before it was polled
    PeerId peer;
    std::string message;
  };
  // What a method is worked on with.
  struct Context {
    PeerId peer;
    ClientId session;
    RpcId id;
  };

  void take(PeerId peer, Bytes message, bool text);
  void lost(PeerId peer);
  void obey(const Context& context, const rpc::SignIn& method);
  void obey(const Context& context, const rpc::Resume& method);
  void obey(const Context& context, const rpc::MakeCall& method);
  void obey(const Context& context, const rpc::Ringing& method);
  void obey(const Context& context, const rpc::AcceptCall& method);
  void obey(const Context& context, const rpc::RejectCall& method);
  void obey(const Context& context, const rpc::DropCall& method);
  void obey(const Context& context, const rpc::SendDtmf& method);
  void obey(const Context& context, const rpc::Candidates& method);
  void obey(const Context& context, const rpc::Ping& method);
  void obey(const Context& context, const rpc::SignOut& method);

  std::optional<std::chrono::seconds> must_wait(TimePoint now, const std::string& name, const std::string& source);
  void fail_sign_in(const Context& context, const RpcError& error);
  bool make_room(const std::string& client);
  void attach(PeerId peer, ClientId session);
  Json sign_in_result(const Session& session) const;
  void replay(ClientId session, const std::map<std::string, uint32_t, std::less<>>& seen);
  uint64_t wait_for(const Context& context, Answer answer, std::string call = {}, size_t digits = 0);
  void forget_over(Session& session);
  void explain_refusal(ClientId id, const RpcError& error) const;
  void end_session(ClientId session, bool tell_exchange);
  void end_if_retired(ClientId session);
  void close(PeerId peer, WsClose code, std::string_view reason);
  void send(PeerId peer, const std::string& message);
  void write(PeerId peer, const std::string& message);
  void write_waiting(PeerId peer);
  void error(const Context& context, RpcCode code, Json data = {});
  void result(const Context& context, Json value);
  void put(Output output);
  std::string random_name(size_t octets);

  ClientApiConfig config_;
  const Directory& directory_;
  Random random_;
  std::function<Now()> clock_;
  std::function<void()> wake_;
  Slots<Peer, PeerTag> peers_;
  Slots<Session, ClientTag> sessions_;
  std::map<std::string, ClientId, std::less<>> by_token_;  // SHA-256 of the token
  std::map<uint64_t, Waiting> waiting_;
  uint64_t tokens_ = 0;
  uint64_t calls_seen_ = 0;
  Deadlines<Alarm> timers_;
  Attempts by_name_;
  Attempts by_source_;
  std::deque<std::variant<Output, Say>> outputs_;
  bool ending_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // connections may outlive this
};

}  // namespace isthmus::gateway
