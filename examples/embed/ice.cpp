// SPDX-License-Identifier: MIT
// isthmus::ice alone: host candidates of a machine, credentials of a leg, and whose a datagram on the shared port is
// (R4.20, R5.4).

#include <iostream>
#include <vector>

#include "base/random.hpp"
#include "ice/candidate.hpp"
#include "ice/credentials.hpp"
#include "ice/mux.hpp"

int main() {
  using isthmus::IpAddress;
  namespace ice = isthmus::ice;

  const std::vector<isthmus::SocketAddress> addresses = {
      {IpAddress::v4(192, 0, 2, 1), 20000}, {IpAddress::v4(0, 0, 0, 0), 20000}, {IpAddress::v4(127, 0, 0, 1), 20000}};
  for (const auto& candidate : ice::host_candidates(addresses)) {
    std::cout << "candidate " << candidate.address.text() << " priority " << candidate.priority << "\n";
  }

  isthmus::Random random(isthmus::Seed::of(1));
  const auto ours = ice::make_credentials(random, 3);
  std::cout << "a password of the right form: " << std::boolalpha << ice::is_password(ours.password) << ", shard "
            << int{*ice::shard_of_ufrag(ours.ufrag)} << "\n";

  ice::Mux mux({random.next(), random.next()});
  const ice::MuxLeg leg{7, 1};
  mux.add(leg, ours.ufrag);
  const isthmus::SocketAddress browser{IpAddress::v4(198, 51, 100, 7), 50000};
  std::cout << "before a check: leg " << (mux.find_address(browser) == leg ? "found" : "unknown") << "\n";
  if (mux.find_username(ours.ufrag + ":theirs") == leg) mux.learn(leg, browser);
  std::cout << "after it: leg " << (mux.find_address(browser) == leg ? "found" : "unknown") << "\n";
  mux.remove(leg);
  std::cout << "after the call: " << mux.address_count() << " addresses, " << mux.leg_count() << " legs\n";
}
