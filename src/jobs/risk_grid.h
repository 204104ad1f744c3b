// The grid of trainings by which a fair and private job's cost is taken apart
// (fairness/decomposition.h): with and without its privacy, with and without its fairness, under
// the same seeds, splits, first models and streams of noise. In the simulator only: what the cells
// without privacy learned may leave no site.
#pragma once

#include <functional>

#include "fairness/ladder.h"
#include "jobs/class_losses.h"
#include "jobs/records.h"

namespace hanse::jobs {

// How much of the job's records and budget a grid has.
struct RungSpec {
  std::vector<double> records;  // of each class's training records, in (0, 1]
  double budget = 1;            // of ρ

  bool operator==(const RungSpec&) const = default;
};

// The rungs that tell the terms of fit_ladder apart: the whole, half of each class, half of all,
// half of the budget.
std::vector<RungSpec> usual_ladder(std::size_t classes);

// The job as one cell trains it, with so much of its budget. Without privacy it is the same
// procedure, clipping and all, with noise that is nothing: cells differ in what their names say
// alone.
base::Result<Job> in_cell(const Job& job, const data::Schema& schema, std::uint32_t sites,
                          fairness::Cell cell, double budget);

// One seed of a grid.
struct RiskSeed {
  std::uint64_t seed = 0;
  fairness::SeedLosses losses;
  std::array<MetricValues, fairness::kCells> values;  // fairness_values of each cell
  // What the gap between classes is with the best model of the class that loses most: a bound below
  // it is met by making the others worse alone.
  std::optional<double> least_honest_gap;
};

struct RiskProgress {
  std::uint32_t trained = 0;
  std::uint32_t trainings = 0;
};

struct RiskDoors {
  RecordDoors records;
  std::function<void(const RiskProgress&)> progress;  // one call at a time, from any thread
  std::function<bool()> stop;                         // true: aborted
};

// Seeds job.seed, job.seed + 1, … of each rung, each with the last fold of the job's split.
// Trainings go side by side; the result is the same on any number of threads. A job without privacy
// or without [fairness]: invalid_argument.
base::Result<std::vector<std::vector<RiskSeed>>> risk_grid(const Job& job, std::uint32_t seeds,
                                                           const std::vector<RungSpec>& rungs,
                                                           const RiskDoors& doors);

}  // namespace hanse::jobs
