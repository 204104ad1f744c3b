#include "jobs/risk_grid.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>

#include "jobs/evaluation.h"
#include "jobs/fair_fold.h"
#include "jobs/fair_job.h"
#include "jobs/job_privacy.h"
#include "jobs/training.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using fairness::Cell;
using fairness::kCells;

// The records of one seed, as all its cells learn from them.
struct Dealt {
  Job job;
  std::shared_ptr<const std::vector<data::SiteData>> sites;
  std::vector<SiteFold> parts;

  const data::Schema& schema() const { return *sites->front().records.schema; }
};

Result<Dealt> deal(Job job, const Records& records, std::uint64_t seed) {
  job.seed = seed;
  HANSE_TRY(const DealtRecords dealt, records.deal(seed));
  HANSE_TRY_VOID(check_site_classes(job.fairness->classes, *dealt.sites));
  HANSE_TRY(const std::vector<JobFold> folds, folds_of(job, *dealt.sites, seed));
  std::vector<SiteFold> parts = records_of(*dealt.sites, folds.back());
  return Dealt{std::move(job), dealt.sites, std::move(parts)};
}

// The sum is the same number whether it was masked or not, and masks are most of the time.
Result<Aggregation> in_the_open(const Job& job, std::size_t sites) {
  HANSE_TRY(Aggregation aggregation, aggregation_of(job.aggregation, sites));
  aggregation.protection = {};
  return aggregation;
}

// A part of a site's records, chosen by coins of the seed: less is a part of more.
std::shared_ptr<const data::Dataset> part_of(const std::shared_ptr<const data::Dataset>& records,
                                             double part, std::uint64_t seed,
                                             const base::SiteId& site) {
  if (part >= 1) return records;
  std::vector<std::size_t> rows(records->size());
  std::iota(rows.begin(), rows.end(), 0);
  base::SeededSimulationRandom random(seed, "rung " + site.text());
  for (std::size_t i = rows.size(); i > 1; --i)
    std::swap(rows[i - 1], rows[base::uniform_below(random, i)]);
  rows.resize(
      static_cast<std::size_t>(std::max(1.0, std::ceil(part * static_cast<double>(rows.size())))));
  std::ranges::sort(rows);
  return std::make_shared<const data::Dataset>(records->select(rows));
}

class Grid {
 public:
  Grid(const Job& job, std::uint32_t seeds, const std::vector<RungSpec>& rungs,
       const RiskDoors& doors)
      : job_(job),
        classes_(job.fairness->classes),
        rungs_(rungs),
        doors_(doors),
        dealt_(seeds),
        best_(seeds, std::vector<std::optional<learning::Model>>(classes_.size() + 1)),
        cells_(rungs.size(), std::vector<Cells>(seeds)) {
    state_.trainings =
        static_cast<std::uint32_t>(seeds * (classes_.size() + 1 + rungs.size() * kCells));
  }

  Result<std::vector<std::vector<RiskSeed>>> run() {
    HANSE_TRY(const Records records, Records::read(job_, doors_.records));
    for (std::size_t s = 0; s < dealt_.size(); ++s) {
      HANSE_TRY(dealt_[s], deal(job_, records, job_.seed + s));
    }
    doors_.progress(state_);
    const std::size_t each = state_.trainings / dealt_.size();
    doors_.records.executor.parallel_for(state_.trainings, [&](std::size_t i) {
      if (stopped_) return;
      const Result<void> done = train_one(i / each, i % each);
      const std::lock_guard lock(mutex_);
      if (!done) {
        stopped_ = true;
        if (!problem_) problem_ = done.error();
        return;
      }
      ++state_.trained;
      doors_.progress(state_);
    });
    if (problem_) return base::fail(*problem_);
    std::vector<std::vector<RiskSeed>> found;
    for (std::size_t r = 0; r < rungs_.size(); ++r) {
      auto& of_rung = found.emplace_back();
      for (std::size_t s = 0; s < dealt_.size(); ++s) of_rung.push_back(judged(r, s));
    }
    return found;
  }

 private:
  // By cell and class; a site uses its class's.
  using Cells = std::array<std::vector<learning::Model>, kCells>;

