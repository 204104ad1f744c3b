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

  bool operator==(const OpenAnswer&) const = default;
};

// An attempt that has begun, and is not answered yet.
struct Begun {
  Release release;
  base::Digest offer;
  std::vector<base::Digest> kept;

  bool operator==(const Begun&) const = default;
};

// What one entry says, for whoever reads a record's history.
struct SitePast {
  enum class Kind { begun, answered, receipted, ended };
  Kind kind;
  Release release;
  base::Digest offer;              // of what was begun or answered
  base::Digest sealed;             // of an answer
  SignedStatement statement = {};  // of an answer
  base::Bytes agreed = {};         // of what was begun: the set whose sum the site helps to open
};

// A storage::Machine. A release is answered once; of one job releases are begun and answered in
// their order, and each ends an earlier one of its job. A decline is not in here: asked again after
// a restart, a site may answer what it declined, and nobody has lost anything.
class SiteRecord {
 public:
  // The entries.
  // With what the site agrees to open, if it does: it stays in the log for ever.
  static base::Bytes kept(const Release& release, const base::Digest& offer,
                          std::span<const base::Digest> blobs, base::ByteView agreed = {});
  static base::Bytes answered(const Release& release, const base::Digest& offer,
                              const Manifest& sealed, std::span<const base::Digest> kept = {},
                              const SignedStatement& statement = {});
  static base::Bytes receipted(const Release& release);
  static base::Bytes ended(const Release& release);
  // Malformed: corruption.
  static base::Result<SitePast> read(base::ByteView entry);

  // Malformed: corruption. What is begun or answered and is not newer than the job's newest answer,
  // or under another offer than it was begun with, or of one job more than kMaxJobs; a receipt or
  // an end of what is not open: failed_precondition.
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
  void end_job(const base::JobId& job);
  std::vector<base::Digest> blobs() const;

  Standing standing_;
  std::optional<Standing> receipted_;
  std::map<base::JobId, base::RoundId> newest_;  // that was answered
  std::vector<OpenAnswer> open_;
  std::vector<Begun> begun_;
};

static_assert(storage::Machine<SiteRecord>);

}  // namespace hanse::federation
