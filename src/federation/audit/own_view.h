// What a site keeps of its own, held against an audit log: that it gave the answers that the log
// has of it, that nothing which needed its share was opened beyond the log, and what it was
// charged.
#pragma once

#include "federation/audit/trail.h"
#include "federation/site/site_record.h"
#include "privacy/ledger/audit.h"

namespace hanse::federation {

// Copies of a site's own records.
struct OwnRecords {
  base::SiteId self;
  std::vector<SitePast> past;            // of its record, every entry in order
  std::vector<privacy::Entry> ledger;    // likewise; none where nobody counts
  std::vector<privacy::Spending> spent;  // as Ledger::spending has it
  // What is stored under a name: grants are, under the statement's commitment.
  std::function<base::Result<base::Slice>(const base::Digest&)> blob;
};

// One of its answers.
struct OwnAnswer {
  audit::Attempt attempt;
  std::optional<std::uint64_t> leaf;  // none: the log does not have it
  base::Digest offer;
  base::Digest sealed;
  bool is_receipted = false;
  bool is_in_sum = false;
  bool has_agreed = false;            // to the set whose sum was to be opened
  bool has_expired = false;           // its bytes were forgotten before it had a receipt
  std::optional<audit::Grant> grant;  // none: erased, or it does not hold
};

// A round that the site declined by decision.
struct OwnDecline {
  audit::Attempt attempt;
  base::Digest offer;
  DeclineNote note;
};

struct OwnJob {
  base::JobId job;
  std::vector<OwnAnswer> answers;         // in the order of attempts
  std::vector<privacy::Spending> spent;   // as the ledger has it
  std::uint64_t charged_without_one = 0;  // releases that were paid for and never answered
  std::vector<OwnDecline> declines = {};  // in the order in which they were given
};

struct OwnView {
  std::vector<OwnJob> jobs;       // of those asked about
  std::vector<Finding> findings;  // what is wrong
  std::vector<Finding> notes;     // what an honest party can cause, and is worth knowing
  // Attempts of which neither the log nor the record says whether a sum was opened with this site's
  // share; a note says why.
  std::set<audit::Attempt> uncovered;
};

// Every job that the site's record names: those to ask the trail about.
std::set<base::JobId> jobs_of(const OwnRecords& own);

// Of the jobs that the trail was asked about, once it is finished.
OwnView own_view(const OwnRecords& own, const Trail& trail);

}  // namespace hanse::federation
