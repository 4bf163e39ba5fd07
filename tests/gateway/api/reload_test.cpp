// SPDX-License-Identifier: MIT
// SIGHUP: accounts, routes and trunks change under a running gateway, and no call notices (R1.2, R5.1).
#include "base/crypto.hpp"
#include "tests/gateway/api/api_bed.hpp"

namespace isthmus::test {
namespace reload_test {

using namespace gateway;
using std::chrono::seconds;

// What the gateway does at SIGHUP, with the accounts that are there from now on.
void reload(ApiBed& bed, std::vector<Account> accounts, std::vector<RouteRow> routes = {},
            std::vector<TrunkSettings> trunks = {}) {
  std::vector<std::string> taken;
  const auto gone = bed.directory.set_accounts(accounts, bed.world.now().wall, taken);
  bed.host.with([&](Pass& pass) { bed.exchange.reload(pass, accounts, routes, trunks); });
  for (const std::string& name : gone) bed.clients.account_gone(name);
  bed.run();
}

TEST(Reload, ACallOfAnAccountThatIsGoneGoesOnAndTheSessionEndsWithIt) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string call = bed.make_call(*w, "echo", "tab");
  bed.run();
  ASSERT_EQ(w->states(), "pending calling confirmed");
  reload(bed, {});
  bed.run(seconds(5));
  EXPECT_EQ(w->states(), "pending calling confirmed") << "untouched";
  EXPECT_EQ(w->close_code, 0);
  EXPECT_EQ(bed.exchange.list().size(), 1u);
  EXPECT_TRUE(bed.make_call(*w, "echo", "another").empty()) << "no new ones";
  bed.request(*w, "drop_call", Json::object({{"call_id", call}}));
  bed.run();
  EXPECT_EQ(w->close_code, 4003);
  EXPECT_EQ(bed.clients.sessions(), 0u);
}

TEST(Reload, ASessionWithoutACallEndsAtOnceAndNobodySignsInAgain) {
  ApiBed bed;
  const auto w = bed.sign_in();
  reload(bed, {});
  EXPECT_EQ(w->close_code, 4003);
  const auto again = bed.connect();
  const Json answer = bed.request(*again, "sign_in", Json::object({{"account", "alice"}, {"password", kPassword}}));
  EXPECT_FALSE(at(answer, "error").is_null());
}

TEST(Reload, AccountsThatStayKeepTheirSessionsAndNewOnesMaySignIn) {
  ApiBed bed;
  const auto w = bed.sign_in();
  std::vector<Account> accounts = bed_settings().accounts;
  Account carol = accounts.front();
  carol.name = "carol";
  carol.secret = sip::make_ha1s({&crypto::md5, &crypto::sha256}, "carol", bed_settings().realm, "a new one");
  accounts.push_back(carol);
  reload(bed, accounts);
  EXPECT_EQ(w->close_code, 0);
  const auto v = bed.connect();
  const Json answer = bed.request(*v, "sign_in", Json::object({{"account", "carol"}, {"password", "a new one"}}));
  EXPECT_TRUE(at(answer, "error").is_null()) << answer.write();
}

TEST(Reload, R1_12RoutesChangeForTheNextCall) {
  ApiBed bed;
  const auto w = bed.sign_in();
  EXPECT_TRUE(bed.make_call(*w, "4711", "before").empty()) << "nobody takes it";
  RouteRow row;
  row.in_to = "4711";
  row.out_to = "echo";
  reload(bed, bed_settings().accounts, {row});
  EXPECT_FALSE(bed.make_call(*w, "4711", "after").empty());
}

}  // namespace reload_test
}  // namespace isthmus::test
