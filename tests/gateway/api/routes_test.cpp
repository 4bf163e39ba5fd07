// SPDX-License-Identifier: MIT
// The HTTP API against the real Exchange (docs/api.md section 4; R0.23, R0.24).
#include "gateway/api/routes.hpp"

#include <concepts>

#include "base/encoding.hpp"
#include "tests/gateway/api/api_bed.hpp"

namespace isthmus::test {
namespace routes_test {

using namespace gateway;
using std::chrono::seconds;
using namespace std::string_literals;

std::string code_of(const ApiBed::Reply& reply) {
  return std::to_string(reply.status) + " " + text(at(reply.body, "error"), "code");
}

TEST(Routes, R0_24EverythingButHealthAsksForTheSecret) {
  ApiBed bed;
  EXPECT_EQ(bed.http("GET", "/healthz", {}, {}).whole.body, R"({"status":"ok"})");
  for (const char* path :
       {"/api/v1/calls", "/api/v1/clients", "/api/v1/failures", "/api/v1/trunks", "/api/v1/nothing", "/metrics"}) {
    const auto reply = bed.http("GET", path, {}, {});
    EXPECT_EQ(code_of(reply), "401 unauthorized") << path;
    ASSERT_FALSE(reply.whole.headers.empty());
    EXPECT_EQ(reply.whole.headers[0].first, "WWW-Authenticate");
  }
  EXPECT_EQ(bed.http("GET", "/metrics").whole.body, "metrics\n");
  const std::string basic = "Basic " + to_base64(as_bytes("api:api secret"));
  EXPECT_EQ(bed.http("GET", "/api/v1/calls", {}, basic).status, 200);
  EXPECT_EQ(bed.http("GET", "/api/v1/calls", {}, "bearer api secret").status, 200);
  for (const std::string& wrong :
       {std::string("Bearer api secre"), std::string("Bearer api secret2"), std::string("Bearer "),
        std::string("Digest api secret"), std::string("Basic !!!"), "Basic " + to_base64(as_bytes("root:api secret"))})
    EXPECT_EQ(bed.http("GET", "/api/v1/calls", {}, wrong).status, 401) << wrong;
}

// Advisory 49: hashes are compared in constant time, and no other comparison of a secret compiles.
static_assert(!std::equality_comparable<Private<std::string>>);

TEST(Routes, ASecretThatIsAlmostRightIsWrong) {  // advisory 49
  ApiBed bed;
  const std::string right = "api secret";
  for (size_t size = 0; size < right.size(); ++size)
    EXPECT_EQ(bed.http("GET", "/metrics", {}, "Bearer " + right.substr(0, size)).status, 401) << size;
  for (const std::string& wrong : {right + "2", right + right, right + '\0', "API SECRET"s, "\0"s + right})
    EXPECT_EQ(bed.http("GET", "/metrics", {}, "Bearer " + wrong).status, 401) << wrong;
  EXPECT_EQ(bed.http("GET", "/metrics", {}, "Bearer " + right).status, 200);
}

TEST(Routes, PathsLeadToNoFileAndBackOutOfNothing) {  // advisory 49
  ApiBed bed;
  for (const char* path :
       {"/../etc/passwd", "/api/v1/../../etc/passwd", "/api/v1/calls/../../..", "/api/v1/clients/..",
        "/api/v1/clients/.", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/clients/%2e%2e%2fdata%2fapi-secret",
        "/api/v1/calls/..%5c..%5c", "//etc/passwd", "/api//v1/calls", "/api/v1//calls", "/metrics/../api/v1/calls",
        "/metrics/", "/data/api-secret"}) {
    const auto reply = bed.http("GET", path);
    const bool nothing = reply.status == 404 || (reply.status == 200 && reply.body.is_null());
    EXPECT_TRUE(nothing) << path << " " << reply.status << " " << reply.whole.body;
    EXPECT_EQ(bed.http("DELETE", path).status / 100, 4) << path;
  }
}

TEST(Routes, WhatIsWrongIsNotRepeatedInTheAnswer) {  // advisory 50
  ApiBed bed;
  const std::string script = "<script>alert(1)</script>";
  for (const auto& [method, target, body] : std::vector<std::array<std::string, 3>>{
           {"GET", "/" + script, ""},
           {"GET", "/api/v1/" + script, ""},
           {"GET", "/api/v1/calls/" + script, ""},
           {"GET", "/api/v1/calls?page=" + script, ""},
           {script, "/api/v1/calls", ""},
           {"POST", "/api/v1/calls/" + script + "/drop", "{}"},
           {"POST", "/api/v1/clients", "{\"id\":\"" + script + "\",\"identities\":[\"a\"]}"},
           {"POST", "/api/v1/clients", "{\"identities\":[\"" + script + "\"]}"},
           {"POST", "/api/v1/clients", script},
           {"DELETE", "/api/v1/clients/" + script, ""}}) {
    const auto reply = bed.http(method, target, body);
    EXPECT_EQ(reply.whole.body.find("script"), std::string::npos) << method << " " << target << " " << reply.whole.body;
    EXPECT_EQ(reply.whole.content_type, "application/json") << method << " " << target;
  }
}

TEST(Routes, JsonThatIsTooDeepIsOneRefusal) {  // advisory 55
  ApiBed bed;
  for (const size_t depth : {size_t{17}, size_t{1000}, size_t{32000}, size_t{200000}}) {
    for (const std::string& deep : {std::string(depth, '['), std::string(depth, '[') + std::string(depth, ']'),
                                    "{\"identities\":" + std::string(depth, '[') + std::string(depth, ']') + "}"}) {
      EXPECT_FALSE(parse_json(deep)) << depth;
      EXPECT_EQ(code_of(bed.http("POST", "/api/v1/clients", deep)), "400 bad_request") << depth;
    }
    std::string objects;
    for (size_t i = 0; i < depth; ++i) objects += "{\"a\":";
    EXPECT_FALSE(parse_json(objects + "1" + std::string(depth, '}'))) << depth;
  }
  EXPECT_TRUE(parse_json(std::string(16, '[') + std::string(16, ']')));
}

TEST(Routes, WrongSecretsAreCountedPerAddress) {
  ApiBed bed;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bed.http("GET", "/metrics", {}, "Bearer guess").status, 401);
  const auto limited = bed.http("GET", "/metrics");
  EXPECT_EQ(code_of(limited), "429 rate_limited");
  bed.sender.ip = IpAddress::v4(192, 0, 2, 1);  // behind the same proxy
  EXPECT_EQ(bed.http("GET", "/metrics").status, 200);
  bed.sender.ip = IpAddress::v4(127, 0, 0, 1);
  EXPECT_EQ(limited.whole.headers.at(0).first, "Retry-After");
  EXPECT_EQ(bed.http("GET", "/healthz", {}, {}).status, 200);
  bed.run(seconds(61));
  EXPECT_EQ(bed.http("GET", "/metrics").status, 200);
}

TEST(Routes, R0_23CallsAreListedInPages) {
  ApiBed bed;
  const auto w = bed.sign_in();
  EXPECT_EQ(bed.http("GET", "/api/v1/calls").whole.body,
            R"({"page":1,"perPage":50,"totalPages":0,"totalEntries":0,"entries":[]})");
  std::vector<std::string> made;
  for (int i = 0; i < 3; ++i) made.push_back(bed.make_call(*w));
  bed.run();
  const auto first = bed.http("GET", "/api/v1/calls?page=1&perPage=2");
  EXPECT_EQ(number(first.body, "totalPages"), 2);
  EXPECT_EQ(number(first.body, "totalEntries"), 3);
  ASSERT_EQ(at(first.body, "entries").array()->size(), 2u);
  const Json& call = at(first.body, "entries").array()->front();
  EXPECT_EQ(text(call, "id"), made[0]) << "oldest first";
  EXPECT_EQ(text(call, "current_state"), "confirmed");
  EXPECT_EQ(text(call, "client"), "alice");
  EXPECT_EQ(text(call, "module"), "echo");
  EXPECT_EQ(number(call, "reaping_legs"), 0);
  const auto second = bed.http("GET", "/api/v1/calls?perPage=2&page=2");
  EXPECT_EQ(text(at(second.body, "entries").array()->at(0), "id"), made[2]);
  EXPECT_TRUE(at(bed.http("GET", "/api/v1/calls?page=9").body, "entries").array()->empty());
  for (const char* bad : {"page=0", "page=x", "page=1000001", "perPage=201", "perPage=-1", "page=%zz", "perPage="}) {
    const auto reply = bed.http("GET", std::string("/api/v1/calls?") + bad);
    EXPECT_EQ(code_of(reply), "400 bad_request") << bad;
    EXPECT_NE(text(at(reply.body, "error"), "param"), "") << bad;
  }
  EXPECT_EQ(text(bed.http("GET", "/api/v1/calls/" + made[1]).body, "id"), made[1]);
  EXPECT_EQ(bed.http("GET", "/api/v1/calls/c_unknown").whole.body, "null");
}

TEST(Routes, R0_23DropInAnyState) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string call = bed.make_call(*w, "2000");
  bed.run();
  EXPECT_TRUE(bed.b.has("INVITE"));
  const auto dropped = bed.http("POST", "/api/v1/calls/" + call + "/drop");
  EXPECT_EQ(dropped.status, 200);
  EXPECT_EQ(text(dropped.body, "current_state"), "dropped");
  EXPECT_EQ(text(dropped.body, "reason"), "commanded");
  EXPECT_EQ(number(dropped.body, "reaping_legs"), 1) << "B has not answered yet, so its CANCEL waits";
  EXPECT_EQ(code_of(bed.http("POST", "/api/v1/calls/" + call + "/drop")), "409 wrong_state");
  EXPECT_EQ(code_of(bed.http("POST", "/api/v1/calls/c_1/drop")), "404 unknown_call");
  EXPECT_EQ(w->states(call), "pending calling dropped");

