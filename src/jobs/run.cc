#include "jobs/run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "jobs/evaluation.h"
#include "jobs/records.h"
#include "jobs/training.h"
#include "learning/kernels.h"

namespace hanse::jobs {
namespace {

using base::Result;

// The three arms' predictions on one set of test records.
struct ArmsJudged {
  Judged local;
  Judged federated;
  Judged pooled;
};

// A fold's predictions, per site in the sites' order.
struct FoldJudged {
  std::vector<ArmsJudged> sites;
};

double seconds_since(const base::Clock& clock, base::Milliseconds start) {
  return static_cast<double>((clock.monotonic() - start).value) / 1000;
}

// Mean over folds of the metrics on the records that `pick` takes from each.
template <class Pick>
Arms mean_arms(const Job& job, const data::Column& label, std::span<const FoldJudged> folds,
               const Pick& pick) {
  std::vector<Arms> of_folds;
  for (const FoldJudged& fold : folds) {
    const auto arm = [&](Judged ArmsJudged::* which) {
      std::vector<Judged> parts;
      for (std::size_t s = 0; s < fold.sites.size(); ++s)
        if (pick(s)) parts.push_back(fold.sites[s].*which);
      return evaluate(job.metrics, label, concatenate(parts));
    };
    of_folds.push_back(
        {arm(&ArmsJudged::local), arm(&ArmsJudged::federated), arm(&ArmsJudged::pooled)});
  }
  return mean(of_folds);
}

class Runner {
 public:
  Runner(const Job& job, const RunDoors& doors,
         const std::function<void(const Progress&)>& progress, const std::function<bool()>& stop)
      : job_(job), doors_(doors), progress_(progress), stop_(stop) {}

  Result<RunResult> run() {
    const base::Milliseconds start = doors_.clock.monotonic();
    report_.timing.started =
        fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                    fmt::gmtime(static_cast<std::time_t>(doors_.clock.wall().value / 1000)));
    progress_(state_);
    HANSE_TRY(const std::vector<data::SiteData> sites,
              read_records(job_, doors_.directory, doors_.executor));
    schema_ = sites.front().records.schema;
    HANSE_TRY_VOID(check_plan_of(job_, sites.size()));
    HANSE_TRY(auto folds, folds_of(job_, sites));
    state_.folds = static_cast<std::uint32_t>(folds.size());
    state_.rounds = job_.rounds;
    state_.sites = static_cast<std::uint32_t>(sites.size());
    HANSE_TRY_VOID(describe(sites));
    for (std::size_t f = 0; f < folds.size(); ++f) {
      state_.fold = static_cast<std::uint32_t>(f + 1);
      HANSE_TRY_VOID(run_fold(folds[f]));
    }
    summarise(sites, folds);
    report_.timing.total_seconds = seconds_since(doors_.clock, start);
    return RunResult{std::move(report_), *std::move(model_)};
  }

