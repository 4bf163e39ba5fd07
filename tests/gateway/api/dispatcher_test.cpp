// SPDX-License-Identifier: MIT
// Webhooks in virtual time with a scripted transport (docs/api.md section 3; R0.7, R0.8, R0.14, R0.17, R0.18, R0.24).
#include "gateway/api/dispatcher.hpp"

#include "gateway/api/webhook_reply.hpp"
#include "gateway/api/wire.hpp"
#include "tests/gateway/api/api_bed.hpp"

namespace isthmus::test {
namespace dispatcher_test {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A dispatcher alone, with time in the test's hand.
struct Bench {
  explicit Bench(DispatcherConfig config = {.url = "http://hook/", .secrets = {Private<std::string>("whsec-example")}})
      : dispatcher(std::move(config), Seed::of(3)) {}

  Dispatcher dispatcher;
  Now now{TimePoint(seconds(1000)), WallTime(seconds(1795233907))};
  std::vector<Dispatcher::Post> posts;
  std::vector<Dispatcher::Verdict> verdicts;

  void collect() {
    while (const auto output = dispatcher.poll()) {
      if (const auto* post = std::get_if<Dispatcher::Post>(&*output)) posts.push_back(*post);
      if (const auto* verdict = std::get_if<Dispatcher::Verdict>(&*output)) verdicts.push_back(*verdict);
    }
  }
  void tell(const std::string& id, uint32_t sequence) {
    CallFacts call;
    call.id = id;
    call.sequence = sequence;
    dispatcher.tell(now, call);
    collect();
  }
  void finish(size_t which, int status) {
    dispatcher.finished(now, posts.at(which).ticket, WebhookReply{status, ""});
    collect();
  }
  void pass(Duration time) {
    now.steady += time;
    now.wall += time;
    dispatcher.expire(now);
    collect();
  }
  Json body(size_t which) const { return *parse_json(posts.at(which).post.body); }
  int64_t sequence(size_t which) const { return number(at(at(body(which), "data"), "call"), "seq"); }
};

TEST(Dispatcher, R0_24TheSignatureIsTheDocumentedOne) {
  const std::string body = R"({"id":"e_1","type":"call.state"})";
  const WallTime when{seconds(1795233907)};
  const std::string one = "v1=39058615ca9b8e4b815b1829a7fafdd414d996c016483b76003cb581f758d372";
  EXPECT_EQ(webhook_signature({Private<std::string>("whsec-example")}, when, body), "t=1795233907," + one);
  const std::string two =
      webhook_signature({Private<std::string>("new"), Private<std::string>("whsec-example")}, when, body);
  EXPECT_TRUE(two.ends_with("," + one)) << "while secrets are changed, one v1 for each: " << two;
  EXPECT_EQ(std::count(two.begin(), two.end(), ','), 2);
}

TEST(Dispatcher, R0_24TheBodyIsAsDocumented) {
  Bench bench;
  CallFacts call;
  call.id = "c_9fW";
  call.sequence = 4;
  call.state = CallState::dropped;
  call.prior = CallState::ringing;
  call.from = "alice";
  call.to = "1002";
  call.target = "sip:1002@192.0.2.7";
  call.module = "registrar";
  call.client = "alice";
  call.reason = DropReason::rejected;
  call.code = 486;
  call.text = "Busy Here";
  bench.dispatcher.tell(bench.now, call);
  bench.collect();
  const Json body = bench.body(0);
  EXPECT_EQ(text(body, "type"), "call.state");
  EXPECT_EQ(text(body, "time"), "2026-11-21T04:05:07.000Z");
  EXPECT_TRUE(text(body, "id").starts_with("e_"));
  EXPECT_EQ(
      at(at(body, "data"), "call").write(),
      R"({"id":"c_9fW","seq":4,"dir":"outgoing","current_state":"dropped","prior_state":"ringing","from":"alice","to":"1002",)"
      R"("target":"sip:1002@192.0.2.7","module":"registrar","client":"alice","code":486,"reason":"rejected","text":"Busy Here"})");
  call = {};
  call.id = "c_2";
  bench.dispatcher.ask(bench.now, {{}, PolicyKind::outgoing, call});
  bench.collect();
  EXPECT_TRUE(at(at(at(bench.body(1), "data"), "call"), "prior_state").is_null()) << "null at creation";
  EXPECT_TRUE(at(at(at(bench.body(1), "data"), "call"), "target").is_null());
}

TEST(Dispatcher, R0_18TheSameEventIsRepeatedAndOrderIsKept) {
  Bench bench;
  bench.tell("c_1", 1);
  bench.tell("c_1", 2);
  bench.tell("c_2", 1);
  ASSERT_EQ(bench.posts.size(), 2u) << "calls do not wait for each other, events of a call do";
  bench.finish(0, 500);
  EXPECT_EQ(bench.posts.size(), 2u);
  bench.pass(milliseconds(499));
  EXPECT_EQ(bench.posts.size(), 2u);
  bench.pass(milliseconds(1));
  ASSERT_EQ(bench.posts.size(), 3u);
  bench.finish(2, 500);
  bench.pass(seconds(1));
  ASSERT_EQ(bench.posts.size(), 4u);
  EXPECT_EQ(text(bench.body(3), "id"), text(bench.body(0), "id")) << "three times the same id";
  EXPECT_EQ(bench.posts[3].post.body, bench.posts[0].post.body);
  EXPECT_NE(bench.posts[3].post.headers[0].second, bench.posts[0].post.headers[0].second) << "signed afresh";
  bench.finish(3, 204);
  ASSERT_EQ(bench.posts.size(), 5u);
  EXPECT_EQ(bench.sequence(4), 2);
  bench.finish(4, 200);
  bench.finish(1, 299);
  EXPECT_TRUE(bench.dispatcher.empty());
  EXPECT_EQ(bench.dispatcher.outcomes()[WebhookOutcome::acknowledged], 3u);
  EXPECT_EQ(bench.dispatcher.outcomes()[WebhookOutcome::repeated], 2u);
  EXPECT_EQ(bench.dispatcher.lost().total(), 0u);
}

TEST(Dispatcher, R0_18ANewEventDoesNotShortenThePauseBeforeARepetition) {
  Bench bench;
  bench.tell("c_1", 1);
  bench.finish(0, 500);
  bench.tell("c_1", 2);
  bench.pass(milliseconds(499));
  EXPECT_EQ(bench.posts.size(), 1u);
  bench.pass(milliseconds(1));
  ASSERT_EQ(bench.posts.size(), 2u);
  EXPECT_EQ(bench.sequence(1), 1);
}

TEST(Dispatcher, R0_18AfterTenMinutesAnEventIsGivenUpAndTheNextHasItsTurn) {
  Bench bench;
  bench.tell("c_1", 1);
  bench.tell("c_1", 2);
  const TimePoint begin = bench.now.steady;
  std::vector<int64_t> pauses;
  while (bench.sequence(bench.posts.size() - 1) == 1) {
    const size_t posts = bench.posts.size();
    const TimePoint failed_at = bench.now.steady;
    bench.finish(posts - 1, 503);
    while (bench.posts.size() == posts) bench.pass(milliseconds(100));
    if (bench.sequence(posts) == 1) pauses.push_back((bench.now.steady - failed_at) / milliseconds(1));
  }
  ASSERT_GE(pauses.size(), 8u);
  EXPECT_EQ(std::vector<int64_t>(pauses.begin(), pauses.begin() + 8),
            (std::vector<int64_t>{500, 1000, 2000, 4000, 8000, 16000, 30000, 30000}));
  EXPECT_LE(bench.now.steady - begin, minutes(10));
  EXPECT_GT(bench.now.steady - begin, minutes(9));
  EXPECT_EQ(bench.dispatcher.lost()[WebhookLoss::given_up], 1u);
}

TEST(Dispatcher, SixtyFourEventsWaitPerCallAndTheRestIsCounted) {
  Bench bench;
  for (uint32_t i = 1; i <= 70; ++i) bench.tell("c_1", i);
  EXPECT_EQ(bench.dispatcher.waiting(), 65u) << "one on its way, 64 behind it";
  EXPECT_EQ(bench.dispatcher.lost()[WebhookLoss::no_room], 5u);
  bench.tell("c_2", 1);
  EXPECT_EQ(bench.posts.size(), 2u) << "another call has room";
  for (size_t i = 0; i < 65; ++i) bench.finish(i == 0 ? 0 : i + 1, 200);
  EXPECT_EQ(bench.sequence(65), 65) << "a gap in seq is what the receiver sees of a loss";
}

TEST(Dispatcher, QuestionsAreAskedOnceAndTheirAnswerIsHandedOn) {
  Bench bench;
  CallFacts call;
  call.id = "c_1";
  const AskId ask{Room::exchange, {4, 1}};
  bench.dispatcher.ask(bench.now, {ask, PolicyKind::outgoing, call});
  bench.collect();
  EXPECT_EQ(text(bench.body(0), "type"), "call.admission");
  bench.tell("c_1", 2);
  EXPECT_EQ(bench.posts.size(), 1u) << "the question is the event before";
  bench.finish(0, 500);
  ASSERT_EQ(bench.verdicts.size(), 1u);
  EXPECT_EQ(bench.verdicts[0].ask, ask);
  EXPECT_EQ(bench.verdicts[0].policy.reason, DropReason::web_server_error);
  ASSERT_EQ(bench.posts.size(), 2u) << "not asked again; the next event goes";
  bench.finish(0, 200);
  EXPECT_EQ(bench.verdicts.size(), 1u) << "a second outcome of the same post is nothing";
}

TEST(Dispatcher, R0_5EventsNeverTakeTheRoomOfAQuestion) {
  Bench bench({.url = "http://hook/", .waiting_in_all = 2});
  for (const char* call : {"c_1", "c_2", "c_3"}) bench.tell(call, 2);
  EXPECT_EQ(bench.dispatcher.lost()[WebhookLoss::no_room], 1u);
  AskPolicy question;
  for (const char* call : {"c_4", "c_5", "c_6"}) {
    question.call.id = call;
    bench.dispatcher.ask(bench.now, question);
  }
  bench.collect();
  ASSERT_EQ(bench.posts.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(bench.posts[i].post.is_question, i >= 2) << i;
  ASSERT_EQ(bench.verdicts.size(), 1u) << "they are bounded, too";
  EXPECT_EQ(bench.verdicts[0].call, "c_6");
  EXPECT_EQ(bench.dispatcher.lost()[WebhookLoss::no_room], 2u);
  EXPECT_EQ(bench.dispatcher.waiting(), 4u);
  for (size_t i = 0; i < 4; ++i) bench.finish(i, 200);
  EXPECT_EQ(bench.dispatcher.waiting(), 0u);
}

TEST(WebhookReply, R0_7AnAnswerIsYesOnlyWhenItIsClear) {
  const auto outgoing = [](int status, const char* body) { return policy_from(PolicyKind::outgoing, {status, body}); };
  const auto incoming = [](int status, const char* body) { return policy_from(PolicyKind::incoming, {status, body}); };
  EXPECT_EQ(outgoing(200, R"({"allowed":true,"more":1})").verdict, Policy::allow);
  EXPECT_EQ(outgoing(299, R"({"allowed":true,"from":"55","target":"sip:x@y"})").target, "sip:x@y");
  EXPECT_EQ(outgoing(200, R"({"allowed":false,"reason":"no"})").text, "no");
  EXPECT_EQ(outgoing(200, R"({"allowed":false})").reason, DropReason::refused);
  EXPECT_EQ(outgoing(202, " \n").verdict, Policy::later);
  EXPECT_EQ(outgoing(204, "").verdict, Policy::later);
  for (const char* bad :
       {"yes", "{}", "[true]", "true", R"({"allowed":1})", R"({"allowed":"true"})", R"({"allowed":true)",
        R"({"allowed":true,"from":"a b"})", R"({"allowed":true,"target":7})", R"({"action":"route"})"}) {
    EXPECT_EQ(outgoing(200, bad).reason, DropReason::web_server_malformed) << bad;
    EXPECT_EQ(outgoing(200, bad).verdict, Policy::refuse) << bad;
  }
  const std::string deep = R"({"allowed":true,"x":)" + std::string(16, '[') + std::string(16, ']') + "}";
  EXPECT_EQ(outgoing(200, deep.c_str()).reason, DropReason::web_server_malformed);
  for (const int status : {100, 199, 300, 302, 404, 500, 0})
    EXPECT_EQ(outgoing(status, R"({"allowed":true})").reason, DropReason::web_server_error);
  EXPECT_EQ(incoming(200, R"({"action":"route"})").verdict, Policy::allow);
  EXPECT_EQ(incoming(200, R"({"action":"switch","client":"bob"})").target, "bob");
  EXPECT_EQ(incoming(200, R"({"action":"drop"})").reason, DropReason::refused);
  for (const char* bad : {R"({"action":"switch"})", R"({"action":"dance"})", R"({"allowed":true})"})
    EXPECT_EQ(incoming(200, bad).reason, DropReason::web_server_malformed) << bad;
}

TEST(Webhooks, R0_7FourWaysToFailAreFourReasonsAndNoInvite) {
  struct Variant {
    const char* what;
    std::function<void(ApiBed&)> arrange;
    const char* reason;
  };
  const std::vector<Variant> variants{
      {"unreachable", [](ApiBed& bed) { bed.web_server_fault = WebhookFault::refused; }, "web_server_unreachable"},
      {"5xx",
       [](ApiBed& bed) { bed.web_server = [](const Json&) { return WebhookReply{500, R"({"allowed":true})"}; }; },
       "web_server_error"},
      {"malformed", [](ApiBed& bed) { bed.web_server = [](const Json&) { return WebhookReply{200, "certainly"}; }; },
       "web_server_malformed"},
      {"slow", [](ApiBed& bed) { bed.web_server = [](const Json&) { return std::optional<WebhookReply>(); }; },
       "web_server_timeout"},
  };
  for (const Variant& variant : variants) {
    ApiBed bed;
    const auto w = bed.sign_in();
    bed.run();
    variant.arrange(bed);
    w->say(Json::object({{"jsonrpc", "2.0"},
                         {"id", 9},
                         {"method", "make_call"},
                         {"params", Json::object({{"to", "2000"}, {"sdp", browser_sdp()}})}})
               .write());
    bed.run(seconds(6));
    const Json& error = at(w->sent.back(), "error");
    EXPECT_EQ(number(error, "code"), -32001) << variant.what;
    EXPECT_EQ(text(at(error, "data"), "reason"), variant.reason) << variant.what;
    EXPECT_EQ(w->states(), "pending dropped") << variant.what;
    bed.run(seconds(2));
    EXPECT_TRUE(bed.b.heard.empty()) << variant.what;
  }
}

TEST(Webhooks, R0_8AWebServerThatHangsHoldsNobodyUp) {
  ApiBed bed;
  const auto w = bed.sign_in();
  const std::string call = bed.make_call(*w, "2000");
  bed.web_server = [](const Json&) { return std::optional<WebhookReply>(); };
  bed.run();
  bed.b.reply("INVITE", 180);
  bed.run();
  EXPECT_EQ(w->states(call), "pending calling ringing") << "within the 20 ms of this run";
  bed.b.reply("INVITE", 200, phone_sdp(5000));
  bed.run();
  // R0.14: B's BYE has its answer, W its dropped, while H hangs.
  bed.b.request("BYE");
  bed.run();
  EXPECT_TRUE(bed.b.has("200 BYE"));
  EXPECT_EQ(w->states(call), "pending calling ringing confirmed dropped");
  EXPECT_EQ(bed.told(call), "pending calling ringing") << "H is behind by its own fault";
  bed.web_server = [](const Json&) { return WebhookReply{204, ""}; };
  bed.run(seconds(20));
  EXPECT_EQ(bed.told(call), "pending calling ringing ringing confirmed dropped")
      << "R0.17: in order, the lost one again";
  EXPECT_EQ(text(bed.events[bed.events.size() - 4].json, "id"), text(bed.events[bed.events.size() - 3].json, "id"));
  EXPECT_TRUE(bed.dispatcher.empty());
}

TEST(Webhooks, R0_5R0_24TheQuestionNamesWhatWillBeDialledAndNothingIsSentBeforeTheAnswer) {
  ApiBed bed;
  bed.web_server_delay = milliseconds(300);
  const auto w = bed.sign_in();
  w->say(Json::object({{"jsonrpc", "2.0"},
                       {"id", 9},
                       {"method", "make_call"},
                       {"params", Json::object({{"to", "2000"}, {"sdp", browser_sdp()}})}})
             .write());
  bed.run(milliseconds(290));
  EXPECT_TRUE(bed.b.heard.empty());
  const Json& question = bed.events.back().json;
  EXPECT_EQ(text(question, "type"), "call.admission");
  const Json& call = at(at(question, "data"), "call");
  EXPECT_EQ(text(call, "client"), "alice");
  EXPECT_EQ(text(call, "from"), "alice");
  EXPECT_EQ(text(call, "to"), "2000");
  EXPECT_EQ(text(call, "module"), "right");
  EXPECT_NE(text(call, "target").find("sip:2000@192.0.2.20"), std::string::npos);
  bed.run(milliseconds(100));
  EXPECT_TRUE(bed.b.has("INVITE"));
}

TEST(Dispatcher, HowLongTheWebServerTakesIsMeasuredOncePerPost) {
  Bench bench;
  EXPECT_FALSE(bench.dispatcher.is_failing());
  bench.tell("c_1", 1);
  bench.pass(milliseconds(40));
  bench.finish(0, 500);
  EXPECT_TRUE(bench.dispatcher.is_failing());
  bench.pass(milliseconds(500));  // the repetition goes out now: the pause before it is none of its time
  bench.pass(milliseconds(60));
  bench.finish(1, 204);
  EXPECT_FALSE(bench.dispatcher.is_failing());
  EXPECT_EQ(bench.dispatcher.times(false).count(), 2u);
  EXPECT_EQ(bench.dispatcher.times(false).sum(), milliseconds(100));
  EXPECT_EQ(bench.dispatcher.times(true).count(), 0u);
  AskPolicy question;
  question.call.id = "c_2";
  bench.dispatcher.ask(bench.now, question);
  bench.collect();
  bench.pass(milliseconds(7));
  bench.finish(2, 200);
  EXPECT_EQ(bench.dispatcher.times(true).sum(), milliseconds(7));
}

}  // namespace dispatcher_test
}  // namespace isthmus::test
