#include "service/deployments.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "jobs/job_privacy.h"
#include "service/job_leaves.h"
#include "service/results.h"
#include "transport/control.h"

namespace hanse::service {

using base::ErrorCode;
using base::fail;
using base::Milliseconds;
using base::Result;
using base::Severity;
using Outbox = Deployments::Outbox;

namespace {

// An entry of the book is small, and the file itself a blob beside it.
constexpr std::size_t kMaxBookedJobs = 100'000;

// More than a consortium trains in months; whoever submits jobs must not fill the disk.
constexpr std::ptrdiff_t kMaxWaitingJobs = 256;

// A list of so many fits an answer, with half a kilobyte for each.
constexpr std::size_t kMaxListedJobs = transport::kMaxControlBytes / 512;

// A job that waits has one state; a watcher begins with 0.
constexpr std::uint64_t kQueuedSequence = 1;

// A job's ${NAMES} are for the machines where its paths are read. This is none of them, and whoever
// submits jobs learns nothing of its environment.
std::optional<std::string> unused(std::string_view) { return "unused"; }

std::vector<base::SiteId> sites_of(const roster::Roster& roster) {
  std::vector<base::SiteId> sites;
  for (const roster::Party& party : roster.parties)
    if (party.role == roster::Role::site)
      if (auto site = base::SiteId::create(party.name)) sites.push_back(*std::move(site));
  return sites;
}

// Attempts that were in vain, of closed rounds and of the one that is due.
std::uint64_t aborts_of(const jobs::TrainingRecord& record) {
  std::uint64_t aborts = record.due().attempt;
  for (const jobs::TrainedRound& round : record.rounds()) aborts += round.id.attempt;
  return aborts;
}

// Sites refuse such jobs, and nobody would learn why.
Result<void> check_noise(const jobs::Job& job, const CoordinatorConfig& config) {
  const privacy::Placement placement = job.privacy.placement;
  if (placement == privacy::Placement::coordinator)
    return fail(ErrorCode::unsupported,
                "privacy.placement is 'coordinator', which is for simulation: say 'site' or "
                "'shared'");
  if (placement == privacy::Placement::in_the_clear && !config.in_the_clear)
    return fail(ErrorCode::permission_denied,
                "the job lets sums leave in the clear: say privacy.epsilon instead of "
                "privacy.entrance; in a consortium of tests the parties may run --in-the-clear");
  if (job.aggregation.backend == "plain" && !config.in_the_clear)
    return fail(ErrorCode::permission_denied,
                "aggregation.backend is 'plain', so that the coordinator would read each site's "
                "answer by itself, which is for simulations and consortia of tests: say 'masked'");
  return {};
}

JobStatus status_of(const BookedJob& job, const jobs::TrainingRecord& record) {
  JobStatus status;
  status.job = job.id.text();
  status.sites = static_cast<std::uint32_t>(job.cohort.size());
  status.round = static_cast<std::uint32_t>(record.rounds().size());
  for (const jobs::TrainedRound& round : record.rounds()) {
    status.loss = round.facts.loss;
    status.bytes += round.sealed_bytes * round.sites_in.size();
  }
  return status;
}

}  // namespace

struct Deployments::Body {
  Home home;
  CoordinatorConfig config;
  roster::Roster roster;
  base::Digest roster_digest;
  ServiceDoors doors;
  Metrics& metrics;
  CoordinatorAudit& audit;
  std::unique_ptr<storage::Durable<JobBook>> book = {};
  std::unique_ptr<jobs::FederatedRun> run = {};            // of the current job
  mutable std::optional<jobs::TrainingRecord> known = {};  // of `run`, see record_of_run
  mutable std::uint64_t known_entries = 0;
  std::map<base::SiteId, federation::Standing> standings = {};  // over all jobs
  std::map<std::string, JobStatus> ended = {};
  std::set<base::SiteId> here = {};
  std::map<base::SiteId, Milliseconds> away_since = {};
  std::size_t seen_rounds = 0;  // of the current job, counted in the metrics
  std::uint64_t seen_aborts = 0;
  Milliseconds round_since = {};
  std::uint64_t sequence = 0;
  mutable JobStatus last = {};  // of the current job, for its sequence

