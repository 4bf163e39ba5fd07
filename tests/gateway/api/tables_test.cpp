// SPDX-License-Identifier: MIT
// The tables of the HTTP API: registrations (R4.7) and SIP dialogs (R4.8), read from the live machines.
#include "tests/gateway/api/api_bed.hpp"
#include "tests/support/phone.hpp"

namespace isthmus::test {
namespace tables_test {

using namespace gateway;
using std::chrono::seconds;

Json::Array entries(ApiBed& bed, const std::string& path) {
  const auto reply = bed.http("GET", path);
  EXPECT_EQ(reply.status, 200);
  const Json::Array* list = at(reply.body, "entries").array();
  return list == nullptr ? Json::Array{} : *list;
}

// "a ready, b ready": direction and state of each row.
std::string legs(ApiBed& bed) {
  std::string out;
  for (const Json& row : entries(bed, "/api/v1/dialogs"))
    out += (out.empty() ? "" : ", ") + text(row, "direction") + " " + text(row, "state");
  return out;
}

TEST(Tables, R4_7ARegistrationIsThereAfterItsRegisterAndGoneAfterExpiry) {
  ApiBed bed;
  Phone phone(bed.world, "alice", kStranger);
  EXPECT_TRUE(entries(bed, "/api/v1/registrations").empty());
  ASSERT_EQ(phone.enroll("Contact: <sip:alice@10.0.0.5:5062>\r\nUser-Agent: test phone\r\nExpires: 600\r\n"),
            "200 REGISTER");
  const auto rows = entries(bed, "/api/v1/registrations");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(text(rows[0], "user"), "alice");
  EXPECT_EQ(text(rows[0], "host"), "192.0.2.1");
  EXPECT_EQ(text(rows[0], "contact"), "sip:alice@10.0.0.5:5062");
  EXPECT_EQ(text(rows[0], "status"), "active");
  EXPECT_EQ(number(rows[0], "expires_in"), 600);
  EXPECT_EQ(text(rows[0], "user_agent"), "test phone");
  EXPECT_EQ(text(rows[0], "call_id"), "registration-alice");
  EXPECT_EQ(text(rows[0], "transport"), "udp");
  EXPECT_EQ(text(rows[0], "source_ip"), kStranger.ip.text());
  EXPECT_EQ(number(rows[0], "source_port"), kStranger.port);
  bed.run(seconds(601));
  EXPECT_TRUE(entries(bed, "/api/v1/registrations").empty());
}

TEST(Tables, R4_7RegistrationsArePagedAndForReadingOnly) {
  ApiBed bed;
  Phone alice(bed.world, "alice", kStranger);
  Phone bob(bed.world, "bob", {IpAddress::v4(203, 0, 113, 9), 5060});
  ASSERT_EQ(bob.enroll(), "200 REGISTER");
  ASSERT_EQ(alice.enroll(), "200 REGISTER");
  const auto second = bed.http("GET", "/api/v1/registrations?page=2&perPage=1");
  EXPECT_EQ(number(second.body, "totalEntries"), 2);
  EXPECT_EQ(text(at(second.body, "entries").array()->at(0), "user"), "bob") << "by user";
  EXPECT_EQ(bed.http("GET", "/api/v1/registrations?page=0").status, 400);
  EXPECT_EQ(bed.http("GET", "/api/v1/dialogs?perPage=x").status, 400);
  EXPECT_EQ(bed.http("POST", "/api/v1/registrations", "{}").status, 405);
  EXPECT_EQ(bed.http("DELETE", "/api/v1/dialogs").status, 405);
  EXPECT_EQ(bed.http("GET", "/api/v1/dialogs/x").status, 404);
  EXPECT_EQ(bed.http("GET", "/api/v1/registrations", {}, {}).status, 401);
}

TEST(Tables, R4_8TwoRowsDuringACallWithTheirStatesAndNoneAfter) {
  ApiBed bed;
  EXPECT_EQ(legs(bed), "");
  bed.a.invite("2000", phone_sdp(4000), "User-Agent: caller 1.0\r\n");
  bed.run();
  EXPECT_EQ(legs(bed), "inbound received, outbound calling") << "R4.12, R4.13";
  bed.b.reply("INVITE", 180, {}, "Server: callee 2.0\r\n");
  bed.run();
  EXPECT_EQ(legs(bed), "inbound early, outbound proceeding");
  bed.b.reply("INVITE", 200, phone_sdp(5000));
  bed.run();
  EXPECT_EQ(legs(bed), "inbound completed, outbound ready") << "our 200 waits for its ACK";
  bed.a.ack();
  bed.run();
  EXPECT_EQ(legs(bed), "inbound ready, outbound ready");

  const auto rows = entries(bed, "/api/v1/dialogs");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(text(rows[0], "call"), text(rows[1], "call"));
  EXPECT_NE(text(rows[0], "uuid"), text(rows[1], "uuid"));
  EXPECT_EQ(text(rows[0], "call_id"), bed.a.call.call_id);
  EXPECT_EQ(text(rows[1], "call_id"), bed.b.last("INVITE").call_id());
  EXPECT_EQ(text(rows[0], "from_user") + "@" + text(rows[0], "from_host"), "1000@192.0.2.10");
  EXPECT_EQ(text(rows[0], "to_user"), "2000");
  EXPECT_EQ(text(rows[0], "contact_user") + "@" + text(rows[0], "contact_host"), "1000@192.0.2.10");
  EXPECT_EQ(text(rows[0], "user_agent"), "caller 1.0");
  EXPECT_EQ(text(rows[1], "from_user") + "@" + text(rows[1], "from_host"), "1000@192.0.2.1");
  EXPECT_EQ(text(rows[1], "to_user") + "@" + text(rows[1], "to_host"), "2000@192.0.2.20");
  EXPECT_EQ(text(rows[1], "contact_user") + "@" + text(rows[1], "contact_host"), "2000@192.0.2.20");
  EXPECT_EQ(text(rows[1], "user_agent"), "callee 2.0");

  bed.a.request("BYE");
  bed.run();
  EXPECT_EQ(legs(bed), "outbound terminating") << "A is answered at once (R4.15), B owes its 200";
  bed.b.reply("BYE", 200);
  bed.run();
  EXPECT_EQ(legs(bed), "");
}

TEST(Tables, R4_8ARefusedCallHasOneRowUntilItIsAcknowledged) {
  ApiBed bed;
  bed.a.invite("2000", phone_sdp(4000));
  bed.run();
  bed.b.reply("INVITE", 486);
  bed.run();
  bed.a.ack_failure("486 INVITE");
  bed.run();
  EXPECT_EQ(legs(bed), "");
}

TEST(Tables, R4_8ABrowsersLegHasNoDialog) {
  ApiBed bed;
  const auto w = bed.sign_in();
  EXPECT_NE(bed.make_call(*w, "2000"), "");
  bed.run();
  EXPECT_EQ(legs(bed), "outbound calling");
}

}  // namespace tables_test
}  // namespace isthmus::test
