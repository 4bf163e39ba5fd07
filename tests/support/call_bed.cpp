// SPDX-License-Identifier: MIT
#include "tests/support/call_bed.hpp"

#include <gtest/gtest.h>

#include "tests/support/documented.hpp"

namespace isthmus::test {

using namespace gateway;
using std::chrono::milliseconds;

Account bed_account(const std::string& name, const std::string& realm) {
  return {name, sip::make_ha1s({&crypto::md5, &crypto::sha256}, name, realm, kPassword)};
}

Settings bed_settings() {
  Settings out;
  out.user_agent.digests = {&crypto::md5, &crypto::sha256};
  out.user_agent.endpoint.listeners = {{Protocol::udp, kGateway, "192.0.2.1", 5060},
                                       {Protocol::tcp, kGateway, "192.0.2.1", 5060}};
  out.domain = "192.0.2.1";
  out.realm = "bed";
  out.accounts = {bed_account("alice", out.realm), bed_account("bob", out.realm)};
  TrunkSettings left;
  left.name = "left";
  left.sources = {*Prefix::parse(kA.ip.text())};
  left.numbers = {"1000-1999"};
  left.host = kA.ip.text();
  TrunkSettings right;
  right.name = "right";
  right.sources = {*Prefix::parse(kB.ip.text())};
  right.numbers = {"2000-2999"};
  right.host = kB.ip.text();
  out.trunks = {left, right};
  out.admission = Admission::web_server;
  return out;
}

Settings keeping_settings() {
  Settings out = bed_settings();
  out.keeps_state = true;
  return out;
}

std::string browser_sdp() {
  return "v=0\r\no=- 46117317 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
         "a=ice-ufrag:wXyZ\r\na=ice-pwd:0123456789abcdef0123456789\r\na=ice-options:trickle\r\n"
         "a=fingerprint:sha-256 "
         "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
         "a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 "
         "minptime=10;useinbandfec=1\r\n"
         "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:110 "
         "telephone-event/48000\r\n"
         "a=rtpmap:126 telephone-event/8000\r\n";
}

CallBed::CallBed(World& world, Settings settings) : CallBed(world, std::move(settings), {}, 11) {}

CallBed::CallBed(World& world, Settings settings, const KeptState& kept, uint64_t seed)
    : exchange(std::move(settings), Seed::of(seed)), host(world, restored(world, kept), kGateway, true), world_(world) {
  decide = [](const AskPolicy&) { return Reply(Policy{Policy::allow, DropReason::none, {}, {}, {}}); };
}

// Before the host brings its flows up.
Node& CallBed::restored(const World& world, const KeptState& kept) {
  exchange.restore(world.now(), kept.bindings);
  for (const RingingLeg& leg : kept.ringing) ringing.emplace(leg.call, leg);
  lost = exchange.restore_ringing(world.now(), kept.ringing);
  return *this;
}

// One pass: requests of the Exchange and events of the media alternate until both are silent.
void CallBed::after(Pass& pass) {
  for (bool again = true; again;) {
    again = false;
    while (auto request = exchange.poll_event()) {
      take(pass, *request);
      again = true;
    }
    while (const auto event = media.poll_event()) {
      exchange.media(pass, *event);
      again = true;
    }
  }
}

void CallBed::take(Pass& pass, const Request& request) {
  // As the program does it: what a leg has seen is kept when it closes, and told with the call.
  const auto with_media = [&](CallFacts call) {
    ledger.fill(call, pass.now.wall, [this](isthmus::media::LegId leg) { return media.report(leg); });
    return call;
  };
  if (const auto* ordered = std::get_if<OrderMedia>(&request)) {
    if (const auto* close = std::get_if<isthmus::media::CloseLeg>(&ordered->order))
      ledger.closing(close->leg, media.report(close->leg));
    media.obey(pass, ordered->order);
  }
  if (const auto* told = std::get_if<TellServer>(&request)) server.push_back(with_media(told->call));
  if (const auto* told = std::get_if<TellClient>(&request)) client.push_back({told->client, with_media(told->call)});
  if (const auto* silent = std::get_if<MediaSilent>(&request))
    silences.push_back({with_media(silent->call), silent->is_caller});
  if (const auto* refusal = std::get_if<CallRefused>(&request)) refused.push_back(*refusal);
  if (const auto* refusal = std::get_if<CredentialsRefused>(&request)) disbelieved.push_back(*refusal);
  if (const auto* end = std::get_if<CommandDone>(&request)) done.push_back(*end);
  if (const auto* end = std::get_if<CallEnded>(&request)) {
    ended.push_back({with_media(end->call)});
    // Nothing in a configuration has the web server asked before an answer (D11), and no document speaks of it.
    const bool answer_was_held = !asked.empty() && asked.back().kind == PolicyKind::answer;
    EXPECT_TRUE(answer_was_held || is_documented(word(end->call.reason), end->call.code))
        << word(end->call.reason) << " " << end->call.code;
  }
  if (const auto* change = std::get_if<BindingChanged>(&request)) changed.push_back(*change);
  if (const auto* change = std::get_if<RingingChanged>(&request)) {
    rang.push_back(*change);
    const size_t known = ringing.erase(change->leg.call);
    if (change->removed) EXPECT_EQ(known, 1u) << change->leg.call << " is taken back, but was not told";
    if (!change->removed) ringing.emplace(change->leg.call, change->leg);
  }
  if (const auto* ask = std::get_if<AskKept>(&request)) {
    keeping.push_back(*ask);
    if (keep) world_.later(milliseconds(1), [this, id = ask->ask, word = *keep] { answer_ask(id, word); });
  }
  if (const auto* ask = std::get_if<AskPolicy>(&request)) {
    asked.push_back(*ask);
    if (ask->kind != PolicyKind::answer) server.push_back(ask->call);
    const auto word = decide ? decide(*ask) : std::nullopt;
    // An answer never comes from inside the verb that asked.
    if (word) world_.later(milliseconds(1), [this, ask = *ask, word = *word] { reply(ask, word); });
  }
}

void CallBed::command(const Command& command) {
  host.with([&](Pass& pass) { exchange.command(pass, command); });
}
void CallBed::answer_ask(AskId ask, const Reply& reply) {
  host.with([&](Pass& pass) { exchange.reply(pass, ask, reply); });
}
void CallBed::media_event(const std::function<void()>& what) {
  host.with([&](Pass&) { what(); });
}

std::string CallBed::states() const {
  std::string out;
  for (const CallFacts& facts : server) {
    if (!out.empty()) out += ", ";
    out += word(facts.state);
  }
  return out;
}

std::string CallBed::client_states(ClientId wanted) const {
  std::string out;
  for (const Told& told : client) {
    if (wanted && told.client != wanted) continue;
    if (!out.empty()) out += ", ";
    out += word(told.call.state);
  }
  return out;
}

ClientId CallBed::sign_in(const std::string& account, uint32_t number) {
  const ClientId id{number, 1};
  command(ClientUp{id, account, {account}});
  return id;
}

bool CallBed::is_free() const {
  return exchange.census().no_live() && media.census().no_live();
}

Flow::Flow(Settings settings, uint64_t seed)
    : world(seed), bed(world, std::move(settings)), a(world, "1000", kA, kGateway), b(world, "2000", kB, kGateway) {
  a.tag = "tag-of-a";
  b.tag = "tag-of-b";
}

void Flow::call() {
  a.invite("2000", phone_sdp(4000));
  ASSERT_TRUE(world.run_until([&] { return b.has("INVITE"); }));
}
void Flow::ring() {
  call();
  b.reply("INVITE", 180);
  ASSERT_TRUE(world.run_until([&] { return a.has("180 INVITE"); }));
}
void Flow::establish() {
  ring();
  b.reply("INVITE", 200, phone_sdp(5000));
  ASSERT_TRUE(world.run_until([&] { return a.has("200 INVITE"); }));
  a.ack();
  run();
  ASSERT_EQ(a.log(), "100 INVITE, 180 INVITE, 200 INVITE");
  ASSERT_EQ(b.log(), "INVITE, ACK");
  forget();
}

}  // namespace isthmus::test
