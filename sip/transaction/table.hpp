// SPDX-License-Identifier: MIT
// All transactions of an endpoint: finds the transaction of a message, runs its machine, sends through the outbox of
// the pass, keeps its timers, and after the final response only the bytes to repeat. RFC 3261 section 17, RFC 6026, RFC
// 4320. It parses nothing and never reads a clock. A copyable value.
//
// A message that belongs to the user is reported by the return value of the verb that took it; what happens otherwise
// (timeouts, lost flows, ends) waits as Outcomes, to be polled empty before the owner's verb returns. Every transaction
// gives exactly one Outcome with `ended`, unless it was dropped by the user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/counters.hpp"
#include "base/deadlines.hpp"
#include "base/hash.hpp"
#include "base/machine.hpp"
#include "base/result.hpp"
#include "base/slots.hpp"
#include "sip/transaction/client_invite.hpp"
#include "sip/transaction/client_request.hpp"
#include "sip/transaction/flow_lists.hpp"
#include "sip/transaction/server_invite.hpp"
#include "sip/transaction/server_request.hpp"

namespace isthmus::sip {

using ClientId = Id<struct ClientTransactionTag>;
using ServerId = Id<struct ServerTransactionTag>;

struct TableLimits {
  size_t max_clients = 262144;
  size_t max_servers = 262144;
  size_t max_key = 1024;  // characters
};

// Why no transaction was made. `full` is for a stateless 503.
enum class Refusal : uint8_t { full, duplicate, key_too_long };

struct NewTransaction {
  std::string key;  // sip/transaction/key.hpp
  Path path;
  bool reliable = false;
  bool invite = false;
  uint64_t cookie = 0;  // the user's; comes back with each Outcome
};

struct Outcome {
  enum class Kind : uint8_t {
    timeout,          // B, F or after a CANCEL: no final answer; H: no ACK
    transport_error,  // the flow or address is lost; a server transaction and a Proceeding INVITE live on
    hundred_due,      // non-INVITE server: RFC 4320 wants a 100 now
    terminated        // quietly over
  };
  Kind kind = Kind::terminated;
  bool ended = false;  // the id finds nothing any more
  ClientId client;     // exactly one of the two is set
  ServerId server;
  uint64_t cookie = 0;
};

class TransactionTable {
 public:
  enum class Drop : uint8_t {
    full,              // no room for one more
    duplicate,         // a new transaction under a key that is taken
    key_too_long,      // beyond TableLimits
    late_response,     // after a final response that settles the transaction
    repeated_request,  // absorbed without an answer: nothing said yet, or RFC 6026
    stray_ack,         // an ACK in a state that awaits none
    late_answer,       // the user's response in a state that sends none, or one that RFC 4320 forbids
    kCount
  };

  TransactionTable(const TimerConfig& timers, const TableLimits& limits, const HashKey& hash_key, uint8_t shard = 0);

  // Client side. Sends the request at once.
  Result<ClientId, Refusal> start(Pass& pass, NewTransaction given, Bytes request);
  ClientId find_client(std::string_view key) const;
  // True: the response with this status needs an ACK to be handed in, built from `request_of` (17.1.1.3).
  bool needs_ack(ClientId id, int status) const;
  // True: the response is the user's. False: absorbed (and the ACK repeated where one is owed). The id may have ended.
  bool receive_response(Pass& pass, ClientId id, int status, Bytes ack = {});
  // A CANCEL for this INVITE was just sent (9.1): without a final answer the transaction times out after 64*T1.
  void cancelled(Pass& pass, ClientId id);
  // The request as sent; empty after the final response. Valid until the next non-const call.
  Bytes request_of(ClientId id) const;
  // Repeats and ACKs go by this way.
  void move(ClientId id, const Path& path, bool reliable);
  bool drop(ClientId id);  // the user ends it without a word; no Outcome

