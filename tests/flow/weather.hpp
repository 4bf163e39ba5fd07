// SPDX-License-Identifier: MIT
// The ground on which the rows of the race table are played in any weather: two phones that are reliable by themselves,
// a client and a web server round the gateway, in virtual time. A row says what each does and when; it names causes,
// not times, so the same script holds however long the network takes.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/auto_agent.hpp"
#include "tests/support/call_bed.hpp"

namespace isthmus::test {

// Calm: each datagram arrives after 1 ms. Lossy: 10 % are lost, 10 % doubled, and what follows overtakes. Streams: all
// goes by TCP. Torn: and the connections are reset in the middle of it.
enum class Weather : uint8_t { calm, lossy, streams, torn };

using About = std::function<bool(const Datagram&)>;
// "INVITE" of a request, "200 INVITE" of a response.
std::string line_of(const Datagram& one);
About says(const SocketAddress& from, const SocketAddress& to, std::string line);
std::string header_of(const Datagram& one, std::string_view name);  // "" without it
bool is_reinvite(const Datagram& one);                              // an INVITE with a To tag

void replace_first(std::string& text, std::string_view what, std::string_view with);
void hold_answers(gateway::Settings& settings);  // the web server is asked before A hears of B's answer

struct Ground {
  World world;
  Weather weather;
  CallBed bed;
  AutoAgent a;
  AutoAgent b;
  gateway::ClientId w;  // is signed in as "alice"

  Ground(uint64_t seed, Weather weather, const gateway::Settings& settings);

  std::vector<Datagram> said;           // by anybody, in order, as it was meant
  About lost;                           // never arrives, in any weather
  About sure;                           // arrives, in any weather
  std::function<void(Datagram&)> edit;  // what is really said

  // As soon as it is so; the cause comes before the deed, however long the network takes.
  void when(std::function<bool()> is_so, std::function<void()> deed);
  void when(gateway::CallState state, std::function<void()> deed);
  void when_up(std::function<void()> deed);  // A and B and the web server know of it
  void when_asked(std::function<void()> deed);
  // At the moment when it is first said, before it arrives: what the deed sends crosses it.
  void as_said(About what, std::function<void()> deed);

  void a_calls() { a.call("2000"); }
  void b_rings();  // until it is heard: a 180 is not repeated by itself
  void b_rings_and(std::function<void()> deed);
  void b_answers();
  void a_calls_b();  // and B answers
  // Half a minute later: long after each repeat and each retry of a change.
  void later_hang_up(AutoAgent& agent, std::function<void()> before = {});
  // Its sender says it again, `times` times within a second: one of them arrives.
  void again(const Datagram& one, int times = 5);

  size_t count(const SocketAddress& from, const SocketAddress& to, std::string_view line) const;
  const Datagram* first(const SocketAddress& from, const SocketAddress& to, std::string_view line) const;
  bool comes_first(const About& one, const About& other) const;  // or the other never comes
  // In how many transactions it was said: branches of its top Via.
  size_t transactions(const SocketAddress& from, const SocketAddress& to, std::string_view line) const;
  bool is_dropped() const { return !bed.server.empty() && bed.last().state == gateway::CallState::dropped; }
  bool flows(bool to_b) const;  // audio of A to B, or of B to A
  std::string ladder() const;   // what was said, for people

 private:
  void tear();
  void look_round();
  std::string meddle(const Datagram& one);
  void ring_again();
  Host& host_of(const SocketAddress& address);

  struct Trigger {
    About what;
    std::function<void()> deed;
  };
  struct Awaited {
    std::function<bool()> is_so;
    std::function<void()> deed;
  };
  std::vector<Trigger> triggers_;
  std::vector<Awaited> awaited_;
  std::vector<TimePoint> times_;  // of what was said
};

struct Row {
  const char* name;  // begins with the row's number
  void (*script)(Ground&);
  // How it ends; of several, any: "cancelled|hung_up". For the web server the reason; for the phones Leg::how of their
  // one leg, "none" without a leg.
  const char* end;
  const char* a;
  const char* b;
  void (*prepare)(gateway::Settings&) = nullptr;
  void (*check)(const Ground&) = nullptr;  // when all is over
  bool streams_only = false;               // there is nothing like it on datagrams
};

inline void PrintTo(const Row& row, std::ostream* out) {  // for googletest
  *out << row.name;
}

std::vector<Row> cancel_rows();
std::vector<Row> dialog_rows();
std::vector<Row> change_rows();

}  // namespace isthmus::test
