// SPDX-License-Identifier: MIT
// The client interface against the real Exchange (docs/api.md section 2; R0.22, R0.2, R0.4, R0.6, R0.15 to R0.17,
// R0.20, R0.21).
#include "gateway/api/client_api.hpp"

#include "tests/gateway/api/api_bed.hpp"

namespace isthmus::test {
namespace client_api_test {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

int64_t error_of(const Json& answer) {
  return number(at(answer, "error"), "code");
}
int64_t say(FakeSocket& socket, std::string_view message) {
  socket.say(message);
  return error_of(socket.sent.back());
}

bool was_told(const ApiBed& bed, std::string_view type) {
  return std::any_of(bed.events.begin(), bed.events.end(),
                     [&](const ApiBed::Event& event) { return text(event.json, "type") == type; });
}

TEST(ClientApi, R0_22JsonRpcConformance) {
  ApiBed bed;
  const auto w = bed.sign_in();
  EXPECT_EQ(say(*w, "{"), -32700);
  EXPECT_TRUE(at(w->sent.back(), "id").is_null());
  EXPECT_EQ(say(*w, std::string(17, '[') + std::string(17, ']')), -32700) << "nested too deeply";
  EXPECT_EQ(say(*w, R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])"), -32600) << "a batch";
  EXPECT_EQ(say(*w, "[]"), -32600);
  EXPECT_EQ(say(*w, "7"), -32600);
  EXPECT_EQ(say(*w, R"({"id":1,"method":"ping"})"), -32600) << "no version";
  EXPECT_EQ(say(*w, R"({"jsonrpc":"1.0","id":1,"method":"ping"})"), -32600);
  EXPECT_EQ(say(*w, R"({"jsonrpc":"2.0","id":1})"), -32600) << "no method";
  EXPECT_EQ(number(w->sent.back(), "id"), 1);
  EXPECT_EQ(say(*w, R"({"jsonrpc":"2.0","id":{},"method":"ping"})"), -32600);
  EXPECT_EQ(say(*w, R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})"), -32600);
  EXPECT_EQ(say(*w, R"({"jsonrpc":"2.0","result":{},"id":9})"), -32600) << "no request of the gateway waits for it";
  EXPECT_EQ(say(*w, R"({"jsonrpc":"2.0","id":"x","method":"dance"})"), -32601);
  EXPECT_EQ(text(w->sent.back(), "id"), "x");
  EXPECT_EQ(text(at(w->sent.back(), "error"), "message"), "unknown method");
  EXPECT_EQ(say(*w, R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[1]})"), -32602);
  EXPECT_EQ(say(*w, R"({"jsonrpc":"2.0","id":1,"method":"drop_call","params":{}})"), -32602);
  EXPECT_EQ(text(at(at(w->sent.back(), "error"), "data"), "param"), "call_id");
  const Json pong = bed.request(*w, "ping", Json::object({{"unknown", 1}}));
  EXPECT_TRUE(at(pong, "result").is_object());
  const size_t before = w->sent.size();
  w->say(R"({"jsonrpc":"2.0","method":"ping"})");
  EXPECT_EQ(w->sent.size(), before) << "without an id nothing is answered";
  EXPECT_EQ(w->close_code, 0);
  w->say("{}", false);
  EXPECT_EQ(w->close_code, 1003) << "a binary message";
}

TEST(ClientApi, R0_21WhoReadsThatItIsSignedInOrBackCanBeCalled) {
  ApiBed bed;
  const auto turn = [&] { bed.host.with([](Pass&) {}); };
  const std::string sign_in = R"({"jsonrpc":"2.0","id":1,"method":"sign_in","params":{"account":"alice","password":")" +
                              std::string(kPassword) + R"("}})";
  const auto w = bed.connect();
  w->say(sign_in);
  w->say(R"({"jsonrpc":"2.0","id":2,"method":"ping"})");
  EXPECT_TRUE(w->sent.empty()) << "the Exchange has not taken it yet";
  turn();
  ASSERT_EQ(w->sent.size(), 2u);
  EXPECT_EQ(number(w->sent[0], "id"), 1) << "in the order of the requests";
  w->cut(transport::WsEnd::lost);
  turn();
  const auto back = bed.connect();
  back->say(R"({"jsonrpc":"2.0","id":1,"method":"resume","params":{"token":")" +
            text(at(w->sent[0], "result"), "token") + R"("}})");
  EXPECT_TRUE(back->sent.empty());
  turn();
  ASSERT_EQ(back->sent.size(), 1u);
  EXPECT_TRUE(at(back->sent[0], "result").is_object());
  // What waits is said before the connection is closed.
  const auto brief = bed.connect();
  brief->say(sign_in);
  brief->say(R"({"jsonrpc":"2.0","id":2,"method":"sign_out"})");
  EXPECT_EQ(brief->close_code, 4003);
  ASSERT_EQ(brief->sent.size(), 2u);
  EXPECT_EQ(number(brief->sent[1], "id"), 2);
}

