// SPDX-License-Identifier: MIT
// The contract of a module (requirements R1.1 to R1.8): who is calling (callin) and who takes the call (callout). A
// module keeps no call state, so unloading one leaves calls alone. Modules are asked in the order of their weight; the
// first that claims wins.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/deadlines.hpp"
#include "base/machine.hpp"
#include "sip/user_agent.hpp"

namespace isthmus::gateway {

// A SIP request outside dialogs, as it came.
struct Incoming {
  const sip::Message& message;
  Path path;
  Protocol protocol = Protocol::udp;
};

// Who calls whom: after admission and routing. `contact` is metadata and never changed by the router (R1.11, X10).
struct Parties {
  std::string from;     // user part
  std::string to;       // user part
  std::string uri;      // Request-URI as dialled
  std::string contact;  // the caller's address before routing
  std::string account;  // authenticated account; empty for a trunk
  std::optional<Path> source;
};

struct NotMine {};
struct Refuse {
  int status = 403;
  std::vector<sip::HeaderLine> headers;  // challenges, Allow, ...
  std::string reason;
};
// callin: admitted. `account` is empty for peers known by address.
struct Admitted {
  std::string account;
  bool keep_flow = false;  // requests go back where this one came from (R1.33)
};
struct SipTarget {
  std::string request_uri;
  sip::Target target;
  bool keep_flow = false;
  std::string from_host;  // host of From towards this target; empty: the gateway's own
  std::vector<sip::Credential> credentials;
  std::optional<std::chrono::milliseconds> fast_abort;
};
struct ClientTarget {
  std::string account;
};
struct EchoTarget {};
using CallTarget = std::variant<SipTarget, ClientTarget, EchoTarget>;
struct Mine {
  CallTarget target;
};

using InVerdict = std::variant<NotMine, Admitted, Refuse>;
using OutVerdict = std::variant<NotMine, Mine, Refuse>;

// What may become of a request within a dialog from a source not seen before.
struct Party {  // the side of the call that the dialog belongs to
  std::string account;
  Path source;  // where it was seen before
};

class Module {
 public:
  virtual ~Module() = default;
  virtual std::string_view name() const = 0;
  virtual int weight() const = 0;
  virtual InVerdict callin(Now now, const Incoming& request) = 0;
  virtual OutVerdict callout(Now now, const Parties& parties) = 0;
  // A request within a dialog from a source not seen before: is it the same peer? (advisory 8)
  virtual InVerdict vouch(Now now, const Incoming& request, const Party& party) = 0;
};

}  // namespace isthmus::gateway
