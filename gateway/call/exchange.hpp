// SPDX-License-Identifier: MIT
// The Exchange: all calls of a shard, as one machine. It owns the user agent and the modules, joins two sides to a
// call, asks the world for policy and tells everybody what happens. Pure: no clock, no socket, no JSON. The simulator
// and the program run the same object. Media engine and Exchange are siblings: they exchange values and never call each
// other.
//
// The implementation is spread over files by what happens to a call: setup, answer, modify, teardown, commands (clients
// and web server).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/deadlines.hpp"
#include "gateway/call/ask.hpp"
#include "gateway/call/call.hpp"
#include "gateway/call/settings.hpp"
#include "gateway/module/client.hpp"
#include "gateway/module/registrar.hpp"
#include "gateway/route/router.hpp"

namespace isthmus::gateway {

enum class CallDrop : uint8_t {
  late_reply,     // a reply to an ask nobody waits for
  unknown_media,  // an event of a media leg of no call
  account_limit,  // a call beyond Settings::max_calls_per_account, refused
  call_limit,     // a call beyond Settings::max_calls, refused
  draining,       // a call refused because no new ones are taken
  kCount
};
std::string_view describe(CallDrop reason);

class Exchange {
 public:
  Exchange(Settings settings, const Seed& seed);

  void receive(Pass& pass, const Path& path, Bytes bytes);
  void flow_up(Pass& pass, const FlowFacts& facts);
  void flow_down(Pass& pass, FlowId flow, Fault why);
  void unreachable(Pass& pass, const Path& path, Fault why);
  void media(Pass& pass, const media::Event& event);
  void command(Pass& pass, const Command& command);
  void answer(Pass& pass, AskId ask, const Answer& reply);
  void reply(Pass& pass, AskId ask, const Reply& reply);  // late, double and unknown ones are counted and ignored
  void expire(Pass& pass);
  TimePoint next_deadline() const;
  std::optional<Request> poll_event();
  Census census() const;

  // From now on no new call is taken (503, unavailable), or they are again; those that are up go on.
  void refuse_new_calls(bool refuse) { draining_ = refuse; }
  bool refuses_new_calls() const { return draining_; }
  // LegEnded and RequestRefused are told, or cost no more than a branch.
  void explain(bool on) { explaining_ = on; }

  // The bindings that an earlier run told of (BindingChanged), before any other verb. The phones are reachable as soon
  // as the socket of their flow is up; a stream's flow is gone for good.
  void restore(Now now, const std::vector<KeptBinding>& kept);
  // What rang when it died (RingingChanged), before any other verb: called off at the first expire(), when the sockets
  // are up. Returns how many those are; older ones than may still ring are taken back unsent.
  size_t restore_ringing(Now now, const std::vector<RingingLeg>& kept);

  // Ends all calls (SIGTERM): each gets its BYE, CANCEL or final response.
  void drop_all(Pass& pass);
  // What may change while it runs (SIGHUP). Calls that are up are not touched, whoever's they are.
  void reload(Pass& pass, const std::vector<Account>& accounts, std::vector<RouteRow> routes,
              std::vector<TrunkSettings> trunks);
  void allow_on_failure(bool allow) { settings_.allow_on_failure = allow; }  // of the web server, from now on

