// What a coordinator keeps of one deployed training: each attempt at a round from asking to
// closing, and the iterate after it. A storage::Machine; resuming is replay.
//
//   opened → kept … → closed  (round + 1, attempt 0)      ┐
//       └───────┴───→ aborted (same round, attempt + 1)   ┴→ … → ended
//
// Two entries, so two syncs, a round, and one for each set of sites that masks are agreed among.
// docs/formats/training_record.md
#pragma once

#include <map>

#include "federation/round/round.h"
#include "learning/strategy.h"

namespace hanse::jobs {

namespace wire {
class Entry;
}

// A closed round.
struct TrainedRound {
  base::RoundId id;
  learning::RoundFacts facts;
  std::vector<base::SiteId> sites_in;
  std::uint64_t sealed_bytes = 0;  // of one contribution
  std::uint64_t milliseconds = 0;  // from opened to closed
  std::uint64_t coordinates = 0;   // of one contribution
  // The released numbers, where they are kept for auditors.
  std::optional<base::Digest> released = {};

  bool operator==(const TrainedRound&) const = default;
};

enum class TrainingOutcome { finished, cancelled, failed };
std::string_view name_of(TrainingOutcome outcome);

struct TrainingEnd {
  TrainingOutcome outcome = TrainingOutcome::finished;
  std::string reason;  // of a failed one, for people

  bool operator==(const TrainingEnd&) const = default;
};

class TrainingRecord {
 public:
  explicit TrainingRecord(base::JobId job) : job_(std::move(job)) {}

  // Entries. What does not follow on the state, or is damaged: check refuses it.
  struct Closing {
    std::span<const federation::RoundStep> steps;
    base::Digest iterate;  // the blob after this round
    learning::RoundFacts facts;
    std::uint64_t sealed_bytes = 0;
    std::uint64_t milliseconds = 0;
    std::uint64_t coordinates = 0;
    std::optional<base::Digest> released = {};  // a blob too
  };
  // `roster`: the epoch that the attempt goes by.
  static base::Bytes opened(std::span<const federation::RoundStep> steps,
                            const base::Digest& roster = {});
  static base::Bytes kept(const base::Digest& blob);
  static base::Bytes closed(const Closing& closing);
  static base::Bytes aborted(std::span<const federation::RoundStep> steps);
  static base::Bytes ended(const TrainingEnd& end);

  // The entry, with the blob of what the audit log is to have of it.
  static base::Bytes logged(base::Bytes entry, const base::Digest& leaves);

  // Such blobs: what a machine made durable in one step, leaves in their order. Malformed:
  // corruption.
  static base::Slice bundle(std::span<const base::Bytes> entries);
  static base::Result<std::vector<base::Bytes>> unbundled(base::ByteView blob);

  // As storage::Machine has them.
  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  static base::Result<TrainingRecord> restore(base::ByteView snapshot);

  const base::JobId& job() const { return job_; }
  const std::vector<TrainedRound>& rounds() const { return rounds_; }
  // The attempt that is due, or open.
  base::RoundId due() const;
  // The attempt that is open; its state is never over.
  const std::optional<federation::RoundRecord>& open() const { return open_; }
  const base::Digest& open_roster() const { return open_roster_; }
  // The blobs that its aggregation goes on with, in order.
  const std::vector<base::Digest>& kept() const { return kept_; }
  const std::optional<base::Digest>& iterate() const { return iterate_; }
  // The leaves of the last entry that had some, and how many entries had: what an audit log is
  // given again after a crash.
  const std::optional<base::Digest>& leaves() const { return leaves_; }
  std::uint64_t logged() const { return logged_; }
  // Where each site stood with its last contribution to this training.
  const std::map<base::SiteId, federation::Standing>& standings() const { return standings_; }
  // Of the last round that closed.
  std::optional<federation::Release> last_closed() const;
  const std::optional<TrainingEnd>& end() const { return end_; }

 private:
  struct Next;
  base::Result<void> advance(base::ByteView entry);
  base::Result<void> take(const wire::Entry& entry);

  base::JobId job_;
  std::vector<TrainedRound> rounds_;
  std::uint32_t attempt_ = 0;
  std::optional<federation::RoundRecord> open_;
  base::Digest open_roster_;
  std::vector<base::Digest> kept_;
  std::optional<base::Digest> iterate_;
  std::map<base::SiteId, federation::Standing> standings_;
  std::optional<TrainingEnd> end_;
  std::optional<base::Digest> leaves_;
  std::uint64_t logged_ = 0;
};

}  // namespace hanse::jobs