  Result<jobs::Job> load(const BookedJob& booked) const {
    HANSE_TRY(const base::Slice text, doors.store.blob(booked.text));
    if (base::Digest::of(text.view()) != booked.text)
      return fail(ErrorCode::corruption, "job '{}': the stored file differs from its digest",
                  booked.id.text());
    HANSE_TRY(jobs::Job job, jobs::parse_job(base::text_of(text.view()), booked.id.text(), unused));
    job.name = booked.id;
    return job;
  }

  std::optional<BookedJob> current() const {
    return book->read([](const JobBook& at) -> std::optional<BookedJob> {
      const BookedJob* job = at.current();
      return job ? std::optional(*job) : std::nullopt;
    });
  }

  std::optional<BookedJob> find(const base::JobId& id) const {
    return book->read([&](const JobBook& at) -> std::optional<BookedJob> {
      const BookedJob* job = at.find(id);
      return job ? std::optional(*job) : std::nullopt;
    });
  }

  Result<std::unique_ptr<jobs::FederatedRun>> open_run(const BookedJob& booked) const {
    HANSE_TRY(jobs::Job job, load(booked));
    return jobs::FederatedRun::open(
        std::move(job),
        {.cohort = booked.cohort,
         .round_limit = Milliseconds{std::int64_t{config.round_seconds} * 1000},
         .standings = standings,
         .members = membership_of(roster, roster_digest)},
        {doors.store, doors.executor, doors.log,
         [this](audit::LeafBatch batch) { return audit.append(std::move(batch)); }});
  }

  std::string run_folder(const base::JobId& job) const { return home.runs() + "/" + job.text(); }

  Result<void> log_submission(const BookedJob& booked) {
    return audit.append(submission_of(booked, roster_digest));
  }

  // The last of a job's leaves, whose receipt goes to its folder.
  Result<void> log_end(const base::JobId& job, const std::string& outcome) {
    HANSE_TRY(const audit::Leaf leaf, end_of(job, outcome, run_folder(job), doors.directory));
    HANSE_TRY_VOID(audit.append({"job/" + job.text(), 2, {audit::encode(leaf)}}));
    const std::string receipt = run_folder(job) + "/" + std::string(kReceiptFile);
    if (doors.directory.exists(run_folder(job)) && !doors.directory.exists(receipt))
      audit.keep_receipt(receipt, leaf);
    return {};
  }

  // A job that this program cannot train must not keep others from their turn; a store that fails
  // is no fault of the job.
  Result<void> fail_or_give_up(const BookedJob& booked, const base::Error& error) {
    const ErrorCode code = error.code();
    if (code == ErrorCode::unavailable || code == ErrorCode::corruption ||
        code == ErrorCode::permission_denied)
      return fail(error);
    const JobEnd end{std::string(name_of(JobPhase::failed)), error.text(), doors.clock.wall()};
    HANSE_TRY([[maybe_unused]] const std::uint64_t number,
              book->append(JobBook::ended(booked.id, end)));
    HANSE_TRY_VOID(log_end(booked.id, end.phase));
    remember(booked, jobs::TrainingRecord(booked.id), end, 0);
    doors.log.write(Severity::problem,
                    fmt::format("job '{}' failed: {}", booked.id.text(), error.text()));
    return {};
  }

  // Opens the job whose turn it is, if none is at it.
  Result<void> take_up(Milliseconds now) {
    if (run) return {};
    const auto booked = current();
    if (!booked) return {};
    auto opened = open_run(*booked);
    if (!opened) return fail_or_give_up(*booked, opened.error());
    run = *std::move(opened);
    known.reset();
    seen_rounds = record_of_run().rounds().size();
    seen_aborts = aborts_of(record_of_run());
    round_since = now;
    away_since.clear();
    for (const base::SiteId& site : booked->cohort)
      if (!here.contains(site)) away_since[site] = now;
    doors.log.write(Severity::note, fmt::format("job '{}': training, {} of {} rounds done",
                                                booked->id.text(), seen_rounds, run->job().rounds));
    return {};
  }

  // Of the run, taken again only when something was added: every envelope looks at it.
  const jobs::TrainingRecord& record_of_run() const {
    const std::uint64_t entries = run->entries();
    if (!known || known_entries != entries) known = run->record();
    known_entries = entries;
    return *known;
  }