  const std::string echo = bed.make_call(*w);
  bed.run();
  const auto over = bed.http("POST", "/api/v1/calls/" + echo + "/drop");
  EXPECT_EQ(text(over.body, "current_state"), "dropped") << "shown although nothing of it is left";
  EXPECT_EQ(bed.http("GET", "/api/v1/calls/" + echo).whole.body, "null");
}

TEST(Routes, R0_23AnUndecidedCallIsDroppedEitherWay) {
  ApiBed bed;
  bed.web_server = [](const Json&) { return WebhookReply{202, ""}; };
  const auto w = bed.sign_in();
  w->say(Json::object({{"jsonrpc", "2.0"},
                       {"id", 5},
                       {"method", "make_call"},
                       {"params", Json::object({{"to", "2000"}, {"sdp", browser_sdp()}})}})
             .write());
  bed.run();
  const std::string call = text(at(w->sent.back(), "params"), "call_id");
  const auto dropped = bed.http("POST", "/api/v1/calls/" + call + "/drop");
  EXPECT_EQ(text(dropped.body, "prior_state"), "pending");
  EXPECT_EQ(number(dropped.body, "code"), 403);
  EXPECT_EQ(w->states(call), "pending dropped");
  EXPECT_EQ(text(at(at(w->sent.back(), "error"), "data"), "reason"), "commanded") << "the answer to make_call";
  bed.run(seconds(2));
  EXPECT_TRUE(bed.b.heard.empty());

  bed.a.invite("alice", phone_sdp(4000));
  bed.run();
  const std::string incoming = text(bed.http("GET", "/api/v1/calls").body.find("entries")->array()->at(0), "id");
  EXPECT_EQ(bed.http("POST", "/api/v1/calls/" + incoming + "/drop").status, 200);
  bed.run();
  EXPECT_TRUE(bed.a.has("403 INVITE")) << bed.a.log();
  EXPECT_EQ(w->states(incoming), "") << "the client never heard of it";
}

