#include "service/audit_statement.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/witness.h"
#include "federation/audit/own_view.h"
#include "federation/ledger/ledger.h"
#include "jobs/budget_report.h"
#include "jobs/model_file.h"
#include "jobs/retraced.h"
#include "service/audit_files.h"
#include "service/audit_members.h"
#include "service/control.h"
#include "service/home.h"

namespace hanse::service {

using base::Digest;
using base::ErrorCode;
using base::Result;
using federation::AttemptTrail;
using federation::JobTrail;

namespace {

// Of a site's record and its ledger: far above what a plant collects in its life.
constexpr std::size_t kMaxHistory = 100'000'000;

std::string utc(std::uint64_t seconds) {
  return jobs::day_and_time({static_cast<std::int64_t>(seconds) * 1000});
}

// Jobs are checked as sites check them: no path is followed.
std::optional<std::string> unused(std::string_view) { return "unused"; }

// A finished job's folder.
struct Run {
  std::string folder;
  jobs::PublicRun files;
};

Result<Run> load_run(const storage::Directory& directory, const std::string& folder) {
  const auto read = [&](const std::string& name, std::size_t limit) {
    return storage::read_all(directory, folder + "/" + name, limit);
  };
  HANSE_TRY(const base::Bytes text, read("job.toml", base::kMaxJobBytes));
  HANSE_TRY(base::Bytes model, read("model.json", base::kMaxModelBytes));
  HANSE_TRY(jobs::Job job, jobs::parse_job(base::text_of(text), folder + "/job.toml", unused));
  auto named = jobs::model_from_json(base::text_of(model));
  if (!named) return base::fail(named.error().within(folder + "/model.json"));
  // A coordinator that knew the job file's name already gave the job another one.
  HANSE_TRY(job.name, base::JobId::create(named->job));
  const auto released = [&directory, folder](std::uint32_t round) -> Result<base::Bytes> {
    return storage::read_all(directory, folder + "/" + released_file(round), base::kMaxBlobBytes);
  };
  return Run{folder,
             {std::string(base::text_of(text)), std::move(job), released, std::move(model)}};
}

void state(const audit::Decision& decision, StatedAnswer& told) {
  told.policies = decision.policies.hex();
  told.policy_epoch = decision.epoch;
  told.rules = decision.rules;
  for (const audit::Fulfilment& one : decision.fulfilled)
    told.obligations.push_back({one.obligation, one.how});
}

std::string receipt_of(const Run& run) { return run.folder + "/" + std::string(kReceiptFile); }

class Statement {
 public:
  Statement(const AuditQuestion& question, const AuditDoors& doors)
      : question_(question), doors_(doors) {
    told_.made = jobs::day_and_time(doors.clock.wall());
    now_ = seconds_of(doors.clock.wall());
  }

  Result<AuditStatement> make() && {
    HANSE_TRY_VOID(load_rosters());
    for (const std::string& folder : question_.runs) {
      HANSE_TRY(Run run, load_run(doors_.directory, folder));
      runs_.push_back(std::move(run));
    }
    for (const Run& run : runs_) asked_.insert(run.files.job.name);
    if (question_.site) HANSE_TRY_VOID(load_own());
    HANSE_TRY(const bool is_ours, load_head());
    // Of another consortium's log everything would be found, and nothing would be said.
    if (!is_ours) return std::move(told_);
    HANSE_TRY_VOID(load_receipts());
    HANSE_TRY_VOID(follow_leaves());
    for (const federation::Finding& one : trail_->findings())
      told_.findings.push_back(text_of(one));
    told_.findings_left_out = trail_->findings_left_out();
    told_.signatures += trail_->signatures();
    for (const Run& run : runs_) tell(run.files.job.name, &run);
    for (const base::JobId& job : asked_)
      if (!places_.contains(job)) tell(job, nullptr);
    if (own_) compare_own();
    return std::move(told_);
  }

 private:
  struct Receipt {
    std::string path;
    Digest leaf;  // hash
    std::uint64_t index = 0;
  };