  void count_rounds(Milliseconds now) {
    const jobs::TrainingRecord& record = record_of_run();
    for (; seen_rounds < record.rounds().size(); ++seen_rounds) {
      const jobs::TrainedRound& round = record.rounds()[seen_rounds];
      metrics.count_round(true, {static_cast<std::int64_t>(round.milliseconds)});
      const auto& loss = round.facts.loss;
      doors.log.write(Severity::note,
                      fmt::format("job '{}' round {} closed: {} sites{}", run->job().name.text(),
                                  round.id.round, round.sites_in.size(),
                                  loss ? fmt::format(", loss {:.4g}", *loss) : ""));
      round_since = now;
    }
    for (const std::uint64_t aborts = aborts_of(record); seen_aborts < aborts; ++seen_aborts)
      metrics.count_round(false, {});
  }

  // What a run that is over leaves, then the next job's turn.
  Result<void> conclude() {
    if (!record_of_run().end()) return {};
    const jobs::TrainingRecord record = record_of_run();
    const auto booked = current();
    if (!booked) return {};
    if (record.end()->outcome == jobs::TrainingOutcome::finished)
      HANSE_TRY_VOID(
          lay_down(run_folder(booked->id), *run, record, {*booked, roster, roster_digest}, doors));
    const JobEnd end{std::string(jobs::name_of(record.end()->outcome)), record.end()->reason,
                     doors.clock.wall()};
    // Model and released numbers lie in the job's folder now.
    std::vector<base::Digest> forget;
    if (record.iterate()) forget.push_back(*record.iterate());
    for (const jobs::TrainedRound& round : record.rounds())
      if (round.released) forget.push_back(*round.released);
    HANSE_TRY([[maybe_unused]] const std::uint64_t number,
              book->append(JobBook::ended(booked->id, end), {}, std::move(forget)));
    HANSE_TRY_VOID(log_end(booked->id, end.phase));
    remember(*booked, record, end, run->job().rounds);
    doors.log.write(Severity::note, fmt::format("job '{}' {}", booked->id.text(), end.phase));
    run.reset();
    known.reset();
    return {};
  }

  void remember(const BookedJob& booked, const jobs::TrainingRecord& record, const JobEnd& end,
                std::uint32_t rounds) {
    for (const auto& [site, standing] : record.standings())
      standings.insert_or_assign(site, standing);
    JobStatus status = status_of(booked, record);
    status.phase = end.phase;
    status.reason = end.reason;
    status.rounds = rounds;
    status.sequence = ++sequence;
    ended[status.job] = status;
  }

  JobStatus live(const BookedJob& booked) const {
    if (!run || run->job().name != booked.id) {
      JobStatus queued;
      queued.job = booked.id.text();
      queued.phase = name_of(JobPhase::queued);
      queued.sequence = kQueuedSequence;
      queued.sites = static_cast<std::uint32_t>(booked.cohort.size());
      return queued;
    }
    const jobs::TrainingRecord& record = record_of_run();
    JobStatus status = status_of(booked, record);
    status.phase = name_of(JobPhase::running);
    status.rounds = run->job().rounds;
    status.round = std::min(record.due().round, status.rounds);
    status.attempt = record.due().attempt;
    status.sites_in = run->sites_counted();
    status.connected = static_cast<std::uint32_t>(std::ranges::count_if(
        booked.cohort, [&](const base::SiteId& site) { return here.contains(site); }));
    return status;
  }

  // What a site says of a job that is over, and what it hears: a receipt or an end may have been
  // lost with the line, and whoever trains now knows nothing of it. None where the job is not over.
  std::optional<Outbox> hear_late(const transport::Envelope& envelope) const {
    if (envelope.chunk.size() > 0 || envelope.from.is_coordinator()) return std::nullopt;
    const auto message = federation::decode_from_site(envelope);
    if (!message) return std::nullopt;
    const auto booked = find(message->release.job);
    if (!booked || !booked->end) return std::nullopt;
    const base::SiteId& site = *envelope.from.site_id();
    const auto say = [&](auto body) {
      return Outbox{
          federation::encode(federation::CoordinatorMessage{message->release, body}, site)};
    };
    const auto standing = standings.find(site);
    const auto* contribution = std::get_if<federation::Contribution>(&message->body);
    if (contribution != nullptr && standing != standings.end() &&
        standing->second == contribution->standing)
      return say(federation::Receipt{contribution->sealed.digest()});
    if (std::holds_alternative<federation::Decline>(message->body)) return Outbox{};
    return say(federation::Ended{});
  }