TEST(Routes, R0_23AllowDecidesOutgoingCallsLater) {
  ApiBed bed;
  bed.web_server = [](const Json&) { return WebhookReply{202, ""}; };
  const auto w = bed.sign_in();
  w->say(Json::object({{"jsonrpc", "2.0"},
                       {"id", 5},
                       {"method", "make_call"},
                       {"params", Json::object({{"to", "2000"}, {"sdp", browser_sdp()}})}})
             .write());
  bed.run(seconds(8));
  const std::string call = text(at(w->sent.back(), "params"), "call_id");
  EXPECT_EQ(bed.told(call), "pending") << "undecided for longer than the 5 s of the question";
  const std::string path = "/api/v1/calls/" + call;
  EXPECT_EQ(code_of(bed.http("POST", path + "/switch", R"({"client":"bob"})")), "409 wrong_direction");
  EXPECT_EQ(code_of(bed.http("POST", path + "/allow", R"({"from":"a b"})")), "400 bad_request");
  EXPECT_EQ(code_of(bed.http("POST", path + "/allow", R"({"target":"mailto:x"})")), "400 bad_request");
  EXPECT_EQ(code_of(bed.http("POST", path + "/allow", "[]")), "400 bad_request");
  EXPECT_TRUE(bed.b.heard.empty());
  EXPECT_EQ(bed.http("POST", path + "/allow", R"({"from":"1234"})").status, 200);
  bed.run();
  EXPECT_EQ(text(at(w->sent[1], "result"), "continue") + text(at(w->sent[2], "result"), "continue"), call);
  ASSERT_TRUE(bed.b.has("INVITE"));
  EXPECT_NE(bed.b.last("INVITE").from().uri.find("sip:1234@"), std::string_view::npos);
  EXPECT_EQ(code_of(bed.http("POST", path + "/allow", "{}")), "409 wrong_state");
}

