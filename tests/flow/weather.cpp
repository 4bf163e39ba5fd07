// SPDX-License-Identifier: MIT
#include "tests/flow/weather.hpp"

#include <algorithm>
#include <set>

namespace isthmus::test {

using namespace gateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string header_of(const Datagram& one, std::string_view name) {
  const std::string wanted = "\r\n" + std::string(name) + ": ";
  const size_t at = one.bytes.find(wanted);
  if (at == std::string::npos) return {};
  const size_t begin = at + wanted.size();
  return one.bytes.substr(begin, one.bytes.find("\r\n", begin) - begin);
}

std::string line_of(const Datagram& one) {
  const size_t space = one.bytes.find(' ');
  if (!one.bytes.starts_with("SIP/2.0 ")) return one.bytes.substr(0, space);
  const std::string cseq = header_of(one, "CSeq");
  return one.bytes.substr(space + 1, 3) + cseq.substr(std::min(cseq.find(' '), cseq.size()));
}

About says(const SocketAddress& from, const SocketAddress& to, std::string line) {
  return [=, line = std::move(line)](const Datagram& one) {
    return one.from == from && one.to == to && line_of(one) == line;
  };
}

bool is_reinvite(const Datagram& one) {
  return line_of(one) == "INVITE" && header_of(one, "To").find(";tag=") != std::string::npos;
}

void replace_first(std::string& text, std::string_view what, std::string_view with) {
  if (const size_t at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
}
void hold_answers(Settings& settings) {
  settings.ask_before_answer = true;
}

Ground::Ground(uint64_t seed, Weather now, const Settings& settings)
    : world(seed),
      weather(now),
      bed(world, settings),
      a(world, "1000", kA, kGateway, seed * 2),
      b(world, "2000", kB, kGateway, seed * 2 + 1),
      w(bed.sign_in("alice")) {
  a.tcp = weather == Weather::streams || weather == Weather::torn;
  world.fate = [this](const Datagram& one) {
    return weather != Weather::lossy || (sure && sure(one)) ? Fate{} : lossy_fate(world.random());
  };
  world.meddle = [this](const Datagram& one) { return meddle(one); };
  world.watch = [this] { look_round(); };
  if (weather == Weather::torn) tear();
  if (!settings.ask_before_answer) return;
  bed.decide = [](const AskPolicy& ask) -> std::optional<Reply> {
    if (ask.kind == PolicyKind::answer) return std::nullopt;
    return Policy{Policy::allow, DropReason::none, {}, {}, {}};
  };
}

// Some connections are reset in the first moments, some while they ring or speak, some while they wait for an end.
void Ground::tear() {
  for (const uint64_t limit_ms : {20, 40, 2000, 40000}) {
    Host* const hosts[] = {&a.host, &b.host, &bed.host};
    Host* host = hosts[world.random().below(3)];
    const Duration in = milliseconds(world.random().below(limit_ms));
    when([this] { return !bed.server.empty(); },
         [this, host, in] { world.later(in, [host] { host->break_streams(); }); });
  }
  // What was lost with them is not said again; but nobody listens to it for ever.
  world.later(seconds(110), [this] {
    for (AutoAgent* phone : {&a, &b}) {
      if (!phone->legs.empty()) phone->hang_up(0);
    }
  });
}

std::string Ground::meddle(const Datagram& one) {
  said.push_back(one);
  times_.push_back(world.now().steady);
  for (size_t i = 0; i < triggers_.size(); ++i) {
    if (!triggers_[i].what(one)) continue;
    world.later({}, std::move(triggers_[i].deed));
    triggers_.erase(triggers_.begin() + static_cast<ptrdiff_t>(i--));
  }
  if (lost && lost(one)) return {};
  Datagram really = one;
  if (edit) edit(really);
  return really.bytes;
}

void Ground::when(std::function<bool()> is_so, std::function<void()> deed) {
  awaited_.push_back({std::move(is_so), std::move(deed)});
}
void Ground::look_round() {
  for (size_t i = 0; i < awaited_.size(); ++i) {
    if (!awaited_[i].is_so()) continue;
    const auto deed = std::move(awaited_[i].deed);
    awaited_.erase(awaited_.begin() + static_cast<ptrdiff_t>(i--));
    deed();
  }
}
void Ground::when(CallState state, std::function<void()> deed) {
  when([this, state] { return !bed.server.empty() && bed.last().state == state; }, std::move(deed));
}
void Ground::when_up(std::function<void()> deed) {
  const auto is_up = [](const AutoAgent& agent) {
    return !agent.legs.empty() && agent.legs[0].phase == AutoAgent::Phase::up;
  };
  when([this, is_up] { return is_up(a) && is_up(b) && bed.last().state == CallState::confirmed; }, std::move(deed));
}
void Ground::when_asked(std::function<void()> deed) {
  when([this] { return !bed.asked.empty() && bed.asked.back().kind == PolicyKind::answer; }, std::move(deed));
}
void Ground::as_said(About what, std::function<void()> deed) {
  triggers_.push_back({std::move(what), std::move(deed)});
}

void Ground::b_rings() {
  when([this] { return !b.legs.empty(); }, [this] { ring_again(); });
}
void Ground::ring_again() {
  if (b.legs[0].phase != AutoAgent::Phase::called) return;
  b.ring(0);
  world.later(milliseconds(400), [this] { ring_again(); });
}
void Ground::b_rings_and(std::function<void()> deed) {
  b_rings();
  when(CallState::ringing, std::move(deed));
}
void Ground::b_answers() {
  b_rings_and([this] { b.answer(0); });
}
void Ground::a_calls_b() {
  a_calls();
  b_answers();
}
void Ground::later_hang_up(AutoAgent& agent, std::function<void()> before) {
  world.later(seconds(30), [this, &agent, before = std::move(before)] {
    if (before && weather != Weather::torn) before();
    agent.hang_up(0);
  });
}

Host& Ground::host_of(const SocketAddress& address) {
  if (address == kA) return a.host;
  return address == kB ? b.host : bed.host;
}
void Ground::again(const Datagram& one, int times) {
  for (int i = 0; i < times; ++i) {
    world.later(milliseconds(200) * i, [this, one] {
      host_of(one.from).with([&](Pass& pass) { pass.out.send(one.path, as_bytes(one.bytes)); });
    });
  }
}

size_t Ground::count(const SocketAddress& from, const SocketAddress& to, std::string_view line) const {
  return static_cast<size_t>(std::ranges::count_if(said, says(from, to, std::string(line))));
}
const Datagram* Ground::first(const SocketAddress& from, const SocketAddress& to, std::string_view line) const {
  const auto found = std::ranges::find_if(said, says(from, to, std::string(line)));
  return found == said.end() ? nullptr : &*found;
}
bool Ground::comes_first(const About& one, const About& other) const {
  const auto end = std::ranges::find_if(said, other);
  return end == said.end() || std::find_if(said.begin(), end, one) != end;
}
size_t Ground::transactions(const SocketAddress& from, const SocketAddress& to, std::string_view line) const {
  const About wanted = says(from, to, std::string(line));
  std::set<std::string> vias;
  for (const Datagram& one : said) {
    if (wanted(one)) vias.insert(header_of(one, "Via"));
  }
  return vias.size();
}

bool Ground::flows(bool to_b) const {
  const auto legs = bed.media.legs();
  return legs.size() == 2 && bed.media.flows(legs[to_b ? 0 : 1], legs[to_b ? 1 : 0]);
}

std::string Ground::ladder() const {
  const auto name = [](const SocketAddress& address) {
    return address == kA ? std::string("A") : address == kB ? std::string("B") : address == kGateway ? "GW" : "?";
  };
  std::string out;
  for (size_t i = 0; i < said.size(); ++i) {
    const auto at = std::chrono::duration_cast<milliseconds>(times_[i] - times_.front()).count();
    out +=
        std::to_string(at) + " ms  " + name(said[i].from) + " > " + name(said[i].to) + "  " + line_of(said[i]) + "\n";
  }
  return out;
}

}  // namespace isthmus::test