  // Sites that have been away for too long, one after another.
  Result<Outbox> miss_absent(Milliseconds now) {
    Outbox out;
    const Milliseconds patience{std::int64_t{config.absence_seconds} * 1000};
    for (auto& [site, since] : away_since) {
      if (!run || now - since < patience) continue;
      HANSE_TRY(Outbox more, run->missed(site, now));
      std::ranges::move(more, std::back_inserter(out));
    }
    return out;
  }

  // After every step of the run.
  Result<Outbox> after(Result<Outbox> out, Milliseconds now) {
    if (!out || !run) return out;
    count_rounds(now);
    HANSE_TRY_VOID(conclude());
    return out;
  }
};

Deployments::Deployments(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Deployments::~Deployments() = default;

Result<std::unique_ptr<Deployments>> Deployments::open(Home home, CoordinatorConfig config,
                                                       const Member& member, ServiceDoors doors,
                                                       Metrics& metrics, CoordinatorAudit& audit) {
  auto body = std::make_unique<Body>(Body{.home = std::move(home),
                                          .config = std::move(config),
                                          .roster = member.roster,
                                          .roster_digest = member.roster_digest,
                                          .doors = doors,
                                          .metrics = metrics,
                                          .audit = audit});
  // Another run of this program must not repeat what watchers have seen.
  body->sequence = static_cast<std::uint64_t>(doors.clock.wall().value) << 16;
  HANSE_TRY(body->book, storage::Durable<JobBook>::open(doors.store, "jobs", {}));
  const JobBook book = body->book->read([](const JobBook& at) { return at; });
  for (const BookedJob& booked : book.jobs()) {
    // What a crash kept from the audit log; the rest is there already.
    HANSE_TRY_VOID(body->log_submission(booked));
    if (!booked.end) continue;
    HANSE_TRY_VOID(body->log_end(booked.id, booked.end->phase));
    HANSE_TRY(const jobs::TrainingRecord record,
              jobs::FederatedRun::stored_record(doors.store, booked.id));
    // A file that this version does not read is no reason to forget how its job ended.
    const auto job = body->load(booked);
    const auto done = static_cast<std::uint32_t>(record.rounds().size());
    body->remember(booked, record, *booked.end, job ? job->rounds : done);
  }
  return std::unique_ptr<Deployments>(new Deployments(std::move(body)));
}

void Deployments::adopt(const Member& member) {
  body_->roster = member.roster;
  body_->roster_digest = member.roster_digest;
  if (body_->run) body_->run->adopt(membership_of(member.roster, member.roster_digest));
}

Result<JobStatus> Deployments::submit(const std::string& job_text, const std::string& by) {
  HANSE_TRY(const jobs::Job job, jobs::parse_job(job_text, "the job", unused));
  std::vector<base::SiteId> cohort = sites_of(body_->roster);
  HANSE_TRY_VOID(jobs::check_deployable(job, cohort.size()));
  HANSE_TRY_VOID(jobs::check_named_sites(job, cohort));
  HANSE_TRY_VOID(check_noise(job, body_->config));
  const JobBook book = body_->book->read([](const JobBook& at) { return at; });
  if (book.jobs().size() >= kMaxBookedJobs)
    return fail(ErrorCode::failed_precondition, "{} jobs are as many as one store keeps",
                kMaxBookedJobs);
  const auto waiting =
      std::ranges::count_if(book.jobs(), [](const BookedJob& one) { return !one.end; });
  if (waiting >= kMaxWaitingJobs)
    return fail(ErrorCode::failed_precondition,
                "{} jobs wait for their turn already; cancel some, or submit this one later",
                waiting);
  HANSE_TRY(const base::JobId id, free_id(book, job.name));
  const base::Digest digest = base::Digest::of(base::view_of(job_text));
  const base::ByteView view = base::view_of(job_text);
  const BookedJob booked{id, digest, by, body_->doors.clock.wall(), std::move(cohort), {}};
  HANSE_TRY_VOID(check_leaves(submission_of(booked, body_->roster_digest)));
  HANSE_TRY([[maybe_unused]] const std::uint64_t number,
            body_->book->append(JobBook::submitted(booked),
                                {{digest, base::Slice(base::Bytes(view.begin(), view.end()))}}));
  HANSE_TRY_VOID(body_->log_submission(booked));
  body_->doors.log.write(Severity::note, fmt::format("job '{}' submitted by '{}'", id.text(), by));
  return status(id.text());
}

Result<Outbox> Deployments::cancel(const base::JobId& job, Milliseconds now) {
  HANSE_TRY_VOID(body_->take_up(now));
  const auto booked = body_->find(job);
  if (!booked) return fail(ErrorCode::not_found, "there is no job '{}'", job.text());
  if (booked->end)
    return fail(ErrorCode::failed_precondition, "job '{}' is {} already", job.text(),
                booked->end->phase);
  if (body_->run && body_->run->job().name == job)
    return body_->after(body_->run->cancel(now), now);
  const JobEnd end{std::string(name_of(JobPhase::cancelled)), "cancelled by its operator",
                   body_->doors.clock.wall()};
  HANSE_TRY([[maybe_unused]] const std::uint64_t number,
            body_->book->append(JobBook::ended(job, end)));
  HANSE_TRY_VOID(body_->log_end(job, end.phase));
  body_->remember(*booked, jobs::TrainingRecord(job), end, 0);
  return Outbox{};
}

Result<FilePart> Deployments::fetch(const order::Fetch& order) const {
  HANSE_TRY(const base::JobId id, base::JobId::create(order.job));
  if (!is_result_file(order.file))
    return fail(ErrorCode::invalid_argument, "a finished job leaves {}, {}, {} …, and no '{}'",
                fmt::join(kResultFiles, ", "), kReceiptFile, released_file(1), order.file);
  const std::string path = body_->home.runs() + "/" + id.text() + "/" + order.file;
  if (!body_->doors.directory.exists(path))
    return fail(ErrorCode::not_found, "job '{}' has left no {}: is it finished?", order.job,
                order.file);
  return part_of(body_->doors.directory, path, order.offset);
}

Result<Outbox> Deployments::advance(const transport::Envelope& envelope, Milliseconds now) {
  HANSE_TRY_VOID(body_->take_up(now));
  if (auto late = body_->hear_late(envelope)) return *std::move(late);
  if (!body_->run) return Outbox{};
  return body_->after(body_->run->advance(envelope, now), now);
}

Result<Outbox> Deployments::advance(Milliseconds now) {
  HANSE_TRY_VOID(body_->take_up(now));
  Outbox out;
  if (body_->run) {
    HANSE_TRY(out, body_->after(body_->run->advance(now), now));
  }
  HANSE_TRY(Outbox more, body_->after(body_->miss_absent(now), now));
  std::ranges::move(more, std::back_inserter(out));
  body_->metrics.set_waiting("round", body_->run ? now - body_->round_since : Milliseconds{});
  return out;
}

Result<Outbox> Deployments::connected(const base::SiteId& site, Milliseconds now) {
  body_->here.insert(site);
  body_->away_since.erase(site);
  if (!body_->run) return Outbox{};
  return body_->after(body_->run->arrived(site, now), now);
}

void Deployments::lost(const base::SiteId& site, Milliseconds now) {
  body_->here.erase(site);
  body_->away_since[site] = now;
}

std::optional<Milliseconds> Deployments::next_deadline() const {
  if (!body_->run) return std::nullopt;
  return body_->run->next_deadline();
}

std::vector<JobStatus> Deployments::statuses() const {
  const JobBook book = body_->book->read([](const JobBook& at) { return at; });
  const std::size_t listed = std::min(book.jobs().size(), kMaxListedJobs);
  std::vector<JobStatus> all;
  for (const BookedJob& job : std::span(book.jobs()).last(listed))
    if (auto one = status(job.id.text())) all.push_back(*std::move(one));
  return all;
}

Result<JobStatus> Deployments::status(const std::string& job) const {
  if (const auto found = body_->ended.find(job); found != body_->ended.end()) return found->second;
  HANSE_TRY(const base::JobId id, base::JobId::create(job));
  const auto booked = body_->find(id);
  if (!booked) return fail(ErrorCode::not_found, "there is no job '{}'", job);
  JobStatus live = body_->live(*booked);
  if (live.phase == name_of(JobPhase::queued)) return live;
  // The sequence moves on with whatever else changed.
  JobStatus& last = body_->last;
  live.sequence = last.sequence;
  if (live != last) live.sequence = ++body_->sequence;
  last = live;
  return live;
}

}  // namespace hanse::service