TEST(Routes, R0_21R0_23SwitchDecidesIncomingCalls) {
  ApiBed bed;
  bed.web_server = [](const Json& event) {
    return WebhookReply{text(event, "type") == "call.incoming" ? 202 : 200, ""};
  };
  const auto alice = bed.sign_in("alice");
  bed.a.invite("alice", phone_sdp(4000));
  bed.run();
  const std::string call = text(bed.http("GET", "/api/v1/calls").body.find("entries")->array()->at(0), "id");
  const std::string path = "/api/v1/calls/" + call;
  EXPECT_EQ(code_of(bed.http("POST", path + "/allow", "{}")), "409 wrong_direction");
  EXPECT_EQ(code_of(bed.http("POST", path + "/switch", "{}")), "400 bad_request");
  EXPECT_EQ(code_of(bed.http("POST", path + "/switch", R"({"client":"nobody"})")), "404 unknown_client");
  const auto bob = bed.sign_in("bob");
  EXPECT_EQ(bed.http("POST", path + "/switch", R"({"client":"bob"})").status, 200);
  bed.run();
  EXPECT_EQ(bob->states(), "calling");
  EXPECT_EQ(alice->states(), "");
  EXPECT_EQ(code_of(bed.http("POST", path + "/switch", R"({"client":"alice"})")), "409 wrong_state");
}

TEST(Routes, R0_21SwitchToAClientThatIsNotThereGivesTheCaller480) {
  ApiBed bed;
  bed.web_server = [](const Json& event) {
    return WebhookReply{text(event, "type") == "call.incoming" ? 202 : 200, ""};
  };
  const auto alice = bed.sign_in("alice");
  bed.a.invite("alice", phone_sdp(4000));
  bed.run();
  const std::string call = text(bed.http("GET", "/api/v1/calls").body.find("entries")->array()->at(0), "id");
  EXPECT_EQ(code_of(bed.http("POST", "/api/v1/calls/" + call + "/switch", R"({"client":"bob"})")),
            "409 client_offline");
  bed.run();
  EXPECT_TRUE(bed.a.has("480 INVITE")) << bed.a.log();
}