TEST(ClientApi, R0_22ParametersAreChecked) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string sdp = browser_sdp();
  const std::string c = "c_1";
  struct Row {
    const char* method;
    Json params;
    const char* param;
  };
  const std::vector<Row> rows{
      {"make_call", Json::object({{"sdp", sdp}}), "to"},
      {"make_call", Json::object({{"to", 5}, {"sdp", sdp}}), "to"},
      {"make_call", Json::object({{"to", "echo"}}), "sdp"},
      {"make_call", Json::object({{"to", "echo"}, {"sdp", sdp}, {"ref", std::string(65, 'x')}}), "ref"},
      {"make_call", Json::object({{"to", "a b"}, {"sdp", sdp}}), "to"},
      {"make_call", Json::object({{"to", "sip:x@elsewhere.example"}, {"sdp", sdp}}), "to"},
      {"make_call", Json::object({{"to", "echo"}, {"from", "bob"}, {"sdp", sdp}}), "from"},
      {"make_call", Json::object({{"to", "echo"}, {"target", "sip:x@192.0.2.99"}, {"sdp", sdp}}), "target"},
      {"drop_call", Json::object({{"call_id", "a/b"}}), "call_id"},
      {"reject_call", Json::object({{"call_id", c}, {"code", 500}}), "code"},
      {"send_dtmf", Json::object({{"call_id", c}, {"digits", ""}}), "digits"},
      {"send_dtmf", Json::object({{"call_id", c}, {"digits", "12x"}}), "digits"},
      {"send_dtmf", Json::object({{"call_id", c}, {"digits", std::string(33, '1')}}), "digits"},
      {"send_dtmf", Json::object({{"call_id", c}, {"digits", "1"}, {"duration_ms", 39}}), "duration_ms"},
      {"accept_call", Json::object({{"call_id", c}}), "sdp"},
      {"candidates", Json::object({{"call_id", c}, {"candidates", 1}}), "candidates"},
      {"candidates",
       Json::object({{"call_id", c}, {"candidates", Json(Json::Array(33, Json::object({{"candidate", ""}})))}}),
       "candidates"},
  };
  for (const Row& row : rows) {
    const Json answer = bed.request(*w, row.method, row.params);
    EXPECT_EQ(error_of(answer), -32602) << row.method << answer.write();
    EXPECT_EQ(text(at(at(answer, "error"), "data"), "param"), row.param) << row.method;
  }
  EXPECT_EQ(error_of(bed.request(*w, "make_call", Json::object({{"to", "echo"}, {"sdp", "v=0\r\n"}}))), -32008);
  for (const char* method : {"drop_call", "ringing", "reject_call"})
    EXPECT_EQ(error_of(bed.request(*w, method, Json::object({{"call_id", c}}))), -32005) << method;
  EXPECT_TRUE(bed.exchange.list().empty()) << "R0.4: nothing was begun";
  EXPECT_EQ(bed.told(), "");
}

TEST(ClientApi, NothingIsObeyedBeforeSigningIn) {
  ApiBed bed;
  const auto w = bed.connect();
  for (const char* method : {"make_call", "drop_call", "sign_out", "dance"})
    EXPECT_EQ(error_of(bed.request(*w, method)), -32000);
  EXPECT_TRUE(at(bed.request(*w, "ping"), "result").is_object());
  bed.run(seconds(9));
  EXPECT_EQ(w->close_code, 0);
  bed.run(seconds(2));
  EXPECT_EQ(w->close_code, 4001);
  EXPECT_EQ(bed.clients.connections(), 0u);
}

