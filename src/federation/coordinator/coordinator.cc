#include "federation/coordinator/coordinator.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "federation/coordinator/open_round.h"
#include "federation/round/backends.h"

namespace hanse::federation {

using base::ErrorCode;
using base::fail;
using base::Severity;
using transport::Address;
using transport::Envelope;

namespace {

// A question that fits no message would be asked for ever.
base::Result<void> check_size(const Release& release, const Offer& offer) {
  const Envelope largest = encode(
      CoordinatorMessage{release, Ask{offer, Standing{~std::uint64_t{0}, {}}}}, offer.cohort.at(0));
  if (largest.size() <= base::kMaxMessageBytes) return {};
  return fail(ErrorCode::invalid_argument,
              "the question has {} bytes, {} of them the job's text; at most {} fit a message: "
              "shorten the job file",
              largest.size(), offer.job.size(), base::kMaxMessageBytes);
}

// What sites check for themselves too: they need not trust the one who opens the sum.
base::Result<void> check_noise(const privacy::NoisePlan& noise,
                               const CoordinatorSettings& settings) {
  const std::uint32_t colluders = settings.protection.max_colluders;
  if (noise.shares + colluders > settings.min_sites)
    return fail(ErrorCode::invalid_argument,
                "the noise is whole when {} sites answer that do not collude, {} may, and "
                "min_sites is {}; raise it, or share the noise by fewer",
                noise.shares, colluders, settings.min_sites);
  if (noise.placement == privacy::Placement::coordinator && settings.central_noise == nullptr)
    return fail(ErrorCode::invalid_argument,
                "noise placed 'coordinator' is for simulation; place it 'site'");
  return {};
}

}  // namespace

Coordinator::Coordinator(CoordinatorSettings settings, base::Executor& executor, base::Log& log,
                         ClosedRounds past)
    : settings_(std::move(settings)), executor_(executor), log_(log), past_(std::move(past)) {}

Coordinator::~Coordinator() = default;

base::Result<std::vector<Envelope>> Coordinator::begin(query::QueryPlan plan, std::string job,
                                                       base::Milliseconds now,
                                                       std::span<const base::Bytes> kept) {
  if (open_ != nullptr) return fail(ErrorCode::failed_precondition, "a round is open already");
  if (std::holds_alternative<Released>(record_.state()))
    return fail(ErrorCode::failed_precondition, "the last round is released and not closed");
  HANSE_TRY_VOID(query::check_plan(plan));
  if (plan.max_sites < settings_.cohort.size())
    return fail(ErrorCode::invalid_argument, "a plan for {} sites cannot ask a cohort of {}",
                plan.max_sites, settings_.cohort.size());
  HANSE_TRY_VOID(check_noise(plan.noise, settings_));
  const Release release{plan.job, plan.round};
  ParametersBlob parameters(plan, executor_);
  Offer offer{std::move(plan),
              parameters.manifest(),
              settings_.cohort,
              std::move(job),
              static_cast<std::uint32_t>(settings_.min_sites),
              settings_.protection};
  HANSE_TRY_VOID(check_size(release, offer));
  HANSE_TRY(aggregation::Setup setup, setup_of(offer, settings_.members));
  HANSE_TRY(const Backend* backend, backend_named(offer.protection.backend));
  HANSE_TRY(auto machine, backend->coordinator(setup, kept));
  RoundRecord record;
  HANSE_TRY_VOID(record.append(step::Plan{release, setup.offer}));
  HANSE_TRY_VOID(record.append(step::Admit{settings_.cohort, settings_.min_sites}));
  HANSE_TRY_VOID(record.append(step::Ask{}));
  record_ = std::move(record);
  release_ = release;
  released_.reset();
  durable_.clear();
  statements_.clear();
  declined_.clear();
  evidence_.clear();
  released_digest_.reset();
  planned_ = audit::leaf::Planned{.attempt = {release.job, release.round},
                                  .offer = setup.offer,
                                  .roster = setup.roster,
                                  .job = base::Digest::of(base::view_of(offer.job)),
                                  .model = {},
                                  .cohort = settings_.cohort,
                                  .min_sites = offer.min_sites,
                                  .backend = offer.protection.backend,
                                  .threshold = offer.protection.threshold,
                                  .min_contributors = offer.protection.min_contributors,
                                  .max_colluders = offer.protection.max_colluders};
  sealed_size_ = machine->sealed_size();
  open_ = std::make_unique<OpenRound>(OpenRound{.offer = std::move(offer),
                                                .setup = std::move(setup),
                                                .parameters = std::move(parameters),
                                                .machine = std::move(machine),
                                                .announced = {},
                                                .heard = {},
                                                .left = {},
                                                .line = {},
                                                .upload = {},
                                                .ahead = {},
                                                .retry_at = now,
                                                .word_due = now + settings_.stall,
                                                .deadline = now + settings_.deadline});
  return ask_again(now);
}

std::vector<Envelope> Coordinator::advance(const Envelope& envelope, base::Milliseconds now) {
  if (envelope.from.is_coordinator() ||
      std::ranges::find(settings_.cohort, *envelope.from.site_id()) == settings_.cohort.end()) {
    log_.write(Severity::warning, fmt::format("ignored an envelope from {}", envelope.from.text()));
    return {};
  }
  const base::SiteId& site = *envelope.from.site_id();
  const auto message = decode_from_site(envelope);
  if (!message) {
    log_.write(Severity::warning, fmt::format("ignored a damaged message from site '{}': {}",
                                              site.text(), message.error().text()));
    return {};
  }
  if (open_ == nullptr || message->release != *release_) return hear_late(site, *message);
  if (const auto* contribution = std::get_if<Contribution>(&message->body))
    return hear(site, *contribution, now);
  if (const auto* chunk = std::get_if<SealedChunk>(&message->body)) return hear(site, *chunk, now);
  if (const auto* pull = std::get_if<Pull>(&message->body)) return hear(site, *pull);
  if (const auto* exchange = std::get_if<Exchange>(&message->body))
    return hear(site, *exchange, now);
  declined_.insert(site);
  return refuse(site, "it declined", now);
}

// About a round that is not collecting: whoever still waits for something is told. What is not
// known to be over may be asked again, and its answer is to be kept.
Coordinator::Outbox Coordinator::hear_late(const base::SiteId& site,
                                           const SiteMessage& message) const {
  const auto* contribution = std::get_if<Contribution>(&message.body);
  // Its standing binds the answer, whatever round it was of.
  if (contribution != nullptr && receipted(site) == contribution->standing)
    return {to_site(site, message.release, Receipt{contribution->sealed.digest()})};
  const bool waits = contribution != nullptr || std::holds_alternative<Pull>(message.body);
  if (!waits || !is_over(message.release)) return {};
  return {to_site(site, message.release, Ended{past_.last == message.release})};
}

bool Coordinator::is_over(const Release& release) const {
  if (past_.last && past_.last->job == release.job && release.round <= past_.last->round)
    return true;
  if (!release_ || release_->job != release.job) return false;
  return release.round < release_->round ||
         (release == *release_ && federation::is_over(record_.state()));
}

std::optional<Standing> Coordinator::receipted(const base::SiteId& site) const {
  const auto found = past_.receipted.find(site);
  return found == past_.receipted.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Envelope> Coordinator::reconnected(const base::SiteId& site, base::Milliseconds now) {
  if (open_ == nullptr) return {};
  const auto& standing = std::get<Collecting>(record_.state()).standing;
  const auto found = standing.find(site);
  if (found == standing.end() || open_->left.contains(site)) return {};
  // Also one that has announced: its store may be an old copy, which only a question shows. One
  // that is counted only where the protocol has more to say.
  Outbox out = ask(site);
  if (found->second == SiteStanding::counted && out.size() == 1) out.clear();
  if (Upload* const upload = open_->upload_of(site)) {
    upload->receiver.give_up_waiting();
    if (upload == &*open_->upload) append(out, pull(now));
  }
  return out;
}

std::vector<Envelope> Coordinator::advance(base::Milliseconds now) {
  if (open_ == nullptr) return {};
  if (now >= open_->deadline) {
    open_->deadline = now + settings_.deadline;
    return give_up(open_->machine->waiting_for(), "time is up", now, AbortReason::deadline);
  }
  const std::vector<base::SiteId> silent = owing_a_word();
  if (!silent.empty() && now >= open_->word_due)
    return give_up(silent, "it says nothing more", now, AbortReason::too_few_sites);
  Outbox out;
  if (open_->upload) {
    Upload& upload = *open_->upload;
    // With nobody waiting, a slow site keeps its turn and what came so far.
    const bool over = now >= upload.stall_at || now >= upload.turn_ends;
    if (over && open_->others_wait()) {
      append(out, give_turn_away(now));
    } else if (now >= upload.retry_at) {
      upload.receiver.give_up_waiting();
      ++upload.silences;
      append(out, pull(now));
    }
  }
  if (now >= open_->retry_at) append(out, ask_again(now));
  return out;
}

std::optional<base::Milliseconds> Coordinator::next_deadline() const {
  if (open_ == nullptr) return std::nullopt;
  base::Milliseconds next = std::min(open_->deadline, open_->retry_at);
  if (!owing_a_word().empty()) next = std::min(next, open_->word_due);
  if (const auto& upload = open_->upload) {
    next = std::min(next, upload->retry_at);
    if (open_->others_wait()) next = std::min({next, upload->stall_at, upload->turn_ends});
  }
  return next;
}

std::vector<Envelope> Coordinator::missed(const base::SiteId& site, base::Milliseconds now) {
  if (open_ == nullptr) return {};
  return refuse(site, "it is not there", now);
}

std::vector<Envelope> Coordinator::cancel() {
  if (open_ == nullptr && !std::holds_alternative<Released>(record_.state())) return {};
  return abort(AbortReason::cancelled);
}

const RoundRecord& Coordinator::record() const { return record_; }

std::vector<step::Count> Coordinator::contributions() const {
  std::vector<step::Count> counted;
  for (const RoundStep& step : record_.steps())
    if (const auto* count = std::get_if<step::Count>(&step)) counted.push_back(*count);
  return counted;
}

base::Result<privacy::Released> Coordinator::take_released() {
  if (const auto* aborted = std::get_if<Aborted>(&record_.state()))
    return fail(ErrorCode::aborted, "round {} was aborted: {}", release_->round.round,
                name_of(aborted->reason));
  if (!released_)
    return fail(ErrorCode::failed_precondition, "there is no result to take in state '{}'",
                name_of(record_.state()));
  privacy::Released released = *std::move(released_);
  released_.reset();
  return released;
}

Coordinator::Outbox Coordinator::hear(const base::SiteId& site, const Pull& pull) const {
  if (pull.blob != open_->parameters.digest()) return {};
  Outbox out;
  for (const std::uint32_t index : pull.chunks)
    if (index < open_->parameters.manifest().chunks.size())
      out.push_back(to_site(site, *release_, open_->parameters.chunk(index)));
  return out;
}

// What a machine says is said by somebody of its cohort, and a lie is the end of it.
Coordinator::Outbox Coordinator::hear(const base::SiteId& site, const Exchange& exchange,
                                      base::Milliseconds now) {
  if (open_->left.contains(site)) return {};
  auto step = open_->machine->advance(site, exchange.bytes());
  if (!step) return refuse(site, step.error().text(), now);
  open_->heard.insert(site);
  return carry_out(*std::move(step), now);
}

// Sends what the machine says, and goes on to whatever is next.
Coordinator::Outbox Coordinator::carry_out(aggregation::CoordinatorStep step,
                                           base::Milliseconds now) {
  std::ranges::move(step.durable, std::back_inserter(durable_));
  Outbox out;
  for (aggregation::ToSite& one : step.send)
    out.push_back(to_site(one.site, *release_, std::move(one.exchange)));
  // What is said to one site alone is said again, and nothing has moved on.
  if (out.size() > 1) {
    open_->times_asked = 0;
    open_->retry_at = now + settings_.retry;
    open_->word_due = now + settings_.stall;
  }
  if (open_->machine->is_done()) {
    append(out, finish());
    return out;
  }
  if (!open_->takes_inputs && std::ranges::any_of(settings_.cohort, [this](const auto& site) {
        return open_->machine->wants_input(site);
      })) {
    open_->takes_inputs = true;
    open_->deadline = now + settings_.deadline;
  }
  append(out, open_->upload ? look_ahead() : next_upload(now));
  return out;
}

// Those that have spoken before and need no computing for what is next.
std::vector<base::SiteId> Coordinator::owing_a_word() const {
  std::vector<base::SiteId> sites = open_->machine->waiting_for();
  std::erase_if(sites, [this](const base::SiteId& site) {
    return !open_->heard.contains(site) || open_->machine->wants_input(site);
  });
  return sites;
}

Coordinator::Outbox Coordinator::give_up(const std::vector<base::SiteId>& sites,
                                         std::string_view why, base::Milliseconds now,
                                         AbortReason otherwise) {
  Outbox out;
  for (const base::SiteId& site : sites)
    if (open_ != nullptr) append(out, refuse(site, why, now, otherwise));
  return out;
}

// The site is out of this round: what it has contributed stays, and more is not heard of it.
Coordinator::Outbox Coordinator::refuse(const base::SiteId& site, std::string_view why,
                                        base::Milliseconds now, AbortReason otherwise) {
  if (!open_->left.insert(site).second) return {};
  if (record_.append(step::Refuse{site}))
    log_.write(Severity::note, fmt::format("round {} goes on without site '{}': {}",
                                           release_->round.round, site.text(), why));
  std::erase(open_->line, site);
  if (open_->upload && open_->upload->site == site) open_->upload.reset();
  if (open_->ahead && open_->ahead->site == site) open_->ahead.reset();
  auto step = open_->machine->leave(site);
  if (step) return carry_out(*std::move(step), now);
  log_.write(Severity::note,
             fmt::format("round {}: {}", release_->round.round, step.error().text()));
  return abort(otherwise);
}

// Whoever is waited for and is not in line with an answer: the question, and all that was said
// since.
Coordinator::Outbox Coordinator::ask_again(base::Milliseconds now) {
  open_->retry_at = now + doubled(settings_.retry, open_->times_asked++);
  Outbox out;
  const auto& standing = std::get<Collecting>(record_.state()).standing;
  for (const base::SiteId& site : open_->machine->waiting_for())
    if (standing.at(site) != SiteStanding::announced) append(out, ask(site));
  return out;
}

Coordinator::Outbox Coordinator::ask(const base::SiteId& site) const {
  Outbox out{to_site(site, *release_, Ask{open_->offer, receipted(site)})};
  for (Exchange& exchange : open_->machine->said_to(site))
    out.push_back(to_site(site, *release_, std::move(exchange)));
  return out;
}

// Steps 10 and 11.
Coordinator::Outbox Coordinator::finish() {
  if (const auto done = add_up_and_release(); !done) {
    log_.write(Severity::problem, fmt::format("round {} has no result: {}", release_->round.round,
                                              done.error().text()));
    return abort(AbortReason::failed);
  }
  open_.reset();
  return {};
}

base::Result<void> Coordinator::add_up_and_release() {
  HANSE_TRY_VOID(record_.append(step::AddUp{}));
  evidence_ = open_->machine->evidence();
  HANSE_TRY(aggregation::Sum sum, std::move(*open_->machine).finish());
  const query::QueryPlan& plan = open_->offer.plan;
  if (plan.noise.placement == privacy::Placement::coordinator) {
    HANSE_TRY(released_,
              privacy::Released::with_central_noise(plan.layout, std::move(sum).open(), plan.noise,
                                                    *settings_.central_noise));
  } else {
    HANSE_TRY(released_, privacy::Released::create(plan.layout, std::move(sum).open()));
  }
  released_digest_ = digest_of(*released_);
  return record_.append(step::Open{});
}

audit::leaf::Planned Coordinator::planned(const base::Digest& model) const {
  audit::leaf::Planned leaf = planned_.value();
  leaf.model = model;
  return leaf;
}

std::vector<audit::Leaf> Coordinator::outcome() const {
  std::vector<audit::Leaf> leaves;
  const audit::Attempt& attempt = planned_.value().attempt;
  for (const base::SiteId& site : settings_.cohort)
    if (const auto said = statements_.find(site); said != statements_.end())
      leaves.push_back(
          audit::leaf::Contributed{attempt, site, said->second.bytes, said->second.signature});
  if (const auto* aborted = std::get_if<Aborted>(&record_.state())) {
    leaves.push_back(audit::leaf::Aborted{attempt, std::string(name_of(aborted->reason))});
    return leaves;
  }
  HANSE_CHECK(released_digest_.has_value());
  for (std::size_t at = 0; at < evidence_.size(); at += audit::leaf::kMaxEvidencePart) {
    const base::ByteView part = base::ByteView(evidence_).subspan(
        at, std::min(audit::leaf::kMaxEvidencePart, evidence_.size() - at));
    leaves.push_back(
        audit::leaf::Agreed{attempt,
                            static_cast<std::uint32_t>(at / audit::leaf::kMaxEvidencePart),
                            {part.begin(), part.end()}});
  }
  std::vector<base::SiteId> sites;
  for (const step::Count& count : contributions()) sites.push_back(count.site);
  std::ranges::sort(sites);
  leaves.push_back(audit::leaf::Summed{
      attempt, std::move(sites), evidence_.empty() ? base::Digest{} : base::Digest::of(evidence_),
      *released_digest_});
  return leaves;
}

// Step 13.
base::Result<std::vector<Envelope>> Coordinator::close() {
  HANSE_TRY_VOID(record_.append(step::Close{}));
  past_.last = release_;
  std::map<base::SiteId, Receipt> receipts;
  for (const step::Count& count : contributions()) {
    past_.receipted.insert_or_assign(count.site, count.standing);
    receipts.emplace(count.site, Receipt{count.sealed});
  }
  Outbox out;
  for (const base::SiteId& site : settings_.cohort) {
    const auto found = receipts.find(site);
    out.push_back(found == receipts.end() ? to_site(site, *release_, Ended{true})
                                          : to_site(site, *release_, found->second));
  }
  return out;
}

Coordinator::Outbox Coordinator::abort(AbortReason reason) {
  const auto ended = record_.append(step::Abort{reason});
  HANSE_CHECK(ended.has_value());
  open_.reset();
  released_.reset();
  Outbox out;
  for (const base::SiteId& site : settings_.cohort)
    out.push_back(to_site(site, *release_, Ended{false}));
  return out;
}

}  // namespace hanse::federation
