// Keeps a run's progress in a store, and brings it back.
#pragma once

#include <map>

#include "base/clock.h"
#include "jobs/model_file.h"
#include "jobs/records.h"
#include "jobs/run_state.h"
#include "jobs/training.h"
#include "storage/durable.h"

namespace hanse::jobs {

// Which training of a fold.
struct TrainingPlace {
  std::string arm;  // "local", "federated", "uniform", "plain", "shrunk", "class" or "pooled"
  std::uint64_t site = 0;

  auto operator<=>(const TrainingPlace&) const = default;
};

// The fold that is being trained: each training's latest iterate, and what the federated one did.
struct OpenFold {
  std::map<TrainingPlace, SharedIterate> trainings;
  FoldRounds rounds;

  SharedIterate at(const TrainingPlace& place) const {
    const auto found = trainings.find(place);
    return found == trainings.end() ? nullptr : found->second;
  }
};

// All that a run has found so far.
struct RunProgress {
  std::vector<JudgedFold> judged;
  std::optional<ModelFile> model;  // once it is there
  OpenFold open;
  RunSeconds seconds;
};

// What a process may lose of its work. A save takes milliseconds, so a run of minutes does not feel
// it and one of seconds has none.
inline constexpr base::Milliseconds kSaveEvery{2000};

// Names the records as their sites hold them: columns, order and every bit of every number.
base::Digest digest_of(const DealtRecords& records);

// Not thread-safe.
class RunRecord {
 public:
  // Who the run is, durable from here on. One that was begun as another: the error of check_same.
  static base::Result<std::unique_ptr<RunRecord>> open(storage::Store& store,
                                                       const base::Clock& clock,
                                                       RunIdentity identity, std::string started);

  // When the run in this store began; empty where none did.
  static base::Result<std::string> started_in(storage::Store& store);

  // When the first process began.
  const std::string& started() const { return started_; }

  // What was saved last, whole. Bytes that are not those that were stored, or an iterate that is
  // not of this architecture or beyond so many rounds: corruption.
  base::Result<RunProgress> load(const learning::Architecture& architecture, std::uint32_t rounds);

  // Time for another save: kSaveEvery after the last one, and a save's length is at most a
  // twentieth of the time between two.
  bool is_due() const { return clock_.monotonic() >= due_; }

  // Stores what the last save does not have; judged folds are only ever added.
  base::Result<void> save(const RunProgress& progress);

 private:
  using Stored = std::map<TrainingPlace, std::pair<SharedIterate, base::Digest>>;

  RunRecord(storage::Store& store, const base::Clock& clock) : store_(store), clock_(clock) {}
  base::Result<base::Slice> fetch(const base::Digest& name) const;
  base::Result<void> load_open(const base::Digest& name, const learning::Architecture& architecture,
                               std::uint32_t rounds, OpenFold& open);
  base::Digest add_open(const OpenFold& open, Stored& stored,
                        std::vector<storage::NamedBlob>& blobs) const;
  void wait_from(base::Milliseconds start);

  storage::Store& store_;
  const base::Clock& clock_;
  std::string started_;
  std::unique_ptr<storage::Durable<RunState>> state_;
  Stored stored_;  // iterates of the open fold as they were last saved
  base::Milliseconds due_;
};

}  // namespace hanse::jobs
