#include "jobs/run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <mutex>

#include "jobs/tally.h"
#include "jobs/training.h"
#include "learning/kernels.h"

namespace hanse::jobs {
namespace {

using base::Result;

double seconds_since(const base::Clock& clock, base::Milliseconds start) {
  return static_cast<double>((clock.monotonic() - start).value) / 1000;
}

// The group of each record by name; empty where records have none.
std::vector<std::string> groups_by_record(const data::Dataset& records) {
  std::vector<std::string> groups;
  for (const std::uint32_t group : records.group) groups.push_back(records.group_names[group]);
  return groups;
}

class Runner {
 public:
  Runner(const Job& job, const RunDoors& doors,
         const std::function<void(const Progress&)>& progress, const std::function<bool()>& stop)
      : job_(job), first_seed_(job.seed), doors_(doors), progress_(progress), stop_(stop) {}

  Result<RunResult> run() {
    const base::Milliseconds start = doors_.clock.monotonic();
    report_.timing.started =
        fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                    fmt::gmtime(static_cast<std::time_t>(doors_.clock.wall().value / 1000)));
    progress_(state_);
    HANSE_TRY(const Records records,
              Records::read(job_, {doors_.directory, doors_.executor, doors_.databases}));
    report_.left_out.records = records.left_out();
    state_.repeats = job_.evaluation.repeats;
    state_.rounds = job_.rounds;
    for (std::uint32_t repeat = 0; repeat < job_.evaluation.repeats; ++repeat) {
      state_.repeat = repeat + 1;
      job_.seed = first_seed_ + repeat;
      HANSE_TRY_VOID(run_repeat(records));
    }
    tally_->write(report_);
    report_.timing.total_seconds = seconds_since(doors_.clock, start);
    return RunResult{std::move(report_), *std::move(model_)};
  }

 private:
  Result<void> run_repeat(const Records& records) {
    HANSE_TRY(const DealtRecords dealt, records.deal(job_.seed));
    const std::vector<data::SiteData>& sites = *dealt.sites;
    HANSE_TRY_VOID(check_plan_of(job_, sites.size()));
    HANSE_TRY(const std::vector<JobFold> folds, folds_of(job_, sites, job_.seed));
    if (!tally_) HANSE_TRY_VOID(describe(*sites.front().records.schema));
    tally_->begin_repeat(job_.seed, dealt);
    state_.folds = static_cast<std::uint32_t>(folds.size());
    for (std::size_t f = 0; f < folds.size(); ++f) {
      state_.fold = static_cast<std::uint32_t>(f + 1);
      state_.sites = static_cast<std::uint32_t>(folds[f].training_sites());
      HANSE_TRY_VOID(run_fold(sites, folds[f]));
    }
    return {};
  }

  Result<void> describe(const data::Schema& schema) {
    schema_ = std::make_shared<const data::Schema>(schema);
    tally_.emplace(job_, *schema_);
    HANSE_TRY(const learning::Architecture architecture, architecture_of(job_.model, *schema_));
    report_.job = {.name = job_.name.text(),
                   .description = job_.description,
                   .digest = base::Digest::of(base::view_of(job_.text)).hex(),
                   .source = std::string(name_of(job_.source)),
                   .split = in_words(job_.split, job_.fold),
                   .over = std::string(name_of(job_.evaluation.over)),
                   .repeats = job_.evaluation.repeats,
                   .model = in_words(architecture),
                   .parameters = architecture.parameter_count(),
                   .strategy = in_words(job_.strategy, job_.rounds),
                   .labels = schema_->label()->values,
                   .instruction_set = learning::best_kernels().name};
    report_.seed = first_seed_;
    HANSE_TRY(std::string unit, privacy_unit_of(job_.source));
    report_.privacy = {job_.entrance, std::move(unit)};
    report_.aggregation = {job_.aggregation.backend, job_.aggregation.min_sites,
                           job_.strategy.fraction_bits};
    return {};
  }

  template <class Work>
  auto timed(Phase phase, double& seconds, const Work& work) {
    state_.phase = phase;
    state_.round = 0;
    progress_(state_);
    const base::Milliseconds start = doors_.clock.monotonic();
    auto result = work();
    seconds += seconds_since(doors_.clock, start);
    return result;
  }

