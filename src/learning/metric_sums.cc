#include "learning/metric_sums.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "learning/gradient.h"
#include "learning/options.h"
#include "learning/queries.h"

namespace hanse::learning {
namespace {

constexpr std::size_t kMetrics = 2;
using Metrics = std::array<double, kMetrics>;

// 0 to 1; also 1 where the value is no number.
double share_of(double value, double whole) {
  return value < whole ? std::max(value, 0.0) / whole : 1;
}

// Of equals the first is what the model says, as in Metric::accuracy.
bool is_right(std::span<const double> probabilities, std::size_t label) {
  for (std::size_t k = 0; k < probabilities.size(); ++k) {
    const bool below = k < label ? probabilities[k] < probabilities[label]
                                 : probabilities[k] <= probabilities[label];
    if (!below) return false;  // also where one is no number
  }
  return true;
}

// Metrics of up to kBlock records, each the same bits whatever is beside it.
class MetricBlock {
 public:
  MetricBlock(const Model& model, double clip)
      : model_(model), clip_(clip), block_(model.architecture()) {}

  void compute(const data::Dataset& records, std::span<const std::size_t> rows) {
    block_.compute_losses(model_.parameters(), records, rows);
    values_.clear();
    const std::size_t width = model_.architecture().outputs();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double loss = block_.losses()[i];
      if (model_.architecture().task() == Task::regression) {
        const double error = share_of(std::sqrt(2 * loss), clip_);
        values_.push_back({error * error, error});
      } else {
        const auto label = static_cast<std::size_t>(records.target[rows[i]]);
        const bool right = is_right(block_.outputs().subspan(i * width, width), label);
        values_.push_back({share_of(loss, clip_), right ? 1.0 : 0.0});
      }
    }
  }
  std::span<const Metrics> values() const { return values_; }

 private:
  const Model& model_;
  double clip_;
  BlockGradient block_;
  std::vector<Metrics> values_;
};

void add_unit(const Metrics& mean, privacy::ClippedSumAccumulator& sum) {
  const std::array<double, kMetrics + 1> contribution{mean[0] / std::numbers::sqrt2,
                                                      mean[1] / std::numbers::sqrt2, 1};
  // Finite, and there are no more units than the layout allows.
  HANSE_CHECK(sum.add(contribution).has_value());
}

class MetricsQuery final : public query::Query {
 public:
  MetricsQuery(query::QueryPlan plan, Model model, double clip)
      : plan_(std::move(plan)), model_(std::move(model)), clip_(clip) {}
  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource& random,
                                     base::Executor&) const override {
    HANSE_TRY(const Units units, Units::of(plan_, model_.architecture(), records, random));
    return query::Answer(sum_of_metrics(model_, clip_, records, units, plan_.layout, plan_.unit));
  }

 private:
  query::QueryPlan plan_;
  Model model_;
  double clip_;
};

}  // namespace

base::Result<std::unique_ptr<query::Query>> create_metrics(const query::QueryPlan& plan) {
  HANSE_TRY(Options options, options_from_json(plan.options));
  if (!options.metrics)
    return base::fail(base::ErrorCode::invalid_argument,
                      "the options of a private '{}' plan are the architecture and 'metrics'",
                      plan.kind);
  const privacy::Layout expected = metrics_layout(plan.layout.lattice, plan.layout.max_units);
  HANSE_TRY_VOID(privacy::check_unrotated(plan.layout));
  HANSE_TRY_VOID(check_summed(plan, expected.parts));
  HANSE_TRY(Model model, model_in(plan, options.architecture));
  return std::unique_ptr<query::Query>(
      new MetricsQuery(plan, std::move(model), options.metrics->clip));
}

privacy::ClippedSum sum_of_metrics(const Model& model, double clip, const data::Dataset& records,
                                   const Units& units, const privacy::Layout& layout,
                                   const std::string& unit) {
  privacy::ClippedSumAccumulator sum(layout, unit, privacy::NotFinite::left_out);
  MetricBlock block(model, clip);
  if (units.are_records()) {
    for (std::size_t first = 0; first < units.size(); first += kBlock) {
      block.compute(records, units.rows().subspan(first, std::min(kBlock, units.size() - first)));
      for (const Metrics& one : block.values()) add_unit(one, sum);
    }
    return std::move(sum).finish();
  }
  for (std::size_t i = 0; i < units.size(); ++i) {
    const std::span<const std::size_t> rows = units.rows_of(i);
    Metrics mean{};
    for (std::size_t first = 0; first < rows.size(); first += kBlock) {
      block.compute(records, rows.subspan(first, std::min(kBlock, rows.size() - first)));
      for (const Metrics& one : block.values())
        for (std::size_t k = 0; k < kMetrics; ++k) mean[k] += one[k];
    }
    for (double& value : mean) value /= static_cast<double>(rows.size());
    add_unit(mean, sum);
  }
  return std::move(sum).finish();
}

privacy::Layout metrics_layout(math::Lattice lattice, std::uint64_t max_units) {
  return {.parts = {{.name = "metrics", .coordinates = kMetrics, .clip = 1},
                    {.name = "count", .coordinates = 1, .clip = 1}},
          .lattice = lattice,
          .max_units = max_units};
}

double metrics_clip(const Architecture& architecture) {
  if (architecture.task() == Task::regression) return 1;
  return 3 * std::log(static_cast<double>(std::max<std::size_t>(architecture.outputs(), 2)));
}

std::vector<ReleasedMetric> released_metrics(const Architecture& architecture,
                                             std::span<const double> metrics, double count,
                                             const MetricsNoise& noise) {
  HANSE_CHECK(metrics.size() == kMetrics);
  // As in the round of moments: not below its noise, lest it blow up what is divided by it.
  const double units = std::max({count, 2 * noise.count, 1.0});
  Metrics mean{};
  Metrics error{};
  for (std::size_t k = 0; k < kMetrics; ++k) {
    mean[k] = std::clamp(std::numbers::sqrt2 * metrics[k] / units, 0.0, 1.0);
    // Of a quotient of two noised numbers, to first order.
    error[k] = std::hypot(std::numbers::sqrt2 * noise.metrics, mean[k] * noise.count) / units;
  }
  const double clip = metrics_clip(architecture);
  if (architecture.task() == Task::classification)
    return {{"loss", clip * mean[0], clip * error[0]}, {"accuracy", mean[1], error[1]}};
  const double root = std::sqrt(mean[0]);
  return {{"rmse", clip * root, clip * (std::sqrt(mean[0] + error[0]) - root)},
          {"mae", clip * mean[1], clip * error[1]}};
}

}  // namespace hanse::learning
