// SPDX-License-Identifier: MIT
// Paths with bindings are kept alive, others are not, and nothing is left when the bindings are gone (R1.33).
#include "sip/keepalive.hpp"

#include <gtest/gtest.h>

namespace isthmus::sip {
namespace {

Path kept_path(uint32_t flow, uint8_t last) {
  return {{flow, 1}, {IpAddress::v4(192, 0, 2, last), 5060}, {}};
}

struct KeepaliveBed {
  // Fires what is due up to second `end`; the lines are "second flow last-octet".
  std::vector<std::string> run_to(int64_t end) {
    std::vector<std::string> sent;
    const TimePoint until{std::chrono::seconds(end)};
    while (keepalive.next_deadline() <= until) {
      pass.now.steady = keepalive.next_deadline();
      keepalive.expire(pass);
      for (const Action& action : out.actions) {
        const Send& send = std::get<Send>(action);
        EXPECT_EQ(as_text(out.view(send.bytes)), "\r\n\r\n");
        const auto at = std::chrono::duration_cast<std::chrono::seconds>(pass.now.steady.time_since_epoch()).count();
        sent.push_back(std::to_string(at) + " " + std::to_string(send.path.flow.slot) + " " +
                       std::to_string(send.path.remote.ip.octets[3]));
      }
      out.clear();
    }
    pass.now.steady = until;
    return sent;
  }
  bool add(const Path& path, Protocol protocol) { return keepalive.add(path, protocol, pass.now.steady); }

  Outbox out;
  Pass pass{{}, out};
  Keepalive keepalive{{.max_paths = 3}};
};

using Sent = std::vector<std::string>;

TEST(Keepalive, DatagramPathsEvery25SecondsAndStreamsWithin120_R1_33) {
  KeepaliveBed bed;
  EXPECT_TRUE(bed.add(kept_path(1, 10), Protocol::udp));
  EXPECT_TRUE(bed.add(kept_path(2, 20), Protocol::tcp));
  EXPECT_EQ(bed.run_to(100), (Sent{"25 1 10", "50 1 10", "75 1 10", "95 2 20", "100 1 10"}));
}

TEST(Keepalive, APathIsKeptUntilItsLastBindingIsGone_R1_33) {
  KeepaliveBed bed;
  bed.add(kept_path(1, 10), Protocol::udp);
  bed.add(kept_path(1, 10), Protocol::udp);
  EXPECT_EQ(bed.keepalive.paths(), 1u);
  bed.keepalive.remove(kept_path(1, 10));
  EXPECT_EQ(bed.run_to(30).size(), 1u);
  bed.keepalive.remove(kept_path(1, 10));
  bed.keepalive.remove(kept_path(1, 10));  // once too often
  EXPECT_TRUE(bed.run_to(1000).empty());
  EXPECT_EQ(bed.keepalive.timers(), 0u);
  EXPECT_EQ(bed.keepalive.next_deadline(), kNever);
}

TEST(Keepalive, ALostFlowTakesItsPathsWithIt) {
  KeepaliveBed bed;
  bed.add(kept_path(2, 1), Protocol::udp);
  bed.add(kept_path(1, 1), Protocol::udp);
  bed.add(kept_path(1, 2), Protocol::udp);
  bed.keepalive.flow_down(FlowId{1, 1});
  EXPECT_EQ(bed.keepalive.paths(), 1u);
  EXPECT_EQ(bed.keepalive.timers(), 1u);
  EXPECT_EQ(bed.run_to(25), (Sent{"25 2 1"}));
}

TEST(Keepalive, TheNumberOfPathsIsBoundedAndRefusalsAreCounted) {
  KeepaliveBed bed;
  for (uint8_t i = 1; i <= 3; ++i) EXPECT_TRUE(bed.add(kept_path(1, i), Protocol::udp));
  EXPECT_FALSE(bed.add(kept_path(1, 4), Protocol::udp));
  EXPECT_EQ(bed.keepalive.refused(), 1u);
  bed.keepalive.remove(kept_path(1, 4));  // was never taken
  EXPECT_EQ(bed.keepalive.paths(), 3u);
}

}  // namespace
}  // namespace isthmus::sip
