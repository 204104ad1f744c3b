#include "jobs/federated_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/active_job.h"
#include "jobs/aggregation.h"
#include "jobs/job_privacy.h"
#include "jobs/training.h"
#include "learning/iterate.h"
#include "learning/queries.h"

namespace hanse::jobs {

using base::ErrorCode;
using base::fail;
using base::Milliseconds;
using base::Result;
using base::Severity;
using federation::RoundStep;
using transport::Envelope;

namespace {

// Between an aborted attempt and the next one, doubled by each further abort: sites that were just
// cut off are back within seconds, and a consortium that is down is not worth a louder knock.
constexpr Milliseconds kPause{1000};
constexpr int kMaxDoublings = 6;

// Attempts at one round whose sum cannot be made before the job is given up: each costs budgets.
constexpr std::uint32_t kMaxFailed = 3;

// Attempts at one round of a job under way that declines alone make impossible, before the job is
// given up: some seven minutes. A site that declined a round declines all of its attempts.
constexpr std::uint32_t kMaxDeclined = 12;

// A record is some bytes per round and site: kept whole, a snapshot now and then.
constexpr std::uint64_t kSnapshotEvery = 64;

std::string log_name(const base::JobId& job) { return "training/" + job.text(); }

federation::ClosedRounds past_of(const TrainingRecord& record, const FederatedSettings& settings) {
  federation::ClosedRounds past{record.last_closed(), settings.standings};
  for (const auto& [site, standing] : record.standings())
    past.receipted.insert_or_assign(site, standing);
  return past;
}

}  // namespace

// Built once the job is known to be sound.
struct FederatedRun::Parts {
  std::unique_ptr<learning::Strategy> strategy;
  std::unique_ptr<storage::Durable<TrainingRecord>> record;
  std::unique_ptr<federation::Coordinator> coordinator;
  learning::Iterate iterate;
  std::optional<base::Digest> iterate_name;  // of the stored one; none before the first round
  std::uint64_t coordinates = 0;             // of one contribution to the open round
  std::size_t opened_steps = 0;              // of the open attempt's record, that are durable
  Milliseconds opened_at{};
  Milliseconds begin_at{};   // not before
  bool is_fresh = true;      // since it was opened nothing has begun
  base::Digest roster = {};  // of the epoch that attempts begin by
  std::size_t min_sites = 1;
};

Result<void> check_deployable(const Job& job, std::size_t sites) {
  if (job.evaluation.repeats > 1)
    return fail(ErrorCode::unsupported,
                "evaluation.repeats is {}: a deployed job trains one model; leave it at 1",
                job.evaluation.repeats);
  if (job.split.kind == data::SplitKind::k_fold && !job.fold)
    return fail(ErrorCode::unsupported,
                "data.split.kind is 'k_fold': a deployed job trains one model; say which fold's in "
                "data.split.fold, or take a holdout");
  if (job.groups)
    return fail(
        ErrorCode::unsupported,
        "fairness.method fdp_fair is for simulations (hanse run): a record is in one of its "
        "two questions and pays once, and the ledger of a site would charge it for both");
  if (job.active && !job.active->arrivals.empty())
    return fail(ErrorCode::unsupported,
                "active.arrivals tells a simulation when records come; a deployed job takes those "
                "that its sites have: leave it out");
  return check_plan_of(job, sites);
}

FederatedRun::FederatedRun(Job job, FederatedSettings settings, FederatedDoors doors)
    : job_(std::move(job)), settings_(std::move(settings)), doors_(doors) {}

FederatedRun::~FederatedRun() = default;

Result<std::unique_ptr<FederatedRun>> FederatedRun::open(Job job, FederatedSettings settings,
                                                         FederatedDoors doors) {
  HANSE_TRY_VOID(check_deployable(job, settings.cohort.size()));
  HANSE_TRY_VOID(check_named_sites(job, settings.cohort));
  auto run =
      std::unique_ptr<FederatedRun>(new FederatedRun(std::move(job), std::move(settings), doors));
  HANSE_TRY_VOID(run->load());
  return run;
}

Result<TrainingRecord> FederatedRun::stored_record(storage::Store& store, const base::JobId& job) {
  HANSE_TRY(const auto record, storage::Durable<TrainingRecord>::open(
                                   store, log_name(job), TrainingRecord(job), kSnapshotEvery));
  return record->read([](const TrainingRecord& at) { return at; });
}

Result<void> FederatedRun::load() {
  HANSE_TRY(const data::Schema schema, schema_of(job_.source));
  HANSE_TRY(learning::Iterate iterate, first_iterate(job_, schema));
  const auto sites = static_cast<std::uint32_t>(settings_.cohort.size());
  HANSE_TRY(auto strategy, strategy_of(job_, schema, sites));
  HANSE_TRY(const Aggregation aggregation, aggregation_of(job_.aggregation, sites));
  HANSE_TRY(auto record,
            storage::Durable<TrainingRecord>::open(doors_.store, log_name(job_.name),
                                                   TrainingRecord(job_.name), kSnapshotEvery));
  const TrainingRecord state = record->read([](const TrainingRecord& at) { return at; });
  HANSE_TRY_VOID(log_again(state));
  if (state.iterate()) {
    HANSE_TRY(const base::Slice bytes, doors_.store.blob(*state.iterate()));
    if (base::Digest::of(bytes.view()) != *state.iterate())
      return fail(ErrorCode::corruption, "job '{}': the stored model differs from its digest",
                  job_.name.text());
    HANSE_TRY(iterate, learning::decode_iterate(iterate.model.architecture(), bytes.view()));
  }
  auto coordinator = std::make_unique<federation::Coordinator>(
      federation::CoordinatorSettings{.cohort = settings_.cohort,
                                      .min_sites = aggregation.min_sites,
                                      .protection = aggregation.protection,
                                      .members = settings_.members,
                                      .is_audited = static_cast<bool>(doors_.audit),
                                      .deadline = settings_.round_limit},
      doors_.executor, doors_.log, past_of(state, settings_));
  parts_ = std::make_unique<Parts>(Parts{.strategy = std::move(strategy),
                                         .record = std::move(record),
                                         .coordinator = std::move(coordinator),
                                         .iterate = std::move(iterate),
                                         .iterate_name = state.iterate(),
                                         .roster = settings_.members.roster,
                                         .min_sites = aggregation.min_sites});
  return {};
}

TrainingRecord FederatedRun::record() const {
  return parts_->record->read([](const TrainingRecord& at) { return at; });
}

std::uint64_t FederatedRun::entries() const { return parts_->record->head().entries; }

bool FederatedRun::is_over() const {
  return parts_->record->read([](const TrainingRecord& at) { return at.end().has_value(); });
}

bool FederatedRun::is_open() const {
  return parts_->record->read([](const TrainingRecord& at) { return at.open().has_value(); });
}

bool FederatedRun::has_all_rounds() const {
  return parts_->record->read(
      [this](const TrainingRecord& at) { return at.rounds().size() == job_.rounds; });
}

Result<void> FederatedRun::append(base::Bytes entry) {
  HANSE_TRY([[maybe_unused]] const std::uint64_t number, parts_->record->append(std::move(entry)));
  return {};
}

// The entry with its leaves, which the audit log has before this returns. The leaves of the entry
// before are there already.
Result<void> FederatedRun::append_logged(base::Bytes entry, const std::vector<audit::Leaf>& leaves,
                                         std::vector<storage::NamedBlob> blobs,
                                         std::vector<base::Digest> forget) {
  audit::LeafBatch batch{log_name(job_.name), 0, {}};
  if (doors_.audit) {
    for (const audit::Leaf& leaf : leaves) batch.leaves.push_back(audit::encode(leaf));
    const base::Slice blob = TrainingRecord::bundle(batch.leaves);
    const base::Digest name = base::Digest::of(blob.view());
    entry = TrainingRecord::logged(std::move(entry), name);
    if (const auto before = record().leaves()) forget.push_back(*before);
    blobs.push_back({name, blob});
  }
  HANSE_TRY([[maybe_unused]] const std::uint64_t number,
            parts_->record->append(std::move(entry), std::move(blobs), std::move(forget)));
  if (!doors_.audit) return {};
  batch.number = record().logged();
  return doors_.audit(std::move(batch));
}

// A crash may have come between an entry and the audit log.
Result<void> FederatedRun::log_again(const TrainingRecord& state) {
  if (!doors_.audit || !state.leaves()) return {};
  HANSE_TRY(const base::Slice blob, doors_.store.blob(*state.leaves()));
  if (base::Digest::of(blob.view()) != *state.leaves())
    return fail(ErrorCode::corruption,
                "job '{}': the leaves of its last round differ from their "
                "digest",
                job_.name.text());
  HANSE_TRY(std::vector<base::Bytes> leaves, TrainingRecord::unbundled(blob.view()));
  return doors_.audit({log_name(job_.name), state.logged(), std::move(leaves)});
}

Result<void> FederatedRun::end(TrainingOutcome outcome, std::string reason) {
  if (outcome == TrainingOutcome::failed)
    doors_.log.write(Severity::problem,
                     fmt::format("job '{}' failed: {}", job_.name.text(), reason));
  return append(TrainingRecord::ended({outcome, std::move(reason)}));
}

std::optional<Milliseconds> FederatedRun::next_deadline() const {
  const auto deadline = parts_->coordinator->next_deadline();
  if (deadline) return deadline;
  if (is_over()) return std::nullopt;
  return parts_->begin_at;
}

Result<FederatedRun::Outbox> FederatedRun::advance(Milliseconds now) {
  if (parts_->coordinator->next_deadline()) return settle(parts_->coordinator->advance(now), now);
  if (parts_->is_fresh) wait_for_labels(now);
  if (is_over() || now < parts_->begin_at) return Outbox{};
  if (!has_all_rounds()) return begin(now);
  // Only after a crash between the last round and the end.
  HANSE_TRY_VOID(end(TrainingOutcome::finished, ""));
  return Outbox{};
}

Result<FederatedRun::Outbox> FederatedRun::advance(const Envelope& envelope, Milliseconds now) {
  return settle(parts_->coordinator->advance(envelope, now), now);
}

Result<FederatedRun::Outbox> FederatedRun::arrived(const base::SiteId& site, Milliseconds now) {
  return settle(parts_->coordinator->reconnected(site, now), now);
}

Result<FederatedRun::Outbox> FederatedRun::missed(const base::SiteId& site, Milliseconds now) {
  return settle(parts_->coordinator->missed(site, now), now);
}

Result<FederatedRun::Outbox> FederatedRun::cancel(Milliseconds now) {
  if (is_over()) return Outbox{};
  // A round from before a restart is taken up, so that it can be ended and its sites hear of it.
  if (is_open() && !parts_->coordinator->is_collecting()) {
    HANSE_TRY([[maybe_unused]] const Outbox unsent, begin(now));
  }
  HANSE_TRY(Outbox out, settle(parts_->coordinator->cancel(), now));
  HANSE_TRY_VOID(end(TrainingOutcome::cancelled, "cancelled by its operator"));
  return out;
}

// Asks for the round that is due. One that was open when the process ended is asked for again as it
// was: what sites have answered already is resent, not computed anew.
Result<FederatedRun::Outbox> FederatedRun::begin(Milliseconds now) {
  const TrainingRecord state = record();
  const auto asked = [&]() -> Result<Outbox> {
    HANSE_TRY(query::QueryPlan plan, parts_->strategy->plan(parts_->iterate, state.due()));
    HANSE_TRY(const std::vector<base::Bytes> kept, this->kept());
    parts_->coordinates = plan.layout.coordinates();
    return parts_->coordinator->begin(std::move(plan), job_.text, now, kept);
  };
  auto out = asked();
  if (!out && out.error().code() == ErrorCode::corruption && state.open()) {
    // What was kept is of another program's protocol.
    doors_.log.write(Severity::warning,
                     fmt::format("job '{}' round {}: {}; a new attempt", job_.name.text(),
                                 state.due().round, out.error().text()));
    HANSE_TRY_VOID(append_failed_attempt());
    return begin(now);
  }
  if (!out && out.error().code() == ErrorCode::permission_denied) {
    // A site of the cohort is not in the epoch: whether to go on is for people to say.
    doors_.log.write(Severity::problem,
                     fmt::format("job '{}' round {} waits: {}; admit it again, or cancel the job",
                                 job_.name.text(), state.due().round, out.error().text()));
    parts_->begin_at = now + Milliseconds{kPause.value << kMaxDoublings};
    return Outbox{};
  }
  if (!out) {
    // No restart would help: the job is at fault.
    if (state.open()) HANSE_TRY_VOID(append_failed_attempt());
    HANSE_TRY_VOID(end(TrainingOutcome::failed, out.error().text()));
    return Outbox{};
  }
  const std::vector<RoundStep>& steps = parts_->coordinator->record().steps();
  parts_->opened_at = now;
  parts_->opened_steps = steps.size();
  if (state.open()) {
    const bool is_same = state.open_roster() == parts_->roster &&
                         federation::encode(steps) == federation::encode(state.open()->steps());
    if (is_same) return out;
    // Another program or another machine computes another plan, or another epoch's keys count:
    // sites must not answer both.
    doors_.log.write(Severity::warning,
                     fmt::format("job '{}' round {}: what was asked before the restart cannot be "
                                 "asked again; a new attempt",
                                 job_.name.text(), state.due().round));
    HANSE_TRY_VOID(append_failed_attempt());
    (void)parts_->coordinator->cancel();
    return begin(now);
  }
  HANSE_TRY_VOID(append_logged(TrainingRecord::opened(steps, parts_->roster),
                               {parts_->coordinator->planned(model_digest())}));
  return out;
}

// Of the iterate that the next round's question is about.
base::Digest FederatedRun::model_digest() const {
  return parts_->iterate_name ? *parts_->iterate_name
                              : base::Digest::of(learning::encode(parts_->iterate));
}

Result<void> FederatedRun::append_failed_attempt() {
  const RoundStep abort = federation::step::Abort{federation::AbortReason::failed};
  return append_aborted({&abort, 1}, {aborted_leaf()});
}

audit::Leaf FederatedRun::aborted_leaf() const {
  return audit::leaf::Aborted{{job_.name, record().due()},
                              std::string(federation::name_of(federation::AbortReason::failed))};
}

// What the attempt kept goes with it.
Result<void> FederatedRun::append_aborted(std::span<const RoundStep> steps,
                                          const std::vector<audit::Leaf>& leaves) {
  return append_logged(TrainingRecord::aborted(steps), leaves, {},
                       parts_->record->read([](const TrainingRecord& at) { return at.kept(); }));
}

Result<void> FederatedRun::keep(std::vector<base::Bytes> durable) {
  if (durable.empty()) return {};
  const base::Slice blob = TrainingRecord::bundle(durable);
  const base::Digest name = base::Digest::of(blob.view());
  HANSE_TRY([[maybe_unused]] const std::uint64_t number,
            parts_->record->append(TrainingRecord::kept(name), {{name, blob}}));
  return {};
}

Result<std::vector<base::Bytes>> FederatedRun::kept() const {
  std::vector<base::Bytes> all;
  const TrainingRecord state = record();
  for (const base::Digest& name : state.kept()) {
    HANSE_TRY(const base::Slice blob, doors_.store.blob(name));
    if (base::Digest::of(blob.view()) != name)
      return fail(ErrorCode::corruption, "what was kept differs from its digest");
    HANSE_TRY(std::vector<base::Bytes> entries, TrainingRecord::unbundled(blob.view()));
    std::ranges::move(entries, std::back_inserter(all));
  }
  return all;
}

void FederatedRun::adopt(federation::Membership members) {
  parts_->roster = members.roster;
  parts_->coordinator->adopt(std::move(members));
}

std::vector<RoundStep> FederatedRun::steps_since_opened() const {
  const std::vector<RoundStep>& steps = parts_->coordinator->record().steps();
  return {steps.begin() + static_cast<std::ptrdiff_t>(parts_->opened_steps), steps.end()};
}

// Makes durable what the coordinator came to, before `out` may leave.
Result<FederatedRun::Outbox> FederatedRun::settle(Outbox out, Milliseconds now) {
  if (!is_open()) return out;
  HANSE_TRY_VOID(keep(parts_->coordinator->take_durable()));
  const federation::RoundState& state = parts_->coordinator->record().state();
  if (std::holds_alternative<federation::Released>(state)) {
    HANSE_TRY(Outbox farewell, close(now));
    std::ranges::move(farewell, std::back_inserter(out));
  } else if (const auto* aborted = std::get_if<federation::Aborted>(&state)) {
    HANSE_TRY_VOID(pause_or_fail(aborted->reason, now));
  }
  return out;
}

// The first attempt at a round that brings a cycle's choice asks for its labels.
Milliseconds FederatedRun::labelling(const base::RoundId& tried) const {
  if (tried.attempt != 0 || !brings_choice(job_, tried.round)) return {};
  return Milliseconds{std::int64_t{job_.active->label_seconds} * 1000};
}

// After a restart the experts' time begins anew: how much of it was over nobody knows.
void FederatedRun::wait_for_labels(Milliseconds now) {
  parts_->is_fresh = false;
  const base::RoundId due = parts_->record->read([](const TrainingRecord& at) { return at.due(); });
  if (!is_open() && due.attempt == 1) parts_->begin_at = now + labelling({due.round, 0});
}

// A round that too few sites answered is tried again, later and later, until they do or somebody
// cancels the job: owners may need days to agree, and lines to be mended. Those who have agreed
// once and decline from then on end it.
Result<void> FederatedRun::pause_or_fail(federation::AbortReason reason, Milliseconds now) {
  const base::RoundId id = parts_->record->read([](const TrainingRecord& at) { return at.due(); });
  HANSE_TRY_VOID(append_aborted(steps_since_opened(), parts_->coordinator->outcome()));
  const auto doublings = std::min<std::uint32_t>(id.attempt, kMaxDoublings);
  parts_->begin_at = now + std::max(Milliseconds{kPause.value << doublings}, labelling(id));
  const std::size_t cohort = settings_.cohort.size();
  const std::size_t least = parts_->min_sites;
  const std::size_t declined = parts_->coordinator->declined();
  if (id.round > 1 && id.attempt + 1 >= kMaxDeclined && cohort - declined < least)
    return end(TrainingOutcome::failed,
               fmt::format("{} of {} sites decline round {}, and a sum of fewer than {} is not "
                           "opened: ask their owners, and submit the job again",
                           declined, cohort, id.round, least));
  // A site that lies can spoil a sum, and need not be there the next time.
  if (reason != federation::AbortReason::failed || id.attempt + 1 < kMaxFailed) return {};
  return end(TrainingOutcome::failed,
             fmt::format("the sum of round {} could not be made", id.round));
}

// Steps 11 to 13 of a round: the sum becomes the next iterate, both durable in one commit.
Result<FederatedRun::Outbox> FederatedRun::close(Milliseconds now) {
  std::vector<storage::NamedBlob> blobs;
  std::optional<base::Digest> released_name;
  const auto step = [&]() -> Result<std::pair<learning::Iterate, learning::RoundFacts>> {
    HANSE_TRY(const privacy::Released released, parts_->coordinator->take_released());
    if (doors_.audit) {
      released_name = federation::digest_of(released);
      blobs.push_back({*released_name, base::Slice(base::to_little_endian(released.integers()))});
    }
    HANSE_TRY(const learning::RoundFacts facts,
              facts_of(job_, *parts_->strategy, parts_->iterate, released));
    HANSE_TRY(learning::Iterate next, parts_->strategy->step(parts_->iterate, released));
    return std::pair(std::move(next), facts);
  };
  auto stepped = step();
  std::vector<RoundStep> steps = steps_since_opened();
  if (!stepped) {
    steps.push_back(federation::step::Abort{federation::AbortReason::failed});
    std::vector<audit::Leaf> leaves = parts_->coordinator->outcome();
    leaves.push_back(aborted_leaf());
    HANSE_TRY_VOID(append_aborted(steps, leaves));
    HANSE_TRY_VOID(end(TrainingOutcome::failed, stepped.error().text()));
    return parts_->coordinator->cancel();
  }
  steps.push_back(federation::step::Close{});
  auto& [iterate, facts] = *stepped;
  const base::Slice bytes(learning::encode(iterate));
  const base::Digest name = base::Digest::of(bytes.view());
  std::vector<base::Digest> forget =
      parts_->record->read([](const TrainingRecord& at) { return at.kept(); });
  if (parts_->iterate_name && *parts_->iterate_name != name)
    forget.push_back(*parts_->iterate_name);
  blobs.push_back({name, bytes});
  std::vector<audit::Leaf> leaves = parts_->coordinator->outcome();
  leaves.push_back(audit::leaf::Stepped{{job_.name, record().due()}, model_digest(), name});
  HANSE_TRY_VOID(append_logged(
      TrainingRecord::closed(
          {.steps = steps,
           .iterate = name,
           .facts = facts,
           .sealed_bytes = parts_->coordinator->sealed_size(),
           .milliseconds = static_cast<std::uint64_t>((now - parts_->opened_at).value),
           .coordinates = parts_->coordinates,
           .released = released_name}),
      leaves, std::move(blobs), std::move(forget)));
  parts_->iterate = std::move(iterate);
  parts_->iterate_name = name;
  parts_->begin_at = now;
  if (has_all_rounds()) HANSE_TRY_VOID(end(TrainingOutcome::finished, ""));
  return parts_->coordinator->close();
}

std::uint32_t FederatedRun::sites_counted() const {
  const auto* collecting =
      std::get_if<federation::Collecting>(&parts_->coordinator->record().state());
  return collecting == nullptr
             ? 0
             : static_cast<std::uint32_t>(collecting->count(federation::SiteStanding::counted));
}

Result<ModelFile> FederatedRun::model() const {
  const auto end = record().end();
  if (!end || end->outcome != TrainingOutcome::finished)
    return fail(ErrorCode::failed_precondition, "job '{}' is not finished", job_.name.text());
  return model_file_of(job_, *parts_->strategy, parts_->iterate);
}

}  // namespace hanse::jobs
