#include "federation/audit/trail.h"

#include <fmt/format.h>

#include <algorithm>

#include "federation/round/backends.h"

namespace hanse::federation {

using audit::Attempt;
using base::Digest;
namespace leaf = audit::leaf;

namespace {

// Leaves are read and signatures verified side by side, so many or so many bytes at a time.
constexpr std::size_t kWaiting = 4096;
constexpr std::size_t kPending = 2048;
constexpr std::size_t kHeldBytes = std::size_t{8} << 20;
// What one thread reads in one go.
constexpr std::size_t kStretch = 128;
// Of the largest cohort that masks take it is two.
constexpr std::size_t kMaxEvidenceParts = 8;

std::string short_of(const Digest& digest) { return digest.hex().substr(0, 16); }

std::string in_words(const base::RoundId& round) {
  return fmt::format("round {} attempt {}", round.round, round.attempt);
}

Protection protection_of(const leaf::Planned& planned) {
  return {planned.backend, planned.threshold, planned.min_contributors, planned.max_colluders};
}

bool is_plain(const leaf::Planned& planned) {
  return planned.backend == aggregation::plain().name();
}

// Null where the epoch lacks a site of the cohort.
std::optional<aggregation::Setup> setup_of(const leaf::Planned& planned,
                                           const Membership& members) {
  aggregation::Setup setup{.offer = planned.offer,
                           .layout = {},
                           .cohort = planned.cohort,
                           .roster = planned.roster,
                           .keys = {},
                           .threshold = planned.threshold,
                           .min_sites = planned.min_sites};
  for (const base::SiteId& site : planned.cohort) {
    const auto key = members.keys.find(site);
    if (key == members.keys.end()) return std::nullopt;
    setup.keys.push_back(key->second);
  }
  return setup;
}

}  // namespace

std::string text_of(const Finding& finding) {
  std::string where;
  const auto add = [&](std::string part) { where += (where.empty() ? "" : ", ") + part; };
  if (finding.leaf) add(fmt::format("leaf {}", *finding.leaf));
  if (!finding.job.empty()) add(fmt::format("job '{}'", finding.job));
  if (finding.round) add(in_words(*finding.round));
  return where.empty() ? finding.what : where + ": " + finding.what;
}

const AttemptTrail::Contribution* AttemptTrail::of(const base::SiteId& site) const {
  const auto found = std::ranges::find_if(
      contributions, [&](const Contribution& one) { return one.said.site == site; });
  return found == contributions.end() ? nullptr : &*found;
}

bool AttemptTrail::has_in_sum(const base::SiteId& site) const {
  return summed && std::ranges::find(summed->sites, site) != summed->sites.end();
}

bool Trail::is_asked(const base::JobId& job) const {
  return settings_.asked.empty() || settings_.asked.contains(job);
}

Trail::Read Trail::read(base::ByteView bytes) const {
  Read read{audit::decode_leaf(bytes)};
  if (read.leaf)
    if (const auto* said = std::get_if<leaf::Contributed>(&*read.leaf);
        said != nullptr && is_asked(said->attempt.job))
      read.statement = audit::decode_statement(said->statement);
  return read;
}

void Trail::follow(base::ByteView bytes) {
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
  ends_.push_back(waiting_.size());
  if (ends_.size() >= kWaiting || waiting_.size() >= kHeldBytes) read_waiting();
}

void Trail::read_waiting() {
  std::vector<std::optional<Read>> all(ends_.size());
  executor_.parallel_for((all.size() + kStretch - 1) / kStretch, [&](std::size_t stretch) {
    const std::size_t end = std::min(all.size(), (stretch + 1) * kStretch);
    for (std::size_t i = stretch * kStretch; i < end; ++i) {
      const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
      all[i] = read(base::ByteView(waiting_).subspan(begin, ends_[i] - begin));
    }
  });
  waiting_.clear();
  ends_.clear();
  for (std::optional<Read>& one : all) take(*std::move(one));
}

void Trail::take(Read read) {
  statement_ = std::move(read.statement);
  if (!read.leaf) {
    add({leaves_, "", {}, read.leaf.error().text()});
  } else {
    std::visit(
        [this](const auto& one) {
          const base::JobId& name = [&]() -> const base::JobId& {
            if constexpr (requires { one.attempt; })
              return one.attempt.job;
            else
              return one.job;
          }();
          JobTrail& job = jobs_[name];
          State& state = states_[name];
          ++job.leaves;
          if (job.ended)
            find(name, {}, "a leaf after the job's end");
          else
            on(one, job, state);
        },
        *read.leaf);
  }
  ++leaves_;
  if (pending_.size() >= kPending || pending_bytes_ >= kHeldBytes) verify_pending();
}

void Trail::finish() {
  read_waiting();
  verify_pending();
  std::ranges::stable_sort(findings_, {}, [](const Finding& one) { return one.leaf; });
}

void Trail::add(Finding finding) {
  if (findings_.size() < kMaxFindings)
    findings_.push_back(std::move(finding));
  else
    ++left_out_;
}

void Trail::find(const base::JobId& job, std::optional<base::RoundId> round, std::string what) {
  add({leaves_, job.text(), round, std::move(what)});
}

void Trail::find(const Attempt& attempt, std::string what) {
  find(attempt.job, attempt.round, std::move(what));
}

void Trail::verify_pending() {
  std::vector<std::optional<std::string>> wrong(pending_.size());
  executor_.parallel_for(pending_.size(), [&](std::size_t i) { wrong[i] = pending_[i].check(); });
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    signatures_ += pending_[i].signatures;
    if (!wrong[i]) continue;
    pending_[i].finding.what = *wrong[i];
    add(std::move(pending_[i].finding));
  }
  pending_.clear();
  pending_bytes_ = 0;
}