  Result<void> run_fold(std::span<const data::SiteData> sites, const JobFold& fold) {
    fold_number_ = fold.number;
    const std::vector<SiteFold> parts = records_of(sites, fold);
    std::vector<SiteRecords> training;
    for (const SiteFold& part : parts)
      if (part.train) training.push_back({part.site, part.train});
    HANSE_TRY(const auto local, timed(Phase::local, report_.timing.local_seconds,
                                      [&] { return train_alone(training); }));
    HANSE_TRY(const auto federated, timed(Phase::federated, report_.timing.federated_seconds,
                                          [&] { return train_together(training); }));
    HANSE_TRY(const auto pooled, timed(Phase::pooled, report_.timing.pooled_seconds,
                                       [&] { return train_pooled(training); }));
    std::vector<SiteJudged> judged;
    std::size_t own = 0;  // the next model of a site's own
    for (const SiteFold& part : parts) {
      SiteJudged one{
          {}, judge(federated, part.test), judge(pooled, part.test), groups_by_record(part.test)};
      if (part.train) one.local = judge(local[own++], part.test);
      judged.push_back(std::move(one));
    }
    tally_->add_fold(fold, sites, judged);
    if (state_.repeat > 1) return {};
    std::vector<data::Dataset> trained_on;
    for (const SiteRecords& site : training) trained_on.push_back(*site.records);
    ReadingSpec reading = reading_of(job_.source);
    HANSE_TRY(data::Schema schema, schema_of(reading));
    model_.emplace(ModelFile{job_.name.text(), std::move(schema), std::move(reading), federated,
                             groups_of(trained_on)});
    return {};
  }

  // Each site's own model, sites side by side.
  Result<std::vector<learning::Model>> train_alone(const std::vector<SiteRecords>& sites) {
    std::vector<std::optional<Result<Trained>>> trained(sites.size());
    std::mutex mutex;
    std::size_t rounds = 0;  // of all sites
    doors_.executor.parallel_for(sites.size(), [&](std::size_t s) {
      trained[s] = train(job_, *schema_, {{sites[s].site, sites[s].records}}, 1, doors_.executor,
                         [&](const RoundTrace&) {
                           const std::lock_guard lock(mutex);
                           state_.round = static_cast<std::uint32_t>(++rounds / sites.size());
                           progress_(state_);
                           return !stop_();
                         });
    });
    std::vector<learning::Model> models;
    for (std::size_t s = 0; s < sites.size(); ++s) {
      if (!*trained[s])
        return base::fail(trained[s]->error().within("site " + sites[s].site.text()));
      models.push_back((*trained[s])->model);
    }
    return models;
  }

  Result<learning::Model> train_together(const std::vector<SiteRecords>& sites) {
    base::Milliseconds round_start = doors_.clock.monotonic();
    HANSE_TRY(Trained trained, train(job_, *schema_, sites, job_.aggregation.min_sites,
                                     doors_.executor, [&](const RoundTrace& round) {
                                       report_.timing.round_seconds.push_back(
                                           seconds_since(doors_.clock, round_start));
                                       round_start = doors_.clock.monotonic();
                                       return note_round(round);
                                     }));
    return std::move(trained.model);
  }

  Result<learning::Model> train_pooled(const std::vector<SiteRecords>& sites) {
    std::vector<data::Dataset> parts;
    for (const SiteRecords& site : sites) parts.push_back(*site.records);
    HANSE_TRY(base::SiteId everyone, base::SiteId::create("pooled"));
    HANSE_TRY(Trained trained,
              train(pooled(job_, sites.size()), *schema_,
                    {{everyone, std::make_shared<const data::Dataset>(data::concatenate(parts))}},
                    1, doors_.executor, [&](const RoundTrace& round) {
                      state_.round = round.round;
                      state_.loss = round.loss;
                      progress_(state_);
                      return !stop_();
                    }));
    return std::move(trained.model);
  }

  bool note_round(const RoundTrace& round) {
    const std::uint64_t bytes = round.sealed_bytes * round.sites_in.size();
    report_.rounds.push_back({job_.seed, fold_number_, round.round, round.loss,
                              static_cast<std::uint32_t>(round.sites_in.size()), bytes});
    for (const base::SiteId& site : round.sites_in) tally_->add_departure(site, round.sealed_bytes);
    state_.round = round.round;
    state_.loss = round.loss;
    state_.sites_in = static_cast<std::uint32_t>(round.sites_in.size());
    state_.bytes += bytes;
    progress_(state_);
    return !stop_();
  }

  Job job_;  // with the seed of the present repeat
  const std::uint64_t first_seed_;
  std::uint32_t fold_number_ = 1;  // as the split counts
  const RunDoors& doors_;
  const std::function<void(const Progress&)>& progress_;
  const std::function<bool()>& stop_;
  std::shared_ptr<const data::Schema> schema_;
  Progress state_;
  Report report_;
  std::optional<Tally> tally_;  // once the schema is known
  std::optional<ModelFile> model_;
};

}  // namespace

Result<RunResult> run_job(const Job& job, const RunDoors& doors,
                          const std::function<void(const Progress&)>& progress,
                          const std::function<bool()>& stop) {
  return Runner(job, doors, progress, stop).run();
}

}  // namespace hanse::jobs
