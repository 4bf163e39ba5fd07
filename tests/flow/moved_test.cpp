// SPDX-License-Identifier: MIT
// R1.33: a phone that rings is somewhere else when the caller hangs up - its NAT gave it another mapping, or it lost
// its connection and made a new one. Its registration says so; the CANCEL finds it at once and its 487 gets the ACK.
#include <gtest/gtest.h>

#include "tests/support/phone.hpp"
#include "tests/support/rest.hpp"

namespace isthmus::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct MovedPhone : Flow {
  Phone phone{world, "bob", kStranger};
  Phone moved{world, "bob", {IpAddress::v4(203, 0, 113, 7), 7777}};

  void ring() {
    ASSERT_EQ(phone.enroll(), "200 REGISTER");
    phone.forget();
    a.invite("bob", phone_sdp(4000));
    ASSERT_TRUE(world.run_until([&] { return phone.has("INVITE"); }));
    phone.reply("INVITE", 180);
    run();
    ASSERT_EQ(a.log(), "100 INVITE, 180 INVITE");
  }
  void enroll_again() {
    moved.contact = phone.own_contact();
    moved.register_cseq = 50;
    ASSERT_EQ(moved.enroll(), "200 REGISTER");
    moved.forget();
  }
  void hang_up() {
    a.cancel();
    run(milliseconds(5));
    EXPECT_TRUE(a.has("200 CANCEL"));
    EXPECT_TRUE(a.has("487 INVITE"));
    a.ack_failure("487 INVITE");
    run(milliseconds(5));
  }
  void expect_end_at_the_new_place() {
    ASSERT_EQ(moved.log(), "CANCEL");
    EXPECT_EQ(phone.log(), "INVITE");
    EXPECT_EQ(moved.last("CANCEL").via().text, phone.last("INVITE").via().text) << "RFC 3261 9.1";
    SipPeer::Heard invite = phone.last_heard("INVITE");
    invite.path = moved.last_heard("CANCEL").path;
    moved.heard.push_front(std::move(invite));
    moved.reply("CANCEL", 200);
    moved.reply("INVITE", 487);
    run();
    EXPECT_EQ(moved.log(), "INVITE, CANCEL, ACK");
    EXPECT_EQ(moved.last("ACK").branch(), phone.last("INVITE").branch());
    EXPECT_EQ(bed.exchange.census()[Census::reaping], 0u);
  }
  // The registration is taken back, so that nothing is left.
  void leave() {
    ASSERT_EQ(moved.enroll("Contact: *\r\nExpires: 0\r\n"), "200 REGISTER");
    moved.host.break_streams();
    run();
    expect_rest(*this);
  }
};

TEST(MovedPhone, R1_33TheCancelGoesToTheNewMapping) {
  MovedPhone flow;
  flow.ring();
  flow.enroll_again();
  flow.hang_up();
  flow.expect_end_at_the_new_place();
  flow.leave();
}

TEST(MovedPhone, R1_33TheCancelGoesByTheNewConnection) {
  for (const bool hangs_up_first : {false, true}) {
    MovedPhone flow;
    flow.phone.connect();
    flow.phone.contact = "sip:bob@198.51.100.66:5060;transport=tcp";
    flow.ring();
    flow.phone.host.break_streams();
    flow.run(seconds(1));
    if (hangs_up_first) flow.hang_up();
    flow.run(seconds(2));
    EXPECT_EQ(flow.phone.log(), "INVITE");
    flow.moved.connect();
    if (hangs_up_first) {  // the CANCEL comes while it registers
      flow.moved.contact = flow.phone.own_contact();
      flow.moved.register_cseq = 50;
      flow.moved.enroll();
      std::erase_if(flow.moved.heard, [](const auto& heard) { return heard.line.ends_with("REGISTER"); });
    } else {
      flow.enroll_again();
      flow.hang_up();
    }
    flow.expect_end_at_the_new_place();
    flow.leave();
  }
}

}  // namespace
}  // namespace isthmus::test
