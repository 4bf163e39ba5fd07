// SPDX-License-Identifier: MIT
// Random interleavings through the whole of the interfaces (R0.3, R0.17, R0.18, R0.20, X8): a page that loses its
// connection and takes it up again, a web server that refuses, hesitates, fails and hangs, a callee and a caller that
// do anything at any moment. Page and web server hear each transition of each call exactly once, in order and without
// gaps, whatever crosses; only who ended a call itself hears no `dropped` of it.
#include <map>
#include <set>

#include "tests/gateway/api/api_bed.hpp"
#include "tests/support/documented.hpp"

namespace isthmus::test {
namespace api_random_test {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<CallState> state_of(std::string_view wanted) {
  for (const CallState state :
       {CallState::pending, CallState::calling, CallState::ringing, CallState::confirmed, CallState::dropped}) {
    if (word(state) == wanted) return state;
  }
  return std::nullopt;
}

// The transitions of one call, as one party heard them.
struct Heard {
  std::optional<CallState> state;
  int64_t sequence = 0;
  bool ended_here = false;

  void take(const std::string& now, const Json& facts) {
    const Json& prior = at(facts, "prior_state");
    const int64_t number = isthmus::test::number(facts, "seq");
    if (now == "dropped") {
      EXPECT_TRUE(is_documented(text(facts, "reason"), isthmus::test::number(facts, "code"))) << facts.write();
    }
    const auto next = state_of(now);
    ASSERT_TRUE(next) << now;
    if (sequence == 0 && number == 2 && *next == CallState::calling) {  // an incoming call begins so for its client
      state = CallState::pending;
      sequence = 1;
    }
    EXPECT_EQ(number, sequence + 1) << now;
    EXPECT_TRUE(is_edge(state, *next)) << now;
    EXPECT_EQ(prior.is_null() ? "" : *prior.text(), state ? word(*state) : std::string_view{});
    EXPECT_FALSE(ended_here) << "X8: " << now << " after it had ended the call itself";
    state = next;
    sequence = number;
  }
  bool is_over() const { return ended_here || state == CallState::dropped; }
};

// What a page does and knows. Its connection may be lost at any time; what was under way is then lost, too.
struct Page {
  ApiBed& bed;
  std::shared_ptr<FakeSocket> socket;
  std::string token;
  std::map<std::string, Heard> calls;
  std::map<int64_t, std::string> ending;  // requests that end a call
  std::set<std::string> forsaken;         // calls that the page knows to be over, as it lost its session
  size_t read = 0;
  int64_t ids = 1000;

  explicit Page(ApiBed& the_bed) : bed(the_bed) { sign_in(); }

  int64_t say(std::string_view method, Json params) {
    const int64_t id = ++ids;
    socket->say(
        Json::object({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}).write());
    return id;
  }
  void turn() {  // a pass, without any time
    bed.host.with([](Pass&) {});
  }
  void open() {
    socket = bed.connect();
    read = 0;
  }
  void sign_in() {
    open();
    say("sign_in", Json::object({{"account", "alice"}, {"password", kPassword}}));
    turn();
    token = text(at(socket->sent.at(0), "result"), "token");
    EXPECT_NE(token, "");
    for (auto& [id, heard] : calls) {
      if (!heard.is_over()) forsaken.insert(id);
    }
    listen();
  }
  void come_back() {
    if (socket->is_open()) return;
    ending.clear();
    Json seen = Json(Json::Object{});
    for (const auto& [id, heard] : calls) {
      if (!heard.is_over()) seen.set(id, heard.sequence);
    }
    open();
    say("resume", Json::object({{"token", token}, {"seen", std::move(seen)}}));
    turn();
    if (socket->sent.at(0).find("error") != nullptr) {
      socket->cut(transport::WsEnd::closed_by_peer);
      return sign_in();
    }
    // What is neither listed nor told of below ended by our own word, whose answer was lost.
    std::set<std::string> known;
    for (const Json& call : *at(at(socket->sent.at(0), "result"), "calls").array()) known.insert(text(call, "call_id"));
    for (size_t i = 1; i < socket->sent.size(); ++i) known.insert(text(at(socket->sent[i], "params"), "call_id"));
    for (auto& [id, heard] : calls) {
      if (!heard.is_over() && !known.contains(id)) heard.ended_here = true;
    }
    listen();
  }
  void lose() {
    listen();
    socket->cut(transport::WsEnd::lost);
  }
  void listen() {
    for (; read < socket->sent.size(); ++read) {
      const Json& message = socket->sent[read];
      if (message.find("method") != nullptr) {
        const Json& facts = at(message, "params");
        calls[text(facts, "call_id")].take(text(facts, "state"), facts);
        continue;
      }
      const auto request = ending.find(number(message, "id"));
      if (request != ending.end() && message.find("result") != nullptr) calls[request->second].ended_here = true;
    }
  }
  void sign_out() {  // its calls are over by its own word
    listen();
    if (!socket->is_open()) return;
    say("sign_out", Json(Json::Object{}));
    turn();
    listen();
    for (auto& [id, heard] : calls) heard.ended_here = true;
    sign_in();
  }
  void make_call() {
    if (socket->is_open()) say("make_call", Json::object({{"to", "2000"}, {"sdp", browser_sdp()}}));
    turn();
  }
  void act(uint64_t what) {
    listen();
    if (!socket->is_open()) return;
    for (const auto& [id, heard] : std::map(calls)) {
      if (heard.is_over() || forsaken.contains(id)) continue;
      if (what == 0) ending[say("drop_call", Json::object({{"call_id", id}}))] = id;
      if (what == 1) say("ringing", Json::object({{"call_id", id}}));
      if (what == 2) say("accept_call", Json::object({{"call_id", id}, {"sdp", browser_sdp()}}));
      if (what == 3) ending[say("reject_call", Json::object({{"call_id", id}}))] = id;
      listen();
    }
    turn();
  }
};

struct Storm {
  ApiBed bed;
  Random& random = bed.world.random();
  Page page{bed};