  std::vector<CallFacts> list() const;  // oldest first, with those whose legs are being reaped
  std::optional<CallFacts> find(std::string_view id) const;
  // How many calls are in each state; dropped: those whose legs are being reaped.
  using StateCounts = std::array<std::array<size_t, 5>, 2>;  // [CallDirection][CallState]
  StateCounts count_states() const;
  std::vector<RegistrationFacts> registrations(Now now) const;       // by user, then in the order of the bindings
  std::vector<DialogFacts> dialogs() const;                          // of the calls in their order, caller first
  std::vector<std::string> sip_call_ids(std::string_view id) const;  // of the sessions of the call with this id
  void trace(bool on) { user_agent_.endpoint().trace(on); }          // see Endpoint::trace
  const Registrar& registrar() const { return registrar_; }
  const sip::UserAgent& user_agent() const { return user_agent_; }
  const Settings& settings() const { return settings_; }
  const Counters<CallDrop>& drops() const { return drops_; }
  // REGISTERs that were answered although what they changed was not kept yet.
  uint64_t unkept() const { return unkept_; }
  uint64_t count_of(DropReason reason) const { return ended_[static_cast<size_t>(reason)]; }
  // Re-offers that differed although their o= line did not (E2); taken for what they say.
  uint64_t reoffers_of_same_version() const { return reoffers_of_same_version_; }

 private:
  enum class Timer : uint8_t { policy, setup, ring, hold, grace, keep, call_off };
  struct Alarm {
    Timer timer = Timer::policy;
    CallId call;
    ClientId client;
    Id<AskTag> ask;
  };
  struct HeldAnswer {  // to a REGISTER, until its bindings are kept
    sip::ServerId server;
    int status = 200;
    std::vector<sip::HeaderLine> headers;
    TimerId timer;
  };
  struct Asked {
    CallId call;
    std::optional<HeldAnswer> held;  // of an AskKept
  };
  struct LegRef {
    CallId call;
    bool is_a = true;
  };
  // Why a call ends: what users read, and what a waiting SIP caller is answered.
  struct End {
    DropReason reason = DropReason::hung_up;
    uint16_t code = 0;
    std::string text;
    uint16_t caller_status = 480;
    std::string sip_reason;  // RFC 3326, for SIP legs
    ClientId by;             // the client that ended it hears nothing more of it (X8)
  };

  // exchange.cpp
  void make_modules();
  void drain(Pass& pass);
  void take(Pass& pass, const sip::UserAgentEvent& event);
  void take_request(Pass& pass);
  void refuse_request(Pass& pass, const Incoming& request, int status, const std::vector<sip::HeaderLine>& headers = {},
                      std::string_view why = {});
  void take_register(Pass& pass, const Incoming& request);
  void answer_register(Pass& pass, Id<AskTag> ask, bool kept);
  void take_verify(Pass& pass, const sip::UserAgentEvent& event);
  void note_changes(Pass& pass, const std::vector<Registrar::Change>& changes);
  void move_calls(Pass& pass, const Registrar::Change& change);
  InVerdict admit(Now now, const Incoming& request, std::string& module);
  OutVerdict find_target(Now now, const Parties& parties, std::string& module);
  Side* side_of(Call& call, sip::SessionId session);
  Side& other(Call& call, const Side& side) { return &side == &call.a ? call.b : call.a; }
  void tell(Pass& pass, Call& call, CallState state, const Side* silent = nullptr);
  void order(media::Order order) { requests_.push_back(OrderMedia{std::move(order)}); }
  void arm_timer(Pass& pass, TimerId& timer, Timer what, Duration in, CallId call, ClientId client = {});
  bool has_no_room();  // for one more call; counts why
  size_t live_calls() const { return calls_.size() - over_; }
  bool is_at_limit(std::string_view account) const;
  CallId id_of(const Call& call) const { return call.facts.call; }

  // setup.cpp
  void incoming(Pass& pass, const Incoming& request, const Admitted& admitted, const std::string& module);
  CallId new_call(Pass& pass, CallDirection direction);
  void ask_policy(Pass& pass, Call& call, PolicyKind kind);
  void policy(Pass& pass, Call& call, const Policy& policy);
  void allowed(Pass& pass, Call& call, const std::string& from, const std::string& target);
  void open_legs(Pass& pass, Call& call);
  IpAddress interface_for(const Call& call, const Side& side) const;
  void leg_ready(Pass& pass, Call& call, Side& side, const media::LegReady& ready);
  void place(Pass& pass, Call& call);
  bool find_again(Pass& pass, Call& call, SipTarget& target);
  void place_sip(Pass& pass, Call& call, const SipTarget& target);
  void place_client(Pass& pass, Call& call);
  void place_echo(Pass& pass, Call& call);
  bool plan(Pass& pass, Call& call, sdp::Intent& to_b);

