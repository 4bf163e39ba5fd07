// SPDX-License-Identifier: MIT
// Two DTLS sessions that face each other over a wire the test may cut, reorder or forge on. Datagrams are carried in
// order; time is the test's.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <vector>

#include "media/dtls_session.hpp"

namespace isthmus::test {

inline const media::DtlsContext& dtls_context(int number) {  // two certificates per program: 0 and 1
  static const std::array<media::DtlsContext, 2> contexts{*media::DtlsContext::make_self_signed(),
                                                          *media::DtlsContext::make_self_signed()};
  return contexts[static_cast<size_t>(number)];
}

inline Path dtls_path(uint16_t port) {
  return {FlowId{port, 1}, {IpAddress::v4(192, 0, 2, 1), port}, {IpAddress::v4(192, 0, 2, 2), 4000}};
}

using Datagram = std::vector<std::byte>;

// What one pass left in an outbox, as datagrams.
inline std::vector<Datagram> sent(Outbox& out) {
  std::vector<Datagram> datagrams;
  for (const Action& action : out.actions) {
    const Bytes bytes = out.view(std::get<Send>(action).bytes);
    datagrams.emplace_back(bytes.begin(), bytes.end());
  }
  out.clear();
  return datagrams;
}

struct DtlsEnd {
  media::DtlsSession session;
  Path path;
  std::vector<media::DtlsEvent> events;
  std::vector<Datagram> inbox;

  bool has(media::DtlsEvent::Kind kind) const {
    for (const auto& event : events) {
      if (event.kind == kind) return true;
    }
    return false;
  }
};

class DtlsPair {
 public:
  using Expected = media::Fingerprint;

  // `client` is active. By default each expects the other's true fingerprint.
  DtlsPair() : DtlsPair(dtls_context(1).fingerprint(), dtls_context(0).fingerprint()) {}
  DtlsPair(const Expected& client_expects, const Expected& server_expects)
      : client{media::DtlsSession(dtls_context(0), media::DtlsRole::active, client_expects), dtls_path(1), {}, {}},
        server{media::DtlsSession(dtls_context(1), media::DtlsRole::passive, server_expects), dtls_path(2), {}, {}} {}

  void start() {
    Pass pass{now, out};
    server.session.start(pass, server.path);
    EXPECT_TRUE(out.actions.empty());
    client.session.start(pass, client.path);
    collect(client, server);
  }
  // Hands over what waits, until both are silent. `carry` may change, drop (empty) or look at each datagram.
  void run(const std::function<void(DtlsEnd& to, Datagram&)>& carry = {}) {
    while (!client.inbox.empty() || !server.inbox.empty()) {
      DtlsEnd& to = server.inbox.empty() ? client : server;
      Datagram datagram = to.inbox.front();
      to.inbox.erase(to.inbox.begin());
      if (carry) carry(to, datagram);
      if (!datagram.empty()) deliver(to, datagram);
    }
  }
  void deliver(DtlsEnd& to, Bytes datagram) {
    Pass pass{now, out};
    to.session.receive(pass, to.path, datagram);
    collect(to, &to == &client ? server : client);
  }
  void expire() {
    Pass pass{now, out};
    client.session.expire(pass, client.path);
    collect(client, server);
    server.session.expire(pass, server.path);
    collect(server, client);
  }
  void close(DtlsEnd& end) {
    Pass pass{now, out};
    end.session.close(pass, end.path);
    collect(end, &end == &client ? server : client);
  }

  Now now{TimePoint{} + std::chrono::seconds(1000), {}};
  Outbox out;
  DtlsEnd client;
  DtlsEnd server;

 private:
  void collect(DtlsEnd& from, DtlsEnd& to) {
    for (const Action& action : out.actions) EXPECT_EQ(std::get<Send>(action).path, from.path);
    for (Datagram& datagram : sent(out)) {
      EXPECT_LE(datagram.size(), media::kDtlsMtu);
      to.inbox.push_back(std::move(datagram));
    }
    while (const auto event = from.session.poll_event()) from.events.push_back(*event);
  }
};

}  // namespace isthmus::test
