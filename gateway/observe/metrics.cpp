// SPDX-License-Identifier: MIT
// The one door of prometheus-cpp: families are its values, built anew at each scrape and written by its text serializer
// (format 0.0.4). No registry and no counters of its own stand beside the containers.
#include "gateway/observe/metrics.hpp"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <initializer_list>
#include <utility>

namespace isthmus::gateway {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Families in the order in which they are begun.
class Families {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a family; samples follow.
  void family(std::string_view name, MetricType type, std::string_view help) {
    list_.push_back({std::string(name), std::string(help), type, {}});
  }
  void sample(Labels labels, uint64_t value) {
    ClientMetric& metric = list_.back().metric.emplace_back();
    for (const auto& [name, what] : labels) metric.label.push_back({std::string(name), std::string(what)});
    const auto number = static_cast<double>(value);  // exact to 2^53
    if (list_.back().type == MetricType::Counter) {
      metric.counter.value = number;
    } else {
      metric.gauge.value = number;
    }
  }
  // A family of one sample.
  void gauge(std::string_view name, std::string_view help, uint64_t value) {
    family(name, MetricType::Gauge, help);
    sample({}, value);
  }
  void counter(std::string_view name, std::string_view help, uint64_t value) {
    family(name, MetricType::Counter, help);
    sample({}, value);
  }
  std::vector<MetricFamily> take() { return std::move(list_); }

 private:
  std::vector<MetricFamily> list_;
};

std::string_view describe(CallDrop reason) {
  return reason == CallDrop::late_reply ? "late_reply" : "unknown_media";
}

template <class Reason, class Describe>
void drops(Families& out, std::string_view name, std::string_view help, const Counters<Reason>& counters,
           Describe&& words) {
  out.family(name, MetricType::Counter, help);
  for (size_t i = 0; i < Counters<Reason>::kSize; ++i) {
    const auto reason = static_cast<Reason>(i);
    out.sample({{"reason", words(reason)}}, counters[reason]);
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

void calls(Families& out, const Exchange& exchange) {
  out.family("isthmus_calls_ended_total", MetricType::Counter, "Calls that ended, by reason.");
  for (uint8_t i = 1; i <= static_cast<uint8_t>(DropReason::error); ++i) {
    const auto reason = static_cast<DropReason>(i);
    out.sample({{"reason", word(reason)}}, exchange.count_of(reason));
  }
  out.counter("isthmus_sip_forced_removals_total", "Legs that were cut at the bound of their reaping.",
              exchange.user_agent().forced_removals());
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
  drops(out, "isthmus_sip_dropped_total", "SIP messages that were not taken.",
        from_.exchange.user_agent().endpoint().drops(), [](sip::SipDrop r) { return sip::describe(r); });
  drops(out, "isthmus_call_dropped_total", "Answers and events that belong to no call.", from_.exchange.drops(),
        [](CallDrop r) { return describe(r); });
  drops(out, "isthmus_media_dropped_total", "Packets that were not passed on.", from_.engine.drops(),
        [](media::Drop r) { return media::describe(r); });
  out.counter("isthmus_media_relayed_total", "Packets that were passed on.", from_.engine.relayed());
  out.counter("isthmus_media_late_answers_total", "Answers that no leg waited for.", from_.engine.late_answers());
  out.counter("isthmus_media_lost_events_total", "Events for which there was no room.", from_.engine.lost_events());
  drops(out, "isthmus_edge_dropped_total", "What the edge could not send, accept or answer.", from_.edge.drops(),
        [](transport::EdgeDrop r) { return transport::describe(r); });
  drops(out, "isthmus_http_dropped_total", "Requests and connections of the web listener that were refused.",
        from_.http.drops(), [](HttpDrop r) { return gateway::describe(r); });
  drops(out, "isthmus_webhook_posts_total", "Outcomes of webhooks.", from_.webhooks.outcomes(),
        [](WebhookOutcome r) { return gateway::describe(r); });
  drops(out, "isthmus_webhook_events_lost_total", "Events that the web server will never hear of.",
        from_.webhooks.lost(), [](WebhookLoss r) { return gateway::describe(r); });
  out.counter("isthmus_outbox_dropped_total", "Actions for which a pass had no room.", from_.outbox_dropped);
  out.counter("isthmus_posted_dropped_total", "Work from other threads for which the queue had no room.",
              from_.posted_dropped);
  return out.take();
}

}  // namespace

std::string metrics_page(const MetricSources& from) {
  return prometheus::TextSerializer().Serialize(Scrape(from).Collect());
}

}  // namespace isthmus::gateway