  bool goes_on() const { return !stopped_ && !doors_.stop(); }

  Result<void> train_one(std::size_t seed, std::size_t which) {
    const std::size_t best = classes_.size() + 1;
    if (which < best) return train_best(seed, which);
    which -= best;
    return train_cell(seed, which / kCells, static_cast<Cell>(which % kCells));
  }

  // In one place and without noise: of one class, or of all.
  Result<void> train_best(std::size_t seed, std::size_t which) {
    const Dealt& dealt = *dealt_[seed];
    HANSE_TRY(std::vector<SiteRecords> places,
              records_by_class(classes_, *dealt.sites, dealt.parts));
    const std::size_t sites = dealt.sites->size();
    HANSE_TRY(const Job plain,
              one_training(dealt.job, dealt.schema(), static_cast<std::uint32_t>(sites)));
    const Job job = in_one_place(plain, sites);
    HANSE_TRY(best_[seed][which], model_trained(job, dealt, {std::move(places[which])}, alone()));
    return {};
  }

  Result<void> train_cell(std::size_t seed, std::size_t rung, Cell cell) {
    const Dealt& dealt = *dealt_[seed];
    std::vector<SiteRecords> training;
    for (std::size_t s = 0; s < dealt.parts.size(); ++s) {
      const SiteFold& part = dealt.parts[s];
      if (!part.train) continue;
      const std::size_t c = data::place_of(classes_, (*dealt.sites)[s].site_class).value();
      training.push_back(
          {part.site, part_of(part.train, rungs_[rung].records[c], dealt.job.seed, part.site)});
    }
    const auto sites = static_cast<std::uint32_t>(training.size());
    HANSE_TRY(const Job job, in_cell(dealt.job, dealt.schema(), sites, cell, rungs_[rung].budget));
    HANSE_TRY(const Aggregation aggregation, in_the_open(job, sites));
    HANSE_TRY(const SharedIterate trained,
              iterate_of(job, dealt, std::move(training), aggregation));
    std::vector<learning::Model>& models = cells_[rung][seed][static_cast<std::size_t>(cell)];
    for (const std::vector<std::string>& names : classes_) {
      HANSE_TRY(learning::Model model, model_for(job, dealt.schema(), *trained, names.front()));
      models.push_back(std::move(model));
    }
    return {};
  }

  Result<SharedIterate> iterate_of(const Job& job, const Dealt& dealt,
                                   std::vector<SiteRecords> sites, const Aggregation& aggregation) {
    base::InlineExecutor inline_executor;
    return train(job, dealt.schema(), std::move(sites), aggregation, inline_executor,
                 [&](const RoundTrace&, const SharedIterate&) { return goes_on(); });
  }

  Result<learning::Model> model_trained(const Job& job, const Dealt& dealt,
                                        std::vector<SiteRecords> sites,
                                        const Aggregation& aggregation) {
    HANSE_TRY(const SharedIterate trained, iterate_of(job, dealt, std::move(sites), aggregation));
    return model_of(job, dealt.schema(), *trained);
  }

  // All that follows from the models of one seed.
  RiskSeed judged(std::size_t rung, std::size_t seed) const {
    const Dealt& dealt = *dealt_[seed];
    const std::size_t classes = classes_.size();
    RiskSeed found{.seed = dealt.job.seed, .losses = {}, .values = {}, .least_honest_gap = {}};
    std::vector<ClassLosses> of_cell(kCells, ClassLosses(classes));
    std::vector<ClassLosses> of_best(classes + 1, ClassLosses(classes));
    for (std::size_t s = 0; s < dealt.parts.size(); ++s) {
      const data::Dataset& test = dealt.parts[s].test;
      const std::uint32_t c = data::place_of(classes_, (*dealt.sites)[s].site_class).value();
      for (std::size_t b = 0; b <= classes; ++b)
        of_best[b].add(c, losses_of(judge(*best_[seed][b], test)));
      fairness::SiteLosses site{c, {}};
      for (std::size_t cell = 0; cell < kCells; ++cell) {
        site.losses[cell] = losses_of(judge(cells_[rung][seed][cell][c], test));
        of_cell[cell].add(c, site.losses[cell]);
      }
      if (test.size() > 0) found.losses.sites.push_back(std::move(site));
    }
    std::vector<std::optional<double>> best;
    for (std::size_t c = 0; c < classes; ++c)
      best.push_back(std::min(of_best[c].mean(c), of_best[classes].mean(c)));
    for (std::size_t cell = 0; cell < kCells; ++cell)
      found.values[cell] = fairness_values(*job_.fairness, of_cell[cell], best);
    found.least_honest_gap = least_honest_gap(of_best, best);
    return found;
  }