const Membership* Trail::epoch_of(const AttemptTrail& attempt) const {
  const auto found = settings_.epochs.find(attempt.planned.roster);
  return found == settings_.epochs.end() ? nullptr : &found->second;
}

// The attempt that a leaf belongs to; null, and a finding, where another one is open or none.
AttemptTrail* Trail::open_attempt(const Attempt& attempt, JobTrail& job, std::string_view what) {
  if (!job.attempts.empty() && job.attempts.back().planned.attempt == attempt &&
      !job.attempts.back().is_over())
    return &job.attempts.back();
  find(attempt, fmt::format("{} of an attempt that is not open", what));
  return nullptr;
}

// Whoever lost its key is out with the next epoch: the log does not go back to one before. A job
// that is under way may end by its own.
void Trail::check_epoch(const base::JobId& job, std::optional<base::RoundId> round,
                        const Digest& roster, State& state) {
  if (is_asked(job) && !settings_.epochs.contains(roster))
    find(job, round,
         fmt::format("goes by roster {}, which no roster at hand leads to: give the epoch with "
                     "--roster",
                     short_of(roster)));
  const auto found = settings_.numbers.find(roster);
  if (found == settings_.numbers.end()) return;
  const std::uint32_t epoch = found->second;
  if (epoch < epoch_ && epoch != state.epoch)
    find(job, round,
         fmt::format("goes by epoch {} of the roster, and the log had gone on to epoch {}", epoch,
                     epoch_));
  state.epoch = epoch;
  epoch_ = std::max(epoch_, epoch);
}

void Trail::on(const leaf::Submitted& leaf, JobTrail& job, State& state) {
  if (job.submitted || !job.attempts.empty()) find(leaf.job, {}, "the job is submitted twice");
  if (!job.submitted) job.submitted = leaf;
  check_epoch(leaf.job, {}, leaf.roster, state);
}

