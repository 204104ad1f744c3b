// What the leaves of an audit log say of each job, and where they contradict each other.
// docs/formats/audit.md, "Leaves"
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aggregation/backend.h"
#include "audit/record.h"
#include "base/executor.h"
#include "federation/message/message.h"

namespace hanse::federation {

// Something that is not as it should be, or that is worth knowing.
struct Finding {
  std::optional<std::uint64_t> leaf;  // none: of what is in no leaf
  std::string job;                    // empty: of no job that can be told
  std::optional<base::RoundId> round;
  std::string what;

  auto operator<=>(const Finding&) const = default;
};

// "leaf 17, job 'bearings', round 3 attempt 0: …".
std::string text_of(const Finding& finding);

// One attempt at one round, as the log tells it.
struct AttemptTrail {
  struct Contribution {
    std::uint64_t leaf = 0;
    audit::leaf::Contributed said;
    std::optional<audit::Statement> statement;  // none where it cannot be read
  };

  std::uint64_t leaf = 0;  // of its plan
  audit::leaf::Planned planned;
  std::vector<Contribution> contributions;
  std::uint64_t sum_leaf = 0;
  std::optional<audit::leaf::Summed> summed;
  // What the evidence shows, of a job that was asked about; none where it shows nothing.
  std::optional<aggregation::Agreed> agreed;
  std::optional<audit::leaf::Stepped> stepped;
  std::optional<audit::leaf::Aborted> aborted;

  bool is_over() const { return stepped || aborted; }
  const Contribution* of(const base::SiteId& site) const;
  bool has_in_sum(const base::SiteId& site) const;
};

struct JobTrail {
  std::optional<audit::leaf::Submitted> submitted;
  // All of them of a job that was asked about, else the newest alone.
  std::deque<AttemptTrail> attempts;
  std::optional<audit::leaf::Ended> ended;
  std::uint64_t leaves = 0;
};

struct TrailSettings {
  // Epochs of the roster that are believed, by their digests.
  std::map<base::Digest, Membership> epochs;
  // Their numbers. Of an epoch without one it is not known which came before it.
  std::map<base::Digest, std::uint32_t> numbers = {};
  // Of these jobs every statement is read and every signature verified; of the others, what follows
  // from the order of leaves and the sets that they name. All jobs: none is named.
  std::set<base::JobId> asked;
};

// Follows a log leaf by leaf. Holds the jobs that were asked about whole, of the others the attempt
// that is open, and at most kMaxFindings findings. Not thread-safe.
class Trail {
 public:
  // The executor outlives it.
  Trail(TrailSettings settings, base::Executor& executor)
      : settings_(std::move(settings)), executor_(executor) {}

  // The leaves in their order, from 0. Read side by side, some at a time.
  void follow(base::ByteView leaf);
  // After the last one: nothing is found before.
  void finish();

  std::uint64_t leaves() const { return leaves_; }
  std::uint64_t signatures() const { return signatures_; }  // verified
  // In the order of leaves.
  const std::vector<Finding>& findings() const { return findings_; }
  std::uint64_t findings_left_out() const { return left_out_; }
  const std::map<base::JobId, JobTrail>& jobs() const { return jobs_; }
  bool is_asked(const base::JobId& job) const;

  static constexpr std::size_t kMaxFindings = 1000;

 private:
  // What the next leaf of a job has to follow on.
  struct State {
    base::RoundId due{1, 0};
    std::optional<base::Digest> model;              // that the next question is about
    std::set<std::uint32_t> summed;                 // rounds
    std::set<base::Digest> sealed;                  // of the open attempt
    base::Bytes evidence;                           // … whose parts have come so far
    std::uint32_t parts = 0;                        // of it
    std::map<base::SiteId, std::uint64_t> answers;  // that each site says it has given
    std::uint32_t epoch = 0;                        // that the job goes by
    bool is_unstepped = false;                      // its last sum led to no model
  };
  // A leaf as any thread reads it.
  struct Read {
    base::Result<audit::Leaf> leaf;
    std::optional<base::Result<audit::Statement>> statement = {};  // of a contribution
  };
  // A task for any thread, which writes to its own attempt alone.
  struct Pending {
    Finding finding;  // if it fails, and why
    std::uint64_t signatures = 0;
    std::function<std::optional<std::string>()> check;
  };

  Read read(base::ByteView bytes) const;
  void read_waiting();
  void take(Read read);
  void on(const audit::leaf::Submitted& leaf, JobTrail& job, State& state);
  void on(const audit::leaf::Planned& leaf, JobTrail& job, State& state);
  void on(const audit::leaf::Contributed& leaf, JobTrail& job, State& state);
  void on(const audit::leaf::Agreed& leaf, JobTrail& job, State& state);
  void on(const audit::leaf::Summed& leaf, JobTrail& job, State& state);
  void on(const audit::leaf::Stepped& leaf, JobTrail& job, State& state);
  void on(const audit::leaf::Aborted& leaf, JobTrail& job, State& state);
  void on(const audit::leaf::Ended& leaf, JobTrail& job, State& state);

  AttemptTrail* open_attempt(const audit::Attempt& attempt, JobTrail& job, std::string_view what);
  void check_epoch(const base::JobId& job, std::optional<base::RoundId> round,
                   const base::Digest& roster, State& state);
  void check_plan(const audit::leaf::Planned& leaf, const JobTrail& job, const State& state);
  void check_statement(AttemptTrail::Contribution& one, const AttemptTrail& attempt, State& state);
  void check_set(const audit::leaf::Summed& leaf, const AttemptTrail& attempt);
  void check_evidence(const audit::leaf::Summed& leaf, AttemptTrail& attempt, State& state);
  const Membership* epoch_of(const AttemptTrail& attempt) const;
  void verify_pending();
  void find(const base::JobId& job, std::optional<base::RoundId> round, std::string what);
  void find(const audit::Attempt& attempt, std::string what);
  void add(Finding finding);

  TrailSettings settings_;
  base::Executor& executor_;
  base::Bytes waiting_;            // leaves to be read, side by side …
  std::vector<std::size_t> ends_;  // … and where each ends
  std::uint64_t leaves_ = 0;       // taken; the one that is taken has this number
  std::optional<base::Result<audit::Statement>> statement_;  // of that one
  std::uint64_t signatures_ = 0;
  std::uint32_t epoch_ = 0;  // the newest that any leaf so far goes by
  std::map<base::JobId, JobTrail> jobs_;
  std::map<base::JobId, State> states_;
  std::vector<Pending> pending_;
  std::size_t pending_bytes_ = 0;
  std::vector<Finding> findings_;
  std::uint64_t left_out_ = 0;
};

}  // namespace hanse::federation