  explicit Storm(uint64_t seed) {
    random = Random(Seed::of(seed));
    bed.web_server = [this](const Json& event) { return answer(text(event, "type")); };
  }
  uint64_t dice(uint64_t sides) { return random.below(sides); }
  Duration within(uint64_t limit_ms) { return milliseconds(dice(limit_ms)); }

  std::optional<WebhookReply> answer(std::string_view type) {
    bed.web_server_delay = milliseconds(1 + dice(dice(4) == 0 ? 4000 : 40));
    const uint64_t mood = dice(12);
    if (mood == 0) return std::nullopt;
    if (mood == 1) return WebhookReply{500, "oops"};
    if (type == "call.admission") {
      if (mood == 2) return WebhookReply{200, R"({"allowed":false})"};
      if (mood == 3) return WebhookReply{202, ""};
      return WebhookReply{200, R"({"allowed":true})"};
    }
    if (type == "call.incoming") return WebhookReply{200, mood == 2 ? R"({"action":"drop"})" : R"({"action":"route"})"};
    return WebhookReply{204, ""};
  }
  void later(uint64_t limit_ms, std::function<void()> what) { bed.world.later(within(limit_ms), std::move(what)); }

  void callee() {
    if (!bed.b.has("INVITE")) return;
    switch (dice(6)) {
      case 0: return bed.b.reply("INVITE", 180);
      case 1: return bed.b.reply("INVITE", 183, phone_sdp(5000));
      case 2:
      case 3: return bed.b.reply("INVITE", 200, phone_sdp(5000));
      case 4: return bed.b.reply("INVITE", 486);
      default: return bed.b.request("BYE");
    }
  }
  void caller() {
    if (dice(2) == 0 && bed.a.has("200 INVITE")) bed.a.ack();
    if (dice(4) == 0) bed.a.has("200 INVITE") ? bed.a.request("BYE") : bed.a.cancel();
  }
  void by_api() {
    const Json list = bed.http("GET", "/api/v1/calls").body;
    for (const Json& call : *at(list, "entries").array()) {
      const char* verb = dice(3) == 0 ? "/drop" : "/allow";
      if (dice(2) == 0) bed.http("POST", "/api/v1/calls/" + text(call, "id") + verb, "{}");
    }
  }

  // One call either way, and everything that may happen to it.
  void round() {
    bed.a.forget();
    bed.b.forget();
    if (dice(3) == 0) {
      bed.a.invite("alice", phone_sdp(4000));
      for (int i = 0; i < 4; ++i) later(4000, [this] { caller(); });
    } else {
      page.make_call();
      for (int i = 0; i < 6; ++i) later(4000, [this] { callee(); });
    }
    for (int i = 0; i < 5; ++i) later(5000, [this] { page.act(dice(8)); });
    if (dice(3) == 0) later(3000, [this] { page.lose(); });
    for (int i = 0; i < 2; ++i) later(dice(6) == 0 ? 20000 : 5000, [this] { page.come_back(); });
    if (dice(4) == 0) later(5000, [this] { by_api(); });
    if (dice(20) == 0) later(5000, [this] { page.sign_out(); });
    bed.run(seconds(6));
    page.come_back();
    page.listen();
  }
  void finish() {
    bed.run(seconds(30));
    page.come_back();
    page.act(0);
    bed.run(std::chrono::minutes(15));  // ten of them are for repetitions
    page.listen();
  }
};

// H: each event once by its id, each repetition the same; per call gapless, in order, ended once.
void check_web_server(const ApiBed& bed, std::set<std::string>& words) {
  std::map<std::string, std::string> bodies;
  std::map<std::string, Heard> calls;
  for (const ApiBed::Event& event : bed.events) {
    const auto [known, is_new] = bodies.try_emplace(text(event.json, "id"), event.body);
    EXPECT_EQ(known->second, event.body) << "R0.18: a repetition is the same";
    const Json& facts = at(at(event.json, "data"), "call");
    if (!is_new || facts.is_null()) continue;
    words.insert(text(facts, "current_state"));
    calls[text(facts, "id")].take(text(facts, "current_state"), facts);
  }
  for (const auto& [id, heard] : calls) EXPECT_EQ(heard.state, CallState::dropped) << id;
}

TEST(ApiStorm, R0_17R0_18R0_20EverybodyHearsEachTransitionOnceAndInOrder) {
  std::set<std::string> words;
  size_t calls = 0;
  for (uint64_t seed = 1; seed <= 300 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm storm(seed);
    for (int i = 0; i < 8; ++i) storm.round();
    storm.finish();
    check_web_server(storm.bed, words);
    for (const auto& [id, heard] : storm.page.calls)
      EXPECT_TRUE(heard.is_over() || storm.page.forsaken.contains(id)) << id;
    calls += storm.page.calls.size();
    EXPECT_TRUE(storm.bed.exchange.list().empty());
    EXPECT_TRUE(storm.bed.exchange.census().no_live());
    EXPECT_EQ(storm.bed.dispatcher.waiting(), 0u);
    EXPECT_EQ(storm.bed.dispatcher.lost().total(), 0u) << "nobody is silent for ten minutes";
  }
  EXPECT_GT(calls, 1500u) << "the storms are about something";
  EXPECT_EQ(words, (std::set<std::string>{"pending", "calling", "ringing", "confirmed", "dropped"})) << "R0.2";
}

}  // namespace api_random_test
}  // namespace isthmus::test