TEST(ClientApi, SecretsAreAskedForAndAttemptsAreCounted) {
  ApiBed bed;
  const auto try_it = [&](FakeSocket& socket, std::string_view account, std::string_view password) {
    return bed.request(socket, "sign_in", Json::object({{"account", account}, {"password", password}}));
  };
  auto w = bed.connect();
  const Json wrong = try_it(*w, "alice", "guess");
  const Json nobody = try_it(*w, "nobody", "guess");
  EXPECT_EQ(error_of(wrong), -32002);
  EXPECT_EQ(at(wrong, "error").write(), at(nobody, "error").write()) << "told apart by nothing";
  for (int i = 0; i < 3; ++i) try_it(*w, "alice", "guess");
  EXPECT_EQ(w->close_code, 4001) << "the fifth failure on one connection";
  w = bed.connect();
  EXPECT_EQ(error_of(try_it(*w, "alice", "guess")), -32002) << "alice's fifth";
  const Json limited = try_it(*w, "alice", kPassword);
  EXPECT_EQ(error_of(limited), -32003) << "even with the right password";
  EXPECT_GT(number(at(at(limited, "error"), "data"), "retry_after"), 0);
  EXPECT_TRUE(at(try_it(*w, "bob", kPassword), "result").is_object()) << "another name is free";
  EXPECT_EQ(error_of(try_it(*w, "bob", kPassword)), -32010);
  const auto elsewhere = std::make_shared<FakeSocket>();
  elsewhere->address.ip = IpAddress::v4(127, 0, 0, 2);
  bed.clients.opened(elsewhere, elsewhere->address.ip);
  EXPECT_TRUE(at(try_it(*elsewhere, "alice", kPassword), "result").is_object()) << "and another address";
  bed.run(seconds(61));
  w = bed.connect();
  EXPECT_TRUE(at(try_it(*w, "alice", kPassword), "result").is_object());
}

TEST(ClientApi, TwentyFailuresOfOneAddressStopItForEveryName) {
  ApiBed bed;
  for (int i = 0; i < 20; ++i) {
    const auto w = bed.connect();
    bed.request(*w, "sign_in", Json::object({{"account", "name" + std::to_string(i)}, {"password", "x"}}));
  }
  const auto w = bed.connect();
  EXPECT_EQ(error_of(bed.request(*w, "sign_in", Json::object({{"account", "bob"}, {"password", kPassword}}))), -32003);
}

TEST(ClientApi, R0_15ACallToEchoFromBeginningToEnd) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string call = bed.make_call(*w, "echo", "tab-1");
  ASSERT_FALSE(call.empty());
  bed.run();
  EXPECT_EQ(w->states(), "pending calling confirmed");
  // The pending notification comes before the answer, so that the call is known by its ref.
  const auto answered = std::find_if(w->sent.begin(), w->sent.end(),
                                     [](const Json& each) { return !at(at(each, "result"), "continue").is_null(); });
  const Json& pending = at(*(answered - 1), "params");
  EXPECT_EQ(text(pending, "state"), "pending");
  EXPECT_EQ(text(pending, "ref"), "tab-1");
  EXPECT_TRUE(pending.find("prior_state") != nullptr && at(pending, "prior_state").is_null());
  EXPECT_EQ(number(pending, "seq"), 1);
  EXPECT_EQ(text(pending, "at").size(), std::string("2026-11-21T04:05:06.789Z").size());
  const Json& confirmed = at(w->sent.back(), "params");
  EXPECT_NE(text(confirmed, "sdp").find("a=ice-lite"), std::string::npos);
  EXPECT_EQ(text(confirmed, "prior_state"), "calling");

  const Json ice = Json::object({{"candidate", ""}});
  EXPECT_EQ(
      text(at(bed.request(*w, "candidates", Json::object({{"call_id", call}, {"candidates", Json(Json::Array{ice})}})),
              "result"),
           "call_id"),
      call);
  const Json dropped = bed.request(*w, "drop_call", Json::object({{"call_id", call}}));
  EXPECT_EQ(at(dropped, "result").write(), R"({"call_id":")" + call + R"(","state":"dropped"})");
  bed.run(seconds(1));
  EXPECT_EQ(w->states(), "pending calling confirmed") << "X8: who ended it hears nothing more of it";
  EXPECT_EQ(bed.told(call), "pending calling confirmed dropped");
  EXPECT_EQ(error_of(bed.request(*w, "drop_call", Json::object({{"call_id", call}}))), -32005);
  EXPECT_TRUE(bed.exchange.list().empty());
}

