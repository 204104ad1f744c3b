#include "jobs/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>

#include "jobs/active_job.h"
#include "jobs/catalog.h"
#include "jobs/fair_job.h"
#include "jobs/job_privacy.h"
#include "jobs/selected_records.h"
#include "learning/personal.h"

namespace hanse::jobs {
namespace {

// Keeps the last problem. In a simulation one operator owns all sites, so it may cross between
// them.
class LastProblem final : public base::Log {
 public:
  void write(base::Severity severity, std::string_view text) override {
    if (severity != base::Severity::problem) return;
    const std::lock_guard lock(mutex_);
    text_ = text;
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

base::Error with_cause(const base::Error& error, const LastProblem& log) {
  const std::string cause = log.text();
  if (cause.empty()) return error;
  return base::Error(error.code(), fmt::format("{}; last: {}", error.text(), cause));
}

// Of each kind of round: moments, gradients, metrics.
base::Result<void> check_plans(Job job, const data::Schema& schema, learning::Iterate iterate,
                               std::size_t sites) {
  HANSE_TRY(const auto strategy, strategy_of(job, schema, static_cast<std::uint32_t>(sites)));
  if (job.active) {  // the plans of later cycles carry what was released; their shapes are the same
    HANSE_TRY(const query::QueryPlan plan, strategy->plan(iterate, {1, 0}));
    HANSE_TRY(job, one_training(job, schema, static_cast<std::uint32_t>(sites)));
    return check_plans(std::move(job), schema, std::move(iterate), sites);
  }
  for (const std::uint32_t steps : {0U, std::min(1U, job.rounds - 1), job.rounds - 1}) {
    iterate.steps = steps;
    HANSE_TRY(const query::QueryPlan plan, strategy->plan(iterate, {steps + 1, 0}));
  }
  return {};
}

}  // namespace

base::Result<learning::Iterate> first_iterate(const Job& job, const data::Schema& schema) {
  HANSE_TRY(learning::Architecture architecture, architecture_of(job.model, schema));
  return learning::Iterate{initial_model(job, std::move(architecture)), {}, 0};
}

base::Result<learning::Model> model_for(const Job& job, const data::Schema& schema,
                                        const learning::Iterate& iterate,
                                        std::string_view site_class) {
  HANSE_TRY(const auto strategy, strategy_of(job, schema, 1));
  return strategy->model_for(iterate, site_class);
}

base::Result<learning::Model> model_of(const Job& job, const data::Schema& schema,
                                       const learning::Iterate& iterate) {
  HANSE_TRY(const auto strategy, strategy_of(job, schema, 1));
  return strategy->model(iterate);
}

base::Result<learning::Model> own_model(const Job& job, const learning::Model& common,
                                        const data::Dataset* own) {
  if (!job.personal || own == nullptr) return common;
  return job.personal_pull ? learning::pulled(common, *own, *job.personal_pull)
                           : learning::personalised(common, *own);
}

base::Result<ModelFile> model_file_of(const Job& job, const learning::Strategy& strategy,
                                      const learning::Iterate& iterate) {
  ReadingSpec reading = reading_of(job.source);
  HANSE_TRY(data::Schema schema, schema_of(reading));
  HANSE_TRY(learning::Model common, strategy.model(iterate));
  std::vector<ClassModel> classes;
  if (job.fairness)
    for (const std::vector<std::string>& names : job.fairness->classes) {
      HANSE_TRY(learning::Model own, strategy.model_for(iterate, names.front()));
      if (own != common) classes.push_back({names, std::move(own)});
    }
  return ModelFile{.job = job.name.text(),
                   .schema = std::move(schema),
                   .reading = std::move(reading),
                   .model = std::move(common),
                   .training_groups = {},
                   .classes = std::move(classes)};
}

base::Result<learning::RoundFacts> facts_of(const Job& job, const learning::Strategy& strategy,
                                            const learning::Iterate& iterate,
                                            const privacy::Released& released) {
  HANSE_TRY(learning::RoundFacts facts, strategy.facts(iterate, released));
  if (facts.released.empty()) return facts;
  HANSE_TRY(const data::Schema schema, schema_of(job.source));
  const data::Column& label = *schema.label();
  if (!label.values.empty()) return facts;
  for (learning::ReleasedMetric& metric : facts.released) {
    if (metric.name != "rmse" && metric.name != "mae") continue;
    metric.value *= (label.high - label.low) / 2;  // targets are scaled to [−1, 1]
    metric.error *= (label.high - label.low) / 2;
  }
  return facts;
}

base::Result<Job> one_training(const Job& job, const data::Schema& schema, std::uint32_t sites) {
  if (!job.active && !job.fairness) return job;
  Job one = job;
  one.active.reset();
  one.fairness.reset();
  HANSE_TRY(const auto strategy, strategy_of(one, schema, sites));
  one.rounds = strategy->rounds().value_or(one.updates);
  return one;
}

Job pooled(const Job& job, std::size_t sites) {
  Job whole = job;
  std::uint64_t& records = whole.strategy.max_records_per_site;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  records = records > kMost / sites ? kMost : records * sites;
  whole.privacy.site_epsilon.clear();  // nobody's own site is left
  return whole;
}

base::Result<void> check_plan_of(const Job& job, std::size_t sites) {
  HANSE_CHECK(sites > 0);
  HANSE_TRY([[maybe_unused]] const Aggregation settled, aggregation_of(job.aggregation, sites));
  HANSE_TRY(const data::Schema schema, schema_of(job.source));
  HANSE_TRY(const learning::Iterate iterate, first_iterate(job, schema));
  HANSE_TRY_VOID(check_plans(job, schema, iterate, sites));
  HANSE_TRY(const Job one, one_training(job, schema, static_cast<std::uint32_t>(sites)));
  return check_plans(pooled(one, sites), schema, iterate, 1);
}

base::Result<SharedIterate> train(const Job& job, const data::Schema& schema,
                                  std::vector<SiteRecords> sites, const Aggregation& aggregation,
                                  base::Executor& executor, const AfterRound& after_round,
                                  const SharedIterate& from) {
  HANSE_TRY(learning::Iterate first, first_iterate(job, schema));
  if (from) {
    // As it was kept but for l2, in which a control differs from the job.
    const learning::Architecture architecture = first.model.architecture();
    first = *from;
    HANSE_TRY(first.model, learning::Model::create(architecture, {from->model.parameters().begin(),
                                                                  from->model.parameters().end()}));
  }
  auto iterate = std::make_shared<const learning::Iterate>(std::move(first));
  const auto max_sites = static_cast<std::uint32_t>(sites.size());
  HANSE_TRY(const auto strategy, strategy_of(job, schema, max_sites));
  const query::Catalog catalog = full_catalog();
  LastProblem log;
  if (job.active)
    for (SiteRecords& site : sites) {
      HANSE_TRY(SelectedRecords chosen,
                SelectedRecords::create(job, site.records, simulated_coins(job.seed, site.site)));
      site.selected = [kept = std::make_shared<const SelectedRecords>(std::move(chosen))](
                          const query::QueryPlan& plan) { return kept->of(plan); };
    }
  LocalConsortium consortium(std::move(sites), aggregation, job.seed, catalog, executor, log);
  while (iterate->steps < job.rounds) {
    const std::uint32_t round = iterate->steps + 1;
    HANSE_TRY(query::QueryPlan plan, strategy->plan(*iterate, {round, 0}));
    const std::uint64_t coordinates = plan.layout.coordinates();
    const auto result = consortium.run_round(std::move(plan));
    if (!result) return base::fail(with_cause(result.error(), log));
    HANSE_TRY(const learning::RoundFacts facts,
              facts_of(job, *strategy, *iterate, result->released));
    HANSE_TRY(learning::Iterate next, strategy->step(*iterate, result->released));
    iterate = std::make_shared<const learning::Iterate>(std::move(next));
    if (!after_round({round, facts, result->contributors, result->sealed_bytes, coordinates},
                     iterate))
      return base::fail(base::ErrorCode::aborted, "stopped after round {} of {}", round,
                        job.rounds);
  }
  return iterate;
}

}  // namespace hanse::jobs
