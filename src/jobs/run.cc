#include "jobs/run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <mutex>

#include "jobs/active_job.h"
#include "jobs/fair_fold.h"
#include "jobs/fair_job.h"
#include "jobs/group_fold.h"
#include "jobs/job_privacy.h"
#include "jobs/report_active.h"
#include "jobs/report_fairness.h"
#include "jobs/report_groups.h"
#include "jobs/reported_job.h"
#include "jobs/run_record.h"
#include "jobs/tally.h"
#include "jobs/training.h"
#include "learning/kernels.h"

namespace hanse::jobs {
namespace {

using base::Result;

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
    start_ = doors_.clock.monotonic();
    report_.timing.started =
        fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                    fmt::gmtime(static_cast<std::time_t>(doors_.clock.wall().value / 1000)));
    progress_(state_);
    HANSE_TRY(const Records records,
              Records::read(job_, {doors_.directory, doors_.executor, doors_.databases}));
    report_.left_out.records = records.left_out();
    state_.repeats = job_.evaluation.repeats;
    state_.rounds = job_.rounds;
    if (const auto done = run_repeats(records); !done) return given_up(done.error());
    tally_->write(report_);
    for (const JudgedFold& fold : found_.judged) {
      std::ranges::copy(fold.rounds.rows, std::back_inserter(report_.rounds));
      std::ranges::copy(fold.rounds.seconds, std::back_inserter(report_.timing.round_seconds));
      ReportedAggregation& aggregation = report_.aggregation;
      count_bytes(fold.rounds.sealed_bytes, fold.rounds.coordinates, aggregation);
      aggregation.dropouts += fold.rounds.dropouts;
    }
    const RunSeconds spent = seconds();
    report_.timing.total_seconds = spent.total;
    report_.timing.local_seconds = spent.local;
    report_.timing.federated_seconds = spent.federated;
    report_.timing.pooled_seconds = spent.pooled;
    return RunResult{std::move(report_), *std::move(found_.model)};
  }

 private:
  // What was computed up to an error is kept, unless the store was what failed.
  tl::unexpected<base::Error> given_up(const base::Error& error) {
    if (!record_ || problem_) return base::fail(error);
    found_.seconds = seconds();
    if (const auto saved = record_->save(found_); !saved)
      return base::fail(saved.error().code(),
                        "{}; what was computed since the last save is lost: {}", error.text(),
                        saved.error().text());
    return base::fail(error);
  }

  Result<void> run_repeats(const Records& records) {
    for (std::uint32_t repeat = 0; repeat < job_.evaluation.repeats; ++repeat) {
      state_.repeat = repeat + 1;
      job_.seed = first_seed_ + repeat;
      HANSE_TRY_VOID(run_repeat(records));
    }
    return {};
  }

  Result<void> run_repeat(const Records& records) {
    HANSE_TRY(const DealtRecords dealt, records.deal(job_.seed));
    const std::vector<data::SiteData>& sites = *dealt.sites;
    if (job_.fairness) HANSE_TRY_VOID(check_site_classes(job_.fairness->classes, sites));
    HANSE_TRY_VOID(check_plan_of(job_, sites.size()));
    std::vector<base::SiteId> names;
    for (const data::SiteData& site : sites) names.push_back(site.site);
    for (const SmallSite& site : dealt.too_small)
      if (auto name = base::SiteId::create(site.name)) names.push_back(*std::move(name));
    HANSE_TRY_VOID(check_named_sites(job_, names));
    HANSE_TRY(const std::vector<JobFold> folds, folds_of(job_, sites, job_.seed));
    if (!tally_) {
      HANSE_TRY_VOID(describe(sites));
      if (doors_.store != nullptr) HANSE_TRY_VOID(take_up(dealt));
    }
    tally_->begin_repeat(job_.seed, dealt);
    state_.folds = static_cast<std::uint32_t>(folds.size());
    for (std::size_t f = 0; f < folds.size(); ++f) {
      state_.fold = static_cast<std::uint32_t>(f + 1);
      state_.sites = static_cast<std::uint32_t>(folds[f].training_sites());
      if (counted_ == found_.judged.size())
        HANSE_TRY_VOID(run_fold(sites, folds[f], f + 1 == folds.size()));
      HANSE_TRY_VOID(count(folds[f]));
    }
    return {};
  }

  Result<void> describe(const std::vector<data::SiteData>& sites) {
    schema_ = std::make_shared<const data::Schema>(*sites.front().records.schema);
    tally_.emplace(job_, *schema_);
    HANSE_TRY(report_.job, reported_job(job_));
    report_.seed = first_seed_;
    if (job_.active) {
      HANSE_TRY(report_.active,
                reported_active(job_, *schema_, static_cast<std::uint32_t>(sites.size())));
    }
    if (job_.fairness) report_.fairness = reported(*job_.fairness, job_.privacy.is_private());
    if (job_.groups) report_.fairness = reported(*job_.groups, *schema_);
    HANSE_TRY(report_.privacy,
              reported_privacy(job_, *schema_, static_cast<std::uint32_t>(sites.size())));
    if (report_.privacy.guarantee) {
      HANSE_TRY(report_.privacy.guarantee->larger_units, larger_units(job_, sites));
    }
    HANSE_TRY(const Aggregation aggregation, aggregation_of(job_.aggregation, sites.size()));
    report_.aggregation = reported(aggregation, sites.size(), job_.strategy.fraction_bits);
    return {};
  }

  // Goes on where an earlier process stopped, or begins the record.
  Result<void> take_up(const DealtRecords& dealt) {
    RunIdentity identity{.job = base::Digest::of(base::view_of(job_.text)),
                         .data = digest_of(dealt),
                         .version = doors_.version,
                         .instruction_set = learning::best_kernels().name};
    HANSE_TRY(record_, RunRecord::open(*doors_.store, doors_.clock, std::move(identity),
                                       report_.timing.started));
    report_.timing.started = record_->started();
    HANSE_TRY(const learning::Architecture architecture, architecture_of(job_.model, *schema_));
    HANSE_TRY(found_, record_->load(architecture, job_.rounds));
    before_ = found_.seconds;
    for (const JudgedFold& fold : found_.judged)
      for (const RoundRow& row : fold.rounds.rows) state_.bytes += row.bytes;
    for (const RoundRow& row : found_.open.rounds.rows) state_.bytes += row.bytes;
    return {};
  }

  // The next judged fold into the tally.
  Result<void> count(const JobFold& fold) {
    const JudgedFold& judged = found_.judged.at(counted_++);
    if (judged.outcome.row.seed != job_.seed || judged.outcome.row.fold != fold.number)
      return base::fail(base::ErrorCode::corruption,
                        "the run's record has seed {} and fold {} where seed {} and fold {} follow",
                        judged.outcome.row.seed, judged.outcome.row.fold, job_.seed, fold.number);
    for (const auto& [site, left] : judged.rounds.left)
      HANSE_TRY_VOID(tally_->add_departures(site, left));
    return tally_->add(judged.outcome);
  }

  RunSeconds seconds() const {
    const base::Milliseconds now = doors_.clock.monotonic();
    RunSeconds spent = before_;
    const auto add = [now](double& to, base::Milliseconds from) {
      to += static_cast<double>((now - from).value) / 1000;
    };
    add(spent.total, start_);
    if (phase_seconds_ != nullptr) add(spent.*phase_seconds_, phase_start_);
    return spent;
  }

  template <class Work>
  auto timed(Phase phase, double RunSeconds::* counted, const Work& work) {
    state_.phase = phase;
    state_.round = 0;
    progress_(state_);
    phase_start_ = doors_.clock.monotonic();
    phase_seconds_ = counted;
    auto result = work();
    const double spent = seconds().*counted;
    if (result) {
      before_.*counted = spent;
      phase_seconds_ = nullptr;
    }
    return result;
  }

  Result<void> run_fold(std::span<const data::SiteData> sites, const JobFold& fold, bool last) {
    fold_number_ = fold.number;
    const std::vector<SiteFold> parts = records_of(sites, fold);
    std::vector<SiteRecords> training;
    for (const SiteFold& part : parts)
      if (part.train) training.push_back({part.site, part.train});
    HANSE_TRY(const Job all_labels,
              one_training(job_, *schema_, static_cast<std::uint32_t>(sites.size())));
    std::vector<SharedIterate> local;
    if (job_.evaluation.local) {
      HANSE_TRY(local, timed(Phase::local, &RunSeconds::local,
                             [&] { return train_each("local", all_labels, training); }));
    }
    HANSE_TRY(const auto federated, timed(Phase::federated, &RunSeconds::federated, [&] {
                return train_together(job_, {"federated", 0}, training);
              }));
    SharedIterate uniform;
    if (job_.active) {
      HANSE_TRY(uniform, timed(Phase::uniform, &RunSeconds::federated, [&] {
                  return train_together(with_uniform_labels(job_), {"uniform", 0}, training);
                }));
    }
    FairTrainings fair{federated, nullptr, nullptr, {}};
    if (job_.fairness) HANSE_TRY_VOID(train_beside(sites, parts, all_labels, training, fair));
    SharedIterate pooled;
    if (job_.evaluation.pooled) {
      HANSE_TRY(pooled, timed(Phase::pooled, &RunSeconds::pooled,
                              [&] { return train_pooled(all_labels, training); }));
    }
    std::optional<learning::Model> whole;
    if (pooled) {
      HANSE_TRY(whole, model_of(all_labels, *schema_, *pooled));
    }
    std::vector<SiteJudged> judged;
    std::size_t own = 0;  // the next model of a site's own
    for (std::size_t s = 0; s < parts.size(); ++s) {
      const SiteFold& part = parts[s];
      HANSE_TRY(const learning::Model own_view, own_view_of(*federated, sites[s].site_class, part));
      SiteJudged one{{},
                     judge(own_view, part.test),
                     whole ? std::optional(judge(*whole, part.test)) : std::nullopt,
                     groups_by_record(part.test)};
      if (part.train && job_.evaluation.local) {
        if (const SharedIterate& iterate = local[own++]) {
          HANSE_TRY(const learning::Model alone, model_of(all_labels, *schema_, *iterate));
          one.local = judge(alone, part.test);
        }
      }
      judged.push_back(std::move(one));
    }
    if (state_.repeat == 1 && last) HANSE_TRY_VOID(keep_model(*federated, training));
    FoldOutcome outcome = tally_->outcome_of(fold, sites, judged);
    if (uniform) {
      HANSE_TRY(outcome.cycles, cycles_of(sites, parts, *federated, *uniform));
    }
    if (job_.fairness) {
      HANSE_TRY(outcome.fairness, fairness_of(job_, all_labels, *schema_, sites, parts, fair));
    }
    if (job_.groups) {
      HANSE_TRY(outcome.fairness,
                fairness_between_groups(job_, *schema_, parts, *federated, pooled));
    }
    found_.judged.push_back({std::move(outcome), std::move(found_.open.rounds)});
    found_.open = {};
    return {};
  }

  // What a fair training is compared with.
  Result<void> train_beside(std::span<const data::SiteData> sites,
                            const std::vector<SiteFold>& parts, const Job& plain,
                            const std::vector<SiteRecords>& training, FairTrainings& fair) {
    HANSE_TRY(fair.plain, timed(Phase::plain, &RunSeconds::federated,
                                [&] { return train_together(plain, {"plain", 0}, training); }));
    HANSE_TRY(fair.shrunk, timed(Phase::shrunk, &RunSeconds::federated, [&] {
                return train_together(shrunk(plain), {"shrunk", 0}, training);
              }));
    HANSE_TRY(const std::vector<SiteRecords> classes,
              records_by_class(job_.fairness->classes, sites, parts));
    HANSE_TRY(fair.best, timed(Phase::classes, &RunSeconds::pooled, [&] {
                return train_each("class", in_one_place(plain, sites.size()), classes);
              }));
    return {};
  }

  // What the models of an active training and of its control are worth, cycle by cycle.
  Result<std::vector<CycleOutcome>> cycles_of(std::span<const data::SiteData> sites,
                                              const std::vector<SiteFold>& parts,
                                              const learning::Iterate& chosen,
                                              const learning::Iterate& uniform) const {
    HANSE_TRY(const auto models, models_of_cycles(job_, *schema_, chosen));
    HANSE_TRY(const auto controls, models_of_cycles(with_uniform_labels(job_), *schema_, uniform));
    const std::vector<double> labels = labels_granted(*job_.active);
    std::vector<CycleOutcome> outcomes;
    for (std::size_t cycle = 0; cycle < labels.size(); ++cycle) {
      std::vector<SiteJudged> judged;
      for (const SiteFold& part : parts)
        judged.push_back({judge(controls[cycle], part.test), judge(models[cycle], part.test),
                          std::nullopt, groups_by_record(part.test)});
      outcomes.push_back(tally_->cycle_of(labels[cycle], sites, judged));
    }
    return outcomes;
  }

  // The federated model as a site uses it.
  Result<learning::Model> own_view_of(const learning::Iterate& federated,
                                      const std::string& site_class, const SiteFold& part) const {
    HANSE_TRY(const learning::Model model, model_for(job_, *schema_, federated, site_class));
    return own_model(job_, model, part.train.get());
  }

  Result<void> keep_model(const learning::Iterate& federated,
                          const std::vector<SiteRecords>& training) {
    std::vector<data::Dataset> trained_on;
    for (const SiteRecords& site : training) trained_on.push_back(*site.records);
    HANSE_TRY(const auto strategy, strategy_of(job_, *schema_, 1));
    HANSE_TRY(found_.model, model_file_of(job_, *strategy, federated));
    found_.model->training_groups = groups_of(trained_on);
    return {};
  }

  // A model of each one's own, side by side; none of who has too little to learn one from.
  Result<std::vector<SharedIterate>> train_each(const std::string& arm, const Job& job,
                                                const std::vector<SiteRecords>& sites) {
    std::vector<std::optional<Result<SharedIterate>>> trained(sites.size());
    std::vector<SharedIterate> from(sites.size());
    std::size_t rounds = 0;  // of all sites
    for (std::size_t s = 0; s < sites.size(); ++s) {
      from[s] = found_.open.at({arm, s});
      if (from[s]) rounds += from[s]->steps;
    }
    std::mutex mutex;
    doors_.executor.parallel_for(sites.size(), [&](std::size_t s) {
      const auto after_round = [&](const RoundTrace&, const SharedIterate& iterate) {
        const std::lock_guard lock(mutex);
        state_.round = static_cast<std::uint32_t>(++rounds / sites.size());
        return goes_on({arm, s}, iterate);
      };
      trained[s] = train(job, *schema_, {{sites[s].site, sites[s].records}}, alone(),
                         doors_.executor, after_round, from[s]);
    });
    if (problem_) return base::fail(*problem_);
    std::vector<SharedIterate> iterates;
    for (std::size_t s = 0; s < sites.size(); ++s) {
      const Result<SharedIterate>& one = *trained[s];
      // Of two groups one alone may have none, or noise more than there are.
      const bool cannot = !one && one.error().code() == base::ErrorCode::failed_precondition;
      if (!one && !(cannot && job.groups))
        return base::fail(one.error().within("site " + sites[s].site.text()));
      iterates.push_back(one ? *one : nullptr);
    }
    return iterates;
  }

  // What left sites is counted of the job's own training, not of what it is compared with.
  Result<SharedIterate> train_together(const Job& job, const TrainingPlace& place,
                                       const std::vector<SiteRecords>& sites) {
    const bool counted = place.arm == "federated";
    base::Milliseconds round_start = doors_.clock.monotonic();
    HANSE_TRY(const Aggregation aggregation, aggregation_of(job_.aggregation, sites.size()));
    auto trained = train(
        job, *schema_, sites, aggregation, doors_.executor,
        [&](const RoundTrace& round, const SharedIterate& iterate) {
          const base::Milliseconds now = doors_.clock.monotonic();
          if (counted)
            note_round(round, sites.size(), static_cast<double>((now - round_start).value) / 1000);
          state_.round = round.round;
          round_start = now;
          return goes_on(place, iterate);
        },
        found_.open.at(place));
    if (problem_) return base::fail(*problem_);
    return trained;
  }

  Result<SharedIterate> train_pooled(const Job& job, const std::vector<SiteRecords>& sites) {
    const TrainingPlace place{"pooled", 0};
    std::vector<data::Dataset> parts;
    for (const SiteRecords& site : sites) parts.push_back(*site.records);
    HANSE_TRY(base::SiteId everyone, base::SiteId::create("pooled"));
    auto trained = train(
        pooled(job, sites.size()), *schema_,
        {{everyone, std::make_shared<const data::Dataset>(data::concatenate(parts))}}, alone(),
        doors_.executor,
        [&](const RoundTrace& round, const SharedIterate& iterate) {
          state_.round = round.round;
          state_.facts = round.facts;
          return goes_on(place, iterate);
        },
        found_.open.at(place));
    if (problem_) return base::fail(*problem_);
    return trained;
  }

  void note_round(const RoundTrace& round, std::size_t sites, double seconds) {
    const std::uint64_t bytes = round.sealed_bytes * round.sites_in.size();
    FoldRounds& rounds = found_.open.rounds;
    rounds.rows.push_back({job_.seed, fold_number_, round.round, round.facts,
                           static_cast<std::uint32_t>(round.sites_in.size()), bytes});
    rounds.seconds.push_back(seconds);
    rounds.sealed_bytes = round.sealed_bytes;
    rounds.coordinates = round.coordinates;
    rounds.dropouts += sites - round.sites_in.size();
    for (const base::SiteId& site : round.sites_in) {
      Departures& left = rounds.left[site.text()];
      ++left.vectors;
      left.bytes += round.sealed_bytes;
    }
    state_.round = round.round;
    state_.facts = round.facts;
    state_.sites_in = static_cast<std::uint32_t>(round.sites_in.size());
    state_.bytes += bytes;
  }

  // After a round of any training, one call at a time: shows it, and saves where that is due.
  bool goes_on(const TrainingPlace& place, const SharedIterate& iterate) {
    if (record_) found_.open.trainings[place] = iterate;
    ++state_.taken;
    progress_(state_);
    if (record_ && !problem_ && record_->is_due()) {
      found_.seconds = seconds();
      if (const auto saved = record_->save(found_); !saved) problem_ = saved.error();
    }
    return !problem_ && !stop_();
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
  RunProgress found_;
  std::size_t counted_ = 0;             // folds of found_.judged that are in the tally
  std::unique_ptr<RunRecord> record_;   // null: nothing is kept
  std::optional<base::Error> problem_;  // of the store: the run ends
  base::Milliseconds start_;
  RunSeconds before_;  // all but this process and this phase
  double RunSeconds::* phase_seconds_ = nullptr;
  base::Milliseconds phase_start_;
};

}  // namespace

Result<RunResult> run_job(const Job& job, const RunDoors& doors,
                          const std::function<void(const Progress&)>& progress,
                          const std::function<bool()>& stop) {
  return Runner(job, doors, progress, stop).run();
}

}  // namespace hanse::jobs
