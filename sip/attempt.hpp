// SPDX-License-Identifier: MIT
// One request of ours on its way (house: sip/attempt): wait for records, choose a target, wait for a flow, run a client
// transaction; on 503, time-out or transport error try the next target. The user has one RequestId all along.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sip/locate.hpp"
#include "sip/message/draft.hpp"
#include "sip/transaction/table.hpp"

namespace isthmus::sip {

using RequestId = Id<struct RequestTag>;

// Where a request goes: the kept flow while it is up (R1.33), otherwise the URI is located.
struct Target {
  std::optional<Path> path;
  std::string uri;
};

// Comes back with each event of a request; opaque to the endpoint.
struct Cookie {
  uint64_t owner = 0;
  uint32_t purpose = 0;
  uint32_t detail = 0;
};

struct Outgoing {
  Draft draft;  // without Via and, when `contact_user` is set, without Contact
  Target target;
  std::optional<std::string> contact_user;
  std::string branch;    // empty: a new one
  bool reaping = false;  // what is owed to a peer whose user is gone: counted as lingering
};

// What ends the ringing of an INVITE of ours when this run no longer can: Endpoint::cancel_of tells it, call_off of a
// later run uses it. A value to be kept.
struct CallOff {
  Protocol protocol = Protocol::udp;
  SocketAddress remote;  // where the INVITE went
  SocketAddress local;   // our side of its path
  std::string cancel;    // as it goes over the wire
};

struct Attempt {
  enum class Stage : uint8_t { locating, opening, running };

  Outgoing request;
  Cookie cookie;
  Stage stage = Stage::locating;
  TimePoint give_up;    // no further question, connection or target is begun then
  bool is_ack = false;  // sent once, without a transaction
  std::string written;  // not empty: a CANCEL that an earlier run wrote, sent as it is
  Locate search;
  std::vector<NextHop> hops;
  size_t next_hop = 0;
  bool tried_stream = false;  // 18.1.1: a large request on UDP asks for a stream first
  std::optional<LocateQuestion> question;
  std::optional<AskId> ask;

  // The running attempt.
  ClientId client;
  Path path;
  Protocol protocol = Protocol::udp;
  std::string branch;
  std::string via;
  bool provisional = false;
  bool refused = false;  // by a 503; the next target was tried
  bool final_seen = false;

  bool abandoned = false;
  bool cancelled = false;  // wanted; sent as soon as a 1xx allows it (9.1)
  ClientId cancel;
  bool cancel_begun = false;
  bool cancel_waits = false;  // for a way to go
  std::string cancel_reason;

  struct Ack {  // of a 2xx, for its repeats
    std::string to_tag;
    Path path;
    std::string bytes;
  };
  std::vector<Ack> acks;

  bool is_unheard() const { return is_ack || !written.empty(); }  // nobody is told how it ends
};

}  // namespace isthmus::sip