TEST(Routes, R0_23ClientsAreMadeListedAndRemoved) {
  ApiBed bed;
  const auto made = bed.http("POST", "/api/v1/clients", R"({"identities":["2001","support"]})");
  EXPECT_EQ(made.status, 201);
  const std::string id = text(made.body, "id");
  const std::string key = text(made.body, "key");
  EXPECT_EQ(key.size(), 43u);
  EXPECT_EQ(text(made.body, "source"), "api");
  EXPECT_EQ(bed.store.clients()->at(0).key_hash.find(key), std::string::npos) << "only its hash is kept";
  for (const char* taken : {R"({"identities":["2001"]})", R"({"identities":["alice"]})",
                            R"({"id":"alice","identities":["x"]})", R"({"identities":["x","x"]})"})
    EXPECT_EQ(code_of(bed.http("POST", "/api/v1/clients", taken)), "409 conflict") << taken;
  for (const char* bad : {R"({})", R"({"identities":[]})", R"({"identities":["a b"]})", R"({"identities":[1]})",
                          R"({"id":"a b","identities":["x"]})", "{"})
    EXPECT_EQ(code_of(bed.http("POST", "/api/v1/clients", bad)), "400 bad_request") << bad;

  const auto w = bed.connect();
  EXPECT_TRUE(at(bed.request(*w, "sign_in", Json::object({{"client", id}, {"key", key}})), "result").is_object());
  bed.run();
  EXPECT_EQ(text(bed.events.back().json, "type"), "client.connected");
  EXPECT_EQ(bed.events.back().json.find("data")->find("client")->find("identities")->write(), R"(["2001","support"])");
  const auto shown = bed.http("GET", "/api/v1/clients/" + id);
  EXPECT_TRUE(*at(shown.body, "connected").boolean());
  EXPECT_EQ(shown.whole.body.find("key"), std::string::npos) << "shown once";
  EXPECT_EQ(number(bed.http("GET", "/api/v1/clients").body, "totalEntries"), 3);
  EXPECT_EQ(bed.http("GET", "/api/v1/clients/unknown").whole.body, "null");

  const std::string call = bed.make_call(*w);
  bed.run();
  EXPECT_EQ(bed.http("DELETE", "/api/v1/clients/" + id).status, 204);
  bed.run();
  EXPECT_EQ(w->close_code, 4003);
  EXPECT_EQ(bed.told(call), "pending calling confirmed dropped");
  EXPECT_EQ(code_of(bed.http("DELETE", "/api/v1/clients/" + id)), "404 unknown_client");
  EXPECT_EQ(code_of(bed.http("DELETE", "/api/v1/clients/alice")), "409 conflict");
  EXPECT_TRUE(bed.store.clients()->empty());
}

TEST(Routes, ReadinessSaysInWordsWhyNotAndNeedsNoSecret) {
  ApiBed bed;
  EXPECT_EQ(bed.http("GET", "/readyz", {}, {}).whole.body, R"({"status":"ready"})");
  bed.readiness.notes = {"The web server gave no usable answer the last time."};
  const auto told = bed.http("GET", "/readyz", {}, {});
  EXPECT_EQ(told.status, 200) << "calls between phones go on without the web server";
  EXPECT_EQ(told.whole.body, R"({"status":"ready","notes":["The web server gave no usable answer the last time."]})");
  bed.readiness.reasons = {"The gateway is ending.", "The database cannot be written."};
  const auto unready = bed.http("GET", "/readyz", {}, {});
  EXPECT_EQ(code_of(unready), "503 not_ready");
  EXPECT_EQ(text(at(unready.body, "error"), "message"), "The gateway is ending. The database cannot be written.");
  EXPECT_EQ(bed.http("GET", "/healthz", {}, {}).whole.body, R"({"status":"ok"})") << "the loop lives all the same";
  EXPECT_EQ(code_of(bed.http("POST", "/readyz", {}, {})), "405 method_not_allowed");
}

