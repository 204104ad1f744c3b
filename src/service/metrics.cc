#include "service/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace hanse::service {
namespace {

// From a round on one machine to an hour of local training.
const prometheus::Histogram::BucketBoundaries kSeconds{.01, .05, .25, 1, 5, 30, 120, 600, 3600};

double seconds(base::Milliseconds time) { return static_cast<double>(time.value) / 1000; }

// A total that another place counts.
void raise(prometheus::Counter& counter, std::uint64_t total) {
  const double missing = static_cast<double>(total) - counter.Value();
  if (missing > 0) counter.Increment(missing);
}

}  // namespace

struct Metrics::Body {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& rounds =
      prometheus::BuildCounter()
          .Name("hanse_rounds_total")
          .Help("Attempts at rounds that ended, by how")
          .Register(registry);
  prometheus::Histogram& round_seconds = prometheus::BuildHistogram()
                                             .Name("hanse_round_seconds")
                                             .Help("From asking to closing, of closed rounds")
                                             .Register(registry)
                                             .Add({}, kSeconds);
  prometheus::Histogram& answer_seconds =
      prometheus::BuildHistogram()
          .Name("hanse_answer_seconds")
          .Help("From an offer's parameters to a durable answer, at a site")
          .Register(registry)
          .Add({}, kSeconds);
  prometheus::Counter& receipts = prometheus::BuildCounter()
                                      .Name("hanse_receipts_total")
                                      .Help("Answers with the coordinator's receipt, at a site")
                                      .Register(registry)
                                      .Add({});
  prometheus::Counter& messages = prometheus::BuildCounter()
                                      .Name("hanse_messages_total")
                                      .Help("Envelopes that went through, both ways")
                                      .Register(registry)
                                      .Add({});
  prometheus::Counter& bytes = prometheus::BuildCounter()
                                   .Name("hanse_bytes_total")
                                   .Help("Bytes in those envelopes")
                                   .Register(registry)
                                   .Add({});
  prometheus::Gauge& connected = prometheus::BuildGauge()
                                     .Name("hanse_connected")
                                     .Help("Parties that are connected")
                                     .Register(registry)
                                     .Add({});
  prometheus::Family<prometheus::Counter>& refusals =
      prometheus::BuildCounter()
          .Name("hanse_refusals_total")
          .Help("Connections, calls and frames that were refused, by reason")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& waiting =
      prometheus::BuildGauge()
          .Name("hanse_waiting_seconds")
          .Help("Age of the oldest that waits, by what")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& budget =
      prometheus::BuildGauge()
          .Name("hanse_budget")
          .Help(
              "Of the poorest block of a site's data: epsilon promised and spent, and what is "
              "left in the currency that it is counted in")
          .Register(registry);
};

Metrics::Metrics() : body_(std::make_unique<Body>()) {}
Metrics::~Metrics() = default;
Metrics::Metrics(Metrics&&) noexcept = default;

void Metrics::count_round(bool closed, base::Milliseconds took) {
  body_->rounds.Add({{"outcome", closed ? "closed" : "aborted"}}).Increment();
  if (closed) body_->round_seconds.Observe(seconds(took));
}

void Metrics::count_answer(base::Milliseconds took) {
  body_->answer_seconds.Observe(seconds(took));
}

void Metrics::count_receipt() { body_->receipts.Increment(); }

void Metrics::set_traffic(std::uint64_t messages, std::uint64_t bytes) {
  raise(body_->messages, messages);
  raise(body_->bytes, bytes);
}

void Metrics::set_connected(std::size_t parties) {
  body_->connected.Set(static_cast<double>(parties));
}

void Metrics::set_refusals(const std::map<std::string, std::uint64_t>& by_reason) {
  for (const auto& [reason, total] : by_reason)
    raise(body_->refusals.Add({{"reason", reason}}), total);
}

void Metrics::set_waiting(const std::string& what, base::Milliseconds age) {
  body_->waiting.Add({{"what", what}}).Set(seconds(age));
}

void Metrics::set_budget(double promised, double spent, double left) {
  body_->budget.Add({{"what", "promised"}}).Set(promised);
  body_->budget.Add({{"what", "spent"}}).Set(spent);
  body_->budget.Add({{"what", "left"}}).Set(left);
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(body_->registry.Collect());
}

}  // namespace hanse::service