  // Server side. The request that made it is the user's.
  Result<ServerId, Refusal> accept(Pass& pass, NewTransaction given);
  ServerId find_server(std::string_view key) const;
  void receive_repeat(Pass& pass, ServerId id);  // the request again: the last response is repeated
  bool receive_ack(Pass& pass, ServerId id);     // true: the ACK is the user's (RFC 6026, Accepted)
  // True: sent (a 2xx in Accepted is sent, too, but its repetition is the user's). False: too late or forbidden.
  bool respond(Pass& pass, ServerId id, int status, Bytes response);
  bool is_answered(ServerId id) const;  // a final response was given
  bool is_running(ServerId id) const;   // known, and no final response was given
  // Further responses go by this way (18.2.2).
  void move(ServerId id, const Path& path, bool reliable);
  bool drop(ServerId id);

  // Either side.
  bool contains(ClientId id) const { return clients_.find(id) != nullptr; }
  bool contains(ServerId id) const { return servers_.find(id) != nullptr; }
  bool is_running(ClientId id) const;
  const Path* path_of(ClientId id) const;  // none: no such transaction
  const Path* path_of(ServerId id) const;
  uint64_t cookie_of(ClientId id) const;  // 0: no such transaction
  uint64_t cookie_of(ServerId id) const;
  void set_cookie(ClientId id, uint64_t cookie);
  void set_cookie(ServerId id, uint64_t cookie);

  void flow_down(Pass& pass, FlowId flow);
  void unreachable(Pass& pass, const Path& path);
  void expire(Pass& pass);
  TimePoint next_deadline() const { return timers_.next(); }
  std::optional<Outcome> poll_outcome();

  Census census() const;
  uint32_t running_clients() const;
  size_t clients() const { return clients_.size(); }
  size_t servers() const { return servers_.size(); }
  size_t timers() const { return timers_.size(); }
  const Counters<Drop>& drops() const { return drops_; }

 private:
  struct Entry {
    Path path;
    bool reliable = false;
    uint64_t cookie = 0;
    uint64_t hash = 0;
    std::string key;
    std::vector<std::byte> bytes;  // what would be sent again: the request, the ACK, the last response
    TimerId repeat;
    TimerId limit;
    FlowLinks by_flow;
    FlowLinks by_peer;  // datagrams only: on streams the flow fixes the peer
  };
  struct Client : Entry {
    std::variant<ClientInvite, ClientRequest> machine;
  };
  struct Server : Entry {
    std::variant<ServerInvite, ServerRequest> machine;
  };
  struct Due {
    TransactionRef ref;
    Timer timer = Timer::none;
  };
  using Index = std::unordered_multimap<uint64_t, TransactionRef>;  // never walked: only equal hashes are

  std::unexpected<Refusal> refuse(Refusal why);
  Result<Entry, Refusal> make_entry(const Index& index, NewTransaction&& given);
  Entry* entry_of(TransactionRef ref);
  const Entry* entry_of(TransactionRef ref) const;
  TransactionRef find(const Index& index, std::string_view key) const;
  void list(TransactionRef ref, Entry& entry);
  void unlist(TransactionRef ref, Entry& entry);
  void move(TransactionRef ref, Entry& entry, const Path& path, bool reliable);
  void arm(Pass& pass, TransactionRef ref, TimerId& timer, const Alarm& alarm);
  void apply(Pass& pass, TransactionRef ref, Entry& entry, const Step& step);
  void tell(Outcome::Kind kind, TransactionRef ref, const Entry& entry, bool ended);
  void erase(TransactionRef ref, Entry& entry);
  void feed_timer(Pass& pass, const Due& due);
  void feed_transport_error(Pass& pass, TransactionRef ref);
  void lose(Pass& pass, FlowId flow, const SocketAddress& remote);

  TimerConfig config_;
  TableLimits limits_;
  HashKey hash_key_;
  Slots<Client, ClientTransactionTag> clients_;
  Slots<Server, ServerTransactionTag> servers_;
  Index client_index_;
  Index server_index_;
  FlowLists lists_;
  Deadlines<Due> timers_;
  std::vector<Outcome> outcomes_;
  size_t polled_ = 0;
  Counters<Drop> drops_;
};

std::string_view describe(TransactionTable::Drop drop);

}  // namespace isthmus::sip