// Whether the plan follows on what the log has of its job.
void Trail::check_plan(const leaf::Planned& leaf, const JobTrail& job, const State& state) {
  const base::RoundId& round = leaf.attempt.round;
  if (!job.submitted) {
    if (job.attempts.empty()) find(leaf.attempt, "a question for a job that nobody submitted");
  } else {
    if (leaf.job != job.submitted->text)
      find(leaf.attempt, fmt::format("the question is of job file {}, submitted was {}",
                                     short_of(leaf.job), short_of(job.submitted->text)));
    for (const base::SiteId& site : leaf.cohort)
      if (std::ranges::find(job.submitted->cohort, site) == job.submitted->cohort.end())
        find(leaf.attempt,
             fmt::format("asks site '{}', for which the job was not submitted", site.text()));
  }
  if (!job.attempts.empty() && !job.attempts.back().is_over())
    find(leaf.attempt, fmt::format("planned while {} is open",
                                   in_words(job.attempts.back().planned.attempt.round)));
  else if (round != state.due)
    find(leaf.attempt, fmt::format("planned out of order: {} was due", in_words(state.due)));
  if (state.model && *state.model != leaf.model)
    find(leaf.attempt, fmt::format("asks about model {}, the step before led to {}",
                                   short_of(leaf.model), short_of(*state.model)));
  if (state.is_unstepped)
    find(leaf.attempt, "planned after a sum that was opened and led to no model: that ends a job");
}

void Trail::on(const leaf::Planned& leaf, JobTrail& job, State& state) {
  check_plan(leaf, job, state);
  check_epoch(leaf.attempt.job, leaf.attempt.round, leaf.roster, state);
  if (std::set(leaf.cohort.begin(), leaf.cohort.end()).size() != leaf.cohort.size())
    find(leaf.attempt, "the cohort names a site twice");
  if (!is_plain(leaf) && !opens_one_sum(protection_of(leaf), leaf.cohort.size()))
    find(leaf.attempt, fmt::format("with a threshold of {} among {} sites, {} of them colluding, "
                                   "two sums of one round could be opened",
                                   leaf.threshold, leaf.cohort.size(), leaf.max_colluders));
  state.due = leaf.attempt.round;
  state.model = leaf.model;
  state.is_unstepped = false;
  state.sealed.clear();
  state.evidence.clear();
  state.parts = 0;
  if (!is_asked(leaf.attempt.job)) job.attempts.clear();
  job.attempts.push_back({.leaf = leaves_,
                          .planned = leaf,
                          .contributions = {},
                          .summed = {},
                          .agreed = {},
                          .stepped = {},
                          .aborted = {}});
}

void Trail::on(const leaf::Contributed& leaf, JobTrail& job, State& state) {
  AttemptTrail* const attempt = open_attempt(leaf.attempt, job, "a contribution");
  if (attempt == nullptr) return;
  if (attempt->summed) return find(leaf.attempt, "a contribution after the sum");
  if (attempt->of(leaf.site) != nullptr)
    return find(leaf.attempt, fmt::format("site '{}' contributes twice", leaf.site.text()));
  if (std::ranges::find(attempt->planned.cohort, leaf.site) == attempt->planned.cohort.end())
    return find(leaf.attempt,
                fmt::format("site '{}' contributes and was not asked", leaf.site.text()));
  // Of a job that was not asked about, only who contributed.
  if (!statement_) {
    attempt->contributions.push_back({leaves_, {leaf.attempt, leaf.site, {}, {}}, {}});
    return;
  }
  attempt->contributions.push_back({leaves_, leaf, {}});
  check_statement(attempt->contributions.back(), *attempt, state);
}