TEST(ClientApi, R0_6ARefusalIsTheAnswerAfterTheDroppedNotification) {
  ApiBed bed;
  bed.web_server = [](const Json&) {
    return WebhookReply{200, R"({"allowed":false,"reason":"not during the night"})"};
  };
  const auto w = bed.sign_in();
  const Json answer = bed.request(*w, "make_call", Json::object({{"to", "2000"}, {"sdp", browser_sdp()}}));
  EXPECT_EQ(error_of(answer), -32001);
  const Json& data = at(at(answer, "error"), "data");
  EXPECT_EQ(text(data, "reason"), "refused");
  EXPECT_EQ(text(data, "text"), "not during the night");
  EXPECT_EQ(number(data, "code"), 403);
  EXPECT_EQ(w->states(), "pending dropped");
  EXPECT_EQ(w->sent.back().write(), answer.write()) << "dropped comes first";
  bed.run(seconds(2));
  EXPECT_TRUE(bed.b.heard.empty()) << "no INVITE ever";
}

TEST(ClientApi, R0_16DropWhileTheWebServerThinksCancelsMakeCall) {
  ApiBed bed;
  bed.web_server_delay = seconds(1);
  const auto w = bed.sign_in();
  w->say(Json::object({{"jsonrpc", "2.0"},
                       {"id", 77},
                       {"method", "make_call"},
                       {"params", Json::object({{"to", "2000"}, {"sdp", browser_sdp()}})}})
             .write());
  bed.run();
  const std::string call = text(at(w->sent.back(), "params"), "call_id");
  EXPECT_EQ(text(at(bed.request(*w, "drop_call", Json::object({{"call_id", call}})), "result"), "state"), "dropped");
  const auto answer =
      std::find_if(w->sent.begin(), w->sent.end(), [](const Json& each) { return number(each, "id") == 77; });
  ASSERT_NE(answer, w->sent.end());
  EXPECT_EQ(error_of(*answer), -32001);
  EXPECT_EQ(text(at(at(*answer, "error"), "data"), "reason"), "cancelled");
  bed.run(seconds(3));
  EXPECT_TRUE(bed.b.heard.empty());
  EXPECT_EQ(bed.told(call), "pending dropped");
}

TEST(ClientApi, EightCallsOfASessionAreAlive) {
  ApiBed bed;
  const auto w = bed.sign_in();
  for (int i = 0; i < 8; ++i) EXPECT_NE(bed.make_call(*w), "");
  EXPECT_EQ(error_of(bed.request(*w, "make_call", Json::object({{"to", "echo"}, {"sdp", browser_sdp()}}))), -32007);
}

TEST(ClientApi, EightSessionsOfAClientAndTheLostOneMakesRoom) {
  ApiBed bed;
  std::vector<std::shared_ptr<FakeSocket>> all;
  for (int i = 0; i < 8; ++i) all.push_back(bed.sign_in());
  const auto ninth = bed.connect();
  const Json params = Json::object({{"account", "alice"}, {"password", kPassword}});
  EXPECT_EQ(error_of(bed.request(*ninth, "sign_in", params)), -32009);
  all[3]->cut(transport::WsEnd::lost);
  bed.run();
  EXPECT_TRUE(at(bed.request(*ninth, "sign_in", params), "result").is_object());
  EXPECT_EQ(bed.clients.sessions_of("alice"), 8u);
}

TEST(ClientApi, R0_20ALostClientComesBackToItsCallsAndHearsWhatItMissed) {
  ApiBed bed;
  auto w = bed.connect();
  const Json entered =
      at(bed.request(*w, "sign_in", Json::object({{"account", "alice"}, {"password", kPassword}})), "result");
  EXPECT_EQ(number(entered, "grace_seconds"), 10);
  const std::string token = text(entered, "token");
  EXPECT_EQ(token.size(), 43u);
  const std::string call = bed.make_call(*w, "2000", "tab-1");
  w->cut(transport::WsEnd::lost);
  bed.run();
  bed.b.reply("INVITE", 180);
  bed.run();
  bed.b.reply("INVITE", 200, phone_sdp(5000));
  bed.run(seconds(5));
  EXPECT_EQ(w->states(), "pending calling");

  const auto back = bed.connect();
  const Json resumed =
      bed.request(*back, "resume", Json::object({{"token", token}, {"seen", Json::object({{call, 2}})}}));
  const Json::Array& calls = *at(at(resumed, "result"), "calls").array();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(text(calls[0], "call_id"), call);
  EXPECT_EQ(text(calls[0], "ref"), "tab-1");
  EXPECT_EQ(text(calls[0], "state"), "confirmed");
  EXPECT_EQ(number(calls[0], "seq"), 4);
  EXPECT_EQ(back->states(), "ringing confirmed") << "what it had not seen, in order, after the result";
  bed.run(seconds(30));
  EXPECT_EQ(bed.exchange.list().size(), 1u) << "the grace is over, the call goes on";

  // Again, from a second place: the first connection is replaced.
  const auto third = bed.connect();
  bed.request(*third, "resume", Json::object({{"token", token}}));
  EXPECT_EQ(back->close_code, 4002);
  EXPECT_EQ(third->states(), "pending calling ringing confirmed");
  EXPECT_EQ(text(at(bed.request(*third, "drop_call", Json::object({{"call_id", call}})), "result"), "state"),
            "dropped");
}