  // With the best model of the class whose best is the worst.
  std::optional<double> least_honest_gap(const std::vector<ClassLosses>& of_best,
                                         const std::vector<std::optional<double>>& best) const {
    if (!std::ranges::all_of(best, [](const auto& one) { return one.has_value(); })) return {};
    const auto worst = static_cast<std::size_t>(std::ranges::max_element(best) - best.begin());
    const bool alone = of_best[worst].mean(worst) == best[worst];
    const ClassLosses& model = of_best[alone ? worst : classes_.size()];
    double least = *best[worst];
    double most = least;
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      least = std::min(least, *model.mean(c));
      most = std::max(most, *model.mean(c));
    }
    return most - least;
  }

  const Job& job_;
  const data::SiteClasses& classes_;
  const std::vector<RungSpec>& rungs_;
  const RiskDoors& doors_;
  std::vector<std::optional<Dealt>> dealt_;
  std::vector<std::vector<std::optional<learning::Model>>> best_;  // by seed
  std::vector<std::vector<Cells>> cells_;                          // by rung and seed
  RiskProgress state_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::optional<base::Error> problem_;
};

}  // namespace

std::vector<RungSpec> usual_ladder(std::size_t classes) {
  const std::vector<double> whole(classes, 1.0);
  std::vector<RungSpec> rungs{{whole, 1}};
  for (std::size_t c = 0; c < classes; ++c) {
    rungs.push_back({whole, 1});
    rungs.back().records[c] = .5;
  }
  rungs.push_back({std::vector<double>(classes, .5), 1});
  rungs.push_back({whole, .5});
  return rungs;
}

Result<Job> in_cell(const Job& job, const data::Schema& schema, std::uint32_t sites, Cell cell,
                    double budget) {
  Job trained = job;
  if (cell == Cell::neither || cell == Cell::noised) {
    HANSE_TRY(trained, one_training(job, schema, sites));
  }
  if (cell == Cell::neither || cell == Cell::fair) return noiseless(std::move(trained));
  if (budget < 1) {
    HANSE_TRY(const double multiplier, noise_multiplier_of(trained, schema, sites));
    trained.privacy.epsilon.reset();
    trained.privacy.noise_multiplier = multiplier / std::sqrt(budget);
  }
  return trained;
}

Result<std::vector<std::vector<RiskSeed>>> risk_grid(const Job& job, std::uint32_t seeds,
                                                     const std::vector<RungSpec>& rungs,
                                                     const RiskDoors& doors) {
  if (!job.privacy.is_private())
    return base::fail(ErrorCode::invalid_argument,
                      "job '{}' is not private, so there is nothing to take apart; give "
                      "privacy.epsilon",
                      job.name.text());
  if (job.groups)
    return base::fail(ErrorCode::unsupported,
                      "job '{}' is fair between groups of records; its costs are told apart "
                      "between classes of sites alone",
                      job.name.text());
  if (!job.fairness)
    return base::fail(ErrorCode::invalid_argument,
                      "job '{}' says nothing of fairness; give it a [fairness]", job.name.text());
  if (job.personal)
    return base::fail(ErrorCode::unsupported,
                      "job '{}' has personal parts, which are no cost of fairness and would hide "
                      "some of it: leave training.personal out",
                      job.name.text());
  HANSE_CHECK(seeds > 0 && !rungs.empty());
  return Grid(job, seeds, rungs, doors).run();
}

}  // namespace hanse::jobs