void Trail::check_statement(AttemptTrail::Contribution& one, const AttemptTrail& attempt,
                            State& state) {
  const leaf::Contributed& leaf = one.said;
  if (!*statement_)
    return find(leaf.attempt,
                fmt::format("site '{}': {}", leaf.site.text(), statement_->error().text()));
  const audit::Statement& said = one.statement.emplace(**statement_);
  const auto about = [&](bool same, std::string_view what) {
    if (!same)
      find(leaf.attempt, fmt::format("what site '{}' states is of another {} than its leaf",
                                     leaf.site.text(), what));
  };
  about(said.attempt == leaf.attempt, "attempt");
  about(said.site == leaf.site, "site");
  about(said.offer == attempt.planned.offer, "question");
  about(said.roster == attempt.planned.roster, "roster");
  // In the clear two sites may well have equal answers; under masks only a copy is equal.
  if (!state.sealed.insert(said.sealed).second && !is_plain(attempt.planned))
    find(leaf.attempt,
         fmt::format("the sealed answer {} of site '{}' is counted twice: another site has it too",
                     short_of(said.sealed), leaf.site.text()));
  std::uint64_t& before = state.answers[leaf.site];
  if (said.answers <= before)
    find(leaf.attempt, fmt::format("site '{}' states its answer {} after its answer {}",
                                   leaf.site.text(), said.answers, before));
  before = std::max(before, said.answers);
  const Membership* const members = epoch_of(attempt);
  if (members == nullptr) return;
  const auto key = members->keys.find(leaf.site);
  if (key == members->keys.end())
    return find(leaf.attempt, fmt::format("site '{}' is not of that roster", leaf.site.text()));
  pending_bytes_ += leaf.statement.size();
  pending_.push_back({{leaves_, leaf.attempt.job.text(), leaf.attempt.round, ""},
                      1,
                      [leaf, key = key->second]() -> std::optional<std::string> {
                        if (audit::verify(leaf.statement, leaf.signature, key)) return std::nullopt;
                        return fmt::format(
                            "what site '{}' states is not signed with its key of the roster",
                            leaf.site.text());
                      }});
}

void Trail::on(const leaf::Agreed& leaf, JobTrail& job, State& state) {
  const AttemptTrail* const attempt = open_attempt(leaf.attempt, job, "evidence");
  if (attempt == nullptr) return;
  if (attempt->summed) return find(leaf.attempt, "evidence after the sum");
  if (leaf.part != state.parts || leaf.part >= kMaxEvidenceParts)
    return find(leaf.attempt, fmt::format("part {} of the evidence where part {} was due",
                                          leaf.part, state.parts));
  ++state.parts;
  state.evidence.insert(state.evidence.end(), leaf.evidence.begin(), leaf.evidence.end());
}

void Trail::on(const leaf::Summed& leaf, JobTrail& job, State& state) {
  AttemptTrail* const attempt = open_attempt(leaf.attempt, job, "a sum");
  if (!state.summed.insert(leaf.attempt.round.round).second)
    find(leaf.attempt, fmt::format("a second release of round {}", leaf.attempt.round.round));
  if (attempt == nullptr || attempt->summed) return;
  attempt->summed = leaf;
  attempt->sum_leaf = leaves_;
  check_set(leaf, *attempt);
  check_evidence(leaf, *attempt, state);
}

void Trail::check_set(const leaf::Summed& leaf, const AttemptTrail& attempt) {
  std::set<base::SiteId> once;
  for (const base::SiteId& site : leaf.sites) {
    if (!once.insert(site).second)
      find(leaf.attempt, fmt::format("site '{}' is in the sum twice", site.text()));
    if (attempt.of(site) == nullptr)
      find(leaf.attempt,
           fmt::format("site '{}' is in the sum, and the log has no answer of it", site.text()));
  }
  const std::size_t least =
      std::max<std::size_t>(attempt.planned.min_sites, least_sites(protection_of(attempt.planned)));
  if (once.size() < least)
    find(leaf.attempt, fmt::format("the sum is over {} sites, and at least {} were promised",
                                   once.size(), least));
}

