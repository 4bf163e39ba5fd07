// SPDX-License-Identifier: MIT
// Webhooks on their way (docs/api.md section 3): events in order per call and per client, signed afresh each time,
// repeated with growing pauses until they are acknowledged or given up; questions asked once. Nothing of a call waits
// for it (R0.8). It holds no socket and reads no clock: posts go out as values, their outcomes come in, and time is an
// argument.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/counters.hpp"
#include "base/deadlines.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "gateway/api/client_api.hpp"
#include "gateway/api/json.hpp"
#include "gateway/api/webhook.hpp"
#include "gateway/call/ask.hpp"
#include "gateway/observe/histogram.hpp"

namespace isthmus::gateway {

struct DispatcherConfig {
  std::string url;                            // empty: nobody is told anything
  std::vector<Private<std::string>> secrets;  // each gives a v1 part
  size_t waiting_per_subject = 64;            // events that wait behind the one that is on its way
  size_t waiting_in_all = 20000;              // events, and as many questions, which find room however many events wait
  Duration reply_limit = std::chrono::seconds(5);
  Duration give_up = std::chrono::minutes(10);
};

// Pauses before a repetition; the last one goes on.
inline constexpr std::array kRetryPauses{std::chrono::milliseconds(500),  std::chrono::milliseconds(1000),
                                         std::chrono::milliseconds(2000), std::chrono::milliseconds(4000),
                                         std::chrono::milliseconds(8000), std::chrono::milliseconds(16000),
                                         std::chrono::milliseconds(30000)};

enum class WebhookOutcome : uint8_t {
  acknowledged,     // an event
  repeated,         // an event will be sent again
  answered,         // a question, by a word
  left_open,        // a question: the web server decides later
  failed_question,  // no usable answer
  kCount
};
std::string_view describe(WebhookOutcome outcome);
enum class WebhookLoss : uint8_t { given_up, no_room, kCount };
std::string_view describe(WebhookLoss loss);

// "t=<unix seconds>,v1=<hex>[,v1=<hex>]" (section 3.3).
std::string webhook_signature(const std::vector<Private<std::string>>& secrets, WallTime now, std::string_view body);

class Dispatcher {
 public:
  struct Post {  // finished() is owed for each
    uint64_t ticket = 0;
    WebhookPost post;
  };
  struct Verdict {
    AskId ask;
    Policy policy;
    std::string call = {};  // its id, and how long the web server took, for the log
    Duration took{};
  };
  using Output = std::variant<Post, Verdict>;

  Dispatcher(DispatcherConfig config, const Seed& seed);

  bool is_on() const { return !config_.url.empty(); }
  void use_secrets(std::vector<Private<std::string>> secrets) {
    config_.secrets = std::move(secrets);
  }  // for what is sent from now on
  void ask(Now now, const AskPolicy& question);
  void tell(Now now, const CallFacts& call);
  void tell(Now now, const ClientNews& client);
  void finished(Now now, uint64_t ticket, const Result<WebhookReply, WebhookFault>& result);
  void expire(Now now);
  TimePoint next_deadline() const { return timers_.next(); }
  std::optional<Output> poll();

  bool empty() const { return subjects_.empty(); }
  size_t waiting() const { return waiting_[0] + waiting_[1]; }  // events and questions that are not done
  const Counters<WebhookOutcome>& outcomes() const { return outcomes_; }
  const Counters<WebhookLoss>& lost() const { return lost_; }
  // From sending until a response or a fault, of questions or of events.
  const Histogram& times(bool questions) const { return times_[questions ? 1 : 0]; }
  // The last post that came to its end got no usable answer.
  bool is_failing() const { return failing_; }

 private:
  struct Event {
    std::string body;
    std::optional<AskId> ask;  // a question
    std::string call;          // about this one
    PolicyKind kind = PolicyKind::outgoing;
    TimePoint first;  // when it was sent first
    TimePoint sent;   // when it was sent last
    size_t tries = 0;
  };
  struct Subject {  // a call or a client
    std::deque<Event> queue;
    uint64_t ticket = 0;  // of the front, while it is under way
  };

  static Histogram make_times();
  void put(Now now, const std::string& subject, std::string_view type, Json data, Event event);
  void send_front(Now now, const std::string& name, Subject& subject);
  void next(Now now, const std::string& name);
  bool is_done(Now now, Event& event, const Result<WebhookReply, WebhookFault>& result, Duration& pause);

  DispatcherConfig config_;
  Random random_;
  std::map<std::string, Subject, std::less<>> subjects_;
  std::map<uint64_t, std::string> tickets_;
  uint64_t last_ticket_ = 0;
  std::array<size_t, 2> waiting_{};  // events; questions
  Deadlines<std::string> timers_;
  std::deque<Output> outputs_;
  Counters<WebhookOutcome> outcomes_;
  Counters<WebhookLoss> lost_;
  std::array<Histogram, 2> times_{make_times(), make_times()};
  bool failing_ = false;
};

}  // namespace isthmus::gateway
