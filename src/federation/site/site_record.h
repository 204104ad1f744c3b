// What a site must not forget: which releases it has answered, which answers it still owes, and
// what its aggregation machines need to go on.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "federation/message/message.h"
#include "storage/durable.h"

namespace hanse::federation {

// A site keeps so many jobs apart: a hundred new ones every day for almost two years.
inline constexpr std::size_t kMaxJobs = 65'536;

// Answers without a receipt that are kept, each with its sealed blob. One more ends the oldest.
inline constexpr std::size_t kMaxOpenAnswers = 16;

// Given, and neither receipted nor ended. Its sealed vector lies in the store under
// sealed.digest(), what the machine keeps under the names in `kept`, in order.
struct OpenAnswer {
  Release release;
  base::Digest offer;
  Manifest sealed;
  Standing standing;  // with this answer
  std::vector<base::Digest> kept = {};
  SignedStatement statement = {};
  // Wall clock: its bytes are forgotten then, receipt or not.
  std::optional<base::Milliseconds> delete_by = {};

  bool operator==(const OpenAnswer&) const = default;
};

// An attempt that has begun, and is not answered yet.
struct Begun {
  Release release;
  base::Digest offer;
  std::vector<base::Digest> kept;

  bool operator==(const Begun&) const = default;
};

// What a site says of a round that it does not answer, to its owner alone.
struct DeclineNote {
  std::string why;             // cut to kMaxDeclineBytes
  base::Milliseconds at;       // wall clock
  base::Digest policies = {};  // in force then
  std::uint64_t epoch = 0;     // of theirs

  bool operator==(const DeclineNote&) const = default;
};
inline constexpr std::size_t kMaxDeclineBytes = 2048;

// What one entry says, for whoever reads a record's history.
struct SitePast {
  enum class Kind { begun, answered, receipted, ended, expired, declined };
  Kind kind;
  Release release;
  base::Digest offer;              // of what was begun, answered or declined
  base::Digest sealed;             // of an answer
  SignedStatement statement = {};  // of an answer
  base::Bytes agreed = {};         // of what was begun: the set whose sum the site helps to open
  DeclineNote decline = {};        // of what was declined
};

// A storage::Machine. A release is answered once; of one job releases are begun and answered in
// their order, and each ends an earlier one of its job. A round that was declined by decision is
// declined for good, in every attempt, so that asking again tells nothing of what the decision
// turned on; so are earlier rounds of the job. A site whose owner decides nothing notes no
// declines: asked again, it may answer, and nobody has lost anything.
class SiteRecord {
 public:
  // The entries.
  // With what the site agrees to open, if it does: it stays in the log for ever.
  static base::Bytes kept(const Release& release, const base::Digest& offer,
                          std::span<const base::Digest> blobs, base::ByteView agreed = {});
  static base::Bytes answered(const Release& release, const base::Digest& offer,
                              const Manifest& sealed, std::span<const base::Digest> kept = {},
                              const SignedStatement& statement = {},
                              std::optional<base::Milliseconds> delete_by = {});
  static base::Bytes receipted(const Release& release);
  static base::Bytes ended(const Release& release);
  // Its time has come: as ended, and whoever asks for it later hears a decline.
  static base::Bytes expired(const Release& release);
  static base::Bytes declined(const Release& release, const base::Digest& offer,
                              const DeclineNote& note);
  // Malformed: corruption.
  static base::Result<SitePast> read(base::ByteView entry);

  // Malformed: corruption. What is begun, answered or declined and is not newer than the job's
  // newest answer, or of a round no newer than its newest declined one, or under another offer than
  // it was begun with, or of one job more than kMaxJobs; a receipt or an end of what is not open:
  // failed_precondition.
  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  static base::Result<SiteRecord> restore(base::ByteView bytes);

  // After all answers.
  const Standing& standing() const { return standing_; }
  // With the newest answer that has a receipt.
  const std::optional<Standing>& last_receipted() const { return receipted_; }
  // In the order in which they were given.
  const std::vector<OpenAnswer>& open() const { return open_; }
  const OpenAnswer* find_open(const Release& release) const;
  const std::vector<Begun>& begun() const { return begun_; }
  const Begun* find_begun(const Release& release) const;
  bool has_answered(const base::JobId& job) const { return newest_.contains(job); }
  // The job's newest round that was declined.
  std::optional<std::uint32_t> declined_round(const base::JobId& job) const;
  // One of the last kMaxOpenAnswers that were.
  bool has_expired(const Release& release) const;
  // Why an answer to the release could not follow.
  base::Result<void> check_new(const Release& release) const;

  // The blobs that nothing needs once an entry, which passes check(), is applied.
  std::vector<base::Digest> unneeded_after(base::ByteView entry) const;

  // What speaks against a coordinator's word that the site stood here at its last receipt: then the
  // site's store is an old copy, or another's: corruption.
  base::Result<void> check_against(const Standing& receipted) const;

  bool operator==(const SiteRecord&) const = default;

 private:
  struct Change;
  base::Result<void> check_room(const base::JobId& job) const;
  void end_job(const base::JobId& job);
  std::vector<base::Digest> blobs() const;

  Standing standing_;
  std::optional<Standing> receipted_;
  std::map<base::JobId, base::RoundId> newest_;  // that was answered
  std::vector<OpenAnswer> open_;
  std::vector<Begun> begun_;
  std::map<base::JobId, base::RoundId> declined_;  // with the attempt that was
  std::vector<Release> expired_;                   // the last ones
};

static_assert(storage::Machine<SiteRecord>);

}  // namespace hanse::federation
