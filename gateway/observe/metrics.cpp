// SPDX-License-Identifier: MIT
// The one door of prometheus-cpp: families are its values, built anew at each scrape and written by its text serializer
// (format 0.0.4). No registry and no counters of its own stand beside the containers.
#include "gateway/observe/metrics.hpp"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <concepts>
#include <initializer_list>
#include <limits>
#include <utility>

namespace isthmus::gateway {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

// Families in the order in which they are begun.
class Families {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a family; samples follow.
  void family(std::string_view name, MetricType type, std::string_view help) {
    list_.push_back({std::string(name), std::string(help), type, {}});
  }
  void sample(Labels labels, double value) {
    ClientMetric& metric = add(labels);
    if (list_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
  }
  void sample(Labels labels, std::integral auto value) { sample(labels, static_cast<double>(value)); }  // exact to 2^53
  void sample(Labels labels, const Histogram& value) {
    ClientMetric& metric = add(labels);
    metric.histogram.sample_count = value.count();
    metric.histogram.sample_sum = seconds(value.sum());
    for (size_t i = 0; i < value.bounds().size(); ++i)
      metric.histogram.bucket.push_back({value.up_to(i), seconds(value.bounds()[i])});
    metric.histogram.bucket.push_back({value.count(), std::numeric_limits<double>::infinity()});
  }
  // A family of one sample.
  template <class Value>
  void gauge(std::string_view name, std::string_view help, Value value) {
    family(name, MetricType::Gauge, help);
    sample({}, value);
  }
  template <class Value>
  void counter(std::string_view name, std::string_view help, Value value) {
    family(name, MetricType::Counter, help);
    sample({}, value);
  }
  std::vector<MetricFamily> take() { return std::move(list_); }

 private:
  ClientMetric& add(Labels labels) {
    ClientMetric& metric = list_.back().metric.emplace_back();
    for (const auto& [name, what] : labels) metric.label.push_back({std::string(name), std::string(what)});
    return metric;
  }

  std::vector<MetricFamily> list_;
};

template <class Reason, class Describe>
void drops(Families& out, std::string_view name, std::string_view help, const Counters<Reason>& counters,
           Describe&& words, std::string_view label = "reason") {
  out.family(name, MetricType::Counter, help);
  for (size_t i = 0; i < Counters<Reason>::kSize; ++i) {
    const auto reason = static_cast<Reason>(i);
    out.sample({{label, words(reason)}}, counters[reason]);
  }
}

void census(Families& out, const Census& exchange, const Census& engine) {
  const auto write = [&](std::string_view name, std::string_view help, uint8_t first, uint8_t last) {
    out.family(name, MetricType::Gauge, help);
    for (uint8_t kind = first; kind < last; ++kind) {
      const auto which = static_cast<Census::Kind>(kind);
      out.sample({{"machine", "exchange"}, {"kind", isthmus::describe(which)}}, exchange[which]);
      out.sample({{"machine", "engine"}, {"kind", isthmus::describe(which)}}, engine[which]);
    }
  };
  write("isthmus_live", "What is in use now; 0 as soon as the last user is gone.", 0, Census::kLiveKinds);
  write("isthmus_lingering", "What is kept for a bounded time after its user is gone.", Census::kLiveKinds,
        Census::kKinds);
}

void containers(Families& out, const MetricSources& from) {
  const transport::EdgeGauges edge = from.edge.gauges();
  out.family("isthmus_edge", MetricType::Gauge, "Sockets and asks of the edge.");
  out.sample({{"kind", "datagram_sockets"}}, edge.datagram_sockets);
  out.sample({{"kind", "ports"}}, edge.ports);
  out.sample({{"kind", "streams"}}, edge.streams);
  out.sample({{"kind", "opening"}}, edge.opening);
  out.sample({{"kind", "lookups"}}, edge.lookups);
  out.gauge("isthmus_web_connections", "Connections of the web listener.", from.http.connections());
  out.gauge("isthmus_client_connections", "WebSocket connections of clients.", from.clients.connections());
  out.gauge("isthmus_client_sessions", "Sessions of clients, also those waiting to be resumed.",
            from.clients.sessions());
  uint64_t bindings = 0;
  for (const auto& [account, list] : from.exchange.registrar().all_bindings()) bindings += list.size();
  out.gauge("isthmus_bindings", "Contacts that are registered.", bindings);
  out.gauge("isthmus_webhook_events_waiting", "Events and questions that are not done.", from.webhooks.waiting());
}

constexpr std::array kDirections{CallDirection::outgoing, CallDirection::incoming};
constexpr std::array kStates{CallState::pending, CallState::calling, CallState::ringing, CallState::confirmed,
                             CallState::dropped};

void calls(Families& out, const Exchange& exchange) {
  const Exchange::StateCounts counts = exchange.count_states();
  out.family("isthmus_calls", MetricType::Gauge, "Calls by state; dropped ones are there while legs are being reaped.");
  for (const CallDirection direction : kDirections) {
    for (const CallState state : kStates)
      out.sample({{"direction", word(direction)}, {"state", word(state)}},
                 counts[static_cast<size_t>(direction)][static_cast<size_t>(state)]);
  }
  out.family("isthmus_calls_ended_total", MetricType::Counter, "Calls that ended, by reason.");
  for (uint8_t i = 1; i <= static_cast<uint8_t>(DropReason::error); ++i) {
    const auto reason = static_cast<DropReason>(i);
    out.sample({{"reason", word(reason)}}, exchange.count_of(reason));
  }
  out.counter("isthmus_sip_forced_removals_total", "Legs that were cut at the bound of their reaping.",
              exchange.user_agent().forced_removals());
}

void call_times(Families& out, const CallWatch& watch) {
  const auto write = [&](std::string_view name, std::string_view help, const Histogram SetupTimes::* which) {
    out.family(name, MetricType::Histogram, help);
    for (const CallDirection direction : kDirections)
      out.sample({{"direction", word(direction)}}, watch.times(direction).*which);
  };
  write("isthmus_call_ringing_seconds", "From the begin of a call until the callee rings: post-dial delay.",
        &SetupTimes::ringing);
  write("isthmus_call_setup_seconds", "From the begin of a call until it is confirmed.", &SetupTimes::answered);
  write("isthmus_call_duration_seconds", "From confirmed to the end.", &SetupTimes::talked);
}

void trunks(Families& out, const CallWatch& watch) {
  out.family("isthmus_trunk_calls_total", MetricType::Counter, "Calls that were sent to a trunk or came from it.");
  for (const TrunkFacts& trunk : watch.trunks()) {
    out.sample({{"trunk", trunk.name}, {"direction", "outgoing"}}, trunk.placed);
    out.sample({{"trunk", trunk.name}, {"direction", "incoming"}}, trunk.came);
  }
  out.family("isthmus_trunk_failures_total", MetricType::Counter,
             "Calls to a trunk that was out of reach, silent, failing, or refused us.");
  for (const TrunkFacts& trunk : watch.trunks()) out.sample({{"trunk", trunk.name}}, trunk.failed);
}

void webhooks(Families& out, const Dispatcher& from) {
  drops(
      out, "isthmus_webhook_posts_total", "Outcomes of webhooks.", from.outcomes(),
      [](WebhookOutcome r) { return gateway::describe(r); }, "outcome");
  drops(out, "isthmus_webhook_events_lost_total", "Events that the web server will never hear of.", from.lost(),
        [](WebhookLoss r) { return gateway::describe(r); });
  out.family("isthmus_webhook_seconds", MetricType::Histogram,
             "From sending a webhook until the web server's response or a fault.");
  out.sample({{"kind", "question"}}, from.times(true));
  out.sample({{"kind", "event"}}, from.times(false));
  out.gauge("isthmus_webhook_failing", "1 when the last webhook that came to its end got no usable answer.",
            uint64_t{from.is_failing()});
}

void certificates(Families& out, const std::vector<CertificateEnd>& ends) {
  out.family("isthmus_certificate_expiry_timestamp_seconds", MetricType::Gauge,
             "Unix time at which a certificate from a file of the configuration ends.");
  for (const CertificateEnd& each : ends) out.sample({{"use", each.use}}, each.at.time_since_epoch().count());
}

// Names without prefix are those that every exporter of a process has.
void process(Families& out, const MetricSources& from) {
  out.family("isthmus_build_info", MetricType::Gauge, "Always 1; the labels tell what runs.");
  out.sample({{"version", ISTHMUS_VERSION}, {"compiler", __VERSION__}}, 1);
  out.gauge("isthmus_uptime_seconds", "Since the start, by a clock that does not jump.",
            seconds(from.now.steady - from.started.steady));
  out.gauge("process_start_time_seconds", "Unix time of the start.", seconds(from.started.wall.time_since_epoch()));
  out.gauge("process_resident_memory_bytes", "Memory in use.", from.process.resident_bytes);
  out.gauge("process_open_fds", "Descriptors that are open.", from.process.open_descriptors);
  out.gauge("process_max_fds", "Descriptors that may be open.", from.process.descriptor_limit);
  out.counter("process_cpu_seconds_total", "Processor time, user and kernel.", seconds(from.process.processor_time));
}

void keeping(Families& out, const Exchange& exchange, const StateKeeper::Figures& keeper) {
  out.gauge("isthmus_store_failing", "1 while the last commit of bindings and ringing phones failed.",
            uint64_t{keeper.failing});
  out.gauge("isthmus_store_bindings_waiting", "Bindings and ringing phones with a change that is not on disk.",
            keeper.waiting);
  out.counter("isthmus_store_bindings_kept_total", "Changes of bindings and ringing phones that are on disk.",
              keeper.kept);
  out.counter("isthmus_store_commits_total", "Commits of bindings and ringing phones.", keeper.commits);
  out.counter("isthmus_store_failures_total", "Commits that failed and are tried again.", keeper.failures);
  out.counter("isthmus_store_bindings_lost_total",
              "Changes of bindings and ringing phones for which the queue had no room.", keeper.lost);
  out.counter("isthmus_registrations_unkept_total", "REGISTERs that were answered before their bindings were on disk.",
              exchange.unkept());
}

class Scrape final : public prometheus::Collectable {
 public:
  explicit Scrape(const MetricSources& from) : from_(from) {}
  std::vector<MetricFamily> Collect() const override;