  Result<void> load_rosters();
  Result<void> load_own();
  Result<bool> load_head();  // whether the coordinator of the roster signed it
  Result<void> load_own_heads();
  Result<void> load_receipts();
  Result<std::optional<Receipt>> load_receipt(const std::string& path);
  Result<void> follow_leaves();
  void check_leaf(std::uint64_t index, const Digest& hash);
  void check_own_heads(const audit::CompactRange& range);
  void compare_own();
  void tell(const base::JobId& name, const Run* run);
  void tell_sums(const JobTrail& job, StatedJob& told) const;
  void tell_run(const Run& run, const JobTrail& job, StatedJob& told);
  void tell_own(const federation::OwnJob& own);
  void find(std::string what) { told_.findings.push_back(std::move(what)); }

  const AuditQuestion& question_;
  const AuditDoors& doors_;
  AuditStatement told_;
  std::uint64_t now_ = 0;  // seconds
  std::vector<roster::Signed<roster::Roster>> epochs_;
  std::vector<Run> runs_;
  std::unique_ptr<federation::Ledger> ledger_;  // of the site
  std::optional<federation::OwnRecords> own_;
  std::set<base::JobId> asked_;                // the runs', and all of the site's record
  std::map<base::JobId, std::size_t> places_;  // of jobs that are told
  std::optional<audit::SignedCheckpoint> head_;
  std::vector<audit::WitnessRecord::Head> own_heads_;  // that the site knows the log to have had
  std::map<std::uint64_t, std::vector<Receipt>> receipts_;
  std::optional<federation::Trail> trail_;
};

Result<void> Statement::load_rosters() {
  HANSE_TRY(auto newest, load_roster(doors_.directory, question_.roster));
  told_.consortium = newest.value().consortium;
  told_.epoch = newest.value().epoch;
  told_.roster = roster::digest_of(newest).hex();
  HANSE_TRY(epochs_, epochs_before(doors_.directory, question_.log, std::move(newest)));
  return {};
}

Result<bool> Statement::load_head() {
  HANSE_TRY(head_, load_checkpoint(doors_.directory, question_.log + "/checkpoint"));
  const audit::Checkpoint& head = head_->value();
  told_.origin = head.origin;
  told_.size = head.size;
  told_.root = head.root.hex();
  const roster::Roster& roster = epochs_.front().value();
  const audit::Policy policy = audit_policy(roster);
  if (!head_->signed_by_log(log_key(roster))) {
    find(
        fmt::format("checkpoint: not signed with the key that the coordinator has in the roster of "
                    "'{}', epoch {}: it is another consortium's log, or of a newer epoch; nothing "
                    "else was looked at",
                    roster.consortium, roster.epoch));
    return false;
  }
  for (const auto& [site, key] : witness_keys(roster)) {
    const auto at = audit::cosigned_at(*head_, key);
    told_.cosigners.push_back({site.text(), at ? utc(*at) : ""});
  }
  if (const auto witnessed = policy.check(*head_, now_))
    told_.quorum = utc(witnessed->quorum_seconds);
  else
    find(fmt::format("checkpoint: {}", witnessed.error().text()));
  if (question_.site) HANSE_TRY_VOID(load_own_heads());
  return true;
}

// The one that a quorum had cosigned, and the one that the site itself cosigned last.
Result<void> Statement::load_own_heads() {
  const std::string path = Home(*question_.site).audit() + "/checkpoint";
  if (doors_.directory.exists(path)) {
    HANSE_TRY(const audit::SignedCheckpoint witnessed, load_checkpoint(doors_.directory, path));
    own_heads_.push_back({witnessed.value().size, witnessed.value().root});
  }
  HANSE_TRY(const auto witness,
            storage::Durable<audit::WitnessRecord>::open(*doors_.store, "witness", {}));
  const auto cosigned = witness->read([this](const audit::WitnessRecord& record) {
    return record.head(audit_origin(epochs_.front().value()));
  });
  if (std::ranges::find(own_heads_, cosigned) == own_heads_.end()) own_heads_.push_back(cosigned);
  const audit::Checkpoint& head = head_->value();
  for (const audit::WitnessRecord::Head& own : own_heads_)
    if (own.size > head.size)
      find(
          fmt::format("checkpoint: this site knows the log with {} leaves, and the copy at hand "
                      "has {}: it is an old copy, or the coordinator went back",
                      own.size, head.size));
  return {};
}

// A proof that does not hold is a finding, and does not count.
Result<std::optional<Statement::Receipt>> Statement::load_receipt(const std::string& path) {
  const auto proof = load_proof(doors_.directory, path);
  if (!proof) {
    if (proof.error().code() != ErrorCode::corruption) return base::fail(proof.error());
    find(proof.error().text());
    return std::nullopt;
  }
  std::string why;
  for (const auto& epoch : epochs_) {
    const auto witnessed = audit::verify(*proof, proof->extra, audit_policy(epoch.value()), now_);
    if (witnessed) return Receipt{path, audit::leaf_hash(proof->extra), proof->index};
    if (why.empty()) why = witnessed.error().text();
  }
  find(fmt::format("{}: {}", path, why));
  return std::nullopt;
}

Result<void> Statement::load_receipts() {
  const auto take = [this](const std::string& path) -> Result<void> {
    HANSE_TRY(auto receipt, load_receipt(path));
    if (!receipt) return {};
    const bool is_own = !path.ends_with(std::string(kReceiptFile));
    told_.receipts += is_own ? 1 : 0;
    receipts_[receipt->index].push_back(std::move(*receipt));
    return {};
  };
  for (const Run& run : runs_) {
    const std::string path = receipt_of(run);
    if (doors_.directory.exists(path)) HANSE_TRY_VOID(take(path));
  }
  if (!question_.site) return {};
  for (const base::JobId& job : asked_) {
    const std::string folder = Home(*question_.site).audit() + "/receipts/" + job.text();
    if (!doors_.directory.exists(folder)) continue;
    HANSE_TRY(const std::vector<storage::Entry> files, doors_.directory.list(folder));
    for (const storage::Entry& file : files) {
      // A write that was cut off leaves a file of another name.
      if (file.is_directory || !file.name.ends_with(".tlog-proof")) continue;
      HANSE_TRY_VOID(take(folder + "/" + file.name));
    }
  }
  return {};
}

// Of the receipts.
void Statement::check_leaf(std::uint64_t index, const Digest& hash) {
  const auto shown = receipts_.find(index);
  if (shown == receipts_.end()) return;
  for (const Receipt& receipt : shown->second)
    if (receipt.leaf != hash)
      find(fmt::format("{}: proves another leaf {} than the log has: a split view of the log",
                       receipt.path, index));
}

void Statement::check_own_heads(const audit::CompactRange& range) {
  for (const audit::WitnessRecord::Head& own : own_heads_)
    if (own.size == range.size() && own.root != range.root())
      find(
          fmt::format("checkpoint: the log differs from the one of {} leaves that this site "
                      "cosigned or saw cosigned: a split view of the log",
                      own.size));
}

// Every leaf once, in order: hashed, held against the receipts, and followed.
Result<void> Statement::follow_leaves() {
  federation::TrailSettings settings;
  for (const auto& epoch : epochs_) {
    const Digest digest = roster::digest_of(epoch);
    settings.epochs.emplace(digest, membership_of(epoch.value(), digest));
    settings.numbers.emplace(digest, epoch.value().epoch);
  }
  settings.asked = asked_;
  trail_.emplace(std::move(settings), doors_.executor);
  const audit::Checkpoint& head = head_->value();
  audit::TileReader reader(tiles_in(doors_.directory, question_.log), head.size);
  audit::CompactRange range;
  const auto look = [&](std::uint64_t index, base::ByteView leaf) -> Result<void> {
    const Digest hash = audit::leaf_hash(leaf);
    check_leaf(index, hash);
    range.append(hash);
    check_own_heads(range);
    trail_->follow(leaf);
    return {};
  };
  const auto read = reader.each_leaf(0, head.size, look);
  if (!read && read.error().code() != ErrorCode::corruption) return base::fail(read.error());
  if (!read) find(fmt::format("leaf {}: {}", range.size(), read.error().text()));
  if (read && range.root() != head.root)
    find(fmt::format("the {} leaves at hand make the root {}, and the checkpoint says {}",
                     head.size, range.root().hex(), head.root.hex()));
  for (auto at = receipts_.lower_bound(head.size); at != receipts_.end(); ++at)
    for (const Receipt& receipt : at->second)
      find(fmt::format("{}: proves leaf {}, and the copy of the log has {}", receipt.path,
                       receipt.index, head.size));
  trail_->finish();
  return {};
}

// What the log has of the job and, with a run, whether its files follow from that.
void Statement::tell(const base::JobId& name, const Run* run) {
  places_.try_emplace(name, told_.jobs.size());
  StatedJob told;
  told.job = name.text();
  told.has_run = run != nullptr;
  const auto found = trail_->jobs().find(name);
  if (found == trail_->jobs().end()) {
    // Of a job of its record alone the site's own view says what that means.
    if (run != nullptr) find(fmt::format("job '{}': the log has no leaf of it", name.text()));
    told.outcome = "unknown to the log";
    return told_.jobs.push_back(std::move(told));
  }
  const JobTrail& job = found->second;
  if (job.submitted) {
    told.by = job.submitted->by;
    told.text = job.submitted->text.hex();
  }
  told.outcome = job.ended ? job.ended->outcome : "under way";
  tell_sums(job, told);
  if (run != nullptr) tell_run(*run, job, told);
  told_.jobs.push_back(std::move(told));
}

void Statement::tell_sums(const JobTrail& job, StatedJob& told) const {
  for (const AttemptTrail& attempt : job.attempts) {
    const audit::leaf::Planned& planned = attempt.planned;
    const std::uint32_t least =
        std::max(planned.min_sites, planned.min_contributors + planned.max_colluders);
    told.least = told.backend.empty() ? least : std::min(told.least, least);
    if (told.backend.find(planned.backend) == std::string::npos)
      told.backend += (told.backend.empty() ? "" : ", ") + planned.backend;
    told.aborted += attempt.aborted ? 1 : 0;
    if (!attempt.summed) continue;
    StatedSum sum{planned.attempt.round.round,
                  planned.attempt.round.attempt,
                  attempt.sum_leaf,
                  {},
                  attempt.agreed ? attempt.agreed->signers.size() : 0,
                  attempt.summed->released.hex()};
    for (const base::SiteId& site : attempt.summed->sites) sum.sites.push_back(site.text());
    told.sums.push_back(std::move(sum));
  }
}

void Statement::tell_run(const Run& run, const JobTrail& job, StatedJob& told) {
  if (!job.ended)
    find(fmt::format("job '{}': it left files, and the copy of the log lacks its end", told.job));
  const jobs::Retraced retraced = jobs::retrace(run.files, job, doors_.executor);
  told.retraced = retraced.rounds;
  told.has_model = retraced.has_model;
  for (const federation::Finding& one : retraced.findings) find(text_of(one));
  const std::string receipt = receipt_of(run);
  for (const auto& [index, shown] : receipts_)
    for (const Receipt& one : shown)
      if (one.path == receipt) told.receipt = fmt::format("proves leaf {}", index);
  if (told.receipt.empty() && !doors_.directory.exists(receipt))
    told_.notes.push_back(fmt::format("job '{}': its folder has no {}", told.job, kReceiptFile));
}

// Every job that the site has to do with is asked about, whether its folder is given or not.
Result<void> Statement::load_own() {
  HANSE_TRY(ledger_, federation::Ledger::open(*doors_.store));
  const Home home(*question_.site);
  HANSE_TRY(const Member member, load_member(doors_.directory, home));
  HANSE_TRY_VOID(check_role(member, roster::Role::site));
  HANSE_TRY(base::SiteId self, base::SiteId::create(member.self().name));
  told_.site = self.text();
  federation::OwnRecords own{.self = self, .past = {}, .ledger = {}, .spent = {}, .blob = {}};
  HANSE_TRY(const std::vector<base::Bytes> entries,
            doors_.store->history("site/" + self.text(), kMaxHistory));
  for (const base::Bytes& entry : entries) {
    HANSE_TRY(federation::SitePast past, federation::SiteRecord::read(entry));
    own.past.push_back(std::move(past));
  }
  // Else everything that the log has of the site would look like a lie.
  if (entries.empty() && doors_.directory.exists(home.audit() + "/receipts") &&
      !doors_.directory.list(home.audit() + "/receipts")->empty())
    return base::fail(
        ErrorCode::failed_precondition,
        "the store in {} holds no record of site '{}', and the folder has receipts of "
        "its answers: it is empty or another site's. Give the site's own folder",
        *question_.site, self.text());
  HANSE_TRY(own.ledger, ledger_->history(kMaxHistory));
  HANSE_TRY(own.spent, ledger_->spending());
  own.blob = [store = doors_.store](const Digest& name) { return store->blob(name); };
  asked_.merge(federation::jobs_of(own));
  own_ = std::move(own);
  return {};
}

void Statement::compare_own() {
  const federation::OwnView view = federation::own_view(*own_, *trail_);
  for (const federation::Finding& one : view.findings) find(text_of(one));
  for (const federation::Finding& one : view.notes) told_.notes.push_back(text_of(one));
  for (const audit::Attempt& one : view.uncovered)
    told_.uncovered.push_back(fmt::format("job '{}', round {} attempt {}", one.job.text(),
                                          one.round.round, one.round.attempt));
  std::vector<storage::Head> pinned;
  for (const federation::OwnJob& job : view.jobs)
    for (const federation::OwnAnswer& answer : job.answers)
      if (answer.grant && answer.grant->release)
        pinned.push_back({answer.grant->ledger_entries, answer.grant->ledger_head});
  if (const auto sound = ledger_->verify(pinned); !sound)
    find(fmt::format("the ledger of this site: {}", sound.error().text()));
  for (const federation::OwnJob& job : view.jobs) tell_own(job);
}

void Statement::tell_own(const federation::OwnJob& own) {
  const auto place = places_.find(own.job);
  if (place == places_.end()) return;
  StatedJob* const told = &told_.jobs[place->second];
  for (const federation::OwnAnswer& answer : own.answers) {
    StatedAnswer stated{.round = answer.attempt.round.round,
                        .attempt = answer.attempt.round.attempt,
                        .leaf = answer.leaf,
                        .decided = "",
                        .basis = "",
                        .offer = answer.offer.hex(),
                        .charges = {},
                        .is_in_sum = answer.is_in_sum,
                        .has_agreed = answer.has_agreed,
                        .has_expired = answer.has_expired};
    if (answer.grant) {
      if (answer.grant->decision) state(*answer.grant->decision, stated);
      if (answer.grant->release || answer.grant->decision)
        stated.decided = jobs::day_and_time(answer.grant->decided);
      stated.basis = answer.grant->basis;
      stated.charges = answer.grant->charges;
    }
    told->answers.push_back(std::move(stated));
  }
  for (const federation::OwnDecline& one : own.declines)
    told->declines.push_back({.round = one.attempt.round.round,
                              .attempt = one.attempt.round.attempt,
                              .at = jobs::day_and_time(one.note.at),
                              .why = one.note.why,
                              .offer = one.offer.hex(),
                              .policies = one.note.policies.hex(),
                              .policy_epoch = one.note.epoch});
  for (const privacy::Spending& one : own.spent) {
    const privacy::entry::AssetOpened* const opened =
        ledger_->read([&](const privacy::PrivacyLedger& at) { return at.opened(one.block.asset); });
    const std::string_view currency =
        opened == nullptr ? std::string_view() : privacy::text(opened->currency);
    told->spent.push_back({one.block.text(), one.purpose.text(), one.releases,
                           static_cast<double>(one.price.units) * privacy::kUnit,
                           std::string(currency)});
  }
  told->charged_without_answer = own.charged_without_one;
}

}  // namespace

Result<AuditStatement> audit_statement(const AuditQuestion& question, const AuditDoors& doors) {
  if (question.site && doors.store == nullptr)
    return base::fail(ErrorCode::invalid_argument,
                      "to hold a site's own records against the log, its store is needed");
  return Statement(question, doors).make();
}

}  // namespace hanse::service
