// What was done with a site's data, for people: from copies of public files and the site's own
// records, trusting nobody.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "storage/directory.h"
#include "storage/store.h"

namespace hanse::service {

// What is held against each other.
struct AuditQuestion {
  std::vector<std::string> runs;  // folders that finished jobs left
  std::string log;                // folder of the log's files
  std::string roster;             // file of the epoch that is believed
  // The folder of a site, whose own records count too: every job in them, with a folder or without.
  std::optional<std::string> site = {};
};

// All outlive the call.
struct AuditDoors {
  const storage::Directory& directory;
  base::Executor& executor;
  const base::Clock& clock;
  storage::Store* store = nullptr;  // of the site
};

// One released sum.
struct StatedSum {
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;
  std::uint64_t leaf = 0;
  std::vector<std::string> sites;  // whose answers are in it
  std::uint64_t signers = 0;       // of them, under the set; none with plain sums
  std::string released;            // digest of the numbers
};

// One obligation that policies asked of an answer, and how it was met.
struct StatedObligation {
  std::string obligation;
  std::string how;
};

// One answer of the site.
struct StatedAnswer {
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;
  std::optional<std::uint64_t> leaf;
  std::string decided;  // when, in UTC; empty where nobody counts or the grant was erased
  std::string basis;    // on what ground; empty where it was erased
  std::string offer;    // digest of the question
  std::vector<std::string> charges;
  bool is_in_sum = false;
  bool has_agreed = false;
  bool has_expired = false;        // forgotten in time, before it had a receipt
  std::string policies = {};       // digest of the set that permitted it; empty: none was asked
  std::uint64_t policy_epoch = 0;  // of that set at the site
  std::vector<std::string> rules = {};  // that permitted it
  std::vector<StatedObligation> obligations = {};
};

// One round that the site declined by decision.
struct StatedDecline {
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;
  std::string at;        // UTC
  std::string why;       // as the owner was told
  std::string offer;     // digest of the question
  std::string policies;  // digest of those in force
  std::uint64_t policy_epoch = 0;
};

// What the job took of one block's budget.
struct StatedSpending {
  std::string block;
  std::string purpose;
  std::uint64_t releases = 0;
  double amount = 0;
  std::string currency;  // rho, rdp, epsilon_delta
};

struct StatedJob {
  std::string job;
  std::string by;           // who submitted it
  std::string text;         // digest of the job file
  std::string outcome;      // "under way" before its end
  bool has_run = false;     // its folder was given
  std::string backend;      // how answers were added up
  std::uint32_t least = 0;  // sites that a sum was promised to have
  std::vector<StatedSum> sums;
  std::uint32_t aborted = 0;   // attempts that came to nothing
  std::uint32_t retraced = 0;  // rounds that were taken again from the released numbers
  bool has_model = false;      // the model file is that of the last one
  std::string receipt;         // what the receipt in the run's folder shows; empty: there is none
  std::vector<StatedAnswer> answers;
  std::vector<StatedSpending> spent;
  std::uint64_t charged_without_answer = 0;
  std::vector<StatedDecline> declines = {};
};

struct StatedCosigner {
  std::string name;
  std::string at;  // UTC; empty: has not cosigned this head
};

struct AuditStatement {
  std::string made;  // when, UTC
  std::string consortium;
  std::uint32_t epoch = 0;
  std::string roster;  // digest
  std::string site;    // whose records were looked at; empty: nobody's
  std::string origin;
  std::uint64_t size = 0;
  std::string root;
  std::vector<StatedCosigner> cosigners;
  std::string quorum;            // since when; empty: there is none
  std::uint64_t signatures = 0;  // verified
  std::uint64_t receipts = 0;    // of the site, verified
  std::vector<StatedJob> jobs;
  std::vector<std::string> findings;  // what is wrong
  std::uint64_t findings_left_out = 0;
  std::vector<std::string> notes;      // what is worth knowing
  std::vector<std::string> uncovered;  // attempts of which a note says why they are not

  bool is_in_order() const { return findings.empty(); }
};

// Files that are missing or cannot be read at all are errors; whatever contradicts itself is a
// finding.
base::Result<AuditStatement> audit_statement(const AuditQuestion& question,
                                             const AuditDoors& doors);

// What is proved when nothing is found, what is not of this log and these records, and what no log
// can prove: a sentence each.
std::vector<std::string> what_is_proved(const AuditStatement& statement);
std::vector<std::string> what_is_not_proved(const AuditStatement& statement);
std::vector<std::string> what_no_log_proves();

std::string to_text(const AuditStatement& statement);
std::string to_json(const AuditStatement& statement);
std::string to_html(const AuditStatement& statement);

}  // namespace hanse::service
