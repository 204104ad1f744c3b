// What a run on this machine keeps so that it can go on after its process has died: a
// storage::Machine whose entries name blobs. docs/formats/run.md
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "jobs/report.h"
#include "jobs/tally.h"

namespace hanse::jobs {

// What has to be the same for a run to go on to the same bytes.
struct RunIdentity {
  base::Digest job;             // of the job file's text
  base::Digest data;            // of the records as they were read
  std::string version;          // of the program
  std::string instruction_set;  // of the kernels

  bool operator==(const RunIdentity&) const = default;
};

// failed_precondition that says which part differs.
base::Result<void> check_same(const RunIdentity& begun, const RunIdentity& now);

// Spent by all processes that worked on the run.
struct RunSeconds {
  double total = 0;
  double local = 0;
  double federated = 0;
  double pooled = 0;

  bool operator==(const RunSeconds&) const = default;
};

// One save. Blobs that it does not name any more have gone with it.
struct RunEntry {
  RunIdentity identity;
  std::string started;                 // the first process, RFC 3339 in UTC
  std::uint64_t folds = 0;             // judged since the last save
  std::optional<base::Digest> judged;  // what was found in them
  std::optional<base::Digest> model;   // model.json of the run, once it is there
  std::optional<base::Digest> open;    // the fold that is being trained
  RunSeconds seconds;

  bool operator==(const RunEntry&) const = default;
};

class RunState {
 public:
  static base::Bytes encode(const RunEntry& entry);

  // As storage::Machine has them.
  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  static base::Result<RunState> restore(base::ByteView snapshot);

  bool begun() const { return begun_; }
  // The last entry, with all judged folds counted. `judged` is of the last save alone.
  const RunEntry& last() const { return last_; }
  const std::vector<base::Digest>& judged() const { return judged_; }

  bool operator==(const RunState&) const = default;

 private:
  bool begun_ = false;
  RunEntry last_;
  std::vector<base::Digest> judged_;  // one blob per save that had folds
};

// The federated rounds of one fold, as the report will have them.
struct FoldRounds {
  std::vector<RoundRow> rows;
  std::vector<double> seconds;             // of each round
  std::map<std::string, Departures> left;  // by site
  std::uint64_t sealed_bytes = 0;          // of one contribution to the last round …
  std::uint64_t coordinates = 0;           // … and its numbers
  std::uint64_t dropouts = 0;              // of a site from a round that closed without it

  bool operator==(const FoldRounds&) const = default;
};

struct JudgedFold {
  FoldOutcome outcome;
  FoldRounds rounds;

  bool operator==(const JudgedFold&) const = default;
};

// A training of the open fold and the blob with its iterate.
struct KeptTraining {
  std::string arm;         // run_record.h has them
  std::uint64_t site = 0;  // of local its place among the sites that train, of class among classes
  base::Digest iterate;

  bool operator==(const KeptTraining&) const = default;
};

struct KeptFold {
  std::vector<KeptTraining> trainings;
  FoldRounds rounds;

  bool operator==(const KeptFold&) const = default;
};

// Blobs: JSON, strict; what is not as it was written: corruption.
std::string to_json(const std::vector<JudgedFold>& folds);
base::Result<std::vector<JudgedFold>> judged_folds_from_json(std::string_view text);
std::string to_json(const KeptFold& fold);
base::Result<KeptFold> kept_fold_from_json(std::string_view text);

}  // namespace hanse::jobs