 private:
  const MetricSources& from_;
};

std::vector<MetricFamily> Scrape::Collect() const {
  Families out;
  census(out, from_.exchange.census(), from_.engine.census());
  containers(out, from_);
  calls(out, from_.exchange);
  call_times(out, from_.watch);
  trunks(out, from_.watch);
  keeping(out, from_.exchange, from_.keeper);
  drops(out, "isthmus_sip_dropped_total", "SIP messages that were not taken.",
        from_.exchange.user_agent().endpoint().drops(), [](sip::SipDrop r) { return sip::describe(r); });
  drops(out, "isthmus_sip_transaction_dropped_total", "Messages and answers that a transaction did not take.",
        from_.exchange.user_agent().endpoint().transaction_drops(),
        [](sip::TransactionTable::Drop r) { return sip::describe(r); });
  drops(out, "isthmus_call_dropped_total", "Answers and events of no call, and calls that a limit refused.",
        from_.exchange.drops(), [](CallDrop r) { return gateway::describe(r); });
  out.counter("isthmus_reoffers_of_same_version_total", "Re-offers that changed something but not their o= line.",
              from_.exchange.reoffers_of_same_version());
  drops(out, "isthmus_media_dropped_total", "Packets that were not passed on.", from_.engine.drops(),
        [](media::Drop r) { return media::describe(r); });
  out.counter("isthmus_media_received_total", "Packets that came to media ports.", from_.engine.received());
  out.counter("isthmus_media_relayed_total", "Packets that were passed on.", from_.engine.relayed());
  out.counter("isthmus_media_late_answers_total", "Answers that no leg waited for.", from_.engine.late_answers());
  out.counter("isthmus_media_lost_events_total", "Events for which there was no room.", from_.engine.lost_events());
  drops(out, "isthmus_edge_dropped_total", "What the edge could not send, accept or answer.", from_.edge.drops(),
        [](transport::EdgeDrop r) { return transport::describe(r); });
  drops(out, "isthmus_http_dropped_total", "Requests and connections of the web listener that were refused.",
        from_.http.drops(), [](HttpDrop r) { return gateway::describe(r); });
  webhooks(out, from_.webhooks);
  out.counter("isthmus_outbox_dropped_total", "Actions for which a pass had no room.", from_.outbox_dropped);
  out.counter("isthmus_posted_dropped_total", "Work from other threads for which the queue had no room.",
              from_.posted_dropped);
  out.counter("isthmus_credentials_refused_total", "SIP requests and sign-ins with credentials that were refused.",
              from_.refused_credentials);
  certificates(out, from_.certificates);
  process(out, from_);
  return out.take();
}

}  // namespace

std::string metrics_page(const MetricSources& from) {
  return prometheus::TextSerializer().Serialize(Scrape(from).Collect());
}

}  // namespace isthmus::gateway
