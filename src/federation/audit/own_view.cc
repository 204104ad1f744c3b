#include "federation/audit/own_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "federation/site/admission.h"

namespace hanse::federation {

using audit::Attempt;
using base::Digest;

namespace {

// What the ledger has of one release.
struct Charged {
  const privacy::entry::Reserved* reserved = nullptr;
  bool is_cancelled = false;
  bool is_granted = false;  // an answer names it
};

std::vector<std::string> charges_of(const privacy::Request& request) {
  std::vector<std::string> texts;
  for (const privacy::Use& use : request.uses)
    for (const privacy::Charge& charge : use.charges) texts.push_back(charge_text(charge));
  return texts;
}

std::string joined(const std::vector<std::string>& texts) {
  return texts.empty() ? "nothing" : fmt::format("{}", fmt::join(texts, " + "));
}

using PerBlock = std::map<privacy::BlockName, privacy::Price>;

void add(PerBlock& sums, const privacy::BlockName& block, const privacy::Price& price) {
  if (price == privacy::Price{}) return;
  privacy::Price& sum = sums[block];
  sum = sum.plus(price);
}

class Comparison {
 public:
  Comparison(const OwnRecords& own, const Trail& trail) : own_(own), trail_(trail) { read(); }

  OwnView finish() && {
    for (const auto& [name, job] : trail_.jobs())
      if (trail_.is_asked(name)) compare_log(job);
    for (auto& [attempt, answer] : answers_) {
      if (!trail_.is_asked(attempt.job)) continue;
      check_logged(answer);
      check_grant(answer);
      job_of(attempt.job).answers.push_back(std::move(answer.told));
    }
    for (const auto& [attempt, agreed] : agreed_)
      if (trail_.is_asked(attempt.job)) check_agreed(attempt, agreed);
    check_rounds();
    check_spending();
    for (auto& [name, job] : jobs_) view_.jobs.push_back(std::move(job));
    return std::move(view_);
  }

 private:
  struct Answer {
    OwnAnswer told;
    SignedStatement statement;
  };

  void read();
  void compare_log(const JobTrail& job);
  void compare_attempt(const AttemptTrail& attempt);
  void check_logged(const Answer& answer);
  void check_rounds();
  void check_agreed(const Attempt& attempt, const base::Bytes& agreed);
  void check_grant(Answer& answer);
  void check_charges(const Answer& answer, const audit::Grant& grant);
  void check_spending();
  const AttemptTrail* find_in_log(const Attempt& attempt) const;
  OwnJob& job_of(const base::JobId& job) {
    return jobs_.try_emplace(job, OwnJob{.job = job, .answers = {}, .spent = {}}).first->second;
  }

  void find(const Attempt& attempt, std::optional<std::uint64_t> leaf, std::string what) {
    view_.findings.push_back({leaf, attempt.job.text(), attempt.round, std::move(what)});
  }
  void note(const Attempt& attempt, std::optional<std::uint64_t> leaf, std::string what) {
    view_.notes.push_back({leaf, attempt.job.text(), attempt.round, std::move(what)});
  }