TEST(Routes, DrainingTakesNoNewCallsAndTouchesNone) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string call = bed.make_call(*w, "echo");
  bed.run();
  EXPECT_EQ(bed.http("GET", "/api/v1/drain").body.write(), R"({"draining":false,"stop":false,"calls":1})");
  EXPECT_EQ(bed.http("POST", "/api/v1/drain", R"({"stop":1})").status, 400);
  EXPECT_EQ(bed.http("POST", "/api/v1/drain", R"({"stop":true})").body.write(),
            R"({"draining":true,"stop":true,"calls":1})");
  EXPECT_TRUE(bed.make_call(*w, "echo").empty());
  EXPECT_EQ(number(at(w->sent.back(), "error"), "code"), -32009) << w->sent.back().write();
  bed.a.invite("2000", phone_sdp(4000));
  bed.run();
  EXPECT_EQ(bed.a.heard.back().line, "503 INVITE");
  EXPECT_EQ(bed.a.heard.back().message.header(sip::Header::retry_after).value_or(""), "30");
  EXPECT_EQ(bed.exchange.drops()[gateway::CallDrop::draining], 2u);
  EXPECT_EQ(w->states(call), "pending calling confirmed");
  bed.request(*w, "drop_call", Json::object({{"call_id", call}}));
  EXPECT_EQ(bed.http("GET", "/api/v1/drain").body.write(), R"({"draining":true,"stop":true,"calls":0})");
  EXPECT_EQ(bed.http("DELETE", "/api/v1/drain").body.write(), R"({"draining":false,"stop":false,"calls":0})");
  EXPECT_FALSE(bed.make_call(*w, "echo").empty());
  EXPECT_EQ(bed.http("PUT", "/api/v1/drain").status, 405);
}

TEST(Routes, FailuresAreListedWithTheirReasonsNewestFirst) {
  ApiBed bed;
  const auto w = bed.sign_in();
  EXPECT_EQ(number(bed.http("GET", "/api/v1/failures").body, "totalEntries"), 0);
  const std::string busy = bed.make_call(*w, "2000");
  bed.run();
  bed.b.reply("INVITE", 486);
  bed.run();
  bed.web_server = [](const Json&) { return WebhookReply{200, R"({"allowed":false,"reason":"not on the list"})"}; };
  bed.make_call(*w, "2001");
  bed.run();
  const auto page = bed.http("GET", "/api/v1/failures");
  ASSERT_EQ(number(page.body, "totalEntries"), 2);
  const Json& newest = at(page.body, "entries").array()->at(0);
  EXPECT_EQ(text(newest, "reason"), "refused");
  EXPECT_EQ(text(newest, "text"), "not on the list");
  EXPECT_EQ(text(newest, "why"), "the web server refused it");
  EXPECT_EQ(text(newest, "reached"), "pending");
  const Json& older = at(page.body, "entries").array()->at(1);
  EXPECT_EQ(text(older, "id"), busy);
  EXPECT_EQ(text(older, "reason") + " " + std::to_string(number(older, "code")), "rejected 486");
  EXPECT_EQ(text(older, "reached"), "calling");
  EXPECT_EQ(text(older, "module"), "right");
  EXPECT_EQ(number(bed.http("GET", "/api/v1/failures?perPage=1&page=2").body, "totalPages"), 2);
  EXPECT_EQ(code_of(bed.http("GET", "/api/v1/failures?page=0")), "400 bad_request");
  EXPECT_EQ(code_of(bed.http("DELETE", "/api/v1/failures")), "405 method_not_allowed");
  EXPECT_EQ(code_of(bed.http("GET", "/api/v1/failures/1")), "404 not_found");
}

TEST(Routes, TrunksShowWhatIsKnownAndNothingElse) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const auto before = at(bed.http("GET", "/api/v1/trunks").body, "entries").array()->at(1);
  EXPECT_EQ(text(before, "name"), "right");
  EXPECT_TRUE(at(before, "last_success").is_null() && at(before, "last_failure").is_null());
  EXPECT_TRUE(at(before, "port").is_null()) << "none is written: the SRV records decide";
  bed.make_call(*w, "2000");
  bed.run();
  bed.b.reply("INVITE", 180);
  bed.run();
  bed.make_call(*w, "2001");
  bed.run();
  bed.b.reply("INVITE", 500);
  bed.run();
  const auto after = at(bed.http("GET", "/api/v1/trunks").body, "entries").array()->at(1);
  EXPECT_EQ(number(after, "placed"), 2);
  EXPECT_EQ(number(after, "failed"), 1);
  EXPECT_EQ(number(at(after, "last_failure"), "code"), 500);
  EXPECT_EQ(text(at(after, "last_failure"), "reason"), "rejected");
  EXPECT_FALSE(text(at(after, "last_success"), "at").empty());
  EXPECT_TRUE(at(after, "last_came_at").is_null());
}