TEST(ClientApi, R0_20WhoDoesNotComeBackLosesItsCalls) {
  ApiBed bed;
  const auto w = bed.connect();
  const Json entered =
      at(bed.request(*w, "sign_in", Json::object({{"account", "alice"}, {"password", kPassword}})), "result");
  const std::string call = bed.make_call(*w);
  bed.run();
  w->cut(transport::WsEnd::lost);
  bed.run(seconds(9));
  EXPECT_EQ(bed.told(call), "pending calling confirmed");
  bed.run(seconds(2));
  EXPECT_EQ(bed.told(call), "pending calling confirmed dropped");
  EXPECT_EQ(bed.ended.at(0).reason, DropReason::connection_lost);
  EXPECT_TRUE(was_told(bed, "client.disconnected"));
  const auto late = bed.connect();
  EXPECT_EQ(error_of(bed.request(*late, "resume", Json::object({{"token", text(entered, "token")}}))), -32004);
  EXPECT_EQ(error_of(bed.request(*late, "resume", Json::object({{"token", "guess"}}))), -32004);
  EXPECT_EQ(bed.clients.sessions(), 0u);
}

TEST(ClientApi, AnEndedCallIsRepeatedOnlyWhenNobodyListened) {
  ApiBed bed;
  const auto w = bed.connect();
  const std::string token = text(
      at(bed.request(*w, "sign_in", Json::object({{"account", "alice"}, {"password", kPassword}})), "result"), "token");
  const std::string heard = bed.make_call(*w);
  const std::string missed = bed.make_call(*w);
  bed.http("POST", "/api/v1/calls/" + heard + "/drop");
  EXPECT_EQ(w->states(heard), "pending calling confirmed dropped");
  w->cut(transport::WsEnd::lost);
  bed.http("POST", "/api/v1/calls/" + missed + "/drop");
  const auto back = bed.connect();
  const Json resumed =
      bed.request(*back, "resume", Json::object({{"token", token}, {"seen", Json::object({{missed, 3}})}}));
  EXPECT_TRUE(at(at(resumed, "result"), "calls").array()->empty());
  EXPECT_EQ(back->states(heard), "");
  EXPECT_EQ(back->states(missed), "dropped");
}

TEST(ClientApi, R0_21AnIncomingCallIsOfferedRungAndAccepted) {
  ApiBed bed;
  const auto w = bed.sign_in();
  bed.a.invite("alice", phone_sdp(4000));
  bed.run();
  const Json& offered = w->sent.back();
  EXPECT_EQ(text(offered, "method"), "on_incoming_call");
  const Json& params = at(offered, "params");
  EXPECT_EQ(number(params, "seq"), 2);
  EXPECT_EQ(text(params, "prior_state"), "pending");
  EXPECT_EQ(text(params, "dir"), "incoming");
  EXPECT_EQ(text(params, "from"), "1000");
  EXPECT_NE(text(params, "sdp").find("UDP/TLS/RTP/SAVPF"), std::string::npos);
  const std::string call = text(params, "call_id");
  EXPECT_EQ(text(at(bed.request(*w, "ringing", Json::object({{"call_id", call}})), "result"), "call_id"), call);
  bed.run();
  EXPECT_TRUE(bed.a.has("180 INVITE"));
  EXPECT_EQ(error_of(bed.request(*w, "accept_call", Json::object({{"call_id", call}, {"sdp", "nonsense"}}))), -32008);
  bed.run();
  EXPECT_EQ(bed.ended.at(0).reason, DropReason::media_failed);
}

