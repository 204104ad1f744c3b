#include "learning/queries.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/bytes.h"
#include "learning/gradient.h"
#include "learning/metric_sums.h"
#include "learning/options.h"
#include "learning/private_queries.h"
#include "learning/tasks.h"

namespace hanse::learning {
namespace {

base::Result<void> check_parts(const query::QueryPlan& plan, std::size_t parameters,
                               std::string_view vector, std::string_view count) {
  HANSE_TRY_VOID(privacy::check_unrotated(plan.layout));
  const std::vector<privacy::Part>& parts = plan.layout.parts;
  const bool sound = parts.size() == 3 && parts[0].name == vector &&
                     parts[0].coordinates == parameters && parts[1].name == count &&
                     parts[1].coordinates == 1 && parts[1].clip == 1 && parts[2].name == "loss" &&
                     parts[2].coordinates == 1;
  if (sound) return {};
  std::string found;
  for (const privacy::Part& part : parts)
    found += fmt::format("{}{}[{}]", found.empty() ? "" : ", ", part.name, part.coordinates);
  return base::fail(base::ErrorCode::invalid_argument,
                    "a '{}' plan has the parts {}[{}], {}[1] with clip 1, loss[1]; found {}",
                    plan.kind, vector, parameters, count, found.substr(0, 256));
}

base::Result<void> check_unit(const query::QueryPlan& plan) {
  if (plan.unit == "record") return {};
  return base::fail(base::ErrorCode::unsupported,
                    "a '{}' query bounds the contribution of a 'record', found unit '{}'",
                    plan.kind, plan.unit.substr(0, 64));
}

base::Result<void> check_clear(const query::QueryPlan& plan, const Options& options) {
  if (!options.privacy && !options.moments && !options.metrics) return {};
  return base::fail(base::ErrorCode::invalid_argument,
                    "the options of a '{}' plan are those of a private one, and its noise is in "
                    "the clear",
                    plan.kind);
}

// The sum over blocks first, first + tasks, … Blocks are quantised one by one, so that the split
// into tasks does not change a bit.
base::Result<void> add_blocks(const Model& model, const data::Dataset& records, std::size_t first,
                              std::size_t tasks, privacy::ClippedSumAccumulator& sum) {
  BlockGradient block(model.architecture());
  std::vector<double> others;
  for (std::size_t row = first * kBlock; row < records.size(); row += tasks * kBlock) {
    block.compute(model.parameters(), records, row, std::min(kBlock, records.size() - row));
    block.find_norms();
    others.clear();
    for (const double loss : block.losses()) {
      others.push_back(1);
      others.push_back(loss);
    }
    HANSE_TRY_VOID(sum.add_batch(0, block, others));
  }
  return {};
}

}  // namespace

base::Result<Model> model_in(const query::QueryPlan& plan, const Architecture& architecture) {
  const std::size_t expected = architecture.parameter_count() * sizeof(double);
  if (plan.parameters.size() != expected)
    return base::fail(base::ErrorCode::invalid_argument,
                      "the plan's architecture needs {} bytes of parameters, found {}", expected,
                      plan.parameters.size());
  HANSE_TRY(std::vector<double> parameters,
            base::double_from_little_endian(plan.parameters.view()));
  return Model::create(architecture, std::move(parameters));
}

base::Result<std::unique_ptr<query::Query>> GradientQuery::create(const query::QueryPlan& plan) {
  if (plan.noise.is_private()) return create_private_gradient(plan);
  HANSE_TRY_VOID(check_unit(plan));
  HANSE_TRY(const Options options, options_from_json(plan.options));
  HANSE_TRY_VOID(check_clear(plan, options));
  if (options.learner)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a '{}' plan has no learner: sites take no step of their own", plan.kind);
  HANSE_TRY_VOID(check_parts(plan, options.architecture.parameter_count(), "gradient", "count"));
  HANSE_TRY(Model model, model_in(plan, options.architecture));
  return std::unique_ptr<query::Query>(
      new GradientQuery(std::move(model), options, plan.layout, plan.unit));
}

base::Result<query::Answer> GradientQuery::answer(const data::Dataset& records, base::RandomSource&,
                                                  base::Executor& executor) const {
  HANSE_TRY_VOID(check_records(model_.architecture(), records));
  const std::size_t blocks = (records.size() + kBlock - 1) / kBlock;
  const std::size_t tasks = tasks_for(model_.architecture(), blocks);
  HANSE_TRY(const double weight, factor_of(options_.class_weights, records));
  privacy::ClippedSumAccumulator total(layout_, unit_);
  total.weigh(weight);
  std::vector<privacy::ClippedSumAccumulator> sums(tasks, total);
  std::vector<base::Result<void>> results(tasks);
  executor.parallel_for(tasks, [&](std::size_t task) {
    results[task] = add_blocks(model_, records, task, tasks, sums[task]);
  });
  for (std::size_t task = 0; task < tasks; ++task) {
    HANSE_TRY_VOID(results[task]);
    HANSE_TRY_VOID(total.merge(sums[task]));
  }
  return query::Answer(std::move(total).finish());
}

base::Result<std::unique_ptr<query::Query>> LocalTrainingQuery::create(
    const query::QueryPlan& plan) {
  if (plan.noise.is_private()) return create_private_local_training(plan);
  HANSE_TRY_VOID(check_unit(plan));
  HANSE_TRY(const Options options, options_from_json(plan.options));
  HANSE_TRY_VOID(check_clear(plan, options));
  if (!options.learner)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a '{}' plan says how to train: its options lack 'learner'", plan.kind);
  HANSE_TRY_VOID(check_parts(plan, options.architecture.parameter_count(), "update", "weight"));
  HANSE_TRY(Model model, model_in(plan, options.architecture));
  return std::unique_ptr<query::Query>(
      new LocalTrainingQuery(std::move(model), *options.learner, plan.layout));
}

base::Result<query::Answer> LocalTrainingQuery::answer(const data::Dataset& records,
                                                       base::RandomSource& random,
                                                       base::Executor&) const {
  if (records.size() > layout_.max_units)
    return base::fail(base::ErrorCode::failed_precondition,
                      "a site may add {} records by the plan; it has {}. Raise "
                      "aggregation.max_records_per_site in the job",
                      layout_.max_units, records.size());
  HANSE_TRY(const Model trained, train(model_, records, learner_, random));
  const double weight = static_cast<double>(records.size());
  const std::span<const double> before = model_.parameters();
  const std::span<const double> after = trained.parameters();
  std::vector<double> values;
  values.reserve(layout_.coordinates());
  const double range = layout_.parts[0].clip;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double moved = after[i] - before[i];
    // Also false for NaN. Cutting a coordinate off would bias the model in silence.
    if (!(std::abs(moved) <= range))
      return base::fail(base::ErrorCode::invalid_argument,
                        "local training moved parameter {} by {}, beyond the plan's range of {}: "
                        "lower training.learning_rate or raise training.range",
                        i, moved, range);
    values.push_back(weight * moved);
  }
  values.push_back(weight);
  // A sum of bounded terms may exceed the sum of the bounds by its rounding.
  const double bound = layout_.parts[2].clip;
  values.push_back(std::min(total_loss(model_, records, bound), bound * weight));
  HANSE_TRY(privacy::PrivateIterate iterate,
            privacy::PrivateIterate::create(layout_, values, privacy::PrivacyLoss::unbounded()));
  return query::Answer(std::move(iterate));
}

void fill(query::Catalog& catalog) {
  catalog.add(std::string(kMomentsKind), create_moments);
  catalog.add(std::string(kGradientKind), GradientQuery::create);
  catalog.add(std::string(kLocalTrainingKind), LocalTrainingQuery::create);
  catalog.add(std::string(kMetricsKind), create_metrics);
  catalog.add(std::string(kClassNormsKind), create_class_norms);
}

}  // namespace hanse::learning