void Trail::check_evidence(const leaf::Summed& leaf, AttemptTrail& attempt, State& state) {
  const base::Bytes evidence = std::exchange(state.evidence, {});
  if (is_plain(attempt.planned)) {
    if (!evidence.empty() || leaf.evidence != Digest{})
      find(leaf.attempt, "evidence for a sum in the clear, which has none");
    return;
  }
  const auto backend = backend_named(attempt.planned.backend);
  if (!backend) return find(leaf.attempt, backend.error().text());
  if (evidence.empty() || Digest::of(evidence) != leaf.evidence)
    return find(leaf.attempt,
                "the log lacks the sites' signatures under whose sum it is, or has others than "
                "the sum names");
  const Membership* const members = is_asked(leaf.attempt.job) ? epoch_of(attempt) : nullptr;
  if (members == nullptr) return;
  const auto setup = setup_of(attempt.planned, *members);
  if (!setup) return find(leaf.attempt, "the cohort has a site that is not of that roster");
  pending_bytes_ += evidence.size();
  pending_.push_back(
      {{leaves_, leaf.attempt.job.text(), leaf.attempt.round, ""},
       setup->threshold,
       [evidence, setup, &attempt, backend = *backend]() -> std::optional<std::string> {
         auto agreed = backend->agreed(evidence, *setup);
         if (!agreed) return agreed.error().text();
         std::vector<base::SiteId> sites = agreed->sites;
         std::ranges::sort(sites);
         std::vector<base::SiteId> stated = attempt.summed->sites;
         std::ranges::sort(stated);
         attempt.agreed = std::move(*agreed);
         if (sites == stated) return std::nullopt;
         return fmt::format(
             "the sites signed for a sum over {} of them, and the log states another set of {}",
             sites.size(), stated.size());
       }});
}

void Trail::on(const leaf::Stepped& leaf, JobTrail& job, State& state) {
  AttemptTrail* const attempt = open_attempt(leaf.attempt, job, "a step of the model");
  if (attempt == nullptr) return;
  if (!attempt->summed) find(leaf.attempt, "the model moved on without a sum");
  if (leaf.before != attempt->planned.model)
    find(leaf.attempt, fmt::format("the step begins at model {}, asked about was {}",
                                   short_of(leaf.before), short_of(attempt->planned.model)));
  attempt->stepped = leaf;
  state.model = leaf.after;
  state.due = {leaf.attempt.round.round + 1, 0};
}

void Trail::on(const leaf::Aborted& leaf, JobTrail& job, State& state) {
  AttemptTrail* const attempt = open_attempt(leaf.attempt, job, "an end");
  if (attempt == nullptr) return;
  if (attempt->summed && leaf.reason != "failed")
    find(leaf.attempt, fmt::format("ends with '{}' after its sum was opened", leaf.reason));
  attempt->aborted = leaf;
  state.is_unstepped = attempt->summed.has_value();
  state.due = {leaf.attempt.round.round, leaf.attempt.round.attempt + 1};
}

void Trail::on(const leaf::Ended& leaf, JobTrail& job, State& state) {
  job.ended = leaf;
  const bool is_unstepped = std::exchange(state, {}).is_unstepped;
  if (!job.submitted && job.attempts.empty())
    find(leaf.job, {}, "the end of a job without a start");
  if (!job.attempts.empty() && !job.attempts.back().is_over())
    find(leaf.job, job.attempts.back().planned.attempt.round,
         "the job ends while the attempt is open");
  if (is_unstepped && leaf.outcome != "failed")
    find(leaf.job, {},
         fmt::format("{}, and its last sum was opened and led to no model: only a job that failed "
                     "ends so",
                     leaf.outcome));
  const bool is_finished = leaf.outcome == "finished";
  if (is_finished && leaf.model == Digest{}) find(leaf.job, {}, "finished without a model");
  if (!is_finished && leaf.model != Digest{})
    find(leaf.job, {}, fmt::format("{}, and has a model", leaf.outcome));
}

}  // namespace hanse::federation