 private:
  Result<void> describe(const std::vector<data::SiteData>& sites) {
    const data::Column& label = *schema_->label();
    HANSE_TRY(const learning::Architecture architecture, architecture_of(job_.model, *schema_));
    report_.job = {.name = job_.name.text(),
                   .description = job_.description,
                   .digest = base::Digest::of(base::view_of(job_.text)).hex(),
                   .source = std::string(name_of(job_.source)),
                   .split = in_words(job_.split, job_.fold),
                   .model = in_words(architecture),
                   .parameters = architecture.parameter_count(),
                   .strategy = in_words(job_.strategy, job_.rounds),
                   .labels = label.values,
                   .instruction_set = learning::best_kernels().name};
    report_.seed = job_.seed;
    report_.privacy = {job_.entrance, "record"};
    report_.aggregation = {job_.aggregation.backend, job_.aggregation.min_sites,
                           job_.strategy.fraction_bits};
    for (const data::SiteData& site : sites) {
      SiteRow row;
      row.name = site.site.text();
      row.group = site.site_class;
      row.records = site.records.size();
      row.clipped_values = site.records.clipped_values;
      for (std::size_t k = 0; k < label.values.size(); ++k)
        row.labels.push_back({label.values[k], static_cast<std::uint64_t>(std::ranges::count(
                                                   site.records.target, static_cast<double>(k)))});
      report_.sites.push_back(std::move(row));
    }
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

  Result<void> run_fold(const std::vector<SiteFold>& fold) {
    HANSE_TRY(const auto local,
              timed(Phase::local, report_.timing.local_seconds, [&] { return train_alone(fold); }));
    HANSE_TRY(const auto federated, timed(Phase::federated, report_.timing.federated_seconds,
                                          [&] { return train_together(fold); }));
    HANSE_TRY(const auto pooled, timed(Phase::pooled, report_.timing.pooled_seconds,
                                       [&] { return train_pooled(fold); }));
    FoldJudged judged;
    for (std::size_t s = 0; s < fold.size(); ++s)
      judged.sites.push_back({judge(local[s], fold[s].test), judge(federated, fold[s].test),
                              judge(pooled, fold[s].test)});
    judged_.push_back(std::move(judged));
    std::vector<data::Dataset> training;
    for (const SiteFold& site : fold) training.push_back(*site.train);
    model_.emplace(ModelFile{job_.name.text(), *schema_, reading_of(job_.source), federated,
                             groups_of(training)});
    return {};
  }

  // Each site's own model, sites side by side.
  Result<std::vector<learning::Model>> train_alone(const std::vector<SiteFold>& fold) {
    std::vector<std::optional<Result<Trained>>> trained(fold.size());
    std::mutex mutex;
    std::size_t rounds = 0;  // of all sites
    doors_.executor.parallel_for(fold.size(), [&](std::size_t s) {
      trained[s] = train(job_, *schema_, {{fold[s].site, fold[s].train}}, 1, doors_.executor,
                         [&](const RoundTrace&) {
                           const std::lock_guard lock(mutex);
                           state_.round = static_cast<std::uint32_t>(++rounds / fold.size());
                           progress_(state_);
                           return !stop_();
                         });
    });
    std::vector<learning::Model> models;
    for (std::size_t s = 0; s < fold.size(); ++s) {
      if (!*trained[s])
        return base::fail(trained[s]->error().within("site " + fold[s].site.text()));
      models.push_back((*trained[s])->model);
    }
    return models;
  }

  Result<learning::Model> train_together(const std::vector<SiteFold>& fold) {
    std::vector<SiteRecords> sites;
    for (const SiteFold& site : fold) sites.push_back({site.site, site.train});
    base::Milliseconds round_start = doors_.clock.monotonic();
    HANSE_TRY(Trained trained, train(job_, *schema_, std::move(sites), job_.aggregation.min_sites,
                                     doors_.executor, [&](const RoundTrace& round) {
                                       report_.timing.round_seconds.push_back(
                                           seconds_since(doors_.clock, round_start));
                                       round_start = doors_.clock.monotonic();
                                       return note_round(round);
                                     }));
    return std::move(trained.model);
  }

  Result<learning::Model> train_pooled(const std::vector<SiteFold>& fold) {
    std::vector<data::Dataset> parts;
    for (const SiteFold& site : fold) parts.push_back(*site.train);
    HANSE_TRY(base::SiteId everyone, base::SiteId::create("pooled"));
    HANSE_TRY(Trained trained,
              train(pooled(job_, fold.size()), *schema_,
                    {{everyone, std::make_shared<const data::Dataset>(data::concatenate(parts))}},
                    1, doors_.executor, [&](const RoundTrace& round) {
                      state_.round = round.round;
                      state_.loss = round.loss;
                      progress_(state_);
                      return !stop_();
                    }));
    return std::move(trained.model);
  }

  // Of the f-th fold that is run, as the split counts them from 1.
  std::uint32_t number_of(std::size_t f) const {
    return static_cast<std::uint32_t>(job_.fold.value_or(f + 1));
  }

  bool note_round(const RoundTrace& round) {
    const std::uint64_t bytes = round.sealed_bytes * round.sites_in.size();
    report_.rounds.push_back({number_of(state_.fold - 1), round.round, round.loss,
                              static_cast<std::uint32_t>(round.sites_in.size()), bytes});
    for (SiteRow& site : report_.sites) {
      const bool in = std::ranges::any_of(
          round.sites_in, [&](const base::SiteId& id) { return id.text() == site.name; });
      if (!in) continue;
      ++site.left.vectors;
      site.left.bytes += round.sealed_bytes;
    }
    state_.round = round.round;
    state_.loss = round.loss;
    state_.sites_in = static_cast<std::uint32_t>(round.sites_in.size());
    state_.bytes += bytes;
    progress_(state_);
    return !stop_();
  }

  void summarise(const std::vector<data::SiteData>& sites,
                 const std::vector<std::vector<SiteFold>>& folds) {
    const data::Column& label = *schema_->label();
    const auto everyone = [](std::size_t) { return true; };
    report_.metrics.mean = mean_arms(job_, label, judged_, everyone);
    for (std::size_t f = 0; f < folds.size(); ++f) {
      FoldRow row{number_of(f), 0, {}};
      for (const SiteFold& site : folds[f]) row.test_records += site.test.size();
      row.metrics = mean_arms(job_, label, {&judged_[f], 1}, everyone);
      report_.metrics.folds.push_back(std::move(row));
    }
    std::map<std::string, GroupRow> groups;
    for (std::size_t s = 0; s < sites.size(); ++s) {
      SiteRow& row = report_.sites[s];
      for (const auto& fold : folds) row.test_records += fold[s].test.size();
      row.metrics = mean_arms(job_, label, judged_, [s](std::size_t site) { return site == s; });
      if (row.group.empty()) continue;
      GroupRow& group = groups[row.group];
      group.name = row.group;
      group.sites.push_back(row.name);
      group.records += row.records;
      group.test_records += row.test_records;
    }
    for (auto& [name, group] : groups) {
      group.metrics = mean_arms(job_, label, judged_, [&, &wanted = name](std::size_t site) {
        return sites[site].site_class == wanted;
      });
      report_.groups.push_back(std::move(group));
    }
  }

  const Job& job_;
  const RunDoors& doors_;
  const std::function<void(const Progress&)>& progress_;
  const std::function<bool()>& stop_;
  std::shared_ptr<const data::Schema> schema_;
  Progress state_;
  Report report_;
  std::vector<FoldJudged> judged_;
  std::optional<ModelFile> model_;
};

}  // namespace

Result<RunResult> run_job(const Job& job, const RunDoors& doors,
                          const std::function<void(const Progress&)>& progress,
                          const std::function<bool()>& stop) {
  return Runner(job, doors, progress, stop).run();
}

}  // namespace hanse::jobs