// What docs/api.md promises of send_dtmf: how many were taken, or why none was.
TEST(ClientApi, DigitsAreAnsweredByWhatBecameOfThem) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string events = "a=rtpmap:101 telephone-event/8000\r\n";
  bed.a.invite("alice", phone_sdp(4000, "0 101", 1, events));
  bed.run();
  const std::string call = text(at(w->sent.back(), "params"), "call_id");
  bed.request(*w, "accept_call", Json::object({{"call_id", call}, {"sdp", browser_sdp()}}));
  bed.run();
  bed.a.ack();
  bed.run();
  const auto say = [&](const std::string& digits) {
    return bed.request(*w, "send_dtmf", Json::object({{"call_id", call}, {"digits", digits}}));
  };
  EXPECT_EQ(number(at(say("12#"), "result"), "digits"), 3);
  EXPECT_EQ(error_of(say(std::string(30, '1'))), -32009) << "three wait already";
  bed.a.reinvite(phone_sdp(4000, "0 101", 2, events + "a=sendonly\r\n"));
  bed.run();
  bed.a.ack();
  bed.run();
  const Json held = say("1");
  EXPECT_EQ(error_of(held), -32008);
  EXPECT_NE(text(at(at(held, "error"), "data"), "why").find("holds"), std::string::npos);
  bed.a.reinvite(phone_sdp(4000, "0", 3));
  bed.run();
  bed.a.ack();
  bed.run();
  EXPECT_EQ(error_of(say("1")), -32008);
}

TEST(ClientApi, R0_21AClientRejectsWith603Or486) {
  for (const auto& [code, answer] : {std::pair{603, "603 INVITE"}, std::pair{486, "486 INVITE"}}) {
    ApiBed bed;
    const auto w = bed.sign_in();
    bed.a.invite("alice", phone_sdp(4000));
    bed.run();
    const std::string call = text(at(w->sent.back(), "params"), "call_id");
    const Json result = bed.request(*w, "reject_call", Json::object({{"call_id", call}, {"code", code}}));
    EXPECT_EQ(text(at(result, "result"), "state"), "dropped");
    bed.run();
    EXPECT_TRUE(bed.a.has(answer)) << bed.a.log();
    EXPECT_EQ(w->states(call), "calling") << "no dropped beside the answer";
    EXPECT_EQ(error_of(bed.request(*w, "accept_call", Json::object({{"call_id", call}, {"sdp", "x"}}))), -32005);
  }
}

TEST(ClientApi, SigningOutEndsCallsAndSession) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string call = bed.make_call(*w);
  EXPECT_TRUE(at(bed.request(*w, "sign_out"), "result").is_object());
  EXPECT_EQ(w->close_code, 4003);
  bed.run();
  EXPECT_EQ(bed.told(call), "pending calling confirmed dropped");
  EXPECT_TRUE(was_told(bed, "client.disconnected"));
  EXPECT_EQ(bed.clients.sessions(), 0u);
}

TEST(ClientApi, R0_8AClientThatDoesNotReadIsCutAndHoldsNobodyUp) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string call = bed.make_call(*w, "2000");
  bed.run();
  w->waiting = 256 << 10;
  bed.b.reply("INVITE", 180);
  bed.run();
  EXPECT_EQ(w->close_code, 4004);
  EXPECT_EQ(bed.told(call), "pending calling ringing") << "the web server was told all the same";
  EXPECT_EQ(bed.clients.sessions(), 1u) << "it may come back";
}

TEST(ClientApi, TheEndOfTheGatewayClosesEveryConnection) {
  ApiBed bed;
  const auto w = bed.sign_in();
  bed.clients.end();
  EXPECT_EQ(w->close_code, 1001);
  EXPECT_EQ(bed.connect()->close_code, 1001);
}

TEST(ClientApi, TextsOfStrangersCannotBreakAMessage) {
  ApiBed bed;
  const auto w = bed.sign_in();
  bed.a.user = "1000";
  bed.a.invite("alice", phone_sdp(4000), "Subject: \xff\xfe\r\n");
  bed.run();
  TellClient told;
  CallFacts& call = told.call;
  call.id = "c_x";
  call.from_name = "\xff\"\x01\\\xed\xa0\x80";
  const std::string written = Json::object({{"a", call.from_name}}).write();
  EXPECT_EQ(written, "{\"a\":\"\xef\xbf\xbd\\\"\\u0001\\\\\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
  EXPECT_TRUE(parse_json(written));
}

}  // namespace client_api_test
}  // namespace isthmus::test
