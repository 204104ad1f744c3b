// Runs a job in this process: coordinator, sites and network from one seed.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/executor.h"
#include "jobs/job.h"
#include "jobs/model_file.h"
#include "jobs/report.h"
#include "storage/database.h"
#include "storage/store.h"

namespace hanse::jobs {

struct RunDoors {
  const storage::Directory& directory;
  base::Executor& executor;
  const base::Clock& clock;                 // for Report::timing, and for when to save
  storage::Databases* databases = nullptr;  // null: none can be reached
  storage::Store* store = nullptr;          // where the run is kept; null: nowhere
  std::string version = {};                 // of the program; a store keeps to it
};

enum class Phase { reading, local, federated, uniform, plain, shrunk, classes, pooled };

// Where a run stands, for people.
struct Progress {
  Phase phase = Phase::reading;
  std::uint32_t repeat = 1;  // of `repeats`
  std::uint32_t repeats = 1;
  std::uint32_t fold = 1;  // of `folds`
  std::uint32_t folds = 1;
  std::uint32_t round = 0;  // of `rounds`; alone, the mean over the sites
  std::uint32_t rounds = 0;
  std::uint64_t taken = 0;  // rounds of all trainings, by this process
  std::uint32_t sites_in = 0;
  std::uint32_t sites = 0;
  std::uint64_t bytes = 0;  // that left sites so far
  learning::RoundFacts facts = {};
};

struct RunResult {
  Report report;
  ModelFile model;  // of the first repeat's last fold
};

// Trains local-only, federated and pooled models and measures them on the same test records, in
// every fold and repeat.
// `progress` and `stop` are called between rounds, one call at a time, from any of the executor's
// threads; `stop` saying true: aborted.
//
// With a store, what was computed is saved every few seconds and after an error too, and a store
// that holds a run goes on where that stopped, to the same report (but timing) and model bit by
// bit. Another job, other data, version or instruction set than it began with: failed_precondition.
base::Result<RunResult> run_job(const Job& job, const RunDoors& doors,
                                const std::function<void(const Progress&)>& progress,
                                const std::function<bool()>& stop);

}  // namespace hanse::jobs