// Neither a quoted name nor an escaped user can carry a control character or a broken line anywhere.
TEST(Routes, Advisory42StrangersTextIsEscapedInTheApiWebhooksAndForClients) {
  ApiBed bed;
  const auto alice = bed.sign_in();
  bed.a.user = "x%1b%5b31m%0d%0a%00%7f%22";
  bed.a.send("INVITE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP " + kA.text() +
             ";branch=z9hG4bK-name\r\nMax-Forwards: 70\r\nFrom: \"<script>alert(1)</script>\" <sip:" + bed.a.user +
             "@192.0.2.10>;tag=x\r\nTo: <sip:alice@192.0.2.1>\r\nCall-ID: name\r\nCSeq: 1 INVITE\r\nContact: "
             "<sip:1000@192.0.2.10>\r\nContent-Length: 0\r\n\r\n");
  bed.run();
  const auto calls = bed.http("GET", "/api/v1/calls");
  ASSERT_EQ(number(calls.body, "totalEntries"), 1) << bed.a.log();
  const Json& call = at(calls.body, "entries").array()->at(0);
  EXPECT_EQ(text(call, "from_name"), "<script>alert(1)</script>") << "a text like any other";
  EXPECT_EQ(text(call, "from"), std::string("x\x1b[31m\r\n\0\x7f\"", 11));
  EXPECT_EQ(calls.whole.content_type, "application/json");
  std::vector<std::string> said{calls.whole.body};
  for (const auto& event : bed.events) said.push_back(event.body);
  said.insert(said.end(), alice->raw.begin(), alice->raw.end());
  bed.web_server = [](const Json&) { return WebhookReply{200, ""}; };
  bed.http("POST", "/api/v1/calls/" + text(call, "id") + "/drop");
  bed.a.send("INVITE sip:2000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP " + kA.text() +
             ";branch=z9hG4bK-busy\r\nMax-Forwards: 70\r\nFrom: \"<script>\" <sip:" + bed.a.user +
             "@192.0.2.10>;tag=y\r\nTo: <sip:2000@192.0.2.1>\r\nCall-ID: busy\r\nCSeq: 1 INVITE\r\nContact: "
             "<sip:1000@192.0.2.10>\r\nContent-Length: 0\r\n\r\n");
  bed.run();
  if (bed.b.has("INVITE")) bed.b.reply("INVITE", 486);
  bed.run();
  said.push_back(bed.http("GET", "/api/v1/failures").whole.body);
  EXPECT_NE(said.back().find("\\u001b[31m\\r\\n\\u0000"), std::string::npos) << said.back();
  size_t shown = 0;
  for (const std::string& each : said) {
    for (const char c : each) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << each;
    shown += each.find("<script>") != std::string::npos ? 1 : 0;
  }
  EXPECT_GE(shown, 3u) << "in the list, in the webhook, to the client";
}

TEST(Routes, MethodsPathsAndMediaTypesAreChecked) {
  ApiBed bed;
  const auto wrong = bed.http("DELETE", "/api/v1/calls");
  EXPECT_EQ(code_of(wrong), "405 method_not_allowed");
  EXPECT_EQ(wrong.whole.headers.at(0), (HttpHeader{"Allow", "GET, HEAD"}));
  EXPECT_EQ(bed.http("GET", "/api/v1/calls/c_1/drop").whole.headers.at(0), (HttpHeader{"Allow", "POST"}));
  for (const char* path : {"/api/v1/", "/api/v1/other", "/api/v1/calls/", "/api/v1/calls/a/b/c", "/api/v1/clients/a/b",
                           "/api/v2/calls", "/nothing"})
    EXPECT_EQ(code_of(bed.http("GET", path)), "404 not_found") << path;
  HttpRequest request;
  request.method = "POST";
  request.path = "/api/v1/clients";
  request.headers = {{"Authorization", "Bearer api secret"}, {"Content-Type", "text/plain"}};
  request.body = "{}";
  int status = 0;
  bed.routes.handle(request, [&](HttpResponse response) { status = response.status; });
  EXPECT_EQ(status, 415);
}

}  // namespace routes_test
}  // namespace isthmus::test