  const OwnRecords& own_;
  const Trail& trail_;
  std::map<Attempt, Answer> answers_;
  std::map<Attempt, base::Bytes> agreed_;
  std::map<Digest, Charged> charged_;
  std::map<base::JobId, OwnJob> jobs_;
  OwnView view_;
};

void Comparison::read() {
  for (const SitePast& past : own_.past) {
    const Attempt attempt{past.release.job, past.release.round};
    switch (past.kind) {
      case SitePast::Kind::begun:
        if (past.agreed.empty()) break;
        if (const auto [at, is_first] = agreed_.try_emplace(attempt, past.agreed);
            !is_first && at->second != past.agreed && trail_.is_asked(attempt.job))
          find(attempt, {}, "this site agreed to open two sums in one attempt");
        break;
      case SitePast::Kind::answered:
        answers_.insert_or_assign(attempt, Answer{{.attempt = attempt,
                                                   .leaf = {},
                                                   .offer = past.offer,
                                                   .sealed = past.sealed,
                                                   .grant = {}},
                                                  past.statement});
        break;
      case SitePast::Kind::receipted:
        if (const auto at = answers_.find(attempt); at != answers_.end())
          at->second.told.is_receipted = true;
        break;
      case SitePast::Kind::expired:
        if (const auto at = answers_.find(attempt); at != answers_.end())
          at->second.told.has_expired = true;
        break;
      case SitePast::Kind::declined:
        if (trail_.is_asked(attempt.job))
          job_of(attempt.job).declines.push_back({attempt, past.offer, past.decline});
        break;
      case SitePast::Kind::ended:
        break;
    }
  }
  for (const privacy::Entry& entry : own_.ledger) {
    if (const auto* reserved = std::get_if<privacy::entry::Reserved>(&entry.body))
      charged_.insert_or_assign(reserved->request.release.digest(), Charged{reserved});
    if (const auto* cancelled = std::get_if<privacy::entry::Cancelled>(&entry.body))
      if (const auto at = charged_.find(cancelled->release.digest()); at != charged_.end())
        at->second.is_cancelled = true;
  }
}

const AttemptTrail* Comparison::find_in_log(const Attempt& attempt) const {
  const auto job = trail_.jobs().find(attempt.job);
  if (job == trail_.jobs().end()) return nullptr;
  const auto found = std::ranges::find_if(job->second.attempts, [&](const AttemptTrail& one) {
    return one.planned.attempt == attempt;
  });
  return found == job->second.attempts.end() ? nullptr : &*found;
}

void Comparison::compare_log(const JobTrail& job) {
  for (const AttemptTrail& attempt : job.attempts) compare_attempt(attempt);
}

// What the log says that this site did, it did.
void Comparison::compare_attempt(const AttemptTrail& attempt) {
  const Attempt& at = attempt.planned.attempt;
  const auto answer = answers_.find(at);
  if (const auto* logged = attempt.of(own_.self)) {
    if (answer == answers_.end()) {
      find(at, logged->leaf, "the log has an answer of this site that it never gave");
    } else {
      answer->second.told.leaf = logged->leaf;
      if (answer->second.statement !=
          SignedStatement{logged->said.statement, logged->said.signature})
        find(at, logged->leaf, "the log has another answer of this site than it gave");
    }
  }
  if (!attempt.has_in_sum(own_.self)) return;
  if (answer != answers_.end()) answer->second.told.is_in_sum = true;
  if (!attempt.agreed || agreed_.contains(at)) return;
  const bool has_signed =
      std::ranges::find(attempt.agreed->signers, own_.self) != attempt.agreed->signers.end();
  if (has_signed)
    find(at, attempt.sum_leaf,
         "a sum was opened with this site's signature, and its record has no such agreement");
  else
    note(at, attempt.sum_leaf,
         "the sum was opened without this site's word: it had gone, and the others' shares "
         "were enough");
}

// What this site answered is where it should be.
void Comparison::check_logged(const Answer& answer) {
  const OwnAnswer& told = answer.told;
  if (answer.statement.bytes.empty()) {
    note(told.attempt, told.leaf, "answered before answers had statements");
    view_.uncovered.insert(told.attempt);
  } else if (!told.leaf && told.is_receipted) {
    find(told.attempt, {}, "this site has a receipt for its answer, and the log lacks the answer");
  } else if (find_in_log(told.attempt) == nullptr) {
    find(told.attempt, {},
         "this site answered a question that the log does not have: fetch the log again; if it "
         "still lacks it, the coordinator asked beside the log");
  } else if (!told.leaf) {
    note(told.attempt, {},
         told.has_expired
             ? "this site answered, and forgot the answer in time before the coordinator took it"
             : "this site answered, and the coordinator never took the answer");
  } else if (told.is_receipted && !told.is_in_sum) {
    find(told.attempt, told.leaf,
         "this site has a receipt for its answer, and the stated set is without it");
  }
}

// What this site agreed to open is what was opened, and nothing else.
void Comparison::check_agreed(const Attempt& attempt, const base::Bytes& agreed) {
  if (const auto answer = answers_.find(attempt); answer == answers_.end())
    note(attempt, {}, "this site agreed to a set, and its answer is not in its record");
  OwnJob& job = job_of(attempt.job);
  for (OwnAnswer& one : job.answers)
    if (one.attempt == attempt) one.has_agreed = true;
  const AttemptTrail* const logged = find_in_log(attempt);
  if (logged == nullptr)
    return find(attempt, {}, "this site agreed to open a sum of which the log knows nothing");
  if (!logged->summed) {
    view_.uncovered.insert(attempt);
    return note(attempt, logged->leaf,
                logged->aborted ? "this site agreed to open a sum; the log says that the attempt "
                                  "came to nothing"
                                : "this site agreed to open a sum; the log goes no further");
  }
  if (!logged->agreed)
    return find(attempt, logged->sum_leaf,
                "this site agreed to a set whose sum was to be opened, and the log does not show "
                "whose sum it was");
  if (logged->agreed->statement != agreed)
    find(attempt, logged->sum_leaf,
         "the sum that was opened is over another set than this site agreed to");
}

// Of one round the site's share opens one sum. Its share in a second attempt is for another one,
// and whether the first was opened before nobody can show.
void Comparison::check_rounds() {
  const Attempt* before = nullptr;
  for (const auto& [attempt, agreed] : agreed_) {
    if (before != nullptr && before->job == attempt.job &&
        before->round.round == attempt.round.round && trail_.is_asked(attempt.job))
      find(attempt, {},
           fmt::format("two sums of one round could be opened: this site agreed to one in attempt "
                       "{} already. A coordinator that could not finish that one leaves the same "
                       "trace as one that opened both",
                       before->round.attempt));
    before = &attempt;
  }
}

void Comparison::check_grant(Answer& answer) {
  OwnAnswer& told = answer.told;
  if (answer.statement.bytes.empty()) return;
  const auto statement = audit::decode_statement(answer.statement.bytes);
  if (!statement)
    return find(told.attempt, told.leaf,
                fmt::format("this site's own statement: {}", statement.error().text()));
  const auto blob = own_.blob(statement->grant);
  if (!blob && blob.error().code() == base::ErrorCode::not_found)
    return note(told.attempt, told.leaf, "the grant was erased: on what ground is not known");
  if (!blob) return find(told.attempt, told.leaf, blob.error().text());
  const auto salted = audit::Salted::open(blob->view(), statement->grant);
  if (!salted)
    return find(told.attempt, told.leaf,
                fmt::format("the grant of this site: {}", salted.error().text()));
  auto grant = audit::decode_grant(salted->value());
  if (!grant) return find(told.attempt, told.leaf, grant.error().text());
  check_charges(answer, *grant);
  told.grant = std::move(*grant);
}

void Comparison::check_charges(const Answer& answer, const audit::Grant& grant) {
  const OwnAnswer& told = answer.told;
  if (!grant.release) {
    if (!grant.charges.empty())
      find(told.attempt, told.leaf, "the grant has charges, and names no release of the ledger");
    return;
  }
  const auto found = charged_.find(*grant.release);
  if (found == charged_.end() || found->second.is_cancelled) {
    if (!grant.charges.empty())
      find(told.attempt, told.leaf,
           fmt::format("a charge that differs: the grant says {}, the ledger has no such release",
                       joined(grant.charges)));
    return;
  }
  Charged& charged = found->second;
  const privacy::Request& request = charged.reserved->request;
  if (charged.is_granted)
    find(told.attempt, told.leaf, "two answers of this site name one release of its ledger");
  charged.is_granted = true;
  if (request.job != told.attempt.job)
    find(told.attempt, told.leaf,
         fmt::format("the ledger charged this answer to job '{}'", request.job.text()));
  if (const auto paid = charges_of(request); paid != grant.charges)
    find(told.attempt, told.leaf,
         fmt::format("a charge that differs: the grant says {}, the ledger {}",
                     joined(grant.charges), joined(paid)));
}

// Over each job: what the ledger has spent is the sum over the answers, what was paid beforehand,
// and what was paid for and never answered.
void Comparison::check_spending() {
  std::vector<privacy::BlockName> blocks;
  std::map<base::JobId, PerBlock> sums;
  const auto count = [&](const base::JobId& job, const std::vector<privacy::BlockPrice>& prices) {
    for (const privacy::BlockPrice& one : prices)
      if (one.block < blocks.size()) add(sums[job], blocks[one.block], one.price);
  };
  for (const privacy::Entry& entry : own_.ledger) {
    if (const auto* opened = std::get_if<privacy::entry::AssetOpened>(&entry.body))
      blocks.push_back({opened->asset, opened->block});
    if (const auto* opened = std::get_if<privacy::entry::BlockOpened>(&entry.body))
      blocks.push_back(opened->block);
    if (const auto* prepaid = std::get_if<privacy::entry::Prepaid>(&entry.body))
      count(prepaid->job, prepaid->prices);
  }
  std::map<base::JobId, std::uint64_t> unanswered;
  for (const auto& [release, charged] : charged_) {
    if (charged.is_cancelled) continue;
    count(charged.reserved->request.job, charged.reserved->prices);
    if (!charged.is_granted) ++unanswered[charged.reserved->request.job];
  }
  std::map<base::JobId, PerBlock> spent;
  for (const privacy::Spending& one : own_.spent) {
    if (!trail_.is_asked(one.job)) continue;
    job_of(one.job).spent.push_back(one);
    add(spent[one.job], one.block, one.price);
  }
  for (auto& [name, job] : jobs_) {
    job.charged_without_one = unanswered[job.job];
    if (spent[job.job] != sums[job.job])
      view_.findings.push_back({{},
                                job.job.text(),
                                {},
                                "a charge that differs: the ledger's spending is not the sum of "
                                "what the job's releases were charged"});
  }
}

}  // namespace

std::set<base::JobId> jobs_of(const OwnRecords& own) {
  std::set<base::JobId> jobs;
  for (const SitePast& past : own.past) jobs.insert(past.release.job);
  return jobs;
}

OwnView own_view(const OwnRecords& own, const Trail& trail) {
  return Comparison(own, trail).finish();
}

}  // namespace hanse::federation