  // answer.cpp
  void ringing(Pass& pass, Call& call, uint16_t status, std::string_view body);
  void answered(Pass& pass, Call& call, std::string_view body);
  void complete(Pass& pass, Call& call);
  bool answer_a(Pass& pass, Call& call, const sdp::Intent& intent);
  void acknowledged(Pass& pass, Call& call, Side& side, std::string_view body);
  void arm_side(Call& call, Side& side, const sdp::Leg& from, bool hear);
  void join(Call& call);

  // modify.cpp
  void reoffer(Pass& pass, Call& call, Side& side, std::string_view body);
  void forward_reoffer(Pass& pass, Call& call, Side& side, const sdp::RemoteAudio& offer);
  void modified(Pass& pass, Call& call, Side& side, uint16_t status, std::string_view body);
  void reoffer_gone(Call& call, Side& side);

  // ringing_leg.cpp
  void keep_ringing(Now now, Call& call);
  void forget_ringing(Call& call);
  void call_off_lost(Pass& pass);

  // teardown.cpp
  void drop(Pass& pass, Call& call, End end);
  void end_side(Pass& pass, Call& call, Side& side, const End& end, bool is_caller);
  void explain_end(const Call& call, const Side& side, LegEnded::How how);
  void close_leg(Side& side);
  void callee_failed(Pass& pass, Call& call, uint16_t status, bool has_answered, std::string_view phrase);
  void forget_if_done(CallId id);
  static uint16_t status_for_caller(uint16_t callee_status);

  // commands.cpp
  void obey(Pass& pass, const ClientUp& command);
  void obey(Pass& pass, const ClientLost& command);
  void obey(Pass& pass, const ClientBack& command);
  void obey(Pass& pass, const ClientGone& command);
  void obey(Pass& pass, const MakeCall& command);
  void obey(Pass& pass, const ClientRings& command);
  void obey(Pass& pass, const AcceptCall& command);
  void obey(Pass& pass, const RejectCall& command);
  void obey(Pass& pass, const DropCall& command);
  void obey(Pass& pass, const SendDigits& command);
  void obey(Pass& pass, const AllowCall& command);
  void obey(Pass& pass, const SwitchCall& command);
  void digits_taken(const media::DtmfTaken& taken);
  void done(uint64_t token, CommandError error, const Call* call = nullptr);
  Call* call_of(std::string_view id, ClientId client);
  void lose_client(Pass& pass, ClientId client, DropReason reason);
  bool is_allowed_target(std::string_view target) const;

  Settings settings_;
  Random random_;
  sip::UserAgent user_agent_;
  Registrar registrar_;
  Clients clients_;
  Router router_;
  std::vector<std::shared_ptr<Module>> others_;  // trunks and applications; immutable, so copies may share them
  Slots<Call, CallTag> calls_;
  std::map<std::string, CallId, std::less<>> by_id_;
  Slots<LegRef, media::MediaLegTag> legs_;
  Slots<Asked, AskTag> asks_;
  Deadlines<Alarm> timers_;
  std::vector<RingingLeg> lost_;  // of the run before; until the first expire()
  std::deque<Request> requests_;
  Counters<CallDrop> drops_;
  std::array<uint64_t, static_cast<size_t>(DropReason::error) + 1> ended_{};
  bool explaining_ = false;
  bool draining_ = false;
  uint64_t unkept_ = 0;
  uint64_t calls_made_ = 0;
  uint64_t reoffers_of_same_version_ = 0;
  size_t over_ = 0;  // calls that are dropped and whose legs are being reaped
};

}  // namespace isthmus::gateway
